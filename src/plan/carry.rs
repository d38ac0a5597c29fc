//! Copies the values that a write must keep from live into the desired object, before the diff.
//!
//! The result is the whole object as it should be after the write: live, with what the manifest manages laid over it.
//! It contains ignored paths, unlisted elements that are kept, and unmanaged fields with their live values, so no later
//! stage needs to know about exceptions.
//!
//! Worked example, for a vendor whose write replaces the list `items`:
//!
//! ```text
//!   live       name: "x"   items: a {seats: 10, note: "n"}, b {seats: 5}
//!   manifest               items: a {seats: 25}, c {seats: 1}
//!   carried    name: "x"   items: a {seats: 25, note: "n"}, c {seats: 1}
//!              with `keepUnlisted: [items]`, b {seats: 5} as well
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::model::field::{Elements, find_field};
use crate::model::{
    Carry, Desired, ElementKey, Field, FieldPath, Fields, Live, PathPart, Policy, Shape, Value,
};
use crate::provider::conditions::{self, Idle};

/// Returns the whole object as it should be after the write.
pub fn carry(table: &'static [Field], desired: &Desired, live: &Live) -> Fields {
    let desired_fields = resolve_desired(desired, live);
    let policy = &desired.policy;
    let mut next = Fields::new();
    for field in table {
        let path = FieldPath::default().field(field.name);
        let live_value = live.fields.get(field.name);
        let desired_value = desired_fields
            .get(field.name)
            .filter(|_| !policy.ignores(&path, false));
        let value = match (desired_value, live_value) {
            (Some(desired_value), live_value) => Some(merge_value(
                field,
                desired_value,
                live_value,
                policy,
                &path,
                live,
            )),
            (None, Some(live_value)) if field.carry != Carry::OnlyManaged => {
                Some(without_counters(field, live_value))
            }
            (None, _) => None,
        };
        if let Some(value) = value {
            next.insert(field.name, value);
        }
    }
    conditions::drop_meaningless(table, &mut next, &live.fields);
    next
}

/// Returns what the manifest wants, with conveniences such as names replaced by what reading resolved them to.
pub fn resolve_desired(desired: &Desired, live: &Live) -> Fields {
    let mut desired_fields = desired.fields.unpack();
    for resolved in &live.resolved {
        desired_fields.remove(resolved.given);
        desired_fields.insert(resolved.field, resolved.value.clone());
    }
    desired_fields
}

/// Returns the value of one managed field after the write: the wanted one, with what must be kept of live.
///
/// `live_value` is `None` where live does not show the field.
fn merge_value(
    field: &'static Field,
    desired_value: &Value,
    live_value: Option<&Value>,
    policy: &Policy,
    path: &FieldPath,
    live: &Live,
) -> Value {
    let keeps = policy.keep_unlisted.iter().any(|name| name == field.name);
    match (&field.shape, desired_value, live_value) {
        (Shape::Keyed(elements), Value::Items(items), live_value) => {
            let live_value = live_value.map_or(&[][..], Value::items);
            Value::Items(merged_items(elements, items, live_value, keeps, policy, path).into())
        }
        (_, Value::Set(desired_value), Some(Value::Set(live_value))) if keeps => {
            Value::Set(Box::new(desired_value.union(live_value).cloned().collect()))
        }
        // An unchanged value is sent as live spells it.
        (_, desired_value, Some(live_value)) if field.alike(desired_value, live_value) => {
            live_value.clone()
        }
        (_, desired_value, live_value) => match (field.carry, live_value) {
            // A wish that was granted before is not sent again: from then on the flag belongs to the server.
            (Carry::OneShot { spent }, Some(live_value))
                if *desired_value == Value::Bool(true) && live.facts.contains_key(spent) =>
            {
                live_value.clone()
            }
            _ => desired_value.clone(),
        },
    }
}

/// Merges a keyed list: wanted elements over their live ones, then the live elements that must stay.
///
/// `keeps` is true if the policy keeps unlisted elements. An element that the policy ignores is taken from live as it
/// is, or left out if live has none.
fn merged_items(
    elements: &'static Elements,
    desired_fields: &[(ElementKey, Fields)],
    live_value: &[(ElementKey, Fields)],
    keeps: bool,
    policy: &Policy,
    path: &FieldPath,
) -> Vec<(ElementKey, Fields)> {
    let live_of: BTreeMap<&ElementKey, &Fields> = live_value
        .iter()
        .map(|(key, fields)| (key, fields))
        .collect();
    let listed: BTreeSet<&ElementKey> = desired_fields.iter().map(|(key, _)| key).collect();
    let mut next = Vec::new();
    for (key, desired_value) in desired_fields {
        let at = path.element(key.clone());
        if policy.ignores(&at, elements.fold) {
            continue;
        }
        let mut fields = live_of
            .get(key)
            .map(|fields| carried_fields(elements, fields))
            .unwrap_or_default();
        for (name, value) in desired_value.iter() {
            let same = || {
                let field = find_field(elements.fields, name)?;
                Some(field.alike(fields.get(name)?, value))
            };
            if !policy.ignores(&at.field(name), elements.fold) && same() != Some(true) {
                fields.insert(name, value.clone());
            }
        }
        next.push((key.clone(), fields));
    }
    for (key, fields) in live_value {
        let left_alone = policy.ignores(&path.element(key.clone()), elements.fold);
        if left_alone || (keeps && !listed.contains(key)) {
            next.push((key.clone(), carried_fields(elements, fields)));
        }
    }
    next
}

/// Returns a live value without the usage counters of its elements, which a write would roll back.
fn without_counters(field: &'static Field, live_value: &Value) -> Value {
    match (&field.shape, live_value) {
        (Shape::Keyed(elements), Value::Items(items)) => Value::Items(
            items
                .iter()
                .map(|(key, fields)| (key.clone(), carried_fields(elements, fields)))
                .collect(),
        ),
        _ => live_value.clone(),
    }
}

