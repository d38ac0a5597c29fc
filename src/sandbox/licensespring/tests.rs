use jiff::SignedDuration;

use super::*;
use crate::sandbox::wire::{asked, told};

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

    fn raw(&mut self, asked: &Asked) -> (u16, Value) {
        let answer = self.api.answer(asked, self.now);
        (answer.status, told(&answer))
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.raw(&asked("GET", target, AUTH, None))
    }

    fn read(&mut self, id: &str) -> Value {
        let (status, told) = self.get(&format!("/api/v1/licenses/{id}/"));
        assert_eq!(status, 200, "{told}");
        told
    }

    fn update(&mut self, id: &str, features: Value) -> (u16, Value) {
        self.post(id, json!({ "product_features": features }))
    }

    fn post(&mut self, id: &str, body: Value) -> (u16, Value) {
        let path = format!("/api/v1/licenses/{id}/update_features/");
        self.raw(&asked("POST", &path, AUTH, Some(&body)))
    }

    /// Sends a body that must be refused with 400 and change nothing.
    fn refused(&mut self, body: Value) -> Value {
        let before = self.api.state();
        let (status, told) = self.post(FIRST, body);
        assert_eq!(status, 400, "{told}");
        assert_eq!(self.api.state(), before);
        told
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
fn the_first_licence_is_the_example_of_the_page() {
    let page: Value = serde_json::from_str(include_str!("page.json")).unwrap();
    let mut bench = Bench::with(json!({"row_members": "page"}));
    let mut read = bench.read(FIRST);
    // A later read rounds the microseconds that the page's reply to a write shows.
    assert_eq!(read["updated_at"], "2020-11-13T07:41:02Z");
    read["updated_at"] = page["updated_at"].clone();
    // Compared as text: the order of the members counts too.
    assert_eq!(
        serde_json::to_string_pretty(&read).unwrap(),
        serde_json::to_string_pretty(&page).unwrap()
    );
}

#[test]
fn newer_row_members_are_shown_by_default() {
    let read = Bench::new().read(FIRST);
    let row = row(&read, "f2");
    assert_eq!(row["max_consumption"], 88);
    assert_eq!(row["floating_users"], 1);
    assert_eq!(row["is_floating"], false);
    assert_eq!(row["floating_timeout"], Value::Null);
    assert_eq!(row["allow_unlimited_consumptions"], false);
}

#[test]
fn an_update_replaces_the_whole_set() {
    let mut bench = Bench::new();
    let (status, told) = bench.update(
        FIRST,
        json!([
            {"product_feature": "f3", "total_consumptions": 4, "expiry_date": "2030-01-31", "metadata": {"a": 1}},
            {"product_feature": "f2", "max_consumption": 90}
        ]),
    );
    assert_eq!(status, 200, "{told}");
    assert_eq!(codes(&told), ["f2", "f3"]);
    assert_eq!(told["updated_at"], "2026-01-02T03:04:05.654321Z");
    let kept = row(&told, "f2");
    assert_eq!(
        (&kept["id"], &kept["max_consumption"]),
        (&json!(1_605_023_917_125_631_u64), &json!(90))
    );
    let made = row(&told, "f3");
    assert_eq!(made["id"], 1_605_023_917_125_652_u64);
    assert_eq!(made["max_consumption"], 10);
    assert_eq!(made["allow_overages"], true);
    assert_eq!(made["max_overages"], 99);
    assert_eq!(made["consumption_period"], "monthly");
    assert_eq!(made["total_consumptions"], 4);
    assert_eq!(made["expiry_date"], "2030-01-31");
    assert_eq!(made["metadata"], json!({"a": 1}));
    assert_eq!(told["license_type"], "perpetual");

    let mut read = bench.read(FIRST);
    assert_eq!(read["updated_at"], "2026-01-02T03:04:06Z");
    read["updated_at"] = told["updated_at"].clone();
    assert_eq!(read, told);
}

#[test]
fn an_empty_list_strips_every_feature() {
    let mut bench = Bench::new();
    let (status, told) = bench.update(FIRST, json!([]));
    assert_eq!((status, &told["product_features"]), (200, &json!([])));
}

#[test]
fn every_member_of_an_item_is_written() {
    let item = json!({
        "product_feature": "priority-support", "max_consumption": 1, "total_consumptions": 2,
        "expiry_date": "2031-12-01", "allow_overages": true, "max_overages": 3, "reset_consumption": true,
        "consumption_period": "daily", "metadata": {"x": [1]}, "is_floating": true,
        "is_floating_cloud": true, "floating_users": 4, "floating_timeout": 5
    });
    let (status, told) = Bench::new().update(FIRST, json!([item]));
    assert_eq!(status, 200);
    let row = row(&told, "priority-support");
    for (name, value) in item.as_object().unwrap() {
        if name != "product_feature" {
            assert_eq!(row[name], *value, "{name}");
        }
    }
}

#[test]
fn members_that_an_item_leaves_out_are_kept_or_set_again_as_switched() {
    let item = json!([{"product_feature": "f3"}]);
    let (_, told) = Bench::new().update(SECOND, item.clone());
    let kept = row(&told, "f3");
    assert_eq!(
        (&kept["max_consumption"], &kept["expiry_date"]),
        (&json!(50), &json!("2027-06-30"))
    );
    assert_eq!(kept["total_consumptions"], 37);

    let (_, told) = Bench::with(json!({"omitted": "redefault"})).update(SECOND, item);
    let again = row(&told, "f3");
    assert_eq!(
        (&again["max_consumption"], &again["expiry_date"]),
        (&json!(10), &json!(null))
    );
    assert_eq!(
        again["total_consumptions"], 37,
        "usage moves only when it is sent"
    );
}

#[test]
fn usage_moves_only_when_it_is_sent() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let rows = &mut state["licenses"][1]["product_features"];
    rows[0]["total_consumptions"] = json!(181);
    bench.api.set_state(state).unwrap();
    let items = |used: Value| json!([{"product_feature": "f1", "total_consumptions": used}]);
    let (_, told) = bench.update(SECOND, json!([{"product_feature": "f1"}]));
    assert_eq!(row(&told, "f1")["total_consumptions"], 181);
    let (_, told) = bench.update(SECOND, items(json!(0)));
    assert_eq!(row(&told, "f1")["total_consumptions"], 0);
}

