//! The simulator of X-Formation's License Activation Center (LAC): its vendor REST API for licence orders and customers.
//!
//! | call | file | answers |
//! | --- | --- | --- |
//! | `POST /auth/tokens` | here | a token |
//! | `GET`, `POST /license-orders` | `orders` | a page of orders; the new order |
//! | `GET`, `PATCH /license-orders/{key}` | `orders` | the order in the form of the end-user API; the changed order |
//! | `GET /customers`, `GET /customers/{id}` | `list_query`, here | customers |
//! | `POST /customers`, `PATCH /customers/{id}` | `customers` | the new or changed customer |
//! | `GET /products`, `GET /products/{id}` | `list_query`, here | products |
//! | `GET /products/{id}/product-templates`, `…/{id}` | here | templates |
//! | `GET /activation-counters` | here | the counters, as loaded |
//!
//! Lists are bare arrays with `offset` and no total. Integers are written as numbers and read back as strings.
//! PATCH takes a complete order: a body that lacks a required member is refused. Of a customer only the name is required.
//!
//! Written from the vendor's pages *Update license order*, *Get all license orders*, *Get license order*, *Create
//! token*, *Get all customers*, *Get product*, *Get product template* and *Get activation counters*
//! (docs.x-formation.com, checked 2026-11-21), *Create license order*, *Create customer* and *Update customer* (checked
//! 2026-11-30). What they leave open is one of the `switches`.
//!
//! Left out, and answered with 404: issued licences, which are not needed to manage orders.

mod account;
mod customers;
mod foreign_edits;
mod hostids;
mod list_query;
mod order_schema;
mod orders;
mod populate;
mod switches;
mod views;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::account::Account;
use self::foreign_edits::FOREIGN_EDITS;
use self::switches::{ErrorBody, FixedToken, Switches};
use crate::sandbox::foreign_edits::make_edit;
use crate::sandbox::simulated_vendor::SandboxCredential;
use crate::sandbox::simulated_vendor::SimulatedVendor;
use crate::sandbox::simulator::{HttpReply, HttpRequest, Simulator};
use crate::sandbox::strict_json::{self, JsonObject};
use crate::sandbox::switch_changes;

/// What the sandbox serves as `lac`.
pub(super) const VENDOR: SimulatedVendor = SimulatedVendor {
    prefix: "lac",
    seeded: || Box::new(Lac::seeded()),
    credentials: &[
        SandboxCredential::new(
            "login",
            "/lac",
            &[("username", "admin"), ("password", "sandbox")],
        ),
        SandboxCredential::new("token", "/lac", &[("token", "sandbox-token")]),
    ],
    write_manifest: populate::write_manifest,
};

/// A LAC account served by the rules of the vendor's published pages.
#[derive(Clone)]
pub struct Lac {
    account: Account,
    switches: Switches,
    /// When each issued token expires.
    tokens: HashMap<String, Timestamp>,
    /// The number of logins, from which tokens are derived.
    logins: u64,
}

/// A token that needs no login.
const FIXED_TOKEN: &str = "sandbox-token";

/// A refused call. The codes are those of the SOAP API, whose table is the only published one.
struct Refusal {
    status: u16,
    code: u16,
    words: String,
}

impl Refusal {
    /// Returns a refusal; `words` is its message.
    fn new(status: u16, code: u16, words: impl Into<String>) -> Self {
        Self {
            status,
            code,
            words: words.into(),
        }
    }

    /// Returns the 400 for a body that does not fit (SOAP 108: invalid data).
    fn invalid_data(words: impl Into<String>) -> Self {
        Self::new(400, 108, words)
    }

    /// Returns the 400 for a query that does not fit (SOAP 104: cannot list).
    fn invalid_query(words: impl Into<String>) -> Self {
        Self::new(400, 104, words)
    }

    /// Returns the 404 for `what`, which starts its message (SOAP 105: record missing).
    fn not_found(what: &str) -> Self {
        Self::new(404, 105, format!("{what} does not exist."))
    }
}

