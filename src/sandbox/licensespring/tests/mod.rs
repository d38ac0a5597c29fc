//! Shared calls; tests of addresses, keys, limits, switches and saved accounts.

mod bodies;
mod custom_fields;
mod customer_accounts;
mod orders;
mod policies;
mod product_features;
mod reads;
mod row;
mod scheduled_updates;
mod settings;
mod writes;

use jiff::SignedDuration;

use super::*;
use crate::sandbox::request_parts::{reply_json, test_request};

const FIRST: &str = "1593781720493289";
const SECOND: &str = "1593781720493290";
const AUTH: &str = "Api-Key sandbox0.sandboxsandboxsandboxsandboxsand";

/// A simulator at a fixed moment.
struct Bench {
    api: LicenseSpring,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self {
            api: LicenseSpring::seeded(),
            now: "2026-01-02T03:04:05.6543219Z".parse().unwrap(),
        }
    }

    fn with(switches: Value) -> Self {
        let mut bench = Self::new();
        bench.api.set_switches(switches).unwrap();
        bench
    }

    fn raw(&mut self, request: &HttpRequest) -> (u16, Value) {
        let answer = self.api.answer(request, self.now);
        (answer.status, reply_json(&answer))
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.raw(&test_request("GET", target, AUTH, None))
    }

    fn write(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.raw(&test_request(method, path, AUTH, Some(&body)))
    }

    fn delete(&mut self, path: &str) -> u16 {
        let request = test_request("DELETE", path, AUTH, None);
        self.api.answer(&request, self.now).status
    }

    fn read(&mut self, id: &str) -> Value {
        let (status, reply) = self.get(&format!("/api/v1/licenses/{id}/"));
        assert_eq!(status, 200, "{reply}");
        reply
    }

    fn update(&mut self, id: &str, features: Value) -> (u16, Value) {
        self.post(id, json!({ "product_features": features }))
    }

    fn post(&mut self, id: &str, body: Value) -> (u16, Value) {
        let path = format!("/api/v1/licenses/{id}/update_features/");
        self.raw(&test_request("POST", &path, AUTH, Some(&body)))
    }

    /// Sends a body that must be refused with 400 and change nothing.
    fn refused(&mut self, body: Value) -> Value {
        let before = self.api.state();
        let (status, reply) = self.post(FIRST, body);
        assert_eq!(status, 400, "{reply}");
        assert_eq!(self.api.state(), before);
        reply
    }
}

fn row<'a>(license: &'a Value, code: &str) -> &'a Value {
    let mut rows = license["product_features"].as_array().unwrap().iter();
    rows.find(|row| row["product_feature"]["code"] == code)
        .unwrap()
}

fn codes(license: &Value) -> Vec<&str> {
    let rows = license["product_features"].as_array().unwrap().iter();
    rows.map(|row| row["product_feature"]["code"].as_str().unwrap())
        .collect()
}

#[test]
fn the_seed_survives_being_saved_and_loaded() {
    let mut bench = Bench::new();
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}

#[test]
fn a_missing_slash_is_redirected() {
    let mut bench = Bench::new();
    let path = format!("/api/v1/licenses/{FIRST}/update_features");
    let post = test_request("POST", &path, AUTH, Some(&json!({"product_features": []})));
    let before = bench.api.state();
    let answer = bench.api.answer(&post, bench.now);
    assert_eq!(answer.status, 301);
    let location = format!("http://127.0.0.1:9/vendor{path}/");
    assert!(answer.headers.contains(&("location".into(), location)));
    assert_eq!(bench.api.state(), before);

    let get = test_request("GET", "/api/v1/licenses?id__in=1,2", AUTH, None);
    let answer = bench.api.answer(&get, bench.now);
    assert_eq!(answer.status, 301);
    let location = "http://127.0.0.1:9/vendor/api/v1/licenses/?id__in=1%2C2";
    assert!(
        answer
            .headers
            .contains(&("location".into(), location.into()))
    );

    bench
        .api
        .set_switches(json!({"slashless_post": "error"}))
        .unwrap();
    assert_eq!(bench.api.answer(&post, bench.now).status, 500);
    assert_eq!(bench.api.answer(&get, bench.now).status, 301);
    assert_eq!(bench.api.state(), before);
}

