//! The progress bar on standard error.
//!
//! In: the `Event`s that every listener of a run gets. Out: one line that is redrawn, and removed before
//! anything else is printed. The bar must not decide anything or read a vendor: a run without it does
//! exactly the same.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::retries;
use crate::apply::Event;
use crate::render::safe::make_visible;

/// Delay before the bar is drawn. A run that ends earlier shows none: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);

/// A handle on the bar; clones share the same bar. Holds the connections that are being read.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    read: Arc<Mutex<Vec<String>>>,
    /// True if the line has no colours.
    plain: bool,
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

/// The content of the line.
#[derive(Clone, Copy)]
enum Shown {
    /// A bar, and beside it the object or connection that is being worked on.
    Bar,
    /// Why nothing moves.
    Message,
}

/// Returns the template of the line. All but the message takes 37 columns at most, and the message what is left of the
/// line, so that nothing wraps from 40 columns on.
fn template(shown: Shown, plain: bool) -> &'static str {
    match (shown, plain) {
        (Shown::Bar, true) => "{spinner} {prefix} {bar:12} {pos}/{len} {wide_msg}",
        (Shown::Bar, false) => {
            "{spinner:.cyan} {prefix} {bar:12.cyan/dim} {pos}/{len} {wide_msg:.dim}"
        }
        (Shown::Message, true) => "{spinner} {wide_msg}",
        (Shown::Message, false) => "{spinner:.cyan} {wide_msg}",
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
        let shown = bar.clone();
        runtime.spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.enable_steady_tick(Duration::from_millis(120));
        });
        let progress = Self {
            bar,
            read: Arc::default(),
            plain,
        };
        progress.show(Shown::Bar);
        Some(progress)
    }

    /// Changes what the line shows.
    fn show(&self, shown: Shown) {
        if let Ok(style) = ProgressStyle::with_template(template(shown, self.plain)) {
            self.bar.set_style(style.progress_chars("━╸─"));
        }
    }

    /// Moves the bar on by one event.
    ///
    /// The length grows while connections are read: two connections of 40 and 10 objects make a bar of
    /// 50, and each is counted when it has been read whole. A plan restarts the bar over the objects to
    /// update.
    pub fn hear(&self, event: &Event) {
        self.show(match event {
            Event::Retried { .. } => Shown::Message,
            _ => Shown::Bar,
        });
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
            Event::Retried { .. } => {
                self.say(&retries::describe_retry(event).unwrap_or_default());
            }
            Event::Done { .. } => {
                // The bar must not go past its length.
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
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a text beside the bar, with control characters made visible. It is cut to what the terminal has room for.
    fn say(&self, text: &str) {
        self.bar.set_message(make_visible(text).into_owned());
    }

    /// Removes the bar before something is printed, so that the two do not share a line.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    /// A terminal of some width that keeps what is written.
    #[derive(Clone, Debug)]
    struct Screen {
        width: u16,
        written: Arc<Mutex<Vec<String>>>,
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.width
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            let mut written = self.written.lock().unwrap();
            written.push(anstream::adapter::strip_str(text).to_string());
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_line_is_wider_than_its_terminal() {
        for width in [40, 80] {
            let written = Arc::default();
            let screen = Screen {
                width,
                written: Arc::clone(&written),
            };
            let target = ProgressDrawTarget::term_like(Box::new(screen));
            let bar = ProgressBar::with_draw_target(Some(0), target);
            let progress = Progress {
                bar,
                read: Arc::default(),
                plain: true,
            };
            progress.show(Shown::Bar);
            progress.hear(&Event::Observing {
                connection: "a-connection-with-a-long-name-of-its-own".into(),
                objects: 10_000,
            });
            progress.hear(&Event::retried(
                "lac",
                (
                    crate::model::Method::Get,
                    "/license-orders?activation_key=1",
                ),
                (2, 6),
                1.5,
                "cannot connect to licences.example.com:443: connection refused".into(),
            ));
            progress.show(Shown::Bar);
            progress.bar.set_prefix("Applying");
            progress.bar.set_position(9_999);
            progress.bar.tick();
            let written = written.lock().unwrap();
            assert!(
                written
                    .iter()
                    .any(|line| line.contains("lac: retrying (2 of 5)")),
                "{written:?}"
            );
            for line in written.iter() {
                assert!(line.width() <= usize::from(width), "{width}: {line}");
            }
        }
    }

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
