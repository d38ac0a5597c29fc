//! Why a store did not do what was asked.

use std::error::Error;

/// Why a store did not do what was asked. The text tells the cause, so that is no `source`: whoever prints a chain would
/// tell it twice.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else took the lease, or it expired: nothing may be sent and nothing was written.
    #[error("the lease is not ours any more: {0}")]
    LeaseLost(String),
    /// The store cannot be reached or does not answer in time. Trying again may help.
    #[error("cannot reach the store {store}: {cause}")]
    Unavailable {
        store: String,
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It answers and does not do it: missing rights, a full disk, a format that this version does not know.
    #[error("cannot {task} {store}: {cause}")]
    Refused {
        /// What was tried, as in "write the journal".
        task: &'static str,
        store: String,
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Reports whether the same may go well later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
