//! Changes to one write: which members its body carries. The one exhaustive match on write modes.

use super::diff::Change;
use crate::model::{Call, Desired, Field, Fields, Live, Need, Part, Shape, Value};
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
        WriteMode::FullPatch => {
            let managed = |name: &str| desired.fields.contains_key(name);
            without_idle_nulls(table, next, &managed)
        }
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
        live,
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
        .map(|(name, value)| (*name, value.clone()))
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

/// Drops optional members that hold nothing and that nobody asked to clear.
fn without_idle_nulls(
    table: &'static [Field],
    next: &Fields,
    managed: &dyn Fn(&str) -> bool,
) -> Fields {
    let mut kept = Fields::new();
    for field in table {
        let Some(value) = next.get(field.name) else {
            continue;
        };
        if *value == Value::Null && !managed(field.name) {
            continue;
        }
        let value = match (&field.shape, value) {
            (Shape::Keyed(elements), Value::Items(items)) => Value::Items(
                items
                    .iter()
                    // A null inside an element is sent only where a manifest wrote it; where live held
                    // null too, sending it or not is the same to the vendor.
                    .map(|(key, fields)| {
                        let all = |_: &str| managed(field.name);
                        (
                            key.clone(),
                            without_idle_nulls(elements.fields, fields, &all),
                        )
                    })
                    .collect(),
            ),
            _ => value.clone(),
        };
        kept.insert(field.name, value);
    }
    kept
}
