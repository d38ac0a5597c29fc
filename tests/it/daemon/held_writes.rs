//! What keeps a write back: the mode, windows, suspensions, the brake, risks, fights, locks.

use std::sync::Arc;
use std::time::Duration;

use entitle::apply::journal::JournalEvent;
use entitle::apply::store::{LeaseClaim, Store, Taken};
use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use entitle::daemon::task::DaemonCommand;
use entitle::daemon::trigger::Trigger;
use entitle::model::Outcome;
use entitle::plan::max_changes::MaxChanges;
use serde_json::json;

use crate::support::stores;

use super::writes::informatica_account;
use super::{
    RESYNC, StartOptions, TestDaemon, bench_with_orders, edit_order, order_manifest,
    order_manifests, watch_rules,
};

#[tokio::test]
async fn observing_writes_nothing_and_shows_what_differs() {
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 12);
    let watched = TestDaemon::start(bench, order_manifests(2), watch_rules(RunMode::Observe)).await;
    watched.advance(RESYNC * 2).await;
    assert_eq!(
        watched.object_states(),
        [ObjectState::Differs, ObjectState::InSync]
    );
    assert_eq!(watched.object(0).changes[0].path, "activations_allowed");
    assert_eq!(watched.bench.writes(), [""; 0]);
    watched.stop().await;
}

#[tokio::test]
async fn a_change_waits_for_its_window_and_goes_when_it_opens() {
    let mut rules = watch_rules(RunMode::Sync);
    // It is noon; the window opens at two, and the regular looks before it find it closed.
    rules.windows = vec!["allow 0 14 * * * for 1h".parse().expect("a window")];
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 4);
    let watched = TestDaemon::start(bench, order_manifests(1), rules).await;
    let object = watched.object(0);
    assert_eq!(object.state, ObjectState::Waiting);
    let message = object.message.clone().unwrap_or_default();
    assert!(
        message.contains("opens at 2026-11-21T14:00:00Z"),
        "{message}"
    );
    watched.advance(Duration::from_secs(2 * 3600 - 60)).await;
    assert_eq!(watched.bench.writes(), [""; 0]);
    watched.advance(Duration::from_secs(90)).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync]);
    assert_eq!(watched.bench.writes().len(), 1);
    watched.stop().await;
}

#[tokio::test]
async fn a_suspension_ends_by_itself() {
    let policy = json!({"mode": "suspend", "until": "2026-11-21T12:05:00Z", "reason": "a demo"});
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 4);
    let objects = vec![order_manifest(0, 10).policy(policy)];
    let watched = TestDaemon::start(bench, objects, watch_rules(RunMode::Sync)).await;
    let object = watched.object(0);
    assert_eq!(object.state, ObjectState::Suspended);
    let suspended = object.suspended.clone().expect("suspended");
    assert_eq!(suspended.reason.as_deref(), Some("a demo"));
    assert!(watched.bench.sandbox.requests().is_empty(), "not even read");
    watched.advance(Duration::from_secs(301)).await;
    let object = watched.object(0);
    assert_eq!(
        (object.state, &object.suspended),
        (ObjectState::InSync, &None)
    );
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    watched.stop().await;
}

#[tokio::test]
async fn too_many_changes_at_once_wait_for_a_person() {
    let watched = TestDaemon::start(
        bench_with_orders(20).await,
        order_manifests(20),
        watch_rules(RunMode::Sync),
    )
    .await;
    let changed = |count: usize| {
        let wanted = |number| if number < count { 20 } else { 10 };
        (0..20)
            .map(|number| order_manifest(number, wanted(number)))
            .collect()
    };
    watched.save_manifests(changed(7)).await;
    let status = watched.wait_until(|s| s.brake.engaged).await;
    assert_eq!(watched.bench.writes(), [""; 0]);
    assert_eq!(status.objects[0].state, ObjectState::Refused);
    let why = status.brake.why.clone().unwrap_or_default();
    assert!(why.contains("7 of 20 objects"), "{why}");
    // One more by itself is no way around it.
    let hint = Trigger::Object {
        connection: "lac".into(),
        id: "00002-LAC00-ORDER-00000".into(),
    };
    watched.send_trigger(hint).await;
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.bench.writes(), [""; 0]);
    // Six are 30 %.
    watched.save_manifests(changed(6)).await;
    watched
        .wait_until(|s| s.objects.iter().all(|o| o.state == ObjectState::InSync))
        .await;
    assert_eq!(watched.bench.writes().len(), 6);
    assert!(!watched.status.borrow().brake.engaged);
    watched.stop().await;
}

