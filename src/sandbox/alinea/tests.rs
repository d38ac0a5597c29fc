use jiff::SignedDuration;

use super::*;
use crate::sandbox::wire::{asked, told};

const FIRST: &str = "f76ac030-df89-41a9-a62a-b6fbbba5a58c";
const SECOND: &str = "0c6b1a52-3f8e-4d43-9a57-1f2e3d4c5b6a";
const NOWHERE: &str = "00000000-0000-4000-8000-000000000001";
const STUDENT: &str = "25e1dd03-7185-4dc0-b63e-0df178164e13";
const TEACHER: &str = "82fbfa56-127d-4200-bc6e-d9b28801dcc8";
const LIBRARIAN: &str = "a1de26b1-3e0c-47e2-af78-0bf47088a2cd";

/// A simulator with a clock of its own that moves a second per call.
struct Bench {
    api: Alinea,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self {
            api: Alinea::seeded(),
            now: "2026-01-02T03:04:05.1234567Z".parse().unwrap(),
        }
    }

    fn with(switches: Value) -> Self {
        let mut bench = Self::new();
        bench.api.set_switches(switches).unwrap();
        bench
    }

    fn raw(&mut self, asked: &Asked) -> (u16, Value) {
        let answer = self.api.answer(asked, self.now);
        self.now += SignedDuration::from_secs(1);
        (answer.status, told(&answer))
    }

    fn call(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        self.raw(&asked(method, target, "Bearer sandbox-token", body))
    }

    fn flat(&mut self, id: &str) -> Value {
        let (status, told) = self.call("GET", &format!("/api/licenseDtoIndex/{id}"), None);
        assert_eq!((status, &told["Errors"]), (200, &json!([])));
        told["Data"].clone()
    }

    fn nested(&mut self, id: &str) -> Value {
        let (status, told) = self.call("GET", &format!("/api/licenses/{id}"), None);
        assert_eq!((status, &told["IsSuccess"]), (200, &json!(true)));
        told["Data"].clone()
    }

    fn put(&mut self, body: &Value) -> (u16, Value) {
        self.call("PUT", &format!("/api/licenses/{FIRST}"), Some(body))
    }

    /// Puts a body that must not be accepted and must change nothing.
    fn refused(&mut self, body: &Value) -> (u16, Value) {
        let before = self.api.state();
        let reply = self.put(body);
        assert_eq!(self.api.state(), before);
        reply
    }
}

/// The request of the vendor's page.
fn sample() -> Value {
    json!({
        "LicenseId": FIRST,
        "LicenseName": "sample string 2",
        "StartDate": "2025-12-25T15:49:43.2908281+00:00",
        "EndDate": "2025-12-25T15:49:43.2908281+00:00",
        "UserGroupId": "e48a4bb5-122c-469e-8b27-c495fc152ea9",
        "OwnerId": "73d71804-5f00-489f-9959-8bcefa7c10d6",
        "AvailableSeats": 5,
        "ContactPersonName": "sample string 6",
        "ContactPhone": "sample string 7",
        "ContactEmail": "sample string 8",
        "Buffer": 1,
        "Grade": "sample string 9",
        "LicenseCategoryId": "7f7b70ff-3043-4779-a771-575454e56edc",
        "AllowableUserRoles": [STUDENT, TEACHER],
        "IsPaused": true,
        "SeatUserGroupIds": [
            "4928208b-29c7-480b-9c86-23be024cd80f",
            "7fbdca72-0083-4ddd-b2d9-33bc3443ed0e"
        ],
        "PrivilegedUserRoles": [LIBRARIAN, "2d179f7b-9cdc-4f61-b6b4-2880537b6bc5"]
    })
}

fn sample_with(name: &str, value: Value) -> Value {
    let mut body = sample();
    body[name] = value;
    body
}

#[test]
fn the_seed_survives_being_saved_and_loaded() {
    let mut bench = Bench::new();
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}

