//! Summaries: what is known of every object, in one record each, in place of the records it was folded from.
//!
//! A summary of the first lines of a journal, folded together with the lines behind it, gives the same as all lines,
//! wherever they are cut. So the cost of a run depends on the number of objects, not on their history: 300 objects with
//! 12,000 lines are 300 records and the lines since.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use super::known::PackedBase;
use super::{Detail, Memory};
use crate::apply::journal::{JournalEvent, Record};
use crate::apply::records::Damaged;
use crate::apply::store::{Cursor, Store, StoreError};
use crate::model::{AccountKey, PackedFields};
use crate::plan::drift::document::Applied;
use crate::plan::field_json::{fields_from_json, fields_to_json};
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
    pub const WRITER: &str = concat!("entitle ", env!("CARGO_PKG_VERSION"), ", summary 1");

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
        let objects = self.objects.iter().map(move |(key, known)| Record {
            at: now.to_string(),
            run: String::new(),
            scope: None,
            event: JournalEvent::Known(Box::new(known.summary(*key, form))),
        });
        objects.chain(self.open.lines())
    }
}

/// The encoding of the values of a baseline in a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryForm {
    /// As JSON, for any program.
    Plain,
    /// As packed bytes, for programs with [this layout](JournalSummary::layout): ten times as fast to read.
    Packed,
}

/// The JSON of a baseline. It is parsed only where values are asked for: most of a summary is baselines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BaseJson(Box<RawValue>);

impl PartialEq for BaseJson {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// The content of the JSON.
#[derive(Serialize, Deserialize)]
struct BaseContent<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<String, Json>>,
    /// The packed fields in base64, in place of `fields`.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    packed: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unsettled: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Applied>,
}

impl BaseJson {
    pub fn new(packed: &PackedBase, form: SummaryForm) -> Option<Self> {
        let table = provider::find_kind(packed.kind.0)?.table();
        let plain = || fields_to_json(table.desired, &packed.fields.unpack());
        let content = BaseContent {
            kind: packed.kind.0.into(),
            fields: (form == SummaryForm::Plain).then(plain),
            packed: (form == SummaryForm::Packed)
                .then(|| BASE64.encode(packed.fields.bytes()).into()),
            kept: packed.kept.clone(),
            unsettled: packed.unsettled.clone(),
            applied: packed.applied.clone(),
        };
        Some(Self(to_raw_value(&content).ok()?))
    }

    /// Parses the JSON; `None` for a kind that this program does not know.
    pub fn packed(&self) -> Option<PackedBase> {
        let content: BaseContent<'_> = serde_json::from_str(self.0.get()).ok()?;
        let table = provider::find_kind(&content.kind)?.table();
        let fields = match content.packed {
            Some(packed) => {
                let bytes = BASE64.decode(packed.as_bytes()).ok()?;
                PackedFields::of_bytes(table.desired, &bytes)?
            }
            None => {
                let fields = fields_from_json(table.desired, &content.fields.unwrap_or_default());
                PackedFields::new(table.desired, &fields)
            }
        };
        Some(PackedBase {
            kind: table.kind,
            fields,
            kept: content.kept,
            unsettled: content.unsettled,
            applied: content.applied,
        })
    }
}

#[cfg(test)]
mod tests;
