//! Handles conditional members: required exactly when another field has one value, meaningless otherwise.
//!
//! In: the table, whose `Need::When` states the conditions, and the fields of a manifest or of a finished object. Out:
//! findings, the fields without meaningless members, or the members that are missing. Which fields are sent is decided
//! in `plan`.
//!
//! Used twice: on manifests, where a condition that is stated must be met by what is stated, and on the finished body
//! of a write, where the condition may come from live. For `expiration_date`, needed when `expiration_type` is
//! `fixed`:
//!
//! ```text
//! type            date         manifest                        finished body
//! fixed           2027-01-01   fine                            sent
//! fixed           none         error `missing-field`           refused: the member is missing
//! no_expiration   2027-01-01   warning `no-effect`, left out   not sent
//! not stated      2027-01-01   fine                            depends on the type in live
//! ```

use crate::model::{ConditionScope, Diagnostic, Field, FieldPath, Fields, Need, Shape, Value};

/// Receives each finding with the path that it is about.
type ConditionReport<'a> = dyn FnMut(&str, Diagnostic) + 'a;

/// Checks the conditions of a manifest and reports each violation to `report`.
///
/// A member whose condition is stated and not met has no effect. It is reported and removed from `fields`, since the
/// vendor would answer with null and the object would never converge.
pub fn audit_conditions(
    table: &'static [Field],
    fields: &mut Fields,
    report: &mut ConditionReport<'_>,
) {
    let idle = check_level(table, fields, fields, &String::new, report);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let Some(Value::Items(mut items)) = take_list(fields, field.name) else {
            continue;
        };
        for (key, element) in items.iter_mut() {
            let location = || format!("{}[{key}]", field.name);
            for name in check_level(elements.fields, element, fields, &location, report) {
                element.remove(name);
            }
        }
        fields.insert(field.name, Value::Items(items));
    }
    for name in idle {
        fields.remove(name);
    }
}

/// Takes a keyed list out of its object, so that its elements can change while the object is borrowed. `None` if the
/// field is no keyed list. The caller puts it back; no condition depends on a list.
fn take_list(fields: &mut Fields, name: &'static str) -> Option<Value> {
    let value = fields.get_mut(name)?;
    matches!(value, Value::Items(_)).then(|| std::mem::replace(value, Value::Null))
}

/// Reports violations among the members of an object or element, and returns the names of those without effect.
///
/// `here` is the object or element itself, `object` the object around it, `place` the path of `here`.
fn check_level(
    table: &'static [Field],
    here: &Fields,
    object: &Fields,
    location: &dyn Fn() -> String,
    report: &mut ConditionReport<'_>,
) -> Vec<&'static str> {
    let mut idle = Vec::new();
    for field in table {
        let Need::When {
            scope,
            field: trigger,
            is,
        } = field.need
        else {
            continue;
        };
        let stated = match scope {
            ConditionScope::Here => here.get(trigger),
            ConditionScope::Object => object.get(trigger),
        };
        let Some(Value::Text(stated)) = stated else {
            continue;
        };
        let given = here
            .get(field.name)
            .is_some_and(|value| *value != Value::Null);
        if (stated == is) == given {
            continue;
        }
        let location = location();
        let member = |name: &str| match location.as_str() {
            "" => name.to_string(),
            location => format!("{location}.{name}"),
        };
        let path = member(field.name);
        if !given {
            let message = format!("`{path}` is required when `{trigger}` is {is}");
            let beside = match scope {
                ConditionScope::Here => member(trigger),
                ConditionScope::Object => location,
            };
            report(&beside, Diagnostic::error("missing-field", message));
        } else {
            let message = format!("`{path}` has no effect unless `{trigger}` is {is}");
            report(&path, Diagnostic::warning("no-effect", message));
            idle.push(field.name);
        }
    }
    idle
}

/// Removes from a finished object what its conditions make meaningless, so that a date left over from an earlier type
/// is not sent.
///
/// A member that already meant nothing in `live` keeps its live value: a write changes only what the manifest states.
pub fn drop_meaningless(table: &'static [Field], fields: &mut Fields, live: &Fields) {
    let idle = find_meaningless(table, fields, fields);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let Some(Value::Items(mut items)) = take_list(fields, field.name) else {
            continue;
        };
        for (key, element) in items.iter_mut() {
            let idle = find_meaningless(elements.fields, element, fields);
            if idle.is_empty() {
                continue;
            }
            let live_item = live.get(field.name).and_then(|list| list.item(key));
            drop_or_restore(elements.fields, &idle, element, live_item, live);
        }
        fields.insert(field.name, Value::Items(items));
    }
    drop_or_restore(table, &idle, fields, Some(live), live);
}

