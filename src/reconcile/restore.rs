//! What past runs applied, from the journal, as something to desire again.
//!
//! An object goes back to what it and its manifest last agreed on, and from there to what was written to it
//! since: for every path the last change that was carried out counts. Other fields are nobody's to restore,
//! and are left as they are; what the manifest has changed since is not looked at, because restoring never
//! follows the source.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Accounts, Checked, Pass, Settings, document, look};
use crate::apply::Outcome;
use crate::apply::agreement::spared;
use crate::apply::journal::{Agreed, Event, Intent, Record};
use crate::apply::recall::Fold;
use crate::model::field::find;
use crate::model::{
    Carry, Desired, Field, Fields, Ids, Key, Live, Need, Observed, PackedFields, RiskRule, Shape,
    Value,
};
use crate::plan::document::ChangeEntry;
use crate::plan::drift::recall;
use crate::plan::{self, Action, ChangeVerb, undo};
use crate::provider::{self, Provider, codec};

/// The last agreement and the last change of every path that was carried out since, by object.
#[derive(Clone, Default)]
pub struct Applied {
    by_address: BTreeMap<String, Memory>,
    /// Writes whose end was not recorded yet, by run and address.
    open: BTreeMap<(String, String), Intent>,
    end: u64,
}

#[derive(Clone, Default)]
struct Memory {
    base_url: String,
    identity: Ids,
    unread: BTreeMap<String, Json>,
    agreed: Option<Agreed>,
    changes: Vec<ChangeEntry>,
}

impl Fold for Applied {
    fn end(&mut self) -> &mut u64 {
        &mut self.end
    }

    fn line(&mut self, record: Option<Record>) {
        if let Some(record) = record {
            self.follow(record);
        }
    }
}

impl Applied {
    /// Takes in the next record. Writes whose end nobody recorded, and those that were refused, count for nothing.
    pub fn follow(&mut self, record: Record) {
        match record.event {
            Event::Intent(intent) => {
                let write = (record.run, intent.address.clone());
                self.open.insert(write, *intent);
            }
            Event::Outcome(ended) => {
                let intent = self.open.remove(&(record.run, ended.address));
                let written = matches!(ended.outcome, Outcome::Converged | Outcome::Unconverged);
                if let (Some(intent), true) = (intent, written) {
                    self.take(intent);
                }
            }
            Event::Agreed(agreed) => self.agree(*agreed),
            Event::Started(_) | Event::Found { .. } | Event::Finished { .. } => {}
        }
    }

    fn agree(&mut self, agreed: Agreed) {
        let address = agreed.address.clone();
        let memory = Memory {
            base_url: agreed.base_url.clone(),
            identity: agreed.identity.clone(),
            unread: agreed.unread.clone(),
            agreed: Some(agreed),
            changes: Vec::new(),
        };
        self.by_address.insert(address, memory);
    }