#[test]
fn rows_are_recreated_where_switched() {
    let mut bench = Bench::with(json!({"row_ids": "recreate"}));
    let (_, told) = bench.update(FIRST, json!([{"product_feature": "f2"}]));
    let row = row(&told, "f2");
    assert_eq!(row["id"], 1_605_023_917_125_652_u64);
    assert_eq!(row["max_consumption"], 88);
}

#[test]
fn new_rows_take_max_overages_as_switched() {
    let mut bench = Bench::with(json!({"new_row_max_overages": "product_feature"}));
    let (_, told) = bench.update(FIRST, json!([{"product_feature": "f3"}]));
    assert_eq!(row(&told, "f3")["max_overages"], 5);
}

#[test]
fn a_yearly_period_is_read_back_in_the_switched_spelling() {
    let items = |period: &str| json!([{"product_feature": "f2", "consumption_period": period}]);
    for (switch, sent) in [("annualy", "annually"), ("annually", "annualy")] {
        let mut bench = Bench::with(json!({"period_spelling": switch}));
        let (status, told) = bench.update(FIRST, items(sent));
        assert_eq!(
            (status, &row(&told, "f2")["consumption_period"]),
            (200, &json!(switch))
        );
        let second = bench.read(SECOND);
        let f7 = row(&second, "f7");
        assert_eq!(f7["consumption_period"], switch);
        assert_eq!(f7["product_feature"]["consumption_period"], switch);
    }
    for accepted in ["annualy", "annually"] {
        let mut bench = Bench::with(json!({"period_accepted": accepted}));
        assert_eq!(bench.update(FIRST, items(accepted)).0, 200);
        let other = if accepted == "annualy" {
            "annually"
        } else {
            "annualy"
        };
        let told = bench.refused(json!({"product_features": items(other)}));
        assert!(told["product_features"][0]["consumption_period"].is_array());
    }
}

