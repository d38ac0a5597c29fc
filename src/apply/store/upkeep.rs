//! What a person does with a store: look, prove, unlock, tidy up.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use super::check::{Breach, Promise};
use super::{Store, StoreError};

/// A store that can be looked after.
pub trait Upkeep: Store {
    /// Lists the leases of all accounts that were ever written to, by account.
    fn leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>>;

    /// Takes the lease on an account away from whoever has it and raises its epoch, so that the holder can send nothing
    /// more once it asks, and write nothing more at all. `false` if there is no such account.
    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Tries out what everything rests on: one winner of a race, no append of an old epoch, reads that see what was
    /// written. It leaves nothing behind that a run would look at.
    fn check(&self) -> BoxFuture<'_, Result<Vec<Promise>, StoreError>>;

    /// Deletes lines that were written before `before` and that a summary stands for. Returns how many. History and undo
    /// know nothing of them any more; what was agreed on stays known.
    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// Who has the lease on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseState {
    /// Vendor, base URL, and customer, login or the reference of the secret.
    pub account: String,
    pub epoch: u64,
    /// `None` if nobody has it.
    pub holder: Option<String>,
    /// How long it still lasts if nobody renews it; `None` if it has no end, or nobody has it.
    pub left: Option<Duration>,
}
