//! Licences in the scope of the account: those of all organizations and those outside of them.
//!
//! A PATCH sets the members that it names and keeps the others; the expiry has a call of its own. Every POST makes a
//! new licence, so a key that the client chooses is its only protection against a second one: a taken key is refused
//! with 409. A licence that was deleted does not come back.
//!
//! Pages "Create a license", "Update a license", "Delete a license", "Retrieve a license", "List all licenses",
//! checked 2026-11-30. `renew` and `extend` are left out, and so are users and resellers beyond their ids.

use std::collections::BTreeSet;

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::account::{Account, License};
use super::license_entries::{ENTRY_LISTS, write_entries};
use super::refusal::{Refusal, new_refusal};
use super::schemas::{EXPIRY_UPDATE, LICENSE_CREATE, LICENSE_UPDATE, LONGEST_LISTS};
use super::switches::NullExpiry;
use super::templates::Templates;
use super::{Cryptlex, HttpReply, HttpRequest};
use crate::sandbox::account_document::format_seven_digits;
use crate::sandbox::body_schema::parse_instant;

impl Cryptlex {
    /// Answers with one licence.
    pub(super) fn get_license(&self, id: &str) -> Result<HttpReply, Refusal> {
        self.license_reply(200, id)
    }

    /// Creates a licence, which inherits what the body does not name; 409 if its key is taken.
    pub(super) fn create_license(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &LICENSE_CREATE)?;
        self.check_license_body(&body)?;
        let product = self.find_product(body["productId"].as_str().unwrap_or_default())?;
        let id = unused_license_id(&self.account);
        let key = match body.get("key") {
            Some(key) => key.clone(),
            None => json!(format!("SANDBOX-KEY-{id}")),
        };
        if has_key(&self.account, &key, None) {
            return Err(new_refusal(409, "key: a licence with this key exists"));
        }
        let templates = Templates::read().map_err(|why| new_refusal(500, why))?;
        let mut fields = templates.license;
        let at = json!(format_seven_digits(now));
        for (name, value) in [
            ("id", json!(id)),
            ("createdAt", at.clone()),
            ("updatedAt", at.clone()),
            ("effectiveDate", at),
            ("key", key),
            ("product", product),
        ] {
            fields.insert(name.into(), value);
        }
        for name in CREATE_ONLY {
            if let Some(value) = body.get(name) {
                fields.insert(name.into(), value.clone());
            }
        }
        let expires = first_expiry(
            &fields["subscriptionInterval"],
            &fields["subscriptionStartTrigger"],
            now,
        )?;
        fields.insert(
            "perpetual".into(),
            json!(fields["subscriptionInterval"] == ""),
        );
        fields.insert("expiresAt".into(), json!(expires.map(format_seven_digits)));
        let mut license = License {
            organization: None,
            fields: fields.into(),
            groups: BTreeSet::new(),
        };
        self.set_members(&mut license, &id, &body, now);
        let added = self.account.licenses.add(&id, license);
        added.map_err(|why| new_refusal(500, why))?;
        self.license_reply(201, &id)
    }

    /// Sets the members that the body names; the others stay as they are.
    pub(super) fn update_license(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &LICENSE_UPDATE)?;
        let mut license = self.account.license(id)?.clone();
        self.check_license_body(&body)?;
        if body
            .get("key")
            .is_some_and(|key| has_key(&self.account, key, Some(id)))
        {
            // The page lists no 409 for this call.
            return Err(new_refusal(400, "key: a licence with this key exists"));
        }
        let before = license.fields.to_object();
        self.set_members(&mut license, id, &body, now);
        if self.switches.bump_unchanged || license.fields.to_object() != before {
            license.mark_updated(now);
        }
        *self.account.license_mut(id)? = license;
        self.license_reply(200, id)
    }

    /// Sets the expiry to a moment, whatever it was.
    pub(super) fn update_expiry(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &EXPIRY_UPDATE)?;
        let null_expiry = self.switches.null_expiry;
        let license = self.account.license_mut(id)?;
        let expires = body["expiresAt"].as_str().and_then(parse_instant);
        if expires.is_none() && null_expiry == NullExpiry::Refuse {
            return Err(new_refusal(400, "expiresAt must not be null"));
        }
        license
            .fields
            .insert("expiresAt", json!(expires.map(format_seven_digits)));
        license.fields.insert("perpetual", json!(expires.is_none()));
        license.mark_updated(now);
        self.license_reply(200, id)
    }

    /// Deletes a licence for good.
    pub(super) fn delete_license(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        self.account.license(id)?;
        self.account.licenses.remove(id);
        Ok(HttpReply::empty(204))
    }

    /// Returns a reply with a licence in full.
    fn license_reply(&self, status: u16, id: &str) -> Result<HttpReply, Refusal> {
        let license = self.account.license(id)?;
        let shown = self.account.license_view(license, &self.switches);
        Ok(HttpReply::serialized(status, &shown))
    }

    /// Refuses, with 400, what the types of the members do not say.
    fn check_license_body(&self, body: &Value) -> Result<(), Refusal> {
        for (name, most) in LONGEST_LISTS {
            let length = body[name].as_array().map_or(0, Vec::len);
            if length > most {
                return Err(new_refusal(
                    400,
                    format!("{name} must have at most {most} items"),
                ));
            }
        }
        let below =
            |name: &str, least: i64| body[name].as_i64().is_some_and(|number| number < least);
        let least = self.switches.least_sync_interval;
        if below("serverSyncInterval", least) {
            let message = format!("serverSyncInterval must be at least {least} in your plan");
            return Err(new_refusal(400, message));
        }
        let least = self.switches.least_clock_offset;
        if below("allowedClockOffset", least) && body["allowedClockOffset"] != -1 {
            let message = format!("allowedClockOffset must be -1 or at least {least}");
            return Err(new_refusal(400, message));
        }
        let version = body["maxAllowedReleaseVersion"].as_str();
        if version.is_some_and(|version| !is_release_version(version)) {
            let message = "maxAllowedReleaseVersion must be of the form x.x, x.x.x or x.x.x.x";
            return Err(new_refusal(400, message));
        }
        Ok(())
    }

    /// Sets the members of a licence that a checked body names.
    fn set_members(&self, license: &mut License, id: &str, body: &Value, now: Timestamp) {
        for (name, value) in body.as_object().into_iter().flatten() {
            let entries = ENTRY_LISTS.iter().find(|(list, _)| list == name);
            match (name.as_str(), entries, value) {
                // These are set when the licence is made.
                (name, ..) if CREATE_ONLY.contains(&name) || HIDDEN.contains(&name) => {}
                (_, Some((list, _)), Value::Array(sent)) => {
                    let mode = self.switches.entry_write;
                    let next = write_entries(list, id, &license.fields[list], sent, mode, now);
                    license.fields.insert(*list, next);
                }
                ("userId", ..) => license.fields.insert("user", json!({ "id": value })),
                ("resellerId", ..) => license.fields.insert("reseller", json!({ "id": value })),
                (name, ..) => license.fields.insert(name.to_owned(), value.clone()),
            }
        }
    }

    /// Returns a product as a licence shows it: the template's, or that of any licence.
    fn find_product(&self, id: &str) -> Result<Value, Refusal> {
        let templates = Templates::read().map_err(|why| new_refusal(500, why))?;
        let licenses = self.account.licenses.iter();
        let products = licenses.map(|license| &license.fields["product"]);
        let mut known = products.chain(templates.license.get("product"));
        let found = known.find(|product| product["id"] == id);
        let message = format!("productId: product {id} was not found");
        let refusal = || new_refusal(self.switches.unknown_product_status, message);
        found.cloned().ok_or_else(refusal)
    }
}

