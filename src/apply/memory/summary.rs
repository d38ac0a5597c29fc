//! Summaries: what is known of every object, in one record each, in place of the records it was folded from.
//!
//! A summary of the first lines of a journal, folded together with the lines behind it, gives the same as all lines,
//! wherever they are cut. So the cost of a run depends on the number of objects, not on their history: 300 objects with
//! 12,000 lines are 300 records and the lines since.

use sha2::{Digest, Sha256};

use super::{Detail, Memory};
use crate::apply::journal::{JournalEvent, Record, SummaryForm};
use crate::apply::records::Damaged;
use crate::apply::store::{Cursor, Store, StoreError};
use crate::model::{AccountKey, PackedFields};
use crate::provider;

/// The knowledge about the objects after the first lines of a journal.
#[derive(Debug)]
pub struct JournalSummary {
    memory: Memory,
    now: String,
}

impl JournalSummary {
    /// The version that writes a summary. Another one may know more fields, or fold the same lines differently; the
    /// number changes with what is hashed and how it is folded.
    pub const WRITER: &str = concat!("entitle ", env!("CARGO_PKG_VERSION"), ", summary 2");

    /// Reads everything that a store knows of the objects of these accounts.
    pub async fn read(
        store: &dyn Store,
        accounts: &[AccountKey],
        now: &str,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            memory: Memory::of(store, accounts, Detail::Values).await?,
            now: now.to_string(),
        })
    }

    /// Returns how far the lines go that it covers.
    pub fn upto(&self) -> &Cursor {
        &self.memory.cursor
    }

    /// Returns the numbers of covered lines that are not whole.
    pub fn damaged(&self) -> &Damaged {
        &self.memory.damaged
    }

    /// Returns the records that take the place of the lines, in any order.
    pub fn records(&self, form: SummaryForm) -> impl Iterator<Item = Record> {
        self.memory.summary(&self.now, form)
    }

    /// Returns a hash of the field tables; programs with the same hash read packed values the same way.
    pub fn layout() -> String {
        let mut hash = Sha256::new();
        for kind in provider::all_kinds() {
            let table = kind.table();
            hash.update(table.kind.0);
            hash.update(PackedFields::layout(table.desired));
        }
        hex::encode(hash.finalize())
    }
}

impl Memory {
    /// Returns the records that tell everything, with values if they are known.
    pub fn summary(&self, now: &str, form: SummaryForm) -> impl Iterator<Item = Record> {
        let objects = self.scopes.iter().flat_map(move |(scope, objects)| {
            objects.iter().map(move |(key, known)| Record {
                at: now.to_string(),
                run: String::new(),
                scope: scope.clone(),
                event: JournalEvent::Known(Box::new(known.summary(*key, form))),
            })
        });
        objects.chain(self.open.lines())
    }
}

#[cfg(test)]
mod tests;
