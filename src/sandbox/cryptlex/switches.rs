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
        if ![400, 404].contains(&next.unknown_group_status) {
            return Err("switch unknown_group_status: must be 400 or 404".into());
        }
        if !(1..=MAX_LIMIT).contains(&next.page_size) {
            return Err("switch page_size: must be from 1 to 100".into());
        }
        Ok(next)
    }
}
