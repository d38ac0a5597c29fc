//! What wakes whom: saves, hints, the regular look, and how often that is.

use std::time::Duration;

use entitle::daemon::mode::RunMode;
use entitle::daemon::status::ObjectState;
use entitle::daemon::task::DaemonCommand;
use entitle::daemon::trigger::Trigger;
use entitle::model::connection::Credential;
use entitle::model::{Auth, SecretRef};
use entitle::sandbox::ScriptedFault;

use super::{
    RESYNC, TestDaemon, bench_with_orders, order_manifest, order_manifests, test_clock, watch_rules,
};

fn refusal_fault(method: &str, status: u16, times: u32) -> ScriptedFault {
    ScriptedFault {
        status,
        times,
        retry_after: None,
        method: Some(method.into()),
        carried_out: false,
    }
}

#[tokio::test]
async fn a_burst_of_saves_is_one_pass_over_the_one_changed_object() {
    let watched = TestDaemon::start(
        bench_with_orders(40).await,
        order_manifests(40),
        watch_rules(RunMode::Sync),
    )
    .await;
    let passes = watched.status.borrow().passes.len();
    watched.bench.sandbox.forget_requests();
    let mut objects = order_manifests(40);
    for activations in 11..31 {
        objects[7] = order_manifest(7, activations);
        watched.save_manifests(objects.clone()).await;
    }
    let status = watched
        .wait_until(|s| s.objects[7].last_write.is_some())
        .await;
    assert_eq!(status.passes.len(), passes + 1);
    assert_eq!(status.passes[passes].objects, 1);
    assert_eq!(watched.live_field(7, "activations_allowed"), 30);
    let requests = watched.bench.sandbox.requests();
    let paths: Vec<&str> = requests.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(watched.bench.writes().len(), 1, "{paths:?}");
    // A look for the plan, one right before the write, and one after it, since the first write of an hour is
    // read back; all at this order alone.
    assert!(watched.bench.reads().len() <= 3, "{paths:?}");
    assert!(
        paths.iter().all(|path| path.contains("00007-LAC00")),
        "{paths:?}"
    );
    watched.stop().await;
}

#[tokio::test]
async fn a_file_that_says_the_same_in_other_words_wakes_nobody() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(3),
        watch_rules(RunMode::Sync),
    )
    .await;
    watched.bench.sandbox.forget_requests();
    let revision = watched.status.borrow().source.revision.clone();
    let mut objects = order_manifests(3);
    // A member that is spelled out instead of left to its default.
    objects[1] = order_manifest(1, 10).policy(serde_json::json!({"mode": "enforce"}));
    watched.save_manifests(objects).await;
    watched
        .wait_until(|status| status.source.revision != revision)
        .await;
    watched.wait_until_idle().await;
    assert!(watched.bench.sandbox.requests().is_empty());
    watched.stop().await;
}

#[tokio::test]
async fn a_hint_looks_at_one_object_and_heals_it_once() {
    let watched = TestDaemon::start(
        bench_with_orders(12).await,
        order_manifests(12),
        watch_rules(RunMode::Sync),
    )
    .await;
    watched.edit_live(3, "activations_allowed", 4);
    watched.bench.sandbox.forget_requests();
    watched
        .send_trigger(Trigger::Object {
            connection: "lac".into(),
            id: "00003-LAC00-ORDER-00000".into(),
        })
        .await;
    watched
        .wait_until(|s| s.objects[3].last_write.is_some())
        .await;
    assert_eq!(watched.live_field(3, "activations_allowed"), 10);
    // The healed object is looked at again with the others, and nothing is left to write.
    watched.advance(RESYNC * 3).await;
    assert_eq!(watched.bench.writes().len(), 1);
    assert!(
        watched
            .object_states()
            .iter()
            .all(|state| *state == ObjectState::InSync)
    );
    watched.stop().await;
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_read_again_without_a_hint() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(3),
        watch_rules(RunMode::Sync),
    )
    .await;
    *watched.source.lock().expect("unbroken") = Err("it is on strike".into());
    watched.send_trigger(Trigger::Source).await;
    watched.wait_until(|s| s.source.problem.is_some()).await;
    // For so long that every wait is the longest one.
    watched.advance(Duration::from_secs(120)).await;
    let mut objects = order_manifests(3);
    objects[1] = order_manifest(1, 20);
    *watched.source.lock().expect("unbroken") = Ok(objects);
    watched.advance(Duration::from_secs(31)).await;
    watched
        .wait_until(|s| s.objects[1].last_write.is_some())
        .await;
    assert_eq!(watched.live_field(1, "activations_allowed"), 20);
    assert_eq!(watched.status.borrow().source.problem, None);
    watched.stop().await;
}

