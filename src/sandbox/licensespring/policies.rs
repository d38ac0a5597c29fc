//! License policies: `/license-templates/` with `GET` and `POST`, and `GET`, `PATCH` and `DELETE` of `…/{id}/`.
//!
//! Facts are from the five pages of "License Policies" in the Management API and "License Policies" in "Product
//! Configuration", checked 2026-11-30. A policy belongs to a product, and each product keeps a default one. Its code and
//! its product cannot be changed: `PATCH` names neither. `POST` answers 201, `DELETE` 204. What the pages leave open is one
//! of the switches; the lists of features and custom fields are shown and not written.
//!
//! # Worked example
//!
//! `POST {"name": "Pro", "code": "pro", "product": 7, "default_license_type": "perpetual"}` answers 201 with the policy,
//! whose other members have their defaults. `DELETE` of it answers 204, and licences that name it name none.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::Templates;
use super::request_body::{COUNT, PERIODS, member_error};
use super::settings::is_duration;
use super::switches::{PolicyPeriod, TakenCode, UnknownPolicy};
use super::values::micros;
use super::views::whole_seconds;
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::body_schema::{MemberRule, TEXT, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

const NAME: ValueType = ValueType::Text(1, 255);
const TYPE: ValueType =
    ValueType::OneOf(&["perpetual", "time-limited", "subscription", "consumption"]);

/// The members that both calls take. The pages mark none as required.
macro_rules! members {
    ($($other:expr),*) => {
        [
            $($other,)*
            MemberRule::optional("default_license_type", TYPE),
            MemberRule::optional("allow_trial", ValueType::Flag),
            MemberRule::optional("trial_days", COUNT),
            MemberRule::optional("max_activations", COUNT),
            MemberRule::optional("allow_unlimited_activations", ValueType::Flag),
            MemberRule::optional("max_license_users", COUNT),
            MemberRule::optional("is_floating", ValueType::Flag),
            MemberRule::optional("is_floating_cloud", ValueType::Flag),
            MemberRule::optional("floating_users", COUNT),
            MemberRule::optional("floating_timeout", COUNT),
            MemberRule::optional("enable_maintenance_period", ValueType::Flag),
            MemberRule::optional("maintenance_duration", TEXT),
            MemberRule::optional("prevent_vm", ValueType::Flag),
            MemberRule::optional("valid_duration", TEXT),
            MemberRule::optional("allow_grace_period", ValueType::Flag),
            MemberRule::optional("grace_period", COUNT),
            MemberRule::optional("max_consumptions", COUNT),
            MemberRule::optional("allow_unlimited_consumptions", ValueType::Flag),
            MemberRule::optional("allow_overages", ValueType::Flag),
            MemberRule::optional("max_overages", COUNT),
            MemberRule::optional("reset_consumption", ValueType::Flag),
            MemberRule::optional("consumption_period", ValueType::OneOf(&PERIODS)),
            MemberRule::optional("max_transfers", ValueType::Integer(-1, i32::MAX as i64)),
            MemberRule::optional("is_air_gapped", ValueType::Flag),
            MemberRule::optional("can_borrow", ValueType::Flag),
            MemberRule::optional("max_borrow_time", COUNT),
            MemberRule::optional("is_archived", ValueType::Flag),
            MemberRule::optional("is_hardware_key_auth", ValueType::Flag),
            MemberRule::optional("is_sku", ValueType::Flag),
            MemberRule::optional("user_max_activations", COUNT),
            MemberRule::optional("metadata", ValueType::Object),
        ]
    };
}

/// "License Policies" requires name, code and type of its form; a policy without a product would be nobody's.
static CREATE: [MemberRule; 34] = members!(
    MemberRule::required("name", NAME),
    MemberRule::required("code", NAME),
    MemberRule::required("product", ValueType::Integer(1, i64::MAX))
);
static UPDATE: [MemberRule; 32] = members!(MemberRule::optional("name", NAME));

impl LicenseSpring {
    /// Creates a license policy and answers with it.
    pub(super) fn create_policy(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        self.check_policy(&body)?;
        let same = |policy: &&JsonObject| {
            policy["code"] == body["code"] && policy["product"] == body["product"]
        };
        let is_taken = self.account.policies.values().any(|policy| same(&policy));
        if is_taken && self.switches.taken_code == TakenCode::Refuse {
            let words = format!(
                "license template with code {} already exists.",
                body["code"]
            );
            return Err(member_error("code", words));
        }
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut policy = templates.policy;
        let id = self.account.policies.keys().last().map_or(1, |id| id + 1);
        policy.insert("id".into(), json!(id));
        policy.insert("created_at".into(), json!(micros(now)));
        self.merge_members(&mut policy, &body, &CREATE, now);
        let answer = HttpReply::json(201, &self.policy_view(&policy, true));
        self.account.policies.insert(id, policy);
        Ok(answer)
    }

    /// Answers with one license policy, archived or not.
    pub(super) fn read_policy(&self, id: &str) -> Result<HttpReply, Refusal> {
        let (_, policy) = self.find_policy(id)?;
        Ok(HttpReply::json(200, &self.policy_view(&policy, false)))
    }

    /// Changes a license policy and answers with it.
    pub(super) fn update_policy(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let (id, mut policy) = self.find_policy(id)?;
        let body = self.parse_body(request, &UPDATE)?;
        self.check_policy(&body)?;
        self.merge_members(&mut policy, &body, &UPDATE, now);
        let answer = HttpReply::json(200, &self.policy_view(&policy, true));
        self.account.policies.insert(id, policy);
        Ok(answer)
    }

    /// Removes a license policy, but not the default one.
    pub(super) fn delete_policy(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let (id, policy) = self.find_policy(id)?;
        let refuses = self.switches.default_policy_removal == UnknownPolicy::Refuse;
        if refuses && policy["is_default"] == true {
            return Err(detail_refusal(400, "The default policy cannot be deleted."));
        }
        self.account.remove_policy(id);
        Ok(HttpReply::empty(204))
    }

    /// Returns the license policy that a path names; 404 if there is none.
    fn find_policy(&self, id: &str) -> Result<(u64, JsonObject), Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| Some((id, self.account.policies.get(&id)?.clone())));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Checks what the schema cannot say.
    fn check_policy(&self, body: &Value) -> Result<(), Refusal> {
        for name in ["valid_duration", "maintenance_duration"] {
            if body[name].as_str().is_some_and(|text| !is_duration(text)) {
                let words = "Enter a duration such as 35d, 4m or 2y.";
                return Err(member_error(name, words));
            }
        }
        match self.refuse_period(&body["consumption_period"]) {
            Some(words) => Err(member_error("consumption_period", words)),
            None => Ok(()),
        }
    }

    /// Returns a license policy as replies show it; reads have times in whole seconds, as for other objects.
    pub(super) fn policy_view(&self, policy: &JsonObject, written: bool) -> Value {
        let mut shown = policy.clone();
        for name in ["created_at", "updated_at"] {
            if let Some(rounded) = whole_seconds(&shown[name]).filter(|_| !written) {
                shown.insert(name.into(), json!(rounded));
            }
        }
        let period = PERIODS
            .iter()
            .position(|word| shown["consumption_period"] == *word);
        if let Some(period) = period {
            let shown_period = match self.switches.policy_period {
                PolicyPeriod::Word if period >= 3 => json!(self.switches.period_spelling.word()),
                PolicyPeriod::Word => json!(PERIODS[period]),
                PolicyPeriod::Number => json!(period),
            };
            shown.insert("consumption_period".into(), shown_period);
        }
        Value::Object(shown)
    }
}