#[test]
fn unknown_paths_ids_and_methods_are_refused() {
    let mut bench = Bench::new();
    for path in [
        "/",
        "/api/v1/",
        "/api/v4/licenses/",
        "/api/v1/nothing",
        "/api/v1/licenses//",
        "/api/v1/licenses/1/update features/",
    ] {
        assert_eq!(bench.get(path).0, 404, "{path}");
    }
    for id in ["5", "abc", "-1"] {
        let (status, reply) = bench.get(&format!("/api/v1/licenses/{id}/"));
        assert_eq!((status, reply), (404, json!({"detail": "Not found."})));
        assert_eq!(bench.update(id, json!([])).0, 404);
    }
    let path = format!("/api/v1/licenses/{FIRST}/");
    let (status, reply) = bench.raw(&test_request("PUT", &path, AUTH, None));
    assert_eq!(
        (status, reply),
        (405, json!({"detail": "Method \"PUT\" not allowed."}))
    );
}

#[test]
fn requests_without_a_good_key_are_refused() {
    for status in [401, 403] {
        let mut bench = Bench::with(json!({"bad_key_status": status}));
        for header in [
            "",
            "Api-Key wrong",
            "Bearer sandbox0.sandboxsandboxsandboxsandboxsand",
        ] {
            let (given, reply) = bench.raw(&test_request("GET", "/api/v1/licenses/", header, None));
            assert_eq!(given, status, "{header}");
            assert!(reply["detail"].is_string());
        }
    }
}

#[test]
fn fifty_a_second_and_six_hundred_a_minute_pass() {
    let mut bench = Bench::with(json!({"rate_limit": true}));
    let list = test_request("GET", "/api/v1/product-features/", AUTH, None);
    let start = bench.now;
    let at = |millis: i64| start + SignedDuration::from_millis(millis);
    for _ in 0..50 {
        assert_eq!(bench.api.answer(&list, start).status, 200);
    }
    let answer = bench.api.answer(&list, at(300));
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains(&("retry-after".into(), "1".into())));
    for step in 1..=550 {
        assert_eq!(bench.api.answer(&list, at(1000 + step * 75)).status, 200);
    }
    let answer = bench.api.answer(&list, at(45_000));
    assert_eq!(answer.status, 429);
    assert!(
        answer
            .headers
            .contains(&("retry-after".into(), "15".into()))
    );
    bench
        .api
        .set_switches(json!({"retry_after": false}))
        .unwrap();
    let answer = bench.api.answer(&list, at(45_000));
    assert_eq!((answer.status, answer.headers.len()), (429, 1));
    assert_eq!(bench.api.answer(&list, at(60_000)).status, 200);
}

#[test]
fn an_address_may_ask_two_hundred_times_in_ten_seconds() {
    let mut bench = Bench::with(json!({"rate_limit": true}));
    let list = test_request("GET", "/api/v1/product-features/", AUTH, None);
    let start = bench.now;
    let at = |millis: i64| start + SignedDuration::from_millis(millis);
    for ask in 0..200 {
        let second = 1000 * (ask / 50);
        assert_eq!(bench.api.answer(&list, at(second)).status, 200);
    }
    let answer = bench.api.answer(&list, at(4_000));
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains(&("retry-after".into(), "6".into())));
    assert_eq!(bench.api.answer(&list, at(10_000)).status, 200);
}

#[test]
fn nothing_is_limited_by_default() {
    let mut bench = Bench::new();
    for _ in 0..700 {
        assert_eq!(bench.get("/api/v1/product-features/").0, 200);
    }
}

#[test]
fn a_state_that_makes_no_sense_is_refused_and_not_taken() {
    let mut bench = Bench::new();
    let before = bench.api.state();
    for (state, word) in [
        (json!([]), "the account"),
        (json!({"licences": []}), "licences"),
        (json!({"licenses": [{}]}), "id is required"),
        (json!({"licenses": [{"id": 1}, {"id": 1}]}), "twice"),
        (json!({"licenses": [{"id": 1, "colour": 1}]}), "colour"),
        (
            json!({"licenses": [{"id": 1, "enabled": "yes"}]}),
            "enabled",
        ),
        (
            json!({"licenses": [{"id": 1, "updated_at": "soon"}]}),
            "updated_at",
        ),
        (
            json!({"licenses": [{"id": 1, "product_features": [{"product_feature": "f1"}]}]}),
            "f1",
        ),
        (json!({"product_features": [{"id": 1}]}), "code"),
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
        json!({"page_size": 0}),
        json!({"bad_key_status": 400}),
        json!({"omitted": "drop"}),
        json!({"colour": 1}),
    ] {
        assert!(bench.api.set_switches(bad.clone()).is_err(), "{bad}");
    }
    assert_eq!(bench.api.switches(), LicenseSpring::seeded().switches());
}
