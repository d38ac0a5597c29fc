//! License policies of LicenseSpring under each reading of what the vendor's pages leave open.

use entitle::apply::Outcome;
use entitle::model::Risk;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object, converged, in_sync, only_report};

const PRODUCT: u64 = 1_584_723_961_091_234;

async fn bench(switches: Json) -> Bench {
    let bench = Bench::new().await;
    let set = bench.sandbox.set_switches("licensespring", switches);
    set.expect("a switch");
    bench
}

fn policy(code: &str, desired: Json) -> Object {
    let ids = json!({"licensePolicy": {"code": code, "product": PRODUCT}});
    let name = code.replace('_', "-");
    Object::new("LicenseSpringLicensePolicy", &name, ids, desired)
}

fn gone(code: &str) -> Object {
    let mut object = policy(code, json!({}));
    object.ids["state"] = json!("absent");
    object
}

#[tokio::test]
async fn a_policy_that_was_archived_is_never_made_again() {
    for reading in ["show", "hide"] {
        let bench = bench(json!({"archived_policies": reading})).await;
        let object = policy("team-1y", json!({"is_archived": true}));
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
                assert!(why.contains("may not show archived ones"), "{why}");
            }
        }
        // Its number finds it, whatever the list shows.
        let ids = json!({"licensePolicyId": 940});
        let desired = json!({"is_archived": true, "max_activations": 10});
        let object = Object::new("LicenseSpringLicensePolicy", "by-number", ids, desired);
        in_sync(&bench.plan(&[object]).await[0]);
    }
}

#[tokio::test]
async fn a_filter_that_is_not_there_leaves_the_number_of_licenses_unknown() {
    for (switches, words) in [
        (json!({}), "1 license has it as its policy"),
        (json!({"policy_filter": "ignored"}), "is not known"),
        (json!({"policy_filter": "refused"}), "is not known"),
        (json!({"row_members": "page"}), "is not known"),
    ] {
        let bench = bench(switches).await;
        let objects = [gone("team-1y")];
        let planned = bench.plan(&objects).await;
        let why = planned[0].message.clone().unwrap_or_default();
        assert!(why.contains(words), "{why}");
        let pass = bench.pass(&bench.check(&objects)).await;
        let reports = bench.carry_out_alone(pass, Risk::Destroy).await;
        converged(&only_report(reports));
        in_sync(&bench.plan(&objects).await[0]);
    }
}

#[tokio::test]
async fn the_default_policy_stays_where_the_vendor_keeps_it() {
    for (reading, outcome) in [
        ("refuse", Outcome::Rejected),
        ("ignore", Outcome::Converged),
    ] {
        let bench = bench(json!({"default_policy_removal": reading})).await;
        let pass = bench.pass(&bench.check(&[gone("default")])).await;
        let report = only_report(bench.carry_out_alone(pass, Risk::Destroy).await);
        assert_eq!(report.outcome, Some(outcome), "{:?}", report.message);
    }
}

#[tokio::test]
async fn a_change_leaves_features_and_custom_fields_as_they_are() {
    let bench = bench(json!({})).await;
    let before = bench.sandbox.state("licensespring").expect("an account");
    let object = policy("example_code", json!({"max_activations": 120}));
    converged(&only_report(bench.apply(&[object]).await));
    let after = bench.sandbox.state("licensespring").expect("an account");
    assert_eq!(after["license_templates"][0]["max_activations"], 120);
    for list in [
        "license_product_feature_templates",
        "license_custom_field_templates",
    ] {
        let of = |account: &Json| account["license_templates"][0][list].clone();
        assert_eq!(of(&after), of(&before));
    }
}

#[tokio::test]
async fn a_code_that_two_policies_have_is_told_with_both_numbers() {
    let bench = bench(json!({"taken_code": "accept"})).await;
    let mut account = bench.sandbox.state("licensespring").expect("an account");
    let list = account["license_templates"].as_array_mut().expect("a list");
    let mut second = list[2].clone();
    second["id"] = json!(990);
    list.push(second);
    let set = bench.sandbox.set_state("licensespring", account);
    set.expect("a good account");
    let object = policy("team-1y", json!({"max_activations": 30}));
    let report = only_report(bench.apply(&[object]).await);
    let why = report.message.unwrap_or_default();
    assert!(why.contains("940, 990"), "{why}");
    assert_eq!(bench.writes(), [""; 0]);
}
