//! When a write is verified by reading the object again: once an hour for each account.
//!
//! A reply that shows the object as it was asked for is believed, which saves one call per write. A vendor that
//! replies so and does nothing would be believed for ever; this finds it out within an hour.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// When writes of each connection were last read back.
#[derive(Debug, Default)]
pub struct ReadBackTimer(BTreeMap<String, Instant>);

impl ReadBackTimer {
    /// Reports whether the writes that follow are to be read back, and records that they are. The first writes after
    /// the start are.
    pub fn is_due(&mut self, connection: &str, now: Instant) -> bool {
        let last = self.0.get(connection);
        let due = last.is_none_or(|last| now.saturating_duration_since(*last) >= EVERY);
        if due {
            self.0.insert(connection.to_string(), now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_of_each_account_are_read_back_once_an_hour() {
        let mut read_back = ReadBackTimer::default();
        let start = Instant::now();
        let mut due = |connection: &str, minutes: u64| {
            read_back.is_due(connection, start + Duration::from_secs(minutes * 60))
        };
        assert!(due("lac", 0));
        assert!(!due("lac", 59));
        assert!(due("cryptlex", 59), "each account has its own hour");
        assert!(due("lac", 60));
        assert!(!due("lac", 119));
        assert!(due("lac", 500));
    }
}
