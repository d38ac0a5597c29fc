//! Exact numbers of requests.

use entitle::model::Verify;
use entitle::model::{Echo, WriteMode};

use super::vendors::{Vendor, for_every_vendor};
use crate::support::bench::{Bench, Object, converged, in_sync};

for_every_vendor!(
    reading_takes_exactly_the_calls_it_must,
    a_write_is_read_before_and_verified_by_its_echo_or_by_one_reading,
    writes_that_replace_share_a_reading_where_one_call_shows_many,
    one_session_serves_a_whole_run,
);

async fn reading_takes_exactly_the_calls_it_must(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    for reads in (vendor.reads)() {
        vendor.load(&bench, reads.account);
        let objects: Vec<Object> = reads
            .objects
            .into_iter()
            .enumerate()
            .map(|(n, (ids, desired))| Object::new(vendor.kind, &format!("o{n}"), ids, desired))
            .collect();
        for planned in &bench.plan(&objects).await {
            in_sync(planned);
        }
        let calls = bench.reads();
        assert_eq!(calls.len(), reads.calls, "{}: {calls:#?}", reads.what);
        assert_eq!(bench.writes(), [""; 0]);
    }
}

/// The read calls that show one object.
fn reads_of_one(vendor: &Vendor) -> usize {
    let first = (vendor.reads)().swap_remove(0);
    assert_eq!(
        first.objects.len(),
        1,
        "the first count is that of one object"
    );
    first.calls
}

async fn a_write_is_read_before_and_verified_by_its_echo_or_by_one_reading(
    vendor: &'static Vendor,
) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(20));
    let objects: Vec<Object> = (0..20)
        .map(|n| vendor.little(n, n == 7 || n == 9))
        .collect();
    let pass = bench.pass(&bench.check(&objects)).await;
    bench.sandbox.forget_requests();
    let reports = bench.carry_out(pass).await;
    converged(&reports[7]);
    converged(&reports[9]);
    let call = vendor.resource().table().calls[0];
    let verification = match call.echo {
        Echo::Whole => 0,
        Echo::Nothing => 2 * reads_of_one(vendor),
    };
    let before = match vendor.carries_along() {
        false => 0,
        true => reads_of_one(vendor) * readings(vendor, 2),
    };
    assert_eq!(bench.writes().len(), 2);
    let reads = bench.reads();
    assert_eq!(reads.len(), before + verification, "{reads:#?}");
    assert_eq!(bench.logins(), [""; 0], "the session of the plan goes on");
}

/// The readings that so many steps of the same moment make.
fn readings(vendor: &Vendor, steps: usize) -> usize {
    steps.div_ceil(vendor.resource().ids_per_read())
}

async fn writes_that_replace_share_a_reading_where_one_call_shows_many(vendor: &'static Vendor) {
    if vendor.resource().table().calls[0].mode == WriteMode::Merge {
        return;
    }
    let mut bench = Bench::new().await;
    bench.checks.verify = Verify::Echo;
    vendor.load(&bench, (vendor.account)(40));
    let objects: Vec<Object> = (0..40).map(|n| vendor.little(n, true)).collect();
    let pass = bench.pass(&bench.check(&objects)).await;
    bench.sandbox.forget_requests();
    bench.carry_out(pass).await.iter().for_each(converged);
    let reads = bench.reads().len();
    let apart = 40 * reads_of_one(vendor);
    match vendor.resource().ids_per_read() {
        // Ten at once, and those whose turn comes while others are read wait for the next reading.
        100 => assert!(reads <= 20, "{reads} readings of 40 objects"),
        _ => assert!(reads >= apart, "{reads}"),
    }
}

async fn one_session_serves_a_whole_run(vendor: &'static Vendor) {
    let bench = Bench::new().await;
    vendor.load(&bench, (vendor.account)(20));
    let objects: Vec<Object> = (0..20).map(|n| vendor.little(n, true)).collect();
    for report in bench.apply(&objects).await {
        converged(&report);
    }
    assert!(bench.logins().len() <= 1, "{:?}", bench.logins());
}
