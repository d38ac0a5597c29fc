//! The progress bar on standard error.
//!
//! In: the `Event`s that every listener of a run gets. Out: one line that is redrawn, and removed before
//! anything else is printed. The bar must not decide anything or read a vendor: a run without it does
//! exactly the same.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::apply::Event;
use crate::model::wording::shorten;
use crate::render::safe::make_visible;

/// Delay before the bar is drawn. A run that ends earlier shows none: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

/// Longest message beside the bar, in characters, so that the bar fits one line of a narrow terminal.
const LONGEST: usize = 48;

/// A handle on the bar; clones share the same bar. Holds the connections that are being read.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    read: Arc<Mutex<Vec<String>>>,
}

/// The facts that decide whether a bar is drawn, separate from the environment for the tests.
#[derive(Clone, Copy, Debug)]
struct Surroundings<'a> {
    terminal: bool,
    ci: Option<&'a str>,
    term: Option<&'a str>,
}

impl Surroundings<'_> {
    /// Reports whether a bar is of use: standard error is a terminal that can redraw a line, outside CI.
    ///
    /// `CI=false` and an empty `CI` count as no CI, as other tools read them.
    fn want_a_bar(self) -> bool {
        let ci = self
            .ci
            .is_some_and(|value| !value.is_empty() && value != "false");
        self.terminal && !ci && self.term != Some("dumb")
    }
}

impl Progress {
    /// Starts a bar that appears after `PATIENCE`.
    ///
    /// Returns `None` where a bar is of no use, or outside a tokio runtime, which the delay needs. With
    /// `NO_COLOR` set to anything but the empty text, the bar has no colours.
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

    /// Moves the bar on by one event.
    ///
    /// The length grows while connections are read: two connections of 40 and 10 objects make a bar of
    /// 50, and each is counted when it has been read whole. A plan restarts the bar over the objects to
    /// update.
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
                // then.
                if self.bar.position() < self.bar.length().unwrap_or(0) {
                    self.bar.inc(1);
                }
            }
            Event::Version { .. } | Event::Summary { .. } => {}
        }
    }

    /// Returns the connections that are being read, in the order in which they began.
    fn under_way(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        // A thread that panicked cannot have left half a name in the list, so a poisoned lock is usable.
        // A list of names is whole at any time.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a text beside the bar, shortened and with control characters made visible.
    fn say(&self, text: &str) {
        self.bar
            .set_message(shorten(&make_visible(text), LONGEST).into_owned());
    }

    /// Removes the bar before something is printed, so that the two do not share a line.
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
