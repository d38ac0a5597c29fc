//! Finds the changes of a saved document in the field table again and compares them with live.
//!
//! In: a path or a `ChangeEntry` as a plan or journal keeps it, and live fields. Out: the field or element that is
//! meant (`Spot`), and whether live is as it was before the change, as it is after, or neither (`Stand`). Nothing is
//! planned or weighed here; resuming, undoing and checking a plan decide what a `Stand` means for them.
//!
//! Worked example for the change `seats` 10 → 25:
//!
//! ```text
//! live 10   Before    it has not been carried out
//! live 25   After     it has, by this plan or by another hand
//! live 12   Neither   a third value: the plan is out of date
//! ```

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::change::ChangeVerb;
use super::document::ChangeEntry;
use super::field_json::read_element;
use crate::model::field::{Elements, find_field};
use crate::model::path::PatternPart;
use crate::model::{
    ElementKey, Field, Fields, PathError, PathPattern, RiskRule, Shape, Text, Value,
};
use crate::provider::codec;

/// Names the place of a change: a field of the object, an element of a list, or a field of an element.
#[derive(Clone)]
pub enum Spot {
    Field(&'static Field),
    Element {
        list: &'static Field,
        elements: &'static Elements,
        key: ElementKey,
        /// The field of the element; `None` for the element as a whole.
        inner: Option<&'static Field>,
    },
}

/// Tells how live relates to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Live is as the change found it.
    Before,
    /// Live is as the change left it.
    After,
    /// Live is neither: something else changed it since.
    Neither,
}

/// Says why a path of a document does not lead to a field of the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpotError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("the path names no field")]
    NoField,
    #[error("the kind has no such field")]
    UnknownField,
    #[error("the element has no such field")]
    UnknownMember,
    #[error("the path does not fit the field")]
    Misfit,
}

impl Spot {
    /// Finds the place that `path` names, for example `name`, `Features[A 1]` or `Features[A 1].count`.
    ///
    /// `Err` if the path cannot be parsed, names a field that the kind or the element does not have, or goes into a
    /// field that has nothing inside. This happens with documents that were written for another version of the table.
    pub fn find(table: &'static [Field], path: &str) -> Result<Self, SpotError> {
        let pattern = PathPattern::parse(path)?;
        let Some((PatternPart::Field(name), rest)) = pattern.parts.split_first() else {
            return Err(SpotError::NoField);
        };
        let field = find_field(table, name).ok_or(SpotError::UnknownField)?;
        match (rest, &field.shape) {
            ([], _) => Ok(Self::Field(field)),
            ([PatternPart::Element(texts), rest @ ..], Shape::Keyed(elements)) => {
                let inner = match rest {
                    [] => None,
                    [PatternPart::Field(name)] => {
                        let inner = find_field(elements.fields, name);
                        Some(inner.ok_or(SpotError::UnknownMember)?)
                    }
                    _ => return Err(SpotError::Misfit),
                };
                Ok(Self::Element {
                    list: field,
                    elements,
                    key: ElementKey::new(texts.clone(), elements.fold),
                    inner,
                })
            }
            _ => Err(SpotError::Misfit),
        }
    }

    /// Returns the field itself, or the list that contains the element.
    pub fn top(&self) -> &'static Field {
        match self {
            Self::Field(field) | Self::Element { list: field, .. } => field,
        }
    }

    /// Returns the value that `fields` have at this place, as documents spell it; `Null` where they have none.
    pub fn json(&self, fields: &Fields) -> Json {
        let shown =
            |field: &Field, value: Option<&Value>| value.map(|value| field.shape.json(value));
        let found = match self {
            Self::Field(field) => shown(field, fields.get(field.name)),
            Self::Element {
                list,
                elements,
                key,
                inner,
            } => {
                let list = fields.get(list.name);
                let item = list.and_then(|list| list.item(key));
                item.and_then(|item| match inner {
                    None => Some(elements.json(key, item)),
                    Some(field) => shown(field, item.get(field.name)),
                })
            }
        };
        found.unwrap_or(Json::Null)
    }
}

