//! Where runs remember what they did, and how they keep out of each other's way.
//!
//! Lock and journal are one trait, because the fence is in the journal's own commit: a store takes no record of a holder
//! whose lease somebody else has taken over. A lease can be lost while it is held: its file is deleted, or it expires
//! behind a machine that slept. So every taking has a higher epoch, the holder asks its own clock before each call
//! ([`Lease::covers`]), and the store asks the epoch with each append. Neither alone is enough.
//!
//! The unit of the journal is the same JSON line in every engine, so what is known of the objects is folded by one
//! reader ([`super::memory`]) and a journal can be taken from one store to another.

pub mod bucket;
pub mod budget;
mod check;
pub mod compact;
mod error;
pub mod files;
mod leases;
#[cfg(feature = "postgres")]
pub mod postgres;
mod queue;
mod roster;
pub mod term;
mod upkeep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::journal::Record;
use super::memory::Summary;
use crate::model::{AccountKey, RateLimit};
use budget::Budget;
pub use error::{LeaseLost, StoreError};
pub use leases::{LeaseBusy, Leases};
pub use queue::{LostRecords, Queue};
pub use roster::{Hint, Replica, Roster};
pub use upkeep::{Breach, LeaseState, Promise, Upkeep};

/// A place that a team's runs share, or that the runs of one machine do.
pub trait Store: Send + Sync {
    /// Returns what people call it: a path, or an address without its password.
    fn name(&self) -> String;

    /// Tries once to take the lease on an account. It is given back when it is dropped.
    fn take<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a Claim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>>;

    /// Waits until another try to take the lease is worth it: somebody gave it back, or a while has passed.
    fn wait<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()>;

    /// Appends records, all of them or none. They are durable when it returns.
    ///
    /// With a lease they are about its account, and [`StoreError::LeaseLost`] if it is not ours any more. Without one
    /// they are about a run as a whole, or nobody else can write to the account.
    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Hands over the lines of the journal behind `cursor`, in order within an account, and moves it along.
    fn read<'a>(
        &'a self,
        reading: Reading<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(Line) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns what all processes of an account may do together at the vendor's rates; `None` if this store cannot tell.
    fn budget(&self, account: &AccountKey, rates: &[RateLimit]) -> Option<Arc<dyn Budget>> {
        let _ = (account, rates);
        None
    }

    /// Keeps a summary of the lines up to [`Summary::upto`] of an account, in the place of the one before. From then on
    /// [`Reading::Accounts`] from the beginning of a journal hands over the records of the summary instead of those lines,
    /// then [`Line::Damaged`] for each number of [`Summary::damaged`], then the lines behind it; the cursor ends as it would
    /// have without a summary, but for [`Cursor::unsummed`]. Whoever is further on than its beginning gets lines only.
    ///
    /// A store that keeps accounts apart keeps a summary of each; `account` is always there. One that does not keeps one of
    /// all and need not look at it. The summary was read from this store by its own `read`, for this account alone.
    ///
    /// * It is there whole or not at all, and goes with its own `upto`. Of two that are kept at once either may stay.
    /// * It says nothing new, so no lease is needed. The lines stay as well: [`Reading::Everything`] hands them over.
    /// * One that was written [by another version](Summary::WRITER) counts for nothing, since that may know other fields;
    ///   nor does one of lines that are not those of the journal any more, as in a store that was restored.
    ///
    /// What is kept are its [records](Summary::records) in the plain form, which any program reads; in the packed one only
    /// together with [`Summary::layout`], and a summary of another layout counts for nothing.
    ///
    /// A store that keeps none reads all lines each time, and leaves [`Cursor::unsummed`] empty.
    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: Summary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let _ = (account, summary);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Returns where replicas of a daemon know of each other. `None` if each looks after all accounts, as on one machine:
    /// there a lease for each pass is enough.
    fn roster(&self) -> Option<&dyn Roster> {
        None
    }

    /// Waits until every lease that was dropped is given back. The lease of a store that does not answer expires.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Who wants a lease, and for how long at a time.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whoever waits is told this: a person, a process, a machine, a run.
    pub holder: String,
    /// How long a lease lasts that nobody renews; longer than the longest call by a good deal.
    pub term: Duration,
}

/// What trying to take a lease came to.
pub enum Taken {
    Held(Box<dyn Lease>),
    /// Somebody else has it; the text says who.
    Busy(String),
}

/// The right to write to an account, until it is dropped or lost.
pub trait Lease: Send + Sync {
    fn account(&self) -> &AccountKey;

    /// Returns a number that grows with every taking of this account's lease, so that a holder that was cut off and
    /// comes back can be told from the one in office.
    fn epoch(&self) -> u64;

    /// Checks that a call of this length, started now, ends while the lease is ours. The error says who has it, or why
    /// that cannot be told. Asked before every call, so it uses no network.
    fn covers(&self, call: Duration) -> Result<(), LeaseLost>;
}

/// Which lines of a journal are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// All lines as they were written: what runs did.
    Everything,
    /// What is known of the objects of these accounts. A store that kept a summary of the older lines hands that over in
    /// their place; one that cannot tell accounts apart hands over the lines of all.
    Accounts(&'a [AccountKey]),
}

/// A line of a journal.
#[derive(Debug, PartialEq)]
pub enum Line {
    Record(Box<Record>),
    /// The line of this number is not whole.
    Damaged(u64),
    /// The journal is another one than it was: forget what was handed over before.
    Anew,
}

/// How far a journal was read. The default is its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// By account where a store keeps accounts apart, else one for the empty name: lines of different accounts may become
    /// visible in another order than they were numbered in.
    pub at: BTreeMap<String, u64>,
    /// Lines behind us, whether they were handed over or a summary was in their place.
    pub lines: u64,
    /// How many of them no summary stands for, by the same names: what the next one has to read again. A store counts them
    /// as it hands them over, from zero behind a summary.
    pub unsummed: BTreeMap<String, u64>,
}

impl Cursor {
    /// Returns the most lines that no summary stands for, of an account or of all.
    pub fn most_unsummed(&self) -> u64 {
        self.unsummed.values().copied().max().unwrap_or_default()
    }

    /// Whether the lines of all accounts are one sequence.
    pub fn is_of_all(&self) -> bool {
        self.at.contains_key("")
    }
}
