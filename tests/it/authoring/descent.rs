//! `why`: each value of an object is named once, with the places that it came by.

use std::collections::BTreeMap;

use entitle::model::Desired;
use entitle::plan::descent::{DescentDocument, ValueDescent};
use entitle::plan::field_descent::{FieldDescent, PlaceEntry};
use entitle::reconcile::descent::DescentFinder;
use entitle::reconcile::{CheckOptions, Checked, EnvironmentChoice};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{ALL, CONNECTIONS, Texts, check, in_environment, load, options, write};

/// Where the values of an object come from, at the beginning of a day.
fn explain(texts: Texts<'_>, options: &CheckOptions, name: &str) -> DescentDocument {
    let checked = check(texts, options);
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let object = find(&checked, name);
    let document = DescentFinder::new(&checked).explain(object, None);
    document.expect("a descent")
}

fn find<'a>(checked: &'a Checked, name: &str) -> &'a Desired {
    let mut objects = checked.desired.iter();
    let found = objects.find(|object| object.address.name == *name);
    found.expect("an object")
}

/// The places of a value, as `file:line document`, that of its writing last.
fn places(document: &DescentDocument, field: &str) -> (Json, Vec<String>) {
    let mut values = document.values.iter();
    let value = values.find(|value| value.field == field);
    let value = value.unwrap_or_else(|| panic!("no {field} in {document:#?}"));
    let places = value.places.iter();
    let places = places.map(|place| format!("{}:{} {}", place.file, place.line, place.document));
    (
        value.value.clone(),
        places.map(|place| place.trim().to_string()).collect(),
    )
}

#[test]
fn a_value_has_the_places_that_it_came_by() {
    let june = in_environment("staging", "2027-06-30");
    let lakes = explain(ALL, &june, "lakes");
    let layers = (
        lakes.edition.as_deref(),
        lakes.set.as_deref(),
        lakes.environment.as_deref(),
    );
    assert_eq!(layers, (Some("basic"), None, Some("staging")));
    let found = |field: &str| places(&lakes, field);
    let lines = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| (*line).to_string())
            .collect::<Vec<_>>()
    };
    let order = "LacLicenseOrder/lakes";
    assert_eq!(
        found("activationKey"),
        (
            json!("K-STAGING"),
            lines(&[
                &format!("order.yaml:6 {order}"),
                "environments.yaml:7 Environment/staging"
            ])
        )
    );
    assert_eq!(
        found("activations_allowed"),
        (
            json!(5),
            lines(&[
                "basic.yaml:10 Edition/basic",
                &format!("order.yaml:8 {order}"),
                "environments.yaml:6 Environment/staging"
            ])
        )
    );
    assert_eq!(
        found("description"),
        (
            json!("of the lakes"),
            lines(&[&format!("order.yaml:11 {order}")])
        )
    );
    assert_eq!(
        found("Features[Viewer 3.0].count"),
        (json!(2), lines(&["basic.yaml:13 Edition/basic"]))
    );
    let july = in_environment("production", "2027-07-01");
    let lakes = explain(ALL, &july, "lakes");
    assert_eq!(
        places(&lakes, "activations_allowed"),
        (json!(99), lines(&[&format!("order.yaml:16 {order}")]))
    );
    assert_eq!(
        places(&lakes, "description"),
        (
            json!("of July"),
            lines(&[&format!("order.yaml:15 {order}")])
        )
    );
}

#[test]
fn a_value_of_a_row_leads_to_the_row() {
    let june = in_environment("staging", "2027-06-30");
    let brooks = explain(ALL, &june, "brooks-cad");
    assert_eq!(brooks.set.as_deref(), Some("customers"));
    let set = "ObjectSet/customers";
    let expected = [
        "basic.yaml:10 Edition/basic",
        &format!("set.yaml:16 {set}"),
        "customers.csv:3",
    ];
    assert_eq!(
        places(&brooks, "activations_allowed"),
        (json!(7), expected.map(str::to_string).to_vec())
    );
    let expected = [&format!("set.yaml:14 {set}"), "customers.csv:3"];
    assert_eq!(
        places(&brooks, "activationKey"),
        (json!("K-2"), expected.map(str::to_string).to_vec())
    );
    let row = brooks.values.iter().flat_map(|value| &value.places);
    let row: Vec<&str> = row
        .filter(|place| place.file == "customers.csv")
        .map(|place| place.text.as_str())
        .collect();
    assert_eq!(row, ["brooks,2,K-2,7,silver"; 5]);
}