/// Compares live with a change that was planned or carried out earlier.
///
/// A change of a set is judged by the members that it adds and removes, so that other members may come and go. An
/// added element is judged by the fields that it was given, except counters, which move with use. A path that the
/// table does not have is `Neither`.
pub fn state_of_change(table: &'static [Field], change: &ChangeEntry, live: &Fields) -> Stand {
    let Ok(spot) = Spot::find(table, &change.path) else {
        return Stand::Neither;
    };
    match &spot {
        Spot::Field(field) => match (
            &field.shape,
            changed_members(field, &change.before, &change.after),
        ) {
            (Shape::Set(_), Some((added, removed))) => {
                of_members(&added, &removed, live.get(field.name))
            }
            _ => of_value(field, change, live.get(field.name)),
        },
        Spot::Element {
            list,
            elements,
            key,
            inner,
        } => {
            let Some(list) = live.get(list.name) else {
                return Stand::Neither;
            };
            match (inner, list.item(key)) {
                (None, item) => of_element(elements, change, item),
                (Some(field), Some(item)) => of_value(field, change, item.get(field.name)),
                (Some(_), None) => Stand::Neither,
            }
        }
    }
}

/// Returns the members that a change of a set adds and those that it removes, in this order.
///
/// {a, b} → {b, c} adds {c} and removes {a}. `None` if one side cannot be read as a set.
pub fn changed_members(
    field: &'static Field,
    before: &Json,
    after: &Json,
) -> Option<(BTreeSet<Text>, BTreeSet<Text>)> {
    let set = |json: &Json| match codec::decode_value(field, json, &field.name) {
        Ok(Value::Set(members)) => Some(*members),
        Ok(Value::Null) => Some(BTreeSet::new()),
        _ => None,
    };
    let (before, after) = (set(before)?, set(after)?);
    let only =
        |one: &BTreeSet<Text>, other: &BTreeSet<Text>| one.difference(other).cloned().collect();
    Some((only(&after, &before), only(&before, &after)))
}

/// Compares a live set with the members that a change adds and removes.
///
/// Of {a, b} → {b, c}: live {c, x} is `After`, live {a, x} is `Before`, live {a, c} and live {x} are `Neither`.
fn of_members(added: &BTreeSet<Text>, removed: &BTreeSet<Text>, live: Option<&Value>) -> Stand {
    let none = BTreeSet::new();
    let current = match live {
        Some(Value::Set(current)) => &**current,
        Some(Value::Null) => &none,
        _ => return Stand::Neither,
    };
    if added.is_subset(current) && removed.is_disjoint(current) {
        Stand::After
    } else if removed.is_subset(current) && added.is_disjoint(current) {
        Stand::Before
    } else {
        Stand::Neither
    }
}

/// Compares one live value with both sides of a change. A field that live does not show counts as `Null`.
///
/// The values are compared as the field compares them, so that another spelling of one value is the same value.
fn of_value(field: &'static Field, change: &ChangeEntry, live: Option<&Value>) -> Stand {
    let live = live.unwrap_or(&Value::Null);
    let is = |json: &Json| {
        let value = codec::decode_value(field, json, &change.path);
        value.is_ok_and(|value| field.alike(&value, live))
    };
    if is(&change.after) {
        Stand::After
    } else if is(&change.before) {
        Stand::Before
    } else {
        Stand::Neither
    }
}

/// Compares a live element with the change that adds, removes or replaces it as a whole. `live` is `None` if the list
/// does not have the element.
fn of_element(elements: &'static Elements, change: &ChangeEntry, live: Option<&Fields>) -> Stand {
    let is = |json: &Json| match (read_element(elements, json), live) {
        (Some((_, fields)), Some(live)) => fields.iter().all(|(name, value)| {
            find_field(elements.fields, name).is_some_and(|field| {
                field.risk == RiskRule::Counter
                    || field.alike(value, live.get(name).unwrap_or(&Value::Null))
            })
        }),
        (Some(_) | None, _) => false,
    };
    let (then, now) = match change.verb {
        ChangeVerb::Add => (live.is_none(), is(&change.after)),
        ChangeVerb::Remove => (is(&change.before), live.is_none()),
        ChangeVerb::Replace => (is(&change.before), is(&change.after)),
    };
    match (then, now) {
        (_, true) => Stand::After,
        (true, false) => Stand::Before,
        (false, false) => Stand::Neither,
    }
}