#[test]
fn the_flat_view_renames_and_has_no_owner_and_no_contacts() {
    let flat = Bench::new().flat(FIRST);
    assert_eq!(flat["Name"], "sample string 2");
    assert_eq!(flat["StartDate"], "2025-12-25T15:49:43.2908281");
    assert_eq!(flat["CategoryId"], "7f7b70ff-3043-4779-a771-575454e56edc");
    assert_eq!(flat["CategoryName"], "Portal");
    assert_eq!(flat["AllowableUserRoleIds"], json!([TEACHER, STUDENT]));
    assert_eq!(
        flat["AllowableUserRoleNames"],
        json!(["Teacher", "Student"])
    );
    assert_eq!(flat["UserGroupName"], "Rivers Skole");
    assert_eq!(flat["CreatedAt"], "2025-06-02T08:01:22.1046615");
    assert_eq!(flat["IsPaused"], true);
    for absent in [
        "LicenseName",
        "OwnerId",
        "Owner",
        "ContactPersonName",
        "ContactPhone",
        "ContactEmail",
        "LicenseCategoryId",
        "AllowableUserRoles",
        "PrivilegedUserRoles",
    ] {
        assert_eq!(flat.get(absent), None, "{absent}");
    }
    let second = Bench::new().flat(SECOND);
    assert_eq!(second["Buffer"], 0, "a null buffer reads as 0");
    assert_eq!(
        (&second["CategoryId"], &second["CategoryName"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(second["ModifiedAt"], Value::Null);
}

#[test]
fn the_nested_view_has_owner_and_contacts_and_little_else() {
    let nested = Bench::new().nested(FIRST);
    let members: Vec<&String> = nested.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "Id",
            "LicenseName",
            "ContactPersonName",
            "ContactPhone",
            "ContactEmail",
            "Owner",
            "UserGroup",
            "ProductGroup"
        ]
    );
    assert_eq!(
        nested["Owner"]["Id"],
        "73d71804-5f00-489f-9959-8bcefa7c10d6"
    );
    let group: Vec<&String> = nested["UserGroup"].as_object().unwrap().keys().collect();
    assert_eq!(
        group,
        [
            "Id",
            "Name",
            "UserGroupType",
            "InstitutionNumber",
            "CommuneNumber",
            "ZipCode",
            "City",
            "Email",
            "HasWs17Agreement",
            "LastSynchonized"
        ]
    );
    assert_eq!(
        nested["UserGroup"]["LastSynchonized"],
        "2025-11-30T02:15:07.4410933"
    );
    assert_eq!(
        nested["ProductGroup"]["Products"][1]["Isbn"],
        "9788723500002"
    );
}

#[test]
fn the_nested_view_is_complete_where_switched() {
    let nested = Bench::with(json!({"nested_complete": true})).nested(SECOND);
    assert_eq!(nested["AvailableSeats"], 120);
    assert_eq!(nested["Buffer"], Value::Null);
    assert_eq!(
        nested["AllowableUserRoles"],
        json!([LIBRARIAN, TEACHER, STUDENT])
    );
    assert_eq!(nested["EndDate"], "2027-07-31T00:00:00.0000000");
}

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
        let (status, told) = bench.refused(&body);
        assert_eq!(status, 400, "{name}");
        let words = &told["ModelState"][format!("request.{name}")][0];
        assert_eq!(words, &json!(format!("{name} is required.")));
    }
    assert_eq!(bench.put(&sample()).1["IsValid"], true);
}