#[test]
fn unknown_features_are_refused_or_ignored_as_switched() {
    let items = json!([{"product_feature": "f2"}, {"product_feature": "f9"}]);
    let told = Bench::new().refused(json!({"product_features": items}));
    assert_eq!(told["code"], "unsupported_product_feature");
    assert!(told["message"].as_str().unwrap().contains("f9"));
    let (status, told) = Bench::with(json!({"unknown_feature": "ignore"})).update(FIRST, items);
    assert_eq!((status, codes(&told)), (200, vec!["f2"]));
}

#[test]
fn a_feature_of_another_product_is_unknown_and_a_global_one_is_not() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    let features = state["product_features"].as_array_mut().unwrap();
    features.push(json!({"id": 900, "code": "theirs", "product": 1}));
    bench.api.set_state(state).unwrap();
    let body = json!({"product_features": [{"product_feature": "theirs"}]});
    assert_eq!(bench.refused(body)["code"], "unsupported_product_feature");
    let (status, _) = bench.update(FIRST, json!([{"product_feature": "priority-support"}]));
    assert_eq!(status, 200);
}

#[test]
fn a_deleted_feature_stays_where_it_is_but_is_not_given_anew() {
    let mut bench = Bench::new();
    let mut state = bench.api.state();
    // f2, which the first licence has and the second has not.
    state["product_features"][1]["is_deleted"] = json!(true);
    bench.api.set_state(state).unwrap();
    let item = json!([{"product_feature": "f2"}]);
    assert_eq!(bench.update(FIRST, item.clone()).0, 200);
    assert_eq!(bench.update(SECOND, item).0, 400);
}

#[test]
fn a_numeric_id_names_a_feature_only_where_switched() {
    let items = json!([{"product_feature": "172"}]);
    let told = Bench::new().refused(json!({"product_features": items}));
    assert_eq!(told["code"], "unsupported_product_feature");
    let mut bench = Bench::with(json!({"numeric_id": true}));
    let (status, told) = bench.update(FIRST, items);
    assert_eq!((status, codes(&told)), (200, vec!["f2"]));
    let twice = json!([{"product_feature": "172"}, {"product_feature": "f2"}]);
    bench.refused(json!({"product_features": twice}));
}

#[test]
fn items_of_the_wrong_shape_are_refused_in_the_frameworks_words() {
    let mut bench = Bench::new();
    for (item, name) in [
        (json!({}), "product_feature"),
        (json!({"product_feature": 172}), "product_feature"),
        (json!({"product_feature": ""}), "product_feature"),
        (
            json!({"product_feature": "f2", "max_consumption": "5"}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "max_consumption": null}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "max_consumption": -1}),
            "max_consumption",
        ),
        (
            json!({"product_feature": "f2", "total_consumptions": 1.5}),
            "total_consumptions",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-9-30"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-02-30"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "expiry_date": "2020-09-30T00:00:00Z"}),
            "expiry_date",
        ),
        (
            json!({"product_feature": "f2", "allow_overages": 1}),
            "allow_overages",
        ),
        (
            json!({"product_feature": "f2", "reset_consumption": "true"}),
            "reset_consumption",
        ),
        (
            json!({"product_feature": "f2", "consumption_period": "yearly"}),
            "consumption_period",
        ),
        (json!({"product_feature": "f2", "metadata": []}), "metadata"),
        (
            json!({"product_feature": "f2", "max_consumptions": 5}),
            "max_consumptions",
        ),
        (
            json!({"product_feature": "f2", "floating_users": 2_147_483_648_u64}),
            "floating_users",
        ),
    ] {
        let items = json!([{"product_feature": "f5"}, item]);
        let told = bench.refused(json!({ "product_features": items }));
        assert_eq!(told["product_features"][0], json!({}));
        let words = &told["product_features"][1][name][0];
        assert!(words.is_string(), "{item} gave {told}");
    }
    let told = bench.refused(json!({"product_features": [7]}));
    assert!(told["product_features"][0]["non_field_errors"].is_array());
}

