//! Shared calls and the page's request; tests of paths, tokens, switches and saved accounts.

mod bodies;
mod views;
mod writes;

use jiff::SignedDuration;

use super::*;
use crate::sandbox::request_parts::{reply_json, test_request};

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

    fn raw(&mut self, request: &HttpRequest) -> (u16, Value) {
        let answer = self.api.answer(request, self.now);
        self.now += SignedDuration::from_secs(1);
        (answer.status, reply_json(&answer))
    }

    fn call(&mut self, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
        self.raw(&test_request(method, target, "Bearer sandbox-token", body))
    }

    fn flat(&mut self, id: &str) -> Value {
        let (status, reply) = self.call("GET", &format!("/api/licenseDtoIndex/{id}"), None);
        assert_eq!((status, &reply["Errors"]), (200, &json!([])));
        reply["Data"].clone()
    }

    fn nested(&mut self, id: &str) -> Value {
        let (status, reply) = self.call("GET", &format!("/api/licenses/{id}"), None);
        assert_eq!((status, &reply["IsSuccess"]), (200, &json!(true)));
        reply["Data"].clone()
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
fn paths_match_in_any_case() {
    let mut bench = Bench::new();
    let path = format!("/API/LICENSEDTOINDEX/{}", FIRST.to_uppercase());
    let (status, reply) = bench.call("GET", &path, None);
    assert_eq!((status, &reply["Data"]["Id"]), (200, &json!(FIRST)));
}

#[test]
fn unknown_paths_ids_and_methods_are_told_apart() {
    let mut bench = Bench::new();
    for path in ["/", "/api", "/api/license/1", "/api/licenses/"] {
        let (status, reply) = bench.call("GET", path, None);
        assert_eq!(status, 404, "{path}");
        assert!(reply["MessageDetail"].is_string());
    }
    for path in ["/api/licenses/", "/api/licenseDtoIndex/"] {
        let (status, reply) = bench.call("GET", &format!("{path}{NOWHERE}"), None);
        assert_eq!(status, 404);
        assert!(reply["Message"].as_str().unwrap().contains(NOWHERE));
        let (status, reply) = bench.call("GET", &format!("{path}abc"), None);
        assert_eq!((status, reply["Message"].is_string()), (400, true));
    }
    let body = sample_with("LicenseId", json!(NOWHERE));
    let path = format!("/api/licenses/{NOWHERE}");
    assert_eq!(bench.call("PUT", &path, Some(&body)).0, 404);
    let (status, reply) = bench.call("DELETE", &path, None);
    assert_eq!(status, 405);
    assert!(reply["Message"].as_str().unwrap().contains("DELETE"));
    assert_eq!(bench.call("POST", "/api/licenses/add", None).0, 405);
}

#[test]
fn requests_without_a_good_token_are_refused() {
    let mut bench = Bench::new();
    for header in ["", "Bearer wrong", "Basic sandbox-token"] {
        let path = format!("/api/licenses/{FIRST}");
        let reply = bench.raw(&test_request("PUT", &path, header, Some(&sample())));
        let words = json!({"Message": "Authorization has been denied for this request."});
        assert_eq!(reply, (401, words));
    }
}

#[test]
fn the_token_endpoint_takes_client_credentials() {
    let mut bench = Bench::new();
    let form = |text: &str| {
        let mut request = test_request("POST", "/oauth/token", "", None);
        let media = "application/x-www-form-urlencoded";
        request.headers.insert("content-type".into(), media.into());
        request.body = text.into();
        request
    };
    let good = "grant_type=client_credentials&client_id=sandbox&client_secret=sandbox&scope=a+b";
    let (status, reply) = bench.raw(&form(good));
    assert_eq!(
        (status, &reply["token_type"], &reply["expires_in"]),
        (200, &json!("Bearer"), &json!(3600))
    );
    let token = format!("Bearer {}", reply["access_token"].as_str().unwrap());
    let read = test_request("GET", &format!("/api/licenses/{FIRST}"), &token, None);
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
    let as_json = test_request("POST", "/oauth/token", "", Some(&json!({})));
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
