//! A literal account to read, and the page's own examples of writes, refusals and logins.

mod groups;
mod reading;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::model::WritePurpose;
use crate::model::{Fields, Observed, PackedFields};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, reply};

const ORG: &str = "0b1f4a6e-52c7-4a0b-9d7c-0f2f8a3b1c11";

fn desired_object(license: &str, fields: Fields) -> Desired {
    let ids = [("organizationId", ORG), ("licenseId", license)];
    Desired {
        fields: PackedFields::new(fields::TABLE.desired, &fields),
        ..testing::desired_object(&fields::TABLE, &ids)
    }
}

fn set(members: &[&str]) -> Value {
    Value::set(members.iter().copied())
}

/// The query of a call, decoded.
fn query(call: &str) -> BTreeMap<String, String> {
    let query = call.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The paths of a reading's calls, in order, and what was found.
fn drive(desired: &[&Desired], vendor: impl FnMut(&str) -> Answer) -> (Vec<String>, Vec<Observed>) {
    let (rounds, found) = testing::drive(OrganizationLicense.reading(desired), vendor);
    let calls = rounds.concat();
    assert!(
        calls.iter().all(|call| call.starts_with("GET /v3/")),
        "{calls:?}"
    );
    (
        calls.iter().map(|call| call[4..].to_string()).collect(),
        found,
    )
}

fn by_id(license: &str) -> Desired {
    desired_object(license, Fields::new())
}

fn by_names(license: &str, names: &[&str]) -> Desired {
    desired_object(license, Fields::from([(fields::NAMES, set(names))]))
}

/// The license of the page, with another id and these groups.
fn license(id: &str, groups: &[&str]) -> Json {
    let groups: Vec<Json> = groups
        .iter()
        .map(|group| {
            json!({"id": group, "createdAt": "2019-08-24T14:15:22Z", "updatedAt": "2019-08-24T14:15:22Z",
                   "name": format!("name of {group}"), "description": "string"})
        })
        .collect();
    json!({
        "id": id, "createdAt": "2019-08-24T14:15:22Z", "updatedAt": "2019-08-24T14:15:22Z",
        "key": "SECRET-KEY", "revoked": true, "suspended": true, "perpetual": true, "type": "node-locked",
        "validity": 0, "subscriptionInterval": "string", "totalActivations": 0, "totalDeactivations": 0,
        "allowedActivations": 0, "allowedDeactivations": 0, "allowedFloatingClients": 0,
        "leaseDuration": 0, "expiresAt": "2019-08-24T14:15:22Z", "effectiveDate": "2019-08-24T14:15:22Z",
        "notes": "string",
        "metadata": [{"id": "string", "createdAt": "2019-08-24T14:15:22Z",
                      "updatedAt": "2019-08-24T14:15:22Z", "key": "string", "value": "string"}],
        "meterAttributes": [],
        "product": {"id": "string", "displayName": "string", "iconUrl": "string", "description": "string"},
        "productVersion": {"displayName": "string"}, "entitlementSet": {"name": "string"},
        "userGroups": groups
    })
}

/// Answers like an account whose organization has the licenses `l1` to `l<count>`, all in group `g`, and
/// the user groups given as name and id.
fn account(count: usize, groups: &'static [(&str, &str)]) -> impl FnMut(&str) -> Answer {
    move |call| {
        let query = query(call);
        let number = |name: &str| query[name].parse::<usize>().expect("a number");
        let license = |id: &str| json!({"id": id, "userGroups": [{"id": "g"}]});
        let page = |count: usize, row: &dyn Fn(usize) -> Json| {
            let first = number("limit") * (number("page") - 1);
            (first..count.min(first + number("limit")))
                .map(row)
                .collect::<Vec<_>>()
        };
        let rows = if call.contains("/user-groups") {
            page(
                groups.len(),
                &|n| json!({"name": groups[n].0, "id": groups[n].1}),
            )
        } else if let Some(id) = query.get("id[eq]") {
            let there = id[1..].parse().is_ok_and(|n: usize| n <= count);
            if there { vec![license(id)] } else { Vec::new() }
        } else {
            page(count, &|n| license(&format!("l{}", n + 1)))
        };
        answer(200, json!(rows))
    }
}

#[test]
fn the_write_has_the_one_member_of_the_page() {
    let object = by_id("l1");
    let write = Write {
        desired: &object,
        live: &Live::default(),
        purpose: WritePurpose::Update(0),
        fields: Fields::from([(fields::IDS, set(&["g2", "g1"]))]),
    };
    let call = OrganizationLicense.encode(&write);
    assert_eq!(call.method, Method::Patch);
    assert_eq!(call.path, format!("/v3/organizations/{ORG}/licenses/l1"));
    assert_eq!(call.body, Some(json!({"userGroupIds": ["g1", "g2"]})));
}

#[test]
fn the_echo_is_the_license_that_was_written() {
    let object = by_id("l1");
    let echo =
        |license: Json| OrganizationLicense.echo(&object, &Live::default(), &reply(200, license));
    let live = echo(license("l1", &["g1", "g2"])).expect("the page's example");
    assert_eq!(
        live.fields,
        Fields::from([(fields::IDS, set(&["g1", "g2"]))])
    );
    assert!(live.facts.is_empty());
    assert!(echo(license("l2", &[])).is_err(), "another license");
    assert!(echo(json!([])).is_err());
}

#[test]
fn refusals_carry_the_words_of_the_vendor() {
    let judged = |status, body: &str| OrganizationLicense.judge(&reply(status, body));
    assert_eq!(judged(200, "{}"), Verdict::Accepted);
    let Verdict::Rejected { words, .. } = judged(403, r#"{"message":"Forbidden.","code":"X"}"#)
    else {
        panic!("a 403 is a refusal");
    };
    let scope = "check the connection's credentials and their rights; \
                 the token needs the scope `organization:license:update`";
    assert_eq!(words, format!("403: Forbidden. (X); {scope}"));
    let Verdict::Rejected { fields, .. } = judged(400, r#"{"message":"No such user group."}"#)
    else {
        panic!("a 400 is a refusal");
    };
    let expected = (
        "userGroupIds".to_string(),
        "400: No such user group.".to_string(),
    );
    assert_eq!(fields, [expected]);
    assert!(matches!(judged(404, "{}"), Verdict::Rejected { .. }));
    assert!(matches!(judged(503, ""), Verdict::Unclear(_)));
}

#[test]
fn ids_and_names_together_are_an_error() {
    let findings = |fields: Fields| {
        let mut findings = Diagnostics::default();
        let nowhere = |_: &str| crate::model::Mark::default();
        OrganizationLicense.audit(&desired_object("l1", fields), &nowhere, &mut findings);
        findings
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    let both = Fields::from([(fields::IDS, set(&["g"])), (fields::NAMES, set(&[]))]);
    assert_eq!(findings(both), ["conflict"]);
    assert!(findings(Fields::from([(fields::NAMES, set(&["Support"]))])).is_empty());
    assert!(findings(Fields::new()).is_empty());
}
