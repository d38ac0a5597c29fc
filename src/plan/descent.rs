//! The descent of an object's values: where each was written, and by way of which names it came.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Additive changes raise the minor; readers refuse an unknown major.
pub const FORMAT_VERSION: &str = "1.0";

/// Where the values of one object come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle why")]
pub struct DescentDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// Kind and name.
    pub address: String,
    /// The edition of the object, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// The set of which the object is a row, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The environment in force, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The values in the order of the manifests, each once: those of the identity first.
    pub values: Vec<ValueDescent>,
}

/// One value, and the places that it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueDescent {
    /// The path of the value, such as `Features[Viewer].count`.
    pub field: String,
    pub value: Json,
    /// The last is where the value was written; each before it names the next.
    pub places: Vec<ValuePlace>,
}

/// A place in a file of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValuePlace {
    pub file: String,
    pub line: u32,
    /// The line, without the blanks around it.
    pub text: String,
    /// The document that it belongs to, such as `Edition/professional`; empty for a file of rows.
    pub document: String,
    /// The commit that wrote the line, where git knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<LineCommit>,
}

/// A commit, as git names it for a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineCommit {
    pub id: String,
    pub author: String,
    /// The day of the commit, in UTC.
    pub date: String,
}
