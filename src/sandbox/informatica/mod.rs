//! The simulator of Informatica Intelligent Cloud Services: login, and the licence of an organization.
//!
//! Written from the vendor's pages *Licenses* (version 3 resources), *Login*, *Logout*, *Session IDs*,
//! *Error object* and *REST API responses* (checked 2026-11-21). What they leave open is in `switches`.
//!
//! Left out, and answered with 404: the version 2 resources for organizations and sessions, which know
//! organizations by other ids.

mod account;
mod foreign_edits;
mod licence;
pub(super) mod populate;
mod switches;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::account::{Account, Org, User};
use self::foreign_edits::FOREIGN_EDITS;
use self::licence::{EDITIONS, LICENSES, LIMITS, Licence};
use self::switches::{ErrorBody, FixedSession, SessionMode, Switches};
use crate::sandbox::foreign_edits::make_edit;
use crate::sandbox::pseudo_random;
use crate::sandbox::simulator::{HttpReply, HttpRequest, Simulator};
use crate::sandbox::strict_json::{self, JsonObject};

/// An Informatica account served by the rules of its published pages.
#[derive(Clone)]
pub struct Informatica {
    account: Account,
    switches: Switches,
    sessions: HashMap<String, Session>,
    logins: u64,
    /// Requests answered, from which the error ids come.
    requests: u64,
    reads: usize,
}

#[derive(Clone)]
struct Session {
    username: String,
    end: Timestamp,
    /// Whether use moves the end.
    sliding: bool,
}

/// The session that needs no login; it is that of the first user.
const FIXED_SESSION: &str = "sandbox-session";
/// The password of every user.
const PASSWORD: &str = "sandbox";
/// "The session ID expires after 30 minutes of inactivity."
const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// A refused request.
struct Refusal {
    status: u16,
    code: &'static str,
    words: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, words: impl Into<String>) -> Self {
        Self {
            status,
            code,
            words: words.into(),
        }
    }

    // Codes for the licence resource are not published; these are made up, apart from IDS_085.
    fn invalid_data(words: impl Into<String>) -> Self {
        Self::new(400, "LICENSE_400", words)
    }

    fn invalid_session() -> Self {
        Self::new(401, "AUTH_01", "The session is not valid or has expired.")
    }

    fn forbidden(words: &str) -> Self {
        Self::new(403, "LICENSE_403", words)
    }

    fn not_found(words: &str) -> Self {
        Self::new(404, "LICENSE_404", words)
    }
}

impl Informatica {
    /// The account that examples and documentation are written against.
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

    fn log_in(&mut self, request: &HttpRequest, now: Timestamp) -> Result<HttpReply, Refusal> {
        let body = parse_body(request)?;
        strict_json::refuse_unknown_members(&body, "", &["username", "password"])
            .map_err(Refusal::invalid_data)?;
        let text = |name: &str| {
            let text =
                strict_json::require_string(&body, "", name).map_err(Refusal::invalid_data)?;
            match text.chars().count() {
                1..=255 => Ok(text),
                _ => Err(Refusal::invalid_data(format!(
                    "{name} must be 1 to 255 characters"
                ))),
            }
        };
        let (username, password) = (text("username")?, text("password")?);
        let user = self.account.user_named(username);
        let Some(user) = user.filter(|_| password == PASSWORD) else {
            let status = self.switches.login_refusal_status;
            let words = "User name or password is not valid.";
            return Err(Refusal::new(status, "IDS_085", words));
        };
        self.logins += 1;
        let (id, session) = new_session(user, self.logins, &self.switches, now);
        let org = self.account.org(&user.org);
        let reply = json!({
            "products": [{"name": "Integration Cloud", "baseApiUrl": format!("{}/saas", request.base_url)}],
            "userInfo": {
                "sessionId": id,
                "id": pseudo_random::derive_text(u64::MAX, 22, pseudo_random::ALPHANUMERIC),
                "name": user.name,
                "parentOrgId": org.and_then(|org| org.parent.as_deref()),
                "orgId": user.org,
                "orgName": org.map(|org| org.name.as_str()),
                "groups": {},
                "status": "Active",
            },
        });
        self.sessions.retain(|_, session| session.end > now);
        self.sessions.insert(id, session);
        Ok(HttpReply::json(200, &reply))
    }

    /// The user of the session that the request names, whose idle clock starts again.
    fn session_user(&mut self, request: &HttpRequest, now: Timestamp) -> Result<String, Refusal> {
        let id = request
            .header("infa-session-id")
            .ok_or_else(Refusal::invalid_session)?;
        if id == FIXED_SESSION {
            let first = self.account.users.first();
            let valid = self.switches.fixed_session == FixedSession::Valid;
            let user = first
                .filter(|_| valid)
                .ok_or_else(Refusal::invalid_session)?;
            return Ok(user.name.clone());
        }
        let session = self
            .sessions
            .get_mut(id)
            .ok_or_else(Refusal::invalid_session)?;
        if session.end <= now {
            return Err(Refusal::invalid_session());
        }
        if session.sliding {
            session.end = idle_session_end(&self.switches, now);
        }
        Ok(session.username.clone())
    }

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

    /// The licence that a PUT body makes of an organization.
    fn build_replacement(&self, body: &JsonObject, org: &Org) -> Result<Licence, String> {
        const MEMBERS: &[&str] = &["id", "parentOrg", LICENSES.0, EDITIONS.0, LIMITS.0];
        strict_json::refuse_unknown_members(body, "", MEMBERS)?;
        // The page says to take what GET gave, so these come along; they must not say anything else.
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

    fn user_and_org(&self, username: &str, id: &str) -> Result<(&User, &Org), Refusal> {
        let user = self.account.user_named(username);
        // The account may have been replaced since the login.
        let user = user.ok_or_else(Refusal::invalid_session)?;
        let org = self.account.org(id);
        let missing = || Refusal::not_found("The organization does not exist.");
        Ok((user, org.ok_or_else(missing)?))
    }

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

/// A new session of a user, with its id.
fn new_session(user: &User, number: u64, switches: &Switches, now: Timestamp) -> (String, Session) {
    let symbols = pseudo_random::ALPHANUMERIC;
    let (id, end) = match switches.session_mode {
        SessionMode::Idle => (
            pseudo_random::derive_text(number, 22, symbols),
            idle_session_end(switches, now),
        ),
        SessionMode::Jwt => {
            // The header {"alg":"HS256"}, a payload as long as asked for, a signature of 256 bits.
            let head = "eyJhbGciOiJIUzI1NiJ9";
            let payload = usize::from(switches.jwt_characters).saturating_sub(head.len() + 48);
            let payload = pseudo_random::derive_text(number, payload, symbols);
            let signature = pseudo_random::derive_text(!number, 43, symbols);
            let life = SignedDuration::from_mins(switches.jwt_minutes.into());
            let end = now.saturating_add(life).unwrap_or(Timestamp::MAX);
            (format!("{head}.eyJ{payload}.{signature}"), end)
        }
    };
    let session = Session {
        username: user.name.clone(),
        end,
        sliding: switches.session_mode == SessionMode::Idle,
    };
    (id, session)
}

fn idle_session_end(switches: &Switches, now: Timestamp) -> Timestamp {
    let idle = IDLE + SignedDuration::from_secs(switches.idle_grace_seconds.into());
    now.saturating_add(idle).unwrap_or(Timestamp::MAX)
}

/// The body of a write as a JSON object. The page's PUT example has no `Content-Type`; a newer copy has.
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
        self.switches =
            strict_json::merge_switches(&self.switches, switches).and_then(Switches::validate)?;
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
