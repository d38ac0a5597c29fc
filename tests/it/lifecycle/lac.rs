//! Customers of LAC that a custom tag names, and orders that a marker names: what is particular about these keys.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use super::kinds::ALL;
use crate::support::bench::{Bench, Object, in_sync, only_report};
use crate::support::program::Workspace;

const VALUE: &str = "C-4711";

fn rivers() -> Object {
    let ids = json!({"customTag": {"tag_name": "custom_tag_1", "value": VALUE}});
    let desired = json!({"name": "Rivers Inc", "city": "Shortport"});
    Object::new("LacCustomer", "rivers", ids, desired).policy(json!({"create": true}))
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
    let expected = "the customer is named by the custom tag \"custom_tag_1\" with the value \"C-4711\", which \
                    `CustomTags` lacks";
    assert_eq!(messages(&bench, object.clone()), [expected]);
    object.desired["CustomTags"] = json!([
        {"tag_name": "custom_tag_1", "value": VALUE},
        {"tag_name": "custom_tag_2", "value": "Idaho"},
    ]);
    assert_eq!(messages(&bench, object), [""; 0]);
}

/// An order that a marker names, and that may be created.
fn floating() -> Object {
    let mut kinds = ALL.iter().filter(|kind| kind.name == "LacLicenseOrder");
    let order = kinds.next().and_then(|kind| kind.permitted(2026));
    order.expect("a kind that is created")
}

fn messages(bench: &Bench, object: Object) -> Vec<String> {
    let checked = bench.findings(&[object]);
    let findings = checked.findings.iter();
    findings.map(|finding| finding.message.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_hide_an_order_from_its_next_run_is_refused_offline() {
    let bench = Bench::new().await;
    let mut object = floating();
    object.desired["description"] = json!("Floating licences");
    let expected = "the order is named by the marker \"floating-2026\", which `description` lacks";
    assert_eq!(messages(&bench, object), [expected]);
    let mut object = floating();
    object.desired["customer_id"] = json!(2);
    let expected = "`customer_id` differs from the \"1\" by which `order` names the object";
    assert_eq!(messages(&bench, object), [expected]);
    let mut object = floating();
    object.desired["Features"][0]
        .as_object_mut()
        .expect("a feature")
        .remove("enabled");
    let expected = "`Features[Base 1.0].enabled` is required to create a LacLicenseOrder";
    assert_eq!(messages(&bench, object), [expected]);
}

/// Whether an order takes over what its template has is not known: the plan says so, and sends none of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_creation_shows_what_the_template_has_and_converges_whatever_becomes_of_it() {
    for defaults in ["nothing", "template"] {
        let bench = Bench::new().await;
        let switches = json!({"created_defaults": defaults});
        let set = bench.sandbox.set_switches("lac", switches);
        set.expect("switches of the simulator");
        let mut account = bench.sandbox.state("lac").expect("an account");
        account["product_templates"][0]["deactivations_allowed"] = json!("2");
        bench.sandbox.set_state("lac", account).expect("an account");
        let pass = bench.pass(&bench.check(&[floating()])).await;
        let note = pass.planned[0].message.clone().unwrap_or_default();
        assert!(
            note.starts_with("template 1: deactivations_allowed: 2; not in"),
            "{note}"
        );
        let report = only_report(bench.carry_out(pass).await);
        assert_eq!(
            report.outcome,
            Some(Outcome::Converged),
            "{:?}",
            report.message
        );
        let reads = bench.reads();
        let catalogue = reads
            .iter()
            .filter(|call| call.contains("/products"))
            .count();
        assert_eq!(catalogue, 2, "the steps read no template: {reads:?}");
        in_sync(&bench.plan(&[floating()]).await[0]);
        let order = bench.sandbox.state("lac").expect("an account");
        let orders = order["license_orders"].as_array().into_iter().flatten();
        let made = orders.last().expect("the order")["deactivations_allowed"].clone();
        assert_eq!(made == json!(2), defaults == "template", "{made}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tag_or_a_marker_names_has_a_manifest() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    for object in [rivers(), floating()] {
        workspace.write(&format!("{}.yaml", object.name), &object.text());
    }
    let applied = workspace.run(&["apply", ".", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let lists = workspace.run(&["unmanaged", "--format", "json"]).json();
    let managed = ["LacLicenseOrder", "LacCustomer"].map(|kind| {
        let mut lists = lists["connections"].as_array().into_iter().flatten();
        let list = lists.find(|list| list["kind"] == kind).expect("a list");
        assert!(list["unmanaged"].as_u64() > Some(0), "{list}");
        list["managed"].clone()
    });
    assert_eq!(managed, [json!(1), json!(1)]);
}
