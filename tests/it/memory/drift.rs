//! Whom `drift` blames after undo, crash, edits of names and writes that did not take.

use serde_json::json;

use super::*;
use crate::conformance::vendors::licensespring;

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_names_is_not_taken_back_and_nobody_elses() {
    let workspace = workspace().await;
    workspace.object(&license(&["Engineering", "Field sales", "Support"]));
    apply(&workspace);
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = heal(&workspace);
    assert_eq!(
        groups(&workspace),
        ["Engineering", "Field sales"],
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("1 left as last applied"),
        "{}",
        ran.stdout
    );
    assert_eq!(drift(&workspace), (0, by("userGroupIds", "you")));
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_of_others_stay_theirs_after_an_undo() {
    let workspace = workspace().await;
    let feature = |name: &str, count: i64| {
        json!({
            "name": name, "version": "1.0", "expiration_type": "no_expiration",
            "issued_type": "not_issued", "maintenance_type": "no_maintenance", "count": count,
        })
    };
    let network =
        |features: Json| order(10, json!({"license_type": "network", "Features": features}));
    workspace.object(&network(json!([feature("Ours", 5)])));
    apply(&workspace);
    workspace.object(&network(json!([feature("Ours", 7)])));
    apply(&workspace);
    foreign(
        &workspace,
        "Features",
        json!([feature("Ours", 7), feature("Theirs", 1)]),
    );
    let theirs = by("Features[Theirs 1.0]", "they");
    assert_eq!(drift(&workspace), (2, theirs.clone()));
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let expected = [by("Features[Ours 1.0].count", "you"), theirs].concat();
    assert_eq!(drift(&workspace), (2, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_told_by_the_groups_that_they_meant() {
    let workspace = workspace().await;
    workspace.object(&license(&["Engineering", "Support"]));
    apply(&workspace);
    workspace.object(&license(&["Engineering", "Finance"]));
    assert_eq!(drift(&workspace), (0, by("userGroupIds", "you")));
    regroup(&workspace, "Support", false);
    assert_eq!(drift(&workspace), (2, by("userGroupIds", "both")));
    let ran = heal(&workspace);
    assert_eq!(
        groups(&workspace),
        ["Engineering", "Support"],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_did_not_take_whole_is_a_base_for_what_did() {
    let mut workspace = Workspace::new().await;
    workspace.connect("licensespring");
    let vendor = &licensespring::VENDOR;
    let account = (vendor.account)(3);
    workspace
        .sandbox
        .set_state("licensespring", account)
        .expect("an account");
    let ignore = json!({"unknown_feature": "ignore"});
    workspace
        .sandbox
        .set_switches("licensespring", ignore)
        .expect("a switch");
    let mut object = vendor.little(0, true);
    let items = object.desired["product_features"]
        .as_array_mut()
        .expect("a list");
    items.push(json!({"product_feature": "f99", "max_consumption": 5}));
    workspace.object(&object);
    let ran = workspace.run(&["apply", "--auto-approve", "--allow", "strand"]);
    assert_eq!(ran.code, 7, "{}{}", ran.stdout, ran.stderr);
    let ran = workspace.run(&["drift", "--format", "json"]);
    let document = ran.json();
    let object = &document["objects"][0];
    assert_eq!(object["message"], Json::Null, "{object:#}");
    assert_ne!(object["applied"], Json::Null, "{object:#}");
}
