//! A round: plan, apply, and a second plan that finds nothing to do.

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, converged, in_sync, only_report, paths};
use entitle::apply::Outcome;

for_every_vendor!(
    a_manifest_in_sync_is_read_and_not_written,
    an_object_is_written_once,
    many_objects_are_written_once_each,
    two_applies_at_once_write_the_same,
);

async fn a_manifest_in_sync_is_read_and_not_written(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    for object in [vendor.whole(), vendor.little(1, false)] {
        let pass = bench.pass(&bench.check(&[object])).await;
        in_sync(&pass.planned[0]);
        let report = only_report(bench.carry_out(pass).await);
        assert_eq!(report.outcome, None, "{:?}", report.message);
    }
    assert_eq!(bench.writes(), [""; 0]);
    assert_eq!(before, vendor.state(&bench));
}

async fn an_object_is_written_once(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let (path, _) = (vendor.change)();
    let checked = bench.check(&[vendor.little(0, true)]);

    let pass = bench.pass(&checked).await;
    assert_eq!(paths(&pass.planned[0]), [path]);
    assert_eq!(vendor.state(&bench), before, "a plan changes nothing");
    assert_eq!(bench.writes(), [""; 0]);
    let report = only_report(bench.carry_out(pass).await);
    converged(&report);
    assert_eq!(bench.writes().len(), 1, "{:?}", bench.writes());
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);

    bench.sandbox.forget_requests();
    let again = bench.pass(&checked).await;
    in_sync(&again.planned[0]);
    let report = only_report(bench.carry_out(again).await);
    assert_eq!(report.outcome, None);
    assert_eq!(bench.writes(), [""; 0]);
}

async fn many_objects_are_written_once_each(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(20));
    // Every third is in sync already.
    let objects: Vec<_> = (0..20).map(|n| vendor.little(n, n % 3 != 0)).collect();
    let changed = (0..20).filter(|n| n % 3 != 0).count();
    let checked = bench.check(&objects);
    let reports = bench.carry_out(bench.pass(&checked).await).await;
    let addresses: Vec<String> = reports
        .iter()
        .map(|report| report.planned.desired.address.to_string())
        .collect();
    assert!(
        addresses.is_sorted(),
        "reports come in the order of the plan"
    );
    for report in reports.iter().filter(|r| !r.planned.changes.is_empty()) {
        converged(report);
    }
    let mut writes = bench.writes();
    assert_eq!(writes.len(), changed);
    writes.sort();
    writes.dedup();
    assert_eq!(writes.len(), changed, "an object was written twice");
    for planned in &bench.pass(&checked).await.planned {
        in_sync(planned);
    }
}

async fn two_applies_at_once_write_the_same(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let (path, _) = (vendor.change)();
    let objects = [vendor.little(0, true)];
    let (one, other) = tokio::join!(bench.apply(&objects), bench.apply(&objects));
    for report in one.into_iter().chain(other) {
        // The slower one may find its work done when it plans, or when it looks right before its write.
        if !matches!(report.outcome, None | Some(Outcome::Already)) {
            converged(&report);
        }
    }
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
    in_sync(&bench.plan(&objects).await[0]);
}
