//! `POST …/update_features/`: the list in the body becomes the licence's whole set of rows.
//!
//! Listed features are created or updated, features that are not listed are deleted (vendor's page of the call,
//! checked 2026-11-21). Everything is checked before anything changes.
//!
//! # Worked example
//!
//! A licence has rows for f1 (limit 10, 4 consumed) and f2. The body `{"product_features": [{"product_feature":
//! "f1"}, {"product_feature": "f3", "max_consumption": 5}]}` leaves it with f1 and f3: f1 keeps its limit and
//! consumption (with the switch `omitted` at `redefault`, its limit becomes that of the product feature), f2 is
//! deleted, f3 is created with limit 5 and the defaults of its product feature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{License, Row};
use super::request_body::{COUNT, PERIODS};
use super::switches::{OmittedMembers, RowIds, UnknownPolicy};
use super::{LicenseSpring, Refusal, account};
use crate::sandbox::body_schema::{MemberRule, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// The members of an item of the list.
static ITEM: [MemberRule; 13] = [
    MemberRule::required("product_feature", ValueType::Text(1, 255)),
    MemberRule::optional("max_consumption", COUNT),
    MemberRule::optional("total_consumptions", COUNT),
    MemberRule::optional("expiry_date", ValueType::Day).or_null(),
    MemberRule::optional("allow_overages", ValueType::Flag),
    MemberRule::optional("max_overages", COUNT),
    MemberRule::optional("reset_consumption", ValueType::Flag),
    MemberRule::optional("consumption_period", ValueType::OneOf(&PERIODS)).or_null(),
    MemberRule::optional("metadata", ValueType::Object),
    MemberRule::optional("is_floating", ValueType::Flag),
    MemberRule::optional("is_floating_cloud", ValueType::Flag),
    MemberRule::optional("floating_users", COUNT),
    MemberRule::optional("floating_timeout", COUNT).or_null(),
];
static ITEM_KIND: ValueType = ValueType::Record(&ITEM);
/// The members of the body.
static BODY: [MemberRule; 1] = [MemberRule::required(
    "product_features",
    ValueType::List(&ITEM_KIND),
)];

/// One item of the body whose feature was found.
struct Item<'a> {
    feature: u64,
    members: &'a JsonObject,
}

impl LicenseSpring {
    /// Replaces the rows of a licence and answers with it.
    pub(super) fn update_features(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let license = self.account.license(id)?;
        let body = self.parse_items(request)?;
        let list = body["product_features"].as_array();
        let items = self.resolve_items(license, list.map_or(&[], Vec::as_slice))?;
        let mut license = license.clone();
        license.rows = self.build_rows(&license, items);
        // The vendor stores microseconds and shows them in the reply to a write.
        let updated = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        license.fields.insert("updated_at", json!(updated));
        let shown = self.account.license_view(&license, &self.switches, true);
        let answer = HttpReply::serialized(200, &shown);
        self.account.replace_license(id, license);
        Ok(answer)
    }

    /// Parses the list and checks it against its schema and the switch `period_accepted`.
    fn parse_items(&self, request: &HttpRequest) -> Result<Value, Refusal> {
        let body = self.parse_body(request, &BODY)?;
        let items = body["product_features"].as_array().into_iter().flatten();
        for (index, item) in items.enumerate() {
            if let Some(words) = self.refuse_period(&item["consumption_period"]) {
                return Err(item_error(index, "consumption_period", &words));
            }
        }
        Ok(body)
    }

    /// Finds the product feature of every item; unknown ones are refused or skipped, repeated ones refused.
    fn resolve_items<'a>(
        &self,
        license: &License,
        list: &'a [Value],
    ) -> Result<Vec<Item<'a>>, Refusal> {
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut index_by_feature = BTreeMap::new();
        for (index, item) in list.iter().enumerate() {
            let Some(members) = item.as_object() else {
                continue;
            };
            let code = item["product_feature"].as_str().unwrap_or("");
            let Some(feature) = self.find_feature(license, code) else {
                if self.switches.unknown_feature == UnknownPolicy::Ignore {
                    continue;
                }
                return Err(unsupported_feature(code));
            };
            if let Some(first) = index_by_feature.insert(feature, index) {
                let words = format!("\"{code}\" is already given by item {first}.");
                return Err(item_error(index, "product_feature", &words));
            }
            items.push(Item { feature, members });
        }
        Ok(items)
    }

    /// Returns the id of the feature that a code means on a licence; `None` if it may not have one.
    ///
    /// A deleted feature stays on a licence that has it, but cannot be added to another.
    fn find_feature(&self, license: &License, code: &str) -> Option<u64> {
        let by_id = || {
            let id = code.parse().ok().filter(|_| self.switches.numeric_id)?;
            self.account.feature_by_id(license, id)
        };
        let feature = self.account.feature(license, code).or_else(by_id)?;
        let usable = license.rows.contains_key(&feature) || !self.account.is_deleted(feature);
        usable.then_some(feature)
    }

    /// Returns the new rows of a licence from checked items, by the id of their product feature.
    fn build_rows(&mut self, license: &License, items: Vec<Item<'_>>) -> BTreeMap<u64, Row> {
        let mut rows = BTreeMap::new();
        for Item { feature, members } in items {
            let old = license.rows.get(&feature);
            let defaults = self.switches.new_row_max_overages;
            let mut fields = match (old, self.switches.omitted) {
                (Some(old), OmittedMembers::Keep) => old.fields.to_object(),
                (Some(old), OmittedMembers::Redefault) => {
                    let mut fields = self.account.new_row(feature, defaults);
                    // Consumption is a counter, not a setting: it changes only if it is sent.
                    let used = old.fields["total_consumptions"].clone();
                    fields.insert("total_consumptions".into(), used);
                    fields
                }
                (None, _) => self.account.new_row(feature, defaults),
            };
            for (name, value) in members {
                // Members that the schema lacks are here only if they are to be ignored.
                if name != "product_feature" && fields.contains_key(name) {
                    fields.insert(name.clone(), value.clone());
                }
            }
            account::spell_period(&mut fields, self.switches.period_spelling);
            let id = match (old, self.switches.row_ids) {
                (Some(old), RowIds::Keep) => old.id,
                (Some(_), RowIds::Recreate) | (None, _) => self.account.new_row_id(),
            };
            let fields = fields.into();
            rows.insert(feature, Row { id, fields });
        }
        rows
    }
}

/// Returns the error that the vendor's error list names, in the form of its other errors.
fn unsupported_feature(code: &str) -> Refusal {
    Refusal {
        status: 400,
        body: json!({
            "status": 400,
            "code": "unsupported_product_feature",
            "message": format!("Product feature \"{code}\" does not exist or is not enabled for the product."),
        }),
    }
}

/// Returns an error of one member of one item, as the framework nests it: an object per item up to the bad one.
fn item_error(index: usize, member: &str, words: &str) -> Refusal {
    let mut items = vec![json!({}); index];
    items.push(json!({ member: [words] }));
    Refusal {
        status: 400,
        body: json!({ "product_features": items }),
    }
}
