//! Foreign edits: changes made by another admin at the vendor's web pages, or by a licensee who uses a licence.
//!
//! In: a simulator, its [`ForeignEditTable`] and entropy. Out: the account with one value changed, and a JSON
//! description of the change. The edit is made on the account document, which is then loaded like any other, so
//! that the vendor's own rules for accounts hold. If they refuse an edit, the next row of the table is tried.
//!
//! A new value is drawn from the entropy where possible, not derived from the old value or the clock, so that the
//! order in which edits happen matters little.
//!
//! # Worked example
//!
//! The table has one row, `(license_orders/*, Features/*/count, Number(1, 60))`, and the account two orders. A choice
//! among N candidates starts at index `entropy mod N`: with entropy 7, at order 1 of the two. If that order has no
//! features, order 0 is tried next. The entropy is mixed again for the feature and for the number, which is from 1 to
//! 60. If the number equals the old one, the next number is taken, so that every edit changes something. The
//! description is
//!
//! ```json
//! {"object": "AAAAA-BBBBB-CCCCC-DDDDD", "field": "Features[Licstat].count", "before": 15, "after": 42, "usage": false}
//! ```

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::pseudo_random::splitmix64;
use super::simulator::Simulator;

/// The values that others change at one vendor.
pub struct ForeignEditTable {
    pub values: &'static [EditableValue],
    pub modified_member: Option<ModifiedMember>,
}

