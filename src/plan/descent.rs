//! The descent of an object's values: where each was written, and by way of which names it came.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::drift::document::{Applied, DifferenceEntry, State};

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
    /// What live has of these values; there with `--live` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveEntry>,
}

/// One value, and the places that it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueDescent {
    /// The path of the value, such as `Features[Viewer].count`.
    pub field: String,
    pub value: Json,
    /// The last is where the value was written; each before it names the next.
    pub places: Vec<ValuePlace>,
    /// The last write of the value that the journal has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_write: Option<ValueWrite>,
}

/// A write that was carried out, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ValueWrite {
    pub run: String,
    /// In UTC.
    pub at: String,
    /// The person or program that ran it.
    pub by: String,
    /// The person who approved the write, if a daemon had held it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The commit that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The object as its vendor shows it, compared with its manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LiveEntry {
    /// When it was read, in UTC.
    pub read_at: String,
    /// The state of the whole object.
    pub state: State,
    /// The run by which manifest and live agreed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// The fields that differ among those that are shown; all others that a read shows are as the manifest says.
    pub differences: Vec<DifferenceEntry>,
    /// The fields of the kind that no read shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// Why it could not be compared, or why there is nothing to tell who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
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

/// Reports whether a path is `field`, or that of a member or element of it: `Features[a].count` is below `Features`.
pub fn is_at_or_below(path: &str, field: &str) -> bool {
    let rest = path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_its_own_field_only() {
        for (path, field, below) in [
            ("count", "count", true),
            ("Features[a 1.0].count", "Features", true),
            ("Features.x", "Features", true),
            ("counter", "count", false),
            ("a.count", "count", false),
        ] {
            assert_eq!(is_at_or_below(path, field), below, "{path} {field}");
        }
    }
}