    fn take(&mut self, intent: Intent) {
        let memory = self.by_address.entry(intent.address).or_default();
        if memory.base_url != intent.base_url || memory.identity != intent.identity {
            // Another object by the same name: what is known of the old one says nothing about it.
            *memory = Memory::default();
        }
        memory.base_url = intent.base_url;
        memory.identity = intent.identity;
        memory.unread = intent.unread;
        for change in intent.changes {
            memory
                .changes
                .retain(|held| !covers(&change.path, &held.path));
            memory.changes.push(change);
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
        let memory = applied.by_address.get(&object.address.to_string());
        let memory = memory.filter(|memory| is_of(memory, object, checked));
        let Observed::Live(seen) = seen else {
            planned.push(plan::plan(provider, object, seen, now));
            continue;
        };
        let table = provider.table().desired;
        let (fields, seen) = match memory {
            Some(memory) => remembered(memory, table, object, seen),
            // In sync with its manifest, and so worth remembering.
            None if is_in_sync(provider, object, seen, now) => {
                (object.fields.unpack(), seen.clone())
            }
            None => (Fields::new(), unnamed(seen, &Fields::new())),
        };
        let fields = PackedFields::new(table, &fields);
        let wanted = if fields == object.fields {
            Arc::clone(object)
        } else {
            Arc::new(Desired {
                fields,
                ..Desired::clone(object)
            })
        };
        let seen = Observed::Live(seen);
        planned.push(plan::plan(provider, &wanted, &seen, now));
        if let Observed::Live(seen) = seen {
            live.insert(object.address.clone(), seen);
        }
    }
    let document = document(checked, &planned, &accounts, settings, now);
    Pass {
        planned,
        document,
        accounts,
        live,
        moved: BTreeMap::new(),
        observed_at,
        fresh: true,
    }
}

fn is_in_sync(provider: &dyn Provider, object: &Arc<Desired>, seen: &Live, now: Timestamp) -> bool {
    let seen = Observed::Live(seen.clone());
    plan::plan(provider, object, &seen, now).action == Action::None
}

/// What a memory wants, and live without the names that today's manifest alone gives.
fn remembered(
    memory: &Memory,
    table: &'static [Field],
    object: &Desired,
    seen: &Live,
) -> (Fields, Live) {
    let mut fields = unread_fields(table, &memory.unread);
    let agreed = memory.agreed.as_ref();
    // Under another policy the same values would mean another write.
    if let Some(agreed) = agreed.filter(|agreed| agreed.spared == spared(object)) {
        let agreed = recall(table, &agreed.managed);
        fields.extend(agreed_fields(table, agreed, object, seen));
    }
    let mut base = seen.clone();
    for (name, value) in &fields {
        // A list that the read does not show stays unknown.
        if let (Value::Items(items), Some(held)) = (value, seen.fields.get(name)) {
            let items = filled(items, held.items());
            base.fields.insert(name, Value::Items(items.into()));
        }
    }
    let changes: Vec<ChangeEntry> = memory
        .changes
        .iter()
        .filter(|change| restorable(table, &change.path))
        .map(turned)
        .collect();
    fields.extend(undo::inverse(table, &changes, &base).fields);
    let seen = unnamed(seen, &fields);
    (fields, seen)
}

/// The agreed fields that may be restored.
fn agreed_fields(table: &'static [Field], agreed: Fields, object: &Desired, seen: &Live) -> Fields {
    let mut kept = Fields::new();
    for (name, mut value) in agreed {
        let Some(field) = find(table, name).filter(|field| is_free(field)) else {
            continue;
        };
        // Reading resolves the names that the manifest gives now; older ones stand for nothing.
        if field.need == Need::Never && object.fields.get(name).as_ref() != Some(&value) {
            continue;
        }
        if let (Shape::Keyed(elements), Value::Items(items)) = (&field.shape, &mut value) {
            let held = seen.fields.get(name).map_or(&[][..], Value::items);
            for (key, fields) in items.iter_mut() {
                // A new element may say where its counters start.
                if held.iter().any(|(other, _)| other == key) {
                    let own = std::mem::take(fields).into_iter();
                    fields.extend(
                        own.filter(|(name, _)| find(elements.fields, name).is_some_and(is_free)),
                    );
                }
            }
        }
        kept.insert(name, value);
    }
    kept
}

/// Agreed elements with what live holds beside the agreed fields.
fn filled(items: &[(Key, Fields)], held: &[(Key, Fields)]) -> Vec<(Key, Fields)> {
    let whole = |(key, agreed): &(Key, Fields)| {
        let live = held.iter().find(|(other, _)| other == key);
        let mut fields = live.map(|(_, fields)| fields.clone()).unwrap_or_default();
        fields.extend(agreed.clone());
        (key.clone(), fields)
    };
    items.iter().map(whole).collect()
}

/// Live, resolved only where `fields` give a name: a plan wants whatever was resolved.
fn unnamed(seen: &Live, fields: &Fields) -> Live {
    let mut seen = seen.clone();
    seen.resolved
        .retain(|resolved| fields.contains_key(resolved.given));
    seen
}

/// Whether a memory is of this very object, where its connection leads now.
fn is_of(memory: &Memory, object: &Desired, checked: &Checked) -> bool {
    let place = checked.source.connections.get(object.connection.as_str());
    let ids = &object.identity;
    place == Some(&memory.base_url)
        && ids
            .iter()
            .all(|(name, id)| memory.identity.get(name).is_some_and(|known| known == id))
}

/// Fields that every write must carry and no read returns, as they were sent.
fn unread_fields(table: &'static [Field], unread: &BTreeMap<String, Json>) -> Fields {
    let mut fields = Fields::new();
    for field in table {
        let value = unread.get(field.name);
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
        Shape::Keyed(elements) => find(elements.fields, last),
        _ => None,
    };
    is_free(field) && inner.is_none_or(is_free)
}

fn is_free(field: &Field) -> bool {
    field.risk != RiskRule::Counter && !matches!(field.carry, Carry::OneShot { .. })
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
    use crate::apply::journal::{Ended, Journal};
    use crate::model::Method;

    #[test]
    fn a_change_covers_itself_and_what_is_inside() {
        assert!(covers("Features[A 1]", "Features[A 1]"));
        assert!(covers("Features[A 1]", "Features[A 1].count"));
        assert!(!covers("Features[A 1]", "Features[A 10]"));
        assert!(!covers("Features[A 1].count", "Features[A 1]"));
        assert!(!covers("end", "end_date"));
    }

    #[test]
    fn what_was_applied_is_read_on_where_it_was_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).expect("a journal");
        let write = |address: &str, event: fn(String) -> Event| Record {
            at: "2026-11-21T12:00:00Z".into(),
            run: "1".into(),
            event: event(address.into()),
        };
        let intent = |address| {
            Event::Intent(Box::new(Intent {
                address,
                vendor: "lac".into(),
                connection: "lac".into(),
                base_url: "https://lac.example.com/".into(),
                identity: Ids::default(),
                method: Method::Patch,
                path: "/".into(),
                changes: Vec::new(),
                unread: BTreeMap::new(),
                managed: BTreeMap::new(),
                epoch: None,
            }))
        };
        let converged = |address| {
            Event::Outcome(Ended {
                address,
                outcome: Outcome::Converged,
                message: None,
                side_effects: Vec::new(),
            })
        };
        let first = [
            write("a", intent),
            write("a", converged),
            write("b", intent),
        ];
        journal.append_all(&first).expect("written");
        let known = |applied: &Applied| Vec::from_iter(applied.by_address.keys().cloned());
        let mut applied = Applied::of(&path).expect("read");
        assert_eq!(known(&applied), ["a"]);
        // Other lines of the same length stand there now: whoever reads them once more knows of "c".
        std::fs::remove_file(&path).expect("it is there");
        let journal = Journal::open(&path).expect("a journal");
        let others = [
            write("c", intent),
            write("c", converged),
            write("d", intent),
            write("b", converged),
        ];
        journal.append_all(&others).expect("written");
        applied.go_on(&path).expect("read");
        assert_eq!(known(&applied), ["a", "b"]);
    }
}
