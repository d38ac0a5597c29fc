//! The inverse of changes that were carried out once: what to desire so that they are taken back.
//!
//! Lists start from live, so that what others did to them since stays; only the elements and fields that
//! the changes name go back to what they were.

use std::collections::BTreeMap;

use super::carry;
use super::diff::ChangeVerb;
use super::document::ChangeEntry;
use crate::model::field::{Elements, find};
use crate::model::path::PatternPart;
use crate::model::{
    Carry, Clearing, Field, Fields, Key, Live, PathPattern, RiskRule, Shape, Value,
};
use crate::provider::codec;

/// What to desire, and what cannot be taken back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inverse {
    pub fields: Fields,
    pub lost: Vec<String>,
}

/// The inverse of `changes` on an object that is now `live`.
pub fn inverse(table: &'static [Field], changes: &[ChangeEntry], live: &Live) -> Inverse {
    let mut inverse = Inverse::default();
    let mut lists: BTreeMap<&'static str, Vec<(Key, Fields)>> = BTreeMap::new();
    for change in changes {
        if let Err(why) = one(table, change, live, &mut inverse.fields, &mut lists) {
            inverse.lost.push(format!("{}: {why}", change.path));
        }
    }
    for (name, items) in lists {
        inverse.fields.insert(name, Value::Items(items.into()));
    }
    inverse
}

fn one(
    table: &'static [Field],
    change: &ChangeEntry,
    live: &Live,
    fields: &mut Fields,
    lists: &mut BTreeMap<&'static str, Vec<(Key, Fields)>>,
) -> Result<(), String> {
    let pattern = PathPattern::parse(&change.path)?;
    let Some((PatternPart::Field(name), rest)) = pattern.parts.split_first() else {
        return Err("the path names no field".into());
    };
    let field = find(table, name).ok_or("the kind has no such field")?;
    match (rest, &field.shape) {
        ([], _) => {
            fields.insert(field.name, before(field, change)?);
            Ok(())
        }
        ([PatternPart::Element(texts), inner @ ..], Shape::Keyed(elements)) => {
            let key = Key::new(texts.clone(), elements.fold);
            let items = lists.entry(field.name).or_insert_with(|| {
                let held = live.fields.get(field.name).map_or(&[][..], Value::items);
                held.iter()
                    .map(|(key, fields)| (key.clone(), carry::carried(elements, fields)))
                    .collect()
            });
            in_list(elements, key, inner, change, items)
        }
        _ => Err("the path does not fit the field".into()),
    }
}

fn in_list(
    elements: &'static Elements,
    key: Key,
    inner: &[PatternPart],
    change: &ChangeEntry,
    items: &mut Vec<(Key, Fields)>,
) -> Result<(), String> {
    match (inner, change.verb) {
        ([], ChangeVerb::Add) => items.retain(|(other, _)| *other != key),
        ([], ChangeVerb::Remove | ChangeVerb::Replace) => {
            let (_, fields) =
                codec::element(elements, &change.before).map_err(|fault| fault.to_string())?;
            items.retain(|(other, _)| *other != key);
            items.push((key, carry::carried(elements, &fields)));
        }
        ([PatternPart::Field(name)], _) => {
            let field = find(elements.fields, name).ok_or("the element has no such field")?;
            let value = before(field, change)?;
            let Some((_, fields)) = items.iter_mut().find(|(other, _)| *other == key) else {
                return Err("the element is not there any more".into());
            };
            fields.insert(field.name, value);
        }
        _ => return Err("the path does not fit the field".into()),
    }
    Ok(())
}

/// The value before the change, if it can be wanted again.
fn before(field: &'static Field, change: &ChangeEntry) -> Result<Value, String> {
    if field.risk == RiskRule::Counter {
        return Err("a usage counter is not set back: what was used since would be lost".into());
    }
    if matches!(field.carry, Carry::OneShot { .. }) && change.after == true {
        return Err("it was a request to the vendor and has been made".into());
    }
    let value =
        codec::value(field, &change.before, &change.path).map_err(|fault| fault.to_string())?;
    let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
    if value == Value::Null && field.clearing == Clearing::Impossible && !list {
        return Err("it was not set before, and the vendor cannot clear it".into());
    }
    Ok(value)
}
