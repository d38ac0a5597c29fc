//! Replicas of a daemon: who of them is alive, and hints from one to another.

use std::future::{pending, ready};
use std::time::Duration;

use futures::future::BoxFuture;

use super::StoreError;
use crate::model::AccountKey;

/// Where the replicas of a daemon know of each other.
///
/// It says how many are alive and what each has written about itself, and proves nothing: an answer may be old by a
/// moment, and two replicas may get different ones. What a replica looks after is decided by leases alone
/// ([`super::Store::take`]).
pub trait Roster: Send + Sync {
    /// Writes a replica down for `term`, with its note, and returns all that are written down, itself included.
    ///
    /// - It is one call and is repeated every few seconds; each time it replaces what this id wrote before.
    /// - A replica that nobody wrote down anew for its `term` is not returned. The clock is the store's, or that of the
    ///   replica that asks, which then counts from when it first saw the entry as it is; never two machines' compared.
    ///   An entry may be removed once it has been over for an hour.
    /// - The note is text of the daemon's, a hundred bytes or so per account, and comes back as it is.
    /// - The order does not matter. Whether the entry of another replica is a moment old does not matter either.
    /// - A store that does not answer within a few seconds returns [`StoreError::Unavailable`].
    fn attend<'a>(
        &'a self,
        replica: &'a Replica,
        term: Duration,
    ) -> BoxFuture<'a, Result<Vec<Replica>, StoreError>>;

    /// Removes a replica that ends. One that is not there is fine.
    fn leave<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Tells all replicas that something changed in an account. It may be lost, and so it is by default: an object is
    /// looked at again by itself. It may also come twice, and come back to whoever sent it.
    fn pass_on<'a>(&'a self, hint: &'a Hint) -> BoxFuture<'a, Result<(), StoreError>> {
        let _ = hint;
        Box::pin(ready(Ok(())))
    }

    /// Waits for the next hint that a replica passed on. One that comes while nobody waits is kept, within reason, from
    /// the first call on. Dropping the future loses none. It never ends where hints are not passed on.
    fn next_hint(&self) -> BoxFuture<'_, Hint> {
        Box::pin(pending())
    }
}

/// One process of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Unique to the process; ids of later processes sort later.
    pub id: String,
    /// What it says about itself, for other replicas.
    pub note: String,
}

/// Something changed at a vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub account: AccountKey,
    /// The vendor's id of the object; `None` if it may be any.
    pub id: Option<String>,
}