impl Lac {
    /// Returns a simulator with the account that the examples and the documentation use.
    #[expect(
        clippy::expect_used,
        reason = "the seed is compiled in, and the tests load it"
    )]
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

    /// Answers a request by its path and method; every path but the login needs a token.
    fn route_request(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let segments = request.path_segments();
        let methods: &[&str] = match segments.as_slice() {
            ["auth", "tokens"] => &["POST"],
            ["license-orders" | "customers"] => &["GET", "POST"],
            ["license-orders" | "customers", _] => &["GET", "PATCH"],
            ["products" | "activation-counters"]
            | ["products", _]
            | ["products", _, "product-templates"]
            | ["products", _, "product-templates", _] => &["GET"],
            _ => return Err(Refusal::not_found("The requested resource")),
        };
        if !methods.contains(&request.method.as_str()) {
            let words = format!("{} is not allowed here.", request.method);
            return Err(Refusal::new(405, 108, words));
        }
        if segments[0] == "auth" {
            return self.log_in(request, now);
        }
        self.check_token(request, now)?;
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["customers"]) => self.create_customer(request, now),
            ("PATCH", ["customers", id]) => self.update_customer(id, request, now),
            ("POST", _) => self.create_order(request, now),
            ("PATCH", [_, key]) => self.update_order(key, request, now),
            (_, ["license-orders"]) => self.list_orders(request, now),
            (_, ["license-orders", key]) => self.get_order(key, request, now),
            (_, tail) => self.look_up(tail, request),
        }
    }

    /// Issues a token for the account's only user.
    fn log_in(&mut self, request: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let body = parse_body(request)?;
        strict_json::refuse_unknown_members(&body, "", &["username", "password"])
            .map_err(Refusal::invalid_data)?;
        let username =
            strict_json::require_string(&body, "", "username").map_err(Refusal::invalid_data)?;
        let password =
            strict_json::require_string(&body, "", "password").map_err(Refusal::invalid_data)?;
        if (username, password) != ("admin", "sandbox") {
            return Err(Refusal::new(400, 10, "Invalid username or password."));
        }
        self.logins += 1;
        // Forty hexadecimal digits, as in the page's example.
        let token = format!("5a4db07e{:032x}", self.logins);
        let life = SignedDuration::from_secs(self.switches.token_life_seconds.into());
        let end = now.saturating_add(life).unwrap_or(Timestamp::MAX);
        self.tokens.retain(|_, end| *end > now);
        self.tokens.insert(token.clone(), end);
        Ok(HttpReply::json(200, &json!({"token": token})))
    }

    /// Refuses a request without a valid token, with 403 rather than 401 as the page says.
    fn check_token(&self, request: &HttpRequest, now: Timestamp) -> Result<(), Refusal> {
        let good = match request.bearer_token() {
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

    /// Answers a read of customers, products, templates or counters; 404 for an unknown id.
    fn look_up(&self, segments: &[&str], request: &HttpRequest) -> Result<HttpReply, Refusal> {
        let account = &self.account;
        let found = match segments {
            ["customers"] => Some(
                list_query::list_customers(request, account, &self.switches)
                    .map_err(Refusal::invalid_query)?,
            ),
            ["products"] => Some(
                list_query::list_products(request, account, &self.switches)
                    .map_err(Refusal::invalid_query)?,
            ),
            single => {
                list_query::refuse_unknown_parameters(request, &[])
                    .map_err(Refusal::invalid_query)?;
                self.look_up_one(single)
            }
        };
        let found = found.ok_or_else(|| Refusal::not_found("The requested ID"))?;
        Ok(HttpReply::json(200, &found))
    }

    /// Returns what a path without a query names, `None` if it does not exist.
    fn look_up_one(&self, segments: &[&str]) -> Option<Value> {
        let account = &self.account;
        let id = |text: &str| order_schema::parse_digits(text);
        // Templates are read without their product, which the path names.
        let template = |template: &JsonObject| {
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
            ["products", product] => account.product_view(id(product)?),
            ["products", product, "product-templates", tail @ ..] => {
                let product = id(product)?;
                account.products.get(&product)?;
                let mut templates = account.templates_of(product);
                match tail {
                    [template_id] => templates
                        .find(|candidate| account::id_of(candidate, "id").ok() == id(template_id))
                        .map(template),
                    _ => Some(templates.map(template).collect()),
                }
            }
            _ => None,
        }
    }

    /// Turns a refusal into a reply, with the body that the switch `error_body` asks for.
    fn refusal_reply(&self, refusal: &Refusal) -> HttpReply {
        let Refusal {
            status,
            code,
            words,
        } = refusal;
        match self.switches.error_body {
            ErrorBody::CodeMessage => {
                HttpReply::json(*status, &json!({"code": code, "message": words}))
            }
            ErrorBody::Message => HttpReply::json(*status, &json!({"message": words})),
            ErrorBody::Empty => HttpReply::empty(*status),
        }
    }
}

/// Parses the body of a write as a JSON object; 400 if it is none or its `Content-Type` is not JSON.
fn parse_body(request: &HttpRequest) -> Result<JsonObject, Refusal> {
    if !request.has_json_content_type() {
        return Err(Refusal::invalid_data(
            "Content-Type must be application/json",
        ));
    }
    match request.parse_json().map_err(Refusal::invalid_data)? {
        Value::Object(body) => Ok(body),
        other => {
            let kind = strict_json::type_name(&other);
            let words = format!("the request body must be an object, not {kind}");
            Err(Refusal::invalid_data(words))
        }
    }
}

impl Simulator for Lac {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        match self.route_request(request, now) {
            Ok(answer) => answer,
            Err(refusal) => self.refusal_reply(&refusal),
        }
    }

    fn populate(&mut self, objects: usize) {
        self.account.populate(objects);
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
        self.switches = switch_changes::merge_switches(&self.switches, switches)?;
        Ok(())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn expire_session(&mut self, request: &HttpRequest) -> bool {
        let token = request.bearer_token();
        token.is_some_and(|token| self.tokens.remove(token).is_some())
    }

    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        make_edit(self, &FOREIGN_EDITS, entropy, now)
    }
}

#[cfg(test)]
mod tests;
