//! Orders that are named by a marker, against literal lists.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Facts;
use crate::model::{Items, Live, WritePurpose};
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
        Observed::Creatable(facts) => note_of(facts),
        Observed::Unread(why) => why.text,
    });
    (rounds.concat().len(), keys.collect())
}

/// What a plan says of an order that is to be created.
fn note_of(facts: Facts) -> String {
    let live = Live {
        facts,
        ..Live::default()
    };
    LicenseOrder.note(&live).unwrap_or_default()
}

/// An order that may be created from a template.
fn new_order(marker: &str, template: i64) -> Desired {
    let mut order = desired("8", marker);
    order.policy.create = true;
    let key = crate::model::ElementKey::new(vec!["Base".into(), "1.0".into()], false);
    let feature = [
        ("enabled", Value::Bool(true)),
        ("options", Value::Text("mine".into())),
    ];
    let features = Items::from([(key, feature.into())]);
    order.fields.extend([
        ("product_template_id", Value::Integer(template)),
        ("Features", Value::Items(features)),
    ]);
    order
}

/// Answers with no orders, products of two templates each by pages of two, and templates as the page prints them.
fn catalogue(call: &str) -> Answer {
    let product = |id: i64| {
        let template = |id: i64| json!({"id": id.to_string(), "name": "Trial", "product_id": "1"});
        json!({"id": id.to_string(), "name": "P", "ProductTemplates": [template(2 * id), template(2 * id + 1)]})
    };
    let feature = |name: &str| {
        json!({
            "name": name, "version": "1.0", "expiration_type": "no_expiration", "expiration_date": null,
            "issued_type": "not_issued", "issued_date": null, "options": "theirs", "additional_settings": null,
            "enabled": true, "days_from_activation": null, "count": null, "maintenance_type": "no_maintenance",
            "maintenance_date": null, "maintenance_days_from_activation": null, "comment": "as \"agreed\"",
        })
    };
    let template = json!({
        "id": "3", "name": "Default", "license_filename": "license_%TIME%.lic", "license_type": "local",
        "licensee_type": "not_specified", "licensee": null, "activations_allowed": "1", "deactivations_allowed": "2",
        "description": "of the template", "hostid_match_rate": "100", "min_hostids": "1",
        "Hostids": [{"name": "Not Locked", "min_amount": "1", "max_amount": "1"}],
        "Features": [feature("Other"), feature("Base")],
    });
    match call {
        "GET /products" => answer(200, json!([product(1), product(2)])),
        "GET /products?offset=1" => answer(200, json!([product(2), product(3)])),
        "GET /products?offset=2" => answer(200, json!([product(3)])),
        "GET /products/3/product-templates/7" => answer(403, json!({"message": "not yours"})),
        call if call.contains("product-templates") => answer(200, template),
        _ => answer(200, json!([])),
    }
}

#[test]
fn an_order_to_be_created_shows_what_its_template_has_beside_the_manifest() {
    let orders = [new_order("a", 3), new_order("b", 3)];
    let orders: Vec<&Desired> = orders.iter().collect();
    let (rounds, found) = drive(LicenseOrder.reading(&orders), catalogue);
    let calls = [
        "GET /license-orders?customer_ids=8&customer_ids_exclude=false",
        "GET /products",
        "GET /products/1/product-templates/3",
    ];
    assert_eq!(rounds.concat(), calls, "once for both");
    for found in found {
        let Observed::Creatable(facts) = found else {
            panic!("{found:?}");
        };
        let expected = "template 3: deactivations_allowed: 2, Features[Base 1.0].comment: \"as \\\"agreed\\\"\"; not in the \
                        manifest and not sent; whether a new order takes it over is not documented";
        assert_eq!(note_of(facts), expected);
    }
}

#[test]
fn products_are_read_no_further_than_it_takes() {
    let calls = |template: i64| read(&[new_order("a", template)], catalogue);
    let (first, _) = calls(2);
    assert_eq!(first, 1 + 1 + 1);
    let (second, found) = calls(6);
    assert_eq!(second, 1 + 2 + 1);
    assert!(found[0].contains("template 6: "), "{found:?}");
    let (all, found) = calls(9);
    assert_eq!(all, 1 + 3);
    let expected = "what the product template has is not known: template 9: GET /products shows no product with this \
                    template";
    assert_eq!(found, [expected]);
}

#[test]
fn a_template_that_cannot_be_read_costs_its_values_and_not_the_plan() {
    let (_, found) = read(&[new_order("a", 7)], catalogue);
    assert!(
        found[0].contains("template 7: ") && found[0].contains("403"),
        "{found:?}"
    );
    for odd in [json!({}), json!([{"name": "P"}]), json!([1])] {
        let (_, found) = read(&[new_order("a", 3)], |call| match call {
            "GET /products" => answer(200, &odd),
            call => catalogue(call),
        });
        assert!(
            found[0].starts_with("what the product template has is not known"),
            "{found:?}"
        );
    }
    for odd in [json!([]), json!({"deactivations_allowed": "many"})] {
        let (_, found) = read(&[new_order("a", 3)], |call| {
            match call.contains("/product-templates/") {
                true => answer(200, &odd),
                false => catalogue(call),
            }
        });
        assert!(
            found[0].starts_with("what the product template has is not known"),
            "{found:?}"
        );
    }
}

#[test]
fn no_template_is_read_for_an_order_that_is_not_created_or_leaves_nothing_out() {
    let mut forbidden = new_order("a", 3);
    forbidden.policy.create = false;
    assert_eq!(read(&[forbidden], catalogue), (1, vec!["-".into()]));
    let mut stated = new_order("a", 3);
    stated.fields.extend([
        ("deactivations_allowed", Value::Integer(0)),
        ("Features", Value::Items(Items::default())),
    ]);
    assert_eq!(read(&[stated], catalogue), (1, vec!["-".into()]));
    let mut there = new_order("floating", 3);
    there.identity = desired("7", "floating").identity;
    let (calls, found) = read(&[there], vendor(rivers()));
    assert_eq!((calls, &*found[0]), (3, "K2"));
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
