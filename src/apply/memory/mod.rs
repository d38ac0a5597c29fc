//! What is known of every object: one account of what happened, folded from the journal.
//!
//! Undo, healing, drift, history and the daemon ask it, and none of them reads a line by itself. Objects are known by
//! account and identity, so that a manifest may be moved and renamed and a connection called something else. Pure but
//! for the reading of the file.

pub mod agreement;
mod key;
mod known;
mod open;
pub mod runs;
mod summary;

use std::collections::BTreeMap;

use super::journal::{Agreed, Event, Record};
use super::records::Damaged;
use super::store::compact::FEW;
use super::store::{Cursor, Line, Reading, Store, StoreError};
use crate::model::{AccountKey, Desired, Field, Fields};
use crate::plan::base::Base;
use crate::plan::document::identity_of;
use crate::plan::drift::document::Applied;
pub use key::{Key, Place, Subject, kind};
pub use known::Fights;
use known::Known;
pub use open::{End, Finding, Open, OpenIntent};
pub use summary::{Form, Summary, Told};

/// How much is kept of what was agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Hashes, for those who only write down what is new.
    #[default]
    Agreements,
    /// The values as well, for those who compare with them or go back to them.
    Values,
}

/// The account of a journal as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    detail: Detail,
    objects: BTreeMap<Key, Known>,
    /// Writes whose end nobody recorded.
    open: Open,
    /// Lines that are not whole.
    pub damaged: Damaged,
    cursor: Cursor,
}

impl Memory {
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
            .read(Reading::Accounts(accounts), &mut cursor, &mut take)
            .await;
        self.cursor = cursor;
        read
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Record(record) => self.follow(&record),
            Line::Damaged(number) => self.damaged.add(number),
            Line::Anew => *self = Self::new(self.detail),
        }
    }

    /// Takes in the next record.
    pub fn follow(&mut self, record: &Record) {
        let values = self.detail == Detail::Values;
        if let Some((write, end)) = self.open.follow(record) {
            let known = self.entry(&write.intent.subject());
            known.end(&write, &end, &record.at, values);
        }
        match &record.event {
            Event::Agreed(agreed) => {
                let known = self.entry(&agreed.subject());
                known.agree(agreed, &record.run, &record.at, values);
            }
            Event::GaveUp(gave_up) => {
                let known = self.entry(&gave_up.subject());
                known.give_up(gave_up, &record.at);
            }
            Event::Known(summary) => {
                let known = Known::of(summary, values);
                self.objects.insert(summary.key, known);
            }
            Event::Started(_)
            | Event::Intent(_)
            | Event::Outcome(_)
            | Event::Found { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// Reports whether so many lines had to be read that a new summary is worth it.
    pub fn is_long(&self) -> bool {
        self.cursor.most_unsummed() > FEW
    }

    /// Takes to its knowledge how many lines no summary stands for by now.
    pub fn unsummed(&mut self, unsummed: BTreeMap<String, u64>) {
        self.cursor.unsummed.extend(unsummed);
    }

    /// Returns what is known of the object of a record. One that was known without its tenant goes on as what it was.
    fn entry(&mut self, subject: &Subject<'_>) -> &mut Known {
        let (key, old) = (subject.key(), subject.key_without_tenant());
        if old != key && !self.objects.contains_key(&key) {
            let known = self.objects.get(&old).cloned().unwrap_or_default();
            self.objects.insert(key, known);
        }
        self.objects.entry(key).or_default()
    }

    fn find(&self, object: &Desired, place: &Place) -> Option<&Known> {
        let [key, old] = keys(object, place);
        self.objects.get(&key).or_else(|| self.objects.get(&old))
    }

    /// The writes whose end is not known.
    pub fn open(&self) -> impl Iterator<Item = &OpenIntent> {
        self.open.iter()
    }

    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The open writes of an object.
    pub fn open_of(&self, object: &Desired, place: &Place) -> impl Iterator<Item = &OpenIntent> {
        let keys = (!self.open.is_empty()).then(|| keys(object, place));
        let own = move |open: &&OpenIntent| {
            let key = open.intent.subject().key();
            keys.is_some_and(|keys| keys.contains(&key))
        };
        self.open.iter().filter(own)
    }

    /// Reports whether just this is agreed on already, whenever that was.
    pub fn has(&self, agreed: &Agreed) -> bool {
        let known = self.objects.get(&agreed.subject().key());
        let standing = known.and_then(|known| known.standing);
        standing.is_some_and(|held| held.whole == agreement::Standing::of_agreed(agreed).whole)
    }

    /// Reports whether the last agreement on an object is on what its manifest wants now: a difference is somebody else's.
    pub fn agrees(&self, object: &Desired, place: &Place) -> bool {
        let known = self.find(object, place);
        let standing = known.and_then(|known| known.standing);
        standing.is_some_and(|standing| agreement::wanted(object) == Some(standing.wanted))
    }

    /// Returns what was agreed on about an object that is now `live`. An open write counts as what a look at its own changes
    /// makes of it.
    pub fn base(
        &self,
        table: &'static [Field],
        object: &Desired,
        place: &Place,
        live: &Fields,
    ) -> Option<(Base, Option<Applied>)> {
        let mut known = self.find(object, place).cloned();
        for open in self.open_of(object, place) {
            let end = Finding::of(table, &open.intent, live).end();
            let known = known.get_or_insert_default();
            known.end(open, &end, &open.at, self.detail == Detail::Values);
        }
        // Without a run that agreed on something there is none: a write whose end nobody can tell agrees on nothing.
        let packed = known?.base.filter(|packed| packed.applied.is_some())?;
        Some((packed.unpack(), packed.applied.clone()))
    }

    /// The fight over fields of an object, if there is one about what its manifest wants now.
    pub fn fights(&self, object: &Desired, place: &Place) -> Option<&Fights> {
        let fights = self.find(object, place)?.fights.as_deref()?;
        let wanted = agreement::wanted(object)?;
        fights.are_of(wanted).then_some(fights)
    }
}

/// The key of an object of the manifests, and the one that older journals know it by.
pub fn keys(object: &Desired, place: &Place) -> [Key; 2] {
    let identity = identity_of(object);
    let subject = Subject {
        base_url: &place.base_url,
        tenant: place.tenant.as_deref(),
        kind: object.address.kind.0,
        identity: &identity,
    };
    [subject.key(), subject.key_without_tenant()]
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
