//! Replies and bodies are those of the vendor's page, names restored where its stored copy lost a bracket.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::WritePurpose;
use crate::model::{ElementKey, Fields, Observed, Value, Verdict};
use crate::provider::testing::{answer, desired_object, drive, live, reply, unread};

const ORG: &str = "1ax3wad2FEsz35asd2892s";
const CALL: &str = "GET /public/core/v3/license/org/1ax3wad2FEsz35asd2892s";

/// The three lists as the page's GET prints them, and as its PUT example sends them.
fn lists() -> Json {
    json!({
        "customLicenses": [{
            "licenseType": "SUBSCRIPTION",
            "expirationDate": "2017-11-05T18:01:24Z",
            "licenseDef": "a5Xjp3VF3sjcyZUDa6UaWh"
        }],
        "assignedEditions": [
            {"expirationDate": "2017-11-05T18:01:24Z", "edition": "4sdvnCrYEjfcKjTvAoigEF"},
            {"expirationDate": "2018-10-06T18:00:08Z", "edition": "5SPzPwEFvBEds8LzVwXX4K"}
        ],
        "customLimits": [{"value": -1, "limitDefinition": "09cX4Tmi1qSfrS997ORMYl"}]
    })
}

/// The page's reply to GET.
fn licence() -> Json {
    let mut licence = lists();
    licence["id"] = json!(ORG);
    licence["parentOrg"] = Json::Null;
    licence
}

fn read(body: impl ToString) -> Vec<Observed> {
    let body = body.to_string();
    let org = desired_object(&fields::TABLE, &[("orgId", ORG)]);
    let (rounds, found) = drive(OrgLicense.reading(&[&org]), |_| answer(200, &body));
    assert_eq!(rounds, [[CALL]]);
    found
}

fn put(live: &Live) -> Call {
    OrgLicense.encode(&Write {
        desired: &desired_object(&fields::TABLE, &[("orgId", ORG)]),
        live: &Live::default(),
        purpose: WritePurpose::Update(0),
        fields: live.fields.clone(),
    })
}

