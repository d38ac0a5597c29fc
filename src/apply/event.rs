//! Describes what happens in a run, as it happens: one type for `--events`, progress bars and the daemon.
//!
//! The code that carries out a run tells a [`Listener`] and never learns who listens, so that a display can neither
//! delay nor fail a write. An event holds what a plan may show and no more: no body, no secret.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Report};
use crate::model::Method;
use crate::plan::document::{ObjectEntry, PlanDocument, Summary, Tool};

/// Additive changes raise the minor; readers refuse an unknown major.
pub const FORMAT_VERSION: &str = "1.0";

/// Something that happened. Readers pass over types that they do not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The first of every stream.
    Version {
        format_version: String,
        tool: Tool,
        /// The run, as the journal names it.
        run: String,
    },
    /// The objects of a connection are being read.
    Observing { connection: String, objects: usize },
    /// They have been read.
    Observed { connection: String, objects: usize },
    /// A plan is about to be carried out.
    Planned {
        digest: String,
        objects: usize,
        /// Objects that will be written.
        update: usize,
        requests: usize,
        estimated_seconds: f64,
    },
    /// The turn of an object has come.
    Started {
        address: String,
        vendor: String,
        connection: String,
        method: Method,
        path: String,
    },
    /// A call got no answer, or one that may pass, and is sent again.
    Retried {
        connection: String,
        method: Method,
        path: String,
        /// Tries so far.
        tries: usize,
        /// Tries at most, the first included; 0 where an older version wrote the event.
        #[serde(default)]
        max_tries: usize,
        wait_seconds: f64,
        why: String,
    },
    /// An object has ended; also those that were not written although something is the matter with them.
    Done {
        address: String,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        side_effects: Vec<String>,
    },
    /// The last of every stream that came to its end.
    Summary { summary: Summary, exit_code: u8 },
}

impl Event {
    pub fn version(run: &str) -> Self {
        Self::Version {
            format_version: FORMAT_VERSION.into(),
            tool: Tool::this(),
            run: run.into(),
        }
    }

    pub fn planned(document: &PlanDocument) -> Self {
        Self::Planned {
            digest: document.digest.clone(),
            objects: document.summary.objects,
            update: document.summary.writing(),
            requests: document.summary.requests,
            estimated_seconds: document.summary.estimated_seconds,
        }
    }

    /// Nothing for an object without a write.
    pub fn started(entry: &ObjectEntry) -> Option<Self> {
        let call = entry.calls.first()?;
        Some(Self::Started {
            address: entry.address.clone(),
            vendor: entry.vendor.clone(),
            connection: entry.connection.clone(),
            method: call.method,
            path: call.path.clone(),
        })
    }

    /// A call that is sent again after `wait` seconds: `tries` are those so far, and those at most.
    pub fn retried(
        connection: &str,
        (method, path): (Method, &str),
        (tries, max_tries): (usize, usize),
        wait: f64,
        why: String,
    ) -> Self {
        Self::Retried {
            connection: connection.into(),
            method,
            path: path.into(),
            tries,
            max_tries,
            wait_seconds: (wait * 1000.0).round() / 1000.0,
            why,
        }
    }

    /// Nothing for an object that had nothing to do.
    pub fn done(report: &Report) -> Option<Self> {
        Some(Self::Done {
            address: report.planned.desired.address.to_string(),
            outcome: report.outcome?,
            message: report.message.clone(),
            side_effects: report.side_effects.clone(),
        })
    }
}

/// An event with its time: one line of `--events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle event")]
pub struct Line {
    /// When it happened, in UTC.
    pub at: String,
    #[serde(flatten)]
    pub event: Event,
}

impl Line {
    pub fn new(event: Event, now: Timestamp) -> Self {
        Self {
            at: now.to_string(),
            event,
        }
    }
}

type Hear = dyn Fn(&Event) + Send + Sync;

/// The receiver of the events of a run; by default none.
#[derive(Clone, Default)]
pub struct Listener(Option<Arc<Hear>>);

impl Listener {
    /// `hear` is called in the middle of a run: it must be quick, and keep its own failures.
    pub fn new(hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    /// Passes an event to the receiver. The event is only made if there is one.
    pub fn tell(&self, event: impl FnOnce() -> Option<Event>) {
        if let Some(hear) = &self.0
            && let Some(event) = event()
        {
            hear(&event);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Listener"
        } else {
            "nobody"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_line_names_its_type_and_its_time() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let event = Event::Done {
            address: "LacLicenseOrder/a".into(),
            outcome: Outcome::Converged,
            message: None,
            side_effects: Vec::new(),
        };
        let line = serde_json::to_string(&Line::new(event.clone(), now)).unwrap();
        assert_eq!(
            line,
            r#"{"at":"2026-11-21T12:00:00Z","type":"done","address":"LacLicenseOrder/a","outcome":"converged"}"#
        );
        let read: Line = serde_json::from_str(&line).unwrap();
        assert_eq!(read.event, event);
    }

    #[test]
    fn nobody_listening_costs_no_event() {
        Listener::default().tell(|| panic!("made for nobody"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let listener = Listener::new(move |event| ears.lock().unwrap().push(event.clone()));
        listener.tell(|| None);
        listener.tell(|| Some(Event::version("r")));
        assert_eq!(*heard.lock().unwrap(), [Event::version("r")]);
    }
}
