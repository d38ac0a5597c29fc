//! `PATCH /license-product-features/{id}`: changes one row of a licence, found by the id of the row.
//!
//! Facts are from the page "Update License Product Feature", checked 2026-11-29: members that are not sent stay; the reply
//! is the row, with the ids of its licence and of its product feature as integers. Null is not named for any member.
//! `floating_users` is in the newest text of the page only, and `total_consumptions` in none.

use jiff::Timestamp;
use serde_json::json;

use super::account::{NEWER, ROW};
use super::request_body::{COUNT, PERIODS, member_error};
use super::{LicenseSpring, Refusal, account, detail_refusal};
use crate::sandbox::body_schema::{MemberRule, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// The members of the call.
pub(super) static MEMBERS: [MemberRule; 12] = [
    MemberRule::optional("max_consumption", COUNT),
    MemberRule::optional("expiry_date", ValueType::Day),
    MemberRule::optional("allow_overages", ValueType::Flag),
    MemberRule::optional("consumption_period", ValueType::OneOf(&PERIODS)),
    MemberRule::optional("max_overages", COUNT),
    MemberRule::optional("reset_consumption", ValueType::Flag),
    MemberRule::optional("allow_unlimited_consumptions", ValueType::Flag),
    MemberRule::optional("allow_negative_consumptions", ValueType::Flag),
    MemberRule::optional("metadata", ValueType::Object),
    MemberRule::optional("floating_timeout", COUNT),
    MemberRule::optional("is_floating", ValueType::Flag),
    MemberRule::optional("is_floating_cloud", ValueType::Flag),
];

impl LicenseSpring {
    /// Changes a row and answers with it; 404 if no licence has a row with this id.
    pub(super) fn update_row(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let id: Option<u64> = id.parse().ok();
        let found = self.account.licenses.iter().find_map(|(license, fields)| {
            let mut rows = fields.rows.iter();
            let (feature, _) = rows.find(|(_, row)| Some(row.id) == id)?;
            Some((*license, *feature))
        });
        let (license_id, feature) = found.ok_or_else(|| detail_refusal(404, "Not found."))?;
        let body = self.parse_body(request, &MEMBERS)?;
        if let Some(words) = self.refuse_period(&body["consumption_period"]) {
            return Err(member_error("consumption_period", words));
        }
        let spelling = self.switches.period_spelling;
        let Some(license) = self.account.licenses.get_mut(&license_id) else {
            return Err(detail_refusal(404, "Not found."));
        };
        let updated = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        license.fields.insert("updated_at", json!(updated));
        let Some(row) = license.rows.get_mut(&feature) else {
            return Err(detail_refusal(404, "Not found."));
        };
        let mut fields = row.fields.to_object();
        for (name, value) in body.as_object().into_iter().flatten() {
            // Members that the schema lacks are here only if they are to be ignored.
            if MEMBERS.iter().any(|member| member.name == name) {
                fields.insert(name.clone(), value.clone());
            }
        }
        account::spell_period(&mut fields, spelling);
        let mut shown = JsonObject::new();
        shown.insert("id".into(), json!(row.id));
        for name in ROW.into_iter().chain(NEWER) {
            shown.insert(name.into(), fields.get(name).cloned().unwrap_or_default());
        }
        shown.insert("license".into(), json!(license_id));
        shown.insert("product_feature".into(), json!(feature));
        row.fields = fields.into();
        Ok(HttpReply::json(200, &json!(shown)))
    }
}
