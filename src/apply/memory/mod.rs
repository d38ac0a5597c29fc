//! Folds the journal into the knowledge about every object.
//!
//! Undo, healing, drift, history and the daemon ask [`Memory`]; none of them reads journal lines itself. Objects are
//! known by account and identity, so a manifest may be moved or renamed and a connection may change its name.
//!
//! ```text
//! intent   run 1: seats 10 -> 25                an open write
//! outcome  run 1: converged                     the write is closed; the baseline says seats 25
//! agreed   run 2: manifest and live say 25      the baseline has hashes of what was agreed on
//! intent   run 3: seats 25 -> 30                an open write; without an outcome, run 4 looks at the object
//! found    run 4: carried out                   closed by a later run
//! ```
//!
//! Everything here is pure, except for reading the store.

pub mod agreement;
pub mod history;
mod key;
mod known;
mod object_writes;
mod open;
mod recent;
pub mod runs;
mod scope_reader;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::journal::{
    Agreed, BaselineHashes, FightHistory, Finding, JournalEvent, ManagedObject, Record,
};
use super::records::Damaged;
use super::store::{Cursor, JournalLine, JournalScope, Store, StoreError};
use crate::model::{AccountKey, Desired, Field, Fields};
use crate::plan::base::Base;
use crate::plan::document::reference_entries;
use crate::plan::drift::document::Applied;
pub use key::{ObjectKey, Subject, VendorAccount, kind_of_address};
use known::ObjectMemory;
pub use object_writes::{ObjectWrite, read_object_writes};
pub use open::{OpenIntent, OpenWrites, WriteEnd};
pub use recent::{RecentWrite, RecentWrites, ShortChange, ShortChanges, is_sent};
pub use scope_reader::ScopeReader;
pub use summary::JournalSummary;

/// Selects which part of the baselines is kept in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Hashes only, for callers that only record new agreements.
    #[default]
    Agreements,
    /// Hashes and the names of objects, for callers that tell which ones have lost their manifest.
    Names,
    /// The values too, for callers that compare with them or restore them.
    Values,
}

impl Detail {
    /// Reports whether the names of objects are kept.
    pub fn has_names(self) -> bool {
        matches!(self, Self::Names | Self::Values)
    }

    /// Reports whether the values of baselines are kept.
    pub fn has_values(self) -> bool {
        self == Self::Values
    }
}

/// The knowledge about the objects of a journal, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    detail: Detail,
    reader: ScopeReader,
    /// By scope of the runs. All scopes are followed, since a summary stands for the lines of all of them.
    scopes: BTreeMap<Option<String>, ScopeObjects>,
    /// Writes without a recorded end.
    open: OpenWrites,
    /// The last writes with a recorded end.
    recent: RecentWrites,
    /// The numbers of lines that are not whole.
    pub damaged: Damaged,
    cursor: Cursor,
}

/// What the runs of one scope know of the objects.
type ScopeObjects = BTreeMap<ObjectKey, ObjectMemory>;

