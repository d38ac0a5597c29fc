//! What a PATCH body must be.

use super::*;

#[test]
fn every_required_member_of_a_patch_is_required() {
    let mut lac = Lac::seeded();
    let optional = [
        "description",
        "settings_description",
        "deactivations_allowed",
    ];
    for name in page_request().as_object().unwrap().keys() {
        let mut body = page_request();
        body.as_object_mut().unwrap().shift_remove(name);
        if optional.contains(&name.as_str()) {
            assert_eq!(patch(&mut lac, FIRST, &body).0, 200, "{name}");
        } else {
            refused(&mut lac, &body, &format!("{name} is required"));
            body[name] = Value::Null;
            refused(&mut lac, &body, &format!("{name} must not be null"));
        }
    }
    let optional = ["options", "additional_settings", "enabled", "comment"];
    for name in page_request()["Features"][0].as_object().unwrap().keys() {
        let mut body = page_request();
        body["Features"][0]
            .as_object_mut()
            .unwrap()
            .shift_remove(name);
        if optional.contains(&name.as_str()) {
            assert_eq!(patch(&mut lac, FIRST, &body).0, 200, "{name}");
        } else {
            refused(&mut lac, &body, &format!("Features[0].{name} is required"));
        }
    }
    for name in ["name", "min_amount", "max_amount"] {
        let mut body = page_request();
        body["Hostids"][0]
            .as_object_mut()
            .unwrap()
            .shift_remove(name);
        refused(&mut lac, &body, &format!("Hostids[0].{name} is required"));
    }
}

#[test]
fn conditional_members_are_required_exactly_when_their_condition_holds() {
    let mut lac = Lac::seeded();
    let cases = [
        ("expiration_type", "fixed", "expiration_date"),
        ("issued_type", "fixed", "issued_date"),
        (
            "maintenance_type",
            "days_from_activation",
            "maintenance_days_from_activation",
        ),
    ];
    for (kind, value, needs) in cases {
        let mut body = page_request();
        body["Features"][0][kind] = value.into();
        refused(&mut lac, &body, &format!("Features[0].{needs} is required"));
    }
    let mut body = page_request();
    body["licensee_type"] = "fixed".into();
    refused(&mut lac, &body, "licensee is required");
    body["licensee"] = "Rivers".into();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["licensee"], "Rivers");

    // What no longer applies reads as null, even when it was sent.
    body["licensee_type"] = "not_specified".into();
    body["license_type"] = "local".into();
    body["Features"][0]["expiration_type"] = "no_expiration".into();
    let (status, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(status, 200);
    assert_eq!(reply["licensee"], Value::Null);
    assert_eq!(reply["Features"][0]["count"], Value::Null);
    assert_eq!(reply["Features"][0]["days_from_activation"], Value::Null);
}

#[test]
fn wrong_types_and_values_are_refused_by_name() {
    let mut lac = Lac::seeded();
    let cases = [
        (
            "customer_id",
            json!("1"),
            "customer_id must be an integer id",
        ),
        ("customer_id", json!(99), "there is no customer 99"),
        (
            "product_template_id",
            json!(99),
            "there is no product template 99",
        ),
        (
            "license_type",
            json!("floating"),
            "license_type must be one of local, network",
        ),
        ("licensee_type", json!(1), "licensee_type must be one of"),
        (
            "hostid_match_rate",
            json!(101),
            "hostid_match_rate must be a percentage",
        ),
        ("min_hostids", json!("1"), "min_hostids must be an integer"),
        (
            "activations_allowed",
            json!("10"),
            "activations_allowed must be an integer",
        ),
        (
            "activations_allowed",
            json!(10.0),
            "activations_allowed must be an integer",
        ),
        (
            "activations_allowed",
            json!(-1),
            "activations_allowed must be an integer",
        ),
        (
            "deactivations_allowed",
            json!(true),
            "deactivations_allowed must be an integer",
        ),
        ("enabled", json!("true"), "enabled must be a boolean"),
        ("removal", json!(0), "removal must be a boolean"),
        ("description", json!(5), "description must be a string"),
        ("Hostids", json!({}), "Hostids must be an array"),
        ("Features", json!(["x"]), "Features[0] must be an object"),
        (
            "activation_key",
            json!(FIRST),
            "activation_key is not a known member",
        ),
        ("customer", json!({}), "customer is not a known member"),
    ];
    for (name, value, words) in cases {
        let mut body = page_request();
        body[name] = value;
        refused(&mut lac, &body, words);
    }
    let cases = [
        (
            "version",
            json!(6.0),
            "Features[0].version must be a string",
        ),
        (
            "expiration_type",
            json!("never"),
            "Features[0].expiration_type must be one of",
        ),
        (
            "maintenance_date",
            json!("31.12.2020"),
            "Features[0].maintenance_date must be a date",
        ),
        (
            "maintenance_date",
            json!("2020-02-30"),
            "Features[0].maintenance_date must be a date",
        ),
        (
            "days_from_activation",
            json!("9x"),
            "Features[0].days_from_activation must be",
        ),
        ("count", json!("15"), "Features[0].count must be an integer"),
        (
            "comment",
            json!("x".repeat(1025)),
            "Features[0].comment must be",
        ),
        ("seats", json!(1), "Features[0].seats is not a known member"),
    ];
    for (name, value, words) in cases {
        let mut body = page_request();
        body["Features"][0][name] = value;
        refused(&mut lac, &body, words);
    }
    let cases = [
        (
            "name",
            json!("toaster"),
            "HostID type \"toaster\" is not supported",
        ),
        (
            "max_amount",
            json!(0),
            "Hostids[0].max_amount must not be below min_amount",
        ),
        (
            "amount",
            json!(1),
            "Hostids[0].amount is not a known member",
        ),
    ];
    for (name, value, words) in cases {
        let mut body = page_request();
        body["Hostids"][0][name] = value;
        refused(&mut lac, &body, words);
    }
}

#[test]
fn bodies_that_are_not_json_objects_are_refused() {
    let mut lac = Lac::seeded();
    let target = format!("/license-orders/{FIRST}");
    let mut call = with_body("PATCH", &target, &page_request());
    // The page's own example has a stray backtick and is not JSON.
    call.body = b"{\"options\": \"x\", `\"comment\": \"y\"}".to_vec();
    let answer = lac.answer(&call, noon());
    assert_eq!(answer.status, 400);
    assert!(
        json_of(&answer)["message"]
            .as_str()
            .unwrap()
            .contains("malformed JSON")
    );
    assert_eq!(patch(&mut lac, FIRST, &json!([])).0, 400);
    let mut call = with_body("PATCH", &target, &page_request());
    call.headers
        .insert("content-type".into(), "text/plain".into());
    assert_eq!(lac.answer(&call, noon()).status, 400);
    call.headers.insert(
        "content-type".into(),
        "Application/JSON; charset=utf-8".into(),
    );
    assert_eq!(lac.answer(&call, noon()).status, 200);
}
