use std::collections::BTreeMap;

use super::*;

const FIRST: &str = "II1HP-TX8EQ-R1QXZ-7LYXF";
const SECOND: &str = "K7Q2M-9ZB4T-X3WDN-5RC8V";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2024-05-01T12:00:00Z")
}

fn asked(method: &str, target: &str) -> Asked {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes());
    Asked {
        method: method.into(),
        path: path.into(),
        query: query.into_owned().collect(),
        headers: BTreeMap::from([("authorization".into(), "Bearer sandbox-token".into())]),
        body: Vec::new(),
        base: "http://127.0.0.1:1/lac".into(),
    }
}

fn with_body(method: &str, target: &str, body: &Value) -> Asked {
    let mut asked = asked(method, target);
    asked
        .headers
        .insert("content-type".into(), "application/json".into());
    asked.body = body.to_string().into_bytes();
    asked
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn get(lac: &mut Lac, target: &str) -> (u16, Value) {
    let answer = lac.answer(&asked("GET", target), noon());
    (answer.status, json_of(&answer))
}

fn patch(lac: &mut Lac, key: &str, body: &Value) -> (u16, Value) {
    let call = with_body("PATCH", &format!("/license-orders/{key}"), body);
    let answer = lac.answer(&call, noon());
    (answer.status, json_of(&answer))
}

/// Asserts that a PATCH of the first order is refused with these words and changes nothing.
fn refused(lac: &mut Lac, body: &Value, words: &str) {
    let before = lac.state();
    let (status, reply) = patch(lac, FIRST, body);
    assert_eq!(status, 400, "{reply}");
    let message = reply["message"].as_str().unwrap();
    assert!(message.contains(words), "{message:?} lacks {words:?}");
    assert_eq!(lac.state(), before);
}

/// The example request of the PATCH page.
fn page_request() -> Value {
    json!({
        "customer_id": 1,
        "product_template_id": 1,
        "license_type": "network",
        "licensee_type": "customer",
        "hostid_match_rate": 100,
        "min_hostids": 1,
        "activations_allowed": 10,
        "enabled": true,
        "description": "License order description",
        "settings_description": "Settings description",
        "removal": false,
        "deactivations_allowed": 10,
        "Hostids": [{"name": "hostname", "min_amount": 1, "max_amount": 1}],
        "Features": [{
            "name": "Licstat",
            "version": "6.0",
            "expiration_type": "days_from_activation",
            "days_from_activation": 90,
            "issued_type": "activation_time",
            "options": "Feature options",
            "additional_settings": "Additional settings",
            "count": 15,
            "maintenance_type": "fixed",
            "maintenance_date": "2020-12-31",
            "enabled": true,
            "comment": "Feature comment"
        }]
    })
}

/// The example reply of the PATCH page.
fn page_reply() -> Value {
    json!({
        "customer": {
            "name": "Rivers Inc",
            "description": "desc",
            "phone_number": "779.790.4969x1425",
            "fax_number": "(536)600-8229",
            "street": "008 Santiago Groves Suite 651",
            "city": "Shortport",
            "country": "USA",
            "zip_code": "62448",
            "state": "South Carolina",
            "Contacts": [
                {"name": "James Taylor", "email": "nfisher@test.x-formation.com"},
                {"name": "Victor Martinez", "email": "ngallagher@test.x-formation.com"}
            ],
            "CustomTags": [
                {"tag_name": "custom_tag_1", "value": "Gouldton"},
                {"tag_name": "custom_tag_2", "value": "Idaho"}
            ]
        },
        "product_template": {"id": "1", "name": "Trial", "product_id": "1"},
        "activation_key": "II1HP-TX8EQ-R1QXZ-7LYXF",
        "creation_time": "2019-08-20 09:40:35",
        "license_type": "network",
        "licensee_type": "customer",
        "licensee": null,
        "hostid_match_rate": "100",
        "min_hostids": "1",
        "activations_allowed": "10",
        "activated_licenses_count": 0,
        "enabled": true,
        "description": "License order description",
        "settings_description": "Settings description",
        "removal": false,
        "removal_request_time": null,
        "removal_confirmation_time": null,
        "deactivations_allowed": "10",
        "deactivations_left": 10,
        "Hostids": [{"name": "Hostname", "min_amount": "1", "max_amount": "1"}],
        "Features": [{
            "name": "Licstat",
            "version": "6.0",
            "expiration_type": "days_from_activation",
            "expiration_date": null,
            "issued_type": "activation_time",
            "issued_date": null,
            "options": "Feature options",
            "additional_settings": "Additional settings",
            "enabled": true,
            "days_from_activation": "90",
            "count": "15",
            "maintenance_type": "fixed",
            "maintenance_date": "2020-12-31",
            "maintenance_days_from_activation": null,
            "comment": "Feature comment"
        }]
    })
}

#[test]
fn the_page_example_is_answered_as_the_page_shows_and_changes_nothing_in_the_seed() {
    let mut lac = Lac::seeded();
    let before = lac.state();
    let (status, reply) = patch(&mut lac, FIRST, &page_request());
    assert_eq!(status, 200);
    // Compared as text: the order of members is the page's too.
    assert_eq!(reply.to_string(), page_reply().to_string());
    assert_eq!(lac.state(), before);
}

#[test]
fn a_list_row_is_the_same_object() {
    let mut lac = Lac::seeded();
    let (status, rows) = get(&mut lac, "/license-orders");
    assert_eq!(status, 200);
    assert_eq!(rows[0].to_string(), page_reply().to_string());
    assert_eq!(rows[1]["activation_key"], SECOND);
    assert_eq!(rows[1]["activated_licenses_count"], 3);
    assert_eq!(rows[1]["Features"][0]["count"], Value::Null);
    assert_eq!(
        rows[1]["Features"][0]["maintenance_days_from_activation"],
        "365"
    );
}

#[test]
fn a_saved_account_loads_into_itself() {
    let mut lac = Lac::seeded();
    let state = lac.state();
    lac.set_state(state.clone()).unwrap();
    assert_eq!(lac.state(), state);
    assert_eq!(state["license_orders"][0]["activations_allowed"], 10);
}

#[test]
fn a_token_is_forty_hex_digits_and_lives_three_hours_from_its_issue() {
    let mut lac = Lac::seeded();
    let login = json!({"username": "admin", "password": "sandbox"});
    let answer = lac.answer(&with_body("POST", "/auth/tokens", &login), noon());
    assert_eq!(answer.status, 200);
    let token = json_of(&answer)["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 40);
    assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));

    let mut read = asked("GET", "/license-orders");
    read.headers
        .insert("authorization".into(), format!("Bearer {token}"));
    let mut status = |time| lac.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:00:00Z"), 200);
    assert_eq!(status("2024-05-01T14:59:59Z"), 200);
    assert_eq!(status("2024-05-01T15:00:00Z"), 403);
}

