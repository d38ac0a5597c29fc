//! What a person does with a store: list its leases, check it, unlock an account, delete old lines.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use super::guarantee::{Breach, Guarantee};
use super::{Store, StoreError};

/// A store that a person can administer.
pub trait StoreAdmin: Store {
    /// Lists the leases of all accounts that were ever written to, sorted by account.
    fn list_leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>>;

    /// Takes the lease on an account away from its holder and raises its epoch. The holder sends nothing more once it
    /// checks its lease, and can append nothing more at all. Returns `false` if there is no such account.
    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Tries out what everything depends on: one winner of a race, no append with an old epoch, reads that see what was
    /// written. It leaves nothing behind that a run would see.
    fn check(&self) -> BoxFuture<'_, Result<Vec<Guarantee>, StoreError>>;

    /// Deletes lines that were written before `before` and that a summary covers, and returns how many. History and
    /// undo no longer know of them; the baselines of the objects stay known.
    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;
}

/// The present holder of the lease on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseState {
    /// Vendor, base URL, and customer, login or the reference of the secret, separated by spaces.
    pub account: String,
    pub epoch: u64,
    /// `None` if no run holds the lease.
    pub holder: Option<String>,
    /// How long the lease still lasts without renewal; `None` if it has no end, or no run holds it.
    pub remaining: Option<Duration>,
}