#[tokio::test]
async fn a_risk_goes_only_where_the_object_itself_allows_it() {
    let bench = bench_with_orders(3).await;
    let objects = vec![
        order_manifest(0, 8),
        order_manifest(1, 8).policy(json!({"allow": ["reduce"]})),
        order_manifest(2, 2).policy(json!({"allow": ["reduce"]})),
    ];
    let watched = TestDaemon::start(bench, objects, watch_rules(RunMode::Sync)).await;
    watched.advance(RESYNC).await;
    let states = [
        ObjectState::Refused,
        ObjectState::InSync,
        ObjectState::Refused,
    ];
    assert_eq!(watched.object_states(), states);
    assert_eq!(watched.bench.writes().len(), 1);
    let message = watched.object(2).message.clone().unwrap_or_default();
    assert!(message.contains("in use"), "{message}");
    watched.stop().await;
}

#[tokio::test]
async fn a_field_that_keeps_being_changed_back_is_given_up_and_the_others_are_not() {
    let mut object = order_manifest(0, 10);
    object.desired["description"] = json!("ours");
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "description", "ours");
    let watched = TestDaemon::start(bench, vec![object.clone()], watch_rules(RunMode::Sync)).await;
    for turn in 1..=3 {
        watched.edit_live(0, "activations_allowed", 4);
        watched.advance(RESYNC).await;
        assert_eq!(watched.bench.writes().len(), turn);
    }
    watched.edit_live(0, "activations_allowed", 4);
    watched.edit_live(0, "description", "theirs");
    watched.advance(RESYNC).await;
    let status = watched.object(0);
    assert_eq!(status.state, ObjectState::Fought);
    let fight = status.fight.clone().expect("a fight");
    assert_eq!(fight.fields, ["activations_allowed"]);
    assert!(fight.message.contains("theirs stays"), "{}", fight.message);
    assert_eq!(watched.live_field(0, "activations_allowed"), 4);
    assert_eq!(watched.live_field(0, "description"), "ours");
    watched.advance(RESYNC * 10).await;
    assert_eq!(watched.bench.writes().len(), 4);
    // A reload is none.
    watched
        .orders
        .send(DaemonCommand::Reload)
        .await
        .expect("it runs");
    watched.advance(RESYNC).await;
    assert_eq!(watched.bench.writes().len(), 4);
    // Another manifest is another start.
    object.desired["activations_allowed"] = json!(15);
    watched.save_manifests(vec![object]).await;
    watched
        .wait_until(|s| s.objects[0].state == ObjectState::InSync)
        .await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 15);
    watched.stop().await;
}

#[tokio::test]
async fn while_another_run_writes_we_only_look() {
    let dir = tempfile::tempdir().expect("a directory");
    let other_run = stores::files(dir.path());
    let claim = |holder: &str| LeaseClaim {
        holder: holder.into(),
        term: Duration::from_secs(60),
    };
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 4);
    let connection = bench
        .connections
        .iter()
        .find(|c| c.name == "lac")
        .expect("there");
    let account = connection.account_key();
    let taken = other_run.take_lease(&account, &claim("somebody")).await;
    let other = match taken.expect("a lease") {
        Taken::Held(lease) => lease,
        Taken::Busy(who) => panic!("{who}"),
    };
    let extra = StartOptions {
        store: Some(Arc::new(stores::files(dir.path()))),
        ..StartOptions::default()
    };
    let watched =
        TestDaemon::start_with(bench, order_manifests(1), watch_rules(RunMode::Sync), extra).await;
    assert_eq!(watched.object_states(), [ObjectState::Waiting]);
    let locked = watched.status.borrow().connections["lac"].locked.clone();
    assert!(locked.is_some_and(|who| who.contains("somebody")));
    watched.advance(Duration::from_secs(20)).await;
    assert_eq!(watched.bench.writes(), [""; 0]);
    let epoch = other.epoch();
    drop(other);
    watched.advance(Duration::from_secs(6)).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync]);
    assert_eq!(watched.status.borrow().connections["lac"].locked, None);
    assert!(
        intent_epochs(&watched)
            .iter()
            .all(|written| written > &Some(epoch))
    );
    watched.stop().await;
    let taken = other_run.take_lease(&account, &claim("later")).await;
    let Taken::Held(next) = taken.expect("a lease") else {
        panic!("the daemon gives its lease back");
    };
    assert!(next.epoch() > epoch + 1);
}

