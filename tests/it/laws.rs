//! Laws that hold for every field table: nothing to do means nothing planned, what was carried out is
//! what was desired, the order of files means nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use entitle::model::WriteMode;
use entitle::model::{
    Carry, Clearing, Desired, ElementKey, Field, Fields, Live, Need, Observed, PackedFields, Shape,
    Value,
};
use entitle::plan::{self, Disposition, carry, diff, step};
use entitle::provider::{self, ResourceKind};
use proptest::prelude::*;

use super::support::pure;

fn value(field: &'static Field) -> BoxedStrategy<Value> {
    let some = shape_value(&field.shape);
    match (&field.shape, field.clearing) {
        (Shape::Set(_) | Shape::Keyed(_), _) | (_, Clearing::Impossible | Clearing::Zero) => some,
        _ => prop_oneof![3 => some, 1 => Just(Value::Null)].boxed(),
    }
}

fn shape_value(shape: &'static Shape) -> BoxedStrategy<Value> {
    let text = |texts: &'static [&'static str]| {
        prop::sample::select(texts)
            .prop_map(|text| Value::Text(text.into()))
            .boxed()
    };
    match shape {
        Shape::Text { .. } => text(&["x", "y", "a b", "ü"]),
        Shape::Integer { min, max, .. } => {
            let (min, max) = (*min, (*max).min(*min + 5));
            (min..=max).prop_map(Value::Integer).boxed()
        }
        Shape::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        Shape::Choice { values, .. } => text(values),
        Shape::Date => text(&["2026-01-31", "2027-12-31", "2028-02-29"]),
        Shape::Instant => text(&["2026-01-31T00:00:00Z", "2027-12-31T23:59:59Z"]),
        Shape::Id => text(&["x", "f76ac030-df89-41a9-a62a-b6fbbba5a58c"]),
        Shape::Guid => text(&[
            "f76ac030-df89-41a9-a62a-b6fbbba5a58c",
            "25e1dd03-7185-4dc0-b63e-0df178164e13",
        ]),
        Shape::Object => {
            let json = prop::sample::select(&["{}", "{\"a\":1}"][..]);
            json.prop_map(|text| Value::Json(Box::new(serde_json::from_str(text).expect("JSON"))))
                .boxed()
        }
        Shape::List(_) => {
            unreachable!("only a creation takes it, and laws are about what is compared")
        }
        Shape::Set(_) => prop::collection::btree_set("[a-d]", 0..4)
            .prop_map(Value::set)
            .boxed(),
        Shape::Keyed(elements) => {
            let keys = prop::sample::subsequence(vec!["a", "b", "c", "d"], 0..4).prop_shuffle();
            keys.prop_flat_map(|keys| {
                let items: Vec<_> = keys
                    .into_iter()
                    .map(|key| {
                        let parts = vec![key.into(); elements.key.len()];
                        let key = ElementKey::new(parts, elements.fold);
                        fields(elements.fields).prop_map(move |fields| (key.clone(), fields))
                    })
                    .collect();
                items.prop_map(|items| Value::Items(items.into()))
            })
            .boxed()
        }
    }
}

/// A value for every field of the table.
fn fields(table: &'static [Field]) -> BoxedStrategy<Fields> {
    let each: Vec<_> = table
        .iter()
        .filter(|field| field.need != Need::Never)
        .map(|field| value(field).prop_map(move |value| (field.name, value)))
        .collect();
    each.prop_map(|pairs| pairs.into_iter().collect()).boxed()
}

/// The same fields with some of them left out, at the top and inside elements.
fn managed(all: Fields) -> BoxedStrategy<Fields> {
    let names: Vec<&'static str> = all.keys().collect();
    let count = names.len();
    (prop::sample::subsequence(names, 0..=count), any::<bool>())
        .prop_map(move |(kept, thin)| {
            let kept: BTreeSet<&str> = kept.into_iter().collect();
            let thinned = |value: &Value| match value {
                Value::Items(items) if thin => {
                    let halve = |fields: &Fields| fields.clone().into_iter().step_by(2).collect();
                    Value::Items(
                        items
                            .iter()
                            .map(|(key, fields)| (key.clone(), halve(fields)))
                            .collect(),
                    )
                }
                other => other.clone(),
            };
            all.iter()
                .filter(|(name, _)| kept.contains(name))
                .map(|(n, v)| (n, thinned(v)))
                .collect()
        })
        .boxed()
}