#[tokio::test]
async fn a_source_that_is_not_followed_is_shown_so() {
    let watched = TestDaemon::start(
        bench_with_orders(1).await,
        order_manifests(1),
        watch_rules(RunMode::Sync),
    )
    .await;
    let why = || Some("cannot follow m: it is not there".to_string());
    watched.send_trigger(Trigger::FollowProblem(why())).await;
    watched.wait_until(|s| s.source.unfollowed == why()).await;
    watched.send_trigger(Trigger::FollowProblem(None)).await;
    watched.wait_until(|s| s.source.unfollowed.is_none()).await;
    watched.stop().await;
}

#[tokio::test]
async fn a_hint_about_a_stranger_wakes_nobody() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(2),
        watch_rules(RunMode::Sync),
    )
    .await;
    watched.bench.sandbox.forget_requests();
    for (connection, id) in [("lac", "nobody"), ("elsewhere", "00001-LAC00-ORDER-00000")] {
        let (connection, id) = (connection.into(), id.into());
        watched
            .send_trigger(Trigger::Object { connection, id })
            .await;
    }
    watched
        .send_trigger(Trigger::Connection("elsewhere".into()))
        .await;
    watched.advance(Duration::from_secs(60)).await;
    assert!(watched.bench.sandbox.requests().is_empty());
    watched.stop().await;
}

#[tokio::test]
async fn drift_is_healed_by_the_regular_look_at_the_latest() {
    let watched = TestDaemon::start(
        bench_with_orders(120).await,
        order_manifests(120),
        watch_rules(RunMode::Sync),
    )
    .await;
    watched.edit_live(3, "activations_allowed", 4);
    watched.bench.sandbox.forget_requests();
    watched.advance(RESYNC).await;
    assert_eq!(watched.live_field(3, "activations_allowed"), 10);
    assert_eq!(watched.bench.writes().len(), 1);
    // 120 orders of one customer are two pages; the written one is looked at right before and after.
    assert!(
        watched.bench.reads().len() <= 4,
        "{:?}",
        watched.bench.reads()
    );
    watched.stop().await;
}

#[tokio::test]
async fn an_object_may_have_a_rhythm_of_its_own() {
    let mut objects = order_manifests(2);
    objects[0] = order_manifest(0, 10).policy(serde_json::json!({"resync": "1m"}));
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        objects,
        watch_rules(RunMode::Sync),
    )
    .await;
    let passes = watched.status.borrow().passes.len();
    watched.advance(Duration::from_secs(599)).await;
    let status = watched.status.borrow().clone();
    assert_eq!(status.passes.len() - passes, 9);
    assert!(
        status
            .passes
            .iter()
            .skip(passes)
            .all(|pass| pass.objects == 1)
    );
    watched.stop().await;
}

