//! Why a command ended early, as its exit code and its last words are made from it.
//!
//! An error of any layer below becomes a [`CommandError`] by `?`. Where that matters to the exit code, the command says
//! so by one of the variants; [`super::exit`] has the one `match` over them.

use std::error::Error;
use std::fmt;

use crate::apply::store::LeaseBusy;
use crate::model::{Diagnostics, with_causes};
use crate::plan::source_facts::SourceFacts;

/// The result of a command, and of the functions that it consists of.
pub type CommandResult<T> = Result<T, CommandError>;

/// The reason why a command ended early.
#[derive(Debug)]
pub enum CommandError {
    /// The manifests have errors, which have been shown.
    Invalid(Box<InvalidManifests>),
    /// No connection can be read, and it has been shown why.
    Unreadable,
    /// Another run writes to an account.
    Locked {
        /// The locked account in words, as in "the connection `lac`".
        name: String,
        holder: String,
    },
    /// Anything else: bad usage, a file, a store, git.
    Failed {
        error: Box<dyn Error + Send + Sync>,
        /// A sentence on how the user can solve the problem; `None` if there is no advice.
        hint: Option<&'static str>,
    },
}

/// Manifests that cannot be put in force: what was read, and what is wrong with it.
#[derive(Debug)]
pub struct InvalidManifests {
    pub facts: SourceFacts,
    pub findings: Diagnostics,
}

impl CommandError {
    /// Another run has the lease of a connection.
    pub fn locked(busy: LeaseBusy) -> Self {
        Self::Locked {
            name: format!("the connection `{}`", busy.connection),
            holder: busy.holder,
        }
    }

    /// Returns an error that names what was tried, with `source` as its cause.
    pub fn caused_by(
        message: impl fmt::Display,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let message = message.to_string();
        let source = source.into();
        Self::from(Attempt { message, source })
    }

    /// Adds what a person can do about it; `None` adds nothing.
    pub fn with_hint(self, hint: Option<&'static str>) -> Self {
        match self {
            Self::Failed { error, .. } => Self::Failed { error, hint },
            other => other,
        }
    }
}

/// A failed attempt: what was tried, and the error that it led to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Attempt {
    message: String,
    source: Box<dyn Error + Send + Sync>,
}

/// An error that is one sentence for the person who typed the command.
pub fn user_error(message: impl fmt::Display) -> CommandError {
    CommandError::Failed {
        error: message.to_string().into(),
        hint: None,
    }
}

/// Returns from a function with a [`user_error`].
macro_rules! bail {
    ($($message:tt)*) => {
        return Err($crate::cli::error::user_error(format_args!($($message)*)))
    };
}
pub(in crate::cli) use bail;

/// Adds what was tried to the error of a `Result`.
pub trait Context<T> {
    /// Adds what was tried to an error; the message is built for an error only.
    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> CommandResult<T>;
}

impl<T, E: Error + Send + Sync + 'static> Context<T> for Result<T, E> {
    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> CommandResult<T> {
        self.map_err(|error| CommandError::caused_by(message(), error))
    }
}

// This is no `Error` itself, so that any error can become one.
impl<E: Error + Send + Sync + 'static> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Failed {
            error: Box::new(error),
            hint: None,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(_) => out.write_str("the manifests have errors"),
            Self::Unreadable => out.write_str("no connection can be read"),
            Self::Locked { name, holder } => write!(out, "{name} is locked by {holder}"),
            Self::Failed { error, hint } => {
                out.write_str(&with_causes(&**error))?;
                hint.map_or(Ok(()), |hint| write!(out, "; {hint}"))
            }
        }
    }
}
