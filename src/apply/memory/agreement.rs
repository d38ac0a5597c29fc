//! The fields on which manifest and live agreed last, as the journal keeps them.
//!
//! An apply that finds an object as its manifest states it, or makes it so, records that once. Later drift is measured
//! against this record and healed to it, even if this program never wrote the object.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::journal::{Agreed, BaselineHashes, FieldsHash, Intent};
use super::super::outcome::{Outcome, Report};
use super::key::VendorAccount;
use crate::model::path::PatternPart;
use crate::model::resource::Resolved;
use crate::model::{Desired, Field, Fields, Need, PathPattern};
use crate::plan::document::reference_entries;
use crate::plan::field_json::fields_to_json;
use crate::plan::{Disposition, Planned, fingerprint};
use crate::provider;

fn hash_fields(value: &impl Serialize) -> FieldsHash {
    let mut hash = FieldsHash::default();
    hash.copy_from_slice(&fingerprint::json_sha256(value)[..16]);
    hash
}

impl BaselineHashes {
    pub fn of_agreed(agreed: &Agreed) -> Self {
        let Agreed {
            managed,
            resolved,
            policy_exclusions,
            given_up,
            ..
        } = agreed;
        Self::of(managed, resolved, policy_exclusions, given_up)
    }

    pub fn of_intent(intent: &Intent) -> Self {
        let Intent {
            managed,
            resolved,
            policy_exclusions,
            given_up,
            ..
        } = intent;
        Self::of(managed, resolved, policy_exclusions, given_up)
    }

    fn of(
        managed: &BTreeMap<String, Json>,
        resolved: &BTreeMap<String, Json>,
        policy_exclusions: &[String],
        given_up: &[String],
    ) -> Self {
        Self {
            desired: hash_fields(&(managed, policy_exclusions)),
            whole: hash_fields(&(managed, resolved, policy_exclusions, given_up)),
        }
    }
}

/// Hashes what a manifest says of its object's fields; `None` for an unknown kind.
pub fn hash_manifest(object: &Desired) -> Option<FieldsHash> {
    let table = provider::find_kind(object.address.kind.0)?.table().desired;
    let managed = fields_to_json(table, &object.fields.unpack());
    Some(hash_fields(&(managed, policy_exclusions(object))))
}

/// Returns what is agreed on when live is as `planned` wants it.
pub fn build_agreement(planned: &Planned, account: &VendorAccount) -> Option<Agreed> {
    let object = &planned.desired;
    let table = provider::find_kind(object.address.kind.0)?.table().desired;
    let fields = object.fields.unpack();
    Some(Agreed {
        address: object.address.to_string(),
        vendor: object.vendor.to_string(),
        connection: object.connection.to_string(),
        base_url: account.base_url.clone(),
        tenant: account.tenant.clone(),
        account: String::new(),
        identity: object.ids(),
        references: reference_entries(object),
        managed: fields_to_json(table, &fields),
        resolved: resolved_fields(table, &planned.resolved),
        unread: unread_fields(table, &fields),
        policy_exclusions: policy_exclusions(object),
        given_up: given_up(object),
        commit: None,
        sandbox: false,
    })
}

/// Returns what a policy keeps this program away from.
pub fn policy_exclusions(object: &Desired) -> Vec<String> {
    let policy = &object.policy;
    let ignored = policy
        .ignore
        .iter()
        .map(|path| format!("{IGNORE}{}", format_pattern(path)));
    let open = policy
        .keep_unlisted
        .iter()
        .map(|name| format!("{KEEP}{name}"));
    let mut policy_exclusions: Vec<String> = ignored.chain(open).collect();
    policy_exclusions.sort_unstable();
    policy_exclusions
}

const IGNORE: &str = "ignore ";
const KEEP: &str = "keep ";

/// Returns the paths of fields that were left to another writer.
pub fn given_up(object: &Desired) -> Vec<String> {
    let mut fields: Vec<String> = object.policy.given_up.iter().map(format_pattern).collect();
    fields.sort_unstable();
    fields
}

/// Returns the managed fields that are not part of the agreement, and the lists of which only the named members are.
pub fn split_exclusions(
    policy_exclusions: &[String],
    given_up: &[String],
) -> (Vec<PathPattern>, Vec<String>) {
    let ignored = policy_exclusions
        .iter()
        .filter_map(|text| text.strip_prefix(IGNORE));
    let paths = ignored.chain(given_up.iter().map(String::as_str));
    let kept = policy_exclusions
        .iter()
        .filter_map(|text| text.strip_prefix(KEEP));
    (
        paths
            .filter_map(|text| PathPattern::parse(text).ok())
            .collect(),
        kept.map(str::to_string).collect(),
    )
}

/// Returns a pattern in the spelling that [`PathPattern::parse`] reads.
fn format_pattern(path: &PathPattern) -> String {
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

/// Returns the fields that names in a manifest were resolved to, as JSON.
pub fn resolved_fields(table: &'static [Field], resolved: &[Resolved]) -> BTreeMap<String, Json> {
    let fields = resolved.iter().map(|one| (one.field, one.value.clone()));
    fields_to_json(table, &fields.collect())
}

/// Returns the fields that every write must carry and no read returns, as JSON.
pub fn unread_fields(table: &'static [Field], fields: &Fields) -> BTreeMap<String, Json> {
    table
        .iter()
        .filter(|field| field.need == Need::InManifest)
        .filter_map(|field| Some((field.name.into(), field.shape.json(fields.get(field.name)?))))
        .collect()
}

/// Reports whether an object ended an apply as its manifest wants it. One that had nothing to do counts if it was
/// `read`: a saved plan only says what was so.
pub fn is_agreed(report: &Report, read: bool) -> bool {
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
