//! Notes what changes later: the dated changes of an object that lie ahead, each compared with what the object desires
//! right before it.
//!
//! In: a desired object. Out: entries for the plan document and the calendar. They are no changes of the plan: nothing
//! is sent for them, and they count nowhere.
//!
//! Example: an object with 25 seats, 40 from July on and 60 from October on, has `2027-07-01: seats 25 → 40` and
//! `2027-10-01: seats 40 → 60`, whatever live has now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change_entry::{ChangeEntry, is_zero};
use super::diff::diff;
use super::risk::UNSEEN;
use crate::model::{Desired, Live, Risk};
use crate::provider;

/// The most moments that a plan notes for one object.
const NOTED: usize = 3;

/// Dated changes of an object that lie ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComingChanges {
    /// The next of them, in the order of time.
    pub next: Vec<ComingEntry>,
    /// How many more come after those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// What changes at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComingEntry {
    /// The moment as the manifest has it.
    pub from: String,
    /// The same in UTC.
    pub at: String,
    /// How the object then differs from what was desired right before.
    pub changes: Vec<ChangeEntry>,
    /// Whether the vendor carries it out by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_vendor: bool,
}

impl ComingChanges {
    /// Returns the next changes of an object.
    pub fn of(desired: &Desired) -> Self {
        Self {
            next: list_coming(desired).take(NOTED).collect(),
            more: desired.coming.iter().count().saturating_sub(NOTED),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

/// Lists all dated changes of an object that lie ahead, in the order of time.
pub fn list_coming(desired: &Desired) -> impl Iterator<Item = ComingEntry> {
    // With references as they are written: the states that come have them so.
    let desired = desired.manifest_form();
    let table = provider::find_kind(desired.address.kind.0).map(|kind| kind.table().desired);
    let before = [&desired.fields].into_iter();
    let before = before.chain(desired.coming.iter().map(|state| &state.fields));
    let states = desired.coming.iter().zip(before);
    states.map(move |(state, before)| {
        let before = Live {
            fields: before.unpack(),
            ..Live::default()
        };
        let mut changes = diff(
            table.unwrap_or(&[]),
            &state.fields.unpack(),
            &before,
            state.from,
        );
        // A field that is managed from now on only: what live will have then is not known, and no reason to warn.
        for change in &mut changes {
            if change.note.as_deref() == Some(UNSEEN) {
                (change.risk, change.note) = (Risk::Safe, None);
            }
        }
        ComingEntry {
            from: state.written.to_string(),
            at: state.from.to_string(),
            at_vendor: desired.coming.are_at_vendor(),
            changes: changes
                .iter()
                .map(|change| ChangeEntry::new(change, 0))
                .collect(),
        }
    })
}
