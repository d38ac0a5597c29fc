//! What people ask for on the page, carried out by the daemon over the simulators.

use std::time::Duration;

use entitle::apply::journal::JournalEvent;
use entitle::apply::memory::history::read_runs;
use entitle::daemon::actions::{ActionError, LookTarget, PageAction};
use entitle::daemon::activity::ActivityKind;
use entitle::daemon::mode::RunMode;
use entitle::daemon::requests::RequestError;
use entitle::daemon::status::ObjectState;
use entitle::daemon::trigger::Trigger;
use jiff::SignedDuration;

use super::{
    TestDaemon, bench_with_orders, order_manifest, order_manifests, test_clock, watch_rules,
};

/// A daemon in sync with its orders.
async fn daemon(mode: RunMode, orders: usize) -> TestDaemon {
    let bench = bench_with_orders(orders).await;
    TestDaemon::start(bench, order_manifests(orders), watch_rules(mode)).await
}

fn address(daemon: &TestDaemon, number: usize) -> String {
    daemon.object(number).address.clone()
}

fn approval(daemon: &TestDaemon, number: usize) -> PageAction {
    let object = daemon.object(number);
    let pending = object.pending.as_ref().expect("a pending write");
    PageAction::Approve {
        address: object.address.clone(),
        digest: pending.digest.clone(),
    }
}