#[tokio::test]
async fn failure_backs_off_and_success_forgets_it() {
    let bench = bench_with_orders(3).await;
    bench
        .sandbox
        .script_fault("lac", refusal_fault("GET", 400, 4))
        .expect("a vendor");
    let watched = TestDaemon::start(bench, order_manifests(1), watch_rules(RunMode::Sync)).await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        let object = watched.object(0);
        assert_eq!(object.state, ObjectState::Failed, "{:?}", object.message);
        let wait = object
            .next_wake
            .expect("woken")
            .duration_since(test_clock());
        waits.push(wait.as_millis());
        watched
            .advance(Duration::try_from(wait).expect("later") + Duration::from_millis(5))
            .await;
    }
    // Half of 5, 10 and 20 seconds, since chance is 0 here.
    let about = |wait: i128, wanted: i128| (wanted - 500..=wanted).contains(&wait);
    assert!(
        about(waits[0], 2500) && about(waits[1], 5000) && about(waits[2], 10_000),
        "{waits:?}"
    );
    watched.advance(Duration::from_secs(60)).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync]);
    let next = watched.object(0).next_wake.expect("woken");
    assert!(next.duration_since(test_clock()).as_secs() > 60);
    watched.stop().await;
}

#[tokio::test]
async fn refused_credentials_are_not_sent_again_with_every_look() {
    let mut bench = bench_with_orders(3).await;
    for connection in &mut bench.connections {
        let password = Credential::Secret(SecretRef::Known("wrong"));
        let user = Credential::Plain("nobody".into());
        connection.auth = Auth::Login(vec![("username", user), ("password", password)]);
    }
    let watched = TestDaemon::start(bench, order_manifests(2), watch_rules(RunMode::Sync)).await;
    watched.advance(Duration::from_secs(2 * 3600 + 1800)).await;
    assert_eq!(watched.object_states(), [ObjectState::Failed; 2]);
    let message = watched.object(0).message.clone().unwrap_or_default();
    assert!(message.contains("credentials refused"), "{message}");
    assert_eq!(watched.bench.logins().len(), 3);
    watched
        .orders
        .send(DaemonCommand::Reload)
        .await
        .expect("it listens");
    watched
        .wait_until(|_| watched.bench.logins().len() == 4)
        .await;
    watched.stop().await;
}

#[tokio::test]
async fn a_refused_write_is_not_sent_again_until_something_changes() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(1),
        watch_rules(RunMode::Sync),
    )
    .await;
    let fault = refusal_fault("PATCH", 422, 1);
    watched
        .bench
        .sandbox
        .script_fault("lac", fault)
        .expect("a vendor");
    watched.save_manifests(vec![order_manifest(0, 20)]).await;
    watched
        .wait_until(|s| s.objects[0].state == ObjectState::Failed)
        .await;
    watched.advance(RESYNC * 3).await;
    assert_eq!(watched.bench.writes().len(), 1);
    let message = watched.object(0).message.clone().unwrap_or_default();
    assert!(message.contains("not written again until"), "{message}");
    // The live object moved: another try makes sense.
    watched.edit_live(0, "activations_allowed", 11);
    watched.advance(RESYNC).await;
    assert_eq!(watched.bench.writes().len(), 2);
    assert_eq!(watched.live_field(0, "activations_allowed"), 20);
    watched.stop().await;
}

#[tokio::test]
async fn a_reload_tries_again_what_was_given_up() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(1),
        watch_rules(RunMode::Sync),
    )
    .await;
    let fault = refusal_fault("PATCH", 422, 1);
    watched
        .bench
        .sandbox
        .script_fault("lac", fault)
        .expect("a vendor");
    watched.save_manifests(vec![order_manifest(0, 20)]).await;
    watched
        .wait_until(|s| s.objects[0].state == ObjectState::Failed)
        .await;
    watched
        .orders
        .send(DaemonCommand::Reload)
        .await
        .expect("it listens");
    watched
        .wait_until(|s| s.objects[0].state == ObjectState::InSync)
        .await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 20);
    watched.stop().await;
}

