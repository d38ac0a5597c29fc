//! A day in the life: drift and faults around the clock, and requests as the arithmetic says.

use std::time::Duration;

use entitle::daemon::engine::Rules;
use entitle::daemon::mode::RunMode;
use entitle::daemon::status::{ObjectState, PASSES, Status};

use super::{Watched, manifests, orders, rules};

/// Orders of one customer: two pages of a hundred.
const ORDERS: usize = 120;

/// Every half hour: the arithmetic is the same as with more rounds.
fn half_hourly() -> Rules {
    Rules {
        resync: Duration::from_secs(1800),
        ..rules(RunMode::Sync)
    }
}

#[tokio::test]
async fn a_quiet_day_costs_two_pages_a_round() {
    let watched = Watched::start(orders(ORDERS).await, manifests(ORDERS), half_hourly()).await;
    watched.bench.sandbox.forget_requests();
    let passes = |status: &Status| status.passes.back().map_or(0, |pass| pass.number);
    let before = passes(&watched.status.borrow());
    let status = watched.go(Duration::from_secs(24 * 3600)).await;
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
    let watched = Watched::start(orders(ORDERS).await, manifests(ORDERS), half_hourly()).await;
    for hour in 0..24 {
        let number = hour * 5;
        watched.edit(number, "activations_allowed", 4);
        // Refusals that no retry on the way hides: what failed is looked at again by itself.
        let fault = |method: &str, status| entitle::sandbox::Fault {
            status,
            times: 2,
            retry_after: None,
            method: Some(method.into()),
            carried_out: hour % 2 == 0,
        };
        watched
            .bench
            .sandbox
            .fail("lac", fault("GET", 400))
            .expect("a vendor");
        if hour % 3 == 0 {
            watched
                .bench
                .sandbox
                .fail("lac", fault("PATCH", 500))
                .expect("a vendor");
        }
        watched.go(Duration::from_secs(3600)).await;
        assert_eq!(
            watched.live(number, "activations_allowed"),
            10,
            "hour {hour}"
        );
    }
    let status = watched.go(Duration::from_secs(1800)).await;
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
