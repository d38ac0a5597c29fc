//! What past runs applied, from the journal, as something to desire again.
//!
//! An object goes back to what was last written to it, field by field: for every path the last change that
//! was carried out counts. Fields that this program never wrote are nobody's to restore, and are left as
//! they are; so are fields that the manifest has changed since, because restoring never follows the source.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accounts, Checked, Pass, Settings, document, look};
use crate::apply::Outcome;
use crate::apply::journal::{Event, History, Intent};
use crate::model::field::find;
use crate::model::{Carry, Desired, Field, Fields, Observed, RiskRule};
use crate::plan::document::ChangeEntry;
use crate::plan::{self, ChangeVerb, undo};
use crate::provider::{self, codec};

/// The last change of every path that was carried out, by object.
#[derive(Default)]
pub struct Applied(BTreeMap<String, Memory>);

struct Memory {
    last: Intent,
    changes: Vec<ChangeEntry>,
}

impl Applied {
    /// Folds a journal. Writes whose end nobody recorded, and those that were refused, count for nothing.
    pub fn of(history: &History) -> Self {
        let mut open: BTreeMap<(&str, &str), &Intent> = BTreeMap::new();
        let mut applied = Self::default();
        for record in &history.records {
            match &record.event {
                Event::Intent(intent) => {
                    open.insert((&record.run, &intent.address), intent);
                }
                Event::Outcome(ended) => {
                    let intent = open.remove(&(record.run.as_str(), ended.address.as_str()));
                    let written =
                        matches!(ended.outcome, Outcome::Converged | Outcome::Unconverged);
                    if let (Some(intent), true) = (intent, written) {
                        applied.take(intent);
                    }
                }
                Event::Started(_) | Event::Found { .. } | Event::Finished { .. } => {}
            }
        }
        applied
    }

    fn take(&mut self, intent: &Intent) {
        let memory = self
            .0
            .entry(intent.address.clone())
            .or_insert_with(|| Memory {
                last: intent.clone(),
                changes: Vec::new(),
            });
        if memory.last.base_url != intent.base_url || memory.last.identity != intent.identity {
            // Another object by the same name: what was written to the old one says nothing about it.
            memory.changes.clear();
        }
        memory.last = intent.clone();
        for change in &intent.changes {
            memory
                .changes
                .retain(|held| !covers(&change.path, &held.path));
            memory.changes.push(change.clone());
        }
    }
}

/// Whether a change at `outer` replaces what is at `inner`.
fn covers(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Plans every object of `checked` back to what was last applied to it.
pub async fn restore(
    applied: &Applied,
    checked: &Checked,
    settings: &Settings,
    kept: &Accounts,
) -> Pass {
    let observed_at = (settings.clock)();
    let (accounts, seen) = look(checked, settings, kept).await;
    let now = (settings.clock)();
    let (mut planned, mut live) = (Vec::new(), BTreeMap::new());
    for (object, seen) in &seen {
        let Some(provider) = provider::of(object.vendor) else {
            continue;
        };
        let mut wanted = Desired::clone(object);
        wanted.fields = Fields::new();
        let memory = applied.0.get(&object.address.to_string());
        let memory = memory.filter(|memory| is_of(memory, object, checked));
        if let (Observed::Live(seen), Some(memory)) = (seen, memory) {
            let table = provider.table().desired;
            wanted.fields = unread_fields(table, &memory.last);
            let changes: Vec<ChangeEntry> = memory
                .changes
                .iter()
                .filter(|change| restorable(table, &change.path))
                .map(turned)
                .collect();
            wanted
                .fields
                .extend(undo::inverse(table, &changes, seen).fields);
            live.insert(object.address.clone(), seen.clone());
        }
        planned.push(plan::plan(provider, &Arc::new(wanted), seen, now));
    }
    let document = document(checked, &planned, &accounts, settings.parallelism, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        observed_at,
    }
}

/// Whether a memory is of this very object, where its connection leads now.
fn is_of(memory: &Memory, object: &Desired, checked: &Checked) -> bool {
    let place = checked.source.connections.get(&object.connection);
    let ids = &object.identity;
    place == Some(&memory.last.base_url)
        && ids
            .iter()
            .all(|(name, id)| memory.last.identity.get(*name) == Some(id))
}

/// Fields that every write must carry and no read returns, as they were sent.
fn unread_fields(table: &'static [Field], intent: &Intent) -> Fields {
    let mut fields = Fields::new();
    for field in table {
        let value = intent.unread.get(field.name);
        if let Some(value) = value.and_then(|json| codec::value(field, json, &field.name).ok()) {
            fields.insert(field.name, value);
        }
    }
    fields
}

/// Counters move by use, and a request to the vendor is made once: neither is restored.
fn restorable(table: &'static [Field], path: &str) -> bool {
    let name = path.split(['.', '[']).next().unwrap_or(path);
    let last = path.rsplit('.').next().unwrap_or(path);
    let Some(field) = find(table, name) else {
        return false;
    };
    let inner = match &field.shape {
        crate::model::Shape::Keyed(elements) => find(elements.fields, last),
        _ => None,
    };
    let free = |field: &Field| {
        field.risk != RiskRule::Counter && !matches!(field.carry, Carry::OneShot { .. })
    };
    free(field) && inner.is_none_or(free)
}

/// The change that the inverse of takes an object to where this one took it.
fn turned(change: &ChangeEntry) -> ChangeEntry {
    ChangeEntry {
        verb: match change.verb {
            ChangeVerb::Add => ChangeVerb::Remove,
            ChangeVerb::Remove => ChangeVerb::Add,
            ChangeVerb::Replace => ChangeVerb::Replace,
        },
        before: change.after.clone(),
        after: change.before.clone(),
        ..change.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_covers_itself_and_what_is_inside() {
        assert!(covers("Features[A 1]", "Features[A 1]"));
        assert!(covers("Features[A 1]", "Features[A 1].count"));
        assert!(!covers("Features[A 1]", "Features[A 10]"));
        assert!(!covers("Features[A 1].count", "Features[A 1]"));
        assert!(!covers("end", "end_date"));
    }
}
