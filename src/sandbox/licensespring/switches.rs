//! The switches of the LicenseSpring simulator: how it behaves where the vendor's pages leave it open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::switch_changes;

/// The largest `limit` of a list call; a larger one is lowered to it.
pub(super) const MAX_LIMIT: usize = 100;

/// One answer for each open question; the defaults are the most plausible reading of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Switches {
    /// The `limit` of a list call that names none, 1 to 100.
    pub(super) page_size: usize,
    /// The status for a missing or wrong key: 401 or 403.
    pub(super) bad_key_status: u16,
    /// What happens to a write whose path lacks the trailing slash.
    pub(super) slashless_post: SlashlessPost,
    /// What happens to a row whose product feature is unknown.
    pub(super) unknown_feature: UnknownPolicy,
    /// True if a string of digits that is no code may name a feature by its id.
    pub(super) numeric_id: bool,
    /// What members that a listed row lacks become.
    pub(super) omitted: OmittedMembers,
    /// True if an updated row keeps its id.
    pub(super) row_ids: RowIds,
    /// The `max_overages` of a new row that does not name it.
    pub(super) new_row_max_overages: NewRowMaxOverages,
    /// Which members of licences and their rows reads show.
    pub(super) row_members: RowMembers,
    /// How a yearly `consumption_period` is read back.
    pub(super) period_spelling: PeriodSpelling,
    /// Which spellings of a yearly `consumption_period` a write may use.
    pub(super) period_accepted: AcceptedSpelling,
    /// Which paths of one row are served.
    pub(super) row_path: RowPath,
    /// What happens to a setting that comes without the member that its page wants beside it.
    pub(super) lone_member: UnknownPolicy,
    /// What becomes of the date when a licence gets a duration, and of the duration when it gets a date.
    pub(super) other_end: OtherEnd,
    /// What happens to a note, a text of a customer account or a value of a custom field that is empty.
    pub(super) blank_note: BlankPolicy,
    /// What becomes of metadata that a write does not name.
    pub(super) metadata_write: MetadataWrite,
    /// Whether an update of a product feature must name those members that its page marks as required.
    pub(super) feature_patch: FeaturePatch,
    /// What happens to a new product feature or license policy whose code its product has already.
    pub(super) taken_code: TakenCode,
    /// The order of product features in lists.
    pub(super) feature_order: FeatureOrder,
    /// Whether lists have product features that are hidden.
    pub(super) deleted_features: DeletedFeatures,
    /// What the filter `product_features__id` of licences takes.
    pub(super) feature_filter: FeatureFilter,
    /// The status of the removal of a product feature or a customer account: 200 or 204.
    pub(super) feature_delete_status: u16,
    /// Whether lists have license policies that are archived, if no filter asks for them.
    pub(super) archived_policies: DeletedFeatures,
    /// How a license policy shows its `consumption_period`.
    pub(super) policy_period: PolicyPeriod,
    /// What happens to the removal of the default policy of a product.
    pub(super) default_policy_removal: UnknownPolicy,
    /// What the filter `license_template_id` of licences does, which the newest page alone has.
    pub(super) policy_filter: PolicyFilter,
    /// How the creation of a customer account spells the telephone number.
    pub(super) account_phone: AccountPhone,
    /// The status of the creation of a customer account: 200 or 201.
    pub(super) account_create_status: u16,
    /// What happens to a second value of one custom field on one licence.
    pub(super) second_value: TakenCode,
    /// Which members of orders lists show.
    pub(super) order_rows: OrderRows,
    /// How lists show the customer account of an order.
    pub(super) order_account: OrderAccount,
    /// The status of a second order with one id: 400 or 409.
    pub(super) order_taken_status: u16,
    /// True if the account has the plan that scheduled updates need.
    pub(super) enterprise: bool,
    /// The status for calls of scheduled updates without that plan: 402, 403 or 404.
    pub(super) plan_refusal_status: u16,
    /// The status of the creation of a scheduled update: 200 or 201.
    pub(super) update_create_status: u16,
    /// True if the job that carries out scheduled updates does not come.
    pub(super) updates_wait: bool,
    /// How scheduled updates are ordered by status.
    pub(super) status_order: StatusOrder,
    /// Whose name an update has to which a second one is added.
    pub(super) merged_name: MergedName,
    /// Which time a failed update needs.
    pub(super) retry_time: RetryTime,
    /// Which updates take an hour from others.
    pub(super) taken_hour: TakenHour,
    /// What happens to a setting of a scheduled update that comes without the member that the page of its call wants beside
    /// it; the example of the updates' page has one.
    pub(super) scheduled_partner: UnknownPolicy,
    /// What happens to body members that no page names.
    pub(super) unknown_members: UnknownPolicy,
    /// What happens to query parameters that no page names.
    pub(super) unknown_query: UnknownPolicy,
    /// True if the request limits are enforced.
    pub(super) rate_limit: bool,
    /// True if a 429 carries `Retry-After`.
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
            row_path: RowPath::Both,
            lone_member: UnknownPolicy::Refuse,
            other_end: OtherEnd::Keep,
            blank_note: BlankPolicy::Accept,
            metadata_write: MetadataWrite::Replace,
            feature_patch: FeaturePatch::Full,
            taken_code: TakenCode::Refuse,
            feature_order: FeatureOrder::OldestFirst,
            deleted_features: DeletedFeatures::Show,
            feature_filter: FeatureFilter::Feature,
            feature_delete_status: 200,
            archived_policies: DeletedFeatures::Show,
            policy_period: PolicyPeriod::Word,
            default_policy_removal: UnknownPolicy::Refuse,
            policy_filter: PolicyFilter::Heeded,
            account_phone: AccountPhone::Lower,
            account_create_status: 201,
            second_value: TakenCode::Refuse,
            order_rows: OrderRows::Whole,
            order_account: OrderAccount::Number,
            order_taken_status: 400,
            enterprise: true,
            plan_refusal_status: 403,
            update_create_status: 201,
            updates_wait: false,
            status_order: StatusOrder::Word,
            merged_name: MergedName::Keep,
            retry_time: RetryTime::Any,
            taken_hour: TakenHour::Pending,
            scheduled_partner: UnknownPolicy::Ignore,
            unknown_members: UnknownPolicy::Refuse,
            unknown_query: UnknownPolicy::Refuse,
            rate_limit: false,
            retry_after: true,
        }
    }
}

