//! The simulator of Informatica Intelligent Cloud Services: login, and the licence of an organization.
//!
//! | call below `/saas/public/core/v3` | answers |
//! | --- | --- |
//! | `POST /login` | a session id and the base URL for further calls |
//! | `POST /logout` | 200 without a body; the session has ended |
//! | `GET /license/org/{id}` | the three sets of an organization's licence |
//! | `PUT /license/org/{id}` | 200 without a body; the three sets are replaced |
//!
//! A session is the header `INFA-SESSION-ID`. Only administrators of the parent organization may write, and only a
//! sub-organization's licence. Errors are `{"error": {"code", "message", "requestId", "details"}}`.
//!
//! Written from the vendor's pages *Licenses* (version 3 resources), *Login*, *Logout*, *Session IDs*, *Error
//! object* and *REST API responses* (checked 2026-11-21). What they leave open is one of the `switches`.
//!
//! Left out, and answered with 404: the version 2 resources for organizations and sessions, which use other ids.

mod account;
mod foreign_edits;
mod licence;
mod populate;
mod sessions;
mod switches;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::account::{Account, Org, User};
use self::foreign_edits::FOREIGN_EDITS;
use self::licence::{EDITIONS, LICENSES, LIMITS, Licence};
use self::sessions::Session;
use self::switches::{ErrorBody, Switches};
use crate::sandbox::foreign_edits::make_edit;
use crate::sandbox::pseudo_random;
use crate::sandbox::simulated_vendor::SandboxCredential;
use crate::sandbox::simulated_vendor::SimulatedVendor;
use crate::sandbox::simulator::{HttpReply, HttpRequest, Simulator};
use crate::sandbox::strict_json::{self, JsonObject};
use crate::sandbox::switch_changes;

/// What the sandbox serves as `informatica`.
pub(super) const VENDOR: SimulatedVendor = SimulatedVendor {
    prefix: "informatica",
    seeded: || Box::new(Informatica::seeded()),
    credentials: &[
        SandboxCredential::new(
            "login",
            "/informatica",
            &[("username", "admin@sandbox.test"), ("password", "sandbox")],
        ),
        SandboxCredential::new(
            "session",
            "/informatica/saas",
            &[("session", "sandbox-session")],
        ),
    ],
    write_manifest: populate::write_manifest,
};

/// An Informatica account served by the rules of its published pages.
#[derive(Clone)]
pub struct Informatica {
    account: Account,
    switches: Switches,
    /// The sessions from logins, by id.
    sessions: HashMap<String, Session>,
    /// The number of logins, from which session ids are derived.
    logins: u64,
    /// The number of requests, from which error ids are derived.
    requests: u64,
    /// The number of licence reads, by which the switch `shuffle` rotates the sets.
    reads: usize,
}

/// A refused call.
struct Refusal {
    status: u16,
    code: &'static str,
    words: String,
}

impl Refusal {
    /// Returns a refusal; `words` is its message.
    fn new(status: u16, code: &'static str, words: impl Into<String>) -> Self {
        Self {
            status,
            code,
            words: words.into(),
        }
    }

    /// Returns the 400 for a body or query that does not fit.
    // Codes for the licence resource are not published; these are invented, apart from IDS_085.
    fn invalid_data(words: impl Into<String>) -> Self {
        Self::new(400, "LICENSE_400", words)
    }

    /// Returns the 401 for a missing, unknown or expired session.
    fn invalid_session() -> Self {
        Self::new(401, "AUTH_01", "The session is not valid or has expired.")
    }

    /// Returns a 403.
    fn forbidden(words: &str) -> Self {
        Self::new(403, "LICENSE_403", words)
    }

    /// Returns a 404.
    fn not_found(words: &str) -> Self {
        Self::new(404, "LICENSE_404", words)
    }
}

