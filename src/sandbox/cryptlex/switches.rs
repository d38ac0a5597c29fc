//! The switches of the Cryptlex simulator: how it behaves where the vendor's pages leave it open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::switch_changes;

/// The largest `limit` of a list call.
pub(super) const MAX_LIMIT: usize = 100;

/// One answer for each open question; the defaults are the most plausible reading of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Switches {
    /// The `limit` of a list call that names none, 1 to 100.
    pub(super) page_size: usize,
    /// True if `GET …/licenses/{id}` exists; no page documents it.
    pub(super) single_get: bool,
    /// The status for a user group that the organization does not have: 400 or 404.
    pub(super) unknown_group_status: u16,
    /// The order of the groups of a licence.
    pub(super) group_order: GroupOrder,
    /// True if a group may take the name of another; the page lists no 409.
    pub(super) rename_to_taken: RenameToTaken,
    /// What happens if a user group is deleted that licences have.
    pub(super) deleted_group: DeletedGroup,
    /// Whether the groups of a user's PATCH replace the user's groups.
    pub(super) membership_write: MembershipWrite,
    /// Whether two organizations may have one name or e-mail address; the create call below a reseller lists 409.
    pub(super) taken_organization: TakenOrganization,
    /// Whether the parts of an address that a PATCH leaves out stay.
    pub(super) address_write: AddressWrite,
    /// What becomes of the licences of a deleted organization.
    pub(super) deleted_organization: DeletedOrganization,
    /// True if a licence in full shows its user groups; the stored copies of its page end before that.
    pub(super) license_groups: bool,
    /// What a licence in full shows of a user that it does not have; no page says.
    pub(super) absent_user: AbsentUser,
    /// Whether a PATCH keeps the metadata and meter attributes that it does not name.
    pub(super) entry_write: EntryWrite,
    /// Whether `null` takes the expiry of a licence away.
    pub(super) null_expiry: NullExpiry,
    /// The status for a product that the account does not have: 400 or 404.
    pub(super) unknown_product_status: u16,
    /// The least `serverSyncInterval`: 180 by the page, 3600 in smaller plans.
    pub(super) least_sync_interval: i64,
    /// The least `allowedClockOffset` beside −1: 60 by the vendor's client types, 0 by the page.
    pub(super) least_clock_offset: i64,
    /// True if a PATCH that changes nothing still sets `updatedAt`.
    pub(super) bump_unchanged: bool,
    /// How long an access token from the login call is valid, in seconds.
    pub(super) token_life_seconds: u32,
    /// A scope that no token has: calls that need it are answered with 403.
    pub(super) missing_scope: Option<String>,
    /// True if the limit of 50 requests per 5 seconds is enforced.
    pub(super) rate_limit: bool,
    /// The body of a 429.
    pub(super) rate_limit_body: RateLimitBody,
    /// The body of an error.
    pub(super) error_body: ErrorBody,
    /// What happens to query parameters that no page names.
    pub(super) unknown_query: UnknownPolicy,
    pub(super) unknown_members: UnknownPolicy,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            page_size: 20,
            single_get: false,
            unknown_group_status: 400,
            group_order: GroupOrder::CreatedAt,
            rename_to_taken: RenameToTaken::Accept,
            deleted_group: DeletedGroup::Remove,
            membership_write: MembershipWrite::Replace,
            taken_organization: TakenOrganization::Conflict,
            address_write: AddressWrite::Merge,
            deleted_organization: DeletedOrganization::Cascade,
            license_groups: false,
            absent_user: AbsentUser::Null,
            entry_write: EntryWrite::Upsert,
            null_expiry: NullExpiry::Refuse,
            unknown_product_status: 400,
            least_sync_interval: 180,
            least_clock_offset: 60,
            bump_unchanged: true,
            token_life_seconds: 3600,
            missing_scope: None,
            rate_limit: false,
            rate_limit_body: RateLimitBody::Json,
            error_body: ErrorBody::CodeMessage,
            unknown_query: UnknownPolicy::Refuse,
            unknown_members: UnknownPolicy::Refuse,
        }
    }
}

/// The order of a licence's `userGroups`; the order in which they were sent is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GroupOrder {
    CreatedAt,
    Reversed,
}

/// What happens if a user group is renamed to a taken name.
///
/// The create page lists 409 and the update page does not (checked 2026-11-29), so uniqueness is an inference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RenameToTaken {
    Accept,
    Conflict,
}

/// What happens if a user group is deleted that licences have; no page says (checked 2026-11-29).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeletedGroup {
    /// It is taken from the licences.
    Remove,
    /// The call is refused with 409.
    Conflict,
}

/// Whether the groups of a user's PATCH replace the user's groups; the page says only that they are a list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MembershipWrite {
    Replace,
    Add,
}

/// Whether a new organization may have the name or e-mail address of another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TakenOrganization {
    Accept,
    Conflict,
}

/// Whether the parts of an address that a PATCH leaves out stay; the page speaks of parameters only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AddressWrite {
    Merge,
    Replace,
}

/// What becomes of the licences of a deleted organization; no page says (checked 2026-11-29).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeletedOrganization {
    /// They are deleted with it.
    Cascade,
    /// They belong to no organization any more.
    Release,
    /// The call is refused with 409 while there are any.
    Conflict,
}

/// What a licence in full shows of a user that it does not have.
///
/// A client that was generated from the API of 2022 (cryptlex-python-sdk 1.0.3) takes null for the reseller of a licence
/// and not for its user, so a missing user may have been left out then (checked 2026-11-30).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AbsentUser {
    Null,
    Omit,
}

/// Whether a PATCH keeps the entries of a list that it does not name, see `license_entries`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryWrite {
    Upsert,
    Replace,
}

/// Whether `null` takes the expiry of a licence away; the call is documented with dates only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NullExpiry {
    Refuse,
    Clear,
}

/// The body of a 429: JSON as the page says, or the plain text of a common ASP.NET limiter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RateLimitBody {
    Json,
    Text,
}

/// The body of an error: `{"message", "code"}` or `{"message"}` alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorBody {
    CodeMessage,
    Message,
}

/// What happens to query parameters and body members that no page names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownPolicy {
    Refuse,
    Ignore,
}

impl Switches {
    /// Returns the switches with the named ones changed; `Err` names the one that does not fit.
    pub(super) fn with_changes(&self, changes: Value) -> Result<Self, String> {
        let next = switch_changes::change_switches(self, changes)?;
        for (name, status) in [
            ("unknown_group_status", next.unknown_group_status),
            ("unknown_product_status", next.unknown_product_status),
        ] {
            if ![400, 404].contains(&status) {
                return Err(format!("switch {name}: must be 400 or 404"));
            }
        }
        if !(1..=MAX_LIMIT).contains(&next.page_size) {
            return Err("switch page_size: must be from 1 to 100".into());
        }
        Ok(next)
    }
}
