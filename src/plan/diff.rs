//! Compares the object as it should be (`next`) with live and returns one change for each field that differs.
//!
//! In: the field table, `next` from `carry`, live, the time. Out: changes in the order of the table, each with its
//! risk. How a change is sent is not known here: there is no HTTP method and no URL in this module.
//!
//! Worked example for `name` and a keyed list `items`:
//!
//! ```text
//! live      name: "x"   items: a {seats: 10}, b {seats: 5}
//! next      name: "x"   items: a {seats: 25}, c {seats: 1}
//! changes   replace items[a].seats   10 → 25
//!           add     items[c]         {seats: 1}
//!           remove  items[b]         {seats: 5}
//! ```

use jiff::Timestamp;

use super::change::{Change, ChangeVerb};
use super::look_alike;
use super::risk::{self, Weighed};
use crate::model::field::Elements;
use crate::model::{ElementKey, Field, FieldPath, Fields, Live, Need, Risk, Shape, Value};
use crate::provider::conditions;

/// Returns the changes that lead from live to `next`, in the order of the table; none if both are alike.
pub fn diff(table: &'static [Field], next: &Fields, live: &Live, now: Timestamp) -> Vec<Change> {
    let scale = risk::Scale { live, now };
    let mut changes = Vec::new();
    diff_fields(
        table,
        next,
        &live.fields,
        &FieldPath::default(),
        &scale,
        &mut changes,
    );
    look_alike::note_look_alikes(&mut changes);
    changes
}

/// Compares the fields of one level, which is the object or one element of a list, and appends their changes.
///
/// A field that `next` lacks is not managed and not a change, except where `implied_removal` finds one.
fn diff_fields(
    table: &'static [Field],
    next: &Fields,
    current: &Fields,
    at: &FieldPath,
    scale: &risk::Scale<'_>,
    changes: &mut Vec<Change>,
) {
    for field in table {
        let before = current.get(field.name);
        let Some(after) = next.get(field.name) else {
            changes.extend(implied_removal(field, current, at, scale));
            continue;
        };
        if before.is_some_and(|before| field.alike(before, after)) {
            continue;
        }
        let path = at.field(field.name);
        match (&field.shape, after) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let current = before.map_or(&[][..], Value::items);
                diff_keyed(field, elements, items, current, &path, scale, changes);
            }
            _ => changes.push(value_change(field, path, before, after, scale)),
        }
    }
}

/// Returns the removal of a value that loses its meaning because the plan changes the field that gave it one.
///
/// For example, `expiration_type` changes from `fixed` to `no_expiration`, so `expiration_date` goes. `None` if the
/// field has no condition, live holds no value, or the value meant nothing before: once the other field has changed
/// there is no further change to show, whatever the vendor keeps.
fn implied_removal(
    field: &'static Field,
    current: &Fields,
    at: &FieldPath,
    scale: &risk::Scale<'_>,
) -> Option<Change> {
    let Need::When {
        field: trigger, is, ..
    } = field.need
    else {
        return None;
    };
    let meant = !conditions::means_nothing(field, current, &scale.live.fields);
    let before = current
        .get(field.name)
        .filter(|value| meant && **value != Value::Null)?;
    Some(Change {
        verb: ChangeVerb::Remove,
        before: Some(field.shape.json(before)),
        after: None,
        path: at.field(field.name),
        risk: Risk::Safe,
        note: Some(format!("means nothing unless {trigger} is {is}")),
        users: None,
    })
}

/// Makes the change of one value: `Add` if live does not show the field, otherwise `Replace`.
fn value_change(
    field: &'static Field,
    path: FieldPath,
    before: Option<&Value>,
    after: &Value,
    scale: &risk::Scale<'_>,
) -> Change {
    let Weighed { risk, note, users } = scale.weigh(field, &path, before, after);
    Change {
        verb: if before.is_none() {
            ChangeVerb::Add
        } else {
            ChangeVerb::Replace
        },
        before: before.map(|value| field.shape.json(value)),
        after: Some(field.shape.json(after)),
        path,
        risk,
        note,
        users,
    }
}

