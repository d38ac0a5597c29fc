//! The replicas of a daemon: which are alive, and hints from one to another.

use std::future::{pending, ready};
use std::time::Duration;

use futures::future::BoxFuture;

use super::StoreError;
use crate::model::AccountKey;

/// The list of the live replicas of a daemon.
///
/// It shows how many are alive and what each has published about itself, and proves nothing: an answer may be a moment
/// old, and two replicas may get different ones. Leases alone decide which replica looks after an account
/// ([`super::Store::take_lease`]).
pub trait Roster: Send + Sync {
    /// Publishes the entry of a replica for `term` and returns all live entries, this one included.
    ///
    /// - It is one call and is repeated every few seconds; each one replaces what this id published before.
    /// - An entry that was not published again for its `term` is not returned. The clock is the store's, or that of the
    ///   replica that asks, which then counts from when it first saw this version of the entry; clocks of two machines
    ///   are never compared. The store may remove an entry an hour after its end.
    /// - The note is opaque text of the daemon, a hundred bytes or so per account, and comes back unchanged.
    /// - The order does not matter, and the entry of another replica may be a moment old.
    /// - A store that does not answer within a few seconds returns [`StoreError::Unavailable`].
    fn heartbeat<'a>(
        &'a self,
        replica: &'a RosterEntry,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<RosterEntry>, StoreError>>;

    /// Removes the entry of a replica that ends; `Ok` if there is none.
    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Tells all replicas that something changed in an account. A hint may be lost (the default drops it): the object
    /// is observed again anyway. It may also arrive twice, and at the replica that sent it.
    fn publish_hint<'a>(&'a self, hint: &'a Hint) -> BoxFuture<'a, Result<(), StoreError>> {
        let _ = hint;
        Box::pin(ready(Ok(())))
    }

    /// Waits for the next published hint. From the first call on, hints that arrive while no caller waits are kept, up
    /// to a bound. Dropping the future loses none. Never returns if the store does not pass hints on.
    fn next_hint(&self) -> BoxFuture<'_, Hint> {
        Box::pin(pending())
    }
}

/// One process of a daemon, as it describes itself to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// Unique to the process; ids of later processes sort later.
    pub id: String,
    /// Opaque text for the other replicas.
    pub note: String,
}

/// Notice that something changed at a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub account: AccountKey,
    /// The vendor's id of the object; `None` if it may be any.
    pub id: Option<String>,
}
