//! Customers of LAC that a custom tag names, and orders that a marker names, over real HTTP: created at most once, found
//! again, and kept.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use futures::{StreamExt, stream};
use serde_json::{Value as Json, json};

use super::support::bench::{Bench, Object, converged, in_sync, only_report};
use super::support::proxy::{Canned, Spoil};

const VALUE: &str = "C-4711";

fn rivers() -> Object {
    let ids = json!({"customTag": {"tag_name": "custom_tag_1", "value": VALUE}});
    let desired = json!({"name": "Rivers Inc", "city": "Shortport"});
    Object::new("LacCustomer", "rivers", ids, desired).policy(json!({"create": true}))
}

/// Returns the customers that have the tag.
fn tagged(bench: &Bench) -> Vec<Json> {
    let account = bench.sandbox.state("lac").expect("an account");
    let customers = account["customers"].as_array().cloned().unwrap_or_default();
    let is_tagged = |customer: &Json| {
        let tags = customer["CustomTags"].as_array();
        let mut tags = tags.into_iter().flatten();
        tags.any(|tag| tag["tag_name"] == "custom_tag_1" && tag["value"] == VALUE)
    };
    customers.into_iter().filter(is_tagged).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_created_with_its_tag_and_then_kept_as_any_other() {
    let bench = Bench::new().await;
    let report = only_report(bench.apply(&[rivers()]).await);
    converged(&report);
    assert_eq!(report.planned.action, Disposition::Create);
    assert_eq!(bench.writes(), ["POST /lac/customers"]);
    let made = tagged(&bench);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["name"], "Rivers Inc");
    in_sync(&bench.plan(&[rivers()]).await[0]);

    let mut moved = rivers();
    moved.desired["city"] = json!("Longport");
    bench.sandbox.forget_requests();
    converged(&only_report(bench.apply(&[moved]).await));
    let id = made[0]["id"].as_str().expect("an id");
    assert_eq!(bench.writes(), [format!("PATCH /lac/customers/{id}")]);
    let kept = tagged(&bench);
    assert_eq!((kept.len(), &kept[0]["city"]), (1, &json!("Longport")));
}

const SPOILS: [fn() -> Spoil; 5] = [
    || Spoil::Instead(canned(500)),
    || Spoil::After(canned(500)),
    || Spoil::CutBefore,
    || Spoil::CutAfter,
    || Spoil::CutShort,
];

