//! Logins, and how long their sessions last.

use super::*;

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
        let call = with_body(test_request("POST", "/login", ""), &body);
        assert_eq!(iics.answer(&call, noon()).status, 400);
    }
}

#[test]
fn a_session_ends_after_thirty_idle_minutes_and_each_use_starts_them_again() {
    let mut iics = Informatica::seeded();
    let session = session_of(&mut iics, "admin@sandbox.test");
    let read = test_request("GET", &format!("/license/org/{SUB}"), &session);
    let mut status = |time| iics.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:29:59Z"), 200);
    assert_eq!(status("2024-05-01T12:59:58Z"), 200);
    assert_eq!(status("2024-05-01T13:29:58Z"), 401);

    iics.set_switches(json!({"idle_grace_seconds": 120}))
        .unwrap();
    let session = session_of(&mut iics, "admin@sandbox.test");
    let read = test_request("GET", &format!("/license/org/{SUB}"), &session);
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
    let read = test_request("GET", &format!("/license/org/{SUB}"), &session);
    let mut status = |time| iics.answer(&read, at(time)).status;
    assert_eq!(status("2024-05-01T12:14:00Z"), 200);
    assert_eq!(status("2024-05-01T12:14:59Z"), 200);
    assert_eq!(status("2024-05-01T12:15:00Z"), 401);
}

#[test]
fn missing_unknown_and_ended_sessions_are_401() {
    let mut iics = Informatica::seeded();
    assert_eq!(get(&mut iics, SUB, "nonsense").0, 401);
    let mut call = test_request("GET", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.headers.remove("infa-session-id");
    // The header of the version 2 resources is another one.
    call.headers
        .insert("icsessionid".into(), FIXED_SESSION.into());
    let answer = iics.answer(&call, noon());
    assert_eq!(answer.status, 401);
    assert_eq!(json_of(&answer)["error"]["code"], "AUTH_01");

    let session = session_of(&mut iics, "admin@sandbox.test");
    let out = iics.answer(&test_request("POST", "/logout", &session), noon());
    assert_eq!(out, HttpReply::empty(200));
    assert_eq!(get(&mut iics, SUB, &session).0, 401);
    let out = iics.answer(&test_request("POST", "/logout", &session), noon());
    assert_eq!(out.status, 401);
    iics.set_switches(json!({"fixed_session": "expired"}))
        .unwrap();
    assert_eq!(get(&mut iics, SUB, FIXED_SESSION).0, 401);
}
