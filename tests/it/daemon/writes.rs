//! Writes and what is remembered of them: healing from the journal, stopping, being cut off.

use std::time::Duration;

use entitle::apply::journal::{Journal, JournalEvent, Record};
use entitle::apply::store::compact::COMPACT_THRESHOLD;
use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use entitle::daemon::trigger::Trigger;
use entitle::sandbox::ScriptedFault;
use serde_json::json;

use super::{
    RESYNC, StartOptions, TestDaemon, bench_with_orders, edit_order, order_manifest,
    order_manifests, watch_rules,
};
use crate::support::bench::Bench;
use crate::support::past::History;

#[tokio::test]
async fn healing_restores_what_was_applied_and_never_follows_the_source() {
    let bench = bench_with_orders(3).await;
    let synced = TestDaemon::start(
        bench,
        vec![order_manifest(0, 20), order_manifest(1, 10)],
        watch_rules(RunMode::Sync),
    )
    .await;
    assert_eq!(synced.live_field(0, "activations_allowed"), 20);
    let state = synced.bench.sandbox.state("lac").expect("a vendor");
    let (_, journal) = synced.stop().await;

    let bench = Bench::new().await;
    bench
        .sandbox
        .set_state("lac", state)
        .expect("a good account");
    // The manifests have moved on, and somebody moved both objects.
    edit_order(&bench, 0, "activations_allowed", 4);
    edit_order(&bench, 1, "activations_allowed", 4);
    let extra = StartOptions {
        journal: Some(journal),
        ..StartOptions::default()
    };
    let objects = vec![order_manifest(0, 99), order_manifest(1, 99)];
    let watched = TestDaemon::start_with(bench, objects, watch_rules(RunMode::Heal), extra).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 20);
    // This one was in sync from the start: it was never written, but agreed on.
    assert_eq!(watched.live_field(1, "activations_allowed"), 10);
    watched
        .save_manifests(vec![order_manifest(0, 50), order_manifest(1, 50)])
        .await;
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 20);
    assert_eq!(watched.bench.writes().len(), 2);
    assert_eq!(watched.object_states(), [ObjectState::AsApplied; 2]);
    watched.stop().await;
}

#[tokio::test]
async fn a_daemon_that_writes_sums_up_a_long_journal() {
    let summary = |journal: &tempfile::TempDir| journal.path().join("journal.jsonl.summary");
    let finished = |number: u64| Record {
        scope: None,
        at: "2026-11-21T12:00:00Z".into(),
        run: number.to_string(),
        event: JournalEvent::Finished { interrupted: false },
    };
    let mut journal = tempfile::tempdir().expect("a directory");
    let path = journal.path().join("journal.jsonl");
    let earlier = Journal::open(&path).expect("a journal");
    let lines = (0..COMPACT_THRESHOLD + 1).map(finished).collect::<Vec<_>>();
    earlier.append_all(lines).expect("written");
    for mode in [RunMode::Observe, RunMode::Sync, RunMode::Heal] {
        let extra = StartOptions {
            journal: Some(journal),
            ..StartOptions::default()
        };
        let objects = vec![order_manifest(0, 20)];
        let watched = TestDaemon::start_with(
            bench_with_orders(1).await,
            objects,
            watch_rules(mode),
            extra,
        )
        .await;
        // It goes on with what it knows.
        watched.edit_live(0, "activations_allowed", 4);
        watched.advance(RESYNC * 2).await;
        let expected = if mode == RunMode::Observe { 4 } else { 20 };
        assert_eq!(
            watched.live_field(0, "activations_allowed"),
            expected,
            "{mode:?}"
        );
        journal = watched.stop().await.1;
        assert_eq!(summary(&journal).exists(), mode != RunMode::Observe);
    }
}

#[tokio::test]
async fn healing_alone_remembers_what_is_in_sync_and_nothing_else() {
    let objects = vec![order_manifest(0, 10), order_manifest(1, 99)];
    let watched = TestDaemon::start(
        bench_with_orders(2).await,
        objects,
        watch_rules(RunMode::Heal),
    )
    .await;
    for number in 0..2 {
        watched.edit_live(number, "activations_allowed", 4);
    }
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    assert_eq!(watched.live_field(1, "activations_allowed"), 4);
    watched
        .save_manifests(vec![order_manifest(0, 50), order_manifest(1, 50)])
        .await;
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    let history = watched.read_history();
    let agreed = |event: &&JournalEvent| matches!(event, JournalEvent::Agreed(_));
    let events = history.records.iter().map(|record| &record.event);
    assert_eq!(events.filter(agreed).count(), 1);
    watched.stop().await;
}

#[tokio::test]
async fn every_write_stands_in_the_journal_with_its_run() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        vec![order_manifest(0, 20)],
        watch_rules(RunMode::Sync),
    )
    .await;
    let write = watched.object(0).last_write.clone().expect("written");
    let history = watched.read_history();
    let events: Vec<&JournalEvent> = history
        .of_run(&write.run)
        .map(|record| &record.event)
        .collect();
    let [
        JournalEvent::Started(started),
        JournalEvent::Intent(_),
        JournalEvent::Outcome(_),
        JournalEvent::Finished { .. },
        JournalEvent::Agreed(_),
    ] = events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((started.by.as_str(), started.objects), ("the tests", 1));
    watched.stop().await;
}

