//! Literal lists of license policies, and what is read from them.

use serde_json::{Value as Json, json};

use super::*;
use crate::model::live::Fact;
use crate::model::{Desired, Fields, Live, Observed, PackedFields, Policy, Value, WritePurpose};
use crate::provider::reading::Answer;
use crate::provider::testing::{self, answer, desired_object};
use crate::provider::{ResourceKind, Write};

fn by_code(code: &str, product: &str) -> Desired {
    desired_object(&fields::TABLE, &[(CODE, code), (PRODUCT, product)])
}

fn by_id(id: &str) -> Desired {
    desired_object(&fields::TABLE, &[(fields::ID, id)])
}

fn going(id: &str) -> Desired {
    Desired {
        policy: Policy {
            absent: true,
            ..Policy::default()
        }
        .into(),
        ..by_id(id)
    }
}

/// A policy as the page "Retrieve License Policy" prints it, as far as it matters here.
fn policy(id: u64, code: &str) -> Json {
    json!({"id": id, "license_product_feature_templates": [], "license_custom_field_templates": [], "name": "Example name",
        "code": code, "is_default": false, "default_license_type": "perpetual", "max_activations": 100, "product": 7})
}

/// Reads from a list of one page. Beside it one policy can be read by its number, and a page of licenses is answered.
fn read(desired: &Desired, list: &[Json], licenses: Answer) -> (Vec<String>, Vec<Observed>) {
    let mut licenses = Some(licenses);
    let (rounds, found) = testing::drive(LICENSE_POLICY.reading(&[desired]), |call| {
        match call.split_once("/api/v1/") {
            Some((_, path)) if path.starts_with("licenses/") => licenses.take().unwrap(),
            Some((_, "license-templates/940/")) => answer(200, policy(940, "hidden")),
            Some((_, "license-templates/941/")) => answer(200, policy(940, "hidden")),
            Some((_, "license-templates/?limit=100")) => answer(
                200,
                json!({"count": list.len(), "next": null, "results": list}),
            ),
            _ => answer(404, json!({"detail": "Not found."})),
        }
    });
    (rounds.concat(), found)
}

fn no_licenses() -> Answer {
    answer(200, json!({"count": 0, "next": null, "results": []}))
}

#[test]
fn a_policy_is_found_by_code_and_product_or_by_number() {
    let list = [policy(938, "pro"), policy(939, "basic")];
    for wanted in [by_code("pro", "7"), by_id("938")] {
        let (calls, found) = read(&wanted, &list, no_licenses());
        assert_eq!(calls, ["GET /api/v1/license-templates/?limit=100"]);
        let live = testing::live(found);
        assert_eq!(live.text(fields::ID), Some("938"));
        assert_eq!(
            live.fields.get("max_activations"),
            Some(&Value::Integer(100))
        );
    }
    let (_, found) = read(&by_code("pro", "8"), &list, no_licenses());
    assert!(matches!(found[..], [Observed::Missing]));
}

#[test]
fn a_policy_that_the_list_does_not_show_is_read_by_its_number() {
    let list = [policy(938, "pro")];
    let (calls, found) = read(&by_id("940"), &list, no_licenses());
    assert_eq!(calls[1..], ["GET /api/v1/license-templates/940/"]);
    assert_eq!(testing::live(found).text(CODE), Some("hidden"));
    let (_, found) = read(&by_id("942"), &list, no_licenses());
    assert!(matches!(found[..], [Observed::Missing]));
    let (_, found) = read(&by_id("941"), &list, no_licenses());
    let why = testing::unread(found);
    assert!(
        why.contains("answered with another license policy"),
        "{why}"
    );
}

#[test]
fn a_policy_that_is_to_be_archived_is_not_missing() {
    let archived = Desired {
        fields: PackedFields::new(
            fields::TABLE.desired,
            &Fields::from([(fields::IS_ARCHIVED, Value::Bool(true))]),
        ),
        ..by_code("pro", "7")
    };
    let why = testing::unread(read(&archived, &[], no_licenses()).1);
    let words = "the license policy is not in the list, which may not show archived ones; name it by its `licensePolicyId`";
    assert_eq!(why, words);
}

#[test]
fn the_licenses_of_a_policy_are_counted_where_they_show_it() {
    let list = [policy(938, "pro")];
    let page = |license: Json| {
        answer(
            200,
            json!({"count": 412, "next": null, "results": [license]}),
        )
    };
    for (licenses, words) in [
        (
            page(json!({"id": 1, "license_template": 938})),
            "412 licenses have it as their policy",
        ),
        (
            no_licenses(),
            "no license is found that has it as its policy",
        ),
        // A server that ignores the filter, one that refuses it, and an older one.
        (page(json!({"id": 1, "license_template": 939})), "not known"),
        (
            page(json!({"id": 1, "license_template": null})),
            "not known",
        ),
        (page(json!({"id": 1})), "not known"),
        (
            answer(
                400,
                json!({"license_template_id": ["This filter is not known."]}),
            ),
            "not known",
        ),
    ] {
        let (calls, found) = read(&going("938"), &list, licenses);
        assert_eq!(
            calls[1..],
            ["GET /api/v1/licenses/?license_template_id=938&limit=5"]
        );
        let note = LICENSE_POLICY
            .note(&testing::live(found))
            .unwrap_or_default();
        assert!(note.contains(words), "{note}");
    }
    let broken = answer(500, json!({}));
    testing::unread(read(&going("938"), &list, broken).1);
    // One that only its number shows is counted as well.
    let licenses = page(json!({"id": 1, "license_template": 940}));
    let (calls, _) = read(&going("940"), &list, licenses);
    assert_eq!(calls.len(), 3);
}

#[test]
fn the_writes_have_the_members_of_the_pages() {
    let (desired, nothing) = (by_code("pro", "7"), Live::default());
    let mut write = Write {
        desired: &desired,
        live: &nothing,
        purpose: WritePurpose::Create,
        fields: [("name", Value::Text("Pro".into()))].into(),
    };
    let call = LICENSE_POLICY.encode(&write);
    assert_eq!(call.name(), "POST /api/v1/license-templates/");
    let body = json!({"name": "Pro", "code": "pro", "product": 7});
    assert_eq!(call.body, Some(body));
    let mut live = Live::default();
    live.facts
        .insert(fields::ID.into(), Fact::Text("938".into()));
    (write.live, write.purpose) = (&live, WritePurpose::Update(0));
    let call = LICENSE_POLICY.encode(&write);
    assert_eq!(call.name(), "PATCH /api/v1/license-templates/938/");
    assert_eq!(call.body, Some(json!({"name": "Pro"})));
    write.purpose = WritePurpose::Remove;
    let call = LICENSE_POLICY.encode(&write);
    assert_eq!(call.name(), "DELETE /api/v1/license-templates/938/");
    assert_eq!(call.body, None);
}
