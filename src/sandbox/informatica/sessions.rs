//! Informatica's sessions: login, and the check of a session id.
//!
//! From the vendor's pages *Login* and *Session IDs* (checked 2026-11-21). A session id is either 22 characters whose
//! idle time of 30 minutes restarts with each use, or, by the choice of an administrator, a token in the form of a
//! JWT with a fixed end. Both count by the simulators' clock.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::account::User;
use super::switches::{FixedSession, SessionMode, Switches};
use super::{Informatica, Refusal, parse_body};
use crate::sandbox::pseudo_random;
use crate::sandbox::simulator::{HttpReply, HttpRequest};
use crate::sandbox::strict_json;

/// The id of a session of the first user that needs no login.
pub(super) const FIXED_SESSION: &str = "sandbox-session";
/// The password of every user.
const PASSWORD: &str = "sandbox";
/// How long an unused session lives: "The session ID expires after 30 minutes of inactivity."
const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// A session from a login.
#[derive(Clone)]
pub(super) struct Session {
    username: String,
    /// When it expires.
    end: Timestamp,
    /// True if each use restarts its idle time.
    sliding: bool,
}

impl Informatica {
    /// Starts a session and answers with its id; wrong credentials get the status that a switch sets.
    pub(super) fn log_in(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
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

    /// Returns the user of the session that the request names, and restarts the session's idle time.
    pub(super) fn session_user(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<String, Refusal> {
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
}

/// Returns a new session of a user and its id: 22 characters, or a token in the form of a JWT.
fn new_session(user: &User, number: u64, switches: &Switches, now: Timestamp) -> (String, Session) {
    let symbols = pseudo_random::ALPHANUMERIC;
    let (id, end) = match switches.session_mode {
        SessionMode::Idle => (
            pseudo_random::derive_text(number, 22, symbols),
            idle_session_end(switches, now),
        ),
        SessionMode::Jwt => {
            // The header {"alg":"HS256"}, a payload of the length that the switch asks for, a signature of 256 bits.
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

/// Returns when a session expires that is used now.
fn idle_session_end(switches: &Switches, now: Timestamp) -> Timestamp {
    let idle = IDLE + SignedDuration::from_secs(switches.idle_grace_seconds.into());
    now.saturating_add(idle).unwrap_or(Timestamp::MAX)
}
