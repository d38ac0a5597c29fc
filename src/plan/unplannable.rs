//! The reason for which an object cannot be planned, or its write not be sent.

use jiff::Timestamp;

use super::unseen::NotShown;
use crate::provider::WouldLose;

/// A rule that a step breaks: a bug of this program, so nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    #[error("a step without a change")]
    NoChange,
    #[error("a write without a body")]
    NoBody,
    #[error("a write with a body that its call does not take")]
    Body,
    #[error("{0} would be sent by another call than its own")]
    ForeignMember(String),
    #[error("not exactly one write carries out the change of {0}")]
    NotCarriedOutOnce(String),
    #[error("{0} would vanish though the plan does not say so")]
    LostElement(String),
    #[error("{0} would be added though the plan does not say so")]
    AddedElement(String),
    #[error("{0} would change though the plan does not say so")]
    UnaskedValue(String),
    #[error("{0} would be left out though the plan does not say so")]
    DroppedMember(String),
    #[error("{0} would be emptied though the read does not show it")]
    EmptiedMember(String),
    #[error(
        "{0} would be sent without the member that belongs to it, or with one that it excludes"
    )]
    LoneMember(String),
}

/// The reason for which an object cannot be planned, or its write not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplannable {
    /// A list cannot be compared, or the write would clear what the read does not show.
    #[error(transparent)]
    WouldClear(#[from] NotShown),
    /// The vendor's call needs these members.
    #[error("the write needs {}, which neither manifest nor live has", .0.join(", "))]
    MissingMembers(Vec<String>),
    /// The vendor's call takes one of these members at a time.
    #[error(
        "{0} and {1} would change together, which the vendor refuses in one call: change one, apply, and then the other"
    )]
    Exclusive(&'static str, &'static str),
    /// The vendor's call may lose something that it cannot name.
    #[error(transparent)]
    WouldLose(#[from] WouldLose),
    /// A second update of one hour would be merged into the one that is there.
    #[error(
        "update {id}{}, which somebody else scheduled, has the hour {at}: a second one would be merged into it; cancel it at the vendor, or choose another hour",
        in_quotes(.name)
    )]
    HourTaken {
        at: Timestamp,
        id: String,
        name: String,
    },
    #[error("objects of its kind are never created")]
    NoCreation,
    #[error("objects of its kind are never removed")]
    NoRemoval,
    /// The step breaks a rule of the independent check.
    #[error("internal check failed, nothing was sent: {0}; please report this")]
    BrokenRule(BrokenRule),
}

/// Returns the name of an update behind a space; nothing if it has none.
fn in_quotes(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_members_are_named_and_a_broken_rule_asks_for_a_report() {
        let missing = Unplannable::MissingMembers(vec!["plan".into(), "end".into()]);
        let text = "the write needs plan, end, which neither manifest nor live has";
        assert_eq!(missing.to_string(), text);
        let broken = Unplannable::BrokenRule(BrokenRule::NoBody);
        let text =
            "internal check failed, nothing was sent: a write without a body; please report this";
        assert_eq!(broken.to_string(), text);
    }
}
