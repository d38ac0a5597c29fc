//! The page's example as a reply, the exact calls of readings, writes and refusals.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::{Fields, Observed, PackedFields, ReadFailure};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, reply};

fn desired_object(license: &str, fields: Fields) -> Desired {
    Desired {
        fields: PackedFields::new(fields::TABLE.desired, &fields),
        ..testing::desired_object(&fields::TABLE, &[("licenseId", license)])
    }
}

fn by_id(license: &str) -> Desired {
    desired_object(license, Fields::new())
}

/// The license of the page "Retrieve a license", with another id.
fn license(id: &str) -> Json {
    json!({
        "id": id, "createdAt": "2019-08-24T14:15:22Z", "updatedAt": "2019-08-24T14:15:22Z",
        "key": "SECRET-KEY", "revoked": false, "suspended": true, "perpetual": true,
        "totalActivations": 7, "totalDeactivations": 0, "validity": 0, "expirationStrategy": "immediate",
        "subscriptionInterval": "string", "subscriptionStartTrigger": "creation",
        "fingerprintMatchingStrategy": "fuzzy", "allowedActivations": 0, "allowedDeactivations": 0,
        "type": "node-locked", "allowedFloatingClients": 0, "serverSyncGracePeriod": 0,
        "serverSyncInterval": 0, "allowedClockOffset": 0, "cryptoBindingEnabled": true,
        "disableClockValidation": true, "expiringSoonEventOffset": 0, "leaseDuration": 0,
        "leasingStrategy": "per-machine", "effectiveDate": "2019-08-24T14:15:22Z",
        "expiresAt": "2019-08-24T14:15:22Z", "activatedAt": "2019-08-24T14:15:22Z",
        "lastUsedAt": "2019-08-24T14:15:22Z", "allowVmActivation": true, "allowContainerActivation": true,
        "allowClientLeaseDuration": true, "userLocked": true, "requireAuthentication": true,
        "disableGeoLocation": true, "notes": "string", "productId": "string", "organizationId": "string",
        "metadata": [], "tags": []
    })
}

/// The calls of a reading and what was found.
fn drive(desired: &[&Desired], vendor: impl FnMut(&str) -> Answer) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(License.reading(desired), vendor);
    (rounds.concat(), found)
}

#[test]
fn every_field_is_read_and_the_key_is_not() {
    let echo = License.echo(&by_id("l1"), &Live::default(), &reply(200, license("l1")));
    let live = echo.expect("the page's example");
    assert_eq!(live.fields.len(), fields::TABLE.desired.len());
    assert_eq!(live.fields["suspended"], Value::Bool(true));
    let expires = Value::Text("2019-08-24T14:15:22Z".into());
    assert_eq!(live.fields["expiresAt"], expires);
    assert_eq!(live.fields["allowedDeactivations"], Value::Integer(0));
    assert_eq!(live.number("totalActivations"), Some(7));
    assert!(!format!("{live:?}").contains("SECRET"));
}

#[test]
fn zero_and_minus_one_are_one_value_where_both_are_unlimited() {
    let object = by_id("l1");
    let read = |limit: i64| {
        let mut license = license("l1");
        license["allowedActivations"] = json!(limit);
        license["leaseDuration"] = json!(limit);
        let live = License.echo(&object, &Live::default(), &reply(200, license));
        let live = live.expect("a license");
        (
            live.fields["allowedActivations"].clone(),
            live.fields["leaseDuration"].clone(),
        )
    };
    let both = |limit| (Value::Integer(limit), Value::Integer(limit));
    assert_eq!([read(0), read(-1), read(1)], [both(-1), both(-1), both(1)]);

    let codes = |name: &'static str, limit: i64| {
        let mut findings = Diagnostics::default();
        let fields = Fields::from([(name, Value::Integer(limit))]);
        let nowhere = |_: &str| Mark::default();
        License.audit(&desired_object("l1", fields), &nowhere, &mut findings);
        let codes = findings.iter().map(|finding| finding.code);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes("allowedActivations", 0), ["out-of-range"]);
    assert_eq!(codes("leaseDuration", 0), ["out-of-range"]);
    assert_eq!(codes("leaseDuration", -1), [""; 0]);
    assert_eq!(codes("allowedDeactivations", 0), [""; 0]);
}