#[test]
fn bodies_of_the_wrong_shape_are_refused() {
    let mut bench = Bench::new();
    assert!(bench.refused(json!({}))["product_features"].is_array());
    assert!(bench.refused(json!({"product_features": null}))["product_features"].is_array());
    assert!(bench.refused(json!({"product_features": {}}))["product_features"].is_array());
    let told = bench.refused(json!({"product_features": [], "note": "x"}));
    assert!(told["note"].is_array());
    assert!(bench.refused(json!([]))["non_field_errors"].is_array());
    let twice = json!([{"product_feature": "f2"}, {"product_feature": "f2"}]);
    let told = bench.refused(json!({ "product_features": twice }));
    assert!(told["product_features"][1]["product_feature"].is_array());

    let path = format!("/api/v1/licenses/{FIRST}/update_features/");
    let mut request = asked("POST", &path, AUTH, Some(&json!({})));
    for (media, body, status, word) in [
        ("application/json", "{", 400, "JSON parse error"),
        ("text/plain", "{}", 415, "text/plain"),
    ] {
        request.headers.insert("content-type".into(), media.into());
        request.body = body.into();
        let (given, told) = bench.raw(&request);
        assert_eq!(given, status);
        assert!(told["detail"].as_str().unwrap().contains(word), "{told}");
    }
    request.body.clear();
    let (given, told) = bench.raw(&request);
    assert_eq!(
        (given, &told["product_features"][0]),
        (400, &json!("This field is required."))
    );
}

#[test]
fn unknown_members_are_ignored_where_switched() {
    let mut bench = Bench::with(json!({"unknown_members": "ignore"}));
    let body =
        json!({"product_features": [{"product_feature": "f2", "colour": "red"}], "note": "x"});
    let (status, told) = bench.post(FIRST, body);
    assert_eq!((status, &told["note"]), (200, &Value::Null));
    assert_eq!(row(&told, "f2").get("colour"), None);
}

#[test]
fn large_ids_are_exact() {
    let mut bench = Bench::new();
    let id = "9223372036854770001";
    let answer = bench.api.answer(
        &asked("GET", &format!("/api/v1/licenses/{id}/"), AUTH, None),
        bench.now,
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.starts_with("{\"id\":9223372036854770001,"), "{text}");
    let (status, _) = bench.update(id, json!([{"product_feature": "f6"}]));
    assert_eq!(status, 200);
}

#[test]
fn secrets_are_there_to_be_kept() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.read(FIRST)["license_users"][0]["initial_password"],
        "4q3dg7! "
    );
    assert_eq!(bench.read(SECOND)["license_key"], "SBX2-7QMD-KX4P-09TR");
}

#[test]
fn lists_are_enveloped_and_paged() {
    let mut bench = Bench::new();
    let licenses: Vec<Value> = (1..=230).map(|id| json!({"id": id})).collect();
    bench.api.set_state(json!({"licenses": licenses})).unwrap();
    let (status, list) = bench.get("/api/v1/licenses/");
    assert_eq!(
        (status, &list["count"], &list["previous"]),
        (200, &json!(230), &Value::Null)
    );
    assert_eq!(list["results"].as_array().unwrap().len(), 20);
    let next = "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=20&offset=20";
    assert_eq!(list["next"], next);

    // Over 100 is cut without a word.
    let (_, list) = bench.get("/api/v1/licenses/?limit=500&offset=100&enabled=true");
    assert_eq!(list["results"].as_array().unwrap().len(), 100);
    assert_eq!(list["results"][0]["id"], 101);
    assert_eq!(
        list["next"],
        "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=100&offset=200&enabled=true"
    );
    assert_eq!(
        list["previous"],
        "http://127.0.0.1:9/vendor/api/v1/licenses/?limit=100&enabled=true"
    );
    let (_, list) = bench.get("/api/v1/licenses/?offset=220");
    assert_eq!(
        (&list["next"], &list["results"][9]["id"]),
        (&Value::Null, &json!(230))
    );
    bench.api.set_switches(json!({"page_size": 7})).unwrap();
    let (_, list) = bench.get("/api/v1/licenses/?limit=x");
    assert_eq!(list["results"].as_array().unwrap().len(), 7);
}

