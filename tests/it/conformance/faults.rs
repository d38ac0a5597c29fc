//! A bad network and a struggling server: every call of a round fails once, in every way.
//!
//! The waits are real, since a paused clock would also run out the time-outs of real sockets; so all
//! rounds of a test run side by side, and each waits about once.

use std::time::Duration;

use entitle::apply::{Outcome, Report};
use entitle::cli::simulators;
use entitle::plan::Disposition;
use entitle::sandbox::ScriptedFault;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::vendors::{Vendor, for_all_vendors_at_once, for_every_vendor};
use crate::support::bench::{Bench, converged, in_sync, only_report, paths};
use crate::support::proxy::{Canned, Passed, Spoil};

for_every_vendor!(
    every_call_of_a_round_may_fail_once,
    two_calls_of_a_round_may_fail,
    a_write_that_never_works_is_given_up,
    a_wait_longer_than_the_time_for_the_run_is_not_begun,
);

// These wait most of the time.
for_all_vendors_at_once!(
    every_call_of_a_round_may_never_be_answered,
    a_vendor_that_asks_for_time_is_given_it,
    faults_of_the_sandbox_are_outlived_too,
    a_read_that_never_works_ends_with_the_time_for_the_run,
);

fn canned(status: u16) -> Canned {
    Canned::new(status, "application/json", r#"{"message":"spoiled"}"#)
}

fn page(status: u16) -> Canned {
    let page = "<html><head><title>Bad gateway</title></head><body>no</body></html>";
    Canned::new(status, "text/html", page)
}

type Kind = (&'static str, fn() -> Spoil);

const KINDS: &[Kind] = &[
    ("429", || Spoil::Instead(canned(429))),
    ("500", || Spoil::Instead(canned(500))),
    ("503 of a gateway", || Spoil::Instead(page(503))),
    ("cut off before", || Spoil::CutBefore),
    ("500 though carried out", || Spoil::After(canned(500))),
    ("cut off after", || Spoil::CutAfter),
    ("cut off in the middle", || Spoil::CutShort),
];

/// A round of one change through a proxy with this rule, from the login on.
async fn round(
    vendor: &'static Vendor,
    rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
) -> (Bench, Json, Report) {
    round_within(vendor, Duration::from_secs(30), rule).await
}

/// The same with a time within which every call must be answered.
async fn round_within(
    vendor: &'static Vendor,
    timeout: Duration,
    rule: impl Fn(usize, &Passed) -> Option<Spoil> + Send + Sync + 'static,
) -> (Bench, Json, Report) {
    let mut bench = Bench::spoiled(rule).await;
    for connection in &mut bench.connections {
        connection.timeout = timeout;
    }
    if let Some(sessions) = &vendor.sessions {
        vendor.open(&mut bench, sessions.form, false);
    }
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let report = only_report(bench.apply(&[vendor.little(0, true)]).await);
    (bench, before, report)
}

/// Some at a time: their waits overlap, and none is starved by the others.
const SIDE_BY_SIDE: usize = 32;

/// How many calls a round takes when nothing is spoiled.
async fn calls(vendor: &'static Vendor) -> usize {
    let (bench, _, report) = round(vendor, |_, _| None).await;
    converged(&report);
    bench.passed().len()
}

/// The change is there, the vendor carried it out once, and nobody wrote again without looking.
async fn ended_well(
    what: &str,
    vendor: &'static Vendor,
    (mut bench, before, report): (Bench, Json, Report),
) {
    let message = report.message.clone();
    assert_eq!(
        report.outcome,
        Some(Outcome::Converged),
        "{what}: {message:?}"
    );
    let (path, _) = (vendor.change)();
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
    assert_eq!(bench.writes().len(), 1, "{what}: carried out once");

    let passed = bench.passed();
    let writes: Vec<usize> = (0..passed.len())
        .filter(|at| passed[*at].is_write())
        .collect();
    for pair in writes.windows(2) {
        let [one, other] = [pair[0], pair[1]].map(|at| &passed[at].body);
        assert_eq!(one, other, "{what}: two different writes");
        let looked = passed[pair[0]..pair[1]].iter().any(Passed::is_read);
        assert!(
            looked || what.contains("429"),
            "{what}: written again without a look"
        );
    }
    bench.connections = simulators::stand_ins(bench.sandbox.address());
    in_sync(&bench.plan(&[vendor.little(0, true)]).await[0]);
}

async fn every_call_of_a_round_may_fail_once(vendor: &'static Vendor) {
    let calls = calls(vendor).await;
    let rounds = (0..calls).flat_map(|at| KINDS.iter().map(move |kind| (at, kind)));
    let all =
        stream::iter(rounds).for_each_concurrent(SIDE_BY_SIDE, |(at, (name, spoil))| async move {
            let rule = move |number: usize, _: &Passed| (number == at).then(spoil);
            let what = format!("call {at}: {name}");
            ended_well(&what, vendor, round(vendor, rule).await).await;
        });
    all.await;
}

async fn every_call_of_a_round_may_never_be_answered(vendor: &'static Vendor) {
    let calls = calls(vendor).await;
    let all = stream::iter(0..calls).for_each_concurrent(SIDE_BY_SIDE, |at| async move {
        let rule = move |number: usize, _: &Passed| (number == at).then_some(Spoil::Silence);
        let what = format!("{} call {at}: silence", vendor.name);
        ended_well(
            &what,
            vendor,
            round_within(vendor, Duration::from_secs(1), rule).await,
        )
        .await;
    });
    all.await;
}

/// Any call may be answered with 429 and a time to wait, in seconds or as a date.
async fn a_vendor_that_asks_for_time_is_given_it(vendor: &'static Vendor) {
    let calls = calls(vendor).await;
    let rounds = (0..calls).flat_map(|at| [(at, true), (at, false)]);
    let all = stream::iter(rounds).for_each_concurrent(SIDE_BY_SIDE, |(at, as_date)| async move {
        let begun = Instant::now();
        let rule = move |number: usize, _: &Passed| {
            // A date has no fractions of a second, so up to one may be lost.
            let moment = Timestamp::now() + SignedDuration::from_secs(2);
            let date = moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let after = if as_date { date } else { "1".into() };
            (number == at).then(|| Spoil::Instead(canned(429).header("retry-after", after)))
        };
        let what = format!("{} call {at}: 429 with a time", vendor.name);
        ended_well(&what, vendor, round(vendor, rule).await).await;
        assert!(
            begun.elapsed() >= Duration::from_secs(1),
            "{what}: it did not wait"
        );
    });
    all.await;
}

async fn two_calls_of_a_round_may_fail(vendor: &'static Vendor) {
    let calls = calls(vendor).await;
    let hard = ["cut off before", "500 though carried out"];
    let kinds = KINDS.iter().filter(|(name, _)| hard.contains(name));
    let rounds = kinds.flat_map(|kind| (0..calls).map(move |at| (at, kind)));
    let all =
        stream::iter(rounds).for_each_concurrent(SIDE_BY_SIDE, |(at, (name, spoil))| async move {
            // The call and the next one, whatever that is: a second try, or the look after a write.
            let rule = move |number: usize, _: &Passed| (at..at + 2).contains(&number).then(spoil);
            let what = format!("calls {at} and {}: {name}", at + 1);
            ended_well(&what, vendor, round(vendor, rule).await).await;
        });
    all.await;
}

async fn faults_of_the_sandbox_are_outlived_too(vendor: &'static Vendor) {
    let write = vendor.resource().table().calls[0].name.split(' ').next();
    let write = write.expect("the write call begins with its method");
    let cases = ["GET", write].into_iter().flat_map(|method| {
        let statuses = [429, 500, 503].into_iter();
        statuses.flat_map(move |status| [false, true].map(|done| (method, status, done)))
    });
    join_all(cases.map(|(method, status, carried_out)| async move {
        let bench = Bench::new().await;
        vendor.load(&bench, (vendor.account)(3));
        let before = vendor.state(&bench);
        let fault = ScriptedFault {
            status,
            times: 1,
            retry_after: None,
            method: Some(method.into()),
            // A 429 is the vendor's word that it did nothing.
            carried_out: carried_out && status != 429,
        };
        bench
            .sandbox
            .script_fault(vendor.name, fault)
            .expect("a simulator");
        converged(&only_report(bench.apply(&[vendor.little(0, true)]).await));
        let (path, _) = (vendor.change)();
        vendor.rest_is_as_before(&before, &vendor.state(&bench), 0, &[path]);
        let effective = usize::from(method == write && !(carried_out && status != 429));
        assert_eq!(
            bench.writes().len(),
            1 + effective,
            "{method} {status} {carried_out}"
        );
    }))
    .await;
}

async fn a_write_that_never_works_is_given_up(vendor: &'static Vendor) {
    let (path, _) = (vendor.change)();
    let first = vendor.little(0, true);
    // Only the first object's writes fail; both are told apart by the ids in their paths.
    let id = first
        .ids
        .as_object()
        .into_iter()
        .flatten()
        .last()
        .map(|(_, id)| id.clone());
    let id = id
        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_string))
        .unwrap_or_default();
    let rule = move |_: usize, passed: &Passed| {
        (passed.is_write() && passed.name.contains(&id)).then(|| Spoil::Instead(page(503)))
    };
    let bench = Bench::spoiled(rule).await;
    vendor.load(&bench, (vendor.account)(3));
    let before = vendor.state(&bench);
    let reports = bench.apply(&[first, vendor.little(1, true)]).await;
    assert_eq!(reports[0].outcome, Some(Outcome::Failed));
    let message = reports[0].message.clone().unwrap_or_default();
    assert!(
        message.contains("503") && message.contains("Bad gateway"),
        "{message}"
    );
    converged(&reports[1]);
    vendor.rest_is_as_before(&before, &vendor.state(&bench), 1, &[path]);
    let passed = bench.passed();
    let writes = passed.iter().filter(|passed| passed.is_write()).count();
    assert!((3..=6).contains(&writes), "{writes} writes for two objects");
}

