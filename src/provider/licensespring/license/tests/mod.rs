//! The page's example with its names restored, as it is read and written.

mod reading;
mod settings;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::WritePurpose;
use crate::model::{ElementKey, Fields, Observed};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, reply};

const ID: &str = "1593781720493289";

/// Beyond what a number in many JSON readers holds exactly.
const LONG: &str = "9223372036854770001";

fn desired_object(id: &str) -> Desired {
    testing::desired_object(&fields::TABLE, &[("licenseId", id)])
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
        "customer": {"id": 620, "email": "tc@tc.com", "metadata": {"a": "SECRET"}},
        "product_features": rows,
        "license_users": [{"id": 1240, "initial_password": "SECRET", "is_initial_password": true}],
        "license_key": "SECRET"
    })
}

fn live(rows: Json) -> Result<Live, Malformed> {
    let reply = reply(200, license(ID, rows));
    License.echo(&desired_object(ID), &Live::default(), &reply)
}

/// The only row of a license with one.
fn only(row: Json) -> Result<Fields, Malformed> {
    live(json!([row])).map(|live| live.fields[fields::FEATURES].items()[0].1.clone())
}

fn key(code: &str) -> ElementKey {
    ElementKey::new(vec![code.into()], false)
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
    let items = Value::Items([(key("f2"), row(88)), (key("f5"), row(0))].into());
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
    let object = desired_object(ID);
    let items = Value::Items(
        [
            (key("f5"), Fields::new()),
            (
                key("f2"),
                Fields::from([
                    ("max_consumption", Value::Integer(88)),
                    ("total_consumptions", Value::Integer(0)),
                ]),
            ),
        ]
        .into(),
    );
    let write = Write {
        desired: &object,
        live: &Live::default(),
        purpose: WritePurpose::Update(0),
        fields: Fields::from([(fields::FEATURES, items)]),
    };
    let call = License.encode(&write);
    assert_eq!(
        call.name(),
        format!("POST /api/v1/licenses/{ID}/update_features/")
    );
    let body = json!({"product_features": [
        {"product_feature": "f2", "max_consumption": 88, "total_consumptions": 0},
        {"product_feature": "f5"}
    ]});
    assert_eq!(call.body, Some(body));
}

#[test]
fn nothing_is_spelled_null_where_the_vendor_has_it() {
    let object = desired_object(ID);
    let row = only(json!({
        "product_feature": {"code": "f3"}, "expiry_date": null, "consumption_period": null,
        "floating_timeout": null, "max_consumption": null
    }));
    let items = Value::Items([(key("f3"), row.expect("a row"))].into());
    let write = Write {
        desired: &object,
        live: &Live::default(),
        purpose: WritePurpose::Update(0),
        fields: Fields::from([(fields::FEATURES, items)]),
    };
    let body = json!({"product_features": [{
        "product_feature": "f3", "expiry_date": null, "consumption_period": null, "floating_timeout": null
    }]});
    assert_eq!(License.encode(&write).body, Some(body));
}

#[test]
fn the_echo_must_be_of_the_license_that_was_written() {
    let echo = |id: &str, body: &Json| {
        License.echo(&desired_object(id), &Live::default(), &reply(200, body))
    };
    assert!(echo(LONG, &license(LONG, rows())).is_ok());
    assert!(echo(LONG, &license("9223372036854770000", rows())).is_err());
    assert!(echo(ID, &json!([])).is_err());
}

#[test]
fn lists_that_are_not_as_documented_are_never_taken_for_empty() {
    for (rows, expected) in [
        (
            json!({}),
            "`product_features` must be list keyed by product_feature, not an object",
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
        assert!(fault.to_string().contains(expected), "{rows}: {fault}");
    }
    let bare = reply(200, json!({"id": 1593781720493289_u64}));
    let unseen = License.echo(&desired_object(ID), &Live::default(), &bare);
    for unseen in [unseen, live(Json::Null)] {
        assert_eq!(unseen, Ok(Live::default()));
    }
}

#[test]
fn refusals_carry_the_words_of_the_vendor_and_the_item_they_are_about() {
    let judged = |status, body: &str| License.judge(&reply(status, body));
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
    for (body, expected) in [
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
        assert_eq!(
            fields,
            [("product_features".to_string(), expected.to_string())]
        );
    }
    assert!(matches!(judged(502, "<html>"), Verdict::Unclear(_)));
}
