//! Shared calls; tests of tokens, addresses, limits, switches and saved accounts.

mod licenses;
mod organizations;
mod reads;
mod writes;

use jiff::SignedDuration;

use super::*;
use crate::sandbox::request_parts::{reply_json, test_request};

const ORG: &str = "/v3/organizations/0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";
const FIRST: &str = "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01";

/// A simulator with a clock of its own that moves a second per call.
struct Bench {
    api: Cryptlex,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let now = "2026-01-02T03:04:05.1234567Z".parse().unwrap();
        let api = Cryptlex::seeded();
        Self { api, now }
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

    fn call(&mut self, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
        self.raw(&test_request(
            method,
            target,
            "Bearer sandbox-token",
            body.as_ref(),
        ))
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.call("GET", target, None)
    }

    fn patch(&mut self, body: Value) -> (u16, Value) {
        self.call("PATCH", &format!("{ORG}/licenses/{FIRST}"), Some(body))
    }

    /// Expects a refusal that names `word` and leaves the account as it was.
    fn refused(&mut self, status: u16, word: &str, method: &str, target: &str, body: Value) {
        let before = self.api.state();
        let (given, reply) = self.call(method, target, Some(body));
        assert_eq!(given, status, "{reply}");
        let message = reply["message"].as_str().unwrap();
        assert!(message.contains(word), "{message} lacks {word}");
        assert!(reply["code"].is_string());
        assert_eq!(self.api.state(), before);
    }
}