#[test]
fn the_empty_guid_is_refused_or_stored_as_switched() {
    let mut body = sample();
    body.as_object_mut().unwrap().shift_remove("OwnerId");
    let (_, told) = Bench::new().refused(&body);
    assert_eq!(told["Errors"][0]["PropertyName"], "OwnerId");
    let mut bench = Bench::with(json!({"empty_guid": "accept"}));
    assert_eq!(bench.put(&body).1["IsValid"], true);
    assert_eq!(bench.nested(FIRST)["Owner"], Value::Null);
    let nil = json!("00000000-0000-0000-0000-000000000000");
    let (_, told) = Bench::new().put(&sample_with("LicenseCategoryId", nil));
    assert_eq!(told["IsValid"], true, "no category is a category");
}

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
fn null_collections_are_empty_ones() {
    let mut bench = Bench::new();
    let (_, told) = bench.put(&sample_with("AllowableUserRoles", json!(null)));
    assert_eq!(told["IsValid"], true);
    assert_eq!(bench.flat(FIRST)["AllowableUserRoleIds"], json!([]));
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

#[test]
fn dates_are_printed_as_switched() {
    for (switches, expected) in [
        (json!({"date_style": "z"}), "2025-12-25T15:49:43.2908281Z"),
        (
            json!({"date_style": "offset", "fraction_digits": 3}),
            "2025-12-25T15:49:43.290+00:00",
        ),
        (json!({"fraction_digits": 0}), "2025-12-25T15:49:43"),
        (
            json!({"fraction_digits": 3, "trim_zeros": true}),
            "2025-12-25T15:49:43.29",
        ),
    ] {
        let flat = Bench::with(switches).flat(FIRST);
        assert_eq!(flat["StartDate"], expected);
    }
    let flat = Bench::with(json!({"trim_zeros": true})).flat(SECOND);
    assert_eq!(flat["StartDate"], "2026-08-01T00:00:00");
}

#[test]
fn sets_are_read_in_the_switched_order() {
    for (order, expected) in [
        ("reversed", [STUDENT, TEACHER, LIBRARIAN]),
        ("as_sent", [LIBRARIAN, TEACHER, STUDENT]),
        ("sorted", [STUDENT, TEACHER, LIBRARIAN]),
    ] {
        let mut bench = Bench::with(json!({"set_order": order}));
        let sent = json!([LIBRARIAN, TEACHER, STUDENT]);
        bench.put(&sample_with("AllowableUserRoles", sent));
        assert_eq!(
            bench.flat(FIRST)["AllowableUserRoleIds"],
            json!(expected),
            "{order}"
        );
    }
}

#[test]
fn seat_groups_are_split_in_two() {
    let path = format!("/api/licenses/{FIRST}/seatGroups");
    let (status, told) = Bench::new().call("GET", &path, None);
    assert_eq!(status, 200);
    assert_eq!(
        told,
        json!({
            "userSeatGroupIds": ["7fbdca72-0083-4ddd-b2d9-33bc3443ed0e"],
            "userGroupSeatGroupIds": ["4928208b-29c7-480b-9c86-23be024cd80f"]
        })
    );
}

#[test]
fn a_search_pages_through_flat_views() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (1..=23)
        .map(|n| json!({"Id": format!("00000000-0000-4000-8000-{n:012}"), "IsDeleted": n == 23}))
        .collect();
    bench
        .api
        .set_state(json!({ "licenses": licenses }))
        .unwrap();
    let mut search = |body: Value| {
        let (status, told) = bench.call("POST", "/api/licenses", Some(&body));
        let count = told["Data"].as_array().map_or(0, Vec::len);
        (status, count, told)
    };
    let (status, count, told) = search(json!({}));
    assert_eq!((status, count), (200, 10));
    assert_eq!(told["Total"], 22);
    assert_eq!(told["AvailablePageSizes"], json!([10, 50, 100]));
    assert_eq!(
        told["Data"][0]["Id"],
        "00000000-0000-4000-8000-000000000001"
    );
    assert_eq!(search(json!({"PageSize": 10, "PageIndex": 2})).1, 2);
    assert_eq!(search(json!({"PageSize": 10, "PageIndex": 3})).1, 0);
    assert_eq!(search(json!({"PageSize": 50, "FilterIsbn": null})).1, 22);
    for bad in [
        json!({"PageSize": 20}),
        json!({"PageIndex": -1}),
        json!({"PageSize": "10"}),
        json!({"Colour": 1}),
        json!({"FilterIsbn": "978"}),
        json!({"Filters": {"Isbn": {"Value": "978", "FilterType": 1}}}),
    ] {
        assert_eq!(search(bad.clone()).0, 400, "{bad}");
    }
    bench
        .api
        .set_switches(json!({"page_index_base": 1}))
        .unwrap();
    let body = json!({"PageIndex": 3});
    let (_, told) = bench.call("POST", "/api/licenses", Some(&body));
    assert_eq!(
        (told["Data"].as_array().unwrap().len(), &told["PageIndex"]),
        (2, &json!(3))
    );
    let body = json!({"PageIndex": 0});
    assert_eq!(bench.call("POST", "/api/licenses", Some(&body)).0, 400);
}

#[test]
fn paths_match_in_any_case() {
    let mut bench = Bench::new();
    let path = format!("/API/LICENSEDTOINDEX/{}", FIRST.to_uppercase());
    let (status, told) = bench.call("GET", &path, None);
    assert_eq!((status, &told["Data"]["Id"]), (200, &json!(FIRST)));
}

