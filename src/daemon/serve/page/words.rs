//! Small texts of the page: counts, ages, names of states.

use jiff::Timestamp;
use maud::{Markup, html};

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
    html! { time datetime=(exact) title=(exact) { (describe_age(at.duration_since(now))) } }
}

/// Returns the first 12 characters of a commit or hash.
pub fn short_revision(revision: &str) -> String {
    let bare = revision.strip_prefix("sha256:").unwrap_or(revision);
    bare.chars().take(12).collect()
}
