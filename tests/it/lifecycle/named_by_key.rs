//! A user group that its manifest names by its name: refusals in the vendor's words, twins, manifests that cannot be meant.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use super::kinds::ORGANIZATION;
use crate::support::bench::{Bench, Object, only_report};

/// A user group of the seed's organization, named by its name.
fn group(name: &str, policy: Json) -> Object {
    let ids = json!({"organizationId": ORGANIZATION, "userGroup": {"name": name}});
    let desired = json!({"description": "On call"});
    Object::new("CryptlexUserGroup", "group", ids, desired).policy(policy)
}

fn new_group() -> Object {
    group("Operations", json!({"create": true}))
}

fn retired(name: &str) -> Object {
    let mut object = group(name, json!({}));
    object.ids["state"] = json!("absent");
    object.desired = json!({});
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_creation_is_told_in_the_words_of_the_vendor() {
    let bench = Bench::new().await;
    let mut long = new_group();
    long.ids["userGroup"]["name"] = json!("x".repeat(257));
    let report = only_report(bench.apply(&[long]).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    let message = report.message.unwrap_or_default();
    assert!(message.starts_with("400: "), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_of_one_key_are_not_told_apart_by_chance() {
    let bench = Bench::new().await;
    let mut account = bench.sandbox.state("cryptlex").expect("an account");
    account["organizations"][0]["userGroups"][0]["name"] = json!("Twins");
    account["organizations"][0]["userGroups"][1]["name"] = json!("Twins");
    bench
        .sandbox
        .set_state("cryptlex", account)
        .expect("an account");
    for object in [group("Twins", json!({"create": true})), retired("Twins")] {
        let planned = bench.plan(&[object]).await;
        let message = planned[0].message.clone().unwrap_or_default();
        assert_eq!(planned[0].action, Disposition::Error, "{message}");
        for id in ["000000000001", "000000000002"] {
            assert!(message.contains(id), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_cannot_be_meant_is_refused_offline() {
    let bench = Bench::new().await;
    let finding = |object: &Object| {
        let checked = bench.findings(std::slice::from_ref(object));
        let found: Vec<String> = checked
            .findings
            .iter()
            .map(|one| one.message.clone())
            .collect();
        found.join("; ")
    };
    let mut both = new_group();
    both.ids["userGroupId"] = json!("a4f8d1b0-1111-4c22-8f33-000000000001");
    assert_eq!(
        finding(&both),
        "`userGroup` and `userGroupId` both name the object"
    );
    let mut by_id = new_group();
    by_id.ids = json!({"organizationId": ORGANIZATION, "userGroupId": "a4f8d1b0-1111-4c22-8f33-000000000001"});
    assert_eq!(
        finding(&by_id),
        "an object that is named by the vendor's id is there already"
    );
    let mut contradicts = retired("Support");
    contradicts.policy = json!({"create": true});
    assert_eq!(
        finding(&contradicts),
        "`create: true` and `state: absent` contradict each other"
    );
    let order = json!({"activationKey": "A", "state": "absent"});
    let order = Object::new("LacLicenseOrder", "order", order, json!({}));
    assert_eq!(finding(&order), "LacLicenseOrder objects are never removed");
    let other = json!({"name": "Another"});
    let mut renamed = new_group();
    renamed.desired = other;
    assert_eq!(
        finding(&renamed),
        "`name` differs from the \"Operations\" by which `userGroup` names the object"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_manifests_that_meet_in_one_object_write_nothing() {
    let bench = Bench::new().await;
    let by_name = group("Support", json!({}));
    let mut by_id = by_name.clone();
    by_id.name = "support-by-id".into();
    by_id.ids = json!({"organizationId": ORGANIZATION, "userGroupId": "a4f8d1b0-2222-4c22-8f33-000000000002"});
    by_id.desired["description"] = json!("Another");
    let account = bench.sandbox.state("cryptlex").expect("an account");
    let groups = account["organizations"][0]["userGroups"].as_array();
    let mut groups = groups.into_iter().flatten();
    let support = groups.find(|one| one["name"] == "Support");
    by_id.ids["userGroupId"] = support.expect("a group")["id"].clone();
    for report in bench.apply(&[by_name, by_id]).await {
        assert_eq!(report.planned.action, Disposition::Error);
        let message = report.planned.message.unwrap_or_default();
        assert!(
            message.starts_with(
                "CryptlexUserGroup/group and CryptlexUserGroup/support-by-id are the same"
            ),
            "{message}"
        );
    }
    assert_eq!(bench.writes(), [""; 0]);
}
