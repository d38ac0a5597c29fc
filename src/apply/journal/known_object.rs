//! The line of a summary about one object, which stands in place of all earlier lines about it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::agreed::{Agreed, ManifestPlace};
use super::packed_base::BaseJson;
use crate::apply::memory::ObjectKey;
use crate::model::Ids;

/// The knowledge about an object. It replaces everything that earlier lines recorded of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownObject {
    /// Hash of account, kind and identity.
    pub key: ObjectKey,
    /// Hashes of the agreement that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<BaselineHashes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fights: Option<FightHistory>,
    /// The manifest that it was agreed on with last; `None` if that is not known, or is no longer so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedObject>,
    /// When the object was last written or agreed on; `None` in older summaries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// An object as its last manifest named it, for those who look for it when the manifest is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedObject {
    pub address: String,
    pub vendor: String,
    pub connection: String,
    pub base_url: String,
    pub identity: Ids,
    pub manifest: ManifestPlace,
}

/// An agreement as hashes: the values of ten thousand objects are mostly only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineHashes {
    /// Hash of the managed fields and of the policy's exclusions: what a manifest says.
    #[serde(with = "hex", rename = "wanted")]
    pub desired: FieldsHash,
    /// Hash of everything that makes two agreements equal.
    #[serde(with = "hex")]
    pub whole: FieldsHash,
}

impl ManagedObject {
    /// Returns what an agreement tells of its object; `None` if it does not say where the manifest was.
    pub fn of(agreed: &Agreed) -> Option<Self> {
        Some(Self {
            address: agreed.address.clone(),
            vendor: agreed.vendor.clone(),
            connection: agreed.connection.clone(),
            base_url: agreed.base_url.clone(),
            identity: agreed.identity.clone(),
            manifest: agreed.manifest.clone()?,
        })
    }
}

/// Half of a SHA-256: enough to tell values apart, unless an attacker has crafted them to collide.
pub type FieldsHash = [u8; 16];

/// Returns a hash as the journal spells it.
pub fn format_hash(hash: FieldsHash) -> String {
    hex::encode(hash)
}

/// The history of a fight with another writer over fields, as the journal has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FightHistory {
    /// When each field was healed, up to 8 times.
    pub healed: BTreeMap<String, VecDeque<Timestamp>>,
    /// Since when each field is left to the other writer.
    pub given_up: BTreeMap<String, Timestamp>,
    /// The hash of the fields of the manifest during the fight; `None` in older journals.
    #[serde(default, rename = "wanted", skip_serializing_if = "Option::is_none")]
    manifest_hash: Option<String>,
}

impl FightHistory {
    /// The number of heals that are kept for each field; the oldest goes first.
    const HEALS: usize = 8;

    /// Reports whether the fight is about the present fields of the manifest: a change of the manifest starts anew.
    pub fn are_of(&self, manifest_hash: FieldsHash) -> bool {
        let manifest_hash = format_hash(manifest_hash);
        self.manifest_hash
            .as_ref()
            .is_none_or(|then| *then == manifest_hash)
    }

    /// Adds a heal of a field.
    pub fn heal(&mut self, path: &str, at: Timestamp) {
        let heals = self.healed.entry(path.to_string()).or_default();
        heals.push_back(at);
        if heals.len() > Self::HEALS {
            heals.pop_front();
        }
    }

    /// Leaves fields to the other writer.
    ///
    /// `manifest_hash` is the hash of the fields of the manifest.
    pub fn give_up(&mut self, fields: &[String], manifest_hash: &str, at: Timestamp) {
        self.manifest_hash = Some(manifest_hash.to_string());
        for path in fields {
            self.healed.remove(path);
            self.given_up.insert(path.clone(), at);
        }
    }
}
