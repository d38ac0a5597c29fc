//! Defines why no session could be opened, with its causes.
//!
//! In go the failures of secrets, trust and calls, out come the kind of problem that the connection has and what to do
//! about it. The texts may repeat what was sent: a [`super::session::Sessions`] redacts them.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::secrets::{HeaderError, OddEnds, SecretError, UNSET_HINT, describe_unset};
use super::transport_error::CallError;
use super::trust::TrustError;
use crate::model::{FaultKind, Malformed, Vendor};

/// The reason for which no session could be opened. A cause may repeat a secret, so it leaves this file as a redacted
/// [`LoginFailure`] only.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("no credentials for `{connection}` within --timeout")]
    Timeout { connection: String },
    #[error(transparent)]
    Untrusted(#[from] TrustError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Every variable that is not set, so that the user can set all of them at once.
    #[error("{}", describe_unset(names))]
    Unset { names: Vec<String> },
    #[error("{0} has no login")]
    NoLogin(Vendor),
    #[error(transparent)]
    Lost(#[from] CallError),
    #[error("{login} answered {status}{remarks}")]
    Busy {
        login: String,
        status: u16,
        /// Remarks about the tries.
        remarks: String,
    },
    #[error("{login} answered {status}{remarks}; {hint}")]
    Unexpected {
        login: String,
        status: u16,
        hint: String,
        /// Where it points to, if it does.
        remarks: String,
    },
    #[error("{login} did not answer with JSON; {hint}")]
    NotJson { login: String, hint: String },
    #[error("{login}")]
    Malformed { login: String, source: Malformed },
    #[error("{login}: credentials refused ({status}: {words}){remarks}")]
    Refused {
        login: String,
        status: u16,
        words: String,
        /// Remarks about what the credentials have around them.
        remarks: String,
    },
    #[error(transparent)]
    UnusableToken(#[from] HeaderError),
    #[error("the login points to {0}, which is not https")]
    InsecureBase(Url),
}

impl LoginError {
    /// Returns the kind of problem that the connection has.
    pub fn fault_kind(&self) -> FaultKind {
        match self {
            Self::Unset { .. } => FaultKind::UnsetVariable,
            Self::Untrusted(_) | Self::Secret(SecretError::Untrusted(_)) => {
                FaultKind::UntrustedHost
            }
            Self::Secret(_) | Self::UnusableToken(_) => FaultKind::UnusableSecret,
            Self::Refused { .. } => FaultKind::LoginRefused,
            Self::Timeout { .. } => FaultKind::OutOfTime,
            Self::Lost(error) => error.error.fault_kind().unwrap_or(FaultKind::LoginFailed),
            Self::Busy { .. } => FaultKind::VendorFailure,
            Self::Unexpected { .. } | Self::NotJson { .. } => FaultKind::WrongBaseUrl,
            Self::NoLogin(_) | Self::Malformed { .. } | Self::InsecureBase(_) => {
                FaultKind::LoginFailed
            }
        }
    }

    /// Returns what a person can do about it; `None` if the text says so.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unset { .. } => Some(UNSET_HINT),
            Self::Refused { .. } => {
                Some("check the user name and password, and where the connection takes them from")
            }
            _ => None,
        }
    }

    /// Adds to refused credentials what they have around them, which most likely was not meant.
    pub fn noting(self, members: &[(&'static str, SecretString)]) -> Self {
        let odd = |(name, text): &(&str, SecretString)| {
            let odd = OddEnds::of(text.expose_secret())?;
            Some(format!("; `{name}` {odd}"))
        };
        match self {
            Self::Refused {
                login,
                status,
                words,
                ..
            } => Self::Refused {
                login,
                status,
                words,
                remarks: members.iter().filter_map(odd).collect(),
            },
            other => other,
        }
    }
}
