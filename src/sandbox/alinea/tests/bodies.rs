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
        let (status, reply) = bench.refused(&sample_with(name, value));
        assert_eq!((status, &reply["IsValid"]), (200, &json!(false)), "{name}");
        assert_eq!(reply["Errors"].as_array().unwrap().len(), 1);
        assert_eq!(reply["Errors"][0]["PropertyName"], name);
        assert!(reply["Errors"][0]["Message"].is_string());
    }
}

#[test]
fn all_refused_values_are_told_at_once_with_the_switched_status() {
    let mut bench = Bench::with(json!({"validation_status": 400}));
    let mut body = sample_with("AvailableSeats", json!(-1));
    body["OwnerId"] = json!(NOWHERE);
    let (status, reply) = bench.refused(&body);
    let errors = reply["Errors"].as_array().unwrap().iter();
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
        let (status, reply) = bench.refused(&sample_with(name, value));
        assert_eq!(
            (status, &reply["Message"]),
            (400, &json!("The request is invalid."))
        );
        let words = &reply["ModelState"][format!("request.{name}")][0];
        assert!(words.as_str().unwrap().contains(name), "{reply}");
    }
    let (_, reply) = bench.refused(&sample_with("AllowableUserRoles", json!([STUDENT, 1])));
    assert!(reply["ModelState"]["request.AllowableUserRoles[1]"].is_array());
    let (status, reply) = bench.refused(&json!([]));
    assert_eq!(status, 400);
    assert!(reply["ModelState"]["request"].is_array());
}

#[test]
fn unknown_members_pass_where_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore"}));
    let (_, reply) = bench.put(&sample_with("Seats", json!(5)));
    assert_eq!(reply["IsValid"], true);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let mut bench = Bench::new();
    let path = format!("/api/licenses/{FIRST}");
    let good = test_request("PUT", &path, "Bearer sandbox-token", Some(&sample()));
    for (media, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("application/xml", "<UpdateLicenseRequest/>", 415),
        ("text/json; charset=utf-8", "", 400),
    ] {
        let mut request = good.clone();
        request.headers.insert("content-type".into(), media.into());
        request.body = body.into();
        let (given, reply) = bench.raw(&request);
        assert_eq!(given, status, "{media}");
        assert!(reply["Message"].is_string());
    }
    let mut request = good.clone();
    request
        .headers
        .insert("content-type".into(), "text/json".into());
    assert_eq!(bench.raw(&request).1["IsValid"], true);
}

#[test]
fn no_errors_can_be_null() {
    let mut bench = Bench::with(json!({"errors_when_valid": "null"}));
    let reply = bench.put(&sample());
    assert_eq!(reply, (200, json!({"Errors": null, "IsValid": true})));
}
