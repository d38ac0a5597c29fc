//! Literal lists of values, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Fact;
use crate::model::{Desired, Live, Observed, Value, WritePurpose};
use crate::provider::testing::{self, answer, desired_object};
use crate::provider::{ResourceKind, Write};

fn by_key(license: u64, field: u64) -> Desired {
    let (license, field) = (license.to_string(), field.to_string());
    desired_object(
        &fields::TABLE,
        &[(fields::LICENSE, &license), (fields::FIELD, &field)],
    )
}

fn by_id(id: u64) -> Desired {
    desired_object(&fields::TABLE, &[(fields::ID, &id.to_string())])
}

/// A value as the page "List License Custom Fields" prints it; that of license `id` - 1000.
fn value(id: u64, field: u64) -> Json {
    json!({"id": id, "value": format!("v{id}"), "license": id - 1000, "product_custom_field": field})
}

/// Answers as an account with values 1001, 1002, … does.
fn serve(call: &str, count: u64) -> crate::provider::reading::Answer {
    let (_, path) = call.split_once("/license-custom-fields/").unwrap();
    if let Some(id) = path.strip_suffix('/') {
        let id: u64 = id.parse().unwrap();
        return match id > 1000 && id <= 1000 + count {
            true => answer(200, value(id, 51)),
            false => answer(404, json!({"detail": "Not found."})),
        };
    }
    let number = |name: &str| {
        let mut pairs = path.trim_start_matches('?').split('&');
        let found = pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.map(|text| text.parse::<u64>().unwrap())
    };
    let all = 1001..=1000 + count;
    let license = number("license");
    let rows = all.filter(|id| license.is_none_or(|license| id - 1000 == license));
    let rows = Vec::from_iter(rows.map(|id| value(id, 51)));
    let (from, limit) = (number("offset").unwrap_or(0) as usize, 100);
    let page: Vec<&Json> = rows.iter().skip(from).take(limit).collect();
    answer(
        200,
        json!({"count": rows.len(), "next": null, "results": page}),
    )
}

fn read(desired: &[Desired], count: u64) -> (Vec<String>, Vec<Observed>) {
    let desired: Vec<&Desired> = desired.iter().collect();
    let reading = LICENSE_CUSTOM_FIELD.reading(&desired);
    let (rounds, found) = testing::drive(reading, |call| serve(call, count));
    (rounds.concat(), found)
}

fn ids(found: &[Observed]) -> Vec<&str> {
    let ids = found.iter().map(|observed| match observed {
        Observed::Live(live) => live.text(fields::ID).unwrap_or_default(),
        Observed::Missing | Observed::Creatable(_) => "missing",
        Observed::Unread(_) => "unread",
    });
    ids.collect()
}

#[test]
fn one_license_or_one_number_is_one_call() {
    let (calls, found) = read(&[by_key(7, 51), by_key(7, 52)], 5_000);
    assert_eq!(
        calls,
        ["GET /api/v1/license-custom-fields/?license=7&limit=100"]
    );
    assert_eq!(ids(&found), ["1007", "missing"]);
    let (calls, found) = read(&[by_id(1007)], 5_000);
    assert_eq!(calls, ["GET /api/v1/license-custom-fields/1007/"]);
    let live = testing::live(found);
    assert_eq!(live.fields.get("value"), Some(&Value::Text("v1007".into())));
    assert_eq!(live.text(fields::LICENSE), Some("7"));
    let (_, found) = read(&[by_id(7)], 5_000);
    assert!(matches!(found[..], [Observed::Missing]));
}

#[test]
fn several_are_read_by_the_fewer_calls() {
    let wanted = [by_key(7, 51), by_key(200, 51), by_id(1008), by_key(9, 52)];
    // Two more pages are less than four calls, ten pages are not.
    let (calls, found) = read(&wanted, 250);
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert_eq!(ids(&found), ["1007", "1200", "1008", "missing"]);
    let (calls, found) = read(&wanted, 1_000);
    assert_eq!(calls.len(), 1 + 4, "{calls:?}");
    assert_eq!(ids(&found), ["1007", "1200", "1008", "missing"]);
    let (calls, _) = read(&wanted, 90);
    assert_eq!(calls, ["GET /api/v1/license-custom-fields/?limit=100"]);
}

#[test]
fn two_values_of_one_field_on_one_license_are_named_by_their_numbers() {
    let rows = [value(1007, 51), {
        let mut second = value(1007, 51);
        second["id"] = json!(2000);
        second
    }];
    let desired = by_key(7, 51);
    let reading = LICENSE_CUSTOM_FIELD.reading(&[&desired]);
    let (_, found) = testing::drive(reading, |_| {
        answer(200, json!({"count": 2, "next": null, "results": rows}))
    });
    let words = "2 license custom fields have the license 7 and the product_custom_field 51: 1007, 2000; name one by its `licenseCustomFieldId`";
    assert_eq!(testing::unread(found), words);
}

#[test]
fn nothing_is_missing_beside_a_value_whose_license_cannot_be_read() {
    for (member, words) in [
        ("license", "`license` is no number"),
        (
            "product_custom_field",
            "`product_custom_field` is no number",
        ),
    ] {
        let mut odd = value(1008, 51);
        odd[member] = json!("x");
        let desired = by_key(7, 51);
        let reading = LICENSE_CUSTOM_FIELD.reading(&[&desired]);
        let (_, found) = testing::drive(reading, |_| {
            answer(200, json!({"count": 1, "next": null, "results": [odd]}))
        });
        let why = testing::unread(found);
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_key(1_609_234_933_166_159, 51), Live::default());
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [("value", Value::Text("23".into()))].into(),
    };
    let call = LICENSE_CUSTOM_FIELD.encode(&write);
    assert_eq!(call.name(), "POST /api/v1/license-custom-fields/");
    let body =
        json!({"value": "23", "license": 1_609_234_933_166_159_u64, "product_custom_field": 51});
    assert_eq!(call.body, Some(body));
    let mut live = Live::default();
    live.facts
        .insert(fields::ID.into(), Fact::Text("83".into()));
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    let call = LICENSE_CUSTOM_FIELD.encode(&write);
    assert_eq!(call.name(), "PATCH /api/v1/license-custom-fields/83/");
    assert_eq!(call.body, Some(json!({"value": "23"})));
    write.purpose = WritePurpose::Remove;
    let call = LICENSE_CUSTOM_FIELD.encode(&write);
    assert_eq!(call.name(), "DELETE /api/v1/license-custom-fields/83/");
}
