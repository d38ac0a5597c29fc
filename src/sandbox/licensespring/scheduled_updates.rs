//! Scheduled updates: `/scheduled-updates/` with `GET` and `POST`, `GET …/stats/`, `PATCH` and `DELETE` of `…/{id}/`,
//! `POST …/cancel/`, `…/apply/` and `…/retry/`, and `GET …/simulate/`.
//!
//! Facts are from the pages below "Scheduled Updates" of the Management API and "Scheduled License Updates", checked
//! 2026-12-01. An update belongs to a licence and to a full hour: `scheduled_at` is cut to it and must be at least the next
//! one. A second `POST` for the same hour adds its items to the pending update that is there. `PATCH` replaces all items,
//! of a pending or a failed update; `cancel/` takes a pending one. At its hour all items are carried out, or none: then the
//! first that fails has an `error_message`. What the pages leave open is one of the switches; bulk calls and the export are
//! left out.
//!
//! # Worked example
//!
//! ```text
//! POST {"license": 7, "scheduled_at": "2026-11-01T10:45:00Z", "scheduled_update_data": [
//!         {"action": "license-update", "update_data": {"max_activations": 10}}]}
//! 201  {"id": 1, "license": 7, "scheduled_at": "2026-11-01T10:00:00Z", "status": "pending", …}
//! 2026-11-01T10:00:00Z   the licence has 10 activations, and the status is "applied"
//! ```

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{License, Templates};
use super::request_body::member_error;
use super::row::MEMBERS as ROW_MEMBERS;
use super::settings::{PARTNERS, SETTINGS, touch};
use super::switches::{MergedName, RetryTime, TakenHour, UnknownPolicy};
use super::values::micros;
use super::{LicenseSpring, Refusal, account, detail_refusal};
use crate::sandbox::body_schema::{self, MemberRule, TEXT, ValueType};
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::JsonObject;

const NUMBER: ValueType = ValueType::Integer(1, i64::MAX);
const MOST_ITEMS: usize = 100;

static ITEM: [MemberRule; 4] = [
    MemberRule::required(
        "action",
        ValueType::OneOf(&[
            "license-update",
            "license-reset",
            "license-product-feature-update",
            "license-product-feature-delete",
            "license-custom-field-update",
            "license-custom-field-delete",
        ]),
    ),
    MemberRule::optional("product_feature", NUMBER).or_null(),
    MemberRule::optional("product_custom_field", NUMBER).or_null(),
    MemberRule::optional("update_data", ValueType::Object),
];
static ITEM_TYPE: ValueType = ValueType::Record(&ITEM);
static CREATE: [MemberRule; 5] = [
    MemberRule::required("license", NUMBER),
    MemberRule::required("scheduled_at", ValueType::Instant),
    MemberRule::optional("name", ValueType::Text(0, 255)).or_null(),
    MemberRule::optional("note", TEXT).or_null(),
    MemberRule::required("scheduled_update_data", ValueType::List(&ITEM_TYPE)),
];
static UPDATE: [MemberRule; 5] = [
    MemberRule::optional("license", NUMBER),
    MemberRule::optional("scheduled_at", ValueType::Instant),
    MemberRule::optional("name", ValueType::Text(0, 255)).or_null(),
    MemberRule::optional("note", TEXT).or_null(),
    MemberRule::optional("scheduled_update_data", ValueType::List(&ITEM_TYPE)),
];
static FIELD_VALUE: [MemberRule; 1] = [MemberRule::required("value", TEXT)];

impl LicenseSpring {
    /// Carries out the updates whose hour has come, in the order of their hours.
    pub(super) fn carry_out_due(&mut self, now: Timestamp) {
        let due = self.account.scheduled_updates.iter();
        let due = due.filter(|(_, update)| update["status"] == "pending");
        let mut due: Vec<(Timestamp, u64)> = due
            .filter_map(|(id, update)| Some((hour_of(&update["scheduled_at"])?, *id)))
            .filter(|(at, _)| *at <= now && !self.switches.updates_wait)
            .collect();
        due.sort();
        for (at, id) in due {
            self.carry_out(id, at);
        }
    }

