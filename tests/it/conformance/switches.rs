//! What the vendors' pages leave open: the simulators can be turned to every reading, and a round must
//! converge under each.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object};
use crate::support::paths;

for_every_vendor!(
    no_switch_of_the_simulator_is_forgotten,
    a_round_converges_under_every_reading_of_the_pages,
);

async fn no_switch_of_the_simulator_is_forgotten(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    let switches = bench.sandbox.switches(vendor.name).expect("a simulator");
    let there: BTreeSet<&str> = switches
        .as_object()
        .into_iter()
        .flatten()
        .map(|(n, _)| n.as_str())
        .collect();
    let listed = (vendor.switches)();
    let known: BTreeSet<&str> = listed.iter().map(|switch| switch.name).collect();
    assert_eq!(known, there);
    for switch in &listed {
        let reasoned = switch.values.is_empty() != switch.unless.is_empty();
        assert!(reasoned, "{} has values or a reason for none", switch.name);
        for value in &switch.values {
            assert_ne!(
                *value, switches[switch.name],
                "{} is that by default",
                switch.name
            );
        }
    }
}

async fn a_round_converges_under_every_reading_of_the_pages(vendor: &'static Vendor) {
    for switch in (vendor.switches)() {
        for value in &switch.values {
            let bench = Bench::new().await;
            vendor.load(&bench, (vendor.account)(5));
            let set = bench
                .sandbox
                .set_switches(vendor.name, json!({switch.name: value}));
            set.unwrap_or_else(|why| panic!("{} to {value}: {why}", switch.name));
            standard_round(&bench, vendor, switch.name, value).await;
        }
    }
}

/// Elements come and go in every list of the first object while others change a little, and nothing else
/// moves in the account.
async fn standard_round(bench: &Bench, vendor: &'static Vendor, name: &str, value: &Json) {
    let before = vendor.state(bench);
    let mut desired = (vendor.full)();
    let mut touched = Vec::new();
    for (list, element) in (vendor.lists)() {
        let items = desired[list]
            .as_array_mut()
            .expect("a list of the full manifest");
        items.remove(0);
        items.push(element);
        touched.push(list);
    }
    // Where nothing is a list, something else changes.
    let (path, changed_value) = (vendor.change)();
    if touched.is_empty() {
        paths::set(vendor.table(), &mut desired, path, &changed_value);
        touched.push(path);
    }
    let first = vendor.object(0, desired);
    let others = (1..4).map(|n| vendor.little(n, n < 3));
    let objects: Vec<Object> = std::iter::once(first).chain(others).collect();
    let changed = bench.round(&objects).await;
    assert!(changed.len() >= 3, "{name} as {value}: {changed:?}");

    let mut after = vendor.state(bench);
    // One object after the other is put back as it was, once the rest of it has been compared.
    for (number, paths) in [(0, touched.as_slice()), (1, &[path][..]), (2, &[path][..])] {
        let mut other = before.clone();
        for later in number + 1..3 {
            let place = (vendor.place)(later);
            *other.pointer_mut(&place).expect("there") =
                after.pointer(&place).expect("there").clone();
        }
        vendor.rest_is_as_before(&other, &after, number, paths);
        let place = (vendor.place)(number);
        *after.pointer_mut(&place).expect("there") = before.pointer(&place).expect("there").clone();
    }
    assert_eq!(after, before, "{name} as {value}");
}
