//! Stores the records of what runs did, and the leases that keep runs out of each other's way.
//!
//! A [`Store`] is lock and journal in one trait, because the fence is part of the journal's own commit: a store refuses
//! the records of a holder whose lease another run has taken over. There is one store for a single machine ([`files`])
//! and two for a team (`postgres`, [`bucket`]).
//!
//! # What holds
//!
//! * At most one run at a time has the lease on an account, and nothing is sent to a vendor without a lease.
//! * A write reaches the vendor only after its intent is durable in the journal.
//! * Each taking of a lease has a higher *epoch* than the one before. The holder asks its own clock before each call
//!   ([`Lease::covers`]), and the store checks the epoch with each append (the *fence*).
//!
//! # What can go wrong
//!
//! A lease can be lost while it is held: its file is deleted, or it expires while the machine sleeps. Neither check is
//! enough alone. The clock cannot see an `unlock`, and the vendor does not know epochs. With a term of 60 s:
//!
//! ```text
//!  0 s   A takes the lease on an account: epoch 7
//! 10 s   A's machine is suspended, in the middle of a call
//! 60 s   the lease expires
//! 61 s   B takes the lease: epoch 8; it compares A's open intents with the vendor before it writes
//! 90 s   A wakes up: its clock counted the sleep, so `covers` refuses every further call;
//!        the outcome of its last call has epoch 7, so the store refuses it: `StoreError::LeaseLost`
//! ```
//!
//! The unit of the journal is the same JSON line in every store. So one reader ([`super::memory`]) folds what is known
//! of the objects, and a journal can be exported from one store and imported into another.

mod admin;
pub mod bucket;
pub mod budget;
pub mod compact;
mod error;
pub mod files;
mod guarantee;
mod leases;
#[cfg(feature = "postgres")]
pub mod postgres;
mod queue;
mod roster;
pub mod term;
#[cfg(test)]
pub mod testing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use super::journal::Record;
use super::memory::JournalSummary;
use crate::model::{AccountKey, RateLimit};
pub use admin::{Breach, Guarantee, LeaseState, StoreAdmin};
use budget::CallBudget;
pub use error::{LeaseLost, StoreError};
pub use leases::{LeaseBusy, Leases};
pub use queue::{LostRecords, RecordQueue};
pub use roster::{Hint, Roster, RosterEntry};

/// A journal with leases, shared by the runs of a team or of one machine.
pub trait Store: Send + Sync {
    /// Returns the name for messages: a path, or a URL without its password.
    fn name(&self) -> String;

    /// Tries once to take the lease on an account. The lease is given back when it is dropped.
    ///
    /// Returns [`Taken::Busy`] if another run holds it, and `Err` if the store cannot tell.
    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>>;

    /// Waits until another try to take the lease may succeed: the holder gave it back, or a store-specific pause is
    /// over.
    fn wait_for_release<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()>;

    /// Appends records, all of them or none. They are durable when it returns `Ok`.
    ///
    /// With a lease, the records are about its account; [`StoreError::LeaseLost`] says that the lease is not ours any
    /// more and that nothing was written. Without a lease, they are about a run as a whole, or about an account that no
    /// other run can write to.
    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Passes the lines of the journal behind `cursor` to `take`, in order within an account, and advances the cursor.
    ///
    /// After an `Err` the cursor stands behind the lines that were passed, so reading can go on from there.
    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Returns the call budget that all processes of an account share at the vendor's rates; `None` if this store has
    /// none.
    fn budget(&self, account: &AccountKey, rates: &[RateLimit]) -> Option<Arc<dyn CallBudget>> {
        let _ = (account, rates);
        None
    }

