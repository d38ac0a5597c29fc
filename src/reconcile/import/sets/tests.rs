//! Sets of made-up orders, and the law that what a set gives is what went in.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::manifest::rows::RowFiles;
use crate::manifest::{Loaded, write};
use crate::model::diagnostic::Source;
use crate::model::{Desired, Text};
use crate::provider;
use crate::reconcile::testing::CONNECTION;
use crate::reconcile::{CheckOptions, check_manifests};

const ORDER: &str = "LacLicenseOrder";

fn object(kind: &str, name: &str, ids: Vec<(&'static str, Json)>, desired: Json) -> StatedObject {
    let Json::Object(desired) = desired else {
        panic!("a map");
    };
    StatedObject {
        table: provider::find_kind(kind).expect("a kind").table(),
        name: name.into(),
        connection: "lac".into(),
        ids,
        desired,
    }
}

fn order(name: &str, desired: Json) -> StatedObject {
    let key = format!("K{name}");
    object(ORDER, name, vec![("activationKey", json!(key))], desired)
}

fn sets_of(objects: &[StatedObject]) -> Vec<FoundSet> {
    let objects: Vec<&StatedObject> = objects.iter().collect();
    find_sets(&objects, &BTreeSet::new())
}

/// The names of the objects in each set.
fn names<'a>(objects: &'a [StatedObject], sets: &[FoundSet]) -> Vec<Vec<&'a str>> {
    let sets = sets.iter().map(|set| {
        let members = set.members.iter();
        members.map(|index| objects[*index].name.as_str()).collect()
    });
    sets.collect()
}

/// What a run has of an object.
type Known = (
    String,
    Text,
    Vec<(&'static str, Text)>,
    crate::model::Fields,
);

fn read(texts: Vec<String>, rows: Vec<(String, String)>) -> Vec<Known> {
    let texts = texts
        .into_iter()
        .chain([CONNECTION.to_string()])
        .enumerate();
    let source = |(index, text)| Arc::new(Source::new(format!("{index}"), text));
    let rows = rows
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()));
    let loaded = Loaded {
        sources: texts.map(source).collect(),
        row_files: RowFiles::of_commit(rows),
        ..Loaded::default()
    };
    let checked = check_manifests(loaded, &CheckOptions::default());
    let found: Vec<_> = checked.findings.iter().map(|one| &one.message).collect();
    assert!(found.is_empty(), "{found:?}");
    let known = |one: &Arc<Desired>| {
        let (address, fields) = (one.address.to_string(), one.fields.unpack());
        (
            address,
            one.connection.clone(),
            one.identity.clone(),
            fields,
        )
    };
    checked.desired.iter().map(known).collect()
}

fn written_out(object: &StatedObject) -> String {
    let desired = Json::Object(object.desired.clone());
    let (kind, name) = (object.table.kind, &object.name);
    let document = write::object(kind, name, &object.connection, &object.ids, desired);
    write::yaml(&document).expect("YAML")
}

/// Sets, and the objects in none written out, give the same as all objects written out.
#[track_caller]
fn give_the_same(objects: &[StatedObject], sets: &[FoundSet]) {
    let in_sets: BTreeSet<usize> = sets.iter().flat_map(|set| set.members.clone()).collect();
    let rest = objects.iter().enumerate();
    let rest = rest.filter(|(index, _)| !in_sets.contains(index));
    let mut texts: Vec<String> = rest.map(|(_, object)| written_out(object)).collect();
    let documents = sets
        .iter()
        .flat_map(|set| set.edition.iter().chain([&set.set]));
    texts.extend(documents.map(|document| write::yaml(document).expect("YAML")));
    let rows = sets.iter().map(|set| (set.row_file(), set.rows.clone()));
    let made = read(texts.clone(), rows.collect());
    let expected = read(objects.iter().map(written_out).collect(), Vec::new());
    assert_eq!(made, expected, "{texts:#?}");
}

