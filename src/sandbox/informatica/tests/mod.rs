//! Shared calls and the page's example; tests of reads, addresses, errors, switches and saved accounts.

mod bodies;
mod sessions;
mod writes;

use std::collections::BTreeMap;

use super::sessions::FIXED_SESSION;
use super::*;

const PARENT: &str = "52ZSTB0IDK6dXxaEQLUaQu";
const SUB: &str = "1ax3wad2FEsz35asd2892s";
const OTHER: &str = "7Yk2mQpLw0sZr4TbVc9XnA";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2024-05-01T12:00:00Z")
}

fn test_request(method: &str, path: &str, session: &str) -> HttpRequest {
    HttpRequest {
        method: method.into(),
        path: format!("/saas/public/core/v3{path}"),
        headers: BTreeMap::from([("infa-session-id".into(), session.into())]),
        base_url: "http://127.0.0.1:1/informatica".into(),
        ..HttpRequest::default()
    }
}

fn with_body(mut request: HttpRequest, body: &Value) -> HttpRequest {
    request
        .headers
        .insert("content-type".into(), "application/json".into());
    request.body = body.to_string().into_bytes();
    request
}

fn json_of(answer: &HttpReply) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn get(iics: &mut Informatica, org: &str, session: &str) -> (u16, Value) {
    let call = test_request("GET", &format!("/license/org/{org}"), session);
    let answer = iics.answer(&call, noon());
    (answer.status, json_of(&answer))
}

fn put_as(iics: &mut Informatica, org: &str, body: &Value, session: &str) -> HttpReply {
    let call = test_request("PUT", &format!("/license/org/{org}"), session);
    iics.answer(&with_body(call, body), noon())
}

fn put(iics: &mut Informatica, body: &Value) -> HttpReply {
    put_as(iics, SUB, body, FIXED_SESSION)
}

/// Asserts that a PUT is refused with this status and words and changes nothing.
fn refused(iics: &mut Informatica, body: &Value, status: u16, words: &str) {
    let before = iics.state();
    let answer = put(iics, body);
    assert_eq!(answer.status, status, "{body}");
    let reply = json_of(&answer);
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.contains(words), "{message:?} lacks {words:?}");
    assert_eq!(iics.state(), before);
}

fn log_in(iics: &mut Informatica, username: &str, password: &str) -> HttpReply {
    let body = json!({"username": username, "password": password});
    let mut call = with_body(test_request("POST", "/login", ""), &body);
    call.headers.remove("infa-session-id");
    iics.answer(&call, noon())
}

fn session_of(iics: &mut Informatica, username: &str) -> String {
    let reply = json_of(&log_in(iics, username, "sandbox"));
    reply["userInfo"]["sessionId"].as_str().unwrap().to_owned()
}

/// The example of the licence page, which is the PUT body as well.
fn page_sets() -> Value {
    json!({
        "customLicenses": [{
            "licenseType": "SUBSCRIPTION",
            "expirationDate": "2017-11-05T18:01:24Z",
            "licenseDef": "a5Xjp3VF3sjcyZUDa6UaWh"
        }],
        "assignedEditions": [
            {"expirationDate": "2017-11-05T18:01:24Z", "edition": "4sdvnCrYEjfcKjTvAoigEF"},
            {"expirationDate": "2018-10-06T18:00:08Z", "edition": "5SPzPwEFvBEds8LzVwXX4K"}
        ],
        "customLimits": [{"value": -1, "limitDefinition": "09cX4Tmi1qSfrS997ORMYl"}]
    })
}

