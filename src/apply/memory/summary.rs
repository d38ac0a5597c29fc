//! What is known of every object, in a line each: instead of all the lines that it was folded from.
//!
//! Folded with what comes behind it, a summary of the first lines of a journal comes to the same as all of them,
//! wherever they are cut. So the cost of a run is that of the objects that there are, and not of all that was ever
//! done to them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use super::known::Packed;
use super::{Detail, Memory};
use crate::apply::journal::{Event, Record};
use crate::apply::records::Damaged;
use crate::apply::store::{Cursor, Store, StoreError};
use crate::model::{AccountKey, PackedFields};
use crate::plan::drift::document::Applied;
use crate::plan::field_json::{fields_from_json, fields_to_json};
use crate::provider;

/// What is known of the objects after the first lines of a journal.
#[derive(Debug)]
pub struct Summary {
    memory: Memory,
    now: String,
}

impl Summary {
    /// What wrote it. Another version may know more fields, or fold the same lines into something else; the number
    /// changes with what is hashed and how it is folded.
    pub const WRITER: &str = concat!("entitle ", env!("CARGO_PKG_VERSION"), ", summary 1");

    /// Reads all that a store knows of the objects of these accounts.
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

    /// Returns how far the lines go that it stands for.
    pub fn upto(&self) -> &Cursor {
        &self.memory.cursor
    }

    /// Those of them that are not whole.
    pub fn damaged(&self) -> &Damaged {
        &self.memory.damaged
    }

    /// Returns what takes their place, in any order.
    pub fn records(&self, form: Form) -> impl Iterator<Item = Record> {
        self.memory.summary(&self.now, form)
    }

    /// Tells programs apart that read packed values in another way.
    pub fn layout() -> String {
        let mut hash = Sha256::new();
        for provider in provider::ALL {
            let table = provider.table();
            hash.update(table.kind.0);
            hash.update(PackedFields::layout(table.desired));
        }
        hex::encode(hash.finalize())
    }
}

impl Memory {
    /// Returns the lines that tell all of it, with values if it has them.
    pub fn summary(&self, now: &str, form: Form) -> impl Iterator<Item = Record> {
        let objects = self.objects.iter().map(move |(key, known)| Record {
            at: now.to_string(),
            run: String::new(),
            scope: None,
            event: Event::Known(Box::new(known.summary(*key, form))),
        });
        objects.chain(self.open.lines())
    }
}

/// How a summary spells the values of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As JSON, for any program.
    Plain,
    /// As packed bytes, for programs with [this layout](Summary::layout): ten times as fast to read.
    Packed,
}

/// The JSON of a base. It is read only where values are asked for: most of a summary is bases.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Told(Box<RawValue>);

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// What the JSON says.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<BTreeMap<String, Json>>,
    /// The fields in base64 instead.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    packed: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unsettled: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Applied>,
}

impl Told {
    pub fn new(packed: &Packed, form: Form) -> Option<Self> {
        let table = provider::of_kind(packed.kind.0)?.table();
        let plain = || fields_to_json(table.desired, &packed.fields.unpack());
        let content = Content {
            kind: packed.kind.0.into(),
            fields: (form == Form::Plain).then(plain),
            packed: (form == Form::Packed).then(|| BASE64.encode(packed.fields.bytes()).into()),
            kept: packed.kept.clone(),
            unsettled: packed.unsettled.clone(),
            applied: packed.applied.clone(),
        };
        Some(Self(to_raw_value(&content).ok()?))
    }

    /// Nothing for a kind that this program does not know.
    pub fn packed(&self) -> Option<Packed> {
        let content: Content<'_> = serde_json::from_str(self.0.get()).ok()?;
        let table = provider::of_kind(&content.kind)?.table();
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
        Some(Packed {
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