#[test]
fn what_is_shared_is_the_edition_and_what_varies_the_table() {
    let viewer =
        |count: i64| json!([{"name": "Viewer", "version": "2.0", "enabled": true, "count": count}]);
    let objects = [
        order(
            "rivers",
            json!({"customer_id": 1, "enabled": true, "activations_allowed": 25, "Features": viewer(5)}),
        ),
        order(
            "brooks",
            json!({"customer_id": 1, "enabled": true, "activations_allowed": 7, "Features": viewer(3)}),
        ),
        order(
            "lakes",
            json!({"customer_id": 1, "enabled": true, "Features": []}),
        ),
    ];
    let sets = sets_of(&objects);
    let [set] = &sets[..] else {
        panic!("one set");
    };
    assert_eq!(names(&objects, &sets), [["brooks", "rivers"]]);
    let rows = "name,activationKey,activations_allowed,Features.Viewer 2.0.count\nbrooks,Kbrooks,7,3\nrivers,Krivers,25,5\n";
    assert_eq!(set.rows, rows);
    let shared = json!({"customer_id": 1, "enabled": true, "Features": [{"name": "Viewer", "version": "2.0", "enabled": true}]});
    let edition = set.edition.as_ref().expect("an edition");
    assert_eq!(edition["spec"], json!({"for": ORDER, "desired": shared}));
    assert_eq!(set.name, "lac-license-order-1");
    let template = json!({
        "metadata": {"name": {"column": "name"}},
        "spec": {
            "connection": "lac",
            "activationKey": {"column": "activationKey"},
            "edition": {"name": "lac-license-order-1"},
            "desired": {
                "activations_allowed": {"column": "activations_allowed"},
                "Features": [{"name": "Viewer", "version": "2.0", "count": {"column": "Features.Viewer 2.0.count"}}],
            },
        },
    });
    assert_eq!(set.set["spec"]["template"], template);
    assert_eq!(
        set.set["spec"]["forEach"],
        json!({"rows": {"file": "lac-license-order-1.csv"}})
    );
    give_the_same(&objects, &sets);
}

#[test]
fn a_value_that_fits_no_cell_is_shared_or_parts_the_objects() {
    let described =
        |name: &str, text: &str| order(name, json!({"customer_id": 1, "description": text}));
    let objects = [
        described("a", "=1"),
        described("b", "one"),
        described("c", "=1"),
        described("d", " two"),
        described("e", "three"),
    ];
    let sets = sets_of(&objects);
    // Of two sets of one size, the one whose outline is first has the first number.
    let mut found = names(&objects, &sets);
    found.sort();
    assert_eq!(found, [["a", "c"], ["b", "e"]]);
    give_the_same(&objects, &sets);
    let lists = [
        ("f", json!(["X"])),
        ("g", json!(["Y"])),
        ("h", json!(["X"])),
    ];
    let objects = lists.map(|(name, list)| {
        let ids = vec![("organizationId", json!("o")), ("licenseId", json!(name))];
        object(
            "CryptlexOrganizationLicense",
            name,
            ids,
            json!({"userGroups": list}),
        )
    });
    assert_eq!(names(&objects, &sets_of(&objects)), [["f", "h"]]);
}

#[test]
fn equal_objects_have_no_column_of_a_field_and_different_ones_no_edition() {
    let same = ["a", "b"].map(|name| order(name, json!({"customer_id": 1})));
    let sets = sets_of(&same);
    assert_eq!(sets[0].rows, "name,activationKey\na,Ka\nb,Kb\n");
    give_the_same(&same, &sets);
    let other = [("a", 1), ("b", 2)].map(|(name, id)| order(name, json!({"customer_id": id})));
    let sets = sets_of(&other);
    assert!(sets[0].edition.is_none());
    give_the_same(&other, &sets);
}

#[test]
fn columns_of_one_name_and_foreign_delimiters_are_told_apart() {
    let group = |name: &str| {
        let ids = vec![("organizationId", json!("o")), ("userGroupId", json!(name))];
        object(
            "CryptlexUserGroup",
            name,
            ids,
            json!({"name": name.to_uppercase()}),
        )
    };
    let sets = sets_of(&[group("a"), group("b")]);
    assert!(
        sets[0]
            .rows
            .starts_with("name,organizationId,userGroupId,desired.name\na,o,a,A\n")
    );
    let with_semicolons = [("a", 1), ("b", 2)].map(|(name, count)| {
        let feature = json!({"name": "V;;;;;;", "version": "1", "count": count});
        order(name, json!({"customer_id": 1, "Features": [feature]}))
    });
    give_the_same(&with_semicolons, &sets_of(&with_semicolons));
}

