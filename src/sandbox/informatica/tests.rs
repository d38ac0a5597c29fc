use std::collections::BTreeMap;

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

fn asked(method: &str, path: &str, session: &str) -> Asked {
    Asked {
        method: method.into(),
        path: format!("/saas/public/core/v3{path}"),
        headers: BTreeMap::from([("infa-session-id".into(), session.into())]),
        base: "http://127.0.0.1:1/informatica".into(),
        ..Asked::default()
    }
}

fn with_body(mut asked: Asked, body: &Value) -> Asked {
    asked
        .headers
        .insert("content-type".into(), "application/json".into());
    asked.body = body.to_string().into_bytes();
    asked
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn get(iics: &mut Informatica, org: &str, session: &str) -> (u16, Value) {
    let call = asked("GET", &format!("/license/org/{org}"), session);
    let answer = iics.answer(&call, noon());
    (answer.status, json_of(&answer))
}

fn put_as(iics: &mut Informatica, org: &str, body: &Value, session: &str) -> Answer {
    let call = asked("PUT", &format!("/license/org/{org}"), session);
    iics.answer(&with_body(call, body), noon())
}

fn put(iics: &mut Informatica, body: &Value) -> Answer {
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

fn log_in(iics: &mut Informatica, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    let mut call = with_body(asked("POST", "/login", ""), &body);
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
fn putting_back_what_was_read_or_the_page_body_changes_nothing() {
    let mut iics = Informatica::seeded();
    let before = iics.state();
    for body in [page_sets(), page_document()] {
        assert_eq!(put(&mut iics, &body), Answer::empty(200));
        assert_eq!(iics.state(), before);
    }
    let mut call = asked("PUT", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.body = page_sets().to_string().into_bytes();
    assert_eq!(iics.answer(&call, noon()).status, 200);
    iics.set_switches(json!({"put_is_204": true})).unwrap();
    assert_eq!(put(&mut iics, &page_sets()), Answer::empty(204));
}

#[test]
fn a_put_replaces_everything() {
    let mut iics = Informatica::seeded();
    let body = json!({
        "customLicenses": [{"licenseType": "FREE", "licenseDef": "x"}],
        "assignedEditions": [],
        "customLimits": [{"value": 7, "limitDefinition": "l1"}, {"value": 0, "limitDefinition": "l2"}],
    });
    assert_eq!(put(&mut iics, &body).status, 200);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(
        document,
        json!({
            "id": SUB, "parentOrg": PARENT,
            "customLicenses": [{"licenseType": "FREE", "expirationDate": null, "licenseDef": "x"}],
            "assignedEditions": [],
            "customLimits": [{"value": 7, "limitDefinition": "l1"}, {"value": 0, "limitDefinition": "l2"}],
        })
    );
}

#[test]
fn a_list_left_out_is_emptied_or_left_by_switch() {
    let mut iics = Informatica::seeded();
    let mut body = page_sets();
    body.as_object_mut().unwrap().shift_remove("customLimits");
    put(&mut iics, &body);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(document["customLimits"], json!([]));

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"absent_key": "leave"})).unwrap();
    body["customLicenses"] = json!([]);
    put(&mut iics, &body);
    let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
    assert_eq!(document["customLimits"], page_sets()["customLimits"]);
    assert_eq!(document["customLicenses"], json!([]));
}

#[test]
fn wrong_bodies_are_400_by_name_and_change_nothing() {
    let mut iics = Informatica::seeded();
    let with = |path: &str, value: Value| {
        let mut body = page_sets();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let license = "/customLicenses/0";
    for (path, value, words) in [
        (
            "/customLicenses",
            json!(null),
            "customLicenses must be an array, not null",
        ),
        (
            "/customLicenses",
            json!([1]),
            "customLicenses[0] must be an object",
        ),
        (
            "/customLicenses/0/licenseType",
            json!("NON"),
            "licenseType must be one of TRIAL",
        ),
        (
            "/customLicenses/0/licenseType",
            json!("subscription"),
            "licenseType must be one of",
        ),
        (
            "/customLicenses/0/licenseDef",
            json!(""),
            "licenseDef must not be empty",
        ),
        (
            "/customLicenses/0/licenseDef",
            json!(5),
            "licenseDef must be a string",
        ),
        (
            "/customLicenses/0/expirationDate",
            json!(null),
            "expirationDate must be a string",
        ),
        (
            "/customLicenses/0/expirationDate",
            json!("soon"),
            "expirationDate \"soon\" is not a time",
        ),
        (
            "/assignedEditions/1/expirationDate",
            json!("2018-10-06"),
            "assignedEditions[1].expirationDate",
        ),
        (
            "/assignedEditions/1/expirationDate",
            json!("2018-10-06T20:00:08+02:00"),
            "is not a time",
        ),
        (
            "/assignedEditions/1/expirationDate",
            json!("2018-10-06T18:00:08.5Z"),
            "is not a time",
        ),
        (
            "/assignedEditions/1/edition",
            json!("4sdvnCrYEjfcKjTvAoigEF"),
            "is given twice",
        ),
        (
            "/customLimits/0/value",
            json!("10"),
            "customLimits[0].value must be an integer",
        ),
        (
            "/customLimits/0/value",
            json!(1.5),
            "customLimits[0].value must be an integer, not a fraction",
        ),
        (
            "/customLimits/0/value",
            json!(-2),
            "customLimits[0].value must be -1 or",
        ),
        (
            "/customLimits/0/value",
            json!(3_000_000_000_i64),
            "customLimits[0].value must be -1 or",
        ),
        (
            license,
            json!({"licenseDef": "x", "expirationDate": "2017-11-05T18:01:24Z"}),
            "licenseType is required",
        ),
        (
            license,
            json!({"licenseDef": "x", "licenseType": "TRIAL"}),
            "expirationDate is required",
        ),
        (
            license,
            json!({"licenseDef": "x", "licenseType": "FREE", "seats": 1}),
            "seats is not a known member",
        ),
    ] {
        refused(&mut iics, &with(path, value), 400, words);
    }
    let mut body = page_sets();
    body["licenses"] = json!([]);
    refused(&mut iics, &body, 400, "licenses is not a known member");
    let mut body = page_document();
    body["id"] = OTHER.into();
    refused(&mut iics, &body, 400, "id is not that of the path");
    let mut body = page_document();
    body["parentOrg"] = Value::Null;
    refused(&mut iics, &body, 400, "parentOrg cannot be changed");
    refused(
        &mut iics,
        &json!([]),
        400,
        "the request body must be an object",
    );
}

#[test]
fn malformed_json_and_other_content_types_are_400() {
    let mut iics = Informatica::seeded();
    let mut call = asked("PUT", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.body = b"{".to_vec();
    assert_eq!(iics.answer(&call, noon()).status, 400);
    let mut call = with_body(call, &page_sets());
    call.headers
        .insert("content-type".into(), "application/xml".into());
    assert_eq!(iics.answer(&call, noon()).status, 400);
}

#[test]
fn other_forms_of_time_are_taken_by_switch_and_read_in_the_printed_form() {
    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"dates": "tolerant"})).unwrap();
    for (sent, read) in [
        ("2018-10-06T20:00:08+02:00", "2018-10-06T18:00:08Z"),
        ("2018-10-06T18:00:08.25Z", "2018-10-06T18:00:08Z"),
        ("2018-10-06", "2018-10-06T00:00:00Z"),
    ] {
        let mut body = page_sets();
        body["assignedEditions"][0]["expirationDate"] = sent.into();
        assert_eq!(put(&mut iics, &body).status, 200);
        let (_, document) = get(&mut iics, SUB, FIXED_SESSION);
        assert_eq!(document["assignedEditions"][0]["expirationDate"], read);
    }
    let mut body = page_sets();
    body["assignedEditions"][0]["expirationDate"] = "soon".into();
    refused(&mut iics, &body, 400, "is not a time");
}

