//! Makes writes of the changes: decides which calls go out, and which members their bodies carry. The one exhaustive
//! match on write modes.
//!
//! For example, a kind has two calls, one for `seats` and `note`, one for `expires`. A change of `seats` is one write; a
//! change of `note` and `expires` is two, in the order of the calls; `seats` and `note` together are one.

use std::collections::{BTreeMap, BTreeSet};

use super::Unplannable;
use super::change::Change;
use crate::model::field::sent_as_one;
use crate::model::{
    Call, Desired, ElementKey, Field, FieldPath, Fields, Live, Need, PathPart, Shape, Value,
    WriteMode, WritePurpose,
};
use crate::provider::{ResourceKind, Route, Write, conditions};

/// The writes of one object, in the order in which they are sent; at least one.
#[derive(Clone, Debug)]
pub struct Step {
    pub writes: Vec<StepWrite>,
}

/// One write, complete: what is sent and what it is sent for.
#[derive(Clone, Debug)]
pub struct StepWrite {
    pub purpose: WritePurpose,
    pub call: Call,
    /// The members of the body, canonical.
    pub sent: Fields,
    /// The changes that it carries out, by their index among those of the object.
    pub changes: Vec<usize>,
}

impl StepWrite {
    /// Reports whether the body has a member at its top that none of `changes`, which are those of the object, concerns:
    /// such a member goes out as it was read, over whatever somebody made of it since.
    pub fn carries_along(&self, changes: &[Change]) -> bool {
        let carried: Vec<&Change> = self
            .changes
            .iter()
            .filter_map(|at| changes.get(*at))
            .collect();
        self.sent.len() > changed_fields(&self.sent, &carried).len()
    }
}

impl Step {
    /// Returns the position of the write that carries out the change with this index; `None` if none does.
    pub fn position_of(&self, change: usize) -> Option<usize> {
        let mut writes = self.writes.iter();
        writes.position(|write| write.changes.contains(&change))
    }
}

/// Makes the writes that carry out `changes`: one for each call with a change among its fields, or one for each element
/// where the kind says so (`ResourceKind::route`).
pub fn make_step(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    next: &Fields,
    changes: &[Change],
) -> Result<Step, Unplannable> {
    let changes: Vec<(usize, &Change)> = changes.iter().enumerate().collect();
    let writes = make_writes(kind, desired, live, next, &changes)?;
    Ok(Step { writes })
}

/// Makes the writes of `changes`, each with its index among those of the object.
pub fn make_writes(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    next: &Fields,
    changes: &[(usize, &Change)],
) -> Result<Vec<StepWrite>, Unplannable> {
    let table = kind.table();
    let mut writes = Vec::new();
    for index in 0..table.calls.len() {
        let belongs = |(_, change): &&(usize, &Change)| table.call_of(&change.path) == index;
        let (carried, carried_changes): (Vec<usize>, Vec<&Change>) =
            changes.iter().filter(belongs).copied().unzip();
        if carried_changes.is_empty() {
            continue;
        }
        let paths: Vec<&FieldPath> = carried_changes.iter().map(|change| &change.path).collect();
        if let Route::EachElement(call) = kind.route(index, live, next, &paths)? {
            let elements = group_by_element(next, &carried, &carried_changes);
            writes.extend(elements.into_iter().map(|(sent, changes)| {
                let purpose = WritePurpose::Update(call);
                make_write(kind, (desired, live), purpose, sent, changes)
            }));
            continue;
        }
        let sent = body_members(
            table.fields_of(index),
            table.calls[index].mode,
            live,
            next,
            &carried_changes,
        )?;
        let purpose = WritePurpose::Update(index);
        writes.push(make_write(kind, (desired, live), purpose, sent, carried));
    }
    Ok(writes)
}

/// Makes one write of the members `sent`, which carries out `changes`.
fn make_write(
    kind: &dyn ResourceKind,
    (desired, live): (&Desired, &Live),
    purpose: WritePurpose,
    sent: Fields,
    changes: Vec<usize>,
) -> StepWrite {
    let write = Write {
        desired,
        live,
        purpose,
        fields: sent.clone(),
    };
    StepWrite {
        purpose,
        call: kind.encode(&write),
        sent,
        changes,
    }
}

