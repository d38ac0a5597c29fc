//! Orders of LicenseSpring: what only their creation takes, and each reading of what the vendor's pages leave open.

use entitle::apply::Outcome;
use serde_json::{Value as Json, json};

use crate::support::bench::{Bench, Object, converged, in_sync, only_report};

fn order(store_id: &str, desired: Json) -> Object {
    let ids = json!({"order": {"store_id": store_id}});
    Object::new("LicenseSpringOrder", store_id, ids, desired)
}

/// The licenses of a new order.
fn items(activations: usize) -> Json {
    json!([{"product_code": "mch", "licenses": [{
        "policy_code": "team-1y", "max_activations": activations,
        "product_features": [{"code": "f2", "max_consumption": 7}],
        "custom_fields": [{"name": "cf53", "value": "24"}],
    }]}])
}

fn may_be_created(store_id: &str, desired: Json) -> [Object; 1] {
    [order(store_id, desired).policy(json!({"create": true}))]
}

async fn bench(switches: Json) -> Bench {
    let bench = Bench::new().await;
    let set = bench.sandbox.set_switches("licensespring", switches);
    set.expect("a switch");
    bench
}

fn list(bench: &Bench, name: &str) -> Vec<Json> {
    let state = bench.sandbox.state("licensespring").expect("an account");
    state[name].as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_order_makes_its_licenses_once() {
    for account in ["number", "object"] {
        let bench = bench(json!({"order_account": account})).await;
        let before = list(&bench, "licenses").len();
        let desired = json!({"items": items(12), "customer_account": 818, "is_trial": true,
            "metadata": {"tier": "gold"}});
        let objects = may_be_created("ord-7", desired);
        let planned = bench.plan(&objects).await;
        let paths: Vec<String> = { planned[0].changes.iter() }
            .map(|change| change.path.to_string())
            .collect();
        assert!(paths.contains(&"items".to_string()), "{paths:?}");
        converged(&only_report(bench.apply(&objects).await));
        assert_eq!(
            bench.writes(),
            [
                "POST /licensespring/api/v1/orders/create_order/",
                "PATCH /licensespring/api/v1/orders/1612174320000102/"
            ]
        );
        in_sync(&bench.plan(&objects).await[0]);
        let made = list(&bench, "licenses");
        assert_eq!(made.len(), before + 1);
        let license = made.iter().find(|one| one["order_store_id"] == "ord-7");
        let license = license.expect("a license of the order");
        assert_eq!(license["max_activations"], 12);
        assert_eq!(license["license_type"], "subscription");
        assert_eq!(license["product_features"][0]["max_consumption"], 7);
        let values = list(&bench, "license_custom_fields");
        assert!(values.iter().any(|value| value["license"] == license["id"]));
        let order = list(&bench, "orders").pop().expect("an order");
        assert_eq!(order["metadata"], json!({"tier": "gold"}));
        assert_eq!(
            (&order["customer_account"], &order["is_trial"]),
            (&json!(818), &json!(true))
        );
    }
}

#[tokio::test]
async fn what_a_new_order_has_already_is_not_written_once_more() {
    for (desired, patches) in [
        (json!({"is_trial": false}), 0),
        (json!({"is_trial": false, "customer": 620}), 1),
    ] {
        let bench = bench(json!({})).await;
        let mut desired = desired;
        desired["items"] = items(2);
        let objects = may_be_created("ord-7", desired);
        converged(&only_report(bench.apply(&objects).await));
        assert_eq!(bench.writes().len(), 1 + patches);
        in_sync(&bench.plan(&objects).await[0]);
    }
}

#[tokio::test]
async fn what_only_a_creation_takes_is_a_remark_on_an_order_that_is_there() {
    let bench = bench(json!({})).await;
    let desired = |number| json!({"items": items(number), "language": "en"});
    let objects = may_be_created("ord-7", desired(12));
    converged(&only_report(bench.apply(&objects).await));
    let (writes, before) = (bench.writes().len(), list(&bench, "licenses"));
    for changed in [desired(12), desired(50)] {
        let objects = may_be_created("ord-7", changed);
        let planned = bench.plan(&objects).await;
        in_sync(&planned[0]);
        assert_eq!(
            planned[0].message.as_deref(),
            Some("`items` is only used at creation")
        );
        bench.apply(&objects).await;
    }
    assert_eq!(bench.writes().len(), writes);
    assert_eq!(list(&bench, "licenses"), before);
    // Beside a change it is said as well, and not sent.
    let objects = may_be_created(
        "ord-7",
        json!({"items": items(50), "prevent_vm": true, "language": "hr"}),
    );
    let planned = bench.plan(&objects).await;
    let words = "`items` and `prevent_vm` are only used at creation";
    assert_eq!(planned[0].message.as_deref(), Some(words));
    assert_eq!(planned[0].changes.len(), 1);
    converged(&only_report(bench.apply(&objects).await));
    assert_eq!(list(&bench, "licenses"), before);
}

#[tokio::test]
async fn a_second_order_of_one_id_is_refused_by_the_vendor_whatever_the_status() {
    for status in [400, 409] {
        let bench = bench(json!({"order_taken_status": status})).await;
        let objects = may_be_created("ord-7", json!({"items": items(2)}));
        let pass = bench.pass(&bench.check(&objects)).await;
        // Somebody makes the order between plan and write; the sandbox shows it nowhere but in its refusal.
        converged(&only_report(bench.apply(&objects).await));
        let report = only_report(
            bench
                .carry_out_alone(pass, entitle::model::Risk::Create)
                .await,
        );
        assert_eq!(
            report.outcome,
            Some(Outcome::Already),
            "{:?}",
            report.message
        );
        assert_eq!(list(&bench, "orders").len(), 4);
    }
}

#[tokio::test]
async fn a_feature_that_the_product_lacks_is_refused_or_left_out() {
    let unknown =
        json!([{"product_code": "mch", "licenses": [{"product_features": [{"code": "f99"}]}]}]);
    let objects = may_be_created("ord-7", json!({"items": unknown}));
    let strict = bench(json!({"unknown_feature": "refuse"})).await;
    let report = only_report(strict.apply(&objects).await);
    assert_eq!(report.outcome, Some(Outcome::Rejected));
    assert_eq!(list(&strict, "orders").len(), 3);
    // The vendor's note on its .NET library: an unknown code is passed over.
    let loose = bench(json!({"unknown_feature": "ignore"})).await;
    converged(&only_report(loose.apply(&objects).await));
}

#[tokio::test]
async fn what_the_list_does_not_show_is_not_taken_for_empty() {
    for (rows, is_known) in [("whole", true), ("short", false)] {
        let bench = bench(json!({"order_rows": rows})).await;
        let objects = [order(
            "ord-2020-07-2",
            json!({"campaign_params": "utm_source=crm"}),
        )];
        let report = only_report(bench.apply(&objects).await);
        let unseen = report
            .planned
            .changes
            .iter()
            .filter_map(|change| change.note.as_ref());
        assert_eq!(unseen.count() == 0, is_known);
        let order = list(&bench, "orders").remove(1);
        assert_eq!(order["campaign_params"], "utm_source=crm");
    }
}
