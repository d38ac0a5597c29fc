//! LicenseSpring: a counter that moves with use, members that are not shown, features left out in silence.

use entitle::apply::Outcome;
use entitle::model::Risk;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::licensespring;
use crate::support::bench::{Bench, converged, in_sync, only_report};
use crate::support::pure;

#[tokio::test]
async fn use_between_plan_and_apply_is_not_rolled_back() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let mut account = vendor.state(&bench);
    for row in [0, 1] {
        account["licenses"][0]["product_features"][row]["total_consumptions"] = json!(200 + row);
    }
    vendor.load(&bench, account);
    let before = vendor.state(&bench);
    converged(&only_report(bench.carry_out(pass).await));
    let after = vendor.state(&bench);
    vendor.rest_is_as_before(
        &before,
        &after,
        0,
        &["product_features[f1].max_consumption"],
    );
    let rows = &vendor.stored(&after, 0)["product_features"];
    assert_eq!(rows[0]["total_consumptions"], 200);
    assert_eq!(rows[1]["total_consumptions"], 201);
}

#[tokio::test]
async fn use_after_an_old_plan_does_not_make_it_stale() {
    let vendor = &licensespring::VENDOR;
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let mut account = vendor.state(&bench);
    account["licenses"][0]["product_features"][1]["total_consumptions"] = json!(49);
    vendor.load(&bench, account);
    bench.clock = || pure::now() + jiff::SignedDuration::from_mins(5);
    converged(&only_report(bench.carry_out(pass).await));
    let after = vendor.state(&bench);
    assert_eq!(
        vendor.stored(&after, 0)["product_features"][1]["total_consumptions"],
        49
    );
}

#[tokio::test]
async fn members_that_are_not_shown_are_no_reason_to_write() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"row_members": "page"}));
    set.expect("a switch");
    let before = vendor.state(&bench);
    let (path, _) = (vendor.change)();
    assert_eq!(bench.round(&[vendor.little(0, true)]).await, [path]);
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
}

#[tokio::test]
async fn a_feature_that_is_silently_left_out_is_not_taken_for_done() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"unknown_feature": "ignore"}));
    set.expect("a switch");
    let mut object = vendor.little(0, false);
    let items = object.desired["product_features"]
        .as_array_mut()
        .expect("a list");
    items.push(json!({"product_feature": "f99", "max_consumption": 5}));
    let report = only_report(bench.apply(&[object]).await);
    let message = report.message.unwrap_or_default();
    assert_eq!(report.outcome, Some(Outcome::Unconverged), "{message}");
    assert!(message.contains("f99"), "{message}");
}

#[tokio::test]
async fn a_feature_in_use_is_not_taken_away_unnoticed() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let mut object = vendor.little(0, false);
    object.desired =
        json!({"product_features": [{"product_feature": "f3", "max_consumption": 10}]});
    let pass = bench.pass(&bench.check(&[object])).await;
    let planned = &pass.planned[0];
    let notes: Vec<_> = planned
        .changes
        .iter()
        .map(|c| (c.path.to_string(), c.risk, c.note.clone()))
        .collect();
    assert_eq!(
        notes,
        [
            (
                "product_features[f3].max_consumption".into(),
                Risk::Reduce,
                None
            ),
            (
                "product_features[f1]".into(),
                Risk::Strand,
                Some("removed, 180 in use".into())
            ),
        ]
    );
    let report = only_report(bench.carry_out_alone(pass, Risk::Reduce).await);
    assert_eq!(report.outcome, Some(Outcome::Refused));
}

#[tokio::test]
async fn keys_and_passwords_reach_nothing() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let document = serde_json::to_string(&pass.document).expect("JSON");
    assert!(!document.contains("SECRET"), "{document}");
    let reports = bench.carry_out(pass).await;
    assert!(!format!("{reports:?}").contains("SECRET"));
}

/// Three licenses, of which a row of the first has something set that the list write cannot name.
async fn with_unnamed(member: &str, value: Json, omitted: &str) -> Bench {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    account["licenses"][0]["product_features"][0][member] = value;
    vendor.load(&bench, account);
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"omitted": omitted}));
    set.expect("a switch");
    bench
}

#[tokio::test]
async fn a_row_with_a_member_that_the_list_cannot_name_is_not_written() {
    let vendor = &licensespring::VENDOR;
    for (member, value) in [
        ("allow_unlimited_consumptions", json!(true)),
        ("allow_negative_consumptions", json!(true)),
        ("valid_duration", json!("1y")),
    ] {
        // Whether a row that is written keeps it or not.
        for omitted in ["keep", "redefault"] {
            let bench = with_unnamed(member, value.clone(), omitted).await;
            let before = vendor.state(&bench);
            let in_order = bench.plan(&[vendor.little(0, false)]).await;
            in_sync(&in_order[0]);
            let reports = bench
                .apply(&[vendor.little(0, true), vendor.little(1, true)])
                .await;
            let message = reports[0].message.clone().unwrap_or_default();
            assert_eq!(reports[0].outcome, Some(Outcome::Failed), "{message}");
            assert!(
                message.contains(member) && message.contains("nothing is sent"),
                "{message}"
            );
            converged(&reports[1]);
            assert_eq!(bench.writes().len(), 1);
            let after = vendor.state(&bench);
            assert_eq!(vendor.stored(&after, 0), vendor.stored(&before, 0));
        }
    }
}

#[tokio::test]
async fn a_row_that_goes_may_have_what_it_has() {
    let vendor = &licensespring::VENDOR;
    let bench = with_unnamed("valid_duration", json!("1y"), "keep").await;
    let mut object = vendor.little(0, false);
    let items = object.desired["product_features"].as_array_mut();
    items.expect("a list").remove(0);
    let report = only_report(bench.apply(&[object]).await);
    converged(&report);
}

#[tokio::test]
async fn a_member_that_no_write_names_and_that_moves_with_one_is_told() {
    let vendor = &licensespring::VENDOR;
    let bench = Bench::new().await;
    let mut account = (vendor.account)(3);
    account["product_features"][0]["allow_unlimited_consumptions"] = json!(true);
    vendor.load(&bench, account);
    let set = bench
        .sandbox
        .set_switches(vendor.name, json!({"omitted": "redefault"}));
    set.expect("a switch");
    let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
    assert_eq!(
        report.outcome,
        Some(Outcome::Converged),
        "{:?}",
        report.message
    );
    assert_eq!(
        report.side_effects,
        ["product_features[f1].allow_unlimited_consumptions nothing → true"]
    );
}
