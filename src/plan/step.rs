//! Changes to one write: which members its body carries. The one exhaustive match on write modes.

use std::collections::BTreeMap;

use super::diff::Change;
use crate::model::{Call, Desired, Field, Fields, Key, Live, Need, Part, Shape, Value};
use crate::provider::semantics::WriteMode;
use crate::provider::{Provider, Write, conditions};

/// One write, complete: what is sent and what it is sent for.
#[derive(Clone, Debug)]
pub struct Step {
    pub call: Call,
    /// The members of the body, canonical.
    pub sent: Fields,
}

/// The write that carries out `changes`, or why there can be none.
pub fn step(
    provider: &dyn Provider,
    desired: &Desired,
    live: &Live,
    next: &Fields,
    changes: &[Change],
) -> Result<Step, String> {
    let table = provider.table().desired;
    let mode = provider.semantics().write;
    let sent = match mode {
        WriteMode::Merge => changed(next, changes),
        WriteMode::Overwrite => {
            complete(table, next)?;
            next.clone()
        }
        WriteMode::FullPatch => without_idle_nulls(table, next, &live.fields),
    };
    let lacking = match mode {
        WriteMode::Merge => Vec::new(),
        WriteMode::Overwrite | WriteMode::FullPatch => conditions::missing(table, next),
    };
    if !lacking.is_empty() {
        return Err(format!(
            "the write needs {}, which neither manifest nor live has",
            lacking.join(", ")
        ));
    }
    let write = Write {
        desired,
        fields: sent.clone(),
    };
    Ok(Step {
        call: provider.encode(&write),
        sent,
    })
}

/// Only the top-level members in which something changes.
fn changed(next: &Fields, changes: &[Change]) -> Fields {
    let touched = |name: &str| {
        changes
            .iter()
            .any(|change| matches!(change.path.parts().first(), Some(Part::Field(field)) if *field == name))
    };
    next.iter()
        .filter(|(name, _)| touched(name))
        .map(|(name, value)| (name, value.clone()))
        .collect()
}

/// An overwrite clears what it leaves out, so live must have shown every member.
fn complete(table: &'static [Field], next: &Fields) -> Result<(), String> {
    let unseen: Vec<&str> = table
        .iter()
        .filter(|field| field.need != Need::Never && !next.contains_key(field.name))
        .map(|field| field.name)
        .collect();
    if unseen.is_empty() {
        Ok(())
    } else {
        let names = unseen.join(", ");
        Err(format!(
            "the vendor's reply lacks {names}, which a write would clear; nothing is sent"
        ))
    }
}

/// Drops members that hold nothing and held nothing before: there is nothing to clear.
fn without_idle_nulls(table: &'static [Field], next: &Fields, live: &Fields) -> Fields {
    let mut kept = Fields::new();
    for field in table {
        let Some(value) = next.get(field.name) else {
            continue;
        };
        let held = live.get(field.name);
        if *value == Value::Null && held.is_none_or(|held| field.alike(held, value)) {
            continue;
        }
        let value = match (&field.shape, value) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let none = Fields::new();
                let held = held.map_or(&[][..], Value::items);
                let held: BTreeMap<&Key, &Fields> = held.iter().map(|(k, f)| (k, f)).collect();
                let thin = |(key, fields): &(Key, Fields)| {
                    let before = held.get(key).copied().unwrap_or(&none);
                    (
                        key.clone(),
                        without_idle_nulls(elements.fields, fields, before),
                    )
                };
                Value::Items(items.iter().map(thin).collect())
            }
            _ => value.clone(),
        };
        kept.insert(field.name, value);
    }
    kept
}
