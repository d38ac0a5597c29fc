//! Orders that are named by a marker, against literal lists.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Live, WritePurpose};
use crate::provider::lac::license_order::LicenseOrder;
use crate::provider::testing::{answer, desired_object, drive, reply};
use crate::provider::{ResourceKind, Write};

fn desired(customer: &str, marker: &str) -> Desired {
    let key = [(fields::CUSTOMER_ID, customer), (fields::MARKER, marker)];
    desired_object(&fields::TABLE, &key)
}

fn order(key: &str, description: &str) -> Json {
    json!({
        "activation_key": key, "customer": {"name": "Rivers"}, "product_template": {"id": "1"},
        "license_type": "local", "licensee_type": "customer", "hostid_match_rate": "100",
        "min_hostids": "1", "activations_allowed": "1", "enabled": true, "removal": false,
        "description": description, "Hostids": [], "Features": [],
    })
}

/// Answers with the orders of customer 7 by pages of two rows; other customers have none.
fn vendor(all: Vec<Json>) -> impl Fn(&str) -> Answer {
    move |call| {
        if !call.contains("customer_ids=7&") {
            return answer(200, json!([]));
        }
        let offset = call.split("&offset=").nth(1).unwrap_or("0");
        let offset: usize = offset.parse().expect("a number");
        answer(
            200,
            Json::from_iter(all.iter().skip(offset).take(2).cloned()),
        )
    }
}

/// Reads orders; returns the number of calls, and of each its key, `-`, or why it was not read.
fn read(desired: &[Desired], vendor: impl Fn(&str) -> Answer) -> (usize, Vec<String>) {
    let desired: Vec<&Desired> = desired.iter().collect();
    let (rounds, found) = drive(LicenseOrder.reading(&desired), vendor);
    let keys = found.into_iter().map(|found| match found {
        Observed::Live(live) => live.text(fields::ACTIVATION_KEY).unwrap_or("?").to_string(),
        Observed::Missing => "-".into(),
        Observed::Unread(why) => why.text,
    });
    (rounds.concat().len(), keys.collect())
}

fn rivers() -> Vec<Json> {
    vec![
        order("K1", "Node locked"),
        order("K2", "Rivers [floating]"),
        order("K3", "[trial] of [2026]"),
    ]
}

#[test]
fn the_orders_of_a_customer_are_read_once_for_all_of_its_markers() {
    let wanted = [
        desired("7", "floating"),
        desired("7", "2026"),
        desired("7", "float"),
        desired("8", "floating"),
    ];
    let (calls, found) = read(&wanted, vendor(rivers()));
    assert_eq!(found, ["K2", "K3", "-", "-"]);
    assert_eq!(calls, 3 + 1, "three pages that overlap, and an empty list");
}

#[test]
fn orders_named_by_key_and_by_marker_are_read_together() {
    let key = [(fields::ACTIVATION_KEY, "K9")];
    let wanted = [
        desired("7", "floating"),
        desired_object(&fields::TABLE, &key),
    ];
    let (_, found) = read(&wanted, vendor(rivers()));
    assert_eq!(found, ["K2", "-"]);
}

#[test]
fn two_orders_of_one_marker_are_an_error_with_both_keys() {
    let all = vec![order("K1", "[floating]"), order("K2", "old [floating]")];
    let (_, found) = read(&[desired("7", "floating")], vendor(all));
    let expected = "customer 7 has 2 orders with [floating] in their descriptions: K1, K2; name one by its \
                    `activationKey`";
    assert_eq!(found, [expected]);
}

#[test]
fn a_list_that_was_not_read_whole_or_not_understood_makes_no_order_missing() {
    let (_, found) = read(&[desired("7", "floating")], |call: &str| {
        match call.contains("offset") {
            true => answer(503, "down"),
            false => vendor(rivers())("customer_ids=7&"),
        }
    });
    assert!(found[0].contains("503"), "{found:?}");
    let mut odd = order("K1", "[floating]");
    odd["enabled"] = json!("perhaps");
    let (_, found) = read(&[desired("7", "floating")], vendor(vec![odd]));
    assert!(found[0].contains("order K1: "), "{found:?}");
}

#[test]
fn a_creation_is_read_again_and_an_update_goes_to_the_key_that_was_found() {
    let desired = desired("7", "floating");
    let nothing = Live::default();
    let write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: LicenseOrder.key_fields(&desired),
    };
    let call = LicenseOrder.encode(&write);
    assert_eq!(call.name(), "POST /license-orders");
    assert_eq!(
        call.body,
        Some(json!({"customer_id": 7, "description": "[floating]"}))
    );
    let made = reply(200, order("K4", "[floating]"));
    assert!(LicenseOrder.echo(&desired, &nothing, &made).is_err());

    let row = reply(200, json!([order("K4", "[floating]")]));
    let rows = rows_of(&ORDERS, LIST, &row, &|_| true).expect("a list");
    let Some(Observed::Live(live)) = rows.into_iter().map(|row| observe(row, "K4", 7)).next()
    else {
        panic!("an order");
    };
    let write = Write {
        live: &live,
        purpose: WritePurpose::Update(0),
        ..write
    };
    assert_eq!(
        LicenseOrder.encode(&write).name(),
        "PATCH /license-orders/K4"
    );
    let key: crate::provider::listing::Identity = vec![
        (fields::CUSTOMER_ID, "7".into()),
        (fields::MARKER, "floating".into()),
    ];
    assert_eq!(LicenseOrder.natural_keys(&live), [key]);
}
