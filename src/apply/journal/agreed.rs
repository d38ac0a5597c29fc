//! The record of an agreement: an object's manifest and its live state say the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::apply::memory::{Subject, kind_of_address};
use crate::model::Ids;

/// The fields on which manifest and live agreed. It records no write: later drift is measured against it and healed to
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreed {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    pub base_url: String,
    /// The vendor's own id of the customer, where the connection names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As in [`Intent`](super::Intent).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    pub identity: Ids,
    /// As in [`Intent`](super::Intent).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
    /// Every managed field as the manifest states it.
    pub managed: BTreeMap<String, Json>,
    /// The ids that names among the fields were resolved to: `{"userGroupIds": ["…"]}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<String, Json>,
    /// Fields that every write must carry and no read returns.
    #[serde(default)]
    pub unread: BTreeMap<String, Json>,
    /// The paths that the policy ignored, and the lists that it left open: the agreement does not cover them.
    #[serde(default)]
    #[serde(rename = "spared")]
    pub policy_exclusions: Vec<String>,
    /// Fields that the daemon left to another writer: the agreement does not cover them either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<String>,
    #[serde(default)]
    pub commit: Option<String>,
    #[serde(default)]
    pub sandbox: bool,
    /// Where the manifest was that the object was agreed on with; `None` in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestPlace>,
}

/// Where a manifest is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPlace {
    /// The file by the name that it has in every checkout, or the table of the row.
    pub file: String,
    /// The set of which the object is a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// The environment in which it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl Agreed {
    /// Returns the object that the record is about.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            base_url: &self.base_url,
            tenant: self.tenant.as_deref(),
            kind: kind_of_address(&self.address),
            identity: &self.identity,
            references: &self.references,
        }
    }
}
