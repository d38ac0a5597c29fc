//! Reports calls that are sent again: while they are repeated, and their number at the end.
//!
//! In: the events of a run. Out: lines on standard error. With a progress bar the bar shows the retries as they happen,
//! and here only their number; without one a line is printed when a wait gets long, so that a run which seems to do
//! nothing says why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::output;
use crate::apply::{Event, Listener};
use crate::model::wording::pluralize;

/// The shortest wait, in seconds, that is worth a line.
const LONG_WAIT: f64 = 1.0;

/// Time between two lines about one connection.
const PAUSE: Duration = Duration::from_secs(10);

/// Counts the retries of a run, and prints lines about long ones. Clones share their counts.
#[derive(Clone, Default)]
pub struct Retries(Arc<Mutex<BTreeMap<String, ConnectionRetries>>>);

/// The retries at one connection.
#[derive(Default)]
struct ConnectionRetries {
    count: usize,
    /// When the last line was printed.
    printed: Option<Instant>,
}

impl Retries {
    /// Counts an event, and prints a line about it if `prints` and it is a long wait that was not told just now.
    pub fn hear(&self, event: &Event, prints: bool) {
        if let Some(line) = self.take(event, Instant::now()).filter(|_| prints) {
            output::print_note(&line);
        }
    }

    /// Counts an event; returns the line about a long wait.
    fn take(&self, event: &Event, now: Instant) -> Option<String> {
        let Event::Retried {
            connection,
            wait_seconds,
            ..
        } = event
        else {
            return None;
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let retries = all.entry(connection.clone()).or_default();
        retries.count += 1;
        let is_due = retries
            .printed
            .is_none_or(|printed| now.duration_since(printed) >= PAUSE);
        if *wait_seconds < LONG_WAIT || !is_due {
            return None;
        }
        retries.printed = Some(now);
        let line = describe_retry(event)?;
        Some(format!("{line}; again in {wait_seconds:.1} s"))
    }

    /// Prints how many calls were sent again, if any were.
    pub fn print_count(&self) {
        if let Some(count) = self.describe_count() {
            output::print_note(&count);
        }
    }

    /// Counts the retries, for example `Sent again: 2 calls to eu, 5 calls to lac.`; `None` if there were none. The count
    /// begins anew.
    fn describe_count(&self) -> Option<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = std::mem::take(&mut *all);
        let each: Vec<String> = counts
            .iter()
            .map(|(name, retries)| format!("{} to {name}", pluralize(retries.count, "call")))
            .collect();
        (!each.is_empty()).then(|| format!("Sent again: {}.", each.join(", ")))
    }

    /// Returns a listener for commands without a progress bar.
    pub fn listener(&self) -> Listener {
        let retries = self.clone();
        Listener::new(move |event| retries.hear(event, true))
    }
}

/// Describes a retry, for example `lac: retrying (2 of 5): connection refused`; `None` for another event.
pub fn describe_retry(event: &Event) -> Option<String> {
    let Event::Retried {
        connection,
        tries,
        max_tries,
        why,
        ..
    } = event
    else {
        return None;
    };
    let most = max_tries.saturating_sub(1);
    Some(format!("{connection}: retrying ({tries} of {most}): {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Method;

    fn retried(connection: &str, tries: usize, wait: f64) -> Event {
        let call = (Method::Get, "/orders");
        Event::retried(connection, call, (tries, 6), wait, "answered 503".into())
    }

    #[test]
    fn a_long_wait_is_told_and_the_next_only_after_a_while() {
        let retries = Retries::default();
        let start = Instant::now();
        let mut lines = Vec::new();
        for (connection, tries, wait, seconds) in [
            ("lac", 1, 0.3, 0),
            ("lac", 2, 1.5, 1),
            ("lac", 3, 3.0, 2),
            ("eu", 1, 60.0, 3),
            ("lac", 4, 6.0, 12),
        ] {
            let now = start + Duration::from_secs(seconds);
            lines.extend(retries.take(&retried(connection, tries, wait), now));
        }
        let expected = [
            "lac: retrying (2 of 5): answered 503; again in 1.5 s",
            "eu: retrying (1 of 5): answered 503; again in 60.0 s",
            "lac: retrying (4 of 5): answered 503; again in 6.0 s",
        ];
        assert_eq!(lines, expected);
        let count = "Sent again: 1 call to eu, 4 calls to lac.";
        assert_eq!(retries.describe_count().as_deref(), Some(count));
        assert_eq!(retries.describe_count(), None);
    }
}