/// An object of the kind that desires `fields`.
fn desired(kind: &dyn ResourceKind, fields: Fields) -> Desired {
    let table = kind.table();
    let ids: String = table
        .identity
        .iter()
        .map(|identity| format!("  {}: '{}'\n", identity.name, identity.example))
        .collect();
    let required: String = table
        .desired
        .iter()
        .filter(|field| field.need == Need::InManifest)
        .map(|field| format!("{}: 1", field.name))
        .collect();
    let text = format!(
        "apiVersion: entitle.dev/v1\nkind: {}\nmetadata: {{name: x}}\nspec:\n{ids}  desired: {{{required}}}\n",
        table.kind
    );
    let checked = pure::check(&[("x.yaml", &text)]);
    let object = checked
        .desired
        .first()
        .unwrap_or_else(|| panic!("{:?}", checked.findings));
    Desired {
        fields: PackedFields::new(table.desired, &fields),
        ..(**object).clone()
    }
}

/// What a faithful vendor would show after the write.
fn after(next: &Fields, live: &Fields) -> Live {
    let mut fields = live.clone();
    for (name, value) in next {
        let merged = match (value, live.get(name)) {
            (Value::Items(items), Some(held)) => Value::Items(
                items
                    .iter()
                    .map(|(key, fields)| {
                        let mut all = held.item(key).cloned().unwrap_or_default();
                        all.extend(fields.clone());
                        (key.clone(), all)
                    })
                    .collect(),
            ),
            (value, _) => value.clone(),
        };
        fields.insert(name, merged);
    }
    Live {
        fields,
        ..Live::default()
    }
}

/// The numbers of all kinds: proptest prints what it shrinks, and a kind has no `Debug`.
fn each_kind() -> std::ops::Range<usize> {
    0..provider::all_kinds().count()
}

fn kind(number: usize) -> &'static dyn ResourceKind {
    provider::all_kinds().nth(number).expect("a kind")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_object_that_is_as_desired_has_no_diff(
        (number, live, wanted) in each_kind().prop_flat_map(|number| {
            fields(kind(number).table().desired).prop_flat_map(move |live| {
                let wanted = managed(live.clone());
                (Just(number), Just(live), wanted)
            })
        })
    ) {
        let kind = kind(number);
        let table = kind.table().desired;
        let live = Live { fields: live, ..Live::default() };
        // An element that is thinned keeps its other fields; a list is complete because it is the same.
        let next = carry::carry(table, &desired(kind, wanted), &live);
        let changes = diff::diff(table, &next, &live, pure::now());
        prop_assert!(changes.is_empty(), "{changes:?}");
    }

    #[test]
    fn what_is_packed_is_unpacked_as_it_was(
        (number, wanted) in each_kind().prop_flat_map(|number| {
            let table = kind(number).table().desired;
            (Just(number), fields(table).prop_flat_map(managed))
        })
    ) {
        let table = kind(number).table().desired;
        let packed = PackedFields::new(table, &wanted);
        prop_assert_eq!(&packed.unpack(), &wanted);
        let again = PackedFields::of_bytes(table, packed.bytes());
        prop_assert_eq!(again.map(|again| again.unpack()), Some(wanted));
    }

    #[test]
    fn what_was_carried_out_is_what_was_desired(
        (number, live, wanted) in each_kind().prop_flat_map(|number| {
            let table = kind(number).table().desired;
            (Just(number), fields(table), fields(table).prop_flat_map(managed))
        })
    ) {
        let kind = kind(number);
        let table = kind.table().desired;
        let live = Live { fields: live, ..Live::default() };
        let desired = desired(kind, wanted);
        let next = carry::carry(table, &desired, &live);
        let written = after(&next, &live.fields);
        let again = carry::carry(table, &desired, &written);
        let changes = diff::diff(table, &again, &written, pure::now());
        prop_assert!(changes.is_empty(), "{changes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_body_of_an_object_in_sync_is_the_live_object(
        (number, live, wanted) in each_kind().prop_flat_map(|number| {
            fields(kind(number).table().desired).prop_flat_map(move |live| {
                let wanted = managed(live.clone());
                (Just(number), Just(live), wanted)
            })
        })
    ) {
        let kind = kind(number);
        let table = kind.table().desired;
        let live = Live { fields: live, ..Live::default() };
        let desired = desired(kind, wanted);
        let next = carry::carry(table, &desired, &live);
        for (index, call) in kind.table().calls.iter().enumerate() {
            let table = kind.table().fields_of(index);
            let own = |fields: &Fields| -> Fields {
                let fields = fields.iter().filter(|(name, _)| table.iter().any(|field| field.name == *name));
                fields.map(|(name, value)| (name, value.clone())).collect()
            };
            let lacking = entitle::provider::conditions::missing_members(table, &own(&next));
            if !call.mode.replaces() || !lacking.is_empty() {
                // Nothing is sent of an object in sync, or live is not as the vendor says it can be.
                continue;
            }
            let sent = step::body_members(table, call.mode, &live, &next, &[]);
            let sent = sent.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let one = |fields: &Fields| spoken(table, &carried(table, fields));
            prop_assert_eq!(one(&sent), one(&own(&live.fields)));
        }
    }

    #[test]
    fn the_last_guard_lets_every_plan_pass(
        (number, live, wanted) in each_kind().prop_flat_map(|number| {
            let table = kind(number).table().desired;
            (Just(number), fields(table), fields(table).prop_flat_map(managed))
        })
    ) {
        let kind = kind(number);
        let live = Live { fields: live, ..Live::default() };
        let desired = Arc::new(desired(kind, wanted));
        let planned = plan::plan_object(kind, &desired, &Observed::Live(live), pure::now());
        let why = planned.message.unwrap_or_default();
        prop_assert!(!why.contains("internal check failed"), "{why}");
        prop_assert_ne!(planned.action, Disposition::Suspend);
    }
}

