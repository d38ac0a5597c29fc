//! Objects that no manifest names any more, though runs of the same scope managed them: a row left its set, or a file is
//! gone. Nothing is written to them; a plan says so until an apply has told it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Ids;

/// An object that lost its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftEntry {
    /// Kind and name that it had.
    pub address: String,
    pub connection: String,
    /// The vendor's ids of the object.
    pub identity: Ids,
    /// The set of which it was a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The file that it was in, as every checkout names it.
    pub file: String,
    /// True if a manifest with `state: absent` removes it at the vendor.
    pub can_be_removed: bool,
}
