use jiff::SignedDuration;

use super::*;
use crate::sandbox::wire::{asked, told};

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

    fn raw(&mut self, asked: &Asked) -> (u16, Value) {
        let answer = self.api.answer(asked, self.now);
        self.now += SignedDuration::from_secs(1);
        (answer.status, told(&answer))
    }

    fn call(&mut self, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
        self.raw(&asked(
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
        let (given, told) = self.call(method, target, Some(body));
        assert_eq!(given, status, "{told}");
        let message = told["message"].as_str().unwrap();
        assert!(message.contains(word), "{message} lacks {word}");
        assert!(told["code"].is_string());
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
fn a_licence_is_shown_with_every_member_that_the_page_prints() {
    let (status, list) = Bench::new().get(&format!("{ORG}/licenses"));
    assert_eq!(status, 200);
    let first = list[0].as_object().unwrap();
    let members: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "id",
            "createdAt",
            "updatedAt",
            "key",
            "revoked",
            "suspended",
            "perpetual",
            "type",
            "validity",
            "subscriptionInterval",
            "totalActivations",
            "totalDeactivations",
            "allowedActivations",
            "allowedDeactivations",
            "allowedFloatingClients",
            "leaseDuration",
            "expiresAt",
            "effectiveDate",
            "notes",
            "metadata",
            "meterAttributes",
            "product",
            "productVersion",
            "entitlementSet",
            "userGroups"
        ]
    );
    assert_eq!(first["createdAt"], "2024-03-05T10:00:17.9361143Z");
    // Support was created before Engineering.
    assert_eq!(ids(&first["userGroups"]), [group(3), group(1)]);
    let shown = first["userGroups"][0].as_object().unwrap();
    let members: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(
        members,
        ["id", "createdAt", "updatedAt", "name", "description"]
    );
    assert_eq!(list[2]["expiresAt"], "2026-12-31T23:59:59.0000000Z");
}

#[test]
fn a_patch_replaces_the_set_and_answers_the_whole_licence() {
    let mut bench = Bench::new();
    let sent = json!({"userGroupIds": [group(4), group(2), group(4)]});
    let (status, told) = bench.patch(sent);
    assert_eq!(status, 200);
    assert_eq!(ids(&told["userGroups"]), [group(2), group(4)]);
    assert_eq!(told["updatedAt"], "2026-01-02T03:04:05.1234567Z");
    assert_eq!(told["notes"], "Master agreement RI-2024-07");
    let (_, list) = bench.get(&format!("{ORG}/licenses?id[eq]={FIRST}"));
    assert_eq!(list, json!([told]));
    let (_, told) = bench.patch(json!({"userGroupIds": []}));
    assert_eq!(told["userGroups"], json!([]));
}

#[test]
fn an_unchanged_set_moves_updated_at_unless_switched_off() {
    let same = json!({"userGroupIds": [group(1), group(3)]});
    let (_, told) = Bench::new().patch(same.clone());
    assert_eq!(told["updatedAt"], "2026-01-02T03:04:05.1234567Z");
    let (_, told) = Bench::with(json!({"bump_unchanged": false})).patch(same);
    assert_eq!(told["updatedAt"], "2025-01-15T07:44:51.2280094Z");
}

#[test]
fn a_patch_that_is_not_exactly_the_documented_body_is_refused() {
    let mut bench = Bench::new();
    let path = format!("{ORG}/licenses/{FIRST}");
    for (body, word) in [
        (json!({}), "userGroupIds is required"),
        (json!({"userGroupIds": null}), "userGroupIds"),
        (json!({"userGroupIds": group(1)}), "userGroupIds"),
        (json!({"userGroupIds": [1]}), "userGroupIds[0]"),
        (json!({"userGroupIds": [null]}), "userGroupIds[0]"),
        (json!({"userGroupIds": [], "notes": "x"}), "notes"),
        (json!([]), "body"),
        (
            json!({"userGroupIds": [group(1), group(9)]}),
            "000000000009",
        ),
    ] {
        bench.refused(400, word, "PATCH", &path, body);
    }
    let nowhere = format!("{ORG}/licenses/none");
    let empty = json!({"userGroupIds": []});
    bench.refused(404, "none", "PATCH", &nowhere, empty.clone());
    let elsewhere = format!("/v3/organizations/none/licenses/{FIRST}");
    bench.refused(404, "none", "PATCH", &elsewhere, empty);
}

#[test]
fn unknown_members_and_groups_answer_as_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore", "unknown_group_status": 404}));
    let (status, told) = bench.patch(json!({"userGroupIds": [], "notes": "x"}));
    assert_eq!(
        (status, &told["notes"]),
        (200, &json!("Master agreement RI-2024-07"))
    );
    let path = format!("{ORG}/licenses/{FIRST}");
    let body = json!({"userGroupIds": [group(9)]});
    bench.refused(404, "userGroupIds", "PATCH", &path, body);
}

