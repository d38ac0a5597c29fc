//! `PATCH /licenses/{id}/` and the calls that enable and disable a licence.
//!
//! Facts are from the pages "Update License", "Enable License", "Disable License" and "License Types", checked 2026-11-30:
//! members that are not sent stay; `valid_duration`, `validity_period` and `trial_days` want `is_trial` in the same body,
//! `maintenance_duration` and `maintenance_period` want `enable_maintenance_period`; `valid_duration` and
//! `validity_period` cannot be sent together. What becomes of a body that breaks the first two rules is not said: the
//! switch `lone_member` decides.
//!
//! # Worked example
//!
//! `PATCH {"max_activations": 5}` answers with the whole licence. `PATCH {"trial_days": 30}` is refused with a 400 that
//! names `is_trial`; `PATCH {"trial_days": 30, "is_trial": true}` is not. `POST …/disable/` has no body and answers
//! `{"message": "License disabled."}`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::License;
use super::request_body::{COUNT, PERIODS, member_error};
use super::switches::{BlankPolicy, MetadataWrite, OtherEnd, UnknownPolicy};
use super::values::merged;
use super::{LicenseSpring, Refusal, account};
use crate::sandbox::body_schema::{MemberRule, TEXT, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

/// The members of the call. Whether null is taken is not said for any of them.
pub(super) static SETTINGS: [MemberRule; 28] = [
    MemberRule::optional("max_activations", COUNT),
    MemberRule::optional("max_consumptions", COUNT),
    MemberRule::optional("allow_overages", ValueType::Flag),
    MemberRule::optional("max_overages", COUNT),
    MemberRule::optional("reset_consumption", ValueType::Flag),
    MemberRule::optional("consumption_period", ValueType::OneOf(&PERIODS)),
    MemberRule::optional("is_trial", ValueType::Flag),
    MemberRule::optional("trial_days", COUNT),
    MemberRule::optional("enable_maintenance_period", ValueType::Flag),
    MemberRule::optional("maintenance_duration", TEXT),
    MemberRule::optional("maintenance_period", ValueType::Day),
    MemberRule::optional("is_floating", ValueType::Flag),
    MemberRule::optional("is_floating_cloud", ValueType::Flag),
    MemberRule::optional("floating_users", COUNT),
    MemberRule::optional("valid_duration", TEXT),
    MemberRule::optional("validity_period", ValueType::Day),
    MemberRule::optional("prevent_vm", ValueType::Flag),
    MemberRule::optional("note", TEXT),
    MemberRule::optional("max_license_users", COUNT),
    MemberRule::optional("floating_timeout", COUNT),
    MemberRule::optional("max_transfers", ValueType::Integer(-1, i32::MAX as i64)),
    MemberRule::optional("allow_unlimited_activation", ValueType::Flag),
    MemberRule::optional("order", ValueType::Integer(1, i64::MAX)),
    MemberRule::optional("metadata", ValueType::Object),
    MemberRule::optional("allow_grace_period", ValueType::Flag),
    MemberRule::optional("grace_period", COUNT),
    MemberRule::optional("installation_file", ValueType::Integer(1, i64::MAX)),
    MemberRule::optional("total_consumptions", COUNT),
];

/// Members and the one that they want in the same body.
pub(super) const PARTNERS: [(&str, &str); 5] = [
    ("valid_duration", "is_trial"),
    ("validity_period", "is_trial"),
    ("trial_days", "is_trial"),
    ("maintenance_duration", "enable_maintenance_period"),
    ("maintenance_period", "enable_maintenance_period"),
];

impl LicenseSpring {
    /// Changes the settings of a licence and answers with it.
    pub(super) fn update_license(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let license = self.account.license(id)?;
        let body = self.parse_body(request, &SETTINGS)?;
        self.check_settings(&body)?;
        let mut license = license.clone();
        self.set_members(&mut license, body.as_object().unwrap_or(&JsonObject::new()));
        touch(&mut license, now);
        let shown = self.account.license_view(&license, &self.switches, true);
        let answer = HttpReply::serialized(200, &shown);
        self.account.replace_license(id, license);
        Ok(answer)
    }

    /// Enables or disables a licence. One that is so already stays so.
    pub(super) fn switch_license(
        &mut self,
        id: &str,
        enabled: bool,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let mut license = self.account.license(id)?.clone();
        self.parse_body(request, &[])?;
        license.fields.insert("enabled", json!(enabled));
        let bound = license.fields["times_activated"].as_u64() > Some(0);
        let status = match (enabled, bound) {
            (false, _) => "Disabled",
            (true, true) => "Active",
            (true, false) => "Inactive",
        };
        license.fields.insert("status", json!(status));
        if !enabled {
            let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            license.fields.insert("time_disabled", json!(at));
        }
        touch(&mut license, now);
        self.account.replace_license(id, license);
        let done = if enabled { "enabled" } else { "disabled" };
        let message = json!({ "message": format!("License {done}.") });
        Ok(HttpReply::json(200, &message))
    }

    /// Checks what the schema cannot say: lengths of time, partners, and the two ends that exclude each other.
    pub(super) fn check_settings(&self, body: &Value) -> Result<(), Refusal> {
        for name in ["valid_duration", "maintenance_duration"] {
            if body[name].as_str().is_some_and(|text| !is_duration(text)) {
                return Err(member_error(
                    name,
                    "Enter a duration such as 35d, 4m or 2y.",
                ));
            }
        }
        if let Some(words) = self.refuse_period(&body["consumption_period"]) {
            return Err(member_error("consumption_period", words));
        }
        if body["note"] == "" && self.switches.blank_note == BlankPolicy::Refuse {
            return Err(member_error("note", "This field may not be blank."));
        }
        let sent = |name: &str| !body[name].is_null();
        if sent("valid_duration") && sent("validity_period") {
            let words = "valid_duration and validity_period can't be sent in the same request.";
            return Err(member_error("non_field_errors", words));
        }
        let strict = self.switches.lone_member == UnknownPolicy::Refuse;
        let lone = PARTNERS
            .iter()
            .find(|(name, partner)| sent(name) && !sent(partner));
        match lone.filter(|_| strict) {
            Some((name, partner)) => {
                let words = format!("This field is required when updating {name}.");
                Err(member_error(partner, words))
            }
            None => Ok(()),
        }
    }

    /// Sets checked members. Those that the schema lacks, and those that no read shows, are here to be ignored.
    pub(super) fn set_members(&self, license: &mut License, members: &JsonObject) {
        for (name, value) in members {
            let lone = PARTNERS
                .iter()
                .any(|(lone, partner)| lone == name && !members.contains_key(*partner));
            if lone || license.fields.get(name).is_none() {
                continue;
            }
            let value = match (name.as_str(), self.switches.metadata_write) {
                ("metadata", MetadataWrite::Merge) => merged(&license.fields["metadata"], value),
                _ => value.clone(),
            };
            license.fields.insert(name.clone(), value);
            let other = match name.as_str() {
                "valid_duration" => "validity_period",
                "validity_period" => "valid_duration",
                _ => continue,
            };
            if self.switches.other_end == OtherEnd::Clear {
                license.fields.insert(other, Value::Null);
            }
        }
        let mut period = JsonObject::new();
        period.insert(
            "consumption_period".into(),
            license.fields["consumption_period"].clone(),
        );
        account::spell_period(&mut period, self.switches.period_spelling);
        license
            .fields
            .insert("consumption_period", period["consumption_period"].clone());
    }
}

/// Sets `updated_at` to the time of the write, with microseconds, as the vendor stores it.
pub(super) fn touch(license: &mut License, now: Timestamp) {
    let updated = now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    license.fields.insert("updated_at", json!(updated));
}

/// Returns whether a text is a number of days, months or years, such as `35d`.
pub(super) fn is_duration(text: &str) -> bool {
    let (Some(unit), count) = (text.chars().last(), text.trim_end_matches(['d', 'm', 'y'])) else {
        return false;
    };
    "dmy".contains(unit) && text.len() == count.len() + 1 && count.parse::<u32>().is_ok()
}
