//! Inverts changes that were carried out: returns the fields to desire so that they are taken back.
//!
//! In: the changes of a run as its document keeps them, and live as it is now. Out: an [`Inverse`], with the changes
//! that cannot be taken back and the reason for each. The inverse is planned and sent like any manifest; no write is
//! made here.
//!
//! A field returns to its old value only where live is still as the run left it. A value that others, or a later run,
//! wrote since is kept and named. Lists and sets start from live and are judged element by element and member by
//! member. `changed_too` overrides this for a user who names the field.
//!
//! Worked example for the change `seats` 10 → 25:
//!
//! ```text
//! live 25   desire seats: 10
//! live 10   desire nothing, it is taken back already
//! live 40   lost: "seats: changed since: it is 40, and the run left 25"; with `changed_too` desire seats: 10
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::carry;
use super::change::ChangeVerb;
use super::document::ChangeEntry;
use super::risk::UNSEEN;
use super::schedule;
use super::spot::{Spot, Stand, changed_members, state_of_change};
use crate::model::field::Elements;
use crate::model::{
    Carry, Clearing, ElementKey, Field, Fields, Live, RiskRule, Shape, Text, Value,
};
use crate::provider::codec;

/// Holds the fields to desire so that changes are taken back, and the changes that are not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inverse {
    pub fields: Fields,
    pub lost: Vec<NotUndone>,
}

/// A change that is not taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct NotUndone {
    pub path: String,
    pub why: Obstacle,
}

/// Says why a change is not taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// Live differs from the value that the run left.
    ChangedSince {
        is: String,
        left: String,
    },
    /// The field had no value before, and the vendor cannot clear it. Nothing is lost where another field of the
    /// inverse makes this one meaningless.
    NotClearable,
    Other(String),
}

impl std::fmt::Display for NotUndone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, why } = self;
        match why {
            Obstacle::ChangedSince { is, left } => {
                write!(
                    f,
                    "{path}: changed since: it is {is}, and the run left {left}"
                )
            }
            Obstacle::NotClearable => {
                write!(
                    f,
                    "{path}: it was not set before, and the vendor cannot clear it"
                )
            }
            Obstacle::Other(why) => write!(f, "{path}: {why}"),
        }
    }
}

/// Inverts `changes` on an object that is now `live`.
///
/// With `changed_too`, a field that was changed since the run is taken back as well.
pub fn invert_changes(
    table: &'static [Field],
    changes: &[ChangeEntry],
    live: &Live,
    changed_too: bool,
) -> Inverse {
    let mut taking = Taking {
        table,
        live: &live.fields,
        changed_too,
        fields: Fields::new(),
        lists: BTreeMap::new(),
    };
    let mut lost = Vec::new();
    for change in changes {
        if let Err(why) = taking.take(change) {
            let path = change.path.clone();
            lost.push(NotUndone { path, why });
        }
    }
    let mut fields = taking.fields;
    for (name, items) in taking.lists {
        fields.insert(name, Value::Items(items.into()));
    }
    Inverse { fields, lost }
}

/// Collects the inverse, change by change. `lists` holds each keyed list as it shall be, starting from live, so that
/// several changes of one list add up.
struct Taking<'a> {
    table: &'static [Field],
    live: &'a Fields,
    changed_too: bool,
    fields: Fields,
    lists: BTreeMap<&'static str, Vec<(ElementKey, Fields)>>,
}

