//! The fields on which manifest and live agreed last, as the journal keeps them.
//!
//! An apply that finds an object as its manifest states it, or makes it so, records that once. Later drift is measured
//! against this record and healed to it, even if this program never wrote the object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::super::journal::{Agreed, BaselineHashes, FieldsHash, Intent};
use super::super::outcome::{Outcome, Report};
use super::key::VendorAccount;
use crate::model::live::Resolved;
use crate::model::path::PatternPart;
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
            references,
            manifest,
            ..
        } = agreed;
        let hashes = Self::of(managed, resolved, policy_exclusions, given_up, references);
        match manifest {
            None => hashes,
            // An agreement that does not name its manifest is recorded once more; one in another checkout is not.
            Some(manifest) => Self {
                whole: hash_fields(&(hashes.whole, &manifest.set)),
                ..hashes
            },
        }
    }

    pub fn of_intent(intent: &Intent) -> Self {
        let Intent {
            managed,
            resolved,
            policy_exclusions,
            given_up,
            references,
            ..
        } = intent;
        Self::of(managed, resolved, policy_exclusions, given_up, references)
    }

    fn of(
        managed: &BTreeMap<String, Json>,
        resolved: &BTreeMap<String, Json>,
        policy_exclusions: &[String],
        given_up: &[String],
        references: &ReferentsByMember,
    ) -> Self {
        let stated = with_referents(managed, references);
        Self {
            desired: hash_fields(&(stated, policy_exclusions)),
            whole: hash_fields(&(managed, resolved, policy_exclusions, given_up)),
        }
    }
}

/// The members of an object that are ids of others, with the addresses of these.
type ReferentsByMember = BTreeMap<String, Vec<String>>;

/// Returns fields with referents in the place of their ids: a manifest says the same before and after its references are
/// looked up. A set keeps the number of its members, since others may stand beside those that are referents.
fn with_referents<'m>(
    managed: &'m BTreeMap<String, Json>,
    references: &ReferentsByMember,
) -> Cow<'m, BTreeMap<String, Json>> {
    let mut stated = Cow::Borrowed(managed);
    for (name, referents) in references {
        if let Some(ids) = managed.get(name) {
            let members = ids.as_array().map_or(1, Vec::len);
            let value = json!([referents, members]);
            stated.to_mut().insert(name.clone(), value);
        }
    }
    stated
}

/// Hashes what a manifest says of its object's fields; `None` for an unknown kind.
pub fn hash_manifest(object: &Desired) -> Option<FieldsHash> {
    let table = provider::find_kind(object.address.kind.0)?.table().desired;
    let managed = fields_to_json(table, &object.fields.unpack());
    let stated = with_referents(&managed, &reference_entries(object));
    Some(hash_fields(&(stated, policy_exclusions(object))))
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
        manifest: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Address, Kind, Mark, PackedFields, Reference, ReferenceSpot, ReferenceState, References,
        Text, Value,
    };
    use crate::provider::testing::desired_object;

    fn referring(kind: &str, spot: ReferenceSpot, value: Value, referent: &str) -> Desired {
        let table = provider::find_kind(kind).unwrap().table();
        let reference = Reference {
            spot,
            referent: Address {
                kind: Kind("LicenseSpringCustomerAccount"),
                name: referent.into(),
            },
            mark: Mark::default(),
            state: ReferenceState::Found,
        };
        let field = table.desired.iter().find(|field| field.name == spot.name());
        let fields = [(field.unwrap().name, value)].into();
        Desired {
            fields: PackedFields::new(table.desired, &fields),
            references: References::new(vec![reference]),
            ..desired_object(table, &[])
        }
    }

    #[test]
    fn a_manifest_says_the_same_before_and_after_its_references_are_looked_up() {
        let account = |value, referent| {
            let spot = ReferenceSpot::Field("customer_account");
            hash_manifest(&referring("LicenseSpringOrder", spot, value, referent))
        };
        let open = Value::Text("{ref: LicenseSpringCustomerAccount/mch}".into());
        let found = account(Value::Integer(811), "mch");
        assert!(found.is_some());
        assert_eq!(account(open.clone(), "mch"), found);
        assert_ne!(account(open, "rivers"), found);
        let groups = |members: &[&str], referent| {
            let spot = ReferenceSpot::Member("userGroupIds");
            let members = Value::set(members.iter().map(|id| Text::from(*id)));
            hash_manifest(&referring(
                "CryptlexOrganizationUser",
                spot,
                members,
                referent,
            ))
        };
        let found = groups(&["a4f8", "b7c1"], "sales");
        assert_eq!(
            groups(&["a4f8", "{ref: CryptlexUserGroup/sales}"], "sales"),
            found
        );
        assert_ne!(groups(&["b7c1"], "sales"), found);
    }

    #[test]
    fn an_agreement_is_on_what_the_manifest_says() {
        let spot = ReferenceSpot::Field("customer_account");
        let object = referring("LicenseSpringOrder", spot, Value::Integer(811), "mch");
        let table = provider::find_kind("LicenseSpringOrder")
            .unwrap()
            .table()
            .desired;
        let managed = fields_to_json(table, &object.fields.unpack());
        let references = reference_entries(&object);
        let standing = BaselineHashes::of(&managed, &BTreeMap::new(), &[], &[], &references);
        assert_eq!(Some(standing.desired), hash_manifest(&object));
    }
}