#[test]
fn what_is_written_beside_the_fields_has_its_places_too() {
    let june = in_environment("staging", "2027-06-30");
    let order = "LacLicenseOrder/lakes";
    let lakes = explain(ALL, &june, "lakes");
    assert_eq!(
        places(&lakes, "connection"),
        (
            json!("lac-staging"),
            vec![
                format!("order.yaml:5 {order}"),
                "environments.yaml:8 Environment/staging".to_string()
            ]
        )
    );
    for (field, value, line) in [
        ("labels.team", "sales", 3),
        ("policy.mode", "observe", 7),
        ("policy.reason", "a trial", 7),
    ] {
        let expected = (json!(value), vec![format!("order.yaml:{line} {order}")]);
        assert_eq!(places(&lakes, field), expected);
    }
    let brooks = explain(ALL, &june, "brooks-cad");
    let set = "ObjectSet/customers";
    for (field, line) in [("labels.tier", 10), ("policy.reason", 15)] {
        let rows = vec![format!("set.yaml:{line} {set}"), "customers.csv:3".into()];
        assert_eq!(places(&brooks, field), (json!("silver"), rows));
    }
}

#[test]
fn no_field_is_named_like_a_member_beside_the_fields() {
    for kind in entitle::provider::all_kinds() {
        for name in ["connection", "labels", "policy"] {
            let table = kind.table();
            let fields = table
                .desired
                .iter()
                .chain(table.lifecycle.creation_fields());
            assert!(
                fields.map(|field| field.name).all(|field| field != name),
                "{name} of {}",
                table.kind
            );
        }
    }
}

#[test]
fn only_what_is_asked_for_is_shown() {
    let june = in_environment("staging", "2027-06-30");
    let checked = check(ALL, &june);
    let lakes = find(&checked, "lakes");
    let fields = |asked: &str| {
        let document = DescentFinder::new(&checked).explain(lakes, Some(asked));
        document
            .expect("a descent")
            .values
            .into_iter()
            .map(|value| value.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        fields("Features[Viewer 2.0].count"),
        ["Features[Viewer 2.0].count"]
    );
    assert_eq!(fields("Features[Viewer 2.0]").len(), 3);
    assert_eq!(fields("Features").len(), 6);
    assert_eq!(fields("Feature"), [""; 0]);
    assert_eq!(fields("note"), [""; 0]);
}

/// The values of a desired state by the paths that plans print. Not by the code under test: all lists here are `Features`.
fn paths_of(desired: &Json) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    for (name, value) in desired.as_object().expect("fields") {
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            found.insert(name.clone(), value.clone());
            continue;
        };
        for item in items {
            let part = |part: &str| item[part].as_str().expect("a key").to_string();
            let key = format!("{} {}", part("name"), part("version"));
            for (member, value) in item.as_object().expect("an element") {
                let path = format!("{name}[{key}].{member}");
                assert_eq!(
                    found.insert(path, value.clone()),
                    None,
                    "an element is there twice"
                );
            }
        }
    }
    found
}

/// A value as plans show it.
fn in_plan(value: &ValueDescent) -> FieldDescent {
    let places = value.places.iter().map(|written| PlaceEntry {
        file: written.file.clone(),
        line: written.line,
        document: written.document.clone(),
    });
    FieldDescent {
        field: value.field.clone(),
        places: places.collect(),
    }
}

