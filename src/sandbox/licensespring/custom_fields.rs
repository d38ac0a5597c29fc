//! Values of custom fields on licences: `/license-custom-fields/` with `GET` and `POST`, and `GET`, `PATCH` and `DELETE` of
//! `…/{id}/`.
//!
//! Facts are from the five pages of "Custom Fields" below "License", checked 2026-11-30: the list has the filter `license`,
//! `POST` answers 201, `PATCH` takes `value` alone, `DELETE` answers 204. Whether a licence may have two values of one
//! field is not said: the switch `second_value`. The licence itself shows `product_custom_fields` in a form that no page
//! prints: it stays empty here.
//!
//! # Worked example
//!
//! `POST {"value": "23", "license": 1593781720493289, "product_custom_field": 51}` answers `{"id": 84, "value": "23",
//! "license": 1593781720493289, "product_custom_field": 51}`.

use serde_json::{Value, json};

use super::account::Templates;
use super::request_body::member_error;
use super::switches::{BlankPolicy, TakenCode};
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::body_schema::{MemberRule, TEXT, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

const NUMBER: ValueType = ValueType::Integer(1, i64::MAX);

static CREATE: [MemberRule; 3] = [
    MemberRule::required("value", TEXT),
    MemberRule::required("license", NUMBER),
    MemberRule::required("product_custom_field", NUMBER),
];
static UPDATE: [MemberRule; 1] = [MemberRule::optional("value", TEXT)];

impl LicenseSpring {
    /// Gives a licence a value of a custom field, and answers with it.
    pub(super) fn create_custom_field(
        &mut self,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        self.check_custom_field(&body)?;
        let known = |name: &str, is_known: bool| match is_known {
            true => Ok(()),
            false => {
                let words = format!("Invalid pk \"{}\" - object does not exist.", body[name]);
                Err(member_error(name, words))
            }
        };
        let license = { body["license"].as_u64() }.and_then(|id| self.account.license_by_id(id));
        known("license", license.is_some())?;
        let field = body["product_custom_field"].as_u64().unwrap_or_default();
        let field = self.account.product_custom_fields.get(&field);
        let product = license.map(|license| license.fields["product"]["id"].clone());
        let belongs = field.is_some_and(|field| Some(&field["product"]) == product.as_ref());
        known("product_custom_field", belongs)?;
        let mut values = self.account.custom_fields.values();
        let is_same = |name: &str, value: &JsonObject| value[name] == body[name];
        let is_there =
            values.any(|value| is_same("license", value) && is_same("product_custom_field", value));
        if is_there && self.switches.second_value == TakenCode::Refuse {
            let words = "The fields license, product_custom_field must make a unique set.";
            return Err(member_error("non_field_errors", words));
        }
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut value = templates.custom_field;
        let ids = &self.account.custom_fields;
        let id = ids.keys().last().map_or(1, |id| id + 1);
        value.insert("id".into(), json!(id));
        for member in &CREATE {
            value.insert(member.name.into(), body[member.name].clone());
        }
        let answer = HttpReply::json(201, &json!(value));
        self.account.custom_fields.insert(id, value);
        Ok(answer)
    }

    /// Answers with one value.
    pub(super) fn read_custom_field(&self, id: &str) -> Result<HttpReply, Refusal> {
        let (_, value) = self.find_custom_field(id)?;
        Ok(HttpReply::json(200, &json!(value)))
    }

    /// Changes a value and answers with it.
    pub(super) fn update_custom_field(
        &mut self,
        id: &str,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        let (id, mut value) = self.find_custom_field(id)?;
        let body = self.parse_body(request, &UPDATE)?;
        self.check_custom_field(&body)?;
        if let Some(text) = body.get("value") {
            value.insert("value".into(), text.clone());
        }
        let answer = HttpReply::json(200, &json!(value));
        self.account.custom_fields.insert(id, value);
        Ok(answer)
    }

    /// Removes a value; the licence has the default of its product.
    pub(super) fn delete_custom_field(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let (id, _) = self.find_custom_field(id)?;
        self.account.custom_fields.remove(&id);
        Ok(HttpReply::empty(204))
    }

    /// Returns the value that a path names; 404 if there is none.
    fn find_custom_field(&self, id: &str) -> Result<(u64, JsonObject), Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| Some((id, self.account.custom_fields.get(&id)?.clone())));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Checks what the schema cannot say: whether the value may be empty.
    fn check_custom_field(&self, body: &Value) -> Result<(), Refusal> {
        match body["value"] == "" && self.switches.blank_note == BlankPolicy::Refuse {
            true => Err(member_error("value", "This field may not be blank.")),
            false => Ok(()),
        }
    }
}