async fn ask(daemon: &TestDaemon, request: PageAction) -> Result<(), ActionError> {
    match daemon.daemon.carry_out(request, "ann").await {
        Ok(()) => Ok(()),
        Err(RequestError::Refused(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_held_back_change_goes_out_once_it_is_approved_and_only_that() {
    let daemon = daemon(RunMode::Sync, 2).await;
    // Five are fewer than the ten of now, and two fewer than the three in use.
    daemon
        .save_manifests(vec![order_manifest(0, 5), order_manifest(1, 2)])
        .await;
    daemon
        .wait_until(|status| {
            status
                .objects
                .iter()
                .all(|object| object.state == ObjectState::Refused)
        })
        .await;
    let approved = approval(&daemon, 1);
    ask(&daemon, approved.clone()).await.expect("approved");
    daemon
        .wait_until(|status| status.objects[1].state == ObjectState::InSync)
        .await;
    assert_eq!(daemon.live_field(1, "activations_allowed"), 2);
    assert_eq!(
        daemon.live_field(0, "activations_allowed"),
        10,
        "nobody approved that"
    );
    assert_eq!(daemon.object(0).state, ObjectState::Refused);
    // The same approval again approves nothing.
    assert_eq!(ask(&daemon, approved).await, Err(ActionError::NothingHeld));
    let status = daemon.wait_until_idle().await;
    let write = status
        .recent
        .iter()
        .find(|entry| entry.kind == ActivityKind::Write)
        .expect("a write");
    assert_eq!(write.by.as_deref(), Some("ann"));
    let request = status
        .recent
        .iter()
        .find(|entry| entry.kind == ActivityKind::Request)
        .expect("a request");
    assert!(
        request
            .message
            .as_ref()
            .is_some_and(|words| words.starts_with("approved the change "))
    );
    let records = daemon.read_history().records;
    let approvals: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.event {
            JournalEvent::Intent(intent) => intent.approved_by.clone(),
            JournalEvent::Started(started) => started
                .request
                .as_ref()
                .map(|request| format!("{} {}", started.by, request.action)),
            _ => None,
        })
        .collect();
    assert_eq!(approvals, ["ann approve", "ann"]);
    let runs = read_runs(&records);
    let [write, request] = &runs[..] else {
        panic!("the request and its write: {runs:#?}");
    };
    assert_eq!((write.summary.updated, write.request.as_ref()), (1, None));
    let asked = request.request.as_ref().expect("a request");
    assert_eq!(request.by.as_deref(), Some("ann"));
    assert_eq!(asked.action, "approve");
    assert_eq!(asked.address, Some(address(&daemon, 1)));
    daemon.stop().await;
}

#[tokio::test]
async fn an_approval_of_a_change_that_moved_writes_nothing() {
    let daemon = daemon(RunMode::Sync, 1).await;
    daemon.save_manifests(vec![order_manifest(0, 5)]).await;
    daemon
        .wait_until(|status| status.objects[0].state == ObjectState::Refused)
        .await;
    let approved = approval(&daemon, 0);
    // Somebody else is faster than the look that the approval brings.
    daemon.edit_live(0, "activations_allowed", 8);
    ask(&daemon, approved.clone())
        .await
        .expect("it is what the page shows");
    let moved = |status: &entitle::daemon::status::Status| {
        let message = status.objects[0].message.as_deref().unwrap_or_default();
        message.contains("it moved since ann approved it")
    };
    daemon.wait_until(moved).await;
    assert_eq!(daemon.live_field(0, "activations_allowed"), 8);
    assert_eq!(ask(&daemon, approved).await, Err(ActionError::Moved));
    // What is shown now can be approved.
    ask(&daemon, approval(&daemon, 0)).await.expect("approved");
    daemon
        .wait_until(|status| status.objects[0].state == ObjectState::InSync)
        .await;
    assert_eq!(daemon.live_field(0, "activations_allowed"), 5);
    daemon.stop().await;
}

#[tokio::test]
async fn the_brake_lets_one_approved_change_through_and_holds_the_others() {
    let daemon = daemon(RunMode::Sync, 12).await;
    daemon
        .save_manifests((0..12).map(|number| order_manifest(number, 20)).collect())
        .await;
    daemon
        .wait_until(|status| {
            status.brake.engaged
                && status
                    .objects
                    .iter()
                    .all(|object| object.state == ObjectState::Refused)
        })
        .await;
    ask(&daemon, approval(&daemon, 3)).await.expect("approved");
    daemon
        .wait_until(|status| status.objects[3].state == ObjectState::InSync)
        .await;
    let status = daemon.wait_until_idle().await;
    let held = status
        .objects
        .iter()
        .filter(|object| object.state == ObjectState::Refused);
    assert_eq!(held.count(), 11);
    assert!(status.brake.engaged);
    daemon.stop().await;
}

#[tokio::test]
async fn a_suspension_of_the_page_leaves_the_object_alone_until_its_end() {
    let daemon = daemon(RunMode::Sync, 1).await;
    let address = address(&daemon, 0);
    let suspend = |hours: i64, reason: &str| PageAction::Suspend {
        address: address.clone(),
        reason: reason.into(),
        until: test_clock() + SignedDuration::from_hours(hours),
    };
    assert_eq!(
        ask(&daemon, suspend(1, " ")).await,
        Err(ActionError::BadReason)
    );
    assert_eq!(
        ask(&daemon, suspend(-1, "a demo")).await,
        Err(ActionError::BadEnd)
    );
    ask(&daemon, suspend(1, "a demo")).await.expect("suspended");
    daemon
        .wait_until(|status| status.objects[0].state == ObjectState::Suspended)
        .await;
    let suspended = daemon.object(0).suspended.clone().expect("suspended");
    assert_eq!(
        (suspended.by.as_deref(), suspended.reason.as_deref()),
        (Some("ann"), Some("a demo"))
    );
    daemon.edit_live(0, "activations_allowed", 4);
    daemon.advance(Duration::from_secs(1_800)).await;
    assert_eq!(
        daemon.live_field(0, "activations_allowed"),
        4,
        "it is left alone"
    );
    // The patch that says the same in git, and back.
    let details = daemon.daemon.details(&address).await.expect("known");
    let (before, after) = details
        .suspension_edit(suspended.until.expect("an end"), "a demo")
        .expect("a patch");
    assert!(
        !before.contains("suspend") && after.contains("a demo"),
        "{after}"
    );
    ask(
        &daemon,
        PageAction::Resume {
            address: address.clone(),
        },
    )
    .await
    .expect("resumed");
    daemon
        .wait_until(|status| status.objects[0].state == ObjectState::InSync)
        .await;
    assert_eq!(
        daemon.live_field(0, "activations_allowed"),
        10,
        "it is healed"
    );
    let resume = PageAction::Resume {
        address: address.clone(),
    };
    assert_eq!(ask(&daemon, resume).await, Err(ActionError::NotSuspended));
    // It also ends by itself.
    ask(&daemon, suspend(1, "a demo")).await.expect("suspended");
    daemon
        .wait_until(|status| status.objects[0].state == ObjectState::Suspended)
        .await;
    daemon.edit_live(0, "activations_allowed", 4);
    daemon.advance(Duration::from_secs(3_700)).await;
    assert_eq!(daemon.live_field(0, "activations_allowed"), 10);
    assert_eq!(daemon.object(0).suspended, None);
    daemon.stop().await;
}

#[tokio::test]
async fn what_only_looks_can_be_looked_at_and_not_be_approved() {
    let daemon = daemon(RunMode::Observe, 1).await;
    let address = address(&daemon, 0);
    daemon.edit_live(0, "activations_allowed", 30);
    ask(
        &daemon,
        PageAction::Look(LookTarget::Object(address.clone())),
    )
    .await
    .expect("looked");
    let status = daemon
        .wait_until(|status| status.objects[0].state == ObjectState::Differs)
        .await;
    let edit = status
        .recent
        .iter()
        .find(|entry| entry.kind == ActivityKind::ForeignEdit)
        .expect("an edit");
    let change = &edit.changes.first[0];
    assert_eq!(
        (
            change.before.as_str(),
            change.after.as_str(),
            edit.by.as_ref()
        ),
        ("10", "30", None)
    );
    // Looking again tells nothing new.
    daemon.send_trigger(Trigger::Connection("lac".into())).await;
    let passes = |status: &entitle::daemon::status::Status| {
        status.passes.back().map_or(0, |pass| pass.number)
    };
    let before = passes(&status);
    let status = daemon.wait_until(|status| passes(status) > before).await;
    let edits = status
        .recent
        .iter()
        .filter(|entry| entry.kind == ActivityKind::ForeignEdit);
    assert_eq!(edits.count(), 1);
    assert!(status.connections["lac"].last_hook.is_some());
    assert_eq!(
        ask(&daemon, approval(&daemon, 0)).await,
        Err(ActionError::ObserveOnly)
    );
    let unknown = PageAction::Look(LookTarget::Object("LacLicenseOrder/nobody".into()));
    assert_eq!(
        ask(&daemon, unknown).await,
        Err(ActionError::UnknownObject("LacLicenseOrder/nobody".into()))
    );
    let unknown = PageAction::Look(LookTarget::Connection("nowhere".into()));
    assert_eq!(
        ask(&daemon, unknown).await,
        Err(ActionError::UnknownConnection("nowhere".into()))
    );
    daemon.stop().await;
}

#[tokio::test]
async fn the_history_of_an_object_says_who_set_what() {
    let daemon = daemon(RunMode::Sync, 1).await;
    let address = address(&daemon, 0);
    daemon.edit_live(0, "activations_allowed", 4);
    ask(
        &daemon,
        PageAction::Look(LookTarget::Connection("lac".into())),
    )
    .await
    .expect("looked");
    daemon
        .wait_until(|status| status.objects[0].last_write.is_some())
        .await;
    let status = daemon.wait_until_idle().await;
    let kinds: Vec<ActivityKind> = status.recent.iter().map(|entry| entry.kind).collect();
    assert_eq!(
        kinds,
        [
            ActivityKind::Write,
            ActivityKind::ForeignEdit,
            ActivityKind::Request
        ]
    );
    let details = daemon.daemon.details(&address).await.expect("known");
    let fields: Vec<String> = details
        .desired_fields()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(
        fields.contains(&"activations_allowed".to_string()),
        "{fields:?}"
    );
    let write = details
        .last_write_of("activations_allowed")
        .expect("a write");
    assert_eq!((write.by.as_str(), write.changes.len()), ("the tests", 1));
    assert_eq!(details.last_write_of("customer_id"), None);
    daemon.stop().await;
}
