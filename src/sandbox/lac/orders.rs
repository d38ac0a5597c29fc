//! LAC's calls on licence orders: list, read one, create, update.
//!
//! An update works on a complete body: what a PATCH lacks is first filled in from the live order as far as the
//! switches `lenient_patch` and `absent_optional` say, then the result is checked like a new order, and last the
//! change itself (another template, less than is in use, a removal without licences).

use std::cell::OnceCell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::account::Order;
use super::switches::{
    AbsentOptional, CreatedDefaults, CustomerChange, RuleEnforcement, SingleGet, TemplateChange,
};
use super::{Lac, Refusal, list_query, order_schema, parse_body};
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json::{self, JsonObject};

impl Lac {
    /// Answers with a page of orders, written from their kept texts.
    pub(super) fn list_orders(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let positions = list_query::select_orders(request, &self.account, &self.switches)
            .map_err(Refusal::invalid_query)?;
        let account = &self.account;
        let mut body = vec![b'['];
        for (row, position) in positions.iter().enumerate() {
            if row > 0 {
                body.push(b',');
            }
            body.extend_from_slice(account.order_text(&account.orders[*position]));
        }
        body.push(b']');
        let answer = HttpReply::from_json_text(200, body);
        for position in positions {
            self.note_read(position, now);
        }
        Ok(answer)
    }

    /// Answers with one order, in the form that the switch `single_get` asks for.
    pub(super) fn get_order(
        &mut self,
        key: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        list_query::refuse_unknown_parameters(request, &[]).map_err(Refusal::invalid_query)?;
        let missing = || Refusal::new(404, 1712, "Invalid activation key specified.");
        let position = self.account.position_of(key).ok_or_else(missing)?;
        let order = &self.account.orders[position];
        let answer = match self.switches.single_get {
            SingleGet::Snake => HttpReply::serialized(200, &self.account.order_view(order)),
            SingleGet::Hal if order.settings["enabled"] == false => {
                let words = "License order has been disabled.";
                return Err(Refusal::new(403, 1703, words));
            }
            SingleGet::Hal => {
                let hal = self.account.hal_document(order, &request.base_url);
                let mut answer = HttpReply::json(200, &hal);
                answer.headers = vec![("content-type".into(), "application/hal+json".into())];
                answer
            }
        };
        self.note_read(position, now);
        Ok(answer)
    }

    /// Counts a read of an order whose removal was requested.
    ///
    /// After as many as the switch `removal_clears_after_reads` says, the end user's machine counts as having
    /// confirmed: the flag is cleared and the time of confirmation set.
    fn note_read(&mut self, position: usize, now: Timestamp) {
        let limit = self.switches.removal_clears_after_reads;
        let order = &mut self.account.orders[position];
        if limit == 0 || order.settings["removal"] != true {
            return;
        }
        order.removal_reads += 1;
        if order.removal_reads >= limit {
            order.settings.insert("removal", false.into());
            order.removal_confirmation_time = Some(format_time(now));
            order.text = OnceCell::new();
        }
    }

    /// Creates an order and answers with it.
    pub(super) fn create_order(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        list_query::refuse_unknown_parameters(request, &[]).map_err(Refusal::invalid_query)?;
        let mut body = parse_body(request)?;
        if self.switches.created_defaults == CreatedDefaults::Template {
            self.fill_from_template(&mut body);
        }
        let settings = self
            .check_settings(&body, true)
            .map_err(Refusal::invalid_data)?;
        let mut order = Order {
            key: self.account.new_key(),
            creation_time: format_time(now),
            activated: 0,
            deactivations_left: settings["deactivations_allowed"].as_i64().unwrap_or(0),
            removal_request_time: None,
            removal_confirmation_time: None,
            removal_reads: 0,
            settings: settings.into(),
            text: OnceCell::new(),
        };
        if order.settings["removal"] == true {
            order.removal_request_time = Some(format_time(now));
        }
        let status = if self.switches.created_is_201 {
            201
        } else {
            200
        };
        let answer = HttpReply::serialized(status, &self.account.order_view(&order));
        self.account.add_order(order);
        Ok(answer)
    }

