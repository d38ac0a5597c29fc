//! Small texts of the page: counts, ages, names of states.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::daemon::status::ObjectState;

/// Returns a state in plain words.
pub fn state_words(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Unseen => "not looked at yet",
        ObjectState::InSync => "in sync",
        ObjectState::AsApplied => "left as last applied",
        ObjectState::NeverApplied => "never applied",
        ObjectState::Differs => "differs",
        ObjectState::Waiting => "waiting for its window",
        ObjectState::Refused => "held back",
        ObjectState::Fought => "fought over",
        ObjectState::Failed => "failed",
        ObjectState::Missing => "missing",
        ObjectState::Suspended => "suspended",
        ObjectState::Elsewhere => "with another replica",
    }
}

/// Renders a moment as its distance from now, with the exact time as its title.
pub fn time_element(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    html! { time datetime=(exact) title=(exact) { (age_words(at.duration_since(now))) } }
}

/// Returns a distance in time in one unit, such as `45 s ago` or `in 10 min`.
fn age_words(ahead: SignedDuration) -> String {
    let seconds = ahead.as_secs().unsigned_abs();
    let amount = match seconds {
        0..=1 => return "just now".into(),
        2..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    };
    if ahead.is_positive() {
        format!("in {amount}")
    } else {
        format!("{amount} ago")
    }
}

/// Returns the first 12 characters of a commit or hash.
pub fn short_revision(revision: &str) -> String {
    let bare = revision.strip_prefix("sha256:").unwrap_or(revision);
    bare.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_one_unit_and_a_direction() {
        for (seconds, words) in [
            (0, "just now"),
            (-1, "just now"),
            (-45, "45 s ago"),
            (-119, "119 s ago"),
            (-120, "2 min ago"),
            (600, "in 10 min"),
            (-7_200, "2 h ago"),
            (-172_800, "2 d ago"),
        ] {
            assert_eq!(age_words(SignedDuration::from_secs(seconds)), words);
        }
    }
}
