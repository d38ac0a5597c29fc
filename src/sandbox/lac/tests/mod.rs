//! Shared calls and the page's example; tests of tokens, refusals, switches and saved accounts.

mod bodies;
mod customers;
mod reads;
mod writes;

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

fn test_request(method: &str, target: &str) -> HttpRequest {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes());
    HttpRequest {
        method: method.into(),
        path: path.into(),
        query: query.into_owned().collect(),
        headers: BTreeMap::from([("authorization".into(), "Bearer sandbox-token".into())]),
        body: Vec::new(),
        base_url: "http://127.0.0.1:1/lac".into(),
    }
}

fn with_body(method: &str, target: &str, body: &Value) -> HttpRequest {
    let mut request = test_request(method, target);
    request
        .headers
        .insert("content-type".into(), "application/json".into());
    request.body = body.to_string().into_bytes();
    request
}

fn json_of(answer: &HttpReply) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn get(lac: &mut Lac, target: &str) -> (u16, Value) {
    let answer = lac.answer(&test_request("GET", target), noon());
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

/// The activation keys that a list call answers with.
fn keys(lac: &mut Lac, query: &str) -> Vec<String> {
    let (status, rows) = get(lac, &format!("/license-orders?{query}"));
    assert_eq!(status, 200, "{rows}");
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["activation_key"].as_str().unwrap().to_owned())
        .collect()
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

    let mut read = test_request("GET", "/license-orders");
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
    let delete = test_request("DELETE", &format!("/license-orders/{FIRST}"));
    assert_eq!(lac.answer(&delete, noon()).status, 405);
    let (status, reply) = patch(&mut lac, "AAAAA-AAAAA-AAAAA-AAAAA", &page_request());
    assert_eq!(status, 404);
    assert_eq!(reply["code"], 105);
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
    assert_eq!(lac.answer(&call, noon()), HttpReply::empty(400));
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
