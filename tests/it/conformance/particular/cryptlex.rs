//! Cryptlex: names of groups, long lists, keys that are secrets.

use entitle::apply::Outcome;
use entitle::plan::Disposition;
use serde_json::{Value as Json, json};

use crate::conformance::vendors::cryptlex::VENDOR;
use crate::support::bench::{Bench, in_sync, only_report};
use crate::support::pure;

#[tokio::test]
async fn names_of_groups_are_resolved_and_unknown_ones_are_errors() {
    let vendor = &VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let by_name = |names: Json| vendor.object(0, json!({"userGroups": names}));
    in_sync(
        &bench
            .plan(&[by_name(json!(["Field sales", "Engineering"]))])
            .await[0],
    );
    let objects = [by_name(json!(["Support"]))];
    assert_eq!(bench.round(&objects).await, ["userGroupIds"]);
    let state = vendor.state(&bench);
    let held = &vendor.stored(&state, 0)["userGroupIds"];
    assert_eq!(held, &json!(["a4f8d1b0-1111-4c22-8f33-000000000002"]));

    let planned = bench.plan(&[by_name(json!(["Suport"]))]).await;
    let message = planned[0].message.clone().unwrap_or_default();
    assert_eq!(planned[0].action, Disposition::Error);
    assert!(
        message.contains("no user group named \"Suport\""),
        "{message}"
    );
    assert!(message.contains("did you mean \"Support\"?"), "{message}");

    let both = vendor.object(0, json!({"userGroups": ["Support"], "userGroupIds": ["x"]}));
    let findings = bench.findings(&[both]).findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["conflict"]);
}

#[tokio::test]
async fn groups_that_joined_meanwhile_are_kept_where_unlisted_ones_are() {
    let vendor = &VENDOR;
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let group = |n: usize| format!("a4f8d1b0-1111-4c22-8f33-{n:012}");
    let object = vendor
        .object(0, json!({"userGroupIds": [group(2)]}))
        .policy(json!({"keepUnlisted": ["userGroupIds"]}));
    let pass = bench.pass(&bench.check(&[object])).await;
    let mut account = vendor.state(&bench);
    let held = &mut account["organizations"][0]["licenses"][0]["userGroupIds"];
    held.as_array_mut().expect("a list").push(json!(group(3)));
    vendor.load(&bench, account);
    bench.clock = || pure::now() + jiff::SignedDuration::from_mins(5);
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
}

#[tokio::test]
async fn two_thousand_licences_cost_their_pages_and_no_refusal() {
    let vendor = &VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(2_000));
    let strict = bench
        .sandbox
        .set_switches(vendor.name, json!({"rate_limit": true}));
    strict.expect("a switch of the simulator");
    let objects: Vec<_> = (0..2_000).map(|n| vendor.little(n, false)).collect();
    for planned in &bench.plan(&objects).await {
        in_sync(planned);
    }
    assert_eq!(bench.reads().len(), 20, "{:#?}", bench.reads());
}

#[tokio::test]
async fn keys_of_licences_reach_nothing() {
    let vendor = &VENDOR;
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let document = serde_json::to_string(&pass.document).expect("JSON");
    assert!(!document.contains("SECRET"), "{document}");
    let reports = bench.carry_out(pass).await;
    assert!(!format!("{reports:?}").contains("SECRET"));
}