#[test]
fn bad_credentials_are_400_and_bad_tokens_403() {
    let mut lac = Lac::seeded();
    let login = json!({"username": "admin", "password": "wrong"});
    let answer = lac.answer(&with_body("POST", "/auth/tokens", &login), noon());
    assert_eq!(answer.status, 400);
    assert_eq!(json_of(&answer)["code"], 10);
    let login = json!({"username": "admin"});
    let answer = lac.answer(&with_body("POST", "/auth/tokens", &login), noon());
    assert_eq!(json_of(&answer)["message"], "password is required");

    for header in [None, Some("Bearer nonsense"), Some("Basic sandbox-token")] {
        let mut read = with_body("PATCH", &format!("/license-orders/{FIRST}"), &json!({}));
        read.headers.remove("authorization");
        if let Some(header) = header {
            read.headers.insert("authorization".into(), header.into());
        }
        let answer = lac.answer(&read, noon());
        assert_eq!(answer.status, 403, "{header:?}");
        assert_eq!(json_of(&answer)["code"], 50);
    }
    lac.set_switches(json!({"fixed_token": "expired"})).unwrap();
    assert_eq!(get(&mut lac, "/license-orders").0, 403);
}

#[test]
fn unknown_paths_are_404_and_wrong_methods_405() {
    let mut lac = Lac::seeded();
    assert_eq!(get(&mut lac, "/license-order").0, 404);
    assert_eq!(get(&mut lac, &format!("/license-orders/{FIRST}/")).0, 404);
    assert_eq!(get(&mut lac, "/auth/tokens").0, 405);
    let delete = asked("DELETE", &format!("/license-orders/{FIRST}"));
    assert_eq!(lac.answer(&delete, noon()).status, 405);
    let (status, reply) = patch(&mut lac, "AAAAA-AAAAA-AAAAA-AAAAA", &page_request());
    assert_eq!(status, 404);
    assert_eq!(reply["code"], 105);
}

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

