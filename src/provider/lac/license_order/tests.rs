//! What the reply to a write proves.

use serde_json::{Value as Json, json};

use super::*;
use crate::provider::testing::{desired_object, reply};

fn order(customer: Json) -> Json {
    json!({
        "activation_key": "k", "customer": customer,
        "product_template": {"id": 1, "name": "Trial", "product_id": 7}, "license_type": "network", "licensee_type": "customer",
        "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 1, "enabled": true,
        "removal": false, "deactivations_allowed": 1, "Hostids": [], "Features": [],
    })
}

fn decoded(order: &Json) -> Live {
    let text = order.to_string();
    decode(ORDERS.one(&text).unwrap().unwrap()).unwrap()
}

/// Returns the order's customer by the echo of a write. The order belonged to customer 2, and the manifest states
/// customer `desired`.
fn owner(desired: i64, before: Json, echo: Json) -> Result<Option<Value>, Malformed> {
    let mut object = desired_object(&fields::TABLE, &[("activationKey", "k")]);
    let desired = Value::Integer(desired);
    object.fields.extend([("customer_id", desired)]);
    let mut before = decoded(&order(before));
    before.fields.insert("customer_id", Value::Integer(2));
    let live = LicenseOrder.echo(&object, &before, &reply(200, order(echo)))?;
    Ok(live.fields.get("customer_id").cloned())
}

#[test]
fn an_echo_with_the_name_of_before_proves_that_the_order_stayed() {
    let name = |name: &str| json!({"name": name});
    let stayed = owner(2, name("Rivers"), name("Rivers"));
    assert_eq!(stayed, Ok(Some(Value::Integer(2))));
}

#[test]
fn what_was_sent_proves_nothing() {
    let name = |name: &str| json!({"name": name});
    for (what, desired, before, echo) in [
        ("it is to move", 3, name("Rivers"), name("Lakes")),
        (
            "it was to move, and did not",
            3,
            name("Rivers"),
            name("Rivers"),
        ),
        ("the name is another", 2, name("Rivers"), name("Lakes")),
        ("no name is shown", 2, name("Rivers"), Json::Null),
        ("none was shown before", 2, Json::Null, name("Rivers")),
        ("none was ever shown", 2, Json::Null, Json::Null),
    ] {
        let unproved = owner(desired, before, echo).expect_err(what);
        assert_eq!(
            unproved.0, "the reply does not prove whose the order is",
            "{what}"
        );
    }
}

#[test]
fn the_names_of_customer_and_template_are_known_beside_the_fields() {
    let live = decoded(&order(json!({"name": "Rivers"})));
    let template = live.fields.get("product_template_id");
    assert_eq!(template, Some(&Value::Integer(1)));
    let name = |fact: &str| live.facts.get(fact).cloned();
    assert_eq!(name("customer"), Some(Fact::Text("Rivers".into())));
    assert_eq!(name("product"), Some(Fact::Text("Trial".into())));
    let mut nameless = order(Json::Null);
    nameless["product_template"] = json!({"id": 1, "name": null});
    assert!(!decoded(&nameless).facts.contains_key("product"));
}