#[tokio::test]
async fn a_broken_or_empty_source_leaves_the_last_good_manifests_in_force() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(2),
        watch_rules(RunMode::Sync),
    )
    .await;
    let revision = watched.status.borrow().source.revision.clone();
    *watched.source.lock().expect("unbroken") = Err("the mount is empty".into());
    watched.send_trigger(Trigger::Source).await;
    let status = watched.wait_until(|s| s.source.problem.is_some()).await;
    assert_eq!(
        (status.objects.len(), &status.source.revision),
        (2, &revision)
    );
    // What is in force is still kept.
    watched.edit_live(1, "activations_allowed", 4);
    watched
        .send_trigger(Trigger::Connection("lac".into()))
        .await;
    watched
        .wait_until(|s| s.objects[1].last_write.is_some())
        .await;
    assert_eq!(watched.live_field(1, "activations_allowed"), 10);
    watched.save_manifests(order_manifests(1)).await;
    let status = watched.wait_until(|s| s.source.problem.is_none()).await;
    assert_eq!(
        status.objects.len(),
        1,
        "an object that left the manifests is left alone"
    );
    assert_eq!(watched.live_field(1, "activations_allowed"), 10);
    watched.stop().await;
}

#[tokio::test]
async fn a_write_that_may_pass_is_tried_again_by_itself() {
    let watched = TestDaemon::start(
        bench_with_orders(3).await,
        order_manifests(1),
        watch_rules(RunMode::Sync),
    )
    .await;
    // As often as one pass sends it.
    let fault = refusal_fault("PATCH", 500, 4);
    watched
        .bench
        .sandbox
        .script_fault("lac", fault)
        .expect("a vendor");
    watched.save_manifests(vec![order_manifest(0, 20)]).await;
    watched
        .wait_until(|s| s.objects[0].state == ObjectState::Failed)
        .await;
    assert_eq!(watched.live_field(0, "activations_allowed"), 10);
    // Half of 5 seconds, since chance is 0 here.
    watched.advance(Duration::from_secs(4)).await;
    assert_eq!(watched.object_states(), [ObjectState::InSync]);
    assert_eq!(watched.live_field(0, "activations_allowed"), 20);
    assert_eq!(watched.bench.writes().len(), 5);
    watched.stop().await;
}

#[tokio::test]
async fn a_problem_of_a_connection_begins_with_all_of_its_objects_and_ends_with_the_last() {
    let watched = TestDaemon::start(
        bench_with_orders(4).await,
        order_manifests(4),
        watch_rules(RunMode::Heal),
    )
    .await;
    let refuse = |times| {
        let fault = refusal_fault("GET", 403, times);
        let sandbox = &watched.bench.sandbox;
        sandbox.script_fault("lac", fault).expect("a vendor");
    };
    // The others are known to be readable, so this refusal is one of the object. The first 403 is taken for a session that
    // has ended.
    refuse(2);
    watched
        .send_trigger(Trigger::Object {
            connection: "lac".into(),
            id: "00003-LAC00-ORDER-00000".into(),
        })
        .await;
    let status = watched
        .wait_until(|s| s.objects[3].state == ObjectState::Failed)
        .await;
    assert_eq!(status.objects[3].problem, None);
    assert_eq!(status.connections["lac"].problems, []);
    let failed = status.connections["lac"].results["failed"];
    watched.advance(RESYNC).await;
    refuse(12);
    watched
        .send_trigger(Trigger::Connection("lac".into()))
        .await;
    let status = watched
        .wait_until(|s| !s.connections["lac"].problems.is_empty())
        .await;
    let problem = &status.connections["lac"].problems[0];
    assert_eq!((problem.code.as_str(), problem.objects), ("forbidden", 4));
    assert!(problem.message.contains("answered 403"), "{problem:?}");
    for object in &status.objects {
        assert_eq!(object.problem.as_deref(), Some("forbidden"));
    }
    assert_eq!(status.passes.back().map(|pass| pass.failed), Some(4));
    assert_eq!(status.connections["lac"].results["failed"], failed + 4);
    // An object that leaves the manifests is not counted any more.
    watched.save_manifests(order_manifests(3)).await;
    let status = watched.wait_until(|s| s.objects.len() == 3).await;
    assert_eq!(status.connections["lac"].problems[0].objects, 3);
    let status = watched.advance(RESYNC * 3).await;
    assert_eq!(status.connections["lac"].problems, []);
    assert!(status.objects.iter().all(|object| object.problem.is_none()));
    watched.stop().await;
}
