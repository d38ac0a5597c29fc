//! Makes one write of the changes: decides which members its body carries. The one exhaustive match on write modes.

use std::collections::BTreeMap;

use super::Unplannable;
use super::change::Change;
use crate::model::{Call, Desired, ElementKey, Field, Fields, Live, PathPart, Shape, Value};
use crate::provider::semantics::WriteMode;
use crate::provider::{ResourceKind, Write, conditions};

/// One write, complete: what is sent and what it is sent for.
#[derive(Clone, Debug)]
pub struct Step {
    pub call: Call,
    /// The members of the body, canonical.
    pub sent: Fields,
}

/// Makes the write that carries out `changes`.
pub fn make_step(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    next: &Fields,
    changes: &[Change],
) -> Result<Step, Unplannable> {
    kind.check_loss(live, next)?;
    let table = kind.table().desired;
    let mode = kind.semantics().write;
    let sent = match mode {
        WriteMode::Merge => changed_fields(next, changes),
        WriteMode::Overwrite => next.clone(),
        WriteMode::FullPatch => without_idle_nulls(table, next, Some(&live.fields)),
    };
    let lacking = match mode {
        WriteMode::Merge => Vec::new(),
        WriteMode::Overwrite | WriteMode::FullPatch => conditions::missing_members(table, next),
    };
    if !lacking.is_empty() {
        return Err(Unplannable::MissingMembers(lacking));
    }
    let write = Write {
        desired,
        fields: sent.clone(),
    };
    Ok(Step {
        call: kind.encode(&write),
        sent,
    })
}

/// Keeps only the top-level members in which something changes: a change of `items[a].seats` sends all of `items`.
fn changed_fields(next: &Fields, changes: &[Change]) -> Fields {
    let touched = |name: &str| {
        changes
            .iter()
            .any(|change| matches!(change.path.parts().first(), Some(PathPart::Field(field)) if *field == name))
    };
    next.iter()
        .filter(|(name, _)| touched(name))
        .map(|(name, value)| (name, value.clone()))
        .collect()
}

/// Drops members that are null and were null before, because there is nothing to clear.
///
/// A member that live does not show is kept, so that it is cleared as the manifest wants it. `live` is `None` for an
/// object or element that is new, and then every null is dropped.
fn without_idle_nulls(table: &'static [Field], next: &Fields, live: Option<&Fields>) -> Fields {
    let mut kept = Fields::new();
    for field in table {
        let Some(value) = next.get(field.name) else {
            continue;
        };
        let current = live.and_then(|live| live.get(field.name));
        let nothing_before = match live {
            Some(_) => current.is_some_and(|current| field.alike(current, value)),
            None => true,
        };
        if *value == Value::Null && nothing_before {
            continue;
        }
        let value = match (&field.shape, value) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let current = current.map_or(&[][..], Value::items);
                let current: BTreeMap<&ElementKey, &Fields> =
                    current.iter().map(|(k, f)| (k, f)).collect();
                let thin = |(key, fields): &(ElementKey, Fields)| {
                    let before = current.get(key).copied();
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
