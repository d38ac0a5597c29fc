//! Dated changes in a daemon: each is written on its moment, as ours, without a reading of the source.

use std::time::Duration;

use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use jiff::SignedDuration;
use serde_json::json;

use super::{RESYNC, TestDaemon, bench_with_orders, order_manifest, test_clock, watch_rules};
use crate::support::bench::Object;

const HOUR: Duration = Duration::from_secs(3600);

/// An order with 10 activations that has 40 in so many seconds, and 60 a day later.
fn dated_order(number: usize, seconds: i64) -> Object {
    let from = |seconds| (test_clock() + SignedDuration::from_secs(seconds)).to_string();
    let mut order = order_manifest(number, 10);
    order.ids["changes"] = json!([
        {"from": from(seconds + 86_400), "desired": {"activations_allowed": 60}},
        {"from": from(seconds), "desired": {"activations_allowed": 40}},
    ]);
    order
}

#[tokio::test]
async fn a_change_is_written_on_its_moment_though_the_source_is_away() {
    let watched = TestDaemon::start(
        bench_with_orders(2).await,
        // Not at a regular look.
        vec![dated_order(0, 3 * 3600 + 77), order_manifest(1, 10)],
        watch_rules(RunMode::Sync),
    )
    .await;
    *watched.source.lock().expect("unbroken") = Err("the repository is away".into());
    let status = watched.advance(3 * HOUR + Duration::from_secs(70)).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    assert_eq!(
        watched.bench.writes(),
        [""; 0],
        "nothing is written before its time"
    );
    assert_eq!(status.objects[0].coming.next.len(), 2);
    assert!(status.objects[1].coming.is_empty());
    let status = watched.advance(Duration::from_secs(10)).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 40);
    assert_eq!(status.objects[0].state, ObjectState::InSync);
    assert_eq!(status.objects[0].coming.next.len(), 1);
    assert_eq!(watched.bench.writes().len(), 1);
    let reasons = status.passes.iter().flat_map(|pass| pass.reasons.clone());
    assert!(
        reasons
            .into_iter()
            .any(|reason| reason == "a dated change begins")
    );
    watched.advance(25 * HOUR).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 60);
    assert_eq!(watched.bench.writes().len(), 2);
    watched.stop().await;
}

#[tokio::test]
async fn our_own_change_is_no_foreign_edit_and_no_fight() {
    let watched = TestDaemon::start(
        bench_with_orders(1).await,
        vec![dated_order(0, 3600)],
        watch_rules(RunMode::Sync),
    )
    .await;
    // Somebody keeps changing the field back until it is given up.
    for _ in 0..6 {
        watched.edit_live(0, "activations_allowed", 7);
        watched.advance(RESYNC).await;
    }
    watched.advance(HOUR).await;
    // From its moment on the change is another wish, with which the fight about the old one is over.
    assert_eq!(watched.live_field(0, "activations_allowed"), 40);
    let status = watched.advance(RESYNC).await;
    assert_eq!(status.objects[0].state, ObjectState::InSync);
    let edits = status.recent.iter().filter(|entry| {
        let is_foreign = entry.kind == entitle::daemon::activity::ActivityKind::ForeignEdit;
        is_foreign
            && entry
                .changes
                .first
                .iter()
                .any(|change| change.after == "40")
    });
    assert_eq!(edits.count(), 0);
    watched.stop().await;
}

#[tokio::test]
async fn a_change_that_is_added_wakes_nobody_before_its_moment() {
    let mut rules = watch_rules(RunMode::Sync);
    rules.resync = 10 * HOUR;
    let orders = vec![order_manifest(0, 10)];
    let watched = TestDaemon::start(bench_with_orders(1).await, orders, rules).await;
    watched.bench.sandbox.forget_requests();
    let revision = watched.status.borrow().source.revision.clone();
    watched.save_manifests(vec![dated_order(0, 3600)]).await;
    watched
        .wait_until(|status| status.source.revision != revision)
        .await;
    watched.wait_until_idle().await;
    assert!(watched.bench.sandbox.requests().is_empty());
    watched.advance(HOUR + Duration::from_secs(5)).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 40);
    watched.stop().await;
}

#[tokio::test]
async fn a_heal_goes_back_to_what_was_applied_and_leaves_the_change_to_an_apply() {
    let watched = TestDaemon::start(
        bench_with_orders(1).await,
        vec![dated_order(0, 3600)],
        watch_rules(RunMode::Heal),
    )
    .await;
    watched.advance(2 * HOUR).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    assert_eq!(watched.bench.writes(), [""; 0]);
    watched.stop().await;
}
