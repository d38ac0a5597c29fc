//! The progress bar: on stderr, made from the same events that everybody gets, and gone when there is
//! something to read.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::Event;
use crate::model::wording::shorten;
use crate::render::safe::make_visible;

/// Runs that take less show no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

/// Characters of what is going on, so that the bar keeps to one line of a narrow terminal.
const LONGEST: usize = 48;

#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    read: Arc<Mutex<Vec<String>>>,
}

/// What decides whether there is a bar.
#[derive(Clone, Copy, Debug)]
struct Surroundings<'a> {
    terminal: bool,
    ci: Option<&'a str>,
    term: Option<&'a str>,
}

impl Surroundings<'_> {
    fn want_a_bar(self) -> bool {
        let ci = self
            .ci
            .is_some_and(|value| !value.is_empty() && value != "false");
        self.terminal && !ci && self.term != Some("dumb")
    }
}

impl Progress {
    /// A bar that shows itself after a while, where somebody looks on. Needs a runtime.
    pub fn start() -> Option<Self> {
        let (ci, term) = (std::env::var("CI").ok(), std::env::var("TERM").ok());
        let surroundings = Surroundings {
            terminal: std::io::stderr().is_terminal(),
            ci: ci.as_deref(),
            term: term.as_deref(),
        };
        if !surroundings.want_a_bar() {
            return None;
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let template = if plain {
            "{spinner} {prefix} {bar:24} {pos}/{len}  {msg}"
        } else {
            "{spinner:.cyan} {prefix} {bar:24.cyan/dim} {pos}/{len}  {msg:.dim}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        let shown = bar.clone();
        runtime.spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.enable_steady_tick(Duration::from_millis(120));
        });
        Some(Self {
            bar,
            read: Arc::default(),
        })
    }

    pub fn hear(&self, event: &Event) {
        match event {
            Event::Observing {
                connection,
                objects,
            } => {
                let mut under_way = self.under_way();
                under_way.push(connection.clone());
                self.bar.set_prefix("Reading");
                self.bar.inc_length(*objects as u64);
                self.say(&under_way.join(", "));
            }
            Event::Observed {
                connection,
                objects,
            } => {
                let mut under_way = self.under_way();
                under_way.retain(|name| name != connection);
                self.bar.inc(*objects as u64);
                self.say(&under_way.join(", "));
            }
            Event::Planned { update, .. } => {
                self.bar.reset();
                self.bar.set_length(*update as u64);
                self.bar.set_prefix("Applying");
                self.say("");
            }
            Event::Started { address, .. } => self.say(address),
            Event::Retried {
                connection,
                wait_seconds,
                why,
                ..
            } => {
                self.say(&format!(
                    "{connection}: {why}, again in {wait_seconds:.1} s"
                ));
            }
            Event::Done { .. } => {
                if self.bar.position() < self.bar.length().unwrap_or(0) {
                    self.bar.inc(1);
                }
            }
            Event::Version { .. } | Event::Summary { .. } => {}
        }
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        // A list of names is whole at any time.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, text: &str) {
        self.bar
            .set_message(shorten(&make_visible(text), LONGEST).into_owned());
    }

    /// Takes the bar away before something is printed.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_for_somebody_who_looks_on() {
        let here = Surroundings {
            terminal: true,
            ci: None,
            term: Some("xterm"),
        };
        assert!(here.want_a_bar());
        assert!(
            Surroundings {
                ci: Some("false"),
                ..here
            }
            .want_a_bar()
        );
        for without in [
            Surroundings {
                terminal: false,
                ..here
            },
            Surroundings {
                ci: Some("true"),
                ..here
            },
            Surroundings {
                ci: Some("1"),
                ..here
            },
            Surroundings {
                term: Some("dumb"),
                ..here
            },
        ] {
            assert!(!without.want_a_bar(), "{without:?}");
        }
    }
}