#[test]
fn who_must_have_an_expiration_is_a_switch() {
    let mut iics = Informatica::seeded();
    let free = json!({"customLicenses": [{"licenseType": "FREE", "licenseDef": "x"}]});
    let trial = json!({"customLicenses": [{"licenseType": "TRIAL", "licenseDef": "x"}]});
    let edition = json!({"assignedEditions": [{"edition": "x"}]});
    let statuses = |switch: &str| {
        let mut iics = Informatica::seeded();
        iics.set_switches(json!({"expiration_required": switch}))
            .unwrap();
        [&free, &trial, &edition].map(|body| put(&mut iics, body).status)
    };
    assert_eq!(statuses("unless_free"), [200, 400, 400]);
    assert_eq!(statuses("always"), [400, 400, 400]);
    assert_eq!(statuses("never"), [200, 200, 200]);
    refused(&mut iics, &trial, 400, "expirationDate is required");
}

#[test]
fn only_an_administrator_of_the_parent_may_write() {
    let mut iics = Informatica::seeded();
    let reader = session_of(&mut iics, "reader@sandbox.test");
    let sub_admin = session_of(&mut iics, "sub-admin@sandbox.test");
    let before = iics.state();
    let body = page_sets();
    for (org, session) in [
        (SUB, reader.as_str()),
        (SUB, &sub_admin),
        (OTHER, &sub_admin),
        (PARENT, &sub_admin),
        (PARENT, FIXED_SESSION),
    ] {
        let answer = put_as(&mut iics, org, &body, session);
        assert_eq!(answer.status, 403, "{org} {session}");
    }
    assert_eq!(iics.state(), before);
    let admin = session_of(&mut iics, "admin@sandbox.test");
    assert_eq!(put_as(&mut iics, SUB, &body, &admin).status, 200);

    assert_eq!(get(&mut iics, PARENT, &reader).0, 200);
    assert_eq!(get(&mut iics, SUB, &reader).0, 403);
    assert_eq!(get(&mut iics, SUB, &sub_admin).0, 200);
    assert_eq!(get(&mut iics, OTHER, &sub_admin).0, 403);
    assert_eq!(get(&mut iics, PARENT, &sub_admin).0, 403);
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
        iics.answer(&asked(method, path, FIXED_SESSION), noon())
            .status
    };
    assert_eq!(status("GET", "/license/org"), 404);
    assert_eq!(status("GET", "/license/org/"), 404);
    assert_eq!(status("GET", "/license"), 404);
    assert_eq!(status("PATCH", "/license/org/1ax3wad2FEsz35asd2892s"), 405);
    assert_eq!(status("GET", "/login"), 405);
    let mut call = asked("GET", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.query.push(("expand".into(), "all".into()));
    assert_eq!(iics.answer(&call, noon()).status, 400);
}