/// Members of the create call that are kept as they are sent.
const CREATE_ONLY: [&str; 6] = [
    "entitlementSetId",
    "subscriptionInterval",
    "subscriptionStartTrigger",
    "type",
    "leasingStrategy",
    "userLocked",
];
/// Members of the create call that the licence does not show under their own names.
const HIDDEN: [&str; 2] = ["productId", "licenseTemplateId"];

/// Returns whether a licence other than `except` has this key.
fn has_key(account: &Account, key: &Value, except: Option<&str>) -> bool {
    let mut licenses = account.licenses.iter();
    licenses.any(|license| license.fields["key"] == *key && license.fields["id"].as_str() != except)
}

/// Returns the next free id for a licence. Counted, not random, so that every run makes the same ids.
fn unused_license_id(account: &Account) -> String {
    let mut numbers = account.licenses.len() + 1..;
    let id = |number: usize| format!("5d0e3c52-9b55-4b6f-9d0f-{number:012}");
    let free = numbers.find(|number| account.licenses.get(&id(*number)).is_none());
    id(free.unwrap_or_default())
}

/// Returns when a new licence expires: an interval after its creation, or never.
///
/// A licence whose interval begins with its first activation has no expiry before that.
fn first_expiry(
    interval: &Value,
    trigger: &Value,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let text = interval.as_str().unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let refusal = || {
        new_refusal(
            400,
            format!("subscriptionInterval: {text:?} is no duration"),
        )
    };
    // The parser also takes words, such as "1 year".
    let span = text.parse::<Span>().ok().filter(|_| text.starts_with('P'));
    let utc = now.to_zoned(jiff::tz::TimeZone::UTC);
    let end = span.and_then(|span| utc.checked_add(span).ok());
    let end = end.ok_or_else(refusal)?.timestamp();
    Ok((trigger != "activation").then_some(end))
}

/// Returns whether a text is two to four numbers with dots between them.
fn is_release_version(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (2..=4).contains(&numbers.len()) && numbers.iter().all(is_number)
}