#[test]
fn days_may_be_an_integer_or_digits_and_read_as_digits() {
    let mut lac = Lac::seeded();
    for days in [json!(30), json!("30")] {
        let mut body = page_request();
        body["Features"][0]["days_from_activation"] = days;
        let (status, reply) = patch(&mut lac, FIRST, &body);
        assert_eq!(status, 200);
        assert_eq!(reply["Features"][0]["days_from_activation"], "30");
    }
}

#[test]
fn arrays_are_replaced_whole_and_feature_defaults_are_filled_in() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["Features"] = json!([{
        "name": "Reports", "version": "2.1", "expiration_type": "no_expiration",
        "issued_type": "not_issued", "maintenance_type": "no_maintenance", "count": 2,
    }]);
    body["Hostids"] = json!([]);
    let (status, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(status, 200);
    assert_eq!(reply["Hostids"], json!([]));
    assert_eq!(
        reply["Features"],
        json!([{
            "name": "Reports", "version": "2.1", "expiration_type": "no_expiration",
            "expiration_date": null, "issued_type": "not_issued", "issued_date": null,
            "options": null, "additional_settings": null, "enabled": true,
            "days_from_activation": null, "count": "2", "maintenance_type": "no_maintenance",
            "maintenance_date": null, "maintenance_days_from_activation": null, "comment": null,
        }])
    );
}

#[test]
fn hostid_names_come_back_as_labels() {
    let mut lac = Lac::seeded();
    for (sent, label) in [
        ("ip_address", "IP Address"),
        ("ETHERNET", "Ethernet"),
        ("dongle hasp hl", "Dongle HASP HL"),
        ("Not-Locked", "Not Locked"),
    ] {
        let mut body = page_request();
        body["Hostids"][0]["name"] = sent.into();
        let (_, reply) = patch(&mut lac, FIRST, &body);
        assert_eq!(reply["Hostids"][0]["name"], label);
    }
}

#[test]
fn only_lm_x_takes_several_hostid_types() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["Hostids"] = json!([
        {"name": "user", "min_amount": 1, "max_amount": 1},
        {"name": "ethernet", "min_amount": 1, "max_amount": 1},
    ]);
    refused(&mut lac, &body, "HostID type \"user\" is not supported");
    let mut state = lac.state();
    state["products"][0]["LicenseGenerator"]["license_manager"] = "flexnet".into();
    state["license_orders"] = json!([]);
    lac.set_state(state).unwrap();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(answer.status, 400);
    body["Hostids"].as_array_mut().unwrap().pop();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(json_of(&answer)["Hostids"][0]["name"], "User");
}

#[test]
fn duplicates_are_refused_unless_the_switch_says_otherwise() {
    let mut lac = Lac::seeded();
    let mut features = page_request();
    let feature = features["Features"][0].clone();
    features["Features"].as_array_mut().unwrap().push(feature);
    let mut hostids = page_request();
    hostids["Hostids"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "HOSTNAME", "min_amount": 0, "max_amount": 1}));
    refused(
        &mut lac,
        &features,
        "Features[1] repeats the name and version",
    );
    refused(&mut lac, &hostids, "Hostids[1] repeats the name");
    lac.set_switches(json!({"duplicates": "accept"})).unwrap();
    assert_eq!(patch(&mut lac, FIRST, &features).0, 200);
    assert_eq!(patch(&mut lac, FIRST, &hostids).0, 200);
    // A second version of a feature is another feature.
    let mut lac = Lac::seeded();
    features["Features"][1]["version"] = "7.0".into();
    assert_eq!(patch(&mut lac, FIRST, &features).0, 200);
}

