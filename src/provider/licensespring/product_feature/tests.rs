//! Literal lists of product features, and what is read from them.

use serde_json::Value as Json;

use super::*;
use crate::model::live::Fact;
use crate::model::{Desired, Fields, Live, Observed, PackedFields, Policy, Value, WritePurpose};
use crate::provider::ResourceKind;
use crate::provider::testing::{self, answer, desired_object};

fn by_code(code: &str, product: &str) -> Desired {
    desired_object(&fields::TABLE, &[(CODE, code), (PRODUCT, product)])
}

fn by_id(id: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::ID, id)])
}

fn feature(id: u64, code: &str, product: Json) -> Json {
    json!({"id": id, "name": code, "code": code, "feature_type": "activation", "is_deleted": false, "product": product})
}

fn read(desired: &[&Desired], features: &[Json]) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(PRODUCT_FEATURE.reading(desired), |call| {
        let rows = match call.contains("/licenses/") {
            true => vec![json!({"id": 1, "product_features": [{"product_feature": {"id": 171}}]})],
            false => features.to_vec(),
        };
        let count = if call.contains("/licenses/") {
            412
        } else {
            rows.len()
        };
        answer(200, json!({"count": count, "next": null, "results": rows}))
    });
    (rounds.concat(), found)
}

fn ids(found: &[Observed]) -> Vec<&str> {
    let ids = found.iter().map(|seen| match seen {
        Observed::Live(live) => live.text(fields::ID).unwrap_or_default(),
        Observed::Missing | Observed::Creatable(_) => "missing",
        Observed::Unread(_) => "unread",
    });
    ids.collect()
}

#[test]
fn one_list_shows_features_by_code_and_product_and_by_number() {
    let features = [
        feature(171, "f1", json!(7)),
        feature(172, "f1", json!(8)),
        feature(173, "f1", Json::Null),
    ];
    let wanted = [
        by_code("f1", "8"),
        by_id("171"),
        by_code("f1", "0"),
        by_code("F1", "8"),
        by_code("f1", "9"),
    ];
    let wanted: Vec<&Desired> = wanted.iter().collect();
    let (calls, found) = read(&wanted, &features);
    assert_eq!(calls, ["GET /api/v1/product-features/?limit=100"]);
    assert_eq!(ids(&found), ["172", "171", "173", "missing", "missing"]);
}

#[test]
fn two_features_of_one_code_are_named_by_their_numbers() {
    let features = [feature(171, "f1", json!(7)), feature(172, "f1", json!(7))];
    let (_, found) = read(&[&by_code("f1", "7")], &features);
    let why = testing::unread(found);
    let words =
        "2 product features have the code \"f1\": 171, 172; name one by its `productFeatureId`";
    assert_eq!(why, words);
}

#[test]
fn a_feature_is_not_missing_beside_one_whose_code_cannot_be_read() {
    for odd in [json!(7), json!(""), Json::Null] {
        let mut feature = feature(171, "x", json!(7));
        feature["code"] = odd;
        let why = testing::unread(read(&[&by_code("f1", "7")], &[feature]).1);
        assert!(why.contains("product feature 171: `code`"), "{why}");
    }
    let odd = feature(171, "x", json!("7"));
    let why = testing::unread(read(&[&by_code("f1", "7")], &[odd]).1);
    assert!(why.contains("product feature 171: `product`"), "{why}");
    // One that has another code is another feature, whatever else is wrong with it.
    let mut odd = feature(171, "x", json!(7));
    odd["name"] = json!(5);
    let (_, found) = read(&[&by_code("f1", "7"), &by_code("x", "7")], &[odd]);
    assert_eq!(ids(&found), ["missing", "unread"]);
}

#[test]
fn a_feature_that_is_to_be_hidden_is_not_missing() {
    let hidden = Desired {
        fields: PackedFields::new(
            fields::TABLE.desired,
            &Fields::from([(fields::IS_DELETED, Value::Bool(true))]),
        ),
        ..by_code("f1", "7")
    };
    let why = testing::unread(read(&[&hidden], &[]).1);
    assert!(why.contains("may not show hidden ones"), "{why}");
}

#[test]
fn the_licenses_that_have_a_feature_are_counted_before_it_goes() {
    let going = |id: &str| Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_id(id)
    };
    let features = [feature(171, "f1", json!(7)), feature(172, "f2", json!(7))];
    let (calls, found) = read(&[&going("171")], &features);
    let licenses = "GET /api/v1/licenses/?product_features__id=171&limit=5";
    assert_eq!(calls[1..], [licenses]);
    let note = PRODUCT_FEATURE.note(&testing::live(found));
    assert_eq!(note.as_deref(), Some("purges it from 412 licenses"));
    // The filter finds licenses that do not have the feature: it means something else.
    let why = testing::unread(read(&[&going("172")], &features).1);
    assert!(why.contains("does not have the product feature"), "{why}");
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_code("f1", "7"), Live::default());
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [("name", Value::Text("x".into()))].into(),
    };
    let call = PRODUCT_FEATURE.encode(&write);
    assert_eq!(call.name(), "POST /api/v1/product-features/");
    let body = json!({"name": "x", "code": "f1", "product": 7});
    assert_eq!(call.body, Some(body));
    let global = by_code("f1", "0");
    write.desired = &global;
    let body = json!({"name": "x", "code": "f1"});
    assert_eq!(PRODUCT_FEATURE.encode(&write).body, Some(body.clone()));
    let mut live = Live::default();
    for (name, text) in [(fields::ID, "171"), (CODE, "f1"), (PRODUCT, "7")] {
        live.facts.insert(name.into(), Fact::Text(text.into()));
    }
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    let call = PRODUCT_FEATURE.encode(&write);
    assert_eq!(call.name(), "PATCH /api/v1/product-features/171/");
    assert_eq!(call.body, Some(body));
    write.purpose = WritePurpose::Remove;
    let call = PRODUCT_FEATURE.encode(&write);
    assert_eq!(
        (call.name().as_str(), call.body),
        ("DELETE /api/v1/product-features/171/", None)
    );
}

#[test]
fn a_reply_about_another_feature_proves_nothing() {
    let reply = |feature: Json| testing::reply(200, feature);
    let echo = |desired: &Desired, before: &Live, shown: Json| {
        PRODUCT_FEATURE.echo(desired, before, &reply(shown)).is_ok()
    };
    let nothing = Live::default();
    let wanted = by_code("f1", "7");
    assert!(echo(&wanted, &nothing, feature(171, "f1", json!(7))));
    assert!(!echo(&wanted, &nothing, feature(171, "f1", json!(8))));
    assert!(!echo(&wanted, &nothing, feature(171, "f2", json!(7))));
    let mut before = Live::default();
    before
        .facts
        .insert(fields::ID.into(), Fact::Text("170".into()));
    assert!(!echo(&wanted, &before, feature(171, "f1", json!(7))));
}