async fn a_read_that_never_works_ends_with_the_time_for_the_run(vendor: &'static Vendor) {
    let bench =
        Bench::spoiled(|_, passed| passed.is_read().then(|| Spoil::Instead(canned(500)))).await;
    vendor.load(&bench, (vendor.account)(3));
    let checked = bench.check(&[vendor.little(0, true)]);
    let mut settings = bench.settings();
    settings.deadline = Instant::now() + Duration::from_millis(1500);
    let pass = entitle::reconcile::plan_pass(&checked, &settings).await;
    // All tries would take six seconds; a busy machine answers the first in time, and may be late by some tenths.
    assert!(Instant::now() < settings.deadline + Duration::from_secs(2));
    let planned = &pass.planned[0];
    assert_eq!(
        (planned.action, paths(planned)),
        (Disposition::Error, Vec::new())
    );
    let message = planned.message.clone().unwrap_or_default();
    assert!(
        message.contains("GET /") && message.contains("500"),
        "{message}"
    );
    let report = only_report(bench.carry_out(pass).await);
    assert_eq!(report.outcome, Some(Outcome::Failed));
    assert_eq!(bench.writes(), [""; 0]);
}

async fn a_wait_longer_than_the_time_for_the_run_is_not_begun(vendor: &'static Vendor) {
    let start = Instant::now();
    let rule = |_: usize, passed: &Passed| {
        let later = || Spoil::Instead(canned(429).header("retry-after", "3600"));
        passed.is_write().then(later)
    };
    let (bench, before, report) = round(vendor, rule).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(report.outcome, Some(Outcome::Failed), "it is no refusal");
    let message = report.message.unwrap_or_default();
    let told = ["kept us waiting", "did nothing", "429"];
    assert!(told.iter().all(|word| message.contains(word)), "{message}");
    assert_eq!(before, vendor.state(&bench));
}