    /// Replaces the settings of an order and answers with it.
    pub(super) fn update_order(
        &mut self,
        key: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        list_query::refuse_unknown_parameters(request, &[]).map_err(Refusal::invalid_query)?;
        let missing = || Refusal::not_found("License order activation key");
        let order = self.account.order(key).ok_or_else(missing)?;
        let sent = parse_body(request)?;
        let mut full = sent.clone();
        for (name, live) in order.settings.iter() {
            let kept = self.switches.lenient_patch
                || self.switches.absent_optional == AbsentOptional::Keep
                    && order_schema::optional_members().any(|optional| optional == name);
            if kept && !live.is_null() && !full.contains_key(name) {
                full.insert(name.to_owned(), live.clone());
            }
        }
        if self.switches.customer_change == CustomerChange::Ignore {
            full.insert("customer_id".into(), order.customer().into());
        }
        let settings = self
            .check_settings(&full, false)
            .map_err(Refusal::invalid_data)?
            .into();
        self.check_change(order, &settings)
            .map_err(Refusal::invalid_data)?;
        let order = apply_settings(order, settings, now);
        let answer = HttpReply::serialized(200, &self.account.order_view(&order));
        self.account.replace_order(order);
        Ok(answer)
    }

    /// Adds the optional members that a body lacks and its product template has.
    fn fill_from_template(&self, body: &mut JsonObject) {
        let template = body.get("product_template_id").and_then(Value::as_i64);
        let template = template.and_then(|id| self.account.templates.get(&id));
        for name in order_schema::optional_members() {
            let default = template.and_then(|template| template.get(name));
            let default = match default {
                // Templates are kept in the form in which they are read, with integers as strings.
                Some(Value::String(text)) if name == "deactivations_allowed" => {
                    order_schema::parse_digits(text).map(Value::from)
                }
                other => other.cloned(),
            };
            if let Some(default) = default.filter(|value| !value.is_null())
                && !body.contains_key(name)
            {
                body.insert(name.to_owned(), default);
            }
        }
    }

    /// Checks a complete body and returns it in the form in which orders are kept.
    fn check_settings(&self, body: &JsonObject, creating: bool) -> Result<JsonObject, String> {
        strict_json::refuse_unknown_members(body, "", &order_schema::order_members())?;
        let manager = self.account.check_references(body)?;
        order_schema::read_settings(body, creating, manager, &self.switches)
    }

    /// Checks new settings against the live order; `Err` says what cannot be changed so.
    fn check_change(&self, live: &Order, new: &LayeredObject) -> Result<(), String> {
        let number = |of: &LayeredObject, name: &str| of[name].as_i64().unwrap_or_default();
        let [from, to] = [&live.settings, new].map(|of| number(of, "product_template_id"));
        let product = |template| {
            self.account
                .product_of(template)
                .map(|product| &product["id"])
        };
        let allowed = match self.switches.template_change {
            TemplateChange::Accept => true,
            TemplateChange::SameProduct => product(from) == product(to),
            TemplateChange::Refuse => from == to,
        };
        if !allowed {
            return Err("product_template_id of an existing order cannot be changed so".into());
        }
        if self.switches.below_use == RuleEnforcement::Refuse {
            let activations = number(new, "activations_allowed");
            if activations < live.activated {
                return Err(format!(
                    "activations_allowed {activations} is below the {} activated licenses",
                    live.activated
                ));
            }
            let used = number(&live.settings, "deactivations_allowed") - live.deactivations_left;
            if number(new, "deactivations_allowed") < used {
                return Err(format!(
                    "deactivations_allowed is below the {used} deactivations made"
                ));
            }
        }
        let asks_removal = new["removal"] == true && live.settings["removal"] == false;
        let refuses = self.switches.removal_without_licenses == RuleEnforcement::Refuse;
        if asks_removal && refuses && live.activated == 0 {
            return Err("removal: the order has no activated license".into());
        }
        Ok(())
    }
}

/// Returns the live order with new settings and their consequences: deactivations left, times of the removal.
fn apply_settings(live: &Order, settings: LayeredObject, now: Timestamp) -> Order {
    let mut order = live.clone();
    let allowed = |of: &LayeredObject| of["deactivations_allowed"].as_i64().unwrap_or_default();
    let used = allowed(&live.settings) - live.deactivations_left;
    order.deactivations_left = (allowed(&settings) - used).max(0);
    match (
        live.settings["removal"] == true,
        settings["removal"] == true,
    ) {
        (false, true) => {
            order.removal_request_time = Some(format_time(now));
            order.removal_confirmation_time = None;
            order.removal_reads = 0;
        }
        // The request is withdrawn before it was confirmed.
        (true, false) => order.removal_request_time = None,
        (true, true) | (false, false) => {}
    }
    order.settings = settings;
    order
}

/// Formats a time as LAC prints it: UTC, `YYYY-MM-DD HH:MM:SS`, without a zone.
pub(super) fn format_time(now: Timestamp) -> String {
    let now = now.to_zoned(TimeZone::UTC);
    now.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