/// The live fields that travel with a write of everything.
fn carried(table: &'static [Field], live: &Fields) -> Fields {
    let travels = |field: &&Field| field.carry != Carry::OnlyManaged && field.need != Need::Never;
    let one = |field: &'static Field| {
        let value = match (&field.shape, live.get(field.name)?) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let element = |(key, fields): &(ElementKey, Fields)| {
                    (key.clone(), carried(elements.fields, fields))
                };
                Value::Items(items.iter().map(element).collect())
            }
            (_, value) => value.clone(),
        };
        Some((field.name, value))
    };
    table.iter().filter(travels).filter_map(one).collect()
}

/// Fields without those that hold nothing, which some calls leave out, and with lists in the order of their keys.
fn spoken(table: &'static [Field], fields: &Fields) -> Fields {
    let one = |field: &'static Field| {
        let value = match (&field.shape, fields.get(field.name)?) {
            (Shape::Keyed(elements), Value::Items(items)) => {
                let element = |(key, fields): &(ElementKey, Fields)| {
                    (key.clone(), spoken(elements.fields, fields))
                };
                let mut items: Vec<(ElementKey, Fields)> = items.iter().map(element).collect();
                items.sort_by(|(a, _), (b, _)| a.cmp(b));
                Value::Items(items.into())
            }
            (_, value) if field.alike(value, &Value::Null) => return None,
            (_, value) => value.clone(),
        };
        Some((field.name, value))
    };
    table.iter().filter_map(one).collect()
}

#[test]
fn the_order_of_files_means_nothing() {
    let one = |name: &str, key: &str| {
        format!(
            "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: {name}}}\nspec:\n  \
             activationKey: {key}\n  desired: {{customer_id: 1}}\n"
        )
    };
    let (a, b) = (
        one("a", "AAAAA-AAAAA-AAAAA-AAAAA"),
        one("b", "BBBBB-BBBBB-BBBBB-BBBBB"),
    );
    let names = |texts: &[(&str, &str)]| -> Vec<String> {
        pure::check(texts)
            .desired
            .iter()
            .map(|object| object.address.to_string())
            .collect()
    };
    let forward = names(&[("1.yaml", &a), ("2.yaml", &b)]);
    assert_eq!(forward, names(&[("1.yaml", &b), ("2.yaml", &a)]));
    assert_eq!(forward, ["LacLicenseOrder/a", "LacLicenseOrder/b"]);
}

#[test]
fn fields_stand_in_the_order_of_the_calls_that_write_them() {
    for kind in provider::all_kinds() {
        let table = kind.table();
        let calls: Vec<usize> = table.desired.iter().map(|field| field.call).collect();
        assert!(calls.is_sorted(), "{}: {calls:?}", table.kind);
        for index in 0..table.calls.len() {
            let fields = table.fields_of(index);
            // A call of one element stands in for that of its list.
            let stands_in = table.calls[index].mode == WriteMode::Element;
            assert_eq!(
                fields.is_empty(),
                stands_in,
                "{}: call {index} writes nothing",
                table.kind
            );
            assert!(fields.iter().all(|field| field.call == index));
        }
        let last = calls.last().copied().unwrap_or_default();
        assert!(
            last < table.calls.len(),
            "{}: there is no call {last}",
            table.kind
        );
    }
}

#[test]
fn what_is_not_done_with_objects_of_a_kind_has_a_reason_and_what_is_done_has_none() {
    for kind in provider::all_kinds() {
        let (lifecycle, omissions) = (&kind.table().lifecycle, kind.omissions());
        let name = kind.table().kind;
        for (is_done, words) in [
            (lifecycle.create.is_some(), omissions.creation.len()),
            (lifecycle.remove.is_some(), omissions.removal.len()),
            (kind.listing().is_some(), omissions.list.len()),
        ] {
            assert_eq!(is_done, words == 0, "{name}: {omissions:?}");
        }
    }
}
