//! Keeps the base of an object: for each managed field, the value on which manifest and live last agreed.
//!
//! In: the manifest's fields after an apply, or single changes after an undo or a heal. Out: the base that is stored
//! for the next run. `drift` compares with it to find who changed a field, and healing goes back to it. Nothing is
//! compared or written here.
//!
//! The base moves field by field. An apply moves each field whose live value is now the one that the manifest states.
//! An undo or a heal moves only the fields that it changed. A field that the run had to leave alone keeps its earlier
//! base.
//!
//! ```text
//! base            seats 10, note "n"
//! manifest        seats 25, note "m"   applied, with `note` ignored
//! base after      seats 25, note "n"
//! ```

use super::change::ChangeVerb;
use super::document::ChangeEntry;
use super::field_json::{read_element, read_value};
use super::spot::{Spot, changed_members};
use crate::model::field::{Elements, find_field};
use crate::model::path::PatternPart;
use crate::model::{
    Desired, ElementKey, Field, Fields, Live, Need, PathPattern, RiskRule, Shape, Text, Value,
};

/// The fields on which manifest and live of one object agreed last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Base {
    pub fields: Fields,
    /// Lists of which only the members named here were agreed on: a heal must not remove others.
    pub kept: Vec<String>,
    /// Paths of fields whose last write has an unknown outcome.
    pub unsettled: Vec<String>,
}

impl Base {
    /// Makes the fields of a manifest the base. Fields at `except` keep their earlier base.
    pub fn agree(&mut self, table: &'static [Field], mut fields: Fields, except: &[PathPattern]) {
        for pattern in except {
            copy_matching(table, pattern, &self.fields, &mut fields);
        }
        // A field that this run left alone stays unsettled if it was unsettled before.
        let asked = |path: &String| match PathPattern::parse(path) {
            Ok(path) => !except.iter().any(|except| patterns_overlap(except, &path)),
            Err(_) => true,
        };
        self.unsettled.retain(|path| !asked(path));
        self.fields = fields;
    }

    /// Moves the base by one change that was carried out, even if no manifest states the new value.
    pub fn follow(&mut self, table: &'static [Field], change: &ChangeEntry) {
        self.unsettled.retain(|path| !covers(&change.path, path));
        let Ok(spot) = Spot::find(table, &change.path) else {
            return;
        };
        match spot {
            Spot::Field(field) => self.follow_field(table, field, change),
            Spot::Element {
                list,
                elements,
                key,
                inner,
            } => self.follow_in(list, elements, &key, inner, change),
        }
    }

    fn follow_field(
        &mut self,
        table: &'static [Field],
        field: &'static Field,
        change: &ChangeEntry,
    ) {
        let base_value = self.fields.get(field.name);
        let value = match (
            base_value,
            changed_members(field, &change.before, &change.after),
        ) {
            // Members that other writers added were in the set before the change; they do not join the base now.
            (Some(Value::Set(base_value)), Some((added, removed))) => {
                let stay = base_value.difference(&removed).cloned();
                Some(Value::set(stay.chain(added)))
            }
            _ => read_value(field, &change.after),
        };
        let names = table
            .iter()
            .filter(|other| other.stands_for == Some(field.name));
        names.for_each(|names| {
            self.fields.remove(names.name);
        });
        if let Some(value) = value {
            self.fields.insert(field.name, value);
        }
    }

    /// Moves the base by a change inside a list. A list without a base stays without one, since its other elements are
    /// unknown.
    fn follow_in(
        &mut self,
        list: &'static Field,
        elements: &'static Elements,
        key: &ElementKey,
        inner: Option<&'static Field>,
        change: &ChangeEntry,
    ) {
        let Some(Value::Items(items)) = self.fields.get(list.name) else {
            return;
        };
        let mut items = items.to_vec();
        match (inner, change.verb) {
            (None, ChangeVerb::Remove) => items.retain(|(other, _)| other != key),
            (None, ChangeVerb::Add | ChangeVerb::Replace) => {
                items.retain(|(other, _)| other != key);
                // Counters move with use, so they are never agreed on.
                let uncounted = |(key, fields): (ElementKey, Fields)| {
                    let base_item = fields.into_iter().filter(|(name, _)| {
                        let field = find_field(elements.fields, name);
                        field.is_some_and(|field| field.risk != RiskRule::Counter)
                    });
                    (key, base_item.collect())
                };
                items.extend(read_element(elements, &change.after).map(uncounted));
            }
            (Some(field), _) => {
                let base_item = items.iter_mut().find(|(other, _)| other == key);
                if let (Some((_, fields)), Some(value)) =
                    (base_item, read_value(field, &change.after))
                {
                    fields.insert(field.name, value);
                }
            }
        }
        self.fields.insert(list.name, Value::Items(items.into()));
    }