    /// Stores a summary of the lines up to [`JournalSummary::upto`] of an account and replaces the one before it.
    ///
    /// From then on, [`JournalScope::Accounts`] read from the beginning of a journal passes the records of the summary
    /// in place of those lines, then [`JournalLine::Damaged`] for each number of [`JournalSummary::damaged`], then the
    /// lines behind them. For example, 12,000 lines about 300 objects with a summary of the first 11,900 are read as
    /// 300 records and 100 lines. The cursor ends where it would have ended without a summary, except for
    /// [`Cursor::unsummarized`] (100 in place of 12,000). A reader whose cursor is already behind the beginning gets
    /// lines only.
    ///
    /// A store that keeps accounts apart keeps a summary of each; `account` is always `Some` there. One that does not
    /// keeps one summary of all and may ignore `account`. The caller read the summary from this store, for this account
    /// alone.
    ///
    /// * A summary is there whole or not at all, together with its own `upto`. Of two stored at once, either may stay.
    /// * It tells nothing new, so no lease is needed. The lines stay too: [`JournalScope::Everything`] passes them.
    /// * A summary [by another version](JournalSummary::WRITER) is ignored, since that version may know other fields.
    ///   So is a summary of lines that are not in the journal any more, as in a store that was restored from a backup.
    ///
    /// A store keeps the [records](JournalSummary::records) of a summary in the plain form, which any program reads. It
    /// may keep the packed form together with [`JournalSummary::layout`], and then ignores a summary of another layout.
    ///
    /// The default stores nothing: all lines are read each time, and [`Cursor::unsummarized`] stays empty.
    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: JournalSummary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let _ = (account, summary);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Returns the roster by which replicas of a daemon know of each other. `None` if each replica looks after all
    /// accounts, as on one machine: there, a lease for each pass is enough.
    fn roster(&self) -> Option<&dyn Roster> {
        None
    }

    /// Waits until every dropped lease is given back, for a bounded time. A lease that cannot be given back, because
    /// the store is unreachable, expires.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The holder and the term that a run asks for when it takes a lease.
#[derive(Clone, Debug)]
pub struct LeaseClaim {
    /// Names the holder to runs that wait: a person, a process, a machine, a run.
    pub holder: String,
    /// How long the lease lasts without renewal; must be much longer than the longest call.
    pub term: Duration,
}

/// The outcome of one try to take a lease.
pub enum Taken {
    Held(Box<dyn Lease>),
    /// Another run has it; the text is its [`LeaseClaim::holder`].
    Busy(String),
}

/// The right to write to an account, until it is dropped or lost.
pub trait Lease: Send + Sync {
    /// Returns the account that the lease is on.
    fn account(&self) -> &AccountKey;

    /// Returns the epoch: a number that grows with every taking of this account's lease. It tells the present holder
    /// from an earlier one that was cut off and comes back.
    fn epoch(&self) -> u64;

    /// Checks that a call of length `call`, started now, ends while the lease is ours. `Err` says who has the lease, or
    /// why that is unknown. Called before every call to a vendor, so it uses no network.
    fn covers(&self, call: Duration) -> Result<(), LeaseLost>;
}

/// Which lines of a journal to read.
#[derive(Clone, Copy, Debug)]
pub enum JournalScope<'a> {
    /// All lines as they were written: the history of the runs.
    Everything,
    /// The present knowledge about the objects of these accounts. A store with a summary of the older lines passes the
    /// summary in their place; a store that cannot tell accounts apart passes the lines of all.
    Accounts(&'a [AccountKey]),
}

/// A line of a journal, as a reader gets it.
#[derive(Debug, PartialEq)]
pub enum JournalLine {
    Record(Box<Record>),
    /// The line with this number is not whole.
    Damaged(u64),
    /// The journal is not the one that was read before (restored, or deleted and begun again): the reader must forget
    /// everything that it was passed.
    Reset,
}

/// How far a journal was read. The default is its beginning.
///
/// A file has one position for all accounts, a bucket one for each: `{"": 40960}` in bytes, `{"lac-acme-1f…": 12}` in
/// objects of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Positions by account where a store keeps accounts apart, else one position under the empty name. A single number
    /// would not do: lines of different accounts may become visible in another order than they were numbered.
    pub positions: BTreeMap<String, u64>,
    /// Lines before the positions, whether they were passed or a summary was passed in their place.
    pub lines: u64,
    /// The number of [`Cursor::lines`] that no summary covers, by the same names: the next reader has to read them
    /// again. The store counts them as it passes them, from zero behind a summary.
    pub unsummarized: BTreeMap<String, u64>,
}

impl Cursor {
    /// Returns the largest count of [`Cursor::unsummarized`]; 0 if there is none.
    pub fn most_unsummarized(&self) -> u64 {
        self.unsummarized
            .values()
            .copied()
            .max()
            .unwrap_or_default()
    }

    /// Reports whether the lines of all accounts are one sequence.
    pub fn is_single_sequence(&self) -> bool {
        self.positions.contains_key("")
    }
}

/// Locks a mutex, poisoned or not: nothing here panics while it holds a lock.
fn lock_unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
