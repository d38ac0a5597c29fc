//! The page's example with its names restored, batches and their exact calls, and replies that are not as
//! documented.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Fields, Key, Observed};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, reply};

const ID: &str = "1593781720493289";
/// Beyond what a number in many JSON readers holds exactly.
const LONG: &str = "9223372036854770001";

fn wanted(id: &str) -> Desired {
    testing::wanted(&fields::TABLE, &[("licenseId", id)])
}

/// The query of a call, decoded.
fn query(call: &str) -> BTreeMap<String, String> {
    let query = call.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn feature(id: u64, name: &str, code: &str, kind: &str, max: u64) -> Json {
    json!({
        "id": id, "created_at": "2020-11-13T07:40:53Z", "updated_at": "2020-11-13T07:40:53Z",
        "name": name, "code": code, "is_deleted": false, "feature_type": kind, "max_consumption": max,
        "allow_overages": false, "max_overages": 0, "reset_consumption": false,
        "consumption_period": null, "metadata": {}
    })
}

/// The two rows of the page.
fn rows() -> Json {
    json!([
        {"id": 1605023917125630_u64, "product_feature": feature(189, "feature 5", "f5", "activation", 0),
         "max_consumption": 0, "total_consumptions": 0, "expiry_date": null, "allow_overages": false,
         "max_overages": 99, "reset_consumption": false, "consumption_period": null, "metadata": {}},
        {"id": 1605023917125631_u64, "product_feature": feature(172, "feature 2", "f2", "consumption", 20),
         "max_consumption": 88, "total_consumptions": 0, "expiry_date": null, "allow_overages": false,
         "max_overages": 99, "reset_consumption": false, "consumption_period": null, "metadata": {}}
    ])
}

/// A license of the page's shape, cut to what matters here, secrets included.
fn license(id: &str, rows: Json) -> Json {
    json!({
        "id": id.parse::<u64>().expect("a number"), "status": "Inactive",
        "customer": {"id": 620, "email": "tc@tc.com", "metadata": {}},
        "product_features": rows,
        "license_users": [{"id": 1240, "initial_password": "SECRET", "is_initial_password": true}],
        "license_key": "SECRET", "max_consumptions": 0, "total_consumptions": 7, "metadata": {"a": "SECRET"}
    })
}

fn live(rows: Json) -> Result<Live, Malformed> {
    let reply = reply(200, license(ID, rows));
    LicenseSpring.echo(&wanted(ID), &reply)
}

/// The only row of a license with one.
fn only(row: Json) -> Result<Fields, Malformed> {
    live(json!([row])).map(|live| live.fields[fields::FEATURES].items()[0].1.clone())
}

fn key(code: &str) -> Key {
    Key::new(vec![code.into()], false)
}

#[test]
fn the_example_of_the_page_is_read_in_the_form_of_the_write_call() {
    let live = live(rows()).expect("the page's example");
    let row = |max| {
        Fields::from([
            ("max_consumption", Value::Integer(max)),
            ("total_consumptions", Value::Integer(0)),
            ("expiry_date", Value::Null),
            ("allow_overages", Value::Bool(false)),
            ("max_overages", Value::Integer(99)),
            ("reset_consumption", Value::Bool(false)),
            ("consumption_period", Value::Null),
            ("metadata", Value::Json(Box::new(json!({})))),
        ])
    };
    let items = Value::Items(Box::new([(key("f2"), row(88)), (key("f5"), row(0))]));
    assert_eq!(live.fields, Fields::from([(fields::FEATURES, items)]));
    assert_eq!(
        live.number("product_features[f2].total_consumptions"),
        Some(0)
    );
    assert!(!format!("{live:?}").contains("SECRET"));
}

#[test]
fn newer_rows_have_the_floating_members_too() {
    let row = only(json!({
        "id": 1, "product_feature": {"code": "f6"}, "expiry_date": "2027-06-30",
        "consumption_period": "annualy", "is_floating": false, "is_floating_cloud": true,
        "floating_users": 25, "floating_timeout": null, "allow_unlimited_consumptions": true
    }));
    let expected = Fields::from([
        ("expiry_date", Value::Text("2027-06-30".into())),
        ("consumption_period", Value::Text("annually".into())),
        ("is_floating", Value::Bool(false)),
        ("is_floating_cloud", Value::Bool(true)),
        ("floating_users", Value::Integer(25)),
        ("floating_timeout", Value::Null),
    ]);
    assert_eq!(row, Ok(expected));
}

#[test]
fn counts_of_use_are_facts_named_by_the_path_of_their_feature() {
    let live = live(json!([
        {"product_feature": {"code": "f2"}, "total_consumptions": 37},
        {"product_feature": {"code": "two words"}, "total_consumptions": 5},
        {"product_feature": {"code": "f5"}}
    ]));
    let live = live.expect("rows");
    assert_eq!(
        live.number("product_features[f2].total_consumptions"),
        Some(37)
    );
    let spaced = "product_features[\"two words\"].total_consumptions";
    assert_eq!(live.number(spaced), Some(5));
    assert_eq!(live.facts.len(), 2);
}

#[test]
fn the_body_of_the_page_is_written_with_a_slash_at_the_end() {
    let object = wanted(ID);
    let items = Value::Items(Box::new([
        (key("f5"), Fields::new()),
        (
            key("f2"),
            Fields::from([
                ("max_consumption", Value::Integer(88)),
                ("total_consumptions", Value::Integer(0)),
            ]),
        ),
    ]));
    let write = Write {
        desired: &object,
        fields: Fields::from([(fields::FEATURES, items)]),
        live: &Live::default(),
    };
    let call = LicenseSpring.encode(&write);
    assert_eq!(
        call.name(),
        format!("POST /api/v1/licenses/{ID}/update_features/")
    );
    let body = json!({"product_features": [
        {"product_feature": "f5"},
        {"product_feature": "f2", "max_consumption": 88, "total_consumptions": 0}
    ]});
    assert_eq!(call.body, Some(body));
}

#[test]
fn nothing_is_spelled_null_where_the_vendor_has_it() {
    let object = wanted(ID);
    let row = only(json!({
        "product_feature": {"code": "f3"}, "expiry_date": null, "consumption_period": null,
        "floating_timeout": null, "max_consumption": null
    }));
    let items = Value::Items(Box::new([(key("f3"), row.expect("a row"))]));
    let write = Write {
        desired: &object,
        fields: Fields::from([(fields::FEATURES, items)]),
        live: &Live::default(),
    };
    let body = json!({"product_features": [{
        "product_feature": "f3", "expiry_date": null, "consumption_period": null, "floating_timeout": null
    }]});
    assert_eq!(LicenseSpring.encode(&write).body, Some(body));
}

#[test]
fn the_echo_must_be_of_the_license_that_was_written() {
    let echo = |id: &str, body: &Json| LicenseSpring.echo(&wanted(id), &reply(200, body));
    assert!(echo(LONG, &license(LONG, rows())).is_ok());
    assert!(echo(LONG, &license("9223372036854770000", rows())).is_err());
    assert!(echo(ID, &json!([])).is_err());
}

#[test]
fn lists_that_are_not_as_documented_are_never_taken_for_empty() {
    for (rows, said) in [
        (Json::Null, "`product_features` must be a list, not null"),
        (
            json!({}),
            "`product_features` must be a list, not an object",
        ),
        (
            json!([7]),
            "`product_features` has an element that is a number",
        ),
        (
            json!([{"product_feature": 189}]),
            "product_feature.code` is no text",
        ),
        (
            json!([{"product_feature": {"code": null}}]),
            "product_feature.code` is no text",
        ),
        (
            json!([{"product_feature": {"code": "f2"}, "max_consumption": "many"}]),
            "`product_features[f2].max_consumption` must be integer",
        ),
        (
            json!([{"product_feature": {"code": "f2"}}, {"product_feature": {"code": "f2"}}]),
            "`product_features` has the element [f2] twice",
        ),
    ] {
        let Err(fault) = live(rows.clone()) else {
            panic!("{rows}");
        };
        assert!(fault.to_string().contains(said), "{rows}: {fault}");
    }
    let bare = reply(200, json!({"id": 1593781720493289_u64}));
    let fault = LicenseSpring.echo(&wanted(ID), &bare).expect_err("no list");
    assert_eq!(fault.to_string(), "`product_features` is missing");
}

/// Answers like an account with the licenses `1` to `count` whose pages have at most `cap` rows.
fn account(count: usize, cap: usize) -> impl FnMut(&str) -> Answer {
    move |call| {
        let query = query(call);
        let number = |name: &str| {
            query
                .get(name)
                .map_or(0, |text| text.parse().expect("a number"))
        };
        let asked = query["id__in"].split(',').filter(|id| {
            let id: usize = id.parse().expect("an id");
            (1..=count).contains(&id)
        });
        let all: Vec<&str> = asked.collect();
        let (offset, limit) = (number("offset"), number("limit").min(cap));
        let results: Vec<Json> = all
            .iter()
            .skip(offset)
            .take(limit)
            .map(|id| license(id, rows()))
            .collect();
        let more = offset + limit < all.len();
        let next = more.then_some("https://elsewhere.example/api/v1/licenses/?offset=1");
        let page = json!({"count": all.len(), "next": next, "previous": null, "results": results});
        answer(200, page)
    }
}

fn objects(ids: impl IntoIterator<Item = usize>) -> Vec<Desired> {
    ids.into_iter().map(|id| wanted(&id.to_string())).collect()
}

fn read(objects: &[Desired], vendor: impl FnMut(&str) -> Answer) -> (Vec<String>, Vec<Observed>) {
    let wanted: Vec<&Desired> = objects.iter().collect();
    let (rounds, found) = testing::drive(LicenseSpring.reading(&wanted), vendor);
    let calls = rounds.concat();
    assert!(
        calls
            .iter()
            .all(|call| call.starts_with("GET /api/v1/licenses/")),
        "{calls:?}"
    );
    (
        calls.iter().map(|call| call[4..].to_string()).collect(),
        found,
    )
}

fn kinds(found: &[Observed]) -> String {
    let kind = |observed: &Observed| match observed {
        Observed::Live(_) => 'L',
        Observed::Missing => 'M',
        Observed::Unread(_) => 'U',
    };
    found.iter().map(kind).collect()
}

#[test]
fn few_licenses_are_one_call() {
    let (calls, found) = read(&objects([3, 1]), account(3, 100));
    assert_eq!(calls, ["/api/v1/licenses/?id__in=1%2C3&limit=100"]);
    assert_eq!(kinds(&found), "LL");
    let (calls, _) = read(&objects([2]), account(3, 100));
    assert_eq!(calls, ["/api/v1/licenses/?id__in=2&limit=100"]);
}

#[test]
fn many_licenses_are_a_call_for_each_hundred() {
    let (calls, found) = read(&objects(1..=250), account(250, 100));
    let ids = |from: usize, to: usize| {
        let mut ids: Vec<String> = (from..=to).map(|id| id.to_string()).collect();
        ids.sort();
        format!("/api/v1/licenses/?id__in={}&limit=100", ids.join("%2C"))
    };
    assert_eq!(calls, [ids(1, 100), ids(101, 200), ids(201, 250)]);
    assert_eq!(kinds(&found), "L".repeat(250));
}

#[test]
fn long_ids_are_read_digit_by_digit() {
    let (calls, found) = read(&[wanted(LONG)], |_| {
        let page =
            json!({"count": 1, "next": null, "previous": null, "results": [license(LONG, rows())]});
        answer(200, page)
    });
    assert_eq!(
        calls,
        [format!("/api/v1/licenses/?id__in={LONG}&limit=100")]
    );
    assert_eq!(kinds(&found), "L");
}

#[test]
fn licenses_that_the_list_does_not_have_are_missing() {
    let (calls, found) = read(&objects([1, 2, 901]), account(2, 100));
    assert_eq!(calls.len(), 1);
    assert_eq!(kinds(&found), "LLM");
}

#[test]
fn a_lower_cap_of_the_server_is_followed_by_offset_and_never_by_next() {
    let (calls, found) = read(&objects(1..=50), account(45, 20));
    let offsets: Vec<&str> = calls
        .iter()
        .map(|call| call.split("&limit=100").nth(1).unwrap_or_default())
        .collect();
    assert_eq!(offsets, ["", "&offset=20", "&offset=40"]);
    assert!(
        calls
            .iter()
            .all(|call| call.starts_with("/api/v1/licenses/?id__in="))
    );
    assert_eq!(kinds(&found), ["L".repeat(45), "M".repeat(5)].concat());
}

#[test]
fn a_server_that_ignores_the_offset_is_asked_for_the_rest_one_by_one() {
    let (calls, found) = read(&objects(1..=5), |call| {
        let body = match call.strip_prefix("GET /api/v1/licenses/?") {
            Some(_) => json!({"count": 5, "next": "x", "previous": null,
                              "results": [license("1", rows()), license("2", rows())]}),
            None => license(call.split('/').nth(4).expect("an id"), rows()),
        };
        answer(200, body)
    });
    let single = |id| format!("/api/v1/licenses/{id}/");
    assert_eq!(calls[2..], [single(3), single(4), single(5)]);
    assert!(calls[1].ends_with("&limit=100&offset=2"), "{}", calls[1]);
    assert_eq!(kinds(&found), "LLLLL");
}

#[test]
fn a_server_that_ignores_or_refuses_the_filter_is_asked_one_by_one() {
    let strays = json!({"count": 9000, "next": "x", "previous": null,
                        "results": [license("1", rows()), license("700", rows())]});
    let refusal = json!({"id__in": ["Enter a number."]});
    for (status, list, cost) in [(200, strays, 3), (400, refusal, 4)] {
        let (calls, found) = read(&objects(1..=3), |call| {
            let id = call.split('/').nth(4).expect("a path of the API");
            Answer::Reply(match id {
                "3" => reply(404, r#"{"detail":"Not found."}"#),
                "1" | "2" => reply(200, license(id, rows())),
                _ => reply(status, &list),
            })
        });
        assert_eq!(calls.len(), cost, "{calls:?}");
        assert_eq!(kinds(&found), "LLM");
    }
}

#[test]
fn one_license_that_cannot_be_read_does_not_hide_the_others() {
    let (_, found) = read(&objects([1, 2]), |_| {
        let results = [license("1", Json::Null), license("2", rows())];
        let page = json!({"count": 2, "next": null, "previous": null, "results": results});
        answer(200, page)
    });
    assert_eq!(kinds(&found), "UL");
}

#[test]
fn replies_that_are_not_as_documented_are_errors_that_name_the_call() {
    for (status, body, said) in [
        (200, "", "the body is empty"),
        (
            200,
            "<html><title>Log in</title></html>",
            "an HTML page titled \"Log in\"",
        ),
        (200, r#"{"count": 1, "res"#, "the body ends in the middle"),
        (200, "[]", "answered without the number `count`"),
        (
            200,
            r#"{"count": 1}"#,
            "answered without the list `results`",
        ),
        (
            200,
            r#"{"count": 1, "results": [7]}"#,
            "answered with a row that is no object",
        ),
        (
            200,
            r#"{"count": 1, "results": [{"id": "1"}]}"#,
            "a row without the number `id`",
        ),
        (
            401,
            r#"{"detail": "Invalid API key."}"#,
            "answered 401: Invalid API key.",
        ),
        (
            403,
            r#"{"detail": "No permission."}"#,
            "answered 403: No permission.",
        ),
        (404, "<html></html>", "answered 404: an HTML page"),
        (429, "", "answered 429: no further words"),
    ] {
        let (_, found) = read(&objects([1]), |_| answer(status, body));
        let [Observed::Unread(why)] = found.as_slice() else {
            panic!("{body}: {found:?}");
        };
        assert!(
            why.starts_with("GET /api/v1/licenses/?id__in=1&limit=100"),
            "{why}"
        );
        assert!(why.contains(said), "{body}: {why}");
    }
    let (_, found) = read(&objects(1..=100), |_| answer(500, ""));
    let Some(Observed::Unread(why)) = found.first() else {
        panic!("{found:?}");
    };
    assert!(
        why.chars().count() < 220,
        "a hundred ids need not be shown: {why}"
    );
    let (_, found) = read(&objects([1]), |_| Answer::Lost("no answer".into()));
    assert_eq!(kinds(&found), "U");
}

#[test]
fn refusals_carry_the_words_of_the_vendor_and_the_item_they_are_about() {
    let judged = |status, body: &str| LicenseSpring.judge(&reply(status, body));
    assert_eq!(judged(200, "{}"), Verdict::Accepted);
    let unsupported = r#"{"status":400,"code":"unsupported_product_feature","message":"No f9."}"#;
    for (status, body, words) in [
        (
            400,
            unsupported,
            "400: No f9. (unsupported_product_feature)",
        ),
        (
            403,
            r#"{"detail":"No permission."}"#,
            "403: No permission.; check the connection's credentials and their rights",
        ),
        (404, r#"{"detail":"Not found."}"#, "404: Not found."),
        (
            400,
            r#"{"non_field_errors":["No.","Never."]}"#,
            "400: non_field_errors: No.; Never.",
        ),
    ] {
        let fields = Vec::new();
        let words = words.to_string();
        assert_eq!(
            judged(status, body),
            Verdict::Rejected { words, fields },
            "{body}"
        );
    }
    for (body, said) in [
        (
            r#"{"product_features":[{},{"max_consumption":["A valid integer is required."]}]}"#,
            "400: item 2: max_consumption: A valid integer is required.",
        ),
        (
            r#"{"product_features":["This field is required."]}"#,
            "400: This field is required.",
        ),
        (r#"{"product_features":"Not a list."}"#, "400: Not a list."),
    ] {
        let Verdict::Rejected { fields, .. } = judged(400, body) else {
            panic!("{body} is a refusal");
        };
        assert_eq!(fields, [("product_features".to_string(), said.to_string())]);
    }
    assert!(matches!(judged(502, "<html>"), Verdict::Unclear(_)));
}
