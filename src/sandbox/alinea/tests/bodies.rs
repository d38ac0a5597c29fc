//! What the body of a PUT must be, and how a wrong one is refused.

use super::*;

#[test]
fn refused_values_are_told_in_errors_and_change_nothing() {
    let mut bench = Bench::new();
    for (name, value) in [
        ("LicenseId", json!(SECOND)),
        ("LicenseName", json!("")),
        ("LicenseName", json!(null)),
        ("LicenseName", json!("  ")),
        ("EndDate", json!("2025-12-25T15:49:43")),
        ("AvailableSeats", json!(-1)),
        ("Buffer", json!(-1)),
        ("UserGroupId", json!(NOWHERE)),
        ("OwnerId", json!(NOWHERE)),
        ("LicenseCategoryId", json!(NOWHERE)),
        ("AllowableUserRoles", json!([STUDENT, NOWHERE])),
        ("SeatUserGroupIds", json!([NOWHERE])),
        ("PrivilegedUserRoles", json!([NOWHERE])),
    ] {
        let (status, told) = bench.refused(&sample_with(name, value));
        assert_eq!((status, &told["IsValid"]), (200, &json!(false)), "{name}");
        assert_eq!(told["Errors"].as_array().unwrap().len(), 1);
        assert_eq!(told["Errors"][0]["PropertyName"], name);
        assert!(told["Errors"][0]["Message"].is_string());
    }
}

#[test]
fn all_refused_values_are_told_at_once_with_the_switched_status() {
    let mut bench = Bench::with(json!({"validation_status": 400}));
    let mut body = sample_with("AvailableSeats", json!(-1));
    body["OwnerId"] = json!(NOWHERE);
    let (status, told) = bench.refused(&body);
    let errors = told["Errors"].as_array().unwrap().iter();
    let names: Vec<&str> = errors
        .map(|error| error["PropertyName"].as_str().unwrap())
        .collect();
    assert_eq!((status, names), (400, vec!["AvailableSeats", "OwnerId"]));
}

#[test]
fn bodies_that_do_not_bind_are_refused_by_the_framework() {
    let mut bench = Bench::new();
    for (name, value) in [
        ("LicenseId", json!(7)),
        ("LicenseId", json!(null)),
        ("LicenseName", json!(7)),
        ("StartDate", json!("25/12/2025")),
        ("StartDate", json!(0)),
        ("UserGroupId", json!("Rivers")),
        ("OwnerId", json!(null)),
        ("AvailableSeats", json!("5")),
        ("AvailableSeats", json!(5.5)),
        ("AvailableSeats", json!(null)),
        ("AvailableSeats", json!(2_147_483_648_i64)),
        ("Buffer", json!(true)),
        ("IsPaused", json!("true")),
        ("IsPaused", json!(null)),
        ("AllowableUserRoles", json!(STUDENT)),
        ("Seats", json!(5)),
    ] {
        let (status, told) = bench.refused(&sample_with(name, value));
        assert_eq!(
            (status, &told["Message"]),
            (400, &json!("The request is invalid."))
        );
        let words = &told["ModelState"][format!("request.{name}")][0];
        assert!(words.as_str().unwrap().contains(name), "{told}");
    }
    let (_, told) = bench.refused(&sample_with("AllowableUserRoles", json!([STUDENT, 1])));
    assert!(told["ModelState"]["request.AllowableUserRoles[1]"].is_array());
    let (status, told) = bench.refused(&json!([]));
    assert_eq!(status, 400);
    assert!(told["ModelState"]["request"].is_array());
}

#[test]
fn unknown_members_pass_where_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore"}));
    let (_, told) = bench.put(&sample_with("Seats", json!(5)));
    assert_eq!(told["IsValid"], true);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let mut bench = Bench::new();
    let path = format!("/api/licenses/{FIRST}");
    let good = asked("PUT", &path, "Bearer sandbox-token", Some(&sample()));
    for (media, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("application/xml", "<UpdateLicenseRequest/>", 415),
        ("text/json; charset=utf-8", "", 400),
    ] {
        let mut asked = good.clone();
        asked.headers.insert("content-type".into(), media.into());
        asked.body = body.into();
        let (given, told) = bench.raw(&asked);
        assert_eq!(given, status, "{media}");
        assert!(told["Message"].is_string());
    }
    let mut asked = good.clone();
    asked
        .headers
        .insert("content-type".into(), "text/json".into());
    assert_eq!(bench.raw(&asked).1["IsValid"], true);
}

#[test]
fn no_errors_can_be_null() {
    let mut bench = Bench::with(json!({"errors_when_valid": "null"}));
    let reply = bench.put(&sample());
    assert_eq!(reply, (200, json!({"Errors": null, "IsValid": true})));
}
