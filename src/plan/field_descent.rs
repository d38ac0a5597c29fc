//! Where the changed values of a plan come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the value of a changed field of a plan comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldDescent {
    /// The path of the value, such as `Features[Viewer].count`.
    pub field: String,
    /// The last is where the value was written; each before it names the next.
    pub places: Vec<PlaceEntry>,
}

/// A line of the manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceEntry {
    pub file: String,
    pub line: u32,
    /// The document that it belongs to, such as `Edition/professional`; empty for a file of rows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
}
