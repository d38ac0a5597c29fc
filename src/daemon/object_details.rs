//! The facts about one object that its page shows beside its status.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::source::repository::CommitAuthor;
use crate::apply::memory::{ObjectKey, ObjectWrite};
use crate::apply::store::StoreError;
use crate::manifest;
use crate::manifest::edit::EditedFile;
use crate::manifest::suspension::{SuspensionEdit, edit_suspension};
use crate::model::{AccountKey, Desired};
use crate::plan::descent::is_at_or_below;
use crate::plan::field_descent::FieldDescent;
use crate::plan::field_json::fields_to_json;
use crate::provider;

/// The reason for which the writes of an object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("not read within {} s", .0.as_secs())]
    TooSlow(Duration),
}

/// The details of one object, for its page.
pub struct ObjectDetails {
    pub desired: Arc<Desired>,
    pub account: AccountKey,
    /// The keys under which the journal records it.
    pub keys: [ObjectKey; 2],
    /// Where the values of its fields come from.
    pub descent: Vec<FieldDescent>,
    /// Fields that were healed so often that one more foreign change to them is a fight.
    pub contested: Vec<String>,
    /// Its last writes, the newest first; `Err` says why they could not be read.
    pub history: Result<Vec<ObjectWrite>, HistoryError>,
    /// The authors of the commits in its history, as far as git has these commits.
    pub authors: BTreeMap<String, CommitAuthor>,
    /// The last commit that changed the file of its manifest.
    pub last_edit: Option<(String, CommitAuthor)>,
}

impl ObjectDetails {
    /// Returns the managed fields with their desired values, in the order of the kind's table.
    pub fn desired_fields(&self) -> Vec<(String, Json)> {
        let Some(kind) = provider::find_kind(self.desired.address.kind.0) else {
            return Vec::new();
        };
        let table = kind.table().desired;
        let values = fields_to_json(table, &self.desired.fields.unpack());
        let in_order = table.iter().filter_map(|field| {
            let value = values.get(field.name)?;
            Some((field.name.to_string(), value.clone()))
        });
        in_order.collect()
    }

    /// Returns where the values of a field come from, that of its elements included.
    pub fn descent_of<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a FieldDescent> {
        let all = self.descent.iter();
        all.filter(move |one| is_at_or_below(&one.field, field))
    }

    /// Returns the last write that was carried out and changed a field, or an element of it.
    pub fn last_write_of(&self, field: &str) -> Option<&ObjectWrite> {
        let history = self.history.as_ref().ok()?;
        let changes_field = |write: &&ObjectWrite| {
            write
                .changes
                .iter()
                .any(|change| is_at_or_below(&change.path, field))
        };
        let mut carried_out = history.iter().filter(|write| write.is_carried_out());
        carried_out.find(changes_field)
    }

    /// Returns the change of the manifest that says in git what a suspension of the page says, as the text before and
    /// after it; `None` if the file cannot be read or edited.
    pub fn suspension_edit(&self, until: Timestamp, reason: &str) -> Option<(String, String)> {
        let origin = &self.desired.origin;
        let source = manifest::reread(&origin.source)?;
        let mut file = EditedFile::open(&source);
        let change = SuspensionEdit::Suspend {
            until: Some(until),
            reason: reason.to_string(),
        };
        let document = file.document(origin.mark).ok()?;
        let edited = edit_suspension(document, &change, &provider::kind_rows()).ok()??;
        file.replace_document(origin.mark, edited);
        Some((source.text.clone(), file.text()))
    }
}
