//! LAC: requests that are granted once, names that two customers share.

use entitle::apply::Outcome;
use serde_json::json;

use crate::conformance::vendors::lac::VENDOR;
use crate::support::bench::{Bench, converged, in_sync, only_report, paths as changed};

#[tokio::test]
async fn a_removal_is_asked_for_once_and_then_left_to_the_server() {
    let vendor = &VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let mut object = vendor.little(0, false);
    object.desired["removal"] = json!(true);
    let objects = [object];
    converged(&only_report(bench.apply(&objects).await));
    assert_eq!(bench.writes().len(), 1);
    // The host confirms after some reads, upon which the server clears the flag by itself.
    for _ in 0..4 {
        let planned = bench.plan(&objects).await;
        assert_eq!(changed(&planned[0]), [""; 0]);
    }
    let state = vendor.state(&bench);
    let order = vendor.stored(&state, 0);
    assert_eq!(order["removal"], false);
    assert!(order["removal_confirmation_time"].is_string());
    let planned = bench.plan(&objects).await;
    let note = planned[0].message.clone().unwrap_or_default();
    assert!(note.contains("not asked for again"), "{note}");
    bench.apply(&objects).await;
    assert_eq!(bench.writes().len(), 1);
}

/// Two customers of one name, and orders of each.
async fn twins() -> Bench {
    let bench = Bench::new().await;
    let mut account = (VENDOR.account)(3);
    account["customers"] = json!([
        {"id": 1, "name": "Twin"}, {"id": 2, "name": "Twin"}, {"id": 3, "name": "Single"}
    ]);
    for (number, customer) in [1, 2, 3].iter().enumerate() {
        account["license_orders"][number]["customer_id"] = json!(customer);
    }
    VENDOR.load(&bench, account);
    bench
}

#[tokio::test]
async fn whose_an_order_is_gets_proved_where_two_customers_share_a_name() {
    let bench = twins().await;
    let object = |number: usize, customer: i64| {
        let mut object = VENDOR.little(number, false);
        object.desired["customer_id"] = json!(customer);
        object
    };
    for planned in &bench
        .plan(&[object(0, 1), object(1, 2), object(2, 3)])
        .await
    {
        in_sync(planned);
    }
    // Moved by the manifest: the plan says from whom, and the write makes it so.
    let moved = [object(0, 2)];
    let planned = bench.plan(&moved).await;
    let change = &planned[0].changes[0];
    assert_eq!(
        (change.path.to_string(), &change.before),
        ("customer_id".into(), &Some(json!(1)))
    );
    assert_eq!(bench.round(&moved).await, ["customer_id"]);
    let state = VENDOR.state(&bench);
    assert_eq!(VENDOR.stored(&state, 0)["customer_id"], 2);
}

#[tokio::test]
async fn an_order_that_stays_with_its_customer_did_not_converge() {
    let vendor = &VENDOR;
    for twin in [false, true] {
        let bench = if twin {
            twins().await
        } else {
            Bench::new().await
        };
        if !twin {
            let mut account = (vendor.account)(3);
            account["customers"] = json!([{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}]);
            account["license_orders"][0]["customer_id"] = json!(1);
            account["license_orders"][1]["customer_id"] = json!(2);
            account["license_orders"][2]["customer_id"] = json!(2);
            vendor.load(&bench, account);
        }
        let set = bench
            .sandbox
            .set_switches("lac", json!({"customer_change": "ignore"}));
        set.expect("a switch");
        let mut object = vendor.little(0, false);
        object.desired["customer_id"] = json!(2);
        let report = only_report(bench.apply(&[object]).await);
        assert_eq!(report.outcome, Some(Outcome::Unconverged));
        let message = report.message.unwrap_or_default();
        assert_eq!(message, "written, but customer_id is 1");
    }
}

#[tokio::test]
async fn a_customer_that_is_ignored_does_not_move_in_a_report() {
    let bench = twins().await;
    let mut object = VENDOR.little(0, true);
    object.desired["customer_id"] = json!(3);
    let object = object.policy(json!({"ignore": ["customer_id"]}));
    let report = only_report(bench.apply(&[object]).await);
    converged(&report);
    assert_eq!(report.side_effects, [""; 0]);
    let state = VENDOR.state(&bench);
    assert_eq!(VENDOR.stored(&state, 0)["customer_id"], 1);
}

#[tokio::test]
async fn a_renamed_template_makes_no_plan_stale() {
    let bench = Bench::new().await;
    let mut account = (VENDOR.account)(3);
    VENDOR.load(&bench, account.clone());
    let checked = bench.check(&[VENDOR.little(0, true)]);
    let before = bench.pass(&checked).await;
    account["product_templates"][0]["name"] = json!("Renamed");
    VENDOR.load(&bench, account);
    let after = bench.pass(&checked).await;
    let fingerprint = after.planned[0].fingerprint.as_ref();
    assert!(fingerprint.is_some());
    assert_eq!(fingerprint, before.planned[0].fingerprint.as_ref());
    converged(&only_report(bench.carry_out(before).await));
}