#[tokio::test]
async fn stopping_at_any_instant_of_a_pass_leaves_no_open_intent_and_loses_nothing() {
    // Each turn lets the pass run a little further before the word comes.
    for polls in 0..16_u64 {
        let bench = bench_with_orders(4).await;
        let watched =
            TestDaemon::start(bench, order_manifests(4), watch_rules(RunMode::Sync)).await;
        for number in 0..3 {
            watched.edit_live(number, "activations_allowed", 4);
        }
        watched
            .send_trigger(Trigger::Connection("lac".into()))
            .await;
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
        // Real time, in which real requests get further.
        tokio::time::sleep(Duration::from_micros(polls * 1500)).await;
        let history =
            |journal: &tempfile::TempDir| History::read(&journal.path().join("journal.jsonl"));
        let state = |bench: &Bench| bench.sandbox.state("lac").expect("a vendor");
        let bench = std::sync::Arc::clone(&watched.bench);
        let (status, journal) = watched.stop().await;
        assert!(status.stopping);
        assert_eq!(history(&journal).open_intents(), [], "after {polls}");
        assert!(
            status.objects.iter().all(|object| !object.running),
            "after {polls}"
        );
        // The next one goes on where this one stopped, with each object written once in all.
        let again = Bench::new().await;
        again
            .sandbox
            .set_state("lac", state(&bench))
            .expect("a good account");
        let extra = StartOptions {
            journal: Some(journal),
            ..StartOptions::default()
        };
        let next =
            TestDaemon::start_with(again, order_manifests(4), watch_rules(RunMode::Sync), extra)
                .await;
        assert_eq!(
            next.object_states(),
            [ObjectState::InSync; 4],
            "after {polls}"
        );
        assert_eq!(
            bench.writes().len() + next.bench.writes().len(),
            3,
            "after {polls}"
        );
        next.stop().await;
    }
}

#[tokio::test]
async fn a_write_that_was_cut_off_is_looked_into_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("journal.jsonl");
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        vec![order_manifest(0, 20)],
        watch_rules(RunMode::Sync),
    )
    .await;
    let history = watched.read_history();
    watched.stop().await;
    // What a killed run leaves: the lines up to its intent.
    let journal = entitle::apply::journal::Journal::open(&path).expect("a journal");
    for record in history.records.iter().take(2) {
        journal.append(record).expect("written");
    }
    let extra = StartOptions {
        journal: Some(dir),
        ..StartOptions::default()
    };
    let next = TestDaemon::start_with(
        bench_with_orders(3).await,
        vec![order_manifest(0, 20)],
        watch_rules(RunMode::Sync),
        extra,
    )
    .await;
    let history = next.read_history();
    assert_eq!(history.open_intents(), []);
    let found = history
        .records
        .iter()
        .filter(|r| matches!(r.event, JournalEvent::Found { .. }));
    assert_eq!(found.count(), 1);
    next.stop().await;
}

#[tokio::test]
async fn a_vendor_that_is_slow_delays_nobody_else() {
    let bench = bench_with_orders(3).await;
    let informatica = &crate::conformance::vendors::informatica::VENDOR;
    informatica_account(&bench);
    let mut objects = order_manifests(1);
    objects.push(informatica.little(0, false));
    // Six tries with growing waits take seconds.
    let fault = ScriptedFault {
        status: 503,
        times: 100,
        retry_after: None,
        method: Some("GET".into()),
        carried_out: false,
    };
    let watched = TestDaemon::start(bench, objects, watch_rules(RunMode::Sync)).await;
    watched
        .bench
        .sandbox
        .script_fault("informatica", fault)
        .expect("a vendor");
    watched
        .send_trigger(Trigger::Connection("informatica".into()))
        .await;
    watched.wait_until(|s| s.objects[0].running).await;
    watched.edit_live(0, "activations_allowed", 4);
    watched
        .send_trigger(Trigger::Connection("lac".into()))
        .await;
    let status = watched
        .wait_until(|s| s.objects[1].last_write.is_some())
        .await;
    assert!(status.objects[0].running, "the slow one is still under way");
    watched.bench.sandbox.reset();
    watched.stop().await;
}

pub fn informatica_account(bench: &Bench) {
    let vendor = &crate::conformance::vendors::informatica::VENDOR;
    let account = (vendor.account)(3);
    bench
        .sandbox
        .set_state(vendor.name, account)
        .expect("a good account");
}

#[tokio::test]
async fn once_ends_after_everything_was_looked_at() {
    let extra = StartOptions {
        once: true,
        ..StartOptions::default()
    };
    let bench = bench_with_orders(3).await;
    let watched = TestDaemon::start_with(
        bench,
        vec![order_manifest(0, 20)],
        watch_rules(RunMode::Sync),
        extra,
    )
    .await;
    let end = tokio::time::timeout(Duration::from_secs(10), watched.task).await;
    let status = end.expect("it ends").expect("it does not panic");
    assert_eq!(status.objects[0].state, ObjectState::InSync);
    assert_eq!(
        serde_json::to_value(&*status).expect("plain data")["mode"],
        json!("sync")
    );
}
