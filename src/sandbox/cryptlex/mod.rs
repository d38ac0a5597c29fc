//! The simulator of Cryptlex Web API v3: organizations, their user groups and users, and licences.
//!
//! | call below `/v3` | answers |
//! | --- | --- |
//! | `POST /accounts/login` | an access token |
//! | `GET`, `POST /organizations` | a page of organizations; a new one |
//! | `GET`, `PATCH`, `DELETE /organizations/{id}` | the organization; the changed one; nothing |
//! | `GET /organizations/{id}/licenses` | a page of licences |
//! | `GET /organizations/{id}/licenses/{id}` | one licence, if the switch `single_get` is on |
//! | `PATCH /organizations/{id}/licenses/{id}` | the licence with another set of user groups |
//! | `GET`, `POST /organizations/{id}/user-groups` | a page of user groups; a new one |
//! | `PATCH`, `DELETE /organizations/{id}/user-groups/{id}` | the changed group; nothing |
//! | `GET /organizations/{id}/users` | a page of users |
//! | `PATCH /organizations/{id}/users/{id}` | the changed user |
//! | `GET`, `POST /licenses` | a page of all licences in full; a new one |
//! | `GET`, `PATCH`, `DELETE /licenses/{id}` | the licence in full; the changed one; nothing |
//! | `PATCH /licenses/{id}/expires-at` | the licence with another expiry |
//!
//! Replies are bare JSON objects and arrays; errors are `{"message", "code"}`. The only writable member of an
//! organization's licence is `userGroupIds`. Every reply carries the headers of the request limit.
//!
//! Facts are from the vendor's reference pages, checked 2026-11-21, 2026-11-29 and 2026-11-30. What they leave open is
//! one of the `switches`. Left out: products, activations, webhooks, resellers, and users outside organizations.

mod account;
mod filter;
mod foreign_edits;
mod license_entries;
mod licenses;
mod list;
mod list_fields;
mod ordered_table;
mod organization_licenses;
mod organization_users;
mod organizations;
mod populate;
mod rate_limit;
mod refusal;
mod route;
mod schemas;
mod switches;
mod templates;
#[cfg(test)]
mod tests;
mod user_groups;
mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::Account;
use self::foreign_edits::FOREIGN_EDITS;
use self::rate_limit::RateWindow;
use self::refusal::{Refusal, new_refusal};
use self::route::Route;
use self::schemas::LOGIN;
use self::switches::{ErrorBody, Switches, UnknownPolicy};
use super::access_tokens::AccessTokens;
use super::body_schema::{self, MemberRule};
use super::foreign_edits::make_edit;
use super::request_parts::{self, JsonBodyError};
use super::simulated_vendor::SandboxCredential;
use super::simulated_vendor::SimulatedVendor;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// What the sandbox serves as `cryptlex`.
pub(super) const VENDOR: SimulatedVendor = SimulatedVendor {
    prefix: "cryptlex",
    seeded: || Box::new(Cryptlex::seeded()),
    credentials: &[
        SandboxCredential::new("token", "/cryptlex", &[("token", "sandbox-token")]),
        SandboxCredential::new(
            "login",
            "/cryptlex",
            &[
                ("accountId", "sandbox"),
                ("email", "admin@sandbox.test"),
                ("password", "sandbox"),
            ],
        ),
    ],
    write_manifest: populate::write_manifest,
};

/// A Cryptlex account served by the rules of the vendor's reference pages.
#[derive(Clone)]
pub struct Cryptlex {
    account: Account,
    switches: Switches,
    tokens: AccessTokens,
    /// The window of the request limit.
    window: RateWindow,
}

