//! Product features of LicenseSpring under each reading of what the vendor's pages leave open.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object, converged, in_sync, only_report};

const PRODUCT: u64 = 1_584_723_961_091_234;

fn switch(bench: &Bench, name: &str, value: &str) {
    let set = bench
        .sandbox
        .set_switches("licensespring", json!({name: value}));
    set.unwrap_or_else(|why| panic!("{name}: {value}: {why}"));
}

fn feature(code: &str, desired: Json) -> Object {
    let ids = json!({"productFeature": {"code": code, "product": PRODUCT}});
    Object::new("LicenseSpringProductFeature", code, ids, desired)
}

fn gone(code: &str) -> Object {
    let mut object = feature(code, json!({}));
    object.ids["state"] = json!("absent");
    object
}

#[tokio::test]
async fn a_feature_that_was_hidden_is_never_made_again() {
    for reading in ["show", "hide"] {
        let bench = Bench::new().await;
        switch(&bench, "deleted_features", reading);
        let object = feature("f2", json!({"is_deleted": true}));
        let objects = std::slice::from_ref(&object);
        converged(&only_report(bench.apply(objects).await));
        let mut checked = bench.check(objects);
        checked.allow_creation();
        let planned = bench.pass(&checked).await.planned;
        match reading {
            "show" => in_sync(&planned[0]),
            _ => {
                assert_eq!(planned[0].action, Disposition::Error);
                let why = planned[0].message.clone().unwrap_or_default();
                assert!(why.contains("may not show hidden ones"), "{why}");
            }
        }
        // The licenses that have it keep it.
        let account = bench.sandbox.state("licensespring").expect("an account");
        let rows = account["licenses"][0]["product_features"].as_array();
        let mut rows = rows.into_iter().flatten();
        assert!(rows.any(|row| row["product_feature"] == "f2"));
    }
}

#[tokio::test]
async fn a_filter_that_means_something_else_is_found_out_or_said_to_find_nothing() {
    for (reading, words) in [
        ("feature", "purges it from 1 license"),
        ("row", "no license is found that has it"),
        ("ignored", "does not have the product feature"),
    ] {
        let bench = Bench::new().await;
        switch(&bench, "feature_filter", reading);
        let planned = bench.plan(&[gone("f5")]).await;
        let why = planned[0].message.clone().unwrap_or_default();
        assert!(why.contains(words), "{reading}: {why}");
        let is_refused = planned[0].action == Disposition::Error;
        assert_eq!(is_refused, reading == "ignored", "{why}");
    }
}

#[tokio::test]
async fn a_removed_feature_is_gone_from_the_licenses_whatever_the_status_is() {
    for status in [200, 204] {
        let bench = Bench::new().await;
        let set = json!({"feature_delete_status": status});
        bench
            .sandbox
            .set_switches("licensespring", set)
            .expect("set");
        let objects = [gone("f5")];
        let pass = bench.pass(&bench.check(&objects)).await;
        let reports = bench
            .carry_out_alone(pass, entitle::model::Risk::Destroy)
            .await;
        converged(&only_report(reports));
        let account = bench.sandbox.state("licensespring").expect("an account");
        assert!(!account["licenses"].to_string().contains("\"f5\""));
        in_sync(&bench.plan(&objects).await[0]);
    }
}

#[tokio::test]
async fn a_code_that_two_features_have_is_told_with_both_numbers() {
    let bench = Bench::new().await;
    switch(&bench, "taken_code", "accept");
    let mut account = bench.sandbox.state("licensespring").expect("an account");
    let list = account["product_features"].as_array_mut().expect("a list");
    let mut second = list[1].clone();
    second["id"] = json!(900);
    list.push(second);
    bench
        .sandbox
        .set_state("licensespring", account)
        .expect("a good account");
    let object = feature("f2", json!({"max_consumption": 30}));
    let report = only_report(bench.apply(&[object]).await);
    assert_ne!(report.outcome, Some(Outcome::Converged));
    let why = report.message.unwrap_or_default();
    assert!(why.contains("172, 900"), "{why}");
    assert_eq!(bench.writes(), [""; 0]);
}

#[tokio::test]
async fn a_global_feature_is_created_without_a_product() {
    let bench = Bench::new().await;
    let ids = json!({"productFeature": {"code": "any", "product": 0}});
    let desired = json!({"name": "Any", "feature_type": "activation"});
    let object = Object::new("LicenseSpringProductFeature", "any", ids, desired);
    let objects = [object.policy(json!({"create": true}))];
    converged(&only_report(bench.apply(&objects).await));
    in_sync(&bench.plan(&objects).await[0]);
    let account = bench.sandbox.state("licensespring").expect("an account");
    let features = account["product_features"].as_array().expect("a list");
    let made = features.iter().find(|one| one["code"] == "any");
    assert_eq!(made.map(|one| &one["product"]), Some(&Json::Null));
}