#[test]
fn a_lenient_patch_keeps_what_is_left_out() {
    let mut lac = Lac::seeded();
    let small = json!({"activations_allowed": 4});
    refused(&mut lac, &small, "customer_id is required");
    lac.set_switches(json!({"lenient_patch": true})).unwrap();
    let (status, reply) = patch(&mut lac, FIRST, &small);
    assert_eq!(status, 200);
    let mut expected = page_reply();
    expected["activations_allowed"] = "4".into();
    assert_eq!(reply, expected);
    // Conditions hold for the merged order: its features have a count, but there is no licensee.
    refused(
        &mut lac,
        &json!({"licensee_type": "fixed"}),
        "licensee is required",
    );
    let (status, _) = patch(&mut lac, SECOND, &json!({"license_type": "network"}));
    assert_eq!(status, 400);
}

#[test]
fn an_optional_member_left_out_is_kept_or_reset_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body.as_object_mut().unwrap().shift_remove("description");
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["description"], "License order description");
    lac.set_switches(json!({"absent_optional": "reset"}))
        .unwrap();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["description"], Value::Null);
}

#[test]
fn digit_strings_are_taken_for_integers_only_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    for name in ["customer_id", "product_template_id", "activations_allowed"] {
        let text = body[name].to_string();
        body[name] = text.into();
    }
    body["Features"][0]["count"] = "15".into();
    refused(&mut lac, &body, "must be an integer");
    lac.set_switches(json!({"digit_strings": true})).unwrap();
    let (status, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!((status, reply), (200, page_reply()));
}

#[test]
fn deactivations_left_follow_what_is_allowed_and_what_was_used() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["customer_id"] = 2.into();
    body["deactivations_allowed"] = 6.into();
    let (_, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(reply["deactivations_allowed"], "6");
    assert_eq!(reply["deactivations_left"], 5);
    body["deactivations_allowed"] = 0.into();
    let (_, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(reply["deactivations_left"], 0);
}

#[test]
fn fewer_than_in_use_is_taken_or_refused_by_switch() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["activations_allowed"] = 2.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
    let mut lac = Lac::seeded();
    lac.set_switches(json!({"below_use": "refuse"})).unwrap();
    let (status, reply) = patch(&mut lac, SECOND, &body);
    assert_eq!(status, 400);
    assert!(
        reply["message"]
            .as_str()
            .unwrap()
            .contains("below the 3 activated")
    );
    body["activations_allowed"] = 3.into();
    body["deactivations_allowed"] = 0.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 400);
    body["deactivations_allowed"] = 1.into();
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
}

#[test]
fn the_template_may_change_within_its_product_or_by_switch() {
    let mut lac = Lac::seeded();
    let mut state = lac.state();
    state["products"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "2", "name": "Other"}));
    let templates = state["product_templates"].as_array_mut().unwrap();
    templates.push(json!({"id": "3", "product_id": "2", "name": "Default"}));
    lac.set_state(state.clone()).unwrap();
    let mut body = page_request();
    body["product_template_id"] = 3.into();
    refused(&mut lac, &body, "product_template_id");
    body["product_template_id"] = 2.into();
    lac.set_switches(json!({"template_change": "refuse"}))
        .unwrap();
    refused(&mut lac, &body, "product_template_id");
    lac.set_switches(json!({"template_change": "same_product"}))
        .unwrap();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["product_template"]["name"], "Full");
    lac.set_switches(json!({"template_change": "accept"}))
        .unwrap();
    body["product_template_id"] = 3.into();
    assert_eq!(patch(&mut lac, FIRST, &body).0, 200);
}

#[test]
fn a_removal_is_stamped_confirmed_after_reads_and_cleared() {
    let mut lac = Lac::seeded();
    let mut body = page_request();
    body["removal"] = true.into();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["removal"], true);
    assert_eq!(reply["removal_request_time"], "2024-05-01 12:00:00");
    assert_eq!(reply["removal_confirmation_time"], Value::Null);
    let target = format!("/license-orders?activation_key={FIRST}");
    for removal in [true, true, false] {
        assert_eq!(get(&mut lac, &target).1[0]["removal"], removal);
    }
    let row = get(&mut lac, &target).1[0].clone();
    assert_eq!(row["removal_request_time"], "2024-05-01 12:00:00");
    assert_eq!(row["removal_confirmation_time"], "2024-05-01 12:00:00");

    lac.set_switches(json!({"removal_clears_after_reads": 0}))
        .unwrap();
    patch(&mut lac, FIRST, &body);
    for _ in 0..5 {
        assert_eq!(get(&mut lac, &target).1[0]["removal"], true);
    }
    body["removal"] = false.into();
    let (_, reply) = patch(&mut lac, FIRST, &body);
    assert_eq!(reply["removal_request_time"], Value::Null);
}