impl Memory {
    /// Creates the memory of an empty journal.
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            ..Self::default()
        }
    }

    /// Reads what a store knows of the objects of these accounts.
    pub async fn of(
        store: &dyn Store,
        accounts: &[AccountKey],
        detail: Detail,
    ) -> Result<Self, StoreError> {
        let mut memory = Self::new(detail);
        memory.catch_up(store, accounts).await?;
        Ok(memory)
    }

    /// Reads what was added since the last time.
    pub async fn catch_up(
        &mut self,
        store: &dyn Store,
        accounts: &[AccountKey],
    ) -> Result<(), StoreError> {
        let mut cursor = std::mem::take(&mut self.cursor);
        let mut take = |line| self.take(line);
        let read = store
            .read(JournalScope::Accounts(accounts), &mut cursor, &mut take)
            .await;
        self.cursor = cursor;
        read
    }

    /// Adds a line of a journal.
    fn take(&mut self, line: JournalLine) {
        match line {
            JournalLine::Record(record) => self.follow(&record),
            JournalLine::Damaged(number) => self.damaged.add(number),
            JournalLine::Reset => {
                let reader = std::mem::take(&mut self.reader);
                *self = Self {
                    reader,
                    ..Self::new(self.detail)
                };
            }
        }
    }

    /// Changes for whom the memory answers.
    pub fn set_reader(&mut self, reader: ScopeReader) {
        self.reader = reader;
    }

    /// Adds the next record.
    pub fn follow(&mut self, record: &Record) {
        let (detail, values) = (self.detail, self.detail.has_values());
        if let Some((write, end)) = self.open.follow(record) {
            self.recent.add(&write, record);
            let known = self.entry(&write.intent.subject(), &write.scope);
            known.end(&write, &end, &record.at, values);
        }
        match &record.event {
            JournalEvent::Agreed(agreed) => {
                let known = self.entry(&agreed.subject(), &record.scope);
                known.agree(agreed, &record.run, &record.at, detail);
            }
            JournalEvent::Left(left) => {
                let objects = self.scopes.get_mut(&record.scope);
                if let Some(known) = objects.and_then(|objects| objects.get_mut(&left.key)) {
                    known.leave();
                }
            }
            JournalEvent::GaveUp(gave_up) => {
                let known = self.entry(&gave_up.subject(), &record.scope);
                known.give_up(gave_up, &record.at);
            }
            JournalEvent::Known(summary) => {
                let known = ObjectMemory::of(summary, self.detail);
                let objects = self.scopes.entry(record.scope.clone()).or_default();
                objects.insert(summary.key, known);
            }
            JournalEvent::Started(_)
            | JournalEvent::Intent(_)
            | JournalEvent::Outcome(_)
            | JournalEvent::Found { .. }
            | JournalEvent::Finished { .. } => {}
        }
    }

    /// Returns how many lines had to be read that no summary covers, of the account with the most.
    pub fn unsummarized_lines(&self) -> u64 {
        self.cursor.most_unsummarized()
    }

    /// Updates how many lines no summary covers, after summaries were written.
    pub fn unsummed(&mut self, unsummed: BTreeMap<String, u64>) {
        self.cursor.unsummarized.extend(unsummed);
    }

    /// Returns the memory of the object of a record in the scope of its run. An object that was known without its tenant,
    /// or from runs without a scope, keeps its memory.
    fn entry(&mut self, subject: &Subject<'_>, scope: &Option<String>) -> &mut ObjectMemory {
        let (key, old) = (subject.key(), subject.key_without_tenant());
        let find = |scope| {
            let objects: &ScopeObjects = self.scopes.get(scope)?;
            objects.get(&key).or_else(|| objects.get(&old)).cloned()
        };
        let is_new = self
            .scopes
            .get(scope)
            .is_none_or(|objects| !objects.contains_key(&key));
        let before = is_new.then(|| find(scope).or_else(|| find(&None)));
        let objects = self.scopes.entry(scope.clone()).or_default();
        objects
            .entry(key)
            .or_insert_with(|| before.flatten().unwrap_or_default())
    }

    /// Returns the latest that the reader's runs, and those without a scope, know of an object.
    fn find(&self, object: &Desired, account: &VendorAccount) -> Option<&ObjectMemory> {
        self.find_by_keys(&object_keys(object, account))
    }

    fn find_by_keys(&self, keys: &[ObjectKey]) -> Option<&ObjectMemory> {
        let scopes = self.scopes.iter();
        let visible = scopes.filter(|(scope, _)| self.reader.sees(scope.as_deref()));
        let known = visible.filter_map(|(_, objects)| keys.iter().find_map(|key| objects.get(key)));
        known.max_by_key(|known| known.at)
    }

    /// Returns the objects that runs of just this scope agreed on last, beside those with one of these keys.
    pub fn managed_beside(
        &self,
        keys: &BTreeSet<ObjectKey>,
    ) -> impl Iterator<Item = (ObjectKey, &ManagedObject)> {
        let scope = self.reader.scope().map(str::to_string);
        let objects = self.scopes.get(&scope).into_iter().flatten();
        let others = objects.filter(|(key, _)| !keys.contains(key));
        others.filter_map(|(key, known)| Some((*key, known.managed.as_deref()?)))
    }

    /// Returns the last writes that the reader's runs sent, the oldest first.
    pub fn recent_writes(&self) -> impl Iterator<Item = &Arc<RecentWrite>> {
        let writes = self.recent.iter();
        writes.filter(|write| self.reader.sees(write.scope.as_deref()))
    }

    /// Returns the writes of the reader's runs without a known end.
    pub fn open(&self) -> impl Iterator<Item = &OpenIntent> {
        let open = self.open.iter();
        open.filter(|open| self.reader.sees(open.scope.as_deref()))
    }

    /// Reports whether there is a write without a known end, of whatever scope: what it did to an object concerns all who
    /// write to that object.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Returns the writes of an object without a known end, of whatever scope.
    pub fn open_of(
        &self,
        object: &Desired,
        account: &VendorAccount,
    ) -> impl Iterator<Item = &OpenIntent> {
        let keys = (!self.open.is_empty()).then(|| object_keys(object, account));
        let is_of_object = move |open: &&OpenIntent| {
            let key = open.intent.subject().key();
            keys.is_some_and(|keys| keys.contains(&key))
        };
        self.open.iter().filter(is_of_object)
    }

    /// Reports whether the present agreement on the object has exactly this content, whatever its time.
    pub fn has(&self, agreed: &Agreed) -> bool {
        let known = self.find_by_keys(&[agreed.subject().key()]);
        let standing = known.and_then(|known| known.standing);
        standing.is_some_and(|present| present.whole == BaselineHashes::of_agreed(agreed).whole)
    }

    /// Reports whether the last agreement on an object is on the present content of its manifest. If so, any difference
    /// in live was made by another writer.
    pub fn agrees(&self, object: &Desired, account: &VendorAccount) -> bool {
        let known = self.find(object, account);
        let standing = known.and_then(|known| known.standing);
        standing.is_some_and(|standing| agreement::hash_manifest(object) == Some(standing.desired))
    }

    /// Returns the baseline of an object that is now `live`; `None` if no run agreed on anything. An open write counts
    /// with the end that comparing its changes with `live` gives.
    pub fn base(
        &self,
        table: &'static [Field],
        object: &Desired,
        account: &VendorAccount,
        live: &Fields,
    ) -> Option<(Base, Option<Applied>)> {
        let mut known = self.find(object, account).cloned();
        for open in self.open_of(object, account) {
            let end = Finding::of(table, &open.intent, live).end(&open.intent);
            let known = known.get_or_insert_default();
            known.end(open, &end, &open.at, self.detail == Detail::Values);
        }
        // Without an agreement there is no baseline: a write with an unknown end is not an agreement.
        let packed = known?.base.filter(|packed| packed.applied.is_some())?;
        Some((packed.unpack(), packed.applied.clone()))
    }

    /// Returns the fight over fields of an object; `None` if there is none about what its manifest says now.
    pub fn fights(&self, object: &Desired, account: &VendorAccount) -> Option<&FightHistory> {
        let fights = self.find(object, account)?.fights.as_deref()?;
        let desired = agreement::hash_manifest(object)?;
        fights.are_of(desired).then_some(fights)
    }
}

/// Returns the key of a desired object, and the key that older journals know it by.
pub fn object_keys(object: &Desired, account: &VendorAccount) -> [ObjectKey; 2] {
    let (identity, references) = (object.ids(), reference_entries(object));
    let subject = Subject {
        base_url: &account.base_url,
        tenant: account.tenant.as_deref(),
        kind: object.address.kind.0,
        identity: &identity,
        references: &references,
    };
    [subject.key(), subject.key_without_tenant()]
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