/// The epochs of all intents in the journal.
fn intent_epochs(watched: &TestDaemon) -> Vec<Option<u64>> {
    let records = watched.read_history().records.into_iter();
    let epoch = records.filter_map(|record| match record.event {
        JournalEvent::Intent(intent) => Some(intent.epoch),
        _ => None,
    });
    epoch.collect()
}

#[tokio::test]
async fn a_run_that_has_lost_its_lock_sends_nothing_more() {
    // Asked before the intent and before the write.
    for after in [0, 1] {
        let bench = bench_with_orders(3).await;
        edit_order(&bench, 0, "activations_allowed", 4);
        let dir = tempfile::tempdir().expect("a directory");
        let store = stores::Losing {
            files: stores::files(dir.path()),
            after,
        };
        let extra = StartOptions {
            store: Some(Arc::new(store)),
            journal: Some(dir),
            ..StartOptions::default()
        };
        let watched =
            TestDaemon::start_with(bench, order_manifests(1), watch_rules(RunMode::Sync), extra)
                .await;
        let object = watched.object(0);
        assert_eq!(object.state, ObjectState::Failed);
        let message = object.message.clone().unwrap_or_default();
        assert!(
            message.contains("locked out") && message.contains("somebody has it"),
            "{message}"
        );
        assert_eq!(watched.bench.writes(), [""; 0], "after {after}");
        let history = watched.read_history();
        assert_eq!(history.open_intents(), []);
        assert_eq!(intent_epochs(&watched), vec![Some(7); after]);
        let failed = history.records.iter().filter(
            |record| matches!(&record.event, JournalEvent::Outcome(ended) if ended.outcome == Outcome::Failed),
        );
        assert_eq!(failed.count(), after);
        watched.stop().await;
    }
}

#[tokio::test]
async fn an_object_that_is_only_observed_is_never_written() {
    let observed = order_manifest(0, 10).policy(json!({"mode": "observe"}));
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 4);
    let watched = TestDaemon::start(bench, vec![observed], watch_rules(RunMode::Sync)).await;
    watched.advance(RESYNC * 2).await;
    assert_eq!(watched.object_states(), [ObjectState::Differs]);
    assert_eq!(watched.bench.writes(), [""; 0]);
    watched.stop().await;
}

#[tokio::test]
async fn nothing_is_written_while_a_window_denies_it() {
    let mut rules = watch_rules(RunMode::Sync);
    // It is noon: allowed all day, denied over lunch.
    rules.windows = ["allow 0 0 * * * for 24h", "deny 30 11 * * * for 2h"]
        .map(|text| text.parse().expect("a window"))
        .into();
    let bench = bench_with_orders(3).await;
    edit_order(&bench, 0, "activations_allowed", 4);
    let watched = TestDaemon::start(bench, order_manifests(1), rules).await;
    watched.advance(Duration::from_secs(89 * 60)).await;
    assert_eq!(watched.object_states(), [ObjectState::Waiting]);
    assert_eq!(watched.bench.writes(), [""; 0]);
    watched.advance(Duration::from_secs(90)).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync]);
    watched.stop().await;
}

#[tokio::test]
async fn the_brake_of_one_account_holds_no_other() {
    let mut rules = watch_rules(RunMode::Sync);
    rules.max_changes = MaxChanges::Count(1);
    let bench = bench_with_orders(3).await;
    informatica_account(&bench);
    let informatica = &crate::conformance::vendors::informatica::VENDOR;
    let objects = vec![
        order_manifest(0, 20),
        order_manifest(1, 20),
        informatica.little(0, true),
    ];
    let watched = TestDaemon::start(bench, objects, rules).await;
    let states = [
        ObjectState::InSync,
        ObjectState::Refused,
        ObjectState::Refused,
    ];
    assert_eq!(watched.object_states(), states);
    let why = watched.status.borrow().brake.why.clone();
    assert!(why.is_some_and(|why| why.contains("2 of 2 objects of `lac`")));
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    watched.stop().await;
}
