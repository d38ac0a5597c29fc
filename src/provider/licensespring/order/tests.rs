//! Literal lists of orders, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Fact;
use crate::model::{Desired, Live, Observed, Value};
use crate::provider::ResourceKind;
use crate::provider::testing::{self, answer, desired_object};

fn by_store_id(id: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::STORE_ID, id)])
}

fn by_number(id: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::ID, id)])
}

/// An order as the page "List Orders" prints it, as far as it matters here.
fn order(id: u64, store_id: &str, account: Json) -> Json {
    json!({"id": id, "customer": {"id": 620, "email": "tc@tc.com"}, "customer_account": account,
        "has_active_licenses": false, "store_id": store_id, "type": "normal", "is_test": false, "is_trial": false,
        "download_id": null, "language": null})
}

fn read(desired: &[&Desired], list: &[Json]) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(ORDER.reading(desired), |call| {
        let found: Vec<&Json> = { list.iter() }
            .filter(|order| match call.split_once("store_id=") {
                Some((_, rest)) => rest.starts_with(order["store_id"].as_str().unwrap()),
                None => true,
            })
            .collect();
        answer(
            200,
            json!({"count": found.len(), "next": null, "previous": null, "results": found}),
        )
    });
    (rounds.concat(), found)
}

#[test]
fn an_order_is_found_by_its_id_in_one_call_and_by_its_number_in_the_list() {
    let list = [order(1, "ord-1", json!(818)), order(2, "ord-2", Json::Null)];
    let (calls, found) = read(&[&by_store_id("ord-1")], &list);
    assert_eq!(calls, ["GET /api/v1/orders/?store_id=ord-1&limit=100"]);
    let live = testing::live(found);
    assert_eq!(live.text(fields::ID), Some("1"));
    assert_eq!(live.fields.get("customer"), Some(&Value::Integer(620)));
    assert_eq!(
        live.fields.get("store_id"),
        Some(&Value::Text("ord-1".into()))
    );
    let (calls, found) = read(&[&by_number("2")], &list);
    assert_eq!(calls, ["GET /api/v1/orders/?limit=100"]);
    assert_eq!(
        testing::live(found).fields.get("customer_account"),
        Some(&Value::Null)
    );
    let (_, found) = read(&[&by_store_id("ORD-1")], &list);
    assert!(matches!(found[..], [Observed::Missing]));
    let (calls, _) = read(&[&by_store_id("ord-1"), &by_number("2")], &list);
    assert_eq!(calls, ["GET /api/v1/orders/?limit=100"]);
}

#[test]
fn the_owners_of_an_order_are_numbers_however_a_reply_shows_them() {
    for account in [json!(818), json!({"id": 818, "code": "tc6"})] {
        let list = [order(1, "ord-1", account)];
        let live = testing::live(read(&[&by_store_id("ord-1")], &list).1);
        let account = live.fields.get(fields::CUSTOMER_ACCOUNT);
        assert_eq!(account, Some(&Value::Integer(818)));
    }
    let why = testing::unread(read(&[&by_store_id("o")], &[order(1, "o", json!("x"))]).1);
    assert!(why.contains("`customer_account` must be integer"), "{why}");
    // Without an id the object shows nothing.
    let live = testing::live(read(&[&by_store_id("o")], &[order(1, "o", json!({}))]).1);
    assert_eq!(live.fields.get(fields::CUSTOMER_ACCOUNT), None);
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_store_id("ord-7"), Live::default());
    let items = json!([{"product_code": "mch", "licenses": [{"max_activations": 2}]}]);
    let json_value = |json: &Json| Value::Json(Box::new(json.clone()));
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [
            ("store_id", Value::Text("ord-7".into())),
            ("customer_account", Value::Integer(818)),
            ("metadata", json_value(&json!({"tier": "gold"}))),
            ("is_test", Value::Bool(true)),
            ("items", json_value(&items)),
        ]
        .into(),
    };
    let call = ORDER.encode(&write);
    assert_eq!(call.name(), "POST /api/v1/orders/create_order/");
    let body = json!({"id": "ord-7", "customer_account_id": 818, "metadata": "{\"tier\":\"gold\"}",
        "is_test": true, "items": items});
    assert_eq!(call.body, Some(body));
    let mut live = Live::default();
    live.facts.insert(fields::ID.into(), Fact::Text("1".into()));
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    write.fields = [
        ("customer_account", Value::Integer(811)),
        ("metadata", json_value(&json!({}))),
    ]
    .into();
    let call = ORDER.encode(&write);
    assert_eq!(call.name(), "PATCH /api/v1/orders/1/");
    assert_eq!(
        call.body,
        Some(json!({"customer_account": 811, "metadata": {}}))
    );
}

#[test]
fn the_reply_to_an_update_shows_the_numbers_of_owners() {
    let mut shown = order(1, "ord-1", json!(811));
    shown["customer"] = json!(620);
    let mut before = Live::default();
    before
        .facts
        .insert(fields::ID.into(), Fact::Text("1".into()));
    let echo = |shown: &Json, desired: Desired| {
        ORDER.echo(&desired, &before, &testing::reply(200, shown.clone()))
    };
    let after = echo(&shown, by_store_id("ord-1")).unwrap();
    assert_eq!(after.fields.get("customer"), Some(&Value::Integer(620)));
    assert!(echo(&shown, by_store_id("ord-2")).is_err());
}
