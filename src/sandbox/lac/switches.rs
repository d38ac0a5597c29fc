//! The switches of the LAC simulator: how it behaves where the vendor's pages leave it open.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// One answer for each open question; the defaults are the most plausible reading of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// The rows of a list page. The older SOAP lists come in blocks of 100; REST states no size.
    pub page_size: NonZeroUsize,
    /// The order of lists.
    pub list_order: ListOrder,
    /// The form of a single order.
    pub single_get: SingleGet,
    /// True if PATCH keeps the live value of a missing required member, instead of refusing the body.
    pub lenient_patch: bool,
    /// What a missing optional member means in a PATCH.
    pub absent_optional: AbsentOptional,
    /// What a PATCH of a customer does to rows of `Contacts` and `CustomTags` that it does not name.
    pub patched_lists: PatchedLists,
    /// What happens to a custom tag that is not defined in the administration.
    pub undefined_tags: RuleEnforcement,
    /// True if `"10"` is accepted where the page says integer.
    pub digit_strings: bool,
    /// What happens to two features of one name and version, two HostIDs or custom tags of one name, or two contacts of
    /// one e-mail address.
    pub duplicates: RuleEnforcement,
    /// What happens to a write that allows fewer activations or deactivations than were made.
    pub below_use: RuleEnforcement,
    /// What happens to `removal: true` on an order without activated licences, which the web pages do not offer.
    pub removal_without_licenses: RuleEnforcement,
    /// After how many reads a requested removal is confirmed; 0 is never.
    pub removal_clears_after_reads: u32,
    /// True if an order may get another product template.
    pub template_change: TemplateChange,
    /// True if an order may get another customer.
    pub customer_change: CustomerChange,
    /// True if a POST of an order answers 201 instead of 200; that of a customer is documented to answer 200.
    pub created_is_201: bool,
    /// What an optional member of an order has that a POST leaves out.
    pub created_defaults: CreatedDefaults,
    /// The body of an error.
    pub error_body: ErrorBody,
    /// How long a token is valid from its issue, in seconds. Three hours is the life of SOAP's tokens.
    pub token_life_seconds: u32,
    /// True if the fixed `sandbox-token` is accepted.
    pub fixed_token: FixedToken,
}

/// The order of lists, oldest or newest first; the pages do not say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    Created,
    Newest,
}

/// What `GET /license-orders/{key}` answers: its page shows the end-user API's HAL document.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleGet {
    /// The HAL document of the end-user API, in camelCase.
    Hal,
    /// The same form as in lists, in snake_case.
    Snake,
}

/// What a missing optional member means in a PATCH: keep the live value, or set it to `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentOptional {
    Keep,
    Reset,
}

/// What a list in a PATCH of a customer is: the whole list, or the rows to add and to change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchedLists {
    Replace,
    Merge,
}

/// Where the optional members of a new order come from: from nowhere, or from its product template, as in the SOAP
/// API's `GetLicenseOrderTemplate`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatedDefaults {
    Nothing,
    Template,
}

/// The treatment of a write that a plausible but undocumented rule forbids: accepted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleEnforcement {
    Accept,
    Refuse,
}

/// True if PATCH may name another template; the web pages do not let the product be changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    SameProduct,
    Accept,
    Refuse,
}

/// What happens if a PATCH names another customer; the page requires `customer_id` but does not say that orders move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerChange {
    Accept,
    /// The order keeps its customer, as the reply shows.
    Ignore,
}

/// The body of an error; the pages of this API show none, those of the vendor's other APIs the first two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    CodeMessage,
    Message,
    Empty,
}

/// The treatment of the fixed token: accepted, or refused like an expired token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedToken {
    Valid,
    Expired,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            // Evaluated at compile time.
            page_size: const { NonZeroUsize::new(100).unwrap() },
            list_order: ListOrder::Created,
            single_get: SingleGet::Hal,
            lenient_patch: false,
            absent_optional: AbsentOptional::Keep,
            patched_lists: PatchedLists::Replace,
            undefined_tags: RuleEnforcement::Refuse,
            digit_strings: false,
            duplicates: RuleEnforcement::Refuse,
            below_use: RuleEnforcement::Accept,
            removal_without_licenses: RuleEnforcement::Accept,
            removal_clears_after_reads: 2,
            template_change: TemplateChange::SameProduct,
            customer_change: CustomerChange::Accept,
            created_is_201: false,
            created_defaults: CreatedDefaults::Nothing,
            error_body: ErrorBody::CodeMessage,
            token_life_seconds: 3 * 60 * 60,
            fixed_token: FixedToken::Valid,
        }
    }
}
