//! The simulator of LicenseSpring's Management API v1: licences, and the replacement of their product features.
//!
//! | call below `/api/v1` | file | answers |
//! | --- | --- | --- |
//! | `GET /licenses/` | `list` | a page of licences in an envelope |
//! | `GET /licenses/{id}/` | `views` | one licence |
//! | `PATCH /licenses/{id}/` | `settings` | the licence with other settings |
//! | `POST /licenses/{id}/enable/`, `…/disable/` | `settings` | a message |
//! | `POST /licenses/{id}/update_features/` | `update` | the licence with another set of features |
//! | `PATCH /license-product-features/{id}` | `row` | the row |
//! | `GET /product-features/` | `list` | a page of product features in an envelope |
//! | `POST /product-features/`, `PATCH` and `DELETE …/{id}/` | `product_features` | the feature; nothing |
//! | `GET /customer-accounts/` | `list` | a page of customer accounts in an envelope |
//! | `POST /customer-accounts/`, `PATCH` and `DELETE …/{id}/` | `customer_accounts` | the account; nothing |
//! | `GET /license-custom-fields/` | `list` | a page of values in an envelope |
//! | `POST /license-custom-fields/`, `GET`, `PATCH` and `DELETE …/{id}/` | `custom_fields` | the value; nothing |
//! | `GET /orders/`, `POST /orders/create_order/`, `PATCH /orders/{id}/` | `orders` | a page of orders; the order |
//! | `GET /scheduled-updates/`, `GET …/stats/` | `list`, `scheduled_updates` | a page of updates; their numbers |
//! | `POST /scheduled-updates/`, `PATCH` and `DELETE …/{id}/` | `scheduled_updates` | the update; nothing |
//! | `POST …/{id}/cancel/`, `…/apply/`, `…/retry/`, `GET …/{id}/simulate/` | `scheduled_updates` | the update |
//! | `GET /license-templates/` | `list` | a page of license policies in an envelope |
//! | `POST /license-templates/`, `GET`, `PATCH` and `DELETE …/{id}/` | `policies` | the policy; nothing |
//!
//! It has the habits of the Django REST Framework: paths end with a slash, lists come as `{"count", "next",
//! "previous", "results"}`, errors are `{"field": […]}` or `{"detail": …}`.
//!
//! Facts are from the vendor's documentation pages and its Postman collection, checked 2026-11-21 and 2026-11-30. What they leave
//! open is one of the `switches`. Left out: deleting licences, one order by its number, customers, devices.

mod account;
mod custom_fields;
mod customer_accounts;
mod foreign_edits;
mod list;
mod order_schema;
mod orders;
mod policies;
mod populate;
mod product_features;
mod rate_limit;
mod request_body;
mod row;
mod scheduled_updates;
mod settings;
mod switches;
#[cfg(test)]
mod tests;
mod update;
mod values;
mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::Account;
use self::foreign_edits::FOREIGN_EDITS;
use self::rate_limit::RateLimiter;
use self::switches::{RowPath, SlashlessPost, Switches};
use super::foreign_edits::make_edit;
use super::request_parts;
use super::simulated_vendor::SandboxCredential;
use super::simulated_vendor::SimulatedVendor;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// The fake management key: a prefix of 8 characters, a dot and 32 more, as the vendor shapes them.
const KEY: &str = "sandbox0.sandboxsandboxsandboxsandboxsand";

/// A refused call.
#[derive(Debug)]
struct Refusal {
    status: u16,
    /// The whole body of the reply.
    body: Value,
}

/// Returns a refusal with the framework's body `{"detail"}`.
fn detail_refusal(status: u16, words: impl Into<String>) -> Refusal {
    Refusal {
        status,
        body: json!({"detail": words.into()}),
    }
}