#[test]
fn each_write_has_the_members_of_its_call_that_change() {
    let object = by_id("l 1");
    let encode = |call: usize, fields: Fields| {
        let live = &Live::default();
        let desired = &object;
        let call = License.encode(&Write {
            desired,
            live,
            purpose: WritePurpose::Update(call),
            fields,
        });
        assert_eq!(call.method, Method::Patch);
        (call.path, call.body)
    };
    let settings = Fields::from([
        ("suspended", Value::Bool(true)),
        ("notes", Value::Null),
        ("allowedActivations", Value::Integer(-1)),
    ]);
    let body = json!({"suspended": true, "allowedActivations": -1, "notes": ""});
    let expected = ("/v3/licenses/l%201".to_string(), Some(body));
    assert_eq!(encode(0, settings), expected);

    let expiry = Fields::from([("expiresAt", Value::Text("2027-01-31T00:00:00Z".into()))]);
    let body = json!({"expiresAt": "2027-01-31T00:00:00Z"});
    let expected = ("/v3/licenses/l%201/expires-at".to_string(), Some(body));
    assert_eq!(encode(1, expiry), expected);
}

#[test]
fn an_echo_of_another_license_proves_nothing() {
    let echo = |body: Json| License.echo(&by_id("l1"), &Live::default(), &reply(200, body));
    assert!(echo(license("l2")).is_err());
    assert!(echo(json!([])).is_err());
    let mut odd = license("l1");
    odd["allowedActivations"] = json!("many");
    let fault = echo(odd).expect_err("no number").to_string();
    assert!(fault.contains("`allowedActivations`"), "{fault}");
}

#[test]
fn refusals_lead_to_the_fields_that_they_name() {
    let judged = |status, body: &str| match License.judge(&reply(status, body)) {
        Verdict::Rejected { words, fields } => (words, fields),
        other => panic!("{other:?}"),
    };
    let message =
        r#"{"message":"'ServerSyncInterval' must be at least 3600; allowedActivations too."}"#;
    let (words, fields) = judged(400, message);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["allowedActivations", "serverSyncInterval"]);
    assert!(fields.iter().all(|(_, text)| *text == words), "{fields:?}");
    let (words, fields) = judged(403, r#"{"message":"suspended: forbidden."}"#);
    assert!(
        words.ends_with("the token needs the scope `license:write`"),
        "{words}"
    );
    assert_eq!(fields, []);
    assert_eq!(License.judge(&reply(200, "{}")), Verdict::Accepted);
    assert!(matches!(
        License.judge(&reply(503, "")),
        Verdict::Unclear(_)
    ));
}

#[test]
fn one_license_is_one_call_and_many_are_the_pages_of_the_list() {
    let vendor = |call: &str| match call.split_once("id%5Beq%5D=") {
        Some((_, id)) => answer(200, json!([license(id)])),
        None => answer(
            200,
            Json::from_iter((1..=100).map(|n| license(&format!("l{n}")))),
        ),
    };
    let objects = ["l1", "l9", "l50"].map(by_id);
    let (calls, _) = drive(&[&objects[0]], vendor);
    assert_eq!(calls, ["GET /v3/licenses?id%5Beq%5D=l1"]);
    let (calls, found) = drive(&objects.each_ref(), vendor);
    assert_eq!(calls, ["GET /v3/licenses?limit=100&page=1"]);
    assert!(
        found.iter().all(|one| matches!(one, Observed::Live(_))),
        "{found:?}"
    );
}

#[test]
fn a_license_that_the_vendor_does_not_have_is_missing_and_a_failed_call_says_nothing() {
    let objects = ["l1", "l2"].map(by_id);
    let (calls, found) = drive(&objects.each_ref(), |call| {
        match call.contains("id%5Beq%5D") {
            true => answer(200, json!([])),
            false => answer(200, json!([license("l1")])),
        }
    });
    let expected = [
        "GET /v3/licenses?limit=100&page=1",
        "GET /v3/licenses?id%5Beq%5D=l2",
    ];
    assert_eq!(calls, expected);
    assert!(
        matches!(found[..], [Observed::Live(_), Observed::Missing]),
        "{found:?}"
    );

    for (status, body, word) in [
        (404, json!({"message": "no such path"}), "404"),
        (403, json!({"message": "Forbidden."}), "`license:read`"),
        (200, json!([license("l3")]), "l3"),
        (200, json!({}), "a list"),
        (200, json!([{"key": "k"}]), "the text `id`"),
    ] {
        let (_, found) = drive(&[&objects[0]], |_| answer(status, &body));
        let [Observed::Unread(ReadFailure { text, .. })] = &found[..] else {
            panic!("{status} {body}: {found:?}");
        };
        assert!(text.contains(word), "{text} lacks {word}");
        assert!(
            text.starts_with("GET /v3/licenses?id[eq]=l1") || text.contains("GET /v3/licenses?id"),
            "{text}"
        );
    }
}