/// Returns the live fields of an element that travel with a write: all except those that only a manifest may send.
pub fn carried_fields(elements: &'static Elements, fields: &Fields) -> Fields {
    let travels = |name: &str| {
        elements
            .fields
            .iter()
            .any(|field| field.name == name && field.carry != Carry::OnlyManaged)
    };
    fields
        .iter()
        .filter(|(name, _)| travels(name))
        .map(|(name, value)| (name, value.clone()))
        .collect()
}

/// Finds the wishes that the finished object makes meaningless. Ignored paths are left out.
pub fn without_effect(
    table: &'static [Field],
    desired: &Desired,
    live: &Live,
    next: &Fields,
) -> Vec<Idle> {
    let mut idle = conditions::without_effect(table, &resolve_desired(desired, live), next);
    idle.retain(|idle| !is_ignored(table, &desired.policy, &idle.path));
    idle
}

/// Reports whether the policy leaves `path` or something around it alone.
fn is_ignored(table: &'static [Field], policy: &Policy, path: &FieldPath) -> bool {
    let list = path.parts().first().and_then(|part| match part {
        PathPart::Field(name) => find_field(table, name),
        PathPart::Element(_) => None,
    });
    let folds = match list.map(|field| &field.shape) {
        Some(Shape::Keyed(elements)) => elements.fold,
        _ => false,
    };
    let mut patterns = policy.left_alone();
    patterns.any(|pattern| pattern.covers(path, folds))
}

/// Describes a one-shot wish that live has granted already; `None` if there is none.
///
/// The plan shows the text so that a reader knows why a wish of the manifest is not a change.
pub fn note_granted(table: &'static [Field], desired: &Desired, live: &Live) -> Option<String> {
    table.iter().find_map(|field| {
        let Carry::OneShot { spent } = field.carry else {
            return None;
        };
        let asked = live.facts.get(spent)?;
        let desired_fields = desired.fields.get(field.name) == Some(Value::Bool(true));
        let when = match asked {
            crate::model::live::Fact::Text(when) => format!(" ({when})"),
            crate::model::live::Fact::Number(_) => String::new(),
        };
        desired_fields.then(|| {
            format!(
                "`{}` was asked for before{when} and is not asked for again",
                field.name
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConditionScope, Need, OwnPolicy, PackedFields, PathPattern};
    use crate::provider::{self, testing};

    static ITEMS: Elements = Elements {
        key: &["id"],
        key_about: &["Id."],
        fold: true,
        fields: &[
            Field::new("seats", Shape::COUNT, "").optional(),
            Field::new("used", Shape::COUNT, "")
                .optional()
                .carry(Carry::OnlyManaged),
            Field::new("type", Shape::TEXT, "").optional(),
            Field::new("end", Shape::Date, "").need(Need::When {
                scope: ConditionScope::Here,
                field: "type",
                is: "fixed",
            }),
        ],
    };

    static TABLE: &[Field] = &[
        Field::new("name", Shape::TEXT, "").optional(),
        Field::new("hits", Shape::COUNT, "")
            .optional()
            .carry(Carry::OnlyManaged),
        Field::new("items", Shape::Keyed(&ITEMS), ""),
    ];

    fn items(fields: Fields) -> Value {
        Value::Items([(ElementKey::new(vec!["a".into()], true), fields)].into())
    }

    fn desired(fields: &Fields, ignore: &[&str]) -> Desired {
        let table = provider::find_kind("LacLicenseOrder").unwrap().table();
        let ignore = ignore.iter().map(|path| PathPattern::parse(path).unwrap());
        Desired {
            fields: PackedFields::new(TABLE, fields),
            policy: OwnPolicy::from(Policy {
                ignore: ignore.collect(),
                ..Policy::default()
            }),
            ..testing::desired_object(table, &[])
        }
    }

    #[test]
    fn a_counter_is_the_vendors_unless_the_manifest_manages_it() {
        let element = |used: i64| {
            let used = ("used", Value::Integer(used));
            items([("seats", Value::Integer(1)), used].into())
        };
        let bare = items([("seats", Value::Integer(1))].into());
        let hits = |hits: i64| ("hits", Value::Integer(hits));
        let live = Live {
            fields: [hits(7), ("items", element(3))].into(),
            ..Live::default()
        };
        let next = |desired_fields: &Fields| carry(TABLE, &desired(desired_fields, &[]), &live);
        assert_eq!(next(&Fields::new()), [("items", bare.clone())].into());
        let stated: Fields = [hits(0)].into();
        assert_eq!(next(&stated), [hits(0), ("items", bare)].into());
        let stated: Fields = [("items", items([("used", Value::Integer(0))].into()))].into();
        assert_eq!(next(&stated), [("items", element(0))].into());
    }

    #[test]
    fn what_is_ignored_is_not_called_vain() {
        let live = Live {
            fields: [(
                "items",
                items([("type", Value::Text("never".into()))].into()),
            )]
            .into(),
            ..Live::default()
        };
        let end = Value::Text("2027-01-01".into());
        let desired_fields = [("items", items([("end", end)].into()))].into();
        let vain = |ignore: &[&str]| {
            let desired = desired(&desired_fields, ignore);
            let next = carry(TABLE, &desired, &live);
            let found = without_effect(TABLE, &desired, &live, &next);
            found
                .iter()
                .map(|idle| idle.path.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(vain(&[]), ["items[a].end"]);
        // The keys of this list are labels, which ignore case.
        assert_eq!(vain(&["items[A].end"]), [""; 0]);
        assert_eq!(vain(&["items[B].end"]), ["items[a].end"]);
    }
}
