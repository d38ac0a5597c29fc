//! Objects that refer to others in the daemon: created in their order, held back together, and read without a write
//! where only the dependent is due.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use entitle::manifest::ReadLimits;
use entitle::model::AccountKey;
use entitle::reconcile::{self, CheckOptions, Checked, IncrementalLoader, KeptAccounts};
use serde_json::json;

use super::{RESYNC, TestDaemon, watch_rules};
use crate::lifecycle::kinds::customer_with_order;
use crate::support::bench::{Bench, Object};
use crate::support::proxy::{Canned, Spoil};

fn objects() -> Vec<Object> {
    customer_with_order(1).map(|(_, object)| object).into()
}

#[tokio::test]
async fn a_customer_and_its_order_are_created_in_one_pass_and_then_looked_after() {
    let bench = Bench::new().await;
    let watched = TestDaemon::start(bench, objects(), watch_rules(RunMode::Sync)).await;
    let created = ["POST /lac/customers", "POST /lac/license-orders"];
    assert_eq!(watched.bench.writes(), created);
    assert_eq!(watched.object_states(), [ObjectState::InSync; 2]);
    watched.bench.sandbox.forget_requests();
    // The order alone is due: its customer is read for the id, and not written.
    let mut changed = objects();
    changed[1].desired["activations_allowed"] = json!(30);
    watched.save_manifests(changed).await;
    let bench = &watched.bench;
    watched.wait_until(|_| !bench.writes().is_empty()).await;
    watched.wait_until_idle().await;
    let writes = watched.bench.writes();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(
        writes[0].starts_with("PATCH /lac/license-orders/"),
        "{writes:?}"
    );
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync; 2]);
    assert_eq!(watched.bench.writes().len(), 1);
    watched.stop().await;
}

#[tokio::test]
async fn an_order_waits_for_a_customer_that_is_held_back_and_goes_once_it_is_there() {
    let is_first = AtomicBool::new(true);
    let bench = Bench::spoiled(move |_, passed| {
        let is_creation = passed.name.starts_with("POST ") && passed.name.contains("/customers");
        let canned = Canned::new(422, "application/json", r#"{"message":"no such name"}"#);
        let spoils = is_creation && is_first.swap(false, Ordering::Relaxed);
        spoils.then(|| Spoil::Instead(canned))
    })
    .await;
    let watched = TestDaemon::start(bench, objects(), watch_rules(RunMode::Sync)).await;
    assert_eq!(watched.object(0).state, ObjectState::Failed);
    watched.advance(RESYNC * 2).await;
    let order = watched.object(1);
    assert_eq!(order.state, ObjectState::Waiting, "{:?}", order.message);
    assert_eq!(
        order.message.as_deref(),
        Some("waiting for LacCustomer/locks-1, which is held back")
    );
    // The first try was answered in the simulator's place, and there is no other in vain.
    assert_eq!(watched.bench.writes(), [""; 0]);
    // Another name is another try, and the order follows in the same pass or the next.
    let mut changed = objects();
    changed[0].desired["name"] = json!("Locks and Weirs");
    watched.save_manifests(changed).await;
    watched
        .wait_until(|s| s.objects.iter().all(|one| one.state == ObjectState::InSync))
        .await;
    let writes = watched.bench.writes();
    assert_eq!(writes, ["POST /lac/customers", "POST /lac/license-orders"]);
    watched.stop().await;
}

const CONNECTION: &str = "
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec: {vendor: lac, baseUrl: https://lac.example.com, auth: {token: {env: LAC_TOKEN}}}
";

/// A replica that keeps no account: of each object it has an outline alone.
#[test]
fn a_replica_checks_and_claims_objects_with_references_by_their_outlines() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(format!("{name}.yaml"));
        std::fs::write(path, text).expect("writable");
    };
    let [customer, order] = customer_with_order(1).map(|(_, object)| object);
    write("c", CONNECTION);
    write("customer", &customer.text());
    write("order", &order.text());
    let paths = [dir.path().to_path_buf()];
    let load = |kept: &KeptAccounts| -> Checked {
        let mut loader = IncrementalLoader::default();
        let limits = ReadLimits::default();
        let manifests = loader.load(&paths, &limits, SystemTime::now(), None, kept);
        loader.check(manifests, &CheckOptions::default(), kept)
    };
    let none = KeptAccounts::Only(BTreeSet::<AccountKey>::new());
    let outlined = load(&none);
    assert!(outlined.desired.is_empty(), "{:?}", outlined.findings);
    let referents = { outlined.outlines.iter() }
        .flat_map(|outline| outline.references.iter())
        .map(|reference| reference.referent.to_string());
    assert_eq!(referents.collect::<Vec<_>>(), ["LacCustomer/locks-1"]);
    // Once it has the account it has the objects as a loader that keeps all reads them.
    let reloaded = reconcile::reload_objects(&outlined.outlines);
    let whole = load(&KeptAccounts::All);
    assert_eq!(format!("{reloaded:?}"), format!("{:?}", whole.desired));
    // What is wrong with a reference is found without the object, in the same words and places.
    write("customer", &customer.text().replace("locks-1", "locks-9"));
    let found = |checked: &Checked| format!("{:?}", checked.findings);
    let by_outline = found(&load(&none));
    assert!(by_outline.contains("LacCustomer/locks-1"), "{by_outline}");
    assert_eq!(by_outline, found(&load(&KeptAccounts::All)));
}
