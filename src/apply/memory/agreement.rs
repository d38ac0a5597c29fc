//! The fields on which manifest and live agreed last, as the journal keeps them.
//!
//! An apply that finds an object as its manifest wants it, or makes it so, writes that down once. Later drift
//! is told by it, and healed to it, whether or not this program ever wrote the object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::journal::{Agreed, Intent};
use super::super::outcome::{Outcome, Report};
use super::key::Place;
use crate::model::path::PatternPart;
use crate::model::resource::Resolved;
use crate::model::{Desired, Field, Fields, Need, PathPattern};
use crate::plan::document::identity_of;
use crate::plan::field_json::fields_to_json;
use crate::plan::{Disposition, Planned, fingerprint};
use crate::provider;

/// An agreement, in hashes: the values of ten thousand objects are mostly only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Of the managed fields and of what the policy spares: what a manifest says.
    #[serde(with = "hex")]
    pub wanted: Hash,
    /// Of everything that makes two agreements one.
    #[serde(with = "hex")]
    pub whole: Hash,
}

/// Half of a SHA-256: enough to tell apart what nobody has made to look alike.
pub type Hash = [u8; 16];

fn hash(value: &impl Serialize) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(&fingerprint::sha256(value)[..16]);
    hash
}

impl Standing {
    pub fn of_agreed(agreed: &Agreed) -> Self {
        let Agreed {
            managed,
            resolved,
            spared,
            given_up,
            ..
        } = agreed;
        Self::of(managed, resolved, spared, given_up)
    }

    pub fn of_intent(intent: &Intent) -> Self {
        let Intent {
            managed,
            resolved,
            spared,
            given_up,
            ..
        } = intent;
        Self::of(managed, resolved, spared, given_up)
    }

    fn of(
        managed: &BTreeMap<String, Json>,
        resolved: &BTreeMap<String, Json>,
        spared: &[String],
        given_up: &[String],
    ) -> Self {
        Self {
            wanted: hash(&(managed, spared)),
            whole: hash(&(managed, resolved, spared, given_up)),
        }
    }
}

/// Hashes what a manifest says of its object's fields.
pub fn wanted(object: &Desired) -> Option<Hash> {
    let table = provider::of(object.vendor)?.table().desired;
    let managed = fields_to_json(table, &object.fields.unpack());
    Some(hash(&(managed, spared(object))))
}

/// A hash as the journal spells it.
pub fn hex(hash: Hash) -> String {
    hex::encode(hash)
}

/// Returns what is agreed on when live is as `planned` wants it.
pub fn agreed(planned: &Planned, place: &Place) -> Option<Agreed> {
    let object = &planned.desired;
    let table = provider::of(object.vendor)?.table().desired;
    let fields = object.fields.unpack();
    Some(Agreed {
        address: object.address.to_string(),
        vendor: object.vendor.to_string(),
        connection: object.connection.to_string(),
        base_url: place.base_url.clone(),
        tenant: place.tenant.clone(),
        account: String::new(),
        identity: identity_of(object),
        managed: fields_to_json(table, &fields),
        resolved: resolved(table, &planned.resolved),
        unread: unread(table, &fields),
        spared: spared(object),
        given_up: given_up(object),
        commit: None,
        sandbox: false,
    })
}

/// Returns what a policy keeps this program away from.
pub fn spared(object: &Desired) -> Vec<String> {
    let policy = &object.policy;
    let ignored = policy
        .ignore
        .iter()
        .map(|path| format!("{IGNORE}{}", text(path)));
    let open = policy
        .keep_unlisted
        .iter()
        .map(|name| format!("{KEEP}{name}"));
    let mut spared: Vec<String> = ignored.chain(open).collect();
    spared.sort_unstable();
    spared
}

const IGNORE: &str = "ignore ";
const KEEP: &str = "keep ";

/// Fields that were left to another writer.
pub fn given_up(object: &Desired) -> Vec<String> {
    let mut fields: Vec<String> = object.policy.given_up.iter().map(text).collect();
    fields.sort_unstable();
    fields
}

/// The fields that nobody agreed on though the manifest manages them, and the lists of which only the named members
/// were.
pub fn excepted(spared: &[String], given_up: &[String]) -> (Vec<PathPattern>, Vec<String>) {
    let ignored = spared.iter().filter_map(|text| text.strip_prefix(IGNORE));
    let paths = ignored.chain(given_up.iter().map(String::as_str));
    let kept = spared.iter().filter_map(|text| text.strip_prefix(KEEP));
    (
        paths
            .filter_map(|text| PathPattern::parse(text).ok())
            .collect(),
        kept.map(str::to_string).collect(),
    )
}

/// A pattern in a spelling that [`PathPattern::parse`] reads.
fn text(path: &PathPattern) -> String {
    let parts = path.parts.iter().map(|part| match part {
        PatternPart::Field(name) => format!(".{name}"),
        PatternPart::Element(key) => {
            let quoted = key.iter().map(|text| Json::from(text.as_str()).to_string());
            format!("[{}]", quoted.collect::<Vec<_>>().join(" "))
        }
        PatternPart::AnyElement => "[*]".into(),
    });
    parts.collect()
}

/// The fields that names in a manifest stand for, with their ids.
pub fn resolved(table: &'static [Field], resolved: &[Resolved]) -> BTreeMap<String, Json> {
    let fields = resolved.iter().map(|one| (one.field, one.value.clone()));
    fields_to_json(table, &fields.collect())
}

/// Fields that every write must carry and no read returns.
pub fn unread(table: &'static [Field], fields: &Fields) -> BTreeMap<String, Json> {
    table
        .iter()
        .filter(|field| field.need == Need::InManifest)
        .filter_map(|field| Some((field.name.into(), field.shape.json(fields.get(field.name)?))))
        .collect()
}

/// Reports whether an object ended an apply as its manifest wants it. One that had nothing to do counts if it was
/// `read`: a saved plan only says what was so.
pub fn holds(report: &Report, read: bool) -> bool {
    match report.outcome {
        None => report.planned.action == Disposition::None && read,
        Some(Outcome::Converged | Outcome::Already) => true,
        Some(
            Outcome::Unconverged
            | Outcome::Rejected
            | Outcome::Stale
            | Outcome::Refused
            | Outcome::Failed
            | Outcome::Skipped,
        ) => false,
    }
}