#[test]
fn a_login_gives_a_session_and_points_back_at_this_server() {
    let mut iics = Informatica::seeded();
    let answer = log_in(&mut iics, "admin@sandbox.test", "sandbox");
    assert_eq!(answer.status, 200);
    let reply = json_of(&answer);
    assert_eq!(
        reply["products"],
        json!([{"name": "Integration Cloud", "baseApiUrl": "http://127.0.0.1:1/informatica/saas"}])
    );
    assert_eq!(reply["userInfo"]["orgId"], PARENT);
    assert_eq!(reply["userInfo"]["orgName"], "Rivers Inc");
    assert_eq!(reply["userInfo"]["parentOrgId"], Value::Null);
    assert_eq!(reply["userInfo"]["status"], "Active");
    let session = reply["userInfo"]["sessionId"].as_str().unwrap();
    assert_eq!(session.len(), 22);
    assert_eq!(get(&mut iics, SUB, session).0, 200);
}

#[test]
fn refused_logins_have_the_status_of_the_switch_and_malformed_ones_are_400() {
    let mut iics = Informatica::seeded();
    let answer = log_in(&mut iics, "admin@sandbox.test", "wrong");
    assert_eq!(answer.status, 401);
    assert_eq!(json_of(&answer)["error"]["code"], "IDS_085");
    assert_eq!(log_in(&mut iics, "nobody", "sandbox").status, 401);
    for status in [400, 403, 401] {
        iics.set_switches(json!({"login_refusal_status": status}))
            .unwrap();
        assert_eq!(log_in(&mut iics, "nobody", "sandbox").status, status);
    }
    assert_eq!(log_in(&mut iics, &"x".repeat(256), "sandbox").status, 400);
    assert_eq!(log_in(&mut iics, "", "sandbox").status, 400);
    for body in [
        json!({}),
        json!({"username": 1, "password": "x"}),
        json!({"@type": "login"}),
    ] {
        let call = with_body(asked("POST", "/login", ""), &body);
        assert_eq!(iics.answer(&call, noon()).status, 400);
    }
}