fn group(number: u32) -> String {
    format!("a4f8d1b0-1111-4c22-8f33-{number:012}")
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn the_seed_survives_being_saved_and_loaded() {
    let mut bench = Bench::new();
    let state = bench.api.state();
    bench.api.set_state(state.clone()).unwrap();
    assert_eq!(bench.api.state(), state);
}

#[test]
fn a_login_gives_a_token_that_lives_an_hour() {
    let mut bench = Bench::new();
    let body = |account: &str, password: &str| json!({account: "sandbox", "email": "admin@sandbox.test", "password": password});
    let login = |body: &Value| test_request("POST", "/v3/accounts/login", "", Some(body));
    for account in ["accountId", "accountAlias"] {
        let (status, reply) = bench.raw(&login(&body(account, "sandbox")));
        assert_eq!(status, 200, "{reply}");
    }
    let (_, reply) = bench.raw(&login(&body("accountId", "sandbox")));
    let token = format!("Bearer {}", reply["accessToken"].as_str().unwrap());
    let list = test_request("GET", "/v3/organizations", &token, None);
    assert_eq!(bench.raw(&list).0, 200);
    bench.now += SignedDuration::from_secs(3600);
    assert_eq!(bench.raw(&list).0, 401);
    bench
        .api
        .set_switches(json!({"token_life_seconds": 7200}))
        .unwrap();
    assert_eq!(bench.raw(&list).0, 200);

    assert_eq!(bench.raw(&login(&body("accountId", "wrong"))).0, 401);
    let nobody = json!({"email": "admin@sandbox.test", "password": "sandbox"});
    assert_eq!(bench.raw(&login(&nobody)).0, 400);
    let strange =
        json!({"accountId": "other", "email": "admin@sandbox.test", "password": "sandbox"});
    assert_eq!(bench.raw(&login(&strange)).0, 401);
    assert_eq!(bench.raw(&login(&json!({"accountId": "sandbox"}))).0, 400);
}

#[test]
fn requests_without_a_good_token_are_refused() {
    let mut bench = Bench::new();
    for header in ["", "Bearer wrong", "Basic sandbox-token", "sandbox-token"] {
        let (status, reply) = bench.raw(&test_request("GET", ORG, header, None));
        assert_eq!((status, &reply["code"]), (401, &json!("UNAUTHORIZED")));
    }
}

#[test]
fn a_missing_scope_is_named_in_the_refusal() {
    let scope = "organization:license:update";
    let mut bench = Bench::with(json!({"missing_scope": scope}));
    let path = format!("{ORG}/licenses/{FIRST}");
    bench.refused(403, scope, "PATCH", &path, json!({"userGroupIds": []}));
    assert_eq!(bench.get(&format!("{ORG}/licenses")).0, 200);
}

#[test]
fn unknown_paths_and_methods_are_told_apart() {
    let mut bench = Bench::new();
    for path in ["/", "/v3", "/v2/organizations", "/v3/organizations/"] {
        assert_eq!(bench.get(path).0, 404, "{path}");
    }
    let path = format!("{ORG}/licenses/{FIRST}");
    let put = test_request("PUT", &path, "Bearer sandbox-token", None);
    let answer = bench.api.answer(&put, bench.now);
    assert_eq!(answer.status, 405);
    let allow = ("allow".to_owned(), "GET, PATCH".to_owned());
    assert!(answer.headers.contains(&allow));
    assert_eq!(bench.get("/v3/accounts/login").0, 405);
}

#[test]
fn the_error_body_can_lack_its_code() {
    let mut bench = Bench::with(json!({"error_body": "message"}));
    let (status, reply) = bench.get("/v3/organizations/none");
    assert_eq!(status, 404);
    assert_eq!(reply, json!({"message": "organization none was not found"}));
}

#[test]
fn fifty_requests_pass_in_a_window_and_the_next_waits() {
    let mut bench = Bench::with(json!({"rate_limit": true}));
    let list = test_request("GET", "/v3/organizations", "Bearer sandbox-token", None);
    for left in (0..50).rev() {
        let answer = bench.api.answer(&list, bench.now);
        assert_eq!(answer.status, 200);
        let header = ("x-rate-limit-remaining".to_owned(), format!("{left}"));
        assert!(answer.headers.contains(&header));
    }
    let later = bench.now + SignedDuration::from_millis(1500);
    let answer = bench.api.answer(&list, later);
    assert_eq!(answer.status, 429);
    let has = |name: &str, value: &str| {
        let header = (name.to_owned(), value.to_owned());
        assert!(answer.headers.contains(&header), "{:?}", answer.headers);
    };
    has("retry-after", "4");
    has("x-rate-limit-limit", "5s");
    has("x-rate-limit-remaining", "0");
    has("x-rate-limit-reset", "2026-01-02T03:04:10.1234567Z");
    assert!(reply_json(&answer)["message"].is_string());

    bench
        .api
        .set_switches(json!({"rate_limit_body": "text"}))
        .unwrap();
    let answer = bench.api.answer(&list, later);
    assert!(answer.body.starts_with(b"API calls quota exceeded"));
    let next = bench.now + SignedDuration::from_secs(5);
    assert_eq!(bench.api.answer(&list, next).status, 200);
}

#[test]
fn nothing_is_limited_by_default() {
    let mut bench = Bench::new();
    let list = test_request("GET", "/v3/organizations", "Bearer sandbox-token", None);
    for _ in 0..200 {
        assert_eq!(bench.api.answer(&list, bench.now).status, 200);
    }
}

#[test]
fn a_state_that_makes_no_sense_is_refused_and_not_taken() {
    let mut bench = Bench::new();
    let before = bench.api.state();
    for (state, word) in [
        (json!([]), "the account"),
        (json!({"organisations": []}), "organisations"),
        (json!({"organizations": [{}]}), "id is required"),
        (
            json!({"organizations": [{"id": "a"}, {"id": "a"}]}),
            "twice",
        ),
        (
            json!({"organizations": [{"id": "a", "colour": 1}]}),
            "colour",
        ),
        (
            json!({"organizations": [{"id": "a", "createdAt": "soon"}]}),
            "createdAt",
        ),
        (
            json!({"organizations": [{"id": "a", "licenses": [{"id": "l", "revoked": 1}]}]}),
            "revoked",
        ),
        (
            json!({"organizations": [{"id": "a", "licenses": [{"id": "l", "userGroupIds": ["g"]}]}]}),
            "userGroupIds",
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
        json!({"page_size": 0}),
        json!({"page_size": 101}),
        json!({"unknown_group_status": 500}),
        json!({"group_order": "sent"}),
        json!({"colour": 1}),
    ] {
        assert!(bench.api.set_switches(bad.clone()).is_err(), "{bad}");
    }
    assert_eq!(bench.api.switches(), Cryptlex::seeded().switches());
}