fn canned(status: u16) -> Canned {
    Canned::new(status, "application/json", r#"{"message":"spoiled"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_call_at_most_one_customer_is_made() {
    let calls = {
        let bench = Bench::spoiled(|_, _| None).await;
        converged(&only_report(bench.apply(&[rivers()]).await));
        bench.passed().len()
    };
    let rounds = (0..calls).flat_map(|at| SPOILS.map(|spoil| (at, spoil)));
    let all = stream::iter(rounds).for_each_concurrent(16, |(at, spoil)| async move {
        let bench = Bench::spoiled(move |number, _| (number == at).then(spoil)).await;
        let report = only_report(bench.apply(&[rivers()]).await);
        let what = format!("call {at}: {:?}", report.message);
        assert!(tagged(&bench).len() <= 1, "{what}");
        let again = only_report(bench.apply(&[rivers()]).await);
        assert!(
            matches!(again.outcome, None | Some(Outcome::Converged)),
            "{what}; {:?}",
            again.message
        );
        assert_eq!(tagged(&bench).len(), 1, "{what}");
    });
    all.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_of_one_tag_are_told_with_both_ids() {
    let bench = Bench::new().await;
    let mut account = bench.sandbox.state("lac").expect("an account");
    let customers = account["customers"].as_array_mut().expect("customers");
    let ids: Vec<Json> = customers
        .iter()
        .take(2)
        .map(|one| one["id"].clone())
        .collect();
    for customer in customers.iter_mut().take(2) {
        customer["CustomTags"] = json!([{"tag_name": "custom_tag_1", "value": VALUE}]);
    }
    bench.sandbox.set_state("lac", account).expect("an account");
    let planned = bench.plan(&[rivers()]).await;
    let message = planned[0].message.clone().unwrap_or_default();
    assert_eq!(planned[0].action, Disposition::Error, "{message}");
    for id in ids {
        let id = id.to_string();
        assert!(message.contains(id.trim_matches('"')), "{message}");
    }
    assert!(bench.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_tags_that_lack_the_key_are_refused_offline() {
    let bench = Bench::new().await;
    let mut object = rivers();
    object.desired["CustomTags"] = json!([{"tag_name": "custom_tag_1", "value": "C-1"}]);
    let messages = |object: &Object| -> Vec<String> {
        let checked = bench.findings(std::slice::from_ref(object));
        let findings = checked.findings.iter();
        findings.map(|finding| finding.message.clone()).collect()
    };
    let expected = "the customer is named by the custom tag \"custom_tag_1\" with the value \"C-4711\", which \
                    `CustomTags` lacks";
    assert_eq!(messages(&object), [expected]);
    object.desired["CustomTags"] = json!([
        {"tag_name": "custom_tag_1", "value": VALUE},
        {"tag_name": "custom_tag_2", "value": "Idaho"},
    ]);
    assert_eq!(messages(&object), [""; 0]);
    converged(&only_report(bench.apply(&[object]).await));
    assert_eq!(tagged(&bench).len(), 1);
}

/// An order of the seed's first customer, named by a marker.
fn floating() -> Object {
    let feature = json!({
        "name": "Base", "version": "1.0", "expiration_type": "no_expiration", "issued_type": "not_issued",
        "maintenance_type": "no_maintenance", "count": 25, "enabled": true,
    });
    let desired = json!({
        "product_template_id": 1, "license_type": "network", "licensee_type": "customer",
        "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 25, "enabled": true, "removal": false,
        "Hostids": [{"name": "Hostname", "min_amount": 1, "max_amount": 1}], "Features": [feature],
    });
    let ids = json!({"order": {"customer_id": 1, "marker": "floating-2026"}});
    Object::new("LacLicenseOrder", "floating", ids, desired).policy(json!({"create": true}))
}

/// Returns the orders that have the marker.
fn marked(bench: &Bench) -> Vec<Json> {
    let account = bench.sandbox.state("lac").expect("an account");
    let orders = account["license_orders"].as_array().cloned();
    let is_marked = |order: &Json| {
        let description = order["description"].as_str();
        description.is_some_and(|text| text.contains("[floating-2026]"))
    };
    orders
        .unwrap_or_default()
        .into_iter()
        .filter(is_marked)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_created_with_its_marker_and_then_kept_as_any_other() {
    let bench = Bench::new().await;
    let report = only_report(bench.apply(&[floating()]).await);
    converged(&report);
    assert_eq!(bench.writes(), ["POST /lac/license-orders"]);
    assert_eq!(marked(&bench).len(), 1);
    in_sync(&bench.plan(&[floating()]).await[0]);

    let mut more = floating();
    more.desired["activations_allowed"] = json!(30);
    more.desired["description"] = json!("Floating licences [floating-2026]");
    bench.sandbox.forget_requests();
    converged(&only_report(bench.apply(&[more]).await));
    let writes = bench.writes();
    assert!(
        writes.len() == 1 && writes[0].starts_with("PATCH /lac/license-orders/"),
        "{writes:?}"
    );
    assert_eq!(marked(&bench).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_call_at_most_one_order_is_made() {
    let calls = {
        let bench = Bench::spoiled(|_, _| None).await;
        converged(&only_report(bench.apply(&[floating()]).await));
        bench.passed().len()
    };
    let rounds = (0..calls).flat_map(|at| SPOILS.map(|spoil| (at, spoil)));
    let all = stream::iter(rounds).for_each_concurrent(16, |(at, spoil)| async move {
        let bench = Bench::spoiled(move |number, _| (number == at).then(spoil)).await;
        let report = only_report(bench.apply(&[floating()]).await);
        let what = format!("call {at}: {:?}", report.message);
        assert!(marked(&bench).len() <= 1, "{what}");
        let again = only_report(bench.apply(&[floating()]).await);
        assert!(
            matches!(again.outcome, None | Some(Outcome::Converged)),
            "{what}; {:?}",
            again.message
        );
        assert_eq!(marked(&bench).len(), 1, "{what}");
    });
    all.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_hide_an_order_from_its_next_run_is_refused_offline() {
    let bench = Bench::new().await;
    let messages = |object: Object| -> Vec<String> {
        let checked = bench.findings(&[object]);
        let findings = checked.findings.iter();
        findings.map(|finding| finding.message.clone()).collect()
    };
    let mut object = floating();
    object.desired["description"] = json!("Floating licences");
    let expected = "the order is named by the marker \"floating-2026\", which `description` lacks";
    assert_eq!(messages(object), [expected]);
    let mut object = floating();
    object.desired["customer_id"] = json!(2);
    let expected = "the order is named by customer 1, and `customer_id` is another";
    assert_eq!(messages(object), [expected]);
    let mut object = floating();
    object.desired["Features"][0]
        .as_object_mut()
        .expect("a feature")
        .remove("enabled");
    let expected = "`Features[Base 1.0].enabled` is required to create a LacLicenseOrder";
    assert_eq!(messages(object), [expected]);
}
