//! Why the database did not do what was asked, in words.

use std::fmt;

use tokio_postgres::error::SqlState;

use super::address::Address;
use super::connection::{Fault, describe};
use crate::apply::store::StoreError;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Open,
    TakeLease,
    Append,
    Read,
    Summarize,
    Unlock,
    Check,
    Prune,
    Reserve,
    Attend,
}

impl Task {
    fn words(self) -> &'static str {
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
            Self::Attend => "meet other replicas in",
        }
    }
}

/// A fault on its way to whoever knows the name of the database.
#[derive(Debug)]
pub enum Words {
    Fault(Task, Fault),
    /// Nothing that trying again helps.
    Said(String),
}

impl From<Fault> for Words {
    fn from(fault: Fault) -> Self {
        Self::Fault(Task::Open, fault)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(_, Fault::Lost(why)) => out.write_str(why),
            Self::Fault(_, Fault::Refused(error)) => out.write_str(&describe(error)),
            Self::Said(words) => out.write_str(words),
        }
    }
}

/// The error that a store returns.
pub fn store_error(address: &Address, task: Task, fault: Fault) -> StoreError {
    let store = address.name().to_string();
    match fault {
        Fault::Lost(why) => StoreError::Unavailable {
            store,
            source: why.into(),
        },
        Fault::Refused(error) => refused(store, task, explain(address, task, &error)),
    }
}

pub fn refused(
    store: String,
    task: Task,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Refused {
        task: task.words(),
        store,
        source: source.into(),
    }
}

/// Says of a refusal what to do about it.
fn explain(address: &Address, task: Task, error: &tokio_postgres::Error) -> String {
    let words = describe(error);
    let user = address.user();
    let Some(code) = error.code() else {
        return words;
    };
    match (code, task) {
        (
            &SqlState::INSUFFICIENT_PRIVILEGE,
            Task::TakeLease | Task::Append | Task::Summarize | Task::Unlock | Task::Check,
        ) => format!(
            "{user} may only read it ({words}): log in as somebody to whom entitle_write is granted, \
             or run what only reads, as `plan` and `drift` do"
        ),
        (&SqlState::INSUFFICIENT_PRIVILEGE, Task::Read | Task::Open) => {
            format!("{user} may not read it ({words}): grant entitle_read to {user}")
        }
        (&SqlState::INSUFFICIENT_PRIVILEGE, Task::Prune) => {
            format!("{user} may only add to it ({words}): log in as the owner of its tables")
        }
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => {
            format!("it is a replica, or set to be read only ({words}): name the primary")
        }
        _ => words,
    }
}