#[test]
fn licences_are_filtered_and_ordered() {
    let mut bench = Bench::new();
    let mut found = |query: &str| {
        let (status, list) = bench.get(&format!("/api/v1/licenses/?{query}"));
        assert_eq!(status, 200, "{query} {list}");
        let results = list["results"].as_array().unwrap().iter();
        let last = results.map(|one| one["id"].to_string().pop().unwrap());
        last.collect::<String>()
    };
    for (query, expected) in [
        ("", "901"),
        ("id__in=9223372036854770001,1593781720493289,5", "91"),
        ("id__in=5", ""),
        ("id__in=", "901"),
        ("id__in=1593781720493290&license_type=perpetual", ""),
        ("license_key=SBX2-7QMD-KX4P-09TR", "0"),
        ("active=false", "9"),
        ("enabled=True", "901"),
        ("customer_id=620&license_type=time-limited", "1"),
        ("customer_email=tc@tc.com", "9"),
        ("product_id=1584723961091234", "901"),
        ("note__icontains=PHONE", "0"),
        ("order_by=-id", "109"),
        ("order_by=license_type", "901"),
        ("order_by=-max_activations&limit=2", "10"),
    ] {
        assert_eq!(found(query), expected, "{query}");
    }
    for bad in [
        "id__in=x",
        "colour=red",
        "enabled=maybe",
        "order_by=colour",
        "order_by=customer",
    ] {
        assert_eq!(
            bench.get(&format!("/api/v1/licenses/?{bad}")).0,
            400,
            "{bad}"
        );
    }
    bench
        .api
        .set_switches(json!({"unknown_query": "ignore"}))
        .unwrap();
    assert_eq!(bench.get("/api/v1/licenses/?colour=red").0, 200);
}

#[test]
fn product_features_are_listed() {
    let mut bench = Bench::new();
    let (status, list) = bench.get("/api/v1/product-features/?product=1584723961091234");
    assert_eq!((status, &list["count"]), (200, &json!(7)));
    assert_eq!(list["results"][0]["code"], "f1");
    let (_, list) = bench.get("/api/v1/product-features/?id__in=240");
    assert_eq!(list["results"][0]["product"], Value::Null);
    assert_eq!(list["count"], 1);
}

#[test]
fn a_missing_slash_is_redirected() {
    let mut bench = Bench::new();
    let path = format!("/api/v1/licenses/{FIRST}/update_features");
    let post = asked("POST", &path, AUTH, Some(&json!({"product_features": []})));
    let before = bench.api.state();
    let answer = bench.api.answer(&post, bench.now);
    assert_eq!(answer.status, 301);
    let location = format!("http://127.0.0.1:9/vendor{path}/");
    assert!(answer.headers.contains(&("location".into(), location)));
    assert_eq!(bench.api.state(), before);

    let get = asked("GET", "/api/v1/licenses?id__in=1,2", AUTH, None);
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
        let (status, told) = bench.get(&format!("/api/v1/licenses/{id}/"));
        assert_eq!((status, told), (404, json!({"detail": "Not found."})));
        assert_eq!(bench.update(id, json!([])).0, 404);
    }
    let path = format!("/api/v1/licenses/{FIRST}/");
    let (status, told) = bench.raw(&asked("PUT", &path, AUTH, None));
    assert_eq!(
        (status, told),
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
            let (given, told) = bench.raw(&asked("GET", "/api/v1/licenses/", header, None));
            assert_eq!(given, status, "{header}");
            assert!(told["detail"].is_string());
        }
    }
}

#[test]
fn fifty_a_second_and_six_hundred_a_minute_pass() {
    let mut bench = Bench::with(json!({"rate_limit": true}));
    let list = asked("GET", "/api/v1/product-features/", AUTH, None);
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
    let list = asked("GET", "/api/v1/product-features/", AUTH, None);
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
