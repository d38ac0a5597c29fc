//! The brake on risk: which steps may go without a person looking on.

use super::{Action, Planned};
use crate::model::Risk;

/// What this run accepts beside what the objects' own policies accept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accepted {
    pub risk: Risk,
}

/// Why a step may not go; nothing when it may.
pub fn refusal(planned: &Planned, accepted: Accepted) -> Option<String> {
    if planned.action != Action::Update {
        return None;
    }
    let risk = planned.risk();
    if risk <= accepted.risk.max(planned.desired.policy.allow) {
        return None;
    }
    let count = planned
        .changes
        .iter()
        .filter(|change| change.risk == risk)
        .count();
    let fields = if count == 1 {
        "1 change".into()
    } else {
        format!("{count} changes")
    };
    let does = match risk {
        Risk::Strand => "takes away what is in use",
        Risk::Reduce => "takes something away",
        Risk::Safe => "is safe",
    };
    Some(format!(
        "{fields} {does}: it needs `--allow {risk}`, or `allow: [{risk}]` in the object's policy"
    ))
}