fn key(text: &str) -> ElementKey {
    ElementKey::new(vec![text.into()], false)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn the_pages_reply_is_read() {
    let live = live(read(licence()));
    let license = Fields::from([
        ("licenseType", text("SUBSCRIPTION")),
        ("expirationDate", text("2017-11-05T18:01:24Z")),
    ]);
    let edition = |end| Fields::from([("expirationDate", text(end))]);
    let expected = Fields::from([
        (
            "customLicenses",
            Value::Items([(key("a5Xjp3VF3sjcyZUDa6UaWh"), license)].into()),
        ),
        (
            "assignedEditions",
            Value::Items(
                [
                    (
                        key("5SPzPwEFvBEds8LzVwXX4K"),
                        edition("2018-10-06T18:00:08Z"),
                    ),
                    (
                        key("4sdvnCrYEjfcKjTvAoigEF"),
                        edition("2017-11-05T18:01:24Z"),
                    ),
                ]
                .into(),
            ),
        ),
        (
            "customLimits",
            Value::Items(
                [(
                    key("09cX4Tmi1qSfrS997ORMYl"),
                    Fields::from([("value", Value::Integer(-1))]),
                )]
                .into(),
            ),
        ),
    ]);
    assert_eq!(live.fields, expected);
    assert!(live.facts.is_empty());
}

#[test]
fn what_was_read_is_written_as_the_pages_body() {
    let call = put(&live(read(licence())));
    assert_eq!(call.name(), CALL.replace("GET", "PUT"));
    assert_eq!(call.body, Some(lists()));
}

#[test]
fn all_three_lists_are_written_when_they_are_empty() {
    let empty = json!({"customLicenses": [], "assignedEditions": [], "customLimits": []});
    let mut licence = empty.clone();
    licence["id"] = json!(ORG);
    assert_eq!(put(&live(read(licence))).body, Some(empty));
}

#[test]
fn a_list_that_is_not_shown_is_unknown() {
    let mut licence = licence();
    licence["customLimits"] = Json::Null;
    if let Json::Object(licence) = &mut licence {
        licence.remove("customLicenses");
    }
    let live = live(read(&licence));
    assert_eq!(live.fields.keys().collect::<Vec<_>>(), ["assignedEditions"]);
    licence["id"] = Json::Null;
    for nameless in [licence, json!({})] {
        let why = unread(read(nameless));
        let expected = "`customLicenses` is missing, and so is `id`";
        assert_eq!(why, format!("{CALL}: {expected}"));
    }
}

#[test]
fn a_reply_about_another_organization_is_an_error() {
    let mut other = licence();
    other["id"] = json!("7Yk2mQpLw0sZr4TbVc9XnA");
    let why = unread(read(other));
    assert_eq!(
        why,
        format!(
            "{CALL}: `id` is \"7Yk2mQpLw0sZr4TbVc9XnA\": the reply is about another organization"
        )
    );
    let why = unread(read(json!({"id": 7})));
    assert_eq!(why, format!("{CALL}: `id` must be text, not a number"));
}

#[test]
fn the_cut_license_type_of_the_page_is_none() {
    let mut cut = licence();
    cut["customLicenses"][0]["licenseType"] = json!("NON");
    let body = put(&live(read(cut))).body.unwrap_or_default();
    assert_eq!(body["customLicenses"][0]["licenseType"], "NONE");
}

#[test]
fn a_missing_expiration_stays_missing() {
    let mut free = licence();
    free["customLicenses"] = json!([
        {"licenseType": "FREE", "licenseDef": "a"},
        {"licenseType": "FREE", "expirationDate": null, "licenseDef": "b"}
    ]);
    let body = put(&live(read(free))).body.unwrap_or_default();
    assert_eq!(
        body["customLicenses"],
        json!([{"licenseDef": "a", "licenseType": "FREE"}, {"licenseDef": "b", "licenseType": "FREE"}])
    );
}

#[test]
fn instants_are_written_in_whole_seconds_of_utc() {
    let mut odd = licence();
    odd["assignedEditions"] =
        json!([{"edition": "e", "expirationDate": "2027-01-31T01:00:00.5+01:00"}]);
    let body = put(&live(read(odd))).body.unwrap_or_default();
    assert_eq!(
        body["assignedEditions"][0]["expirationDate"],
        "2027-01-31T00:00:00Z"
    );
}

#[test]
fn replies_that_are_no_licence_are_errors_that_name_the_call_and_the_member() {
    let with = |list: &str, elements: Json| {
        let mut licence = licence();
        licence[list] = elements;
        licence.to_string()
    };
    for (body, expected) in [
        (
            "<html><title>Log in</title></html>".to_string(),
            "did not answer with JSON: an HTML page titled \"Log in\"",
        ),
        (String::new(), "did not answer with JSON: the body is empty"),
        (
            "{\"id\": \"1ax".to_string(),
            "did not answer with JSON: the body ends in the middle",
        ),
        ("[]".to_string(), ": the reply is no object"),
        (
            with("customLimits", json!({})),
            ": `customLimits` must be list keyed by limitDefinition, not an object",
        ),
        (
            with(
                "customLimits",
                json!([{"limitDefinition": "l", "value": "many"}]),
            ),
            ": `customLimits[l].value` must be integer, not text \"many\"",
        ),
        (
            with(
                "customLimits",
                json!([{"limitDefinition": "l", "value": null}]),
            ),
            ": `customLimits[l].value` is null",
        ),
        (
            with("customLimits", json!([{"value": 1}])),
            ": `customLimits[].limitDefinition` is missing",
        ),
        (
            with(
                "assignedEditions",
                json!([{"edition": "e"}, {"edition": "e"}]),
            ),
            ": `assignedEditions` has the element [e] twice",
        ),
        (
            with(
                "assignedEditions",
                json!([{"edition": "e", "expirationDate": "soon"}]),
            ),
            ": `assignedEditions[e].expirationDate` \"soon\" is not an instant",
        ),
        (
            with("customLicenses", json!([{"licenseDef": "d"}])),
            ": `customLicenses[d].licenseType` is missing",
        ),
    ] {
        let why = unread(read(&body));
        let start = format!(
            "{CALL}{}{expected}",
            if expected.starts_with(':') { "" } else { " " }
        );
        assert!(why.starts_with(&start), "{why}\nis not\n{start}");
    }
}

#[test]
fn organizations_are_read_side_by_side_in_one_call_each() {
    for count in [0, 1, 3, 250] {
        let orgs: Vec<Desired> = (0..count)
            .map(|number| desired_object(&fields::TABLE, &[("orgId", &format!("org{number}"))]))
            .collect();
        let desired: Vec<&Desired> = orgs.iter().collect();
        let (rounds, found) = drive(OrgLicense.reading(&desired), |name| {
            let id = name.rsplit('/').next().unwrap_or_default();
            answer(200, json!({"id": id}))
        });
        let calls: Vec<String> = (0..count)
            .map(|number| format!("GET /public/core/v3/license/org/org{number}"))
            .collect();
        assert_eq!(rounds.concat(), calls);
        assert!(rounds.len() <= 1);
        let read = |one: &Observed| matches!(one, Observed::Live(_));
        assert_eq!(found.iter().filter(|one| read(one)).count(), count);
    }
}

#[test]
fn one_organization_that_is_missing_or_refused_leaves_the_others_alone() {
    let orgs = ["a", "b", "c"].map(|id| desired_object(&fields::TABLE, &[("orgId", id)]));
    let (_, found) = drive(OrgLicense.reading(&orgs.each_ref()), |name| {
        match name.rsplit('/').next() {
            Some("a") => answer(
                404,
                json!({"error": {"code": "X_404", "message": "No org."}}),
            ),
            Some("b") => answer(
                403,
                json!({"error": {"code": "X_403", "message": "Not yours."}}),
            ),
            _ => answer(200, json!({"id": "c"})),
        }
    });
    let [missing, refused, live] = found.as_slice() else {
        panic!("three objects, not {found:?}");
    };
    assert!(matches!(missing, Observed::Missing));
    assert!(matches!(live, Observed::Live(_)));
    let expected = "GET /public/core/v3/license/org/b answered 403: Not yours. (X_403); \
                check the connection's credentials and their rights";
    assert!(
        matches!(refused, Observed::Unread(crate::model::ReadFailure { text: why, .. }) if why == expected)
    );
}

#[test]
fn a_write_is_accepted_by_its_status_whatever_the_body_holds() {
    for (status, body) in [
        (200, ""),
        (200, "<html></html>"),
        (204, ""),
        (200, "{\"a\":"),
    ] {
        assert_eq!(OrgLicense.judge(&reply(status, body)), Verdict::Accepted);
    }
    for body in [
        r#"{"error":{"code":"X_403","message":"Not the parent.","requestId":"r","details":null}}"#,
        r#"{"code":"X_403","message":"Not the parent.","requestId":"r"}"#,
    ] {
        let refused = Verdict::Rejected {
            words:
                "403: Not the parent. (X_403); check the connection's credentials and their rights"
                    .into(),
            fields: Vec::new(),
        };
        assert_eq!(OrgLicense.judge(&reply(403, body)), refused);
    }
    assert!(matches!(
        OrgLicense.judge(&reply(502, "<html></html>")),
        Verdict::Unclear(_)
    ));
}