/// The member that shows when an admin last changed an object, and the function that formats a time for it.
pub type ModifiedMember = (&'static str, fn(Timestamp) -> String);

/// A value of the account document that others change.
///
/// Paths are member names separated by slashes; `*` is any element of a list.
pub struct EditableValue {
    /// The licence or order, for example `license_orders/*`.
    pub object: &'static str,
    /// The value in it, for example `Features/*/count`.
    pub field: &'static str,
    /// How the value is changed.
    pub change: ValueEdit,
}

/// Returns a row of a [`ForeignEditTable`].
pub const fn editable_value(
    object: &'static str,
    field: &'static str,
    change: ValueEdit,
) -> EditableValue {
    EditableValue {
        object,
        field,
        change,
    }
}

/// The earliest date that an edit sets, in seconds since 1970: 2031-01-01, later than anything in the seeds.
const EDITED_DATES_START: i64 = 1_924_992_000;

/// How a value is changed.
pub enum ValueEdit {
    /// Sets an integer to another one in this range, both ends included.
    Number(i64, i64),
    /// Raises a usage counter by 1 to 3. No admin does that, so the object's modification time stays.
    Usage,
    /// Inverts a boolean.
    Flag,
    /// Sets a text to a unique one.
    Text,
    /// Sets a date-time to one of the 1,000 days from 2031-01-01, in whole seconds with a `Z`.
    Later,
    /// Removes an element of a list.
    Removal,
    /// Takes one of the ids found under this path: removes it from the list if it is there, else adds it.
    Member(&'static str),
}

/// Makes one edit and returns its description: `{"object", "field", "before", "after", "usage"}`.
///
/// `None` if no value of the table is in the account or every edit is refused by the vendor's rules.
pub fn make_edit(
    simulator: &mut dyn Simulator,
    table: &ForeignEditTable,
    entropy: u64,
    now: Timestamp,
) -> Option<Value> {
    let account = simulator.state();
    let mut candidates = rotate_by_entropy(table.values.iter().collect(), entropy).into_iter();
    candidates.find_map(|candidate| {
        let mut account = account.clone();
        let description = candidate.edit_account(&mut account, table, splitmix64(entropy), now)?;
        simulator.set_state(account).ok().map(|()| description)
    })
}

impl EditableValue {
    /// Changes one such value in the account document and describes it; `None` if there is none to change.
    fn edit_account(
        &self,
        account: &mut Value,
        table: &ForeignEditTable,
        entropy: u64,
        now: Timestamp,
    ) -> Option<Value> {
        let objects = rotate_by_entropy(find_pointers(account, self.object), entropy);
        let (object, field) = objects.into_iter().find_map(|object| {
            let fields = find_pointers(account.pointer(&object)?, self.field);
            let field = rotate_by_entropy(fields, splitmix64(entropy))
                .into_iter()
                .next()?;
            Some((object, field))
        })?;
        let pool = match self.change {
            ValueEdit::Member(path) => find_pointers(account, path)
                .iter()
                .filter_map(|id| account.pointer(id).cloned())
                .collect(),
            _ => Vec::new(),
        };
        let whole = account.pointer(&object)?;
        let (id, name) = (element_label(whole)?, readable_path(whole, &field));
        let value = account.pointer_mut(&format!("{object}{field}"))?;
        let (before, after) = self.change.apply_to(value, pool, splitmix64(!entropy))?;
        let usage = matches!(self.change, ValueEdit::Usage);
        if let Some((name, written)) = table.modified_member.filter(|_| !usage) {
            account.pointer_mut(&object)?[name] = written(now).into();
        }
        Some(json!({"object": id, "field": name, "before": before, "after": after, "usage": usage}))
    }
}

impl ValueEdit {
    /// Changes the value and returns what was there before and after; for a list, the element removed or added.
    ///
    /// `pool` has the ids that a list may contain. `None` if the value has another type or did not change.
    fn apply_to(
        &self,
        value: &mut Value,
        pool: Vec<Value>,
        entropy: u64,
    ) -> Option<(Value, Value)> {
        let below = |count: u64| entropy % count.max(1);
        let after = match self {
            ValueEdit::Number(low, high) => {
                let old = value.as_i64()?;
                // The range is small and not empty, so this fits.
                let drawn = low + below(high.abs_diff(*low) + 1) as i64;
                let next = if drawn == *high { *low } else { drawn + 1 };
                json!(if drawn == old { next } else { drawn })
            }
            ValueEdit::Usage => json!(value.as_u64()? + 1 + below(3)),
            ValueEdit::Flag => json!(!value.as_bool()?),
            // Longer than any text that could be there by accident.
            ValueEdit::Text => json!(format!("edited elsewhere {entropy:016x}")),
            ValueEdit::Later => {
                value.as_str()?;
                // Below a thousand days, so it fits.
                let days = SignedDuration::from_hours(24 * below(1000) as i64);
                let later = Timestamp::from_second(EDITED_DATES_START)
                    .ok()?
                    .checked_add(days)
                    .ok()?;
                json!(later.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            }
            ValueEdit::Removal => {
                let list = value.as_array_mut().filter(|list| !list.is_empty())?;
                let at = below(list.len() as u64) as usize;
                return Some((list.remove(at), Value::Null));
            }
            ValueEdit::Member(_) => {
                let id = rotate_by_entropy(pool, entropy).into_iter().next()?;
                let list = value.as_array_mut()?;
                let at = list.iter().position(|element| *element == id);
                return Some(match at {
                    Some(at) => (list.remove(at), Value::Null),
                    None => {
                        list.push(id.clone());
                        (Value::Null, id)
                    }
                });
            }
        };
        let before = std::mem::replace(value, after.clone());
        (before != after).then_some((before, after))
    }
}

/// Rotates a list so that it begins with the element that the entropy chooses.
fn rotate_by_entropy<T>(mut all: Vec<T>, entropy: u64) -> Vec<T> {
    if !all.is_empty() {
        // The remainder is below the length, so it fits.
        let by = (entropy % all.len() as u64) as usize;
        all.rotate_left(by);
    }
    all
}

/// Returns JSON pointers to all values under a path: `orders/*/id` gives `/orders/0/id`, `/orders/1/id`, ….
fn find_pointers(value: &Value, path: &str) -> Vec<String> {
    let (step, tail) = match path.split_once('/') {
        Some((step, tail)) => (step, Some(tail)),
        None => (path, None),
    };
    let found: Vec<(String, &Value)> = match (step, value) {
        ("*", Value::Array(items)) => items
            .iter()
            .enumerate()
            .map(|(at, item)| (format!("/{at}"), item))
            .collect(),
        (name, value) => value
            .get(name)
            .map(|member| (format!("/{name}"), member))
            .into_iter()
            .collect(),
    };
    match tail {
        None => found.into_iter().map(|(pointer, _)| pointer).collect(),
        Some(tail) => found
            .into_iter()
            .flat_map(|(pointer, value)| {
                let below = find_pointers(value, tail).into_iter();
                below.map(move |tail| format!("{pointer}{tail}"))
            })
            .collect(),
    }
}

/// Returns the text that identifies an element of a list, by the id members of all five accounts.
///
/// `None` if it has none of them. The order of these members matters: a feature row also has an `id`, but is
/// identified by its feature.
fn element_label(of: &Value) -> Option<String> {
    const KEYS: &[&str] = &[
        "activation_key",
        "product_feature",
        "licenseDef",
        "edition",
        "limitDefinition",
        "id",
        "Id",
        "name",
    ];
    let key = KEYS.iter().find_map(|key| of.get(key))?;
    Some(key.as_str().map_or_else(|| key.to_string(), str::to_owned))
}

/// Rewrites a JSON pointer with names in place of indexes: `Features[Licstat].count`.
fn readable_path(object: &Value, pointer: &str) -> String {
    let mut name = String::new();
    let mut here = object;
    for step in pointer.split('/').skip(1) {
        let at: Option<usize> = step.parse().ok();
        here = match at {
            Some(at) => &here[at],
            None => &here[step],
        };
        if at.is_some() {
            name.push_str(&format!(
                "[{}]",
                element_label(here).unwrap_or(step.to_owned())
            ));
        } else {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(step);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sandbox::VENDORS;

    fn now() -> Timestamp {
        "2027-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_vendor_is_edited_and_the_description_is_true() {
        for vendor in VENDORS {
            let mut simulator = (vendor.seeded)();
            let mut fields = BTreeSet::new();
            for entropy in 0..40 {
                let before = simulator.state();
                let description = simulator
                    .make_foreign_edit(splitmix64(entropy), now())
                    .unwrap();
                assert_ne!(
                    simulator.state(),
                    before,
                    "{}: {description}",
                    vendor.prefix
                );
                assert_ne!(
                    description["before"], description["after"],
                    "{}: {description}",
                    vendor.prefix
                );
                let field = description["field"].as_str().unwrap();
                fields.insert(field.rsplit('.').next().unwrap().to_owned());
                let object = description["object"].as_str().unwrap();
                assert!(before.to_string().contains(object), "{description}");
            }
            assert!(fields.len() >= 3, "{}: {fields:?}", vendor.prefix);
        }
    }

    #[test]
    fn the_same_entropy_makes_the_same_edit() {
        for vendor in VENDORS {
            let edited = |entropy| {
                let mut simulator = (vendor.seeded)();
                let description = simulator.make_foreign_edit(entropy, now());
                (description, simulator.state())
            };
            assert_eq!(edited(7), edited(7));
            let all: BTreeSet<String> = (0..10)
                .map(|n| edited(splitmix64(n)).1.to_string())
                .collect();
            assert!(all.len() > 3, "{}: {}", vendor.prefix, all.len());
        }
    }

    #[test]
    fn an_empty_account_is_left_alone() {
        for vendor in VENDORS {
            let mut simulator = (vendor.seeded)();
            let mut empty = simulator.state();
            for list in empty.as_object_mut().unwrap().values_mut() {
                if list.is_array() {
                    *list = json!([]);
                }
            }
            simulator.set_state(empty).unwrap();
            assert_eq!(
                simulator.make_foreign_edit(1, now()),
                None,
                "{}",
                vendor.prefix
            );
        }
    }

    #[test]
    fn paths_are_found_and_named() {
        let account =
            json!({"orders": [{"id": 1, "Features": [{"name": "a", "count": 3}]}, {"id": 2}]});
        assert_eq!(
            find_pointers(&account, "orders/*/Features/*/count"),
            ["/orders/0/Features/0/count"]
        );
        assert_eq!(
            readable_path(&account["orders"][0], "/Features/0/count"),
            "Features[a].count"
        );
        assert_eq!(element_label(&account["orders"][1]).as_deref(), Some("2"));
    }
}
