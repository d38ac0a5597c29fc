//! Time between plan and apply: what changed at the vendor meanwhile is not overwritten.

use std::sync::Arc;
use std::time::Duration;

use entitle::apply::Outcome;
use entitle::model::Echo;
use entitle::model::{Verify, WriteChecks};
use jiff::{SignedDuration, Timestamp};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, converged, only_report};
use crate::support::paths;
use crate::support::proxy::Spoil;
use crate::support::pure;

for_every_vendor!(
    a_write_that_replaces_is_read_right_before_unless_the_read_is_trusted,
    what_changed_right_before_a_write_is_not_overwritten,
    a_reply_that_is_not_true_is_found_out_by_reading,
    what_changed_after_an_old_plan_is_not_overwritten,
    what_somebody_else_has_done_meanwhile_is_not_done_again,
    what_went_away_after_an_old_plan_is_stale,
);

fn later() -> Timestamp {
    pure::now() + SignedDuration::from_secs(60)
}

/// Whether a write of this vendor replaces more than it manages.
fn replaces(vendor: &Vendor) -> bool {
    vendor.carries_along()
}

async fn a_write_that_replaces_is_read_right_before_unless_the_read_is_trusted(
    vendor: &'static Vendor,
) {
    let trust = Duration::from_secs(10);
    let soon = pure::now as fn() -> Timestamp;
    for (trust_reads, clock, again) in [
        (Duration::ZERO, soon, true),
        (trust, soon, false),
        (trust, later, true),
    ] {
        let mut bench = Bench::new().await;
        bench.checks.trust_reads = trust_reads;
        vendor.load(&bench, (vendor.account)(3));
        let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
        let reads = bench.reads().len();
        bench.sandbox.forget_requests();
        bench.clock = clock;
        converged(&only_report(bench.carry_out(pass).await));
        let requests = bench.sandbox.requests();
        let looks = requests.iter().take_while(|seen| seen.method == "GET");
        let expected = if replaces(vendor) && again { reads } else { 0 };
        assert_eq!(looks.count(), expected, "{trust_reads:?}");
        assert_eq!(bench.writes().len(), 1);
    }
}

/// Somebody else changes a field that the manifest does not manage and the write would carry along.
fn edit_elsewhere(vendor: &Vendor, bench: &Bench) {
    let mut account = vendor.state(bench);
    let object = account.pointer_mut(&(vendor.place)(0)).expect("there");
    let (path, value) = (vendor.elsewhere)();
    paths::set(vendor.table(), object, path, &value);
    vendor.load(bench, account);
}

async fn what_changed_right_before_a_write_is_not_overwritten(vendor: &'static Vendor) {
    if !replaces(vendor) {
        return;
    }
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    edit_elsewhere(vendor, &bench);
    let before = vendor.state(&bench);
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Stale), "{:?}", report.message);
    assert_eq!(bench.writes(), [""; 0]);
    assert_eq!(vendor.state(&bench), before);
}

async fn a_reply_that_is_not_true_is_found_out_by_reading(vendor: &'static Vendor) {
    let whole = vendor.resource().table().calls[0].echo == Echo::Whole;
    for (verify, believed) in [(Verify::Echo, whole), (Verify::Read, false)] {
        let mut bench = Bench::new().await;
        bench.checks = WriteChecks {
            verify,
            settle: Duration::from_millis(1),
            ..bench.checks
        };
        vendor.load(&bench, (vendor.account)(3));
        let before = vendor.state(&bench);
        let sandbox = Arc::clone(&bench.sandbox);
        // The vendor says what it would have done, and nothing comes of it.
        bench
            .spoil(move |_, passed| {
                let (sandbox, before) = (Arc::clone(&sandbox), before.clone());
                let undo = move || {
                    let undone = sandbox.set_state(vendor.name, before);
                    undone.expect("it was an account before");
                };
                passed.is_write().then(|| Spoil::Meanwhile(Box::new(undo)))
            })
            .await;
        let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
        let outcome = if believed {
            Outcome::Converged
        } else {
            Outcome::Unconverged
        };
        assert_eq!(report.outcome, Some(outcome), "{:?}", report.message);
    }
}

async fn what_changed_after_an_old_plan_is_not_overwritten(vendor: &'static Vendor) {
    if !replaces(vendor) {
        return;
    }
    let mut bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let pass = bench.pass(&bench.check(&[vendor.little(0, true)])).await;
    edit_elsewhere(vendor, &bench);
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
