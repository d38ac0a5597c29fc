//! What the body of a PUT must be.

use super::*;

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
    let mut call = test_request("PUT", &format!("/license/org/{SUB}"), FIXED_SESSION);
    call.body = b"{".to_vec();
    assert_eq!(iics.answer(&call, noon()).status, 400);
    let mut call = with_body(call, &page_sets());
    call.headers
        .insert("content-type".into(), "application/xml".into());
    assert_eq!(iics.answer(&call, noon()).status, 400);
}