impl Taking<'_> {
    /// Adds the inverse of one change; `Err` with the reason if there is none.
    fn take(&mut self, change: &ChangeEntry) -> Result<(), Obstacle> {
        if schedule::is_of_update(&change.path) {
            let why = "what is scheduled at the vendor follows the manifest: take its dated change back there";
            return Err(Obstacle::Other(why.into()));
        }
        let spot = Spot::find(self.table, &change.path)
            .map_err(|error| Obstacle::Other(error.to_string()))?;
        if !self.live.contains_key(spot.top().name) && is_list(spot.top()) {
            return Err(Obstacle::Other("the read does not show the list".into()));
        }
        match &spot {
            Spot::Field(field) => match changed_members(field, &change.before, &change.after) {
                Some(moved) if matches!(field.shape, Shape::Set(_)) => {
                    self.take_members(field, &moved.0, &moved.1);
                    Ok(())
                }
                _ => self.take_field(field, change, &spot),
            },
            Spot::Element {
                list,
                elements,
                key,
                inner,
            } => {
                refuse_lasting(*inner, change)?;
                if inner.is_some() && self.item(list, key).is_none() {
                    return Err(Obstacle::Other("the element is not there any more".into()));
                }
                if !self.is_as_left(change, &spot)? {
                    return Ok(());
                }
                let items = self.items(list, elements);
                put_back(items, elements, key, *inner, change)
            }
        }
    }

    /// Adds the inverse of a change of a field that is not inside a list.
    fn take_field(
        &mut self,
        field: &'static Field,
        change: &ChangeEntry,
        spot: &Spot,
    ) -> Result<(), Obstacle> {
        refuse_lasting(Some(field), change)?;
        if self.is_as_left(change, spot)? {
            self.fields.insert(field.name, value_before(field, change)?);
        }
        Ok(())
    }

    /// Reports whether there is something to take back: `false` if live is as before the change already.
    ///
    /// `Err` if live is neither as before nor as after, unless `changed_too` is set.
    fn is_as_left(&self, change: &ChangeEntry, spot: &Spot) -> Result<bool, Obstacle> {
        match state_of_change(self.table, change, self.live) {
            Stand::After => Ok(true),
            Stand::Before => Ok(false),
            Stand::Neither if self.changed_too => Ok(true),
            Stand::Neither => Err(Obstacle::ChangedSince {
                is: spot.json(self.live).to_string(),
                left: change.after.to_string(),
            }),
        }
    }

    /// Removes from the live set what the change added and adds what it removed. Other members stay.
    ///
    /// The run made {a, b} into {b, c} and live is {b, c, x}: the inverse is {a, b, x}.
    fn take_members(
        &mut self,
        field: &'static Field,
        added: &BTreeSet<Text>,
        removed: &BTreeSet<Text>,
    ) {
        let current = match self.live.get(field.name) {
            Some(Value::Set(current)) => (**current).clone(),
            _ => Default::default(),
        };
        if added.is_disjoint(&current) && removed.is_subset(&current) {
            return;
        }
        let stay = current.difference(added).cloned();
        let value = Value::set(stay.chain(removed.iter().cloned()));
        self.fields.insert(field.name, value);
    }

    /// Returns the live element with this key; `None` if the list or the element is not there.
    fn item(&self, list: &Field, key: &ElementKey) -> Option<&Fields> {
        self.live.get(list.name)?.item(key)
    }

    /// Returns the list as it shall be. It starts from live, without counters.
    fn items(
        &mut self,
        list: &'static Field,
        elements: &'static Elements,
    ) -> &mut Vec<(ElementKey, Fields)> {
        let current = self.live.get(list.name).map_or(&[][..], Value::items);
        self.lists.entry(list.name).or_insert_with(|| {
            let current = current.iter();
            current
                .map(|(key, fields)| (key.clone(), carry::carried_fields(elements, fields)))
                .collect()
        })
    }
}

/// Applies the inverse of one change to a list: drops an added element, restores a removed or replaced one, sets a
/// field of an element to its old value.
fn put_back(
    items: &mut Vec<(ElementKey, Fields)>,
    elements: &'static Elements,
    key: &ElementKey,
    inner: Option<&'static Field>,
    change: &ChangeEntry,
) -> Result<(), Obstacle> {
    match (inner, change.verb) {
        (None, ChangeVerb::Add) => items.retain(|(other, _)| other != key),
        (None, ChangeVerb::Remove | ChangeVerb::Replace) => {
            // Keep the counters: an element that is restored without them would start anew.
            let (_, fields) = codec::decode_element(elements, &change.before)
                .map_err(|fault| Obstacle::Other(fault.to_string()))?;
            items.retain(|(other, _)| other != key);
            items.push((key.clone(), fields));
        }
        (Some(field), _) => {
            let value = value_before(field, change)?;
            if let Some((_, fields)) = items.iter_mut().find(|(other, _)| other == key) {
                fields.insert(field.name, value);
            }
        }
    }
    Ok(())
}

/// Reports whether the field is a set or a keyed list.
fn is_list(field: &Field) -> bool {
    matches!(field.shape, Shape::Set(_) | Shape::Keyed(_))
}

/// Refuses changes that can never be taken back: usage counters, and one-shot requests that were made.
///
/// `field` is `None` for an element as a whole, which is never refused here.
fn refuse_lasting(field: Option<&'static Field>, change: &ChangeEntry) -> Result<(), Obstacle> {
    let Some(field) = field else { return Ok(()) };
    if field.risk == RiskRule::Counter {
        let why = "a usage counter is not set back: what was used since would be lost";
        return Err(Obstacle::Other(why.into()));
    }
    if matches!(field.carry, Carry::OneShot { .. }) && change.after == true {
        let why = "it was a request to the vendor and has been made";
        return Err(Obstacle::Other(why.into()));
    }
    Ok(())
}

/// Returns the value before the change. `Err` if it is unknown, cannot be read, or is a null that the vendor cannot
/// write.
fn value_before(field: &'static Field, change: &ChangeEntry) -> Result<Value, Obstacle> {
    let unseen = change
        .note
        .as_ref()
        .is_some_and(|note| note.contains(UNSEEN));
    if unseen && change.before.is_null() {
        let why = "it is unknown what it was: the read before the write did not show it";
        return Err(Obstacle::Other(why.into()));
    }
    let value = codec::decode_value(field, &change.before, &change.path)
        .map_err(|fault| Obstacle::Other(fault.to_string()))?;
    if value == Value::Null && field.clearing == Clearing::Impossible && !is_list(field) {
        return Err(Obstacle::NotClearable);
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
