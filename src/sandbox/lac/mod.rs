//! The simulator of X-Formation's License Activation Center: its vendor REST API for licence orders.
//!
//! Written from the vendor's pages *Update license order*, *Get all license orders*, *Get license order*,
//! *Create token*, *Get all customers*, *Get product*, *Get product template* and *Get activation counters*
//! (docs.x-formation.com, checked 2026-11-21). What they leave open is in [`switches`].
//!
//! Left out, and answered with 404: issued licences, and writing customers. Neither is needed to manage
//! orders.

mod account;
mod hostids;
mod query;
mod schema;
mod switches;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::account::{Account, Order};
use self::switches::{
    AbsentOptional, ErrorBody, FixedToken, Rule, SingleGet, Switches, TemplateChange,
};
use crate::sandbox::check::{self, Object};
use crate::sandbox::simulator::{Answer, Asked, Simulator};

/// A LAC account served by rules of its published pages.
pub struct Lac {
    account: Account,
    switches: Switches,
    /// Until when each issued token is good.
    tokens: HashMap<String, Timestamp>,
    logins: u64,
}

/// The token that needs no login.
const FIXED_TOKEN: &str = "sandbox-token";

/// A refused request. The codes are those of the SOAP API, whose table is the only published one.
struct Refusal {
    status: u16,
    code: u16,
    words: String,
}

impl Refusal {
    fn new(status: u16, code: u16, words: impl Into<String>) -> Self {
        Self {
            status,
            code,
            words: words.into(),
        }
    }

    /// SOAP 108: invalid data.
    fn data(words: impl Into<String>) -> Self {
        Self::new(400, 108, words)
    }

    /// SOAP 104: cannot list.
    fn query(words: impl Into<String>) -> Self {
        Self::new(400, 104, words)
    }

    /// SOAP 105: record missing.
    fn missing(what: &str) -> Self {
        Self::new(404, 105, format!("{what} does not exist."))
    }
}

impl Lac {
    /// The account that examples and documentation are written against.
    pub fn seeded() -> Self {
        let seed = serde_json::from_str(include_str!("seed.json"));
        let account = seed
            .map_err(|error| error.to_string())
            .and_then(|seed: Value| Account::load(&seed));
        Self {
            // The seed is part of the program, and a test loads it.
            account: account.expect("the seed is a valid account"),
            switches: Switches::default(),
            tokens: HashMap::new(),
            logins: 0,
        }
    }

    fn route(&mut self, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        let segments = asked.segments();
        let methods: &[&str] = match segments.as_slice() {
            ["auth", "tokens"] => &["POST"],
            ["license-orders"] => &["GET", "POST"],
            ["license-orders", _] => &["GET", "PATCH"],
            ["customers" | "products" | "activation-counters"]
            | ["customers" | "products", _]
            | ["products", _, "product-templates"]
            | ["products", _, "product-templates", _] => &["GET"],
            _ => return Err(Refusal::missing("The requested resource")),
        };
        if !methods.contains(&asked.method.as_str()) {
            let words = format!("{} is not allowed here.", asked.method);
            return Err(Refusal::new(405, 108, words));
        }
        if segments[0] == "auth" {
            return self.log_in(asked, now);
        }
        self.check_token(asked, now)?;
        match (asked.method.as_str(), segments.as_slice()) {
            ("POST", _) => self.create(asked, now),
            ("PATCH", [_, key]) => self.update(key, asked, now),
            (_, ["license-orders"]) => self.list(asked, now),
            (_, ["license-orders", key]) => self.get(key, asked, now),
            (_, rest) => self.look_up(rest, asked),
        }
    }

    fn log_in(&mut self, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        let body = body(asked)?;
        check::only(&body, "", &["username", "password"]).map_err(Refusal::data)?;
        let username = check::string(&body, "", "username").map_err(Refusal::data)?;
        let password = check::string(&body, "", "password").map_err(Refusal::data)?;
        if (username, password) != ("admin", "sandbox") {
            return Err(Refusal::new(400, 10, "Invalid username or password."));
        }
        self.logins += 1;
        // Forty hexadecimal digits, like the printed one.
        let token = format!("5a4db07e{:032x}", self.logins);
        let life = SignedDuration::from_secs(self.switches.token_life_seconds.into());
        let end = now.saturating_add(life).unwrap_or(Timestamp::MAX);
        self.tokens.retain(|_, end| *end > now);
        self.tokens.insert(token.clone(), end);
        Ok(Answer::json(200, &json!({"token": token})))
    }