    /// Marks the fields of `changes` as unsettled: it is unknown whether the changes were carried out.
    pub fn unsettle(&mut self, changes: &[ChangeEntry]) {
        for change in changes {
            if !self.unsettled.contains(&change.path) {
                self.unsettled.push(change.path.clone());
            }
        }
    }

    /// Reports whether the outcome of the last write is unknown for the field at `path`, for something in it or for
    /// something around it.
    pub fn is_unsettled(&self, path: &str) -> bool {
        let mut open = self.unsettled.iter();
        open.any(|open| covers(open, path) || covers(path, open))
    }
}

/// Reports whether the path `inner` is `outer` or lies inside it.
pub fn covers(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Reports whether one of two patterns names a place at or inside a place that the other one names.
fn patterns_overlap(one: &PathPattern, other: &PathPattern) -> bool {
    one.parts.iter().zip(&other.parts).all(|parts| match parts {
        (PatternPart::AnyElement, PatternPart::Element(_) | PatternPart::AnyElement)
        | (PatternPart::Element(_), PatternPart::AnyElement) => true,
        (one, other) => one == other,
    })
}

/// Makes `to` equal to `from` at the places that `pattern` names.
fn copy_matching(table: &'static [Field], pattern: &PathPattern, from: &Fields, to: &mut Fields) {
    let Some((PatternPart::Field(name), rest)) = pattern.parts.split_first() else {
        return;
    };
    let Some(field) = find_field(table, name) else {
        return;
    };
    let (Some((part, inner)), Shape::Keyed(elements)) = (rest.split_first(), &field.shape) else {
        set_or_remove(field.name, from.get(field.name), to);
        return;
    };
    let Some(Value::Items(items)) = to.get(field.name) else {
        return;
    };
    let named = |key: &ElementKey| match part {
        PatternPart::Element(texts) => ElementKey::new(texts.clone(), elements.fold) == *key,
        PatternPart::AnyElement => true,
        PatternPart::Field(_) => false,
    };
    let before = from.get(field.name).map_or(&[][..], Value::items);
    let mut items = items.to_vec();
    match inner {
        [] => {
            items.retain(|(key, _)| !named(key));
            items.extend(before.iter().filter(|(key, _)| named(key)).cloned());
        }
        [PatternPart::Field(name), ..] => {
            let inner = find_field(elements.fields, name);
            for (key, fields) in items.iter_mut().filter(|(key, _)| named(key)) {
                let before = before.iter().find(|(other, _)| other == key);
                if let Some(inner) = inner {
                    let value = before.and_then(|(_, fields)| fields.get(inner.name));
                    set_or_remove(inner.name, value, fields);
                }
            }
        }
        _ => {}
    }
    to.insert(field.name, Value::Items(items.into()));
}

fn set_or_remove(name: &'static str, value: Option<&Value>, to: &mut Fields) {
    match value {
        Some(value) => {
            to.insert(name, value.clone());
        }
        None => {
            to.remove(name);
        }
    }
}

/// Resolves the names in agreed fields to ids, as far as possible: by the ids that were stored with the fields, then by
/// what the same names stand for now, then by the list that was read for other names.
///
/// The second value is true if a name is left that cannot be resolved.
pub fn resolve_names(
    table: &'static [Field],
    base: &Fields,
    desired: &Desired,
    live: &Live,
) -> (Fields, bool) {
    let mut fields = base.clone();
    let mut unclear = false;
    for field in table.iter().filter(|field| field.need == Need::Never) {
        let (Some(given), Some(name)) = (fields.remove(field.name), field.stands_for) else {
            continue;
        };
        let Some(target) = find_field(table, name) else {
            continue;
        };
        if fields.contains_key(target.name) {
            continue;
        }
        let same = desired.fields.get(field.name).as_ref() == Some(&given);
        let read = live.resolved.iter().find(|one| one.given == field.name);
        let ids = match (read, &given) {
            (Some(read), _) if same => Some(read.value.clone()),
            (Some(read), Value::Set(names)) => {
                let ids = names.iter().map(|name| read.list.get(name).cloned());
                let ids: Option<Vec<Text>> = ids.collect();
                ids.map(Value::set)
            }
            _ => None,
        };
        match ids {
            Some(ids) => {
                fields.insert(target.name, ids);
            }
            None => unclear = true,
        }
    }
    (fields, unclear)
}

#[cfg(test)]
mod tests;
