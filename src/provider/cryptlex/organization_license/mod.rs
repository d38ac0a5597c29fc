//! Organization licenses of Cryptlex.
//!
//! * Write: `PATCH …/licenses/{id}` with `userGroupIds`, its only member; other members of the license
//!   stay as they are. The reply is the whole license, in which the groups are objects in `userGroups`.
//! * Read: the organization's list, by pages or by `id[eq]`; see `reading`. No page for a single GET was
//!   found.
//! * Names of groups are resolved by the organization's list of user groups; see `groups`.
//! * The license key is a secret, `metadata` and `meterAttributes` are cut down by visibility: none of
//!   them is read into anything.
//!
//! Sources: the vendor's pages "Update an organization license", "Introduction", the list pages of
//! organization licenses and user groups, and its public clients, checked 2026-11-21.

mod fields;
mod groups;
mod listing;
mod reading;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::{
    Call, Desired, Diagnostic, Diagnostics, KindTable, Live, Malformed, Mark, Method, Origin,
    Reply, Text, Value, Verdict,
};
use crate::provider::codec;
use crate::provider::cryptlex::rows::{echoed_row, judge_write};
use crate::provider::decode::{Atom, AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, canon, encode_segment};

/// The scope that the page of the write call prints.
const UPDATE: &str = "organization:license:update";

/// An organization license, with its user groups.
pub struct OrganizationLicense;

impl ResourceKind for OrganizationLicense {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    /// Refuses groups that are given by ids and by names, because it would be unclear which of them counts.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        if [fields::IDS, fields::NAMES]
            .iter()
            .all(|name| desired.fields.contains_key(name))
        {
            let source = &desired.origin.source;
            let ids = Origin {
                source: source.clone(),
                mark: location(fields::IDS),
            };
            findings.push(
                Diagnostic::error(
                    "conflict",
                    "`userGroupIds` and `userGroups` are two ways to say one thing",
                )
                .at(source, location(fields::NAMES))
                .also(ids, "the ids stand here")
                .hint("keep the ids or the names"),
            );
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(desired))
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(listing::LicenseListing::new()))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "POST /v3/licenses makes another license each time, and nothing that the list shows guards against doubles",
            removal: "`state: absent` of a CryptlexLicense removes it",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let (organization, license) = (
            encode_segment(write.desired.id("organizationId")),
            encode_segment(write.desired.id("licenseId")),
        );
        let path = format!("/v3/organizations/{organization}/licenses/{license}");
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        Call::write(Method::Patch, path, Json::Object(body))
    }

    /// Judges a refused write. The body has one member, so a 400 concerns that member. The message of a 403 is extended
    /// by the scope that the token lacks.
    fn judge(&self, reply: &Reply) -> Verdict {
        match judge_write(reply, UPDATE) {
            Verdict::Rejected { words, .. } if reply.status == 400 => Verdict::Rejected {
                fields: vec![(fields::IDS.to_string(), words.clone())],
                words,
            },
            other => other,
        }
    }

    fn echo(&self, desired: &Desired, _: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let license = echoed_row(&LICENSES, reply, Some(desired.id("licenseId")))?;
        decode(&license)
    }
}

/// A license as lists and replies show it: its id, and the ids of its groups.
static LICENSES: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::each("userGroups", "id")];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.text().is_some())
});

type LicenseRow<'de> = Row<'static, 'de, 2>;

/// Decodes a license. Groups that are absent or null are unknown, not "none": the next write would remove all of
/// them.
fn decode(row: &LicenseRow<'_>) -> Result<Live, Malformed> {
    let [_, groups] = &row.beside;
    let groups = match groups {
        Atom::Each(groups) => groups,
        Atom::Missing | Atom::Null => return Ok(Live::default()),
        other => {
            let kind = other.kind();
            return Err(Malformed::new(format!(
                "`userGroups` must be a list, not {kind}"
            )));
        }
    };
    let ids = groups.iter().map(|id| id.text().map(canon::canonical_id));
    let ids: Option<BTreeSet<Text>> = ids.collect();
    let ids = ids.ok_or_else(|| Malformed::new("`userGroups[].id` must be text"))?;
    let mut live = Live::default();
    live.fields.insert(fields::IDS, Value::set(ids));
    Ok(live)
}

#[cfg(test)]
mod tests;
