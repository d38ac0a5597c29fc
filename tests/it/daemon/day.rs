//! A day in the life: drift and faults around the clock, and requests as the arithmetic says.

use std::time::Duration;

use entitle::daemon::engine::WatchRules;
use entitle::daemon::mode::RunMode;
use entitle::daemon::status::{ObjectState, PASSES, Status};

use super::{TestDaemon, bench_with_orders, order_manifests, watch_rules};

/// Orders of one customer: two pages of a hundred.
const ORDERS: usize = 120;

/// As many as an hour of faults needs to be quick: what grows does so with any number.
const FEW: usize = 12;

/// Every half hour: the arithmetic is the same as with more rounds.
fn half_hourly() -> WatchRules {
    WatchRules {
        resync: Duration::from_secs(1800),
        ..watch_rules(RunMode::Sync)
    }
}

#[tokio::test]
async fn a_quiet_day_costs_two_pages_a_round() {
    let watched = TestDaemon::start(
        bench_with_orders(ORDERS).await,
        order_manifests(ORDERS),
        half_hourly(),
    )
    .await;
    watched.bench.sandbox.forget_requests();
    let passes = |status: &Status| status.passes.back().map_or(0, |pass| pass.number);
    let before = passes(&watched.status.borrow());
    let status = watched.advance(Duration::from_secs(24 * 3600)).await;
    let rounds = passes(&status) - before;
    // What the passes themselves take is added to the waits between them.
    assert!((46..=48).contains(&rounds), "{rounds}");
    assert_eq!(watched.bench.reads().len() as u64, 2 * rounds);
    assert_eq!(watched.bench.writes(), [""; 0]);
    // One account for the whole day: nobody logs in again.
    assert_eq!(watched.bench.logins(), [""; 0]);
    watched.stop().await;
}

#[tokio::test]
async fn on_a_day_full_of_faults_every_drift_is_healed_and_nothing_grows() {
    let watched = TestDaemon::start(
        bench_with_orders(ORDERS).await,
        order_manifests(ORDERS),
        half_hourly(),
    )
    .await;
    for hour in 0..24 {
        an_hour_of_faults(&watched, hour * 5 % ORDERS, hour).await;
    }
    let status = watched.advance(Duration::from_secs(1800)).await;
    assert!(
        status
            .objects
            .iter()
            .all(|o| o.state == ObjectState::InSync)
    );
    assert!(status.passes.len() <= PASSES && status.passes.back().expect("some").number > 48);
    let size = serde_json::to_string(&*status).expect("plain data").len();
    assert!(size < 200_000, "{size} bytes of status");
    watched.stop().await;
}

/// An hour in which somebody moves an object, and the vendor fails now and then. By its end all is healed.
async fn an_hour_of_faults(watched: &TestDaemon, number: usize, hour: usize) {
    watched.edit_live(number, "activations_allowed", 4);
    // Refusals that no retry on the way hides: what failed is looked at again by itself.
    let fault = |method: &str, status| entitle::sandbox::ScriptedFault {
        status,
        times: 2,
        retry_after: None,
        method: Some(method.into()),
        carried_out: hour.is_multiple_of(2),
    };
    let fail = |fault| {
        watched
            .bench
            .sandbox
            .script_fault("lac", fault)
            .expect("a vendor")
    };
    fail(fault("GET", 400));
    if hour.is_multiple_of(3) {
        fail(fault("PATCH", 500));
    }
    watched.advance(Duration::from_secs(3600)).await;
    assert_eq!(
        watched.live_field(number, "activations_allowed"),
        10,
        "hour {hour}"
    );
}

/// Weighing needs a process of its own: here other tests allocate meanwhile.
#[test]
fn memory_is_flat_over_days_of_faults() {
    let weighed = concat!(module_path!(), "::days_of_faults_weighed");
    let (_, name) = weighed.split_once("::").expect("a module");
    let ran = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let why = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}{why}"
    );
}

#[tokio::test]
#[ignore = "run by the test above, alone"]
async fn days_of_faults_weighed() {
    let watched = TestDaemon::start(
        bench_with_orders(FEW).await,
        order_manifests(FEW),
        half_hourly(),
    )
    .await;
    let mut live = Vec::new();
    // After two days the list of passes is full and every object was healed: from then on nothing may come
    // to stay. The simulators remember requests, which are forgotten here, and a token for each login.
    for hour in 0..72 {
        an_hour_of_faults(&watched, hour % FEW, hour).await;
        watched.bench.sandbox.forget_requests();
        live.push(crate::LIVE.current_usage());
    }
    let (before, after) = (live[47], live[71]);
    let grown = after.saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} bytes in a day: {live:?}");
    watched.stop().await;
}