/// Compares a keyed list element by element. Elements are matched by key, so their order is never a change.
///
/// Additions and changes come first in the order of `next`, then removals in the order of live.
fn diff_keyed(
    field: &'static Field,
    elements: &'static Elements,
    next: &[(ElementKey, Fields)],
    current: &[(ElementKey, Fields)],
    path: &FieldPath,
    scale: &risk::Scale<'_>,
    changes: &mut Vec<Change>,
) {
    let held_by_key: std::collections::BTreeMap<&ElementKey, &Fields> =
        current.iter().map(|(key, fields)| (key, fields)).collect();
    let next_keys: std::collections::BTreeSet<&ElementKey> =
        next.iter().map(|(key, _)| key).collect();
    for (key, element) in next {
        let before = held_by_key.get(key).copied();
        if before == Some(element) {
            continue;
        }
        let at = path.element(key.clone());
        match before {
            Some(before) => diff_fields(elements.fields, element, before, &at, scale, changes),
            None => {
                let Weighed { risk, note, users } = scale.weigh_new(elements.fields, element);
                changes.push(Change {
                    path: at,
                    verb: ChangeVerb::Add,
                    before: None,
                    after: Some(elements.json(key, element)),
                    risk,
                    note,
                    users,
                });
            }
        }
    }
    for (key, element) in current {
        if !next_keys.contains(key) {
            let at = path.element(key.clone());
            let Weighed { risk, note, users } = scale.weigh_removal(field, &at);
            changes.push(Change {
                verb: ChangeVerb::Remove,
                before: Some(elements.json(key, element)),
                after: None,
                path: at,
                risk,
                note,
                users,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    /// The changes of an order's one feature, from what live shows to what should be.
    fn changed(live: &[(&'static str, &str)], next: &[(&'static str, &str)]) -> Vec<String> {
        let order = |feature: &[(&'static str, &str)]| {
            let value = |text: &str| match text {
                "null" => Value::Null,
                text => Value::Text(text.into()),
            };
            let fields = feature.iter().map(|(name, text)| (*name, value(text)));
            let key = ElementKey::new(vec!["A".into(), "1".into()], false);
            let items = Value::Items([(key, fields.collect())].into());
            Fields::from([("Features", items)])
        };
        let table = provider::find_kind("LacLicenseOrder")
            .unwrap()
            .table()
            .desired;
        let live = Live {
            fields: order(live),
            ..Live::default()
        };
        let changes = diff(table, &order(next), &live, Timestamp::UNIX_EPOCH);
        let shown = |change: Change| format!("{:?} {}", change.verb, change.path);
        changes.into_iter().map(shown).collect()
    }

    #[test]
    fn a_date_that_loses_its_meaning_is_seen_to_go() {
        let never = [("expiration_type", "no_expiration")];
        let date = ("expiration_date", "2027-01-01");
        let replaced = "Replace Features[A 1].expiration_type";
        let gone = "Remove Features[A 1].expiration_date";
        let fixed = ("expiration_type", "fixed");
        assert_eq!(changed(&[fixed, date], &never), [replaced, gone]);
        // Live holds no date, so no date is removed.
        let none = ("expiration_date", "null");
        assert_eq!(changed(&[fixed, none], &never), [replaced]);
        assert_eq!(changed(&[fixed], &never), [replaced]);
        // Live does not show the type, so the date may have had a meaning: its removal is shown.
        let added = "Add Features[A 1].expiration_type";
        assert_eq!(changed(&[date], &never), [added, gone]);
        // The date had no meaning before, so its removal is not shown.
        let other = [("expiration_type", "days_from_activation"), date];
        assert_eq!(changed(&other, &never), [replaced]);
    }
}