#[test]
fn removal_without_activated_licences_is_refused_by_switch() {
    let mut lac = Lac::seeded();
    let switch = json!({"removal_without_licenses": "refuse"});
    lac.set_switches(switch).unwrap();
    let mut body = page_request();
    body["removal"] = true.into();
    refused(
        &mut lac,
        &body,
        "removal: the order has no activated license",
    );
    assert_eq!(patch(&mut lac, SECOND, &body).0, 200);
}

#[test]
fn the_single_get_is_the_end_user_document_or_the_order_by_switch() {
    let mut lac = Lac::seeded();
    let target = format!("/license-orders/{SECOND}");
    let answer = lac.answer(&asked("GET", &target), noon());
    assert_eq!(
        answer.headers,
        [("content-type".into(), "application/hal+json".into())]
    );
    assert_eq!(
        json_of(&answer),
        json!({
            "activationKey": SECOND,
            "customer": {"name": "Shortport Labs"},
            "product": {"name": "License Statistics", "version": "6.0", "template": "Full",
                "licenseGeneratorType": "lm_x"},
            "licenseType": "local",
            "creationTime": "2019-09-02T14:05:11+00:00",
            "activatedLicenses": 3,
            "bulkMax": 5,
            "hostid": {"types": [
                {"nameRaw": "ETHERNET", "name": "Ethernet", "min": 0, "max": 2},
                {"nameRaw": "HOSTNAME", "name": "Hostname", "min": 1, "max": 1},
            ], "min": 1},
            "_links": {"self": {"href": format!("http://127.0.0.1:1/lac/license-orders/{SECOND}")}},
        })
    );
    assert_eq!(get(&mut lac, "/license-orders/AAAAA").0, 404);

    let mut body = page_request();
    body["enabled"] = false.into();
    patch(&mut lac, FIRST, &body);
    let target = format!("/license-orders/{FIRST}");
    assert_eq!(get(&mut lac, &target).0, 403);
    lac.set_switches(json!({"single_get": "snake"})).unwrap();
    let mut expected = page_reply();
    expected["enabled"] = false.into();
    assert_eq!(get(&mut lac, &target), (200, expected));
}

