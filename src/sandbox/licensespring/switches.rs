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
    /// 401 or 403 for a missing or wrong key.
    pub(super) bad_key_status: u16,
    pub(super) slashless_post: SlashlessPost,
    pub(super) unknown_feature: UnknownPolicy,
    /// Whether a string of digits may name a feature by its id where no code matches.
    pub(super) numeric_id: bool,
    pub(super) omitted: OmittedMembers,
    pub(super) row_ids: RowIds,
    pub(super) new_row_max_overages: NewRowMaxOverages,
    pub(super) row_members: RowMembers,
    pub(super) period_spelling: PeriodSpelling,
    pub(super) period_accepted: AcceptedSpelling,
    pub(super) unknown_members: UnknownPolicy,
    pub(super) unknown_query: UnknownPolicy,
    /// Whether the limits of 600 requests per 60 s and 50 per second are kept.
    pub(super) rate_limit: bool,
    /// Whether 429 carries `Retry-After`.
    pub(super) retry_after: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            page_size: 20,
            bad_key_status: 401,
            slashless_post: SlashlessPost::Redirect,
            unknown_feature: UnknownPolicy::Refuse,
            numeric_id: false,
            omitted: OmittedMembers::Keep,
            row_ids: RowIds::Keep,
            new_row_max_overages: NewRowMaxOverages::Fixed99,
            row_members: RowMembers::Newer,
            period_spelling: PeriodSpelling::Annualy,
            period_accepted: AcceptedSpelling::Both,
            unknown_members: UnknownPolicy::Refuse,
            unknown_query: UnknownPolicy::Refuse,
            rate_limit: false,
            retry_after: true,
        }
    }
}

/// What happens to features, members or filters that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownPolicy {
    Refuse,
    Ignore,
}

/// What Django does with a POST whose path lacks the trailing slash: a redirect that turns it into a GET,
/// or an error page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlashlessPost {
    Redirect,
    Error,
}

/// Members that a listed row leaves out: kept, or set to the product feature's defaults again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OmittedMembers {
    Keep,
    Redefault,
}

/// Whether an updated row keeps its id or is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowIds {
    Keep,
    Recreate,
}

/// `max_overages` of a new row that does not name it: both rows of the page's example come back with 99
/// although their product features say 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NewRowMaxOverages {
    #[serde(rename = "fixed_99")]
    Fixed99,
    ProductFeature,
}

/// Whether rows show what newer pages print, or only what the page of this call prints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowMembers {
    Newer,
    Page,
}

/// How a yearly `consumption_period` is read back; licence pages print `annualy`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PeriodSpelling {
    Annualy,
    Annually,
}

impl PeriodSpelling {
    pub(super) fn word(self) -> &'static str {
        match self {
            PeriodSpelling::Annualy => "annualy",
            PeriodSpelling::Annually => "annually",
        }
    }
}

/// Which spelling a write may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AcceptedSpelling {
    Both,
    Annualy,
    Annually,
}

impl Switches {
    /// The switches with some of them changed.
    pub(super) fn with_changes(&self, changes: Value) -> Result<Self, String> {
        let next = wire::change_switches(self, changes)?;
        if ![401, 403].contains(&next.bad_key_status) {
            return Err("switch bad_key_status: must be 401 or 403".into());
        }
        if !(1..=list::MAX_LIMIT).contains(&next.page_size) {
            return Err("switch page_size: must be from 1 to 100".into());
        }
        Ok(next)
    }
}
