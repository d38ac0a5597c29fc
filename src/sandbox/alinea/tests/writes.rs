//! What a PUT does to a licence.

use super::*;

#[test]
fn the_request_of_the_page_is_accepted_and_moves_modified_at() {
    let mut bench = Bench::new();
    let before = bench.flat(FIRST);
    let nested = bench.nested(FIRST);
    let reply = bench.put(&sample());
    assert_eq!(reply, (200, json!({"Errors": [], "IsValid": true})));
    let mut after = bench.flat(FIRST);
    assert_eq!(after["ModifiedAt"], "2026-01-02T03:04:07.1234567");
    after["ModifiedAt"] = before["ModifiedAt"].clone();
    assert_eq!(after, before, "nothing else changed");
    assert_eq!(bench.nested(FIRST), nested);
}

#[test]
fn every_member_is_written_and_read_back_under_its_other_name() {
    let mut bench = Bench::new();
    let body = json!({
        "LicenseId": FIRST,
        "LicenseName": "Physics",
        "StartDate": "2026-08-01T00:00:00Z",
        "EndDate": "2027-07-31T02:00:00+02:00",
        "UserGroupId": "5b9e2d10-64f7-4c1a-b3d8-0a1b2c3d4e02",
        "OwnerId": "2f1c7a54-9b0d-4e63-8a21-5d6e7f809102",
        "AvailableSeats": 80,
        "ContactPersonName": "Ann",
        "ContactPhone": null,
        "ContactEmail": "ann@rivers.example",
        "Buffer": null,
        "Grade": "8",
        "LicenseCategoryId": "c40f8e27-1d35-4b92-9e68-7a5b3c2d1e02",
        "AllowableUserRoles": [TEACHER, LIBRARIAN, TEACHER],
        "IsPaused": false,
        "SeatUserGroupIds": ["91d0c6e3-5a7b-4f28-8c14-6e3f2a1b0c03"],
        "PrivilegedUserRoles": []
    });
    assert_eq!(bench.put(&body).1["IsValid"], true);
    let flat = bench.flat(FIRST);
    for (name, value) in [
        ("Name", json!("Physics")),
        ("StartDate", json!("2026-08-01T00:00:00.0000000")),
        ("EndDate", json!("2027-07-31T00:00:00.0000000")),
        ("UserGroupIdentifier", json!("101002")),
        ("AvailableSeats", json!(80)),
        ("Buffer", json!(0)),
        ("Grade", json!("8")),
        ("CategoryName", json!("Trial")),
        ("AllowableUserRoleIds", json!([LIBRARIAN, TEACHER])),
        ("IsPaused", json!(false)),
        (
            "SeatUserGroupIds",
            json!(["91d0c6e3-5a7b-4f28-8c14-6e3f2a1b0c03"]),
        ),
        ("PrivilegedUserRoleIds", json!([])),
        ("LicenseType", json!(1)),
    ] {
        assert_eq!(flat[name], value, "{name}");
    }
    let nested = bench.nested(FIRST);
    assert_eq!(nested["Owner"]["Name"], "Shortport Friskole");
    assert_eq!(nested["ContactPersonName"], "Ann");
    assert_eq!(nested["ContactPhone"], Value::Null);
}

#[test]
fn a_member_that_is_left_out_is_emptied() {
    let mut bench = Bench::new();
    let kept = ["LicenseId", "LicenseName", "UserGroupId", "OwnerId"];
    let mut body = sample();
    body.as_object_mut()
        .unwrap()
        .retain(|name, _| kept.contains(&name.as_str()));
    assert_eq!(
        bench.put(&body),
        (200, json!({"Errors": [], "IsValid": true}))
    );
    let flat = bench.flat(FIRST);
    for (name, value) in [
        ("StartDate", json!(null)),
        ("EndDate", json!(null)),
        ("AvailableSeats", json!(0)),
        ("Buffer", json!(0)),
        ("Grade", json!(null)),
        ("CategoryId", json!(null)),
        ("AllowableUserRoleIds", json!([])),
        ("PrivilegedUserRoleIds", json!([])),
        ("SeatUserGroupIds", json!([])),
        ("IsPaused", json!(false)),
    ] {
        assert_eq!(flat[name], value, "{name}");
    }
    assert_eq!(bench.nested(FIRST)["ContactEmail"], Value::Null);
}

#[test]
fn a_member_that_is_left_out_is_refused_where_switched() {
    let mut bench = Bench::with(json!({"strict_missing": true}));
    let body = sample();
    for name in body.as_object().unwrap().keys() {
        let mut body = sample();
        body.as_object_mut().unwrap().shift_remove(name);
        let (status, reply) = bench.refused(&body);
        assert_eq!(status, 400, "{name}");
        let words = &reply["ModelState"][format!("request.{name}")][0];
        assert_eq!(words, &json!(format!("{name} is required.")));
    }
    assert_eq!(bench.put(&sample()).1["IsValid"], true);
}

#[test]
fn the_empty_guid_is_refused_or_stored_as_switched() {
    let mut body = sample();
    body.as_object_mut().unwrap().shift_remove("OwnerId");
    let (_, reply) = Bench::new().refused(&body);
    assert_eq!(reply["Errors"][0]["PropertyName"], "OwnerId");
    let mut bench = Bench::with(json!({"empty_guid": "accept"}));
    assert_eq!(bench.put(&body).1["IsValid"], true);
    assert_eq!(bench.nested(FIRST)["Owner"], Value::Null);
    let nil = json!("00000000-0000-0000-0000-000000000000");
    let (_, reply) = Bench::new().put(&sample_with("LicenseCategoryId", nil));
    assert_eq!(reply["IsValid"], true, "no category is a category");
}

#[test]
fn null_collections_are_empty_ones() {
    let mut bench = Bench::new();
    let (_, reply) = bench.put(&sample_with("AllowableUserRoles", json!(null)));
    assert_eq!(reply["IsValid"], true);
    assert_eq!(bench.flat(FIRST)["AllowableUserRoleIds"], json!([]));
}
