//! Plans the creation of an object that its vendor does not have, and the removal of one that is to be gone.
//!
//! ```text
//! manifest                       live       plan
//! create: true, seats 5          nothing    create   + seats 5         POST, then the calls of fields that it does not take
//! state: absent                  seats 5    remove   - seats 5         DELETE
//! state: absent                  nothing    in sync
//! ```

use std::sync::Arc;

use jiff::Timestamp;

use super::step::{self, Step, StepWrite};
use super::{Change, ChangeVerb, Disposition, Planned, Unplannable, carry, diff, fingerprint};
use crate::model::live::Facts;
use crate::model::{
    Desired, FieldPath, Fields, KindTable, Live, PathPart, PolicyMode, Risk, Value, WritePurpose,
};
use crate::provider::{ResourceKind, Write};

/// Plans the creation of an object. `facts` are what a read shows of it beforehand.
pub fn plan_creation(
    kind: &dyn ResourceKind,
    desired: &Arc<Desired>,
    facts: &Facts,
    now: Timestamp,
) -> Planned {
    let table = kind.table();
    let nothing = Live::default();
    let mut next = carry::carry(table.desired, desired, &nothing);
    add_key(kind, desired, &mut next);
    let mut changes = diff::diff(table.desired, &next, &nothing, now);
    let creation = desired.creation.unpack();
    let only = table.lifecycle.creation_fields();
    changes.extend(diff::diff(only, &creation, &nothing, now));
    next.extend(creation);
    for change in &mut changes {
        // That nothing was there before takes nothing from anybody, whatever the field.
        (change.risk, change.note) = (Risk::Create, None);
    }
    let step = creation_step(kind, desired, &next, &changes);
    let mut planned = finish(
        desired,
        Disposition::Create,
        &nothing,
        table,
        changes,
        step,
        now,
    );
    if planned.message.is_none() {
        let facts = facts.clone();
        planned.message = kind.note(&Live { facts, ..nothing });
    }
    planned
}

/// Says which fields of a manifest an object that is there has no use for: those that only its creation takes.
pub fn note_creation_fields(desired: &Desired) -> Option<String> {
    if desired.creation.is_empty() {
        return None;
    }
    let fields = desired.creation.unpack();
    let names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    Some(format!(
        "{} {are} only used at creation",
        names.join(" and ")
    ))
}

/// Adds the fields that put the natural key onto the object, so that the plan shows them and the call sends them.
fn add_key(kind: &dyn ResourceKind, desired: &Desired, next: &mut Fields) {
    if !desired.is_keyed(kind.table()) {
        return;
    }
    for (name, value) in kind.key_fields(desired).iter() {
        if !next.contains_key(name) {
            next.insert(name, value.clone());
        }
    }
}

/// Plans the removal of an object, which shows all that goes with it. Fields without a value are left out.
pub fn plan_removal(
    kind: &dyn ResourceKind,
    desired: &Arc<Desired>,
    live: &Live,
    now: Timestamp,
) -> Planned {
    let table = kind.table();
    let fields = table.desired.iter();
    let changes = fields.filter_map(|field| {
        let before = live.fields.get(field.name)?;
        let holds_something = !matches!(before, Value::Null) && *before != Value::Text("".into());
        holds_something.then(|| Change {
            path: FieldPath::default().field(field.name),
            verb: ChangeVerb::Remove,
            before: Some(field.shape.json(before)),
            after: None,
            risk: Risk::Destroy,
            note: None,
            users: None,
        })
    });
    let changes: Vec<Change> = changes.collect();
    let write = Write {
        desired,
        live,
        purpose: WritePurpose::Remove,
        fields: Fields::new(),
    };
    let step = match table.lifecycle.remove {
        Some(_) => Ok(Step {
            writes: vec![StepWrite {
                purpose: WritePurpose::Remove,
                call: kind.encode(&write),
                sent: Fields::new(),
                changes: (0..changes.len()).collect(),
            }],
        }),
        None => Err(Unplannable::NoRemoval),
    };
    let mut planned = finish(
        desired,
        Disposition::Remove,
        live,
        table,
        changes,
        step,
        now,
    );
    if planned.message.is_none() {
        planned.message = kind.note(live);
    }
    planned
}

/// Returns what would let a missing object be created; `None` if its kind cannot be.
pub fn advise_creation(table: &KindTable, desired: &Desired) -> Option<&'static str> {
    table.lifecycle.create?;
    let is_findable = table.lifecycle.key.is_none() || desired.is_keyed(table);
    is_findable.then_some("`--create`, or `create: true` in its policy, creates it")
}

/// Makes the writes of a creation: the call that creates the object, then the calls of the fields that it does not take.
fn creation_step(
    kind: &dyn ResourceKind,
    desired: &Desired,
    next: &Fields,
    changes: &[Change],
) -> Result<Step, Unplannable> {
    let table = kind.table();
    let create = table.lifecycle.create.ok_or(Unplannable::NoCreation)?;
    let lacking = create.missing(&|name| next.get(name));
    if !lacking.is_empty() {
        return Err(Unplannable::MissingMembers(lacking));
    }
    let is_later = |change: &Change| match change.path.parts().first() {
        Some(PathPart::Field(name)) => create.excluded.contains(name),
        _ => false,
    };
    let fields = next.iter();
    let fields = fields.filter(|(name, _)| !create.excluded.contains(name));
    let nothing = Live::default();
    let write = Write {
        desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: fields.map(|(name, value)| (name, value.clone())).collect(),
    };
    let carried = changes.iter().enumerate();
    let carried = carried.filter(|(_, change)| !is_later(change));
    let first = StepWrite {
        purpose: WritePurpose::Create,
        call: kind.encode(&write),
        sent: write.fields,
        changes: carried.map(|(index, _)| index).collect(),
    };
    let later: Vec<(usize, &Change)> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| is_later(change))
        .collect();
    let later = step::make_writes(kind, desired, &nothing, next, &later)?;
    Ok(Step {
        writes: std::iter::once(first).chain(later).collect(),
    })
}

/// Makes the entry of a creation or removal. An object that may only be observed has no step.
fn finish(
    desired: &Arc<Desired>,
    action: Disposition,
    live: &Live,
    table: &'static KindTable,
    changes: Vec<Change>,
    step: Result<Step, Unplannable>,
    now: Timestamp,
) -> Planned {
    let mut planned = Planned::bare(desired, action, None);
    planned.fingerprint = Some(fingerprint::fingerprint_of(table.desired, desired, live));
    planned.changes = changes;
    match step {
        Ok(step) if desired.policy.mode_at(now) == PolicyMode::Enforce => {
            planned.step = Some(Box::new(step));
        }
        Ok(_) => planned.action = Disposition::Observe,
        Err(error) => {
            planned.action = Disposition::Error;
            planned.message = Some(error.to_string());
        }
    }
    planned
}
