//! Time between plan and apply: what changed at the vendor meanwhile is not overwritten.

use entitle::apply::Outcome;
use entitle::provider::semantics::WriteMode;
use jiff::{SignedDuration, Timestamp};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, converged, only_report};
use crate::support::paths;
use crate::support::pure;

for_every_vendor!(
    an_old_plan_is_checked_by_one_more_look,
    what_changed_after_an_old_plan_is_not_overwritten,
    what_somebody_else_has_done_meanwhile_is_not_done_again,
    what_went_away_after_an_old_plan_is_stale,
);

fn later() -> Timestamp {
    pure::now() + SignedDuration::from_secs(60)
}

/// Whether a write of this vendor replaces more than it manages.
fn replaces(vendor: &Vendor) -> bool {
    vendor.provider().semantics().write != WriteMode::Merge
}

async fn an_old_plan_is_checked_by_one_more_look(vendor: &'static Vendor) {
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    let reads = bench.reads().len();
    bench.sandbox.forget_requests();
    bench.clock = later;
    converged(&only_report(bench.carry_out(pass).await));
    let requests = bench.sandbox.requests();
    let looks = requests
        .iter()
        .take_while(|seen| seen.method == "GET")
        .count();
    assert_eq!(looks, if replaces(vendor) { reads } else { 0 });
    assert_eq!(bench.writes().len(), 1);
}

async fn what_changed_after_an_old_plan_is_not_overwritten(vendor: &'static Vendor) {
    if !replaces(vendor) {
        return;
    }
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    // Somebody else changes a field that the manifest does not manage and the write would carry along.
    let mut account = vendor.state(&bench);
    let object = account.pointer_mut(&(vendor.place)(0)).expect("there");
    let (path, value) = (vendor.elsewhere)();
    paths::set(vendor.table(), object, path, &value);
    vendor.load(&bench, account.clone());
    let before = vendor.state(&bench);
    bench.clock = later;
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
    assert_eq!(vendor.state(&bench), before);
}

async fn what_somebody_else_has_done_meanwhile_is_not_done_again(vendor: &'static Vendor) {
    if !replaces(vendor) {
        return;
    }
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let checked = bench.check(&[vendor.little(0, true)]);
    let pass = bench.pass(&checked).await;
    converged(&only_report(
        bench.carry_out(bench.pass(&checked).await).await,
    ));
    bench.sandbox.forget_requests();
    bench.clock = later;
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(
        report.outcome,
        Some(Outcome::Already),
        "{:?}",
        report.message
    );
    assert_eq!(bench.writes(), [""; 0]);
}

async fn what_went_away_after_an_old_plan_is_stale(vendor: &'static Vendor) {
    if !replaces(vendor) {
        return;
    }
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(4));
    let pass = bench.pass(&bench.check(&[vendor.little(3, true)])).await;
    vendor.load(&bench, (vendor.account)(3));
    bench.clock = later;
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
}
