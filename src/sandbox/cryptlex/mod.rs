//! The simulator of Cryptlex Web API v3: organizations, their user groups and their licences.
//!
//! | call below `/v3` | answers |
//! | --- | --- |
//! | `POST /accounts/login` | an access token |
//! | `GET /organizations`, `GET /organizations/{id}` | organizations |
//! | `GET /organizations/{id}/licenses` | a page of licences |
//! | `GET /organizations/{id}/licenses/{id}` | one licence, if the switch `single_get` is on |
//! | `PATCH /organizations/{id}/licenses/{id}` | the licence with another set of user groups |
//! | `GET`, `POST /organizations/{id}/user-groups` | a page of user groups; a new one |
//! | `PATCH`, `DELETE /organizations/{id}/user-groups/{id}` | the changed group; nothing |
//!
//! Replies are bare JSON objects and arrays; errors are `{"message", "code"}`. The only writable member of an
//! organization's licence is `userGroupIds`. Every reply carries the headers of the request limit.
//!
//! Facts are from the vendor's reference pages, checked 2026-11-21. What they leave open is one of the
//! `switches`. Left out: products, activations, users, webhooks, and licences outside organizations.

mod account;
mod filter;
mod foreign_edits;
mod list;
mod populate;
mod rate_limit;
mod route;
mod switches;
#[cfg(test)]
mod tests;
mod views;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::Account;
use self::foreign_edits::FOREIGN_EDITS;
use self::rate_limit::RateWindow;
use self::route::Route;
use self::switches::{ErrorBody, Switches, UnknownPolicy};
use super::access_tokens::AccessTokens;
use super::account_document;
use super::body_schema::{self, MemberRule, TEXT, ValueType};
use super::foreign_edits::make_edit;
use super::request_parts::{self, JsonBodyError};
use super::simulated_vendor::SandboxCredential;
use super::simulated_vendor::SimulatedVendor;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A refused call.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    /// The `Allow` header, which a 405 carries.
    allow: Option<&'static str>,
}

/// Returns a refusal with the code that belongs to its status.
///
/// The codes are invented: the pages say only that a code may be there.
fn new_refusal(status: u16, message: impl Into<String>) -> Refusal {
    let code = match status {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        409 => "CONFLICT",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        _ => "ERROR",
    };
    Refusal {
        status,
        code,
        message: message.into(),
        allow: None,
    }
}

static LOGIN: [MemberRule; 4] = [
    MemberRule::optional("accountId", TEXT),
    MemberRule::optional("accountAlias", TEXT),
    MemberRule::required("email", TEXT),
    MemberRule::required("password", TEXT),
];
static LICENSE_UPDATE: [MemberRule; 1] =
    [MemberRule::required("userGroupIds", ValueType::List(&TEXT))];
static GROUP_CREATE: [MemberRule; 2] = [
    MemberRule::required("name", ValueType::Text(1, 256)),
    MemberRule::optional("description", ValueType::Text(0, 256)),
];
static GROUP_UPDATE: [MemberRule; 2] = [
    MemberRule::optional("name", ValueType::Text(1, 256)),
    MemberRule::optional("description", ValueType::Text(0, 256)),
];

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
    /// Returns a simulator with one organization, four user groups and three licences.
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
            (Route::Organizations, _) => self.list_organizations(request, now),
            (Route::Organization(id), _) => {
                let organization = self.account.organization(id)?;
                Ok(HttpReply::json(200, &json!(organization.fields)))
            }
            (Route::Licenses(id), _) => self.list_licenses(id, request, now),
            (Route::License(id, license), "PATCH") => {
                self.update_license(id, license, request, now)
            }
            (Route::License(id, license), _) => self.get_license(id, license),
            (Route::Groups(id), "POST") => self.create_group(id, request, now),
            (Route::Groups(id), _) => self.list_groups(id, request, now),
            (Route::Group(id, group), "DELETE") => {
                self.account.organization_mut(id)?.delete_group(group)?;
                Ok(HttpReply::empty(204))
            }
            (Route::Group(id, group), _) => self.update_group(id, group, request, now),
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

    /// Answers with one licence; 404 unless the switch `single_get` is on.
    fn get_license(&self, organization: &str, id: &str) -> Result<HttpReply, Refusal> {
        if !self.switches.single_get {
            return Err(new_refusal(
                404,
                "a single licence cannot be read by its path",
            ));
        }
        let organization = self.account.organization(organization)?;
        let license = organization.license(id)?;
        let shown = organization.license_view(license, self.switches.group_order);
        Ok(HttpReply::serialized(200, &shown))
    }

    /// Replaces a licence's set of user groups; `[]` clears it.
    fn update_license(
        &mut self,
        organization: &str,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &LICENSE_UPDATE)?;
        let organization = self.account.organization_mut(organization)?;
        organization.license(id)?;
        let ids = body["userGroupIds"].as_array().into_iter().flatten();
        let groups = ids.filter_map(Value::as_str).map(str::to_owned).collect();
        organization.expect_groups(&groups, self.switches.unknown_group_status)?;
        let license = organization.license_mut(id)?;
        if self.switches.bump_unchanged || license.groups != groups {
            license.groups = groups;
            let at = json!(account_document::format_seven_digits(now));
            license.fields.insert("updatedAt", at);
        }
        let shown = organization.license_view(organization.license(id)?, self.switches.group_order);
        Ok(HttpReply::serialized(200, &shown))
    }

    /// Creates a user group; 409 if its name is taken.
    fn create_group(
        &mut self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &GROUP_CREATE)?;
        let id = self.account.unused_group_id();
        let organization = self.account.organization_mut(organization)?;
        let group = organization.create_group(id, &body, now)?;
        Ok(HttpReply::json(201, &json!(group)))
    }

    /// Renames or describes a user group.
    fn update_group(
        &mut self,
        organization: &str,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &GROUP_UPDATE)?;
        let rename = self.switches.rename_to_taken;
        let organization = self.account.organization_mut(organization)?;
        let group = organization.update_group(id, &body, now, rename)?;
        Ok(HttpReply::json(200, &json!(group)))
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