/// The activation keys that a list call answers with.
fn keys(lac: &mut Lac, query: &str) -> Vec<String> {
    let (status, rows) = get(lac, &format!("/license-orders?{query}"));
    assert_eq!(status, 200, "{rows}");
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["activation_key"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn lists_are_filtered_as_documented() {
    let mut lac = Lac::seeded();
    for (query, expected) in [
        ("", vec![FIRST, SECOND]),
        ("activation_key=TX8EQ", vec![FIRST]),
        ("activation_key=x", vec![FIRST, SECOND]),
        ("activation_key=II1HP-TX8EQ-R1QXZ-7LYXF", vec![FIRST]),
        ("activation_key=AAAAA-AAAAA-AAAAA-AAAAA", vec![]),
        ("customer_ids=2,3&customer_ids_exclude=false", vec![SECOND]),
        ("customer_ids=2&customer_ids_exclude=true", vec![FIRST]),
        ("product_template_ids=1,2", vec![FIRST, SECOND]),
        ("product_template_ids=2", vec![SECOND]),
        ("created_date_after=2019-09-02", vec![SECOND]),
        ("created_date_before=2019-08-20", vec![FIRST]),
        (
            "created_date_after=2019-08-21&created_date_before=2019-09-01",
            vec![],
        ),
        ("disabled=true", vec![]),
        ("offset=1", vec![SECOND]),
        ("offset=2", vec![]),
    ] {
        assert_eq!(keys(&mut lac, query), expected, "{query}");
    }
    let mut body = page_request();
    body["enabled"] = false.into();
    patch(&mut lac, FIRST, &body);
    assert_eq!(keys(&mut lac, "disabled=1"), [FIRST]);
}

#[test]
fn bad_queries_are_400_by_name() {
    let mut lac = Lac::seeded();
    for (target, words) in [
        (
            "/license-orders?limit=5",
            "limit is not a known query parameter",
        ),
        ("/license-orders?offset=-1", "offset must be an integer"),
        ("/license-orders?offset=1&offset=2", "offset is given twice"),
        ("/license-orders?customer_ids=1", "must be set together"),
        (
            "/license-orders?customer_ids_exclude=true",
            "must be set together",
        ),
        (
            "/license-orders?customer_ids=a&customer_ids_exclude=true",
            "customer_ids must be ids",
        ),
        (
            "/license-orders?customer_ids=1&customer_ids_exclude=no",
            "must be a boolean",
        ),
        (
            "/license-orders?product_template_ids=",
            "product_template_ids must be ids",
        ),
        (
            "/license-orders?created_date_after=yesterday",
            "created_date_after must be a date",
        ),
        (
            "/license-orders?disabled=false",
            "disabled can only be set to true",
        ),
        ("/customers?id=1", "id is not a known query parameter"),
        ("/customers?custom_tag_name=x", "must be set together"),
        (
            "/products?version=6",
            "version is not a known query parameter",
        ),
    ] {
        let (status, reply) = get(&mut lac, target);
        assert_eq!(status, 400, "{target}");
        let message = reply["message"].as_str().unwrap();
        assert!(message.contains(words), "{target}: {message}");
    }
}

#[test]
fn pages_hold_a_hundred_rows_or_what_the_switch_says() {
    let mut lac = Lac::seeded();
    let mut state = lac.state();
    let row = state["license_orders"][0].clone();
    let mut rows = Vec::new();
    for number in 0..250 {
        let mut row = row.clone();
        row["activation_key"] = format!("AAAAA-BBBBB-CCCCC-{number:05}").into();
        rows.push(row);
    }
    state["license_orders"] = rows.into();
    lac.set_state(state).unwrap();
    let lengths = |lac: &mut Lac| {
        ["offset=0", "offset=100", "offset=200", "offset=300"].map(|query| keys(lac, query).len())
    };
    assert_eq!(lengths(&mut lac), [100, 100, 50, 0]);
    lac.set_switches(json!({"page_size": 30, "list_order": "newest"}))
        .unwrap();
    assert_eq!(lengths(&mut lac), [30, 30, 30, 0]);
    assert_eq!(keys(&mut lac, "")[0], "AAAAA-BBBBB-CCCCC-00249");
}

#[test]
fn creating_makes_a_new_key_every_time() {
    let mut lac = Lac::seeded();
    let call = with_body("POST", "/license-orders", &page_request());
    let first = lac.answer(&call, noon());
    let second = lac.answer(&call, noon());
    assert_eq!((first.status, second.status), (200, 200));
    let (first, second) = (json_of(&first), json_of(&second));
    assert_ne!(first["activation_key"], second["activation_key"]);
    assert!(account::is_key(first["activation_key"].as_str().unwrap()));
    assert_eq!(first["creation_time"], "2024-05-01 12:00:00");
    assert_eq!(keys(&mut lac, "").len(), 4);

    // The same account makes the same keys.
    let again = json_of(&Lac::seeded().answer(&call, noon()));
    assert_eq!(again["activation_key"], first["activation_key"]);

    lac.set_switches(json!({"created_is_201": true})).unwrap();
    assert_eq!(lac.answer(&call, noon()).status, 201);
    let mut body = page_request();
    body["Features"][0]
        .as_object_mut()
        .unwrap()
        .shift_remove("enabled");
    let before = lac.state();
    let answer = lac.answer(&with_body("POST", "/license-orders", &body), noon());
    assert_eq!(answer.status, 400);
    assert_eq!(
        json_of(&answer)["message"],
        "Features[0].enabled is required"
    );
    assert_eq!(lac.state(), before);
}

#[test]
fn customers_are_listed_filtered_and_read_by_id() {
    let mut lac = Lac::seeded();
    let mut names = |target: &str| {
        let (status, rows) = get(&mut lac, target);
        assert_eq!(status, 200);
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("/customers"), ["1", "2", "3", "4"]);
    assert_eq!(names("/customers?name=twin"), ["3", "4"]);
    assert_eq!(names("/customers?name=RIVERS&email=x-formation"), ["1"]);
    assert_eq!(names("/customers?email=shortport.test"), ["2"]);
    assert_eq!(
        names("/customers?custom_tag_name=custom_tag_2&custom_tag_value=idaho"),
        ["1"]
    );
    assert_eq!(names("/customers?offset=3"), ["4"]);
    lac.set_switches(json!({"page_size": 3})).unwrap();
    assert_eq!(get(&mut lac, "/customers").1.as_array().unwrap().len(), 3);

    let (_, customer) = get(&mut lac, "/customers/1");
    let names: Vec<_> = customer.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "id",
            "name",
            "description",
            "phone_number",
            "fax_number",
            "street",
            "city",
            "country",
            "zip_code",
            "state",
            "creation_time",
            "update_time",
            "Contacts",
            "CustomTags"
        ]
    );
    assert_eq!(customer["Contacts"][1]["customer_id"], "1");
    assert_eq!(get(&mut lac, "/customers/9").0, 404);
    assert_eq!(get(&mut lac, "/customers/one").0, 404);
}

