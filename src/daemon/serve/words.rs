//! Small texts that the page and the terminal share: ages, names of states.

use jiff::Timestamp;

use crate::daemon::status::ObjectState;
use crate::model::wording::describe_age;

/// Returns a state in plain words.
pub fn state_words(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Unseen => "not looked at yet",
        ObjectState::InSync => "in sync",
        ObjectState::AsApplied => "left as last applied",
        ObjectState::NeverApplied => "never applied",
        ObjectState::Differs => "differs",
        ObjectState::Waiting => "waiting to be written",
        ObjectState::Refused => "held back",
        ObjectState::Fought => "fought over",
        ObjectState::Failed => "failed",
        ObjectState::Missing => "missing",
        ObjectState::Suspended => "suspended",
        ObjectState::Elsewhere => "with another replica",
    }
}

/// Returns the words for how many objects are in a state, without the number: `2 differ`, `1 differs`.
pub fn count_words(state: ObjectState, number: usize) -> &'static str {
    match state {
        ObjectState::Differs if number != 1 => "differ",
        state => state_words(state),
    }
}

/// Returns the distance of a moment from now in one unit, such as `45 s ago` or `in 10 min`.
pub fn relative_time(at: Timestamp, now: Timestamp) -> String {
    describe_age(at.duration_since(now))
}

/// Returns the first 12 characters of a commit or hash.
pub fn short_revision(revision: &str) -> String {
    let bare = revision.strip_prefix("sha256:").unwrap_or(revision);
    bare.chars().take(12).collect()
}

/// Returns a period of a rate: `5 s`, `1 min`.
pub fn period_words(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 60.0 && seconds % 60.0 == 0.0 => format!("{} min", seconds / 60.0),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_short() {
        assert_eq!(period_words(5.0), "5 s");
        assert_eq!(period_words(60.0), "1 min");
        assert_eq!(period_words(90.0), "90 s");
    }
}
