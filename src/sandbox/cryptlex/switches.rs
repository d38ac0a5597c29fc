//! How the simulator answers what the vendor's pages leave open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list;
use crate::sandbox::wire;

/// How the pages' open questions are answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Switches {
    /// `limit` of a list call that names none.
    pub(super) page_size: usize,
    /// Whether `GET …/licenses/{id}` exists; no page for it was found.
    pub(super) single_get: bool,
    /// 400 or 404 for a user group that the organization does not have.
    pub(super) unknown_group_status: u16,
    pub(super) group_order: GroupOrder,
    /// Whether a group may be renamed to a name that another one has: the page lists no 409.
    pub(super) rename_to_taken: RenameToTaken,
    /// Whether a PATCH that changes nothing still moves `updatedAt`.
    pub(super) bump_unchanged: bool,
    /// Life of an access token from the login call.
    pub(super) token_life_seconds: u32,
    /// A scope that no token has: calls that need it are answered 403.
    pub(super) missing_scope: Option<String>,
    /// Whether the limit of 50 requests per 5 seconds is kept.
    pub(super) rate_limit: bool,
    pub(super) rate_limit_body: RateLimitBody,
    pub(super) error_body: ErrorBody,
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

/// Order of a licence's `userGroups`; the order that was sent is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GroupOrder {
    CreatedAt,
    Reversed,
}

/// What renaming a user group to a taken name does. The create page lists 409 and the update page does not
/// (checked 2026-11-29), so that names are unique is an inference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RenameToTaken {
    Accept,
    Conflict,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RateLimitBody {
    Json,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorBody {
    CodeMessage,
    Message,
}

/// What happens to query or body members that no page names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownPolicy {
    Refuse,
    Ignore,
}

impl Switches {
    /// The switches with some of them changed.
    pub(super) fn with_changes(&self, changes: Value) -> Result<Self, String> {
        let next = wire::change_switches(self, changes)?;
        if ![400, 404].contains(&next.unknown_group_status) {
            return Err("switch unknown_group_status: must be 400 or 404".into());
        }
        if !(1..=list::MAX_LIMIT).contains(&next.page_size) {
            return Err("switch page_size: must be from 1 to 100".into());
        }
        Ok(next)
    }
}
