//! The baseline of an object: packed in memory, and as JSON in the line of a summary.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};

use crate::model::{Kind, KindTable, PackedFields};
use crate::plan::base::Base;
use crate::plan::drift::document::Applied;
use crate::plan::field_json::{fields_from_json, fields_to_json};
use crate::provider;

/// A baseline in packed form.
#[derive(Clone, Debug)]
pub struct PackedBase {
    pub kind: Kind,
    pub fields: PackedFields,
    pub kept: Vec<String>,
    pub unsettled: Vec<String>,
    pub applied: Option<Applied>,
}

impl PartialEq for PackedBase {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.unpack() == other.unpack() && self.applied == other.applied
    }
}

impl PackedBase {
    pub fn new(table: &'static KindTable, base: &Base, applied: Option<Applied>) -> Self {
        Self {
            kind: table.kind,
            fields: PackedFields::new(table.desired, &base.fields),
            kept: base.kept.clone(),
            unsettled: base.unsettled.clone(),
            applied,
        }
    }

    pub fn unpack(&self) -> Base {
        Base {
            fields: self.fields.unpack(),
            kept: self.kept.clone(),
            unsettled: self.unsettled.clone(),
        }
    }
}

/// The encoding of the values of a baseline in a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryForm {
    /// As JSON, for any program.
    Plain,
    /// As packed bytes, for programs with [this layout](crate::apply::memory::JournalSummary::layout): ten times as fast
    /// to read.
    Packed,
}

/// The JSON of a baseline. It is parsed only when its values are needed, since baselines are most of a summary.
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