/// The treatment of unknown features, members and query parameters, of members that lack their partner, and of the removal
/// of a default policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownPolicy {
    Refuse,
    Ignore,
}

/// How scheduled updates are ordered by status: by the words, or as the pages list them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatusOrder {
    Word,
    Listed,
}

/// Whose name an update has to which a second one is added: its own still, or that of the second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MergedName {
    Keep,
    Replace,
}

/// Which time a failed update needs: any that is still to come, or another one than it had.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RetryTime {
    Any,
    Other,
}

/// Which updates take an hour from others of the same licence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TakenHour {
    Pending,
    Any,
}

/// What happens to a write whose path lacks the trailing slash.
///
/// Django either redirects, which makes a GET of it, or shows an error page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlashlessPost {
    Redirect,
    Error,
}

/// The value of a member that a row in the body leaves out: the live value, or the default of the product feature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OmittedMembers {
    Keep,
    Redefault,
}

/// The id of an updated row: the old id or a new one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowIds {
    Keep,
    Recreate,
}

/// The `max_overages` of a new row that does not name it.
///
/// Both rows of the page's example are read back with 99, although their product features say 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NewRowMaxOverages {
    #[serde(rename = "fixed_99")]
    Fixed99,
    ProductFeature,
}

/// Which paths of one row are served: with the slash at the end as all others have it, or without as its page prints it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowPath {
    Both,
    Slash,
    Bare,
}

/// What becomes of a licence's other end, `validity_period` or `valid_duration`, when one of them is written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OtherEnd {
    Keep,
    Clear,
}

/// Whether an empty text is a value; the framework asks each field of a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BlankPolicy {
    Accept,
    Refuse,
}

/// Whether `metadata` in a body is the whole of it, or is laid over what the licence has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MetadataWrite {
    Replace,
    Merge,
}

/// Whether an update must name `name`, `code` and `feature_type`, which the newest page marks as required although it
/// updates in parts; older ones mark nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FeaturePatch {
    Full,
    Partial,
}

/// Whether a product may have two features, or two policies, with one code, and a licence two values of one custom field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TakenCode {
    Refuse,
    Accept,
}

/// The order of a list of product features. The page names none; its example has the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FeatureOrder {
    OldestFirst,
    NewestFirst,
}

/// Whether lists have product features with `is_deleted: true`, or license policies with `is_archived: true`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeletedFeatures {
    Show,
    Hide,
}

/// How a license policy shows when its count starts again: with the words of licences, or, as its pages call the member an
/// integer, with a number that no page explains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PolicyPeriod {
    Word,
    Number,
}

/// How the creation of a customer account spells the telephone number; its page has `Phone`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccountPhone {
    Lower,
    Capital,
}

/// Which members of orders lists show: all that the vendor's Java client reads of them, or those that the stored pages of
/// the list show before they are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderRows {
    Whole,
    Short,
}

/// How lists show the customer account of an order; the page shows one without. Its customer is an object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderAccount {
    Number,
    Object,
}

/// What the filter `license_template_id` of licences does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PolicyFilter {
    Heeded,
    Ignored,
    Refused,
}

/// What the filter `product_features__id` takes: the id of a product feature, or that of a row; or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FeatureFilter {
    Feature,
    Row,
    Ignored,
}

/// Whether reads show the members of newer pages, or only those of the page of the write call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RowMembers {
    Newer,
    Page,
}

/// How a yearly `consumption_period` is read back; the vendor's licence pages print `annualy`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PeriodSpelling {
    Annualy,
    Annually,
}

impl PeriodSpelling {
    /// Returns the spelling as it is read back.
    pub(super) fn word(self) -> &'static str {
        match self {
            PeriodSpelling::Annualy => "annualy",
            PeriodSpelling::Annually => "annually",
        }
    }
}

/// Which spellings a write may use.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AcceptedSpelling {
    Both,
    Annualy,
    Annually,
}

impl Switches {
    /// Returns the switches with the named ones changed; `Err` names the one that does not fit.
    pub(super) fn with_changes(&self, changes: Value) -> Result<Self, String> {
        let next = switch_changes::change_switches(self, changes)?;
        if ![401, 403].contains(&next.bad_key_status) {
            return Err("switch bad_key_status: must be 401 or 403".into());
        }
        if ![200, 204].contains(&next.feature_delete_status) {
            return Err("switch feature_delete_status: must be 200 or 204".into());
        }
        if ![402, 403, 404].contains(&next.plan_refusal_status) {
            return Err("switch plan_refusal_status: must be 402, 403 or 404".into());
        }
        if ![200, 201].contains(&next.update_create_status) {
            return Err("switch update_create_status: must be 200 or 201".into());
        }
        if ![200, 201].contains(&next.account_create_status) {
            return Err("switch account_create_status: must be 200 or 201".into());
        }
        if ![400, 409].contains(&next.order_taken_status) {
            return Err("switch order_taken_status: must be 400 or 409".into());
        }
        if !(1..=MAX_LIMIT).contains(&next.page_size) {
            return Err("switch page_size: must be from 1 to 100".into());
        }
        Ok(next)
    }
}