#[test]
fn products_templates_and_counters_are_read() {
    let mut lac = Lac::seeded();
    let (_, product) = get(&mut lac, "/products/1");
    assert_eq!(product["LicenseGenerator"]["license_manager"], "lm_x");
    assert_eq!(
        product["ProductTemplates"],
        json!([{"id": "1", "name": "Trial", "product_id": "1"},
            {"id": "2", "name": "Full", "product_id": "1"}])
    );
    assert_eq!(get(&mut lac, "/products").1, json!([product]));
    assert_eq!(get(&mut lac, "/products?name=nothing").1, json!([]));
    let (_, templates) = get(&mut lac, "/products/1/product-templates");
    assert_eq!(templates[1]["license_filename"], "license_%TIME%.lic");
    assert_eq!(templates[1].get("product_id"), None);
    let (_, template) = get(&mut lac, "/products/1/product-templates/2");
    assert_eq!(template, templates[1]);
    assert_eq!(get(&mut lac, "/products/1/product-templates/9").0, 404);
    assert_eq!(get(&mut lac, "/products/9/product-templates").0, 404);
    let (_, counters) = get(&mut lac, "/activation-counters");
    assert_eq!(counters["one_time_activations_left_count"], "999");
}

#[test]
fn refusals_have_the_body_that_the_switch_says() {
    let mut lac = Lac::seeded();
    let call = with_body("PATCH", &format!("/license-orders/{FIRST}"), &json!({}));
    let words = "customer_id is required";
    let answer = lac.answer(&call, noon());
    assert_eq!(json_of(&answer), json!({"code": 108, "message": words}));
    lac.set_switches(json!({"error_body": "message"})).unwrap();
    let answer = lac.answer(&call, noon());
    assert_eq!(json_of(&answer), json!({"message": words}));
    lac.set_switches(json!({"error_body": "empty"})).unwrap();
    assert_eq!(lac.answer(&call, noon()), Answer::empty(400));
}

#[test]
fn an_unknown_switch_or_value_is_an_error_and_changes_nothing() {
    let mut lac = Lac::seeded();
    let before = lac.switches();
    for wrong in [
        json!({"page_size": 10, "colour": "red"}),
        json!({"single_get": "xml"}),
        json!({"page_size": 0}),
        json!(["page_size"]),
    ] {
        assert!(lac.set_switches(wrong).is_err());
    }
    assert_eq!(lac.switches(), before);
}

#[test]
fn a_broken_account_is_refused_with_the_place() {
    let mut lac = Lac::seeded();
    let good = lac.state();
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut state = good.clone();
        change(&mut state);
        Lac::seeded().set_state(state).unwrap_err()
    };
    let words = broken(&|state| state["license_orders"][1]["customer_id"] = 9.into());
    assert_eq!(
        words,
        "license_orders[1]: customer_id: there is no customer 9"
    );
    let words = broken(&|state| state["license_orders"][0]["activation_key"] = "x".into());
    assert!(words.starts_with("license_orders[0]: activation_key must be"));
    let words = broken(&|state| state["license_orders"][1]["activation_key"] = FIRST.into());
    assert_eq!(words, "license_orders[1]: activation_key is taken");
    let words = broken(&|state| state["customers"][3]["id"] = "3".into());
    assert_eq!(words, "customers[3]: id 3 is taken");
    let words = broken(&|state| state["orders"] = json!([]));
    assert_eq!(words, "orders is not a known member");
    lac.set_state(good.clone()).unwrap();
    assert_eq!(lac.state(), good);
}
