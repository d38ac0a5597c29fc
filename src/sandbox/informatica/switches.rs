//! What the Informatica pages leave open, as switches; each default is the most plausible reading.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// What a wrong password answers: 400, 401 or 403. The status page says 401, its sample 403, a reader 400.
    pub login_refusal_status: u16,
    pub session_mode: SessionMode,
    /// What is added to the 30 idle minutes; the session page allows up to two minutes of grace.
    pub idle_grace_seconds: u32,
    /// How long a JWT lives from its issue; an administrator may choose 15 to 240.
    pub jwt_minutes: u32,
    /// How long a JWT is; header values may be up to 16000 characters.
    pub jwt_characters: u16,
    /// Whether the fixed `sandbox-session` is taken.
    pub fixed_session: FixedSession,
    pub error_body: ErrorBody,
    pub absent_key: AbsentKey,
    pub empty_lists: EmptyStyle,
    pub no_expiration: EmptyStyle,
    pub dates: DateStrictness,
    pub expiration_required: ExpirationRequired,
    /// A sub-organization's licence or edition that outlives the parent's.
    pub extend_past_parent: RuleEnforcement,
    /// Whether a licence or edition that the parent lacks is refused.
    pub parent_must_hold: bool,
    /// Whether the parent synchronises licences, which forbids changing a sub-organization's.
    pub sync_managed: bool,
    /// Whether each read turns the arrays a little further; the pages promise no order.
    pub shuffle: bool,
    /// Whether PUT answers 204 instead of 200; clients take any success.
    pub put_is_204: bool,
}

/// What a session is: a sliding id, or a token with an end (choice of the administrator since 2025-11-03).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionMode {
    Idle,
    Jwt,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedSession {
    Valid,
    Expired,
}

/// The vendor's page nests an error below `error`; the fixtures of one public client have it flat.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    Nested,
    Flat,
}

/// What a list left out of a PUT becomes; the page only says that PUT overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentKey {
    Empty,
    Leave,
}

/// How GET prints a list without elements, or a licence without an end; the page's example has neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyStyle {
    /// As `[]`; an end as null.
    Shown,
    Null,
    LeftOut,
}

/// Whether only the printed form of times is taken, or also offsets, fractions and dates alone.
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
    Always,
    Never,
}

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
    /// What the types alone do not say.
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