fn page_document() -> Value {
    let mut document = json!({"id": SUB, "parentOrg": PARENT});
    for (name, value) in page_sets().as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

#[test]
fn a_read_is_the_page_example() {
    let mut iics = Informatica::seeded();
    let (status, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(status, 200);
    // Compared as text: the order of members is the page's too.
    assert_eq!(document.to_string(), page_document().to_string());
    assert_eq!(
        get(&mut iics, PARENT, FIXED_SESSION).1["parentOrg"],
        Value::Null
    );
}

#[test]
fn unknown_organizations_and_paths_are_404_and_wrong_methods_405() {
    let mut iics = Informatica::seeded();
    let (status, reply) = get(&mut iics, "0000000000000000000000", FIXED_SESSION);
    assert_eq!(status, 404);
    assert_eq!(reply["error"]["details"], Value::Null);
    let put = put_as(
        &mut iics,
        "0000000000000000000000",
        &page_sets(),
        FIXED_SESSION,
    );
    assert_eq!(put.status, 404);
    let mut status = |method: &str, path: &str| {
        iics.answer(&test_request(method, path, FIXED_SESSION), noon())
            .status
    };
    assert_eq!(status("GET", "/license/org"), 404);
    assert_eq!(status("GET", "/license/org/"), 404);
    assert_eq!(status("GET", "/license"), 404);
    assert_eq!(status("PATCH", "/license/org/1ax3wad2FEsz35asd2892s"), 405);
    assert_eq!(status("GET", "/login"), 405);
    let mut call = test_request("GET", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.query.push(("expand".into(), "all".into()));
    assert_eq!(iics.answer(&call, noon()).status, 400);
}

#[test]
fn errors_are_nested_or_flat_by_switch() {
    let mut iics = Informatica::seeded();
    let (_, reply) = get(&mut iics, SUB, "nonsense");
    let names: Vec<_> = reply["error"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["code", "message", "requestId", "details"]);
    iics.set_switches(json!({"error_body": "flat"})).unwrap();
    let (_, reply) = get(&mut iics, SUB, "nonsense");
    let names: Vec<_> = reply.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["code", "message", "requestId"]);
}

#[test]
fn shuffling_turns_the_arrays_a_little_further_with_each_read() {
    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"shuffle": true})).unwrap();
    let mut first = || {
        let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
        assert_eq!(document["assignedEditions"].as_array().unwrap().len(), 2);
        document["assignedEditions"][0]["edition"].clone()
    };
    let first_editions = [first(), first(), first()];
    assert_eq!(first_editions[0], "4sdvnCrYEjfcKjTvAoigEF");
    assert_eq!(first_editions[1], "5SPzPwEFvBEds8LzVwXX4K");
    assert_eq!(first_editions[2], first_editions[0]);
}

#[test]
fn a_saved_account_loads_into_itself_and_a_broken_one_is_refused_with_the_place() {
    let mut iics = Informatica::seeded();
    let good = iics.state();
    iics.set_state(good.clone()).unwrap();
    assert_eq!(iics.state(), good);
    let broken = |path: &str, value: Value| {
        let mut state = good.clone();
        *state.pointer_mut(path).unwrap() = value;
        Informatica::seeded().set_state(state).unwrap_err()
    };
    assert_eq!(
        broken("/organizations/1/customLimits/0/value", json!("5")),
        "organizations[1]: customLimits[0].value must be an integer, not a string"
    );
    assert_eq!(
        broken("/organizations/2/id", json!(SUB)),
        "organizations[2]: id is taken"
    );
    assert!(broken("/organizations/2/parentOrg", json!(SUB)).contains("no parent organization"));
    assert!(broken("/users/0/orgId", json!("x")).contains("there is no organization x"));
}

#[test]
fn thousands_of_organizations_load_without_users() {
    let mut orgs = vec![json!({"id": "parent"})];
    orgs.extend((0..5000).map(|n| {
        json!({"id": format!("sub-{n}"), "parentOrg": "parent",
            "customLimits": [{"value": n, "limitDefinition": "l"}]})
    }));
    let mut iics = Informatica::seeded();
    iics.set_state(json!({"organizations": orgs})).unwrap();
    let session = session_of(&mut iics, "admin@sandbox.test");
    let (_, document) = get(&mut iics, "sub-4999", &session);
    assert_eq!(document["customLimits"][0]["value"], 4999);
    assert_eq!(
        put_as(&mut iics, "sub-17", &json!({}), &session).status,
        200
    );
}

#[test]
fn an_unknown_switch_or_value_is_an_error_and_changes_nothing() {
    let mut iics = Informatica::seeded();
    let before = iics.switches();
    for wrong in [
        json!({"shuffle": true, "colour": "red"}),
        json!({"login_refusal_status": 418}),
        json!({"session_mode": "cookie"}),
        json!({"jwt_characters": 20000}),
    ] {
        assert!(iics.set_switches(wrong).is_err());
    }
    assert_eq!(iics.switches(), before);
}