#[test]
fn unknown_paths_ids_and_methods_are_told_apart() {
    let mut bench = Bench::new();
    for path in ["/", "/api", "/api/license/1", "/api/licenses/"] {
        let (status, told) = bench.call("GET", path, None);
        assert_eq!(status, 404, "{path}");
        assert!(told["MessageDetail"].is_string());
    }
    for path in ["/api/licenses/", "/api/licenseDtoIndex/"] {
        let (status, told) = bench.call("GET", &format!("{path}{NOWHERE}"), None);
        assert_eq!(status, 404);
        assert!(told["Message"].as_str().unwrap().contains(NOWHERE));
        let (status, told) = bench.call("GET", &format!("{path}abc"), None);
        assert_eq!((status, told["Message"].is_string()), (400, true));
    }
    let body = sample_with("LicenseId", json!(NOWHERE));
    let path = format!("/api/licenses/{NOWHERE}");
    assert_eq!(bench.call("PUT", &path, Some(&body)).0, 404);
    let (status, told) = bench.call("DELETE", &path, None);
    assert_eq!(status, 405);
    assert!(told["Message"].as_str().unwrap().contains("DELETE"));
    assert_eq!(bench.call("POST", "/api/licenses/add", None).0, 405);
}

#[test]
fn requests_without_a_good_token_are_refused() {
    let mut bench = Bench::new();
    for header in ["", "Bearer wrong", "Basic sandbox-token"] {
        let path = format!("/api/licenses/{FIRST}");
        let reply = bench.raw(&asked("PUT", &path, header, Some(&sample())));
        let words = json!({"Message": "Authorization has been denied for this request."});
        assert_eq!(reply, (401, words));
    }
}

#[test]
fn the_token_endpoint_takes_client_credentials() {
    let mut bench = Bench::new();
    let form = |text: &str| {
        let mut request = asked("POST", "/oauth/token", "", None);
        let media = "application/x-www-form-urlencoded";
        request.headers.insert("content-type".into(), media.into());
        request.body = text.into();
        request
    };
    let good = "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox&scope=a+b";
    let (status, told) = bench.raw(&form(good));
    assert_eq!(
        (status, &told["token_type"], &told["expires_in"]),
        (200, &json!("Bearer"), &json!(3600))
    );
    let token = format!("Bearer {}", told["access_token"].as_str().unwrap());
    let read = asked("GET", &format!("/api/licenses/{FIRST}"), &token, None);
    assert_eq!(bench.raw(&read).0, 200);
    bench.now += SignedDuration::from_secs(3600);
    assert_eq!(bench.raw(&read).0, 401);

    for (text, status, word) in [
        (
            "grant_type=client_credentials&client_id=sandbox&client_secret=wrong",
            401,
            "invalid_client",
        ),
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("client_id=sandbox", 400, "invalid_request"),
    ] {
        assert_eq!(bench.raw(&form(text)), (status, json!({"error": word})));
    }
    let as_json = asked("POST", "/oauth/token", "", Some(&json!({})));
    assert_eq!(bench.raw(&as_json).0, 400);
    bench
        .api
        .set_switches(json!({"bad_client_status": 400}))
        .unwrap();
    let wrong = "grant_type=client_credentials&client_id=x&client_secret=sandbox";
    assert_eq!(bench.raw(&form(wrong)).0, 400);
}

#[test]
fn a_state_that_makes_no_sense_is_refused_and_not_taken() {
    let mut bench = Bench::new();
    let before = bench.api.state();
    for (state, word) in [
        (json!([]), "the account"),
        (json!({"licences": []}), "licences"),
        (json!({"licenses": [{}]}), "Id is required"),
        (json!({"licenses": [{"Id": FIRST}, {"Id": FIRST}]}), "twice"),
        (json!({"licenses": [{"Id": FIRST, "Colour": 1}]}), "Colour"),
        (json!({"licenses": [{"Id": "x"}]}), "GUID"),
        (
            json!({"licenses": [{"Id": FIRST, "StartDate": "soon"}]}),
            "licenses[0]",
        ),
    ] {
        let error = bench.api.set_state(state).unwrap_err();
        assert!(error.contains(word), "{error} lacks {word}");
    }
    assert_eq!(bench.api.state(), before);
}

#[test]
fn switches_that_make_no_sense_are_refused() {
    let mut bench = Bench::new();
    for bad in [
        json!({"validation_status": 500}),
        json!({"bad_client_status": 500}),
        json!({"fraction_digits": 8}),
        json!({"page_index_base": 2}),
        json!({"date_style": "danish"}),
        json!({"colour": 1}),
    ] {
        assert!(bench.api.set_switches(bad.clone()).is_err(), "{bad}");
    }
    assert_eq!(bench.api.switches(), Alinea::seeded().switches());
}