    /// A bad or expired token is 403 here, not 401.
    fn check_token(&self, asked: &Asked, now: Timestamp) -> Result<(), Refusal> {
        let good = match asked.bearer() {
            Some(FIXED_TOKEN) => self.switches.fixed_token == FixedToken::Valid,
            Some(token) => self.tokens.get(token).is_some_and(|end| now < *end),
            None => false,
        };
        if good {
            Ok(())
        } else {
            Err(Refusal::new(403, 50, "Invalid or expired token provided."))
        }
    }

    fn list(&mut self, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        let keys = query::orders(asked, &self.account, &self.switches).map_err(Refusal::query)?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in &keys {
            let order = self.account.order(key);
            rows.extend(order.map(|order| self.account.reading(order)));
            self.note_read(key, now);
        }
        Ok(Answer::json(200, &rows.into()))
    }

    fn get(&mut self, key: &str, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        query::only(asked, &[]).map_err(Refusal::query)?;
        let missing = || Refusal::new(404, 1712, "Invalid activation key specified.");
        let order = self.account.order(key).ok_or_else(missing)?;
        let answer = match self.switches.single_get {
            SingleGet::Snake => Answer::json(200, &self.account.reading(order)),
            SingleGet::Hal if order.settings["enabled"] == false => {
                let words = "License order has been disabled.";
                return Err(Refusal::new(403, 1703, words));
            }
            SingleGet::Hal => {
                let hal = self.account.hal(order, &asked.base);
                let mut answer = Answer::json(200, &hal);
                answer.headers = vec![("content-type".into(), "application/hal+json".into())];
                answer
            }
        };
        self.note_read(key, now);
        Ok(answer)
    }

    /// Counts a read of an order whose removal was asked for; after enough of them the end user's machine is
    /// taken to have confirmed, upon which the server clears the flag and stamps the time.
    fn note_read(&mut self, key: &str, now: Timestamp) {
        let limit = self.switches.removal_clears_after_reads;
        let Some(order) = self.account.order_mut(key) else {
            return;
        };
        if limit == 0 || order.settings["removal"] != true {
            return;
        }
        order.removal_reads += 1;
        if order.removal_reads >= limit {
            order.settings["removal"] = false.into();
            order.removal_confirmation_time = Some(stamp(now));
        }
    }

    fn create(&mut self, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        query::only(asked, &[]).map_err(Refusal::query)?;
        let body = body(asked)?;
        let settings = self.settings(&body, true).map_err(Refusal::data)?;
        let mut order = Order {
            key: self.account.new_key(),
            creation_time: stamp(now),
            activated: 0,
            deactivations_left: settings["deactivations_allowed"].as_i64().unwrap_or(0),
            removal_request_time: None,
            removal_confirmation_time: None,
            removal_reads: 0,
            settings,
        };
        if order.settings["removal"] == true {
            order.removal_request_time = Some(stamp(now));
        }
        let reply = self.account.reading(&order);
        self.account.add(order);
        let status = if self.switches.created_is_201 {
            201
        } else {
            200
        };
        Ok(Answer::json(status, &reply))
    }

    fn update(&mut self, key: &str, asked: &Asked, now: Timestamp) -> Result<Answer, Refusal> {
        query::only(asked, &[]).map_err(Refusal::query)?;
        let missing = || Refusal::missing("License order activation key");
        let order = self.account.order(key).ok_or_else(missing)?;
        let sent = body(asked)?;
        let mut full = sent.clone();
        for (name, live) in &order.settings {
            let kept = self.switches.lenient_patch
                || self.switches.absent_optional == AbsentOptional::Keep
                    && schema::optional_members().any(|optional| optional == name);
            if kept && !live.is_null() && !full.contains_key(name) {
                full.insert(name.clone(), live.clone());
            }
        }
        let settings = self.settings(&full, false).map_err(Refusal::data)?;
        self.check_change(order, &settings).map_err(Refusal::data)?;
        let order = changed(order, settings, now);
        let reply = self.account.reading(&order);
        if let Some(live) = self.account.order_mut(key) {
            *live = order;
        }
        Ok(Answer::json(200, &reply))
    }

    /// A complete body, checked, in the form in which orders are kept.
    fn settings(&self, body: &Object, creating: bool) -> Result<Object, String> {
        check::only(body, "", &schema::order_members())?;
        let manager = self.account.references(body)?;
        schema::settings(body, creating, manager, &self.switches)
    }