/// Removes the members in `idle`, or restores the live value of those that were meaningless before as well.
///
/// `held` is the live object or element, `None` for a new element.
fn drop_or_restore(
    table: &'static [Field],
    idle: &[&'static str],
    fields: &mut Fields,
    live_item: Option<&Fields>,
    live: &Fields,
) {
    let before = live_item.map_or_else(Vec::new, |live_item| {
        find_meaningless(table, live_item, live)
    });
    for name in idle {
        let left_over = live_item.filter(|_| before.contains(name));
        match left_over.and_then(|live_item| live_item.get(name)) {
            Some(value) => fields.insert(name, value.clone()),
            None => fields.remove(name),
        };
    }
}

/// A wish without effect: the field that would give it a meaning has another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Idle {
    pub path: FieldPath,
    /// The field that decides, and the value of it that the wish needs.
    pub trigger: &'static str,
    pub is: &'static str,
}

/// Finds the members of `desired` that have no effect on the finished object `next`.
///
/// The audit has removed what the manifest alone makes meaningless, so here the deciding value comes from live.
pub fn without_effect(table: &'static [Field], desired: &Fields, next: &Fields) -> Vec<Idle> {
    let root = FieldPath::default();
    let mut found = idle_at(table, desired, next, next, &root);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let next_list = next.get(field.name);
        for (key, desired_item) in desired.get(field.name).map_or(&[][..], Value::items) {
            if let Some(element) = next_list.and_then(|list| list.item(key)) {
                let at = root.field(field.name).element(key.clone());
                found.extend(idle_at(elements.fields, desired_item, element, next, &at));
            }
        }
    }
    found
}

/// Finds the wishes without effect among the members of one object or element at the path `at`.
fn idle_at(
    table: &'static [Field],
    desired: &Fields,
    here: &Fields,
    object: &Fields,
    at: &FieldPath,
) -> Vec<Idle> {
    let idle = |field: &Field| {
        let Need::When {
            field: trigger, is, ..
        } = field.need
        else {
            return None;
        };
        let asked = desired
            .get(field.name)
            .is_some_and(|desired_item| *desired_item != Value::Null);
        let path = at.field(field.name);
        (asked && means_nothing(field, here, object)).then_some(Idle { path, trigger, is })
    };
    table.iter().filter_map(idle).collect()
}

/// Returns the names of the members of `here` whose condition is known and not met.
fn find_meaningless(table: &'static [Field], here: &Fields, object: &Fields) -> Vec<&'static str> {
    let live_item = table.iter().filter(|field| here.contains_key(field.name));
    live_item
        .filter(|field| means_nothing(field, here, object))
        .map(|field| field.name)
        .collect()
}

/// Reports whether the field's condition is known and not met. False for a field without a condition, and where the
/// deciding field is not there.
pub fn means_nothing(field: &Field, here: &Fields, object: &Fields) -> bool {
    let Need::When {
        scope,
        field: trigger,
        is,
    } = field.need
    else {
        return false;
    };
    let source = if scope == ConditionScope::Here {
        here
    } else {
        object
    };
    matches!(source.get(trigger), Some(Value::Text(stated)) if stated != is)
}

/// Returns the paths of the members that a finished object still lacks, for example `Features[A 1].count`.
///
/// A `Null` satisfies an unconditional need, which the vendor may clear, but not a conditional one.
pub fn missing_members(table: &'static [Field], fields: &Fields) -> Vec<String> {
    let mut lacking = Vec::new();
    lacking_at(table, fields, fields, "", &mut lacking);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        for (key, element) in fields.get(field.name).map_or(&[][..], Value::items) {
            let location = format!("{}[{key}].", field.name);
            lacking_at(elements.fields, element, fields, &location, &mut lacking);
        }
    }
    lacking
}

