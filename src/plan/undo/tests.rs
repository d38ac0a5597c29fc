use serde_json::{Value as Json, json};

use super::*;
use crate::model::{KindTable, Risk};
use crate::plan::field_json::{fields_from_json, fields_to_json};
use crate::provider;

fn kind(name: &str) -> &'static KindTable {
    provider::find_kind(name).unwrap().table()
}

fn lac() -> &'static [Field] {
    kind("LacLicenseOrder").desired
}

fn change(path: &str, before: Json, after: Json) -> ChangeEntry {
    let verb = match (before.is_null(), after.is_null()) {
        (true, false) if path.ends_with(']') => ChangeVerb::Add,
        (false, true) if path.ends_with(']') => ChangeVerb::Remove,
        _ => ChangeVerb::Replace,
    };
    ChangeEntry {
        path: path.into(),
        verb,
        before,
        after,
        risk: Risk::Safe,
        note: None,
        call: 0,
    }
}

fn live(table: &'static [Field], json: Json) -> Live {
    let Json::Object(members) = json else {
        panic!("an object");
    };
    Live {
        fields: fields_from_json(table, &members.into_iter().collect()),
        ..Live::default()
    }
}

/// Returns the fields that the inverse desires, and the messages about the changes that are not taken back.
fn taken(
    table: &'static [Field],
    changes: &[ChangeEntry],
    is: Json,
    changed_too: bool,
) -> (Json, Vec<String>) {
    let inverse = invert_changes(table, changes, &live(table, is), changed_too);
    let lost = inverse.lost.iter().map(ToString::to_string);
    (
        json!(fields_to_json(table, &inverse.fields)),
        lost.collect(),
    )
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_field_goes_back_only_where_it_is_as_the_run_left_it() {
    let seats = [change("activations_allowed", json!(10), json!(12))];
    let at = |is: i64, changed_too| {
        taken(
            lac(),
            &seats,
            json!({"activations_allowed": is}),
            changed_too,
        )
    };
    assert_eq!(at(12, false), (json!({"activations_allowed": 10}), vec![]));
    assert_eq!(at(10, false), (json!({}), vec![]));
    let words = "activations_allowed: changed since: it is 30, and the run left 12";
    assert_eq!(at(30, false), (json!({}), vec![words.to_string()]));
    assert_eq!(at(30, true), (json!({"activations_allowed": 10}), vec![]));
}

#[test]
fn a_set_goes_back_member_by_member() {
    let table = kind("CryptlexOrganizationLicense").desired;
    let changes = [change(
        "userGroupIds",
        json!(["e", "old"]),
        json!(["e", "s"]),
    )];
    let back = |is: &[&str]| {
        let (back, lost) = taken(table, &changes, json!({"userGroupIds": is}), false);
        assert_eq!(lost, NOTHING, "{is:?}");
        back
    };
    assert_eq!(back(&["e", "s"]), json!({"userGroupIds": ["e", "old"]}));
    assert_eq!(
        back(&["e", "s", "theirs"]),
        json!({"userGroupIds": ["e", "old", "theirs"]})
    );
    // Another writer has taken back a part of it already.
    assert_eq!(back(&["e"]), json!({"userGroupIds": ["e", "old"]}));
    assert_eq!(back(&["e", "old"]), json!({}));
}

fn feature(name: &str, count: i64) -> Json {
    json!({
        "name": name, "version": "1", "expiration_type": "no_expiration", "issued_type": "not_issued",
        "count": count, "maintenance_type": "no_maintenance",
    })
}

#[test]
fn elements_go_back_one_by_one_and_those_of_others_stay() {
    let changes = [
        change("Features[New 1]", Json::Null, feature("New", 5)),
        change("Features[Old 1]", feature("Old", 2), Json::Null),
        change("Features[Kept 1].count", json!(1), json!(3)),
    ];
    let back = |features: Json| taken(lac(), &changes, json!({"Features": features}), false);
    let list = |items: &[Json]| json!({"Features": items});
    let (desired_fields, lost) = back(json!([
        feature("New", 5),
        feature("Kept", 3),
        feature("Theirs", 9)
    ]));
    assert_eq!(lost, NOTHING);
    let expected = list(&[feature("Kept", 1), feature("Old", 2), feature("Theirs", 9)]);
    assert_eq!(desired_fields, expected);
    // As before already.
    assert_eq!(
        back(json!([feature("Old", 2), feature("Kept", 1)])),
        (json!({}), vec![])
    );
    // Changed since, each in its own way.
    let (desired_fields, lost) = back(json!([feature("New", 6), feature("Old", 7)]));
    assert_eq!(desired_fields, json!({}));
    let messages: Vec<&str> = lost
        .iter()
        .map(|lost| lost.split(", ").next().unwrap())
        .collect();
    assert_eq!(lost.len(), 3);
    assert!(
        messages[0].starts_with("Features[New 1]: changed since"),
        "{messages:?}"
    );
    assert!(
        messages[1].starts_with("Features[Old 1]: changed since"),
        "{messages:?}"
    );
    assert_eq!(
        messages[2],
        "Features[Kept 1].count: the element is not there any more"
    );
}

#[test]
fn a_list_that_the_read_does_not_show_is_not_taken_back() {
    let changes = [change("Features[New 1]", Json::Null, feature("New", 5))];
    let (desired_fields, lost) = taken(lac(), &changes, json!({}), true);
    assert_eq!(desired_fields, json!({}));
    assert_eq!(lost, ["Features[New 1]: the read does not show the list"]);
}

#[test]
fn what_nobody_had_seen_is_not_guessed() {
    let seats = ChangeEntry {
        note: Some(format!("5 allowed; {UNSEEN}")),
        ..change("activations_allowed", Json::Null, json!(5))
    };
    let (desired_fields, lost) = taken(lac(), &[seats], json!({"activations_allowed": 5}), false);
    assert_eq!(desired_fields, json!({}));
    let words =
        "activations_allowed: it is unknown what it was: the read before the write did not show it";
    assert_eq!(lost, [words]);
}

#[test]
fn an_element_comes_back_with_the_counter_that_it_had_and_no_counter_is_set_back() {
    let table = kind("LicenseSpringLicense").desired;
    let row = json!({"product_feature": "f1", "max_consumption": 5, "total_consumptions": 3});
    let list = row.as_object().unwrap();
    let (name, path) = table
        .iter()
        .find_map(|field| match &field.shape {
            Shape::Keyed(elements) => {
                let key = list.get(elements.key[0])?.as_str()?;
                Some((field.name, format!("{}[{key}]", field.name)))
            }
            _ => None,
        })
        .expect("a list with this key");
    let removed = [change(&path, row.clone(), Json::Null)];
    let (desired_fields, lost) = taken(table, &removed, json!({name: []}), false);
    assert_eq!((&desired_fields[name], lost.len()), (&json!([row]), 0));
    let counted = [change(
        &format!("{path}.total_consumptions"),
        json!(3),
        json!(0),
    )];
    let (desired_fields, lost) = taken(table, &counted, json!({name: [row]}), true);
    assert_eq!(desired_fields, json!({}));
    assert!(
        lost[0].contains("a usage counter is not set back"),
        "{lost:?}"
    );
}

#[test]
fn what_the_vendor_cannot_clear_is_lost() {
    let table = kind("AlineaLicense").desired;
    let stuck = |field: &&Field| {
        field.clearing == Clearing::Impossible && matches!(field.shape, Shape::Text { .. })
    };
    let field = table
        .iter()
        .find(stuck)
        .expect("a field that cannot be cleared");
    let set = [change(field.name, Json::Null, json!("x"))];
    let inverse = invert_changes(table, &set, &live(table, json!({field.name: "x"})), false);
    assert_eq!((inverse.lost.len(), inverse.fields.len()), (1, 0));
    assert_eq!(inverse.lost[0].why, Obstacle::NotClearable);
}
