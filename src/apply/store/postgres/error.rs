//! Texts for what the database refused or did not answer.

use std::fmt;

use tokio_postgres::error::SqlState;

use super::connection::{QueryError, describe_error};
use super::database_url::DatabaseUrl;
use crate::apply::store::StoreError;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreTask {
    Open,
    TakeLease,
    Append,
    Read,
    Summarize,
    Unlock,
    Check,
    Prune,
    Reserve,
    Heartbeat,
}

impl StoreTask {
    /// Returns the task as a phrase to which the database's name is appended.
    fn phrase(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::TakeLease => "take a lease in",
            Self::Append => "write the journal in",
            Self::Read => "read the journal in",
            Self::Summarize => "write a summary of the journal in",
            Self::Unlock => "take a lease away in",
            Self::Check => "check",
            Self::Prune => "delete lines of",
            Self::Reserve => "reserve calls in",
            Self::Heartbeat => "meet other replicas in",
        }
    }
}

/// Why the database could not be opened, without its name yet.
#[derive(Debug)]
pub enum DatabaseOpenError {
    Query(StoreTask, QueryError),
    /// The reason, where trying again does not help.
    Unusable(String),
}

impl From<QueryError> for DatabaseOpenError {
    fn from(error: QueryError) -> Self {
        Self::Query(StoreTask::Open, error)
    }
}

impl fmt::Display for DatabaseOpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(_, QueryError::Lost(why)) => out.write_str(why),
            Self::Query(_, QueryError::Refused(error)) => out.write_str(&describe_error(error)),
            Self::Unusable(message) => out.write_str(message),
        }
    }
}

/// Creates the error that the store returns for a failed query.
pub fn store_error(address: &DatabaseUrl, task: StoreTask, error: QueryError) -> StoreError {
    let store = address.name().to_string();
    match error {
        QueryError::Lost(why) => StoreError::Unavailable {
            store,
            source: why.into(),
        },
        QueryError::Refused(error) => {
            refused_error(store, task, explain_refusal(address, task, &error))
        }
    }
}

/// Creates the error for something that trying again does not help.
pub fn refused_error(
    store: String,
    task: StoreTask,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Refused {
        task: task.phrase(),
        store,
        source: source.into(),
    }
}

/// Explains a refusal and what to do about it.
fn explain_refusal(
    address: &DatabaseUrl,
    task: StoreTask,
    error: &tokio_postgres::Error,
) -> String {
    let message = describe_error(error);
    let user = address.user();
    let Some(code) = error.code() else {
        return message;
    };
    match (code, task) {
        (
            &SqlState::INSUFFICIENT_PRIVILEGE,
            StoreTask::TakeLease
            | StoreTask::Append
            | StoreTask::Summarize
            | StoreTask::Unlock
            | StoreTask::Check,
        ) => format!(
            "{user} may only read it ({message}): log in as somebody to whom entitle_write is granted, \
             or run what only reads, as `plan` and `drift` do"
        ),
        (&SqlState::INSUFFICIENT_PRIVILEGE, StoreTask::Read | StoreTask::Open) => {
            format!("{user} may not read it ({message}): grant entitle_read to {user}")
        }
        (&SqlState::INSUFFICIENT_PRIVILEGE, StoreTask::Prune) => {
            format!("{user} may only add to it ({message}): log in as the owner of its tables")
        }
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => {
            format!("it is a replica, or set to be read only ({message}): name the primary")
        }
        _ => message,
    }
}