/// Fields of one layer. No two of a case have the same values, so a place that is wrong shows.
fn fields(layer: i64) -> impl Strategy<Value = Json> {
    let number = layer * 100;
    let feature = prop::sample::subsequence(vec!["A", "B", "C"], 0..=3);
    let version = prop::sample::select(vec!["1.0", "2.0"]);
    let elements = (feature, version, any::<bool>()).prop_map(move |(names, version, first)| {
        let names = names.into_iter().enumerate();
        let items = names.map(|(index, name)| {
            let count = number + 10 + index as i64;
            match first {
                true => json!({"count": count, "version": version, "name": name}),
                false => json!({"name": name, "version": version, "count": count}),
            }
        });
        Json::Array(items.collect())
    });
    let member =
        move |name: &'static str, value: Json| prop::option::of(Just((name.to_string(), value)));
    let list = prop::option::of(elements.prop_map(|list| ("Features".to_string(), list)));
    let allowed = member("activations_allowed", json!(number + 1));
    let text = member("description", json!(format!("layer {layer}")));
    (allowed, text, list).prop_map(|(allowed, text, list)| {
        let members = [allowed, text, list].into_iter().flatten();
        Json::Object(members.collect::<Map<_, _>>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the layers, each value of the object that is checked is named once, with the line that it stands in.
    #[test]
    fn every_value_is_named_exactly_once(
        base in fields(1), edition in fields(2), dated in fields(3), object in fields(4), change in fields(5),
    ) {
        let document = |kind: &str, name: &str, spec: Json| {
            let document = json!({"apiVersion": "entitle.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
            format!("{document:#}")
        };
        let base = document("Edition", "base", json!({"for": "LacLicenseOrder", "desired": base}));
        let over = json!({
            "for": "LacLicenseOrder", "extends": "base", "desired": edition,
            "changes": [{"from": "2026-01-01", "desired": dated}],
        });
        let over = document("Edition", "over", over);
        let mut desired = object;
        desired["customer_id"] = json!(7);
        let order = json!({
            "connection": "lac-staging", "activationKey": "K-1", "edition": {"name": "over"},
            "policy": {"mode": "observe", "allow": ["strand"]},
            "desired": desired, "changes": [{"from": "2026-02-01", "desired": change}],
        });
        let order = document("LacLicenseOrder", "rivers", order);
        let texts: Texts<'_> = &[("c", CONNECTIONS), ("base", &base), ("over", &over), ("o", &order)];
        let options = options(EnvironmentChoice::Only, "2026-12-01");
        let written = write(texts, &options);
        let mut objects = written.documents.iter().flat_map(|document| written.objects_of(document));
        let whole = objects.find(|object| object.draft.address.name == *"rivers").expect("an object");
        let mut expected = paths_of(&written.render(&whole)["spec"]["desired"]);
        expected.insert("activationKey".into(), json!("K-1"));
        expected.insert("connection".into(), json!("lac-staging"));
        expected.insert("policy.mode".into(), json!("observe"));
        expected.insert("policy.allow[0]".into(), json!("strand"));
        let checked = check(texts, &options);
        let rivers = find(&checked, "rivers");
        let mut finder = DescentFinder::new(&checked);
        let document = finder.explain(rivers, None).expect("a descent");
        // A plan names the same places of what it changes.
        let is_changed = |path: &str| path.starts_with("Features") || path == "description";
        let of_plan = finder.find_fields(rivers, is_changed);
        let of_why = document.values.iter().filter(|value| is_changed(&value.field));
        let of_why: Vec<FieldDescent> = of_why.map(in_plan).collect();
        prop_assert_eq!(of_plan, of_why);
        let mut found = BTreeMap::new();
        for value in document.values {
            let last = value.places.last().expect("a place");
            let text = last.text.trim_end_matches(',');
            prop_assert!(text.ends_with(&value.value.to_string()), "{value:?}");
            prop_assert!(load(texts).sources.iter().any(|source| source.name == last.file));
            prop_assert_eq!(found.insert(value.field, value.value), None);
        }
        prop_assert_eq!(found, expected);
    }
}
