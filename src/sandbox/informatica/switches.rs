//! The switches of the Informatica simulator: how it behaves where the vendor's pages leave it open.

use serde::{Deserialize, Serialize};

/// One answer for each open question; the defaults are the most plausible reading of the pages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// The status for a wrong password: 400, 401 or 403. The page says 401, its sample 403, a reader's comment 400.
    pub login_refusal_status: u16,
    /// What a session id is.
    pub session_mode: SessionMode,
    /// The seconds added to the 30 idle minutes; the session page allows up to two minutes of grace.
    pub idle_grace_seconds: u32,
    /// The minutes that a JWT is valid from its issue; an administrator may choose 15 to 240.
    pub jwt_minutes: u32,
    /// The length of a JWT, 100 to 16,000 characters; header values may be that long.
    pub jwt_characters: u16,
    /// True if the fixed `sandbox-session` is accepted.
    pub fixed_session: FixedSession,
    /// The form of an error.
    pub error_body: ErrorBody,
    /// What a set that a PUT lacks becomes.
    pub absent_key: AbsentKey,
    /// How GET prints a set without elements.
    pub empty_lists: EmptyStyle,
    /// How GET prints the `expirationDate` of an element that never expires.
    pub no_expiration: EmptyStyle,
    /// Which forms of times a PUT may have.
    pub dates: DateStrictness,
    /// Which elements must have an `expirationDate`.
    pub expiration_required: ExpirationRequired,
    /// What happens to a sub-organization's licence or edition that expires after the parent's.
    pub extend_past_parent: RuleEnforcement,
    /// Decides if a licence or edition that the parent lacks is refused.
    pub parent_must_hold: bool,
    /// True if the parent synchronises licences, so that a sub-organization's cannot be changed.
    pub sync_managed: bool,
    /// True if each read rotates the sets by one element; the pages promise no order.
    pub shuffle: bool,
    /// True if PUT answers 204 instead of 200; public clients accept any success.
    pub put_is_204: bool,
}

/// What a session id is: an id whose idle time restarts, or a token with a fixed end.
///
/// The administrator chooses, since 2025-11-03.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionMode {
    Idle,
    Jwt,
}

/// The treatment of the fixed session: accepted, or refused like an expired session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedSession {
    Valid,
    Expired,
}

/// The form of an error: nested below `error` as on the vendor's page, or flat as in one public client's fixtures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    Nested,
    Flat,
}

/// The value of a set that a PUT lacks: empty, or the live set. The page only says that PUT overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentKey {
    Empty,
    Leave,
}

/// How GET prints a set without elements or an element without an end; the page's example has neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyStyle {
    /// A set as `[]`, an end as `null`.
    Shown,
    /// As `null`.
    Null,
    /// The member is absent.
    LeftOut,
}

/// The forms of times that a PUT may have: only the printed form, or also offsets, fractions and a date alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateStrictness {
    Strict,
    Tolerant,
}

/// Which elements must have an `expirationDate`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpirationRequired {
    /// All but licences of type `FREE` and `NONE`.
    UnlessFree,
    /// All.
    Always,
    /// None.
    Never,
}

/// The treatment of a write that a plausible but undocumented rule forbids: accepted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleEnforcement {
    Accept,
    Refuse,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            login_refusal_status: 401,
            session_mode: SessionMode::Idle,
            idle_grace_seconds: 0,
            jwt_minutes: 30,
            jwt_characters: 2000,
            fixed_session: FixedSession::Valid,
            error_body: ErrorBody::Nested,
            absent_key: AbsentKey::Empty,
            empty_lists: EmptyStyle::Shown,
            no_expiration: EmptyStyle::Shown,
            dates: DateStrictness::Strict,
            expiration_required: ExpirationRequired::UnlessFree,
            extend_past_parent: RuleEnforcement::Accept,
            parent_must_hold: false,
            sync_managed: false,
            shuffle: false,
            put_is_204: false,
        }
    }
}

impl Switches {
    /// Checks the ranges that the types do not express; `Err` names the switch.
    pub fn validate(self) -> Result<Self, String> {
        if !matches!(self.login_refusal_status, 400 | 401 | 403) {
            return Err("login_refusal_status must be 400, 401 or 403".into());
        }
        if !(100..=16_000).contains(&self.jwt_characters) {
            return Err("jwt_characters must be from 100 to 16000".into());
        }
        Ok(self)
    }
}