/// Appends the members that one object or element lacks; `place` is the start of their paths.
fn lacking_at(
    table: &'static [Field],
    fields: &Fields,
    object: &Fields,
    location: &str,
    lacking: &mut Vec<String>,
) {
    for field in table {
        let needed = match field.need {
            Need::Required | Need::InManifest => true,
            Need::Optional | Need::Never => false,
            Need::When {
                scope,
                field: trigger,
                is,
            } => {
                let source = if scope == ConditionScope::Here {
                    fields
                } else {
                    object
                };
                matches!(source.get(trigger), Some(Value::Text(stated)) if stated == is)
            }
        };
        let live_item = fields
            .get(field.name)
            .is_some_and(|value| *value != Value::Null || !matches!(field.need, Need::When { .. }));
        if needed && !live_item {
            lacking.push(format!("{location}{}", field.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ElementKey;
    use crate::provider;

    fn lac() -> &'static [Field] {
        provider::find_kind("LacLicenseOrder")
            .expect("a kind")
            .table()
            .desired
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// An order with one feature of an expiration type, with a date and a count.
    fn order(license_type: &str, expiration: &str, date: Option<&str>) -> Fields {
        let mut feature = Fields::from([
            ("expiration_type", text(expiration)),
            ("count", Value::Integer(10)),
        ]);
        feature.insert("expiration_date", date.map_or(Value::Null, text));
        let key = ElementKey::new(vec!["A".into(), "1".into()], false);
        Fields::from([
            ("license_type", text(license_type)),
            ("Features", Value::Items([(key, feature)].into())),
        ])
    }

    fn settled(next: &Fields, live: &Fields) -> Fields {
        let mut next = next.clone();
        drop_meaningless(lac(), &mut next, live);
        next
    }

    fn member(fields: &Fields, name: &str) -> Option<Value> {
        fields["Features"].items()[0].1.get(name).cloned()
    }

    #[test]
    fn what_a_change_of_type_makes_meaningless_goes() {
        let live = order("network", "fixed", Some("2027-01-01"));
        let next = settled(&order("local", "no_expiration", Some("2027-01-01")), &live);
        assert_eq!(member(&next, "expiration_date"), None);
        assert_eq!(member(&next, "count"), None);
        let same = settled(&live, &live);
        assert_eq!(same, live);
    }

    #[test]
    fn what_meant_nothing_before_stays_as_it_is() {
        let live = order("local", "no_expiration", Some("2027-01-01"));
        assert_eq!(settled(&live, &live), live);
        // A wish does not change it, whichever type makes it meaningless.
        for other in ["no_expiration", "days_from_activation"] {
            let next = settled(&order("local", other, Some("2031-01-01")), &live);
            assert_eq!(member(&next, "expiration_date"), Some(text("2027-01-01")));
            assert_eq!(member(&next, "count"), Some(Value::Integer(10)));
        }
    }

    #[test]
    fn what_is_new_has_nothing_without_a_meaning() {
        let none = Fields::from([("license_type", text("local"))]);
        let next = settled(&order("local", "no_expiration", Some("2031-01-01")), &none);
        assert_eq!(member(&next, "expiration_date"), None);
        assert_eq!(member(&next, "count"), None);
    }

    #[test]
    fn wishes_that_the_live_type_makes_vain_are_found() {
        let desired = |date: Option<&str>| {
            let mut desired = order("local", "no_expiration", date);
            desired.remove("license_type");
            desired
        };
        let paths = |desired: &Fields, next: &Fields| -> Vec<String> {
            let found = without_effect(lac(), desired, next);
            let one = |idle: Idle| format!("{} needs {} {}", idle.path, idle.trigger, idle.is);
            found.into_iter().map(one).collect()
        };
        let local = order("local", "no_expiration", None);
        let date = "Features[A 1].expiration_date needs expiration_type fixed";
        let count = "Features[A 1].count needs license_type network";
        assert_eq!(paths(&desired(Some("2031-01-01")), &local), [date, count]);
        assert_eq!(paths(&desired(None), &local), [count]);
        let network = order("network", "fixed", None);
        assert_eq!(paths(&desired(Some("2031-01-01")), &network), [""; 0]);
        let licensee = Fields::from([("licensee", text("x"))]);
        let mut owned = network.clone();
        owned.insert("licensee_type", text("customer"));
        let vain = "licensee needs licensee_type fixed";
        assert_eq!(paths(&licensee, &owned), [vain]);
    }

    #[test]
    fn a_finished_object_lacks_what_its_types_demand() {
        let lacks = |order: &Fields| {
            let all = missing_members(lac(), order);
            let of_features = all.into_iter().filter(|path| path.starts_with("Features["));
            of_features.collect::<Vec<_>>()
        };
        let date = "Features[A 1].expiration_date";
        let fixed = |date| lacks(&order("network", "fixed", date));
        assert!(!fixed(Some("2027-01-01")).contains(&date.to_string()));
        assert!(fixed(None).contains(&date.to_string()), "null is no date");
        let none = lacks(&order("network", "no_expiration", None));
        assert!(!none.contains(&date.to_string()));
        let count = "Features[A 1].count".to_string();
        let without = |license_type: &str| {
            let mut order = order(license_type, "no_expiration", None);
            let feature = Fields::from([("expiration_type", text("no_expiration"))]);
            let key = ElementKey::new(vec!["A".into(), "1".into()], false);
            order.insert("Features", Value::Items([(key, feature)].into()));
            lacks(&order).contains(&count)
        };
        assert!(without("network") && !without("local"));
    }
}