impl Informatica {
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
            sessions: HashMap::new(),
            logins: 0,
            requests: 0,
            reads: 0,
        }
    }

    /// Answers a request by its path and method; every path but the login needs a session.
    fn route_request(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let segments = request.path_segments();
        let (methods, tail): (&[&str], _) = match segments.as_slice() {
            ["saas", "public", "core", "v3", tail @ ..] => match tail {
                ["login"] | ["logout"] => (&["POST"], tail),
                ["license", "org", id] if !id.is_empty() => (&["GET", "PUT"], tail),
                _ => return Err(Refusal::not_found("There is no such resource.")),
            },
            _ => return Err(Refusal::not_found("There is no such resource.")),
        };
        if !methods.contains(&request.method.as_str()) {
            let words = format!("{} is not allowed here.", request.method);
            return Err(Refusal::new(405, "LICENSE_405", words));
        }
        if !request.query.is_empty() {
            return Err(Refusal::invalid_data(
                "this resource has no query parameters",
            ));
        }
        match tail {
            ["login"] => self.log_in(request, now),
            ["logout"] => {
                self.session_user(request, now)?;
                let id = request.header("infa-session-id").unwrap_or_default();
                self.sessions.remove(id);
                Ok(HttpReply::empty(200))
            }
            [.., id] => {
                let username = self.session_user(request, now)?;
                match request.method.as_str() {
                    "PUT" => self.replace_license(id, &username, request),
                    _ => self.read_license(id, &username),
                }
            }
            // The patterns above leave one segment or more.
            [] => Err(Refusal::not_found("There is no such resource.")),
        }
    }

    /// Answers with a licence; 403 unless the user belongs to the organization or administers its parent.
    fn read_license(&mut self, id: &str, username: &str) -> Result<HttpReply, Refusal> {
        let (user, org) = self.user_and_org(username, id)?;
        let is_own = org.id == user.org;
        let is_child = org.parent.as_ref() == Some(&user.org);
        if !(is_own || is_child && user.administrator) {
            return Err(Refusal::forbidden(
                "Only an administrator of the parent organization may read another organization.",
            ));
        }
        let turn = if self.switches.shuffle { self.reads } else { 0 };
        let mut document = JsonObject::new();
        document.insert("id".into(), org.id.clone().into());
        document.insert("parentOrg".into(), org.parent.clone().into());
        org.licence.write(&mut document, turn, &self.switches);
        self.reads = self.reads.wrapping_add(1);
        Ok(HttpReply::json(200, &document.into()))
    }

    /// Replaces the licence of a sub-organization; 403 unless the user administers its parent.
    fn replace_license(
        &mut self,
        id: &str,
        username: &str,
        request: &HttpRequest,
    ) -> Result<HttpReply, Refusal> {
        let (user, org) = self.user_and_org(username, id)?;
        if !user.administrator || org.parent.as_ref() != Some(&user.org) {
            return Err(Refusal::forbidden(
                "Only an administrator of the parent organization may change a sub-organization's licenses.",
            ));
        }
        if self.switches.sync_managed {
            return Err(Refusal::forbidden(
                "The licenses are synchronized with the parent organization.",
            ));
        }
        let body = parse_body(request)?;
        let licence = self
            .build_replacement(&body, org)
            .map_err(Refusal::invalid_data)?;
        if let Some(org) = self.account.org_mut(id) {
            org.licence = Arc::new(licence);
        }
        let status = if self.switches.put_is_204 { 204 } else { 200 };
        Ok(HttpReply::empty(status))
    }

    /// Returns the licence that a PUT body describes for an organization; `Err` says what is wrong with it.
    fn build_replacement(&self, body: &JsonObject, org: &Org) -> Result<Licence, String> {
        const MEMBERS: &[&str] = &["id", "parentOrg", LICENSES.0, EDITIONS.0, LIMITS.0];
        strict_json::refuse_unknown_members(body, "", MEMBERS)?;
        // The page says to send what GET returned, so these may be there, but must not differ.
        if body.contains_key("id") && strict_json::require_string(body, "", "id")? != org.id {
            return Err("id is not that of the path".into());
        }
        let parent = strict_json::optional_string(body, "", "parentOrg")?;
        if body.contains_key("parentOrg") && parent != org.parent.as_deref() {
            return Err("parentOrg cannot be changed".into());
        }
        let licence = Licence::read(body, &org.licence, &self.switches)?;
        let parent = org.parent.as_ref().and_then(|id| self.account.org(id));
        if let Some(parent) = parent {
            licence.check_parent(&parent.licence, &self.switches)?;
        }
        Ok(licence)
    }

    /// Returns a session's user and the organization of a path; 401 or 404 if there is none.
    fn user_and_org(&self, username: &str, id: &str) -> Result<(&User, &Org), Refusal> {
        let user = self.account.user_named(username);
        // The account may have been replaced since the login.
        let user = user.ok_or_else(Refusal::invalid_session)?;
        let org = self.account.org(id);
        let missing = || Refusal::not_found("The organization does not exist.");
        Ok((user, org.ok_or_else(missing)?))
    }

    /// Turns a refusal into a reply with the next error id.
    fn refusal_reply(&self, refusal: &Refusal) -> HttpReply {
        let mut error = json!({
            "code": refusal.code,
            "message": refusal.words,
            "requestId": pseudo_random::derive_text(self.requests, 22, pseudo_random::ALPHANUMERIC),
        });
        if self.switches.error_body == ErrorBody::Nested {
            error["details"] = Value::Null;
            error = json!({"error": error});
        }
        HttpReply::json(refusal.status, &error)
    }
}

/// Parses the body of a write as a JSON object; 400 if it is none.
///
/// A missing `Content-Type` is accepted: the page's PUT example has none, a newer copy has.
fn parse_body(request: &HttpRequest) -> Result<JsonObject, Refusal> {
    if request.header("content-type").is_some() && !request.has_json_content_type() {
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

impl Simulator for Informatica {
    fn answer(&mut self, request: &HttpRequest, now: Timestamp) -> HttpReply {
        self.requests += 1;
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
        self.switches = switch_changes::merge_switches(&self.switches, switches)
            .and_then(Switches::validate)?;
        Ok(())
    }

    fn fork(&self) -> Box<dyn Simulator> {
        Box::new(self.clone())
    }

    fn expire_session(&mut self, request: &HttpRequest) -> bool {
        let id = request.header("infa-session-id");
        id.is_some_and(|id| self.sessions.remove(id).is_some())
    }

    fn make_foreign_edit(&mut self, entropy: u64, now: Timestamp) -> Option<Value> {
        make_edit(self, &FOREIGN_EDITS, entropy, now)
    }
}

#[cfg(test)]
mod tests;