#[test]
fn a_group_of_another_organization_is_unknown() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let other = json!({"id": "other", "userGroups": [{"id": "theirs"}]});
    state["organizations"].as_array_mut().unwrap().push(other);
    bench.api.set_state(state).unwrap();
    let path = format!("{ORG}/licenses/{FIRST}");
    let body = json!({"userGroupIds": ["theirs"]});
    bench.refused(400, "theirs", "PATCH", &path, body);
}

#[test]
fn groups_come_back_in_the_switched_order() {
    let mut bench = Bench::with(json!({"group_order": "reversed"}));
    let (_, told) = bench.patch(json!({"userGroupIds": [group(1), group(3)]}));
    assert_eq!(ids(&told["userGroups"]), [group(1), group(3)]);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let mut bench = Bench::new();
    let path = format!("{ORG}/licenses/{FIRST}");
    let empty = json!({"userGroupIds": []});
    let good = asked("PATCH", &path, "Bearer sandbox-token", Some(&empty));
    for (media, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("text/plain", "{\"userGroupIds\":[]}", 415),
        (
            "Application/JSON; charset=utf-8",
            "{\"userGroupIds\":[]}",
            200,
        ),
    ] {
        let mut asked = good.clone();
        asked.headers.insert("content-type".into(), media.into());
        asked.body = body.into();
        assert_eq!(bench.raw(&asked).0, status, "{media} {body}");
    }
}

#[test]
fn lists_are_paged_and_end_with_an_empty_array() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (0..250)
        .map(|n| json!({"id": format!("l{n:03}")}))
        .collect();
    bench
        .api
        .set_state(json!({"organizations": [{"id": "o", "licenses": licenses}]}))
        .unwrap();
    let mut count = |query: &str| {
        let (status, list) = bench.get(&format!("/v3/organizations/o/licenses{query}"));
        assert_eq!(status, 200, "{list}");
        ids(&list).len()
    };
    assert_eq!(count(""), 20);
    assert_eq!(count("?limit=100&page=3"), 50);
    assert_eq!(count("?limit=100&page=4"), 0);
    bench.api.set_switches(json!({"page_size": 7})).unwrap();
    let (_, list) = bench.get("/v3/organizations/o/licenses?page=2");
    assert_eq!(
        ids(&list),
        ["l007", "l008", "l009", "l010", "l011", "l012", "l013"]
    );
    for bad in ["limit=0", "limit=101", "limit=x", "page=0", "page=-1"] {
        let path = format!("/v3/organizations/o/licenses?{bad}");
        let (status, told) = bench.get(&path);
        assert_eq!(status, 400, "{bad} {told}");
    }
}

