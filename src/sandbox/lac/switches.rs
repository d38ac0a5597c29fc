//! What the LAC pages leave open, as switches; each default is the most plausible reading.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Rows per list page. The older SOAP lists come in blocks of 100; REST states no size.
    pub page_size: NonZeroUsize,
    pub list_order: ListOrder,
    pub single_get: SingleGet,
    /// Whether PATCH keeps the live value of a required member that is left out, instead of refusing.
    pub lenient_patch: bool,
    pub absent_optional: AbsentOptional,
    /// Whether `"10"` is taken where the page says integer.
    pub digit_strings: bool,
    /// Two features of one name and version, or two HostIDs of one name.
    pub duplicates: RuleEnforcement,
    /// Fewer activations or deactivations allowed than were already made.
    pub below_use: RuleEnforcement,
    /// `removal: true` on an order without activated licences, which the web pages do not offer.
    pub removal_without_licenses: RuleEnforcement,
    /// After how many reads a requested removal is confirmed; 0 is never.
    pub removal_clears_after_reads: u32,
    pub template_change: TemplateChange,
    pub customer_change: CustomerChange,
    /// Whether creating answers 201 instead of 200.
    pub created_is_201: bool,
    pub error_body: ErrorBody,
    /// The life of a token from its issue. Three hours is that of the same token in SOAP.
    pub token_life_seconds: u32,
    /// Whether the fixed `sandbox-token` is taken.
    pub fixed_token: FixedToken,
}

/// In which order lists come; the pages do not say.
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
    Hal,
    Snake,
}

/// What an optional order member left out of a PATCH means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentOptional {
    Keep,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleEnforcement {
    Accept,
    Refuse,
}

/// Whether PATCH may name another template; the web pages grey the product out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    SameProduct,
    Accept,
    Refuse,
}

/// What PATCH makes of another customer; the page requires `customer_id` and does not say that orders move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerChange {
    Accept,
    /// The order stays where it is, and the reply says so.
    Ignore,
}

/// The body of a refusal; the vendor REST pages show none, its neighbours the first two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    CodeMessage,
    Message,
    Empty,
}

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
            digit_strings: false,
            duplicates: RuleEnforcement::Refuse,
            below_use: RuleEnforcement::Accept,
            removal_without_licenses: RuleEnforcement::Accept,
            removal_clears_after_reads: 2,
            template_change: TemplateChange::SameProduct,
            customer_change: CustomerChange::Accept,
            created_is_201: false,
            error_body: ErrorBody::CodeMessage,
            token_life_seconds: 3 * 60 * 60,
            fixed_token: FixedToken::Valid,
        }
    }
}