    /// Rules between the live order and its new settings.
    fn check_change(&self, live: &Order, new: &Object) -> Result<(), String> {
        let number = |of: &Object, name: &str| of[name].as_i64().unwrap_or_default();
        let [from, to] = [&live.settings, new].map(|of| number(of, "product_template_id"));
        let product = |template| self.account.product_of(template).map(|one| &one["id"]);
        let allowed = match self.switches.template_change {
            TemplateChange::Accept => true,
            TemplateChange::SameProduct => product(from) == product(to),
            TemplateChange::Refuse => from == to,
        };
        if !allowed {
            return Err("product_template_id of an existing order cannot be changed so".into());
        }
        if self.switches.below_use == Rule::Refuse {
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
        let refuses = self.switches.removal_without_licenses == Rule::Refuse;
        if asks_removal && refuses && live.activated == 0 {
            return Err("removal: the order has no activated license".into());
        }
        Ok(())
    }

    fn look_up(&self, segments: &[&str], asked: &Asked) -> Result<Answer, Refusal> {
        let account = &self.account;
        let found = match segments {
            ["customers"] => {
                Some(query::customers(asked, account, &self.switches).map_err(Refusal::query)?)
            }
            ["products"] => {
                Some(query::products(asked, account, &self.switches).map_err(Refusal::query)?)
            }
            single => {
                query::only(asked, &[]).map_err(Refusal::query)?;
                self.look_up_one(single)
            }
        };
        let found = found.ok_or_else(|| Refusal::missing("The requested ID"))?;
        Ok(Answer::json(200, &found))
    }

    fn look_up_one(&self, segments: &[&str]) -> Option<Value> {
        let account = &self.account;
        let id = |text: &str| schema::digits(text);
        // Templates read without their product, which their path names.
        let template = |template: &Object| {
            let mut read = template.clone();
            read.shift_remove("product_id");
            Value::Object(read)
        };
        match segments {
            ["activation-counters"] => Some(account.counters.clone()),
            ["customers", customer] => account
                .customers
                .get(&id(customer)?)
                .map(|customer| customer.clone().into()),
            ["products", product] => account.product(id(product)?),
            ["products", product, "product-templates", rest @ ..] => {
                let product = id(product)?;
                account.products.get(&product)?;
                let mut own = account.templates_of(product);
                match rest {
                    [wanted] => own
                        .find(|one| account::id_of(one, "id").ok() == id(wanted))
                        .map(template),
                    _ => Some(own.map(template).collect()),
                }
            }
            _ => None,
        }
    }

    fn refusal(&self, refusal: &Refusal) -> Answer {
        let Refusal {
            status,
            code,
            words,
        } = refusal;
        match self.switches.error_body {
            ErrorBody::CodeMessage => {
                Answer::json(*status, &json!({"code": code, "message": words}))
            }
            ErrorBody::Message => Answer::json(*status, &json!({"message": words})),
            ErrorBody::Empty => Answer::empty(*status),
        }
    }
}

/// The live order with new settings and what follows from them.
fn changed(live: &Order, settings: Object, now: Timestamp) -> Order {
    let mut order = live.clone();
    let allowed = |of: &Object| of["deactivations_allowed"].as_i64().unwrap_or_default();
    let used = allowed(&live.settings) - live.deactivations_left;
    order.deactivations_left = (allowed(&settings) - used).max(0);
    match (
        live.settings["removal"] == true,
        settings["removal"] == true,
    ) {
        (false, true) => {
            order.removal_request_time = Some(stamp(now));
            order.removal_confirmation_time = None;
            order.removal_reads = 0;
        }
        // The request is taken back before it was confirmed.
        (true, false) => order.removal_request_time = None,
        (true, true) | (false, false) => {}
    }
    order.settings = settings;
    order
}

/// The body of a write as a JSON object.
fn body(asked: &Asked) -> Result<Object, Refusal> {
    if !asked.says_json() {
        return Err(Refusal::data("Content-Type must be application/json"));
    }
    match asked.json().map_err(Refusal::data)? {
        Value::Object(body) => Ok(body),
        other => {
            let kind = check::kind(&other);
            let words = format!("the request body must be an object, not {kind}");
            Err(Refusal::data(words))
        }
    }
}

/// A time as LAC prints it: UTC without a zone.
fn stamp(now: Timestamp) -> String {
    let now = now.to_zoned(TimeZone::UTC);
    now.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl Simulator for Lac {
    fn answer(&mut self, asked: &Asked, now: Timestamp) -> Answer {
        match self.route(asked, now) {
            Ok(answer) => answer,
            Err(refusal) => self.refusal(&refusal),
        }
    }

    fn state(&self) -> Value {
        self.account.save()
    }

    fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.account = Account::load(&state)?;
        Ok(())
    }

    fn switches(&self) -> Value {
        // A flat struct of plain values always serialises.
        serde_json::to_value(&self.switches).unwrap_or_default()
    }

    fn set_switches(&mut self, switches: Value) -> Result<(), String> {
        self.switches = check::switched(&self.switches, switches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