#[test]
fn filters_select_licences() {
    let mut bench = Bench::new();
    let mut found = |query: &str| {
        let (status, list) = bench.get(&format!("{ORG}/licenses?{query}"));
        assert_eq!(status, 200, "{query} {list}");
        let ids = ids(&list).into_iter();
        ids.map(|id| id[id.len() - 1..].to_owned())
            .collect::<String>()
    };
    let eng = group(1);
    for (query, expected) in [
        ("type=node-locked", "2"),
        ("type[in]=node-locked,hosted-floating", "12"),
        ("type[nin]=node-locked", "13"),
        ("type[ne]=node-locked", "13"),
        ("suspended=true", "3"),
        ("suspended[eq]=false", "12"),
        ("notes[cn]=invoice", "3"),
        ("notes[nc]=invoice", "12"),
        ("notes[sw]=Master", "1"),
        ("key[ew]=2F7D", "2"),
        ("allowedActivations[gte]=10", "13"),
        ("allowedActivations[lt]=10", "2"),
        ("createdAt[gt]=2024-09-30T14:22:05Z", "23"),
        ("expiresAt[lte]=2026-12-31T23:59:59Z", "3"),
        ("metadata.key=cost-centre", "1"),
        ("search=MASTER", "1"),
        ("expired=false", "123"),
        ("id[eq]=none", ""),
        ("sort=-createdAt", "321"),
        ("sort=notes", "213"),
        ("sort=-allowedActivations&limit=1&page=2", "3"),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    assert_eq!(found(&format!("userGroupId[eq]={eng}")), "1");
    assert_eq!(found(&format!("userGroupId[ne]={eng}")), "23");
    assert_eq!(found(&format!("id={FIRST}&suspended=true")), "");
}

#[test]
fn filters_that_no_page_names_are_refused_unless_switched() {
    let mut bench = Bench::new();
    for bad in [
        "colour=red",
        "suspended[cn]=t",
        "validity[sw]=1",
        "validity=x",
        "expiresAt[gt]=soon",
        "suspended=maybe",
        "sort=colour",
    ] {
        let (status, _) = bench.get(&format!("{ORG}/licenses?{bad}"));
        assert_eq!(status, 400, "{bad}");
    }
    let mut bench = Bench::with(json!({"unknown_query": "ignore"}));
    assert_eq!(bench.get(&format!("{ORG}/licenses?colour=red")).0, 200);
}

#[test]
fn a_single_licence_is_read_only_when_switched_on() {
    let path = format!("{ORG}/licenses/{FIRST}");
    assert_eq!(Bench::new().get(&path).0, 404);
    let mut bench = Bench::with(json!({"single_get": true}));
    let (status, told) = bench.get(&path);
    assert_eq!((status, &told["id"]), (200, &json!(FIRST)));
    assert_eq!(bench.get(&format!("{ORG}/licenses/none")).0, 404);
}

#[test]
fn organizations_are_listed_and_read() {
    let mut bench = Bench::new();
    let (status, list) = bench.get("/v3/organizations?name[eq]=Rivers Inc");
    assert_eq!((status, ids(&list).len()), (200, 1));
    assert_eq!(list[0]["address"]["city"], "Bristol");
    assert_eq!(list[0].get("userGroups"), None);
    let (status, one) = bench.get(ORG);
    assert_eq!((status, &one), (200, &list[0]));
    assert_eq!(bench.get("/v3/organizations?search=nobody").1, json!([]));
    assert_eq!(bench.get("/v3/organizations/none").0, 404);
}

#[test]
fn user_groups_are_listed_with_their_counts() {
    let mut bench = Bench::new();
    let (_, list) = bench.get(&format!("{ORG}/user-groups"));
    assert_eq!(ids(&list), [group(3), group(1), group(2), group(4)]);
    assert_eq!(list[0]["totalUsers"], 9);
    let (_, list) = bench.get(&format!("{ORG}/user-groups?name=Field sales"));
    assert_eq!(ids(&list), [group(2)]);
    let (_, list) = bench.get(&format!("{ORG}/user-groups?search=first and"));
    assert_eq!(ids(&list), [group(3)]);
}

#[test]
fn user_groups_are_made_renamed_and_deleted() {
    let mut bench = Bench::new();
    let groups = format!("{ORG}/user-groups");
    let (status, made) = bench.call("POST", &groups, Some(json!({"name": "Legal"})));
    assert_eq!(status, 201);
    assert_eq!(made["id"], group(5));
    assert_eq!(made["description"], "");
    bench.refused(409, "Legal", "POST", &groups, json!({"name": "Legal"}));
    bench.refused(400, "name", "POST", &groups, json!({"name": ""}));
    bench.refused(400, "name", "POST", &groups, json!({}));
    let long = "x".repeat(257);
    bench.refused(
        400,
        "description",
        "POST",
        &groups,
        json!({"name": "a", "description": long}),
    );

    let one = format!("{groups}/{}", group(1));
    let (status, told) = bench.call("PATCH", &one, Some(json!({"name": "R&D"})));
    assert_eq!(
        (status, &told["description"]),
        (200, &json!("Model builders"))
    );
    bench.refused(409, "Support", "PATCH", &one, json!({"name": "Support"}));
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(list[0]["userGroups"][1]["name"], "R&D");

    assert_eq!(bench.call("DELETE", &one, None), (204, Value::Null));
    assert_eq!(bench.call("DELETE", &one, None).0, 404);
    let (_, list) = bench.get(&format!("{ORG}/licenses"));
    assert_eq!(ids(&list[0]["userGroups"]), [group(3)]);
}

#[test]
fn a_login_gives_a_token_that_lives_an_hour() {
    let mut bench = Bench::new();
    let body = |account: &str, password: &str| json!({account: "sandbox", "email": "admin@sandbox.test", "password": password});
    let login = |body: &Value| asked("POST", "/v3/accounts/login", "", Some(body));
    for account in ["accountId", "accountAlias"] {
        let (status, told) = bench.raw(&login(&body(account, "sandbox")));
        assert_eq!(status, 200, "{told}");
    }
    let (_, told) = bench.raw(&login(&body("accountId", "sandbox")));
    let token = format!("Bearer {}", told["accessToken"].as_str().unwrap());
    let list = asked("GET", "/v3/organizations", &token, None);
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
        let (status, told) = bench.raw(&asked("GET", ORG, header, None));
        assert_eq!((status, &told["code"]), (401, &json!("UNAUTHORIZED")));
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
    let put = asked("PUT", &path, "Bearer sandbox-token", None);
    let answer = bench.api.answer(&put, bench.now);
    assert_eq!(answer.status, 405);
    let allow = ("allow".to_owned(), "GET, PATCH".to_owned());
    assert!(answer.headers.contains(&allow));
    assert_eq!(bench.get("/v3/accounts/login").0, 405);
}

#[test]
fn the_error_body_can_lack_its_code() {
    let mut bench = Bench::with(json!({"error_body": "message"}));
    let (status, told) = bench.get("/v3/organizations/none");
    assert_eq!(status, 404);
    assert_eq!(told, json!({"message": "organization none was not found"}));
}

#[test]
fn fifty_requests_pass_in_a_window_and_the_next_waits() {
    let mut bench = Bench::with(json!({"rate_limit": true}));
    let list = asked("GET", "/v3/organizations", "Bearer sandbox-token", None);
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
    assert!(told(&answer)["message"].is_string());

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
    let list = asked("GET", "/v3/organizations", "Bearer sandbox-token", None);
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