    /// Refuses every call of an account that does not have the vendor's highest plan.
    pub(super) fn refuse_plan(&self) -> Result<(), Refusal> {
        match self.switches.enterprise {
            true => Ok(()),
            false => Err(detail_refusal(
                self.switches.plan_refusal_status,
                "Scheduled updates are available on the Enterprise plan only.",
            )),
        }
    }

    /// Creates an update, or adds its items to the pending one of its hour, and answers with it.
    pub(super) fn create_update(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &CREATE)?;
        let at = check_hour(&body["scheduled_at"], now)?;
        let id = body["license"].as_u64().unwrap_or_default();
        let license = self.account.license_by_id(id).ok_or_else(|| {
            member_error(
                "license",
                format!("Invalid pk \"{id}\" - object does not exist."),
            )
        })?;
        let items = self.check_items(&body["scheduled_update_data"], license)?;
        let hour = json!(at.to_string());
        let mut all = self.account.scheduled_updates.iter();
        let there = all.find(|(_, update)| {
            update["license"] == id
                && update["scheduled_at"] == hour
                && update["status"] == "pending"
        });
        if let Some((there, update)) = there {
            let mut update = update.clone();
            let mut merged = update["scheduled_update_data"].as_array().cloned();
            let merged = merged.get_or_insert_default();
            merged.extend(items);
            refuse_repeated(merged)?;
            let merged = Value::Array(merged.clone());
            if self.switches.merged_name == MergedName::Replace {
                copy_texts(&mut update, &body);
            }
            let there = *there;
            update.insert("scheduled_update_data".into(), merged);
            self.number_items(&mut update);
            return Ok(self.store(there, update, self.switches.update_create_status));
        }
        let templates = Templates::read().map_err(|why| detail_refusal(500, why))?;
        let mut update = templates.scheduled_update;
        let number = self
            .account
            .scheduled_updates
            .keys()
            .last()
            .map_or(1, |id| id + 1);
        update.insert("id".into(), json!(number));
        update.insert("license".into(), json!(id));
        update.insert("created_at".into(), json!(micros(now)));
        update.insert("scheduled_at".into(), hour);
        copy_texts(&mut update, &body);
        update.insert("scheduled_update_data".into(), Value::Array(items));
        self.number_items(&mut update);
        Ok(self.store(number, update, self.switches.update_create_status))
    }

    /// Changes a pending or a failed update and answers with it.
    pub(super) fn change_update(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let (id, mut update) = self.find_update(id)?;
        let body = self.parse_body(request, &UPDATE)?;
        let is_failed = update["status"] == "failed";
        if update["status"] != "pending" && !is_failed {
            let words = "Only pending and failed scheduled updates can be updated.";
            return Err(detail_refusal(400, words));
        }
        let before = update["scheduled_at"].clone();
        if body.get("scheduled_at").is_some() {
            let hour = json!(check_hour(&body["scheduled_at"], now)?.to_string());
            self.refuse_taken_hour(id, &update["license"], &hour)?;
            update.insert("scheduled_at".into(), hour);
        }
        let needs_other = self.switches.retry_time == RetryTime::Other;
        let is_same =
            body.get("scheduled_at").is_none() || needs_other && update["scheduled_at"] == before;
        if is_failed && is_same {
            let words = "A new time is required to update a failed scheduled update.";
            return Err(member_error("scheduled_at", words));
        }
        if body.get("scheduled_update_data").is_some() {
            let license = update["license"].as_u64().unwrap_or_default();
            let license = self.account.license_by_id(license);
            let license = license.ok_or_else(|| detail_refusal(404, "Not found."))?;
            let items = self.check_items(&body["scheduled_update_data"], license)?;
            update.insert("scheduled_update_data".into(), Value::Array(items));
            self.number_items(&mut update);
        }
        copy_texts(&mut update, &body);
        update.insert("status".into(), json!("pending"));
        update.insert("failed_at".into(), Value::Null);
        Ok(self.store(id, update, 200))
    }

    /// Removes an update, from the history too.
    pub(super) fn delete_update(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let (id, _) = self.find_update(id)?;
        self.account.scheduled_updates.remove(&id);
        Ok(HttpReply::empty(204))
    }

    /// Cancels a pending update and answers with it.
    pub(super) fn cancel_update(&mut self, id: &str, now: Timestamp) -> Result<HttpReply, Refusal> {
        let (id, mut update) = self.find_update(id)?;
        if update["status"] != "pending" {
            let words = "Only pending scheduled updates can be cancelled.";
            return Err(detail_refusal(400, words));
        }
        update.insert("status".into(), json!("cancelled"));
        update.insert("cancelled_at".into(), json!(micros(now)));
        Ok(self.store(id, update, 200))
    }

    /// Carries out an update with this status at once, and answers with it whatever comes of it.
    pub(super) fn apply_update(
        &mut self,
        id: &str,
        status: &str,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let (id, update) = self.find_update(id)?;
        if update["status"] != status {
            return Err(detail_refusal(
                400,
                format!("Only {status} scheduled updates can be applied."),
            ));
        }
        self.carry_out(id, now);
        let update = self.account.scheduled_updates.get(&id);
        Ok(HttpReply::json(200, &json!(update)))
    }

    /// Answers with what would come of a pending update now. Nothing is kept of it.
    pub(super) fn simulate_update(&self, id: &str) -> Result<HttpReply, Refusal> {
        let (_, mut update) = self.find_update(id)?;
        if update["status"] != "pending" {
            return Err(detail_refusal(
                400,
                "Only pending scheduled updates can be simulated.",
            ));
        }
        let mut api = self.clone();
        let mut items = update["scheduled_update_data"].as_array().cloned();
        let items = items.get_or_insert_default();
        let mut status = "applied";
        for item in items.iter_mut() {
            let outcome = api.carry_out_item(&update["license"], item);
            if let Err(words) = outcome {
                status = "failed";
                item["error_message"] = json!(words);
            }
        }
        update.insert("scheduled_update_data".into(), Value::Array(items.clone()));
        update.insert("status".into(), json!(status));
        Ok(HttpReply::json(200, &json!(update)))
    }

    /// Answers with the number of updates of each status.
    pub(super) fn count_updates(&self) -> HttpReply {
        let count = |status: &str| {
            let updates = self.account.scheduled_updates.values();
            updates.filter(|update| update["status"] == status).count()
        };
        let counts = json!({
            "pending": count("pending"),
            "applied": count("applied"),
            "cancelled": count("cancelled"),
            "failed": count("failed"),
        });
        HttpReply::json(200, &counts)
    }

    fn store(&mut self, id: u64, update: JsonObject, status: u16) -> HttpReply {
        let reply = HttpReply::json(status, &json!(update));
        self.account.scheduled_updates.insert(id, update);
        reply
    }

    /// Returns the update that a path names; 404 if there is none.
    fn find_update(&self, id: &str) -> Result<(u64, JsonObject), Refusal> {
        let id = id.parse().ok();
        let found = id.and_then(|id| Some((id, self.account.scheduled_updates.get(&id)?.clone())));
        found.ok_or_else(|| detail_refusal(404, "Not found."))
    }

    /// Refuses an hour that another update of the licence has.
    fn refuse_taken_hour(&self, id: u64, license: &Value, hour: &Value) -> Result<(), Refusal> {
        let counts = |update: &JsonObject| match self.switches.taken_hour {
            TakenHour::Pending => update["status"] == "pending",
            TakenHour::Any => true,
        };
        let mut others = self.account.scheduled_updates.iter();
        let is_taken = others.any(|(other, update)| {
            *other != id
                && update["license"] == *license
                && update["scheduled_at"] == *hour
                && counts(update)
        });
        match is_taken {
            true => {
                let words = "This license already has a scheduled update for this hour.";
                Err(member_error("scheduled_at", words))
            }
            false => Ok(()),
        }
    }

    /// Checks items and returns them with all members that replies show.
    fn check_items(&self, items: &Value, license: &License) -> Result<Vec<Value>, Refusal> {
        let items = items.as_array().map_or(&[][..], Vec::as_slice);
        if items.is_empty() || items.len() > MOST_ITEMS {
            let words = format!("Ensure this field has between 1 and {MOST_ITEMS} elements.");
            return Err(member_error("scheduled_update_data", words));
        }
        let whole = items.iter().enumerate().map(|(index, item)| {
            self.check_item(item, license).map_err(|(member, words)| {
                let mut errors = vec![json!({}); index];
                errors.push(json!({ member: [words] }));
                Refusal {
                    status: 400,
                    body: json!({ "scheduled_update_data": errors }),
                }
            })
        });
        let whole: Vec<Value> = whole.collect::<Result<_, _>>()?;
        refuse_repeated(&whole)?;
        Ok(whole)
    }

    /// Checks one item; `Err` has the member and the words.
    fn check_item(&self, item: &Value, license: &License) -> Result<Value, (&'static str, String)> {
        let verb = item["action"].as_str().unwrap_or_default();
        let of_feature = verb.starts_with("license-product-feature");
        let of_field = verb.starts_with("license-custom-field");
        let required = || "This field is required for this action.".to_string();
        let feature = item["product_feature"].as_u64();
        if of_feature {
            let feature = feature.ok_or_else(|| ("product_feature", required()))?;
            if self.account.feature_by_id(license, feature).is_none() {
                let words = "The product feature must belong to the product of the license.";
                return Err(("product_feature", words.into()));
            }
        }
        let field = item["product_custom_field"].as_u64();
        if of_field {
            let field = field.ok_or_else(|| ("product_custom_field", required()))?;
            let found = self.account.product_custom_fields.get(&field);
            if !found.is_some_and(|found| found["product"] == license.fields["product"]["id"]) {
                let words = "The custom field must belong to the product of the license.";
                return Err(("product_custom_field", words.into()));
            }
        }
        let data = item.get("update_data").cloned().unwrap_or(json!({}));
        let members: &'static [MemberRule] = match verb {
            "license-update" => &SETTINGS,
            "license-product-feature-update" => &ROW_MEMBERS,
            "license-custom-field-update" => &FIELD_VALUE,
            _ => &[],
        };
        let allows_unknown = self.switches.unknown_members == UnknownPolicy::Ignore;
        let problems = body_schema::check_body(&data, members, allows_unknown);
        if let Some(problem) = problems.first() {
            return Err(("update_data", problem.to_string()));
        }
        Ok(json!({
            "id": null,
            "action": verb,
            "product_feature": feature.filter(|_| of_feature),
            "product_custom_field": field.filter(|_| of_field),
            "update_data": data,
            "error_message": null,
        }))
    }

    /// Gives each item that has none a number, counted over all updates.
    fn number_items(&self, update: &mut JsonObject) {
        let all = self.account.scheduled_updates.values();
        let ids = all.flat_map(|update| update["scheduled_update_data"].as_array());
        let ids = ids.flatten().filter_map(|item| item["id"].as_u64());
        let mut last = ids.max().unwrap_or(0);
        let items = update.get_mut("scheduled_update_data");
        for item in items.and_then(Value::as_array_mut).into_iter().flatten() {
            if item["id"].is_null() {
                last += 1;
                item["id"] = json!(last);
            }
        }
    }

    /// Carries out all items of an update, or none.
    fn carry_out(&mut self, id: u64, at: Timestamp) {
        let Some(mut update) = self.account.scheduled_updates.get(&id).cloned() else {
            return;
        };
        let mut items = update["scheduled_update_data"].as_array().cloned();
        let items = items.get_or_insert_default();
        items
            .iter_mut()
            .for_each(|item| item["error_message"] = Value::Null);
        let mut api = self.clone();
        let mut has_failed = false;
        for item in items.iter_mut() {
            if let Err(words) = api.carry_out_item(&update["license"], item) {
                item["error_message"] = json!(words);
                has_failed = true;
                break;
            }
        }
        let (status, time) = match has_failed {
            true => ("failed", "failed_at"),
            false => ("applied", "applied_at"),
        };
        if !has_failed {
            self.account = api.account;
            let license = update["license"].as_u64().unwrap_or_default();
            if let Some(license) = self.account.licenses.get_mut(&license) {
                touch(license, at);
            }
        }
        update.insert("scheduled_update_data".into(), Value::Array(items.clone()));
        update.insert("status".into(), json!(status));
        update.insert(time.into(), json!(micros(at)));
        self.account.scheduled_updates.insert(id, update);
    }

    /// Carries out one item; `Err` has the words of its `error_message`.
    fn carry_out_item(&mut self, license: &Value, item: &Value) -> Result<(), String> {
        let gone = || "The license does not exist.".to_string();
        let number = license.as_u64().unwrap_or_default();
        let mut changed = self
            .account
            .license_by_id(number)
            .cloned()
            .ok_or_else(gone)?;
        let data = item["update_data"].as_object().cloned().unwrap_or_default();
        let feature = item["product_feature"].as_u64().unwrap_or_default();
        let lacks = || format!("The license has no product feature {feature}.");
        match item["action"].as_str().unwrap_or_default() {
            "license-update" => {
                let data = self.add_partners(&changed, data);
                let checked = self.check_settings(&Value::Object(data.clone()));
                checked.map_err(|refusal| refusal.body.to_string())?;
                self.set_members(&mut changed, &data);
            }
            "license-reset" => {
                changed.fields.insert("times_activated", json!(0));
            }
            "license-product-feature-update" => {
                let row = changed.rows.get_mut(&feature).ok_or_else(lacks)?;
                let mut fields = row.fields.to_object();
                fields.extend(data);
                account::spell_period(&mut fields, self.switches.period_spelling);
                row.fields = fields.into();
            }
            "license-product-feature-delete" => {
                changed.rows.remove(&feature).ok_or_else(lacks)?;
            }
            verb => return self.carry_out_field(verb, license, item),
        }
        self.account.replace_license(&number.to_string(), changed);
        Ok(())
    }

    /// Sets or removes a value of a custom field.
    fn carry_out_field(&mut self, verb: &str, license: &Value, item: &Value) -> Result<(), String> {
        let field = &item["product_custom_field"];
        let mut values = self.account.custom_fields.iter_mut();
        let there = values.find(|(_, value)| {
            value["license"] == *license && value["product_custom_field"] == *field
        });
        let there = there.map(|(id, value)| (*id, value));
        match (verb, there) {
            ("license-custom-field-update", Some((_, value))) => {
                value.insert("value".into(), item["update_data"]["value"].clone());
            }
            ("license-custom-field-update", None) => {
                let id = self
                    .account
                    .custom_fields
                    .keys()
                    .last()
                    .map_or(1, |id| id + 1);
                let text = &item["update_data"]["value"];
                let value = json!({
                    "id": id, "value": text, "license": license, "product_custom_field": field,
                });
                if let Value::Object(value) = value {
                    self.account.custom_fields.insert(id, value);
                }
            }
            (_, Some((id, _))) => {
                self.account.custom_fields.remove(&id);
            }
            (_, None) => return Err("The license has no value of this custom field.".into()),
        }
        Ok(())
    }

    /// Adds the partners of members from the licence, unless they must stand in the update itself.
    fn add_partners(&self, license: &License, mut data: JsonObject) -> JsonObject {
        if self.switches.scheduled_partner == UnknownPolicy::Ignore {
            for (name, partner) in PARTNERS {
                if data.contains_key(name) && !data.contains_key(partner) {
                    data.insert(partner.into(), license.fields[partner].clone());
                }
            }
        }
        data
    }
}