impl Cryptlex {
    /// Returns a simulator with one organization, its user groups, users and licences, and a licence outside it.
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
            tokens: AccessTokens::new("sandbox-token"),
            window: RateWindow::default(),
        }
    }

    /// Answers a request by its path and method; every path but the login needs a token.
    fn route_request(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let Some(route) = Route::find(&request.path) else {
            return Err(new_refusal(404, format!("no such path: {}", request.path)));
        };
        let method = request.method.as_str();
        if !route
            .allowed_methods()
            .split(", ")
            .any(|allowed| allowed == method)
        {
            return Err(Refusal {
                allow: Some(route.allowed_methods()),
                ..new_refusal(405, format!("{method} is not allowed here"))
            });
        }
        if let Some(scope) = route.required_scope(method) {
            self.authorize(request, scope, now)?;
        }
        match (route, method) {
            (Route::Login, _) => self.log_in(request, now),
            (Route::Organizations, "POST") => self.create_organization(request, now),
            (Route::Organizations, _) => self.list_organizations(request, now),
            (Route::Organization(id), "PATCH") => self.update_organization(id, request, now),
            (Route::Organization(id), "DELETE") => self.delete_organization(id),
            (Route::Organization(id), _) => self.get_organization(id),
            (Route::OrganizationLicenses(id), _) => {
                self.list_organization_licenses(id, request, now)
            }
            (Route::OrganizationLicense(id, license), "PATCH") => {
                self.update_organization_license(id, license, request, now)
            }
            (Route::OrganizationLicense(id, license), _) => {
                self.get_organization_license(id, license)
            }
            (Route::Groups(id), "POST") => self.create_group(id, request, now),
            (Route::Groups(id), _) => self.list_groups(id, request, now),
            (Route::Group(id, group), "DELETE") => self.delete_group(id, group),
            (Route::Group(id, group), _) => self.update_group(id, group, request, now),
            (Route::Users(id), _) => self.list_users(id, request, now),
            (Route::User(id, user), _) => self.update_user(id, user, request, now),
            (Route::Licenses, "POST") => self.create_license(request, now),
            (Route::Licenses, _) => self.list_licenses(request, now),
            (Route::License(id), "PATCH") => self.update_license(id, request, now),
            (Route::License(id), "DELETE") => self.delete_license(id),
            (Route::License(id), _) => self.get_license(id),
            (Route::Expiry(id), _) => self.update_expiry(id, request, now),
        }
    }

    /// Issues a token for the account's only user.
    fn log_in(&mut self, request: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &LOGIN)?;
        let is = |name: &str, expected: &str| body[name] == expected;
        if body.get("accountId").is_none() && body.get("accountAlias").is_none() {
            return Err(new_refusal(400, "accountId or accountAlias is required"));
        }
        let named = |name: &str| body.get(name).is_none_or(|given| given == "sandbox");
        let account = named("accountId") && named("accountAlias");
        if !(account && is("email", "admin@sandbox.test") && is("password", "sandbox")) {
            return Err(new_refusal(401, "the account, email or password is wrong"));
        }
        let token = self.tokens.issue(now);
        Ok(HttpReply::json(200, &json!({ "accessToken": token })))
    }

    /// Refuses a request without a valid token with 401, one whose token lacks the scope with 403.
    fn authorize(&self, request: &HttpRequest, scope: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(token) = request_parts::authorization_value(request, "Bearer") else {
            return Err(new_refusal(401, "the request has no bearer token"));
        };
        let life = self.switches.token_life_seconds;
        if !self.tokens.is_valid(token, now, life) {
            return Err(new_refusal(
                401,
                "the access token is invalid or has expired",
            ));
        }
        if self.switches.missing_scope.as_deref() == Some(scope) {
            let message = format!("the access token lacks the scope {scope}");
            return Err(new_refusal(403, message));
        }
        Ok(())
    }

    /// Parses the body of a write and checks it against its schema; 400 or 415 if it does not fit.
    fn parse_body(
        &self,
        request: &HttpRequest,
        members: &'static [MemberRule],
    ) -> Result<Value, Refusal> {
        let body =
            request_parts::parse_json_body(request, &["application/json"]).map_err(|fault| {
                match fault {
                    JsonBodyError::MediaType(media) => {
                        new_refusal(415, format!("unsupported media type {media:?}"))
                    }
                    JsonBodyError::Empty => new_refusal(400, "the request has no body"),
                    JsonBodyError::Malformed(why) => {
                        new_refusal(400, format!("malformed JSON: {why}"))
                    }
                }
            })?;
        let unknown_allowed = self.switches.unknown_members == UnknownPolicy::Ignore;
        let problems = body_schema::check_body(&body, members, unknown_allowed);
        if problems.is_empty() {
            return Ok(body);
        }
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Err(new_refusal(400, words.join("; ")))
    }

    /// Turns a refusal into a reply, with the headers that 401 and 405 carry.
    fn refusal_reply(&self, refusal: Refusal) -> HttpReply {
        let mut body = json!({"message": refusal.message});
        if self.switches.error_body == ErrorBody::CodeMessage {
            body["code"] = json!(refusal.code);
        }
        let mut answer = HttpReply::json(refusal.status, &body);
        if refusal.status == 401 {
            let challenge = ("www-authenticate".into(), "Bearer".into());
            answer.headers.push(challenge);
        }
        if let Some(allow) = refusal.allow {
            answer.headers.push(("allow".into(), allow.into()));
        }
        answer
    }
}

impl Simulator for Cryptlex {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        let quota = self.window.count_request(now, self.switches.rate_limit);
        let mut answer = if quota.exceeded {
            rate_limit::over_limit_reply(&quota, now, &self.switches)
        } else {
            self.route_request(request, now)
                .unwrap_or_else(|refusal| self.refusal_reply(refusal))
        };
        answer.headers.extend(quota.headers());
        answer
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

    fn expire_session(&mut self, request: &HttpRequest) -> bool {
        request_parts::authorization_value(request, "Bearer")
            .is_some_and(|token| self.tokens.expire(token))
    }

    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        make_edit(self, &FOREIGN_EDITS, entropy, now)
    }
}