#[test]
fn names_are_numbered_without_those_that_are_taken_and_the_largest_set_is_first() {
    let mut objects: Vec<_> = ["a", "b"]
        .map(|name| order(name, json!({"customer_id": 1})))
        .into();
    objects.extend(
        ["c", "d", "e"].map(|name| order(name, json!({"customer_id": 1, "enabled": true}))),
    );
    let all: Vec<&StatedObject> = objects.iter().collect();
    let taken = BTreeSet::from(["lac-license-order-1".to_string()]);
    let sets = find_sets(&all, &taken);
    let found: Vec<_> = sets
        .iter()
        .map(|set| (set.name.as_str(), set.members.len()))
        .collect();
    assert_eq!(
        found,
        [("lac-license-order-2", 3), ("lac-license-order-3", 2)]
    );
}

/// Texts that are nothing special, and texts that are trouble in a table.
fn any_text() -> impl Strategy<Value = String> {
    let trouble = [
        "=1",
        "+1",
        "-1",
        "@x",
        " a",
        "a ",
        "a,b",
        "a;b",
        "\"",
        "a\"b",
        "one\ntwo",
        "a\tb",
        "{a}",
        "{column: a}",
        "true",
        "7",
        "007",
        "null",
        "a\u{200b}b",
        "::stop",
        "ü",
    ];
    prop_oneof![
        "[a-c]{1,2}",
        proptest::sample::select(trouble.to_vec()).prop_map(str::to_string)
    ]
}

fn any_feature() -> impl Strategy<Value = Json> {
    let key = (
        proptest::sample::select(vec!["Viewer", "A;B", "C,\"D\"", "=E"]),
        "[12]",
    );
    let members = (
        proptest::option::of(0..4i64),
        proptest::option::of(any::<bool>()),
    );
    (key, members, proptest::option::of(any_text())).prop_map(
        |((name, version), (count, enabled), options)| {
            let mut feature = Map::from_iter([
                ("name".to_string(), json!(name)),
                ("version".to_string(), json!(version)),
            ]);
            feature.extend(options.map(|text| ("options".to_string(), json!(text))));
            feature.extend(enabled.map(|flag| ("enabled".to_string(), json!(flag))));
            feature.extend(count.map(|count| ("count".to_string(), json!(count))));
            Json::Object(feature)
        },
    )
}

fn any_desired() -> impl Strategy<Value = Json> {
    let features = proptest::collection::vec(any_feature(), 0..3);
    let scalars = (
        1..4i64,
        proptest::option::of(any::<bool>()),
        proptest::option::of(any_text()),
    );
    (scalars, proptest::option::of(features)).prop_map(
        |((customer, enabled, description), features)| {
            let mut desired = Map::from_iter([("customer_id".to_string(), json!(customer))]);
            desired.extend(enabled.map(|flag| ("enabled".to_string(), json!(flag))));
            desired.extend(description.map(|text| ("description".to_string(), json!(text))));
            let features = features.map(|mut features| {
                let mut keys = BTreeSet::new();
                features.retain(|one: &Json| {
                    keys.insert((one["name"].to_string(), one["version"].to_string()))
                });
                ("Features".to_string(), json!(features))
            });
            desired.extend(features);
            Json::Object(desired)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sets_give_exactly_what_went_in_in_whatever_order(
        all in proptest::collection::vec(any_desired(), 0..12),
        turn in 0..12usize,
    ) {
        let objects: Vec<_> = all.iter().enumerate().map(|(index, desired)| order(&format!("o{index}"), desired.clone())).collect();
        let sets = sets_of(&objects);
        give_the_same(&objects, &sets);
        let mut turned: Vec<&StatedObject> = objects.iter().rev().collect();
        turned.rotate_left(turn.min(all.len()));
        let again = find_sets(&turned, &BTreeSet::new());
        let texts = |sets: &[FoundSet]| sets.iter().map(|set| format!("{:?}{}{}", set.edition, set.set, set.rows)).collect::<Vec<_>>();
        prop_assert_eq!(texts(&sets), texts(&again));
    }
}