/// Groups changes of members by the element that they belong to. Returns, for each element in the order of its first
/// change, its list with nothing in it but the changed members, and the indices of the changes.
fn group_by_element(
    next: &Fields,
    indices: &[usize],
    changes: &[&Change],
) -> Vec<(Fields, Vec<usize>)> {
    let mut groups: Vec<(&ElementKey, &'static str, Fields, Vec<usize>)> = Vec::new();
    for (index, change) in indices.iter().zip(changes) {
        let [
            PathPart::Field(list),
            PathPart::Element(key),
            PathPart::Field(member),
        ] = change.path.parts()
        else {
            continue;
        };
        let at = match groups.iter().position(|(known, ..)| *known == key) {
            Some(at) => at,
            None => {
                groups.push((key, list, Fields::new(), Vec::new()));
                groups.len() - 1
            }
        };
        let element = next.get(list).and_then(|list| list.item(key));
        let (_, _, fields, carried) = &mut groups[at];
        if let Some(value) = element.and_then(|element| element.get(member)) {
            fields.insert(member, value.clone());
        }
        carried.push(*index);
    }
    let sent = |(key, list, fields, carried): (&ElementKey, &'static str, Fields, Vec<usize>)| {
        let items = Value::Items([(key.clone(), fields)].into());
        (Fields::from([(list, items)]), carried)
    };
    groups.into_iter().map(sent).collect()
}

/// Returns the members that the body of a call carries. `table` has the fields of the call, `changes` its changes.
pub fn body_members(
    table: &'static [Field],
    mode: WriteMode,
    live: &Live,
    next: &Fields,
    changes: &[&Change],
) -> Result<Fields, Unplannable> {
    let next = fields_in(table, next);
    let sent = match mode {
        WriteMode::Merge => return with_partners(table, changed_fields(&next, changes), &next),
        WriteMode::Bodiless | WriteMode::Element => return Ok(changed_fields(&next, changes)),
        WriteMode::Overwrite => next.clone(),
        WriteMode::FullPatch => without_idle_nulls(table, &next, Some(&live.fields)),
    };
    match conditions::missing_members(table, &next) {
        lacking if lacking.is_empty() => Ok(sent),
        lacking => Err(Unplannable::MissingMembers(lacking)),
    }
}

/// Keeps the members that the table has.
fn fields_in(table: &'static [Field], fields: &Fields) -> Fields {
    let belongs =
        |(name, _): &(&'static str, &Value)| table.iter().any(|field| field.name == *name);
    fields
        .iter()
        .filter(belongs)
        .map(|(name, value)| (name, value.clone()))
        .collect()
}

/// Keeps only the top-level members in which something changes: a change of `items[a].seats` sends all of `items`.
fn changed_fields(next: &Fields, changes: &[&Change]) -> Fields {
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

/// Adds the members that the vendor wants in each body, or in each that has one of `sent`, and the other members of the
/// objects that `sent` has a part of, with the values that they keep.
///
/// `Err` names those that neither manifest nor live has, or two of `sent` that exclude each other.
fn with_partners(
    table: &'static [Field],
    mut sent: Fields,
    next: &Fields,
) -> Result<Fields, Unplannable> {
    let mut excluding = table
        .iter()
        .filter_map(|field| Some((field.name, field.excludes?)));
    if let Some((one, other)) =
        excluding.find(|(one, other)| sent.contains_key(one) && sent.contains_key(other))
    {
        return Err(Unplannable::Exclusive(one, other));
    }
    let changed: Vec<&'static Field> = table
        .iter()
        .filter(|field| sent.contains_key(field.name))
        .collect();
    let mates = changed
        .iter()
        .flat_map(|field| sent_as_one(table, field.name));
    for mate in mates {
        if let (false, Some(value)) = (sent.contains_key(mate.name), next.get(mate.name)) {
            sent.insert(mate.name, value.clone());
        }
    }
    let going = changed.iter();
    let partners = going.filter_map(|field| field.sent_with);
    let required = table.iter().filter(|field| field.need == Need::Required);
    let partners: BTreeSet<&'static str> =
        partners.chain(required.map(|field| field.name)).collect();
    let partners = partners.into_iter().filter(|name| !sent.contains_key(name));
    let partners: Vec<&'static str> = partners.collect();
    let mut lacking = Vec::new();
    for partner in partners {
        match next.get(partner) {
            Some(value) if *value != Value::Null => {
                sent.insert(partner, value.clone());
            }
            _ => lacking.push(partner.to_string()),
        }
    }
    match lacking.is_empty() {
        true => Ok(sent),
        false => Err(Unplannable::MissingMembers(lacking)),
    }
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