/// Refuses two items with the same action, product feature and custom field.
fn refuse_repeated(items: &[Value]) -> Result<(), Refusal> {
    let key = |item: &Value| {
        let names = ["action", "product_feature", "product_custom_field"];
        names.map(|name| item[name].clone())
    };
    let is_repeated = |(index, item): (usize, &Value)| {
        items
            .iter()
            .take(index)
            .any(|other| key(other) == key(item))
    };
    match items.iter().enumerate().any(is_repeated) {
        true => {
            let words = "An action, product feature and custom field may appear only once.";
            Err(member_error("scheduled_update_data", words))
        }
        false => Ok(()),
    }
}

/// Sets name and note where the body has them.
fn copy_texts(update: &mut JsonObject, body: &Value) {
    for name in ["name", "note"] {
        if let Some(text) = body.get(name) {
            update.insert(name.into(), text.clone());
        }
    }
}

/// Returns the full hour of a time; `None` if it is none.
fn hour_of(time: &Value) -> Option<Timestamp> {
    let time = body_schema::parse_instant(time.as_str()?)?;
    Timestamp::from_second(time.as_second().div_euclid(3_600) * 3_600).ok()
}

/// Returns the full hour to which a time is cut; 400 if it is not at least the next one.
fn check_hour(time: &Value, now: Timestamp) -> Result<Timestamp, Refusal> {
    match hour_of(time) {
        Some(hour) if hour > now => Ok(hour),
        _ => {
            let words = "The time must be at least the next full hour.";
            Err(member_error("scheduled_at", words))
        }
    }
}
