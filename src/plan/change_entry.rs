//! A changed field as plans, outcomes and the calendar show it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Change, ChangeVerb};
use crate::model::Risk;

/// One changed field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeEntry {
    /// The field in the vendor's own names, for example `Features[Licstat 6.0].count`.
    pub path: String,
    pub verb: ChangeVerb,
    /// The live value; null where live has none.
    pub before: Json,
    /// The value that the manifest asks for; null where it clears or removes.
    pub after: Json,
    pub risk: Risk,
    /// What the change means where that is known, for example `2 allowed, 3 in use`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The call that carries it out, by its index among the `calls` of the object; left out for the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub call: usize,
}

pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl ChangeEntry {
    pub(super) fn new(change: &Change, call: usize) -> Self {
        Self {
            call,
            path: change.path.to_string(),
            verb: change.verb,
            before: change.before.clone().unwrap_or(Json::Null),
            after: change.after.clone().unwrap_or(Json::Null),
            risk: change.risk,
            note: change.note.clone(),
        }
    }
}
