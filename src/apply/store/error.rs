//! Why a store did not do what was asked, and why a lease is not ours any more.

use std::error::Error;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another run took the lease, or it expired: nothing may be sent and nothing was written.
    #[error("the lease is not ours any more: {0}")]
    LeaseLost(LeaseLost),
    /// The store cannot be reached or does not answer in time. Trying again may help.
    #[error("cannot reach the store {store}")]
    Unavailable {
        store: String,
        source: Box<dyn Error + Send + Sync>,
    },
    /// It answers and does not do it: missing rights, a full disk, a format that this version does not know.
    #[error("cannot {task} {store}")]
    Refused {
        /// What was tried, as in "write the journal".
        task: &'static str,
        store: String,
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Reports whether the same may go well later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::LeaseLost(_) | Self::Refused { .. } => false,
        }
    }
}

/// Why a lease is not ours any more, or not for as long as a call takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseLost {
    #[error("it ends in {seconds} s and could not be renewed")]
    EndsTooSoon { seconds: u64 },
    #[error("it expired and could not be renewed")]
    Expired,
    #[error("it expired: {reason}")]
    ExpiredUnrenewed { reason: String },
    #[error("it cannot be renewed: {reason}")]
    NotRenewable { reason: String },
    /// `holder` is who has it, or what is known of the taking.
    #[error("{holder} has it")]
    Taken { holder: String },
    #[error("{holder} has it, with epoch {epoch} after our {ours}")]
    TakenAt {
        holder: String,
        epoch: u64,
        ours: u64,
    },
    #[error("another run had it, with epoch {epoch} after our {ours}")]
    WasTakenAt { epoch: u64, ours: u64 },
    #[error("it expired")]
    RanOut,
    #[error("its row cannot be renewed")]
    RowNotRenewable,
    #[error("epoch {0} is over")]
    EpochOver(u64),
    #[error("it was given back")]
    GivenBack,
    #[error("its row is gone")]
    RowGone,
    #[error("a row that orders lines is gone")]
    OrderGone,
    #[error("its file cannot be read: {reason}")]
    UnreadableFile { reason: String },
    /// The store did not take a write under it and cannot say why.
    #[error("{reason}")]
    Unknown { reason: String },
}

impl LeaseLost {
    pub fn taken_by(holder: &str) -> Self {
        let holder = holder.to_string();
        Self::Taken { holder }
    }
}
