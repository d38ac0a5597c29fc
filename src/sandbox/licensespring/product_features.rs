//! Product features: `POST /product-features/`, and `PATCH` and `DELETE …/{id}/`.
//!
//! Facts are from the pages "Create Product Feature", "Update Product Feature", "Delete Product Feature" and "Product
//! Features", checked 2026-11-30. A feature without a product is global. Its code cannot be changed. `PATCH` leaves what is
//! not sent as it is, though its newest page marks three members as required: the switch `feature_patch`. `DELETE` takes
//! the feature from all licences and answers 200; `PATCH` of `is_deleted` leaves it on those that have it.
//!
//! # Worked example
//!
//! `POST {"name": "f3", "code": "f3", "feature_type": "consumption"}` answers 200 with a global feature, whose other
//! members have their defaults. `DELETE` of it takes its row from each licence that has one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Templates;
use super::request_body::{COUNT, member_error};
use super::switches::{FeaturePatch, TakenCode};
use super::values::micros;
use super::views::whole_seconds;
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::body_schema::{MemberRule, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

const NAME: ValueType = ValueType::Text(1, 255);
const TYPE: ValueType = ValueType::OneOf(&["activation", "consumption"]);
/// These pages spell the yearly one `annually`.
const PERIOD: ValueType = ValueType::OneOf(&["daily", "weekly", "monthly", "annually"]);

/// The members that both calls take. The examples send null for the period.
macro_rules! members {
    ($rule:ident; $($other:expr),*) => {
        [
            MemberRule::$rule("name", NAME),
            MemberRule::$rule("code", NAME),
            MemberRule::$rule("feature_type", TYPE),
            MemberRule::optional("max_consumption", COUNT),
            MemberRule::optional("allow_overages", ValueType::Flag),
            MemberRule::optional("max_overages", COUNT),
            MemberRule::optional("reset_consumption", ValueType::Flag),
            MemberRule::optional("consumption_period", PERIOD).or_null(),
            MemberRule::optional("product", ValueType::Integer(1, i64::MAX)),
            MemberRule::optional("is_floating", ValueType::Flag),
            MemberRule::optional("is_floating_cloud", ValueType::Flag),
            MemberRule::optional("floating_users", COUNT),
            MemberRule::optional("floating_timeout", COUNT),
            MemberRule::optional("metadata", ValueType::Object),
            $($other),*
        ]
    };
}

static CREATE: [MemberRule; 14] = members!(required;);
static UPDATE: [MemberRule; 15] =
    members!(required; MemberRule::optional("is_deleted", ValueType::Flag));
static PARTIAL: [MemberRule; 15] =
    members!(optional; MemberRule::optional("is_deleted", ValueType::Flag));

/// The members of a feature in the order of the pages.
const SHOWN: [&str; 18] = [
    "id",
    "created_at",
    "updated_at",
    "name",
    "code",
    "is_deleted",
    "feature_type",
    "max_consumption",
    "allow_unlimited_consumptions",
    "allow_overages",
    "max_overages",
    "reset_consumption",
    "consumption_period",
    "is_floating",
    "is_floating_cloud",
    "floating_users",
    "floating_timeout",
    "metadata",
];

impl LicenseSpring {
    /// Creates a product feature and answers with it.
    pub(super) fn create_product_feature(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        let code = body["code"].as_str().unwrap_or_default();
        let is_taken = self.account.has_code(body["product"].as_u64(), code);
        if is_taken && self.switches.taken_code == TakenCode::Refuse {
            let words = format!("product feature with code \"{code}\" already exists.");
            return Err(member_error("code", words));
        }
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut feature = templates.feature;
        let id = self.account.features.keys().last().map_or(1, |id| id + 1);
        feature.insert("id".into(), json!(id));
        feature.insert("created_at".into(), json!(micros(now)));
        self.merge_members(&mut feature, &body, &CREATE, now);
        self.account.add_feature(id, feature.clone());
        Ok(HttpReply::json(200, &written_view(&feature)))
    }

    /// Changes a product feature and answers with it.
    pub(super) fn update_product_feature(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let (id, mut feature) = self.find_product_feature(id)?;
        let members = match self.switches.feature_patch {
            FeaturePatch::Full => &UPDATE,
            FeaturePatch::Partial => &PARTIAL,
        };
        let body = self.parse_body(request, members)?;
        for name in ["code", "product"] {
            if !body[name].is_null() && body[name] != feature[name] {
                return Err(member_error(name, "This field cannot be changed."));
            }
        }
        self.merge_members(&mut feature, &body, members, now);
        let answer = HttpReply::json(200, &written_view(&feature));
        self.account.features.insert(id, feature);
        Ok(answer)
    }

    /// Removes a product feature, and takes it from all licences.
    pub(super) fn delete_product_feature(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let (id, _) = self.find_product_feature(id)?;
        self.account.purge_feature(id);
        Ok(HttpReply::empty(self.switches.feature_delete_status))
    }

    /// Returns the product feature that a path names; 404 if there is none.
    fn find_product_feature(&self, id: &str) -> Result<(u64, JsonObject), Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| Some((id, self.account.feature_fields(id)?.clone())));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }
}

/// Returns a product feature as the reply to a write shows it.
fn written_view(feature: &JsonObject) -> Value {
    let mut shown = JsonObject::new();
    for name in SHOWN.into_iter().chain(["product"]) {
        let value = feature.get(name).cloned();
        shown.insert(name.into(), value.unwrap_or_default());
    }
    Value::Object(shown)
}

/// Returns a product feature as the list shows it: with times in whole seconds.
pub(super) fn read_view(feature: &JsonObject) -> Value {
    let mut shown = written_view(feature);
    for name in ["created_at", "updated_at"] {
        if let Some(rounded) = whole_seconds(&shown[name]) {
            shown[name] = json!(rounded);
        }
    }
    shown
}
