//! LAC: lists that are merged, and customers beside the orders that belong to them.

use entitle::apply::Outcome;
use serde_json::json;

use crate::conformance::vendors::{account_of_all_kinds, lac, lac_customer::VENDOR};
use crate::support::bench::{Bench, converged, in_sync, only_report};

/// A bench whose simulator merges the lists of a customer.
async fn merging() -> Bench {
    let bench = Bench::new().await;
    VENDOR.load(&bench, (VENDOR.account)(3));
    let switches = json!({"patched_lists": "merge"});
    let set = bench.sandbox.set_switches(VENDOR.name, switches);
    set.expect("a switch");
    bench
}

#[tokio::test]
async fn rows_come_and_change_where_lists_are_merged() {
    let bench = merging().await;
    let mut object = VENDOR.whole();
    object.desired["Contacts"][0]["name"] = json!("J. Taylor");
    let contact = json!({"name": "Ada Ferry", "email": "aferry@test.x-formation.com"});
    let contacts = object.desired["Contacts"].as_array_mut();
    contacts.expect("a list").push(contact);
    let changed = bench.round(&[object]).await;
    assert_eq!(changed.len(), 2, "{changed:?}");
}

#[tokio::test]
async fn a_row_that_is_merged_and_does_not_go_did_not_converge() {
    let bench = merging().await;
    let mut object = VENDOR.whole();
    object.desired["CustomTags"] = json!([{"tag_name": "crm_id", "value": "C-1"}]);
    let report = only_report(bench.apply(&[object]).await);
    assert_eq!(report.outcome, Some(Outcome::Unconverged));
    let message = report.message.unwrap_or_default();
    assert!(message.contains("CustomTags[region]"), "{message}");
    assert_eq!(bench.writes().len(), 1);
}

#[tokio::test]
async fn an_empty_row_is_sent_with_both_members() {
    let bench = Bench::new().await;
    let mut account = (VENDOR.account)(3);
    account["customers"][0]["CustomTags"][1]["value"] = json!(null);
    VENDOR.load(&bench, account);
    let report = only_report(bench.apply(&[VENDOR.little(0, true)]).await);
    converged(&report);
    let state = VENDOR.state(&bench);
    assert_eq!(VENDOR.stored(&state, 0)["CustomTags"][1]["value"], "");
}

#[tokio::test]
async fn customers_and_their_orders_are_read_by_one_list_of_customers() {
    let bench = Bench::new().await;
    let mut account = account_of_all_kinds(VENDOR.name, 120);
    for number in 0..120 {
        account["license_orders"][number]["customer_id"] = json!(number + 1);
    }
    VENDOR.load(&bench, account);
    let orders = (0..120).map(|number| {
        let mut order = lac::VENDOR.little(number, false);
        order.name = format!("order-{number:04}");
        order.desired["customer_id"] = json!(number + 1);
        order
    });
    let customers = (0..120).map(|number| VENDOR.little(number, false));
    let objects: Vec<_> = orders.chain(customers).collect();
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
    let reads = bench.reads();
    let of_customers = reads.iter().filter(|call| call.contains("/customers"));
    // Two pages with all customers, and one that shows the end.
    assert_eq!(of_customers.count(), 3, "{reads:#?}");
    assert_eq!(reads.len(), 3 + 2, "{reads:#?}");
}

#[tokio::test]
async fn a_customer_is_renamed_while_its_orders_are_written() {
    let bench = Bench::new().await;
    VENDOR.load(&bench, account_of_all_kinds(VENDOR.name, 3));
    let mut customer = VENDOR.whole();
    customer.desired["name"] = json!("Customer One");
    let mut order = lac::VENDOR.little(0, true);
    order.name = "order".into();
    let objects = [customer, order];
    for report in bench.apply(&objects).await {
        converged(&report);
    }
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
}