/// A path that is served, with its id.
enum Route<'a> {
    Licenses,
    License(&'a str),
    /// True for the call that enables.
    Switch(&'a str, bool),
    UpdateFeatures(&'a str),
    ProductFeatures,
    ProductFeature(&'a str),
    Policies,
    Policy(&'a str),
    CustomerAccounts,
    CustomerAccount(&'a str),
    CustomFields,
    CustomField(&'a str),
    Orders,
    CreateOrder,
    Order(&'a str),
    ScheduledUpdates,
    UpdateCounts,
    ScheduledUpdate(&'a str),
    /// An action on an update: `cancel`, `apply`, `retry` or `simulate`.
    UpdateAction(&'a str, &'a str),
    /// The row with this id.
    Row(&'a str),
}

impl<'a> Route<'a> {
    /// Returns the route of a path, which must end with a slash; `None` for an unknown path.
    fn find(path: &'a str) -> Option<Self> {
        let inner = path.strip_prefix("/api/v1/")?.strip_suffix('/')?;
        let parts: Vec<&str> = inner.split('/').collect();
        Some(match parts.as_slice() {
            ["licenses"] => Route::Licenses,
            ["licenses", id] if !id.is_empty() => Route::License(id),
            ["licenses", id, "update_features"] if !id.is_empty() => Route::UpdateFeatures(id),
            ["licenses", id, "enable"] if !id.is_empty() => Route::Switch(id, true),
            ["licenses", id, "disable"] if !id.is_empty() => Route::Switch(id, false),
            ["product-features"] => Route::ProductFeatures,
            ["product-features", id] if !id.is_empty() => Route::ProductFeature(id),
            ["license-templates"] => Route::Policies,
            ["license-templates", id] if !id.is_empty() => Route::Policy(id),
            ["license-custom-fields"] => Route::CustomFields,
            ["license-custom-fields", id] if !id.is_empty() => Route::CustomField(id),
            ["customer-accounts"] => Route::CustomerAccounts,
            ["customer-accounts", id] if !id.is_empty() => Route::CustomerAccount(id),
            ["orders"] => Route::Orders,
            ["orders", "create_order"] => Route::CreateOrder,
            ["orders", id] if !id.is_empty() => Route::Order(id),
            ["scheduled-updates"] => Route::ScheduledUpdates,
            ["scheduled-updates", "stats"] => Route::UpdateCounts,
            ["scheduled-updates", id] if !id.is_empty() => Route::ScheduledUpdate(id),
            [
                "scheduled-updates",
                id,
                action @ ("cancel" | "apply" | "retry" | "simulate"),
            ] => Route::UpdateAction(id, action),
            ["license-product-features", id] if !id.is_empty() => Route::Row(id),
            _ => return None,
        })
    }

    /// Returns the methods of this path.
    fn allowed_methods(&self) -> &'static [&'static str] {
        match self {
            Route::Licenses | Route::Orders => &["GET"],
            Route::ProductFeatures
            | Route::Policies
            | Route::CustomerAccounts
            | Route::CustomFields
            | Route::ScheduledUpdates => &["GET", "POST"],
            Route::UpdateCounts | Route::UpdateAction(_, "simulate") => &["GET"],
            Route::UpdateAction(..) => &["POST"],
            Route::Policy(_) | Route::CustomField(_) => &["GET", "PATCH", "DELETE"],
            // No page shows a call that reads one.
            Route::ProductFeature(_) | Route::CustomerAccount(_) | Route::ScheduledUpdate(_) => {
                &["PATCH", "DELETE"]
            }
            Route::License(_) => &["GET", "PATCH"],
            Route::UpdateFeatures(_) | Route::Switch(..) | Route::CreateOrder => &["POST"],
            Route::Row(_) | Route::Order(_) => &["PATCH"],
        }
    }
}

/// What the sandbox serves as `licensespring`.
pub(super) const VENDOR: SimulatedVendor = SimulatedVendor {
    prefix: "licensespring",
    seeded: || Box::new(LicenseSpring::seeded()),
    credentials: &[SandboxCredential::new(
        "apiKey",
        "/licensespring",
        &[("apiKey", "sandbox0.sandboxsandboxsandboxsandboxsand")],
    )],
    write_manifest: populate::write_manifest,
};

/// A LicenseSpring account served by the rules of the vendor's pages.
#[derive(Clone)]
pub struct LicenseSpring {
    account: Account,
    switches: Switches,
    throttle: RateLimiter,
}

impl LicenseSpring {
    /// Returns a simulator with three licences of one product with seven features and three license policies, one global
    /// feature, and two customer accounts and three orders.
    #[expect(
        clippy::expect_used,
        reason = "the seed is compiled in, and the tests load it"
    )]
    pub fn seeded() -> Self {
        let seed = serde_json::from_str(include_str!("seed.json"));
        let account = seed
            .map_err(|error| error.to_string())
            .and_then(Account::load);
        Self {
            // The seed is part of the program and a test loads it.
            account: account.expect("the seed is a good account"),
            switches: Switches::default(),
            throttle: RateLimiter::default(),
        }
    }

    /// Answers a request by its path and method; every known path needs the key.
    fn route_request(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let Some(route) = self.find_route(&request.path) else {
            return Ok(self.answer_unrouted(request));
        };
        self.authorize(request)?;
        if !route.allowed_methods().contains(&request.method.as_str()) {
            let words = format!("Method \"{}\" not allowed.", request.method);
            let mut answer = refusal_reply(detail_refusal(405, words));
            let allow = ("allow".into(), route.allowed_methods().join(", "));
            answer.headers.push(allow);
            return Ok(answer);
        }
        match route {
            Route::Licenses => self.list_licenses(request),
            Route::License(id) if request.method == "PATCH" => {
                self.update_license(id, request, now)
            }
            Route::Switch(id, enabled) => self.switch_license(id, enabled, request, now),
            Route::License(id) => {
                let license = self.account.license(id)?;
                let shown = self.account.license_view(license, &self.switches, false);
                Ok(HttpReply::serialized(200, &shown))
            }
            Route::Row(id) => self.update_row(id, request, now),
            Route::UpdateFeatures(id) => self.update_features(id, request, now),
            Route::ProductFeatures if request.method == "POST" => {
                self.create_product_feature(request, now)
            }
            Route::ProductFeatures => self.list_product_features(request),
            Route::ProductFeature(id) if request.method == "DELETE" => {
                self.delete_product_feature(id)
            }
            Route::ProductFeature(id) => self.update_product_feature(id, request, now),
            Route::CustomFields if request.method == "POST" => self.create_custom_field(request),
            Route::CustomFields => self.list_custom_fields(request),
            Route::CustomField(id) => match request.method.as_str() {
                "GET" => self.read_custom_field(id),
                "DELETE" => self.delete_custom_field(id),
                _ => self.update_custom_field(id, request),
            },
            Route::CustomerAccounts if request.method == "POST" => {
                self.create_customer_account(request)
            }
            Route::CustomerAccounts => self.list_customer_accounts(request),
            Route::CustomerAccount(id) if request.method == "DELETE" => {
                self.delete_customer_account(id)
            }
            Route::CustomerAccount(id) => self.update_customer_account(id, request),
            Route::Orders => self.list_orders(request),
            Route::CreateOrder => self.create_order(request, now),
            Route::Order(id) => self.update_order(id, request, now),
            Route::ScheduledUpdates
            | Route::UpdateCounts
            | Route::ScheduledUpdate(_)
            | Route::UpdateAction(..) => self.route_update(&route, request, now),
            Route::Policies if request.method == "POST" => self.create_policy(request, now),
            Route::Policies => self.list_policies(request),
            Route::Policy(id) => match request.method.as_str() {
                "GET" => self.read_policy(id),
                "DELETE" => self.delete_policy(id),
                _ => self.update_policy(id, request, now),
            },
        }
    }

    /// Answers a call of scheduled updates.
    fn route_update(
        &mut self,
        route: &Route<'_>,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        self.refuse_plan()?;
        match (route, request.method.as_str()) {
            (Route::ScheduledUpdates, "POST") => self.create_update(request, now),
            (Route::ScheduledUpdates, _) => self.list_updates(request),
            (Route::ScheduledUpdate(id), "DELETE") => self.delete_update(id),
            (Route::ScheduledUpdate(id), _) => self.change_update(id, request, now),
            (Route::UpdateAction(id, "cancel"), _) => self.cancel_update(id, now),
            (Route::UpdateAction(id, "apply"), _) => self.apply_update(id, "pending", now),
            (Route::UpdateAction(id, "retry"), _) => self.apply_update(id, "failed", now),
            (Route::UpdateAction(id, _), _) => self.simulate_update(id),
            _ => Ok(self.count_updates()),
        }
    }

    /// Returns the route of a path. That of one row is printed without the slash at the end, unlike all others: the switch
    /// `row_path` says which of the two is served.
    fn find_route<'a>(&self, path: &'a str) -> Option<Route<'a>> {
        let bare = path
            .strip_prefix("/api/v1/license-product-features/")
            .filter(|id| !id.is_empty() && !id.contains('/'));
        match (Route::find(path), bare, self.switches.row_path) {
            (Some(Route::Row(_)), _, RowPath::Bare) | (None, Some(_), RowPath::Slash) => None,
            (None, Some(id), _) => Some(Route::Row(id)),
            (route, ..) => route,
        }
    }

    /// Answers a path that is not served: 404, or a redirect if only the trailing slash is missing.
    ///
    /// Like Django, redirects before the key is looked at.
    fn answer_unrouted(&self, request: &HttpRequest) -> HttpReply {
        let slashed = format!("{}/", request.path);
        if Route::find(&slashed).is_none() {
            return html_page(404, "Not Found");
        }
        if request.method != "GET" && self.switches.slashless_post == SlashlessPost::Error {
            return html_page(500, "Server Error (500)");
        }
        let mut answer = html_page(301, "Moved Permanently");
        let query = list::encode_query(&request.query);
        let mark = if query.is_empty() { "" } else { "?" };
        let location = format!("{}{slashed}{mark}{query}", request.base_url);
        answer.headers.push(("location".into(), location));
        answer
    }

    /// Refuses a request without the key, with the status that the switch `bad_key_status` asks for.
    fn authorize(&self, request: &HttpRequest) -> Result<(), Refusal> {
        let words = match request_parts::authorization_value(request, "Api-Key") {
            Some(KEY) => return Ok(()),
            Some(_) => "Invalid API key.",
            None => "Authentication credentials were not provided.",
        };
        Err(detail_refusal(self.switches.bad_key_status, words))
    }
}

/// Returns an HTML page, as Django answers outside the REST framework.
fn html_page(status: u16, words: &str) -> HttpReply {
    HttpReply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: format!("<!doctype html>\n<title>{words}</title>\n<h1>{words}</h1>\n").into_bytes(),
    }
}

/// Turns a refusal into a reply, with the header that a 401 carries.
fn refusal_reply(refusal: Refusal) -> HttpReply {
    let mut answer = HttpReply::json(refusal.status, &refusal.body);
    if refusal.status == 401 {
        let challenge = ("www-authenticate".into(), "Api-Key".into());
        answer.headers.push(challenge);
    }
    answer
}

impl Simulator for LicenseSpring {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        if self.switches.rate_limit
            && let Err(wait) = self.throttle.admit(now)
        {
            return rate_limit::throttled_reply(wait, self.switches.retry_after);
        }
        self.carry_out_due(now);
        self.route_request(request, now)
            .unwrap_or_else(refusal_reply)
    }

    fn populate(&mut self, objects: usize) {
        self.account.populate(objects);
    }

    fn state(&self) -> Value {
        self.account.save()
    }

    fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.account = Account::load(state)?;
        Ok(())
    }

    fn switches(&self) -> Value {
        json!(self.switches)
    }

    fn set_switches(&mut self, switches: Value) -> Result<(), String> {
        self.switches = self.switches.with_changes(switches)?;
        Ok(())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn expire_session(&mut self, _: &HttpRequest) -> bool {
        // There are only keys, and they do not expire.
        false
    }

    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        make_edit(self, &FOREIGN_EDITS, entropy, now)
    }
}