#[test]
fn a_session_ends_after_thirty_idle_minutes_and_each_use_starts_them_again() {
    let mut iics = Informatica::seeded();
    let session = session_of(&mut iics, "admin@sandbox.test");
    let read = asked("GET", &format!("/license/org/{SUB}"), &session);
    let mut status = |time| iics.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:29:59Z"), 200);
    assert_eq!(status("2024-05-01T12:59:58Z"), 200);
    assert_eq!(status("2024-05-01T13:29:58Z"), 401);

    iics.set_switches(json!({"idle_grace_seconds": 120}))
        .unwrap();
    let session = session_of(&mut iics, "admin@sandbox.test");
    let read = asked("GET", &format!("/license/org/{SUB}"), &session);
    let mut status = |time| iics.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:31:59Z"), 200);
    assert_eq!(status("2024-05-01T13:03:59Z"), 401);
}

#[test]
fn a_jwt_is_long_and_ends_on_the_clock_whatever_its_use() {
    let mut iics = Informatica::seeded();
    let switches = json!({"session_mode": "jwt", "jwt_minutes": 15, "jwt_characters": 16000});
    iics.set_switches(switches).unwrap();
    let session = session_of(&mut iics, "admin@sandbox.test");
    assert_eq!(session.len(), 16_000);
    assert_eq!(session.split('.').count(), 3);
    let read = asked("GET", &format!("/license/org/{SUB}"), &session);
    let mut status = |time| iics.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:14:00Z"), 200);
    assert_eq!(status("2024-05-01T12:14:59Z"), 200);
    assert_eq!(status("2024-05-01T12:15:00Z"), 401);
}

#[test]
fn missing_unknown_and_ended_sessions_are_401() {
    let mut iics = Informatica::seeded();
    assert_eq!(get(&mut iics, SUB, "nonsense").0, 401);
    let mut call = asked("GET", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.headers.remove("infa-session-id");
    // The header of the version 2 resources is another one.
    call.headers
        .insert("icsessionid".into(), FIXED_SESSION.into());
    let answer = iics.answer(&call, noon());
    assert_eq!(answer.status, 401);
    assert_eq!(json_of(&answer)["error"]["code"], "AUTH_01");

    let session = session_of(&mut iics, "admin@sandbox.test");
    let out = iics.answer(&asked("POST", "/logout", &session), noon());
    assert_eq!(out, Answer::empty(200));
    assert_eq!(get(&mut iics, SUB, &session).0, 401);
    let out = iics.answer(&asked("POST", "/logout", &session), noon());
    assert_eq!(out.status, 401);
    iics.set_switches(json!({"fixed_session": "expired"}))
        .unwrap();
    assert_eq!(get(&mut iics, SUB, FIXED_SESSION).0, 401);
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
fn policies_against_the_parent_are_enforced_by_switch() {
    let mut iics = Informatica::seeded();
    let mut longer = page_sets();
    longer["customLicenses"][0]["expirationDate"] = "2031-01-01T00:00:00Z".into();
    let mut edition = page_sets();
    edition["assignedEditions"][1]["expirationDate"] = "2031-01-01T00:00:00Z".into();
    let mut foreign = page_sets();
    foreign["customLicenses"][0]["licenseDef"] = "0000000000000000000000".into();
    for body in [&longer, &edition, &foreign] {
        assert_eq!(put(&mut iics, body).status, 200);
    }

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"extend_past_parent": "refuse"}))
        .unwrap();
    refused(
        &mut iics,
        &longer,
        400,
        "customLicenses[0].expirationDate is past the parent",
    );
    refused(
        &mut iics,
        &edition,
        400,
        "assignedEditions[1].expirationDate is past the parent",
    );
    assert_eq!(put(&mut iics, &foreign).status, 200);
    assert_eq!(put(&mut iics, &page_sets()).status, 200);
    iics.set_switches(json!({"expiration_required": "never"}))
        .unwrap();
    longer["customLicenses"][0]["expirationDate"] = Value::Null;
    refused(&mut iics, &longer, 400, "is past the parent");

    let mut iics = Informatica::seeded();
    iics.set_switches(json!({"parent_must_hold": true}))
        .unwrap();
    refused(
        &mut iics,
        &foreign,
        400,
        "customLicenses[0]: the parent organization does not hold it",
    );
    assert_eq!(put(&mut iics, &page_sets()).status, 200);

    iics.set_switches(json!({"sync_managed": true})).unwrap();
    refused(&mut iics, &page_sets(), 403, "synchronized with the parent");
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
    let seen = [first(), first(), first()];
    assert_eq!(seen[0], "4sdvnCrYEjfcKjTvAoigEF");
    assert_eq!(seen[1], "5SPzPwEFvBEds8LzVwXX4K");
    assert_eq!(seen[2], seen[0]);
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
