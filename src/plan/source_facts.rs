//! Facts about what a plan was made from: the files, the commit, and where its connections lead.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of what was read from the manifests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceFacts {
    pub files: usize,
    pub documents: usize,
    /// Documents that belong to other tools.
    pub skipped: usize,
    /// Objects that the documents give, where sets give some of them; of a check only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<usize>,
    /// The commit of the working tree, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The environment whose values and connections count, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The environments that were checked one after the other; of a check only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// The run that the plan takes back, if it is an inverse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// The time for which the manifests were read, in UTC, if the user named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The paths that the manifests were read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Hash of the manifests' names and texts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manifests: String,
    /// The connections in use, and where each leads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub connections: BTreeMap<String, Destination>,
    /// Hash of what each connection says about where its calls go and where its credentials are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connection_fingerprints: BTreeMap<String, String>,
}

/// Where the calls of a connection go: a base URL, or the simulators of this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Destination {
    Url(String),
    Sandbox,
}

impl Destination {
    /// The spelling of the simulators in a document.
    const SANDBOX: &str = "the sandbox";

    pub fn as_str(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Sandbox => Self::SANDBOX,
        }
    }
}

impl From<String> for Destination {
    fn from(text: String) -> Self {
        match text.as_str() {
            Self::SANDBOX => Self::Sandbox,
            _ => Self::Url(text),
        }
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
