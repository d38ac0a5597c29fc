//! The built program with a store that its runs share, each of them on a machine of its own.

mod world;

use std::time::Duration;

use world::wait_for;
pub use world::{World, exit};

/// Every object differs at the start.
const OBJECTS: usize = 200;

macro_rules! programs {
    ($store:path) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn of_eight_runs_at_once_each_object_is_written_by_one() {
            $crate::program::eight_at_once(&$store().await).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_killed_run_is_named_taken_over_and_gone_on_from() {
            $crate::program::killed(&$store().await).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn a_run_that_sleeps_past_its_lease_sends_nothing_more() {
            $crate::program::asleep(&$store().await).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn what_one_runner_did_another_tells_compares_heals_and_takes_back() {
            $crate::program::one_story(&$store().await).await;
        }
    };
}
pub(crate) use programs;

/// A URL of a store for the program, and what it finds in its environment besides.
pub struct Address {
    pub url: String,
    pub environment: Vec<(String, String)>,
}

const APPLY: [&str; 2] = ["apply", "--auto-approve"];

pub async fn eight_at_once(store: &Address) {
    let world = World::new(store, OBJECTS, 100.0, Duration::from_millis(5)).await;
    let runs: Vec<_> = (0..8).map(|_| world.start(&APPLY)).collect();
    let mut codes = Vec::new();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let code = exit(&output);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            code == 0 || code == 6 && words.contains("is locked by"),
            "{code}: {words}"
        );
        codes.push(code);
    }
    assert!(codes.contains(&0), "{codes:?}");
    assert_eq!(world.writes(), OBJECTS);
    // Whoever waits finds nothing left to do.
    let runs: Vec<_> = (0..4)
        .map(|_| world.start(&["apply", "--auto-approve", "--lock-timeout", "60s"]))
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert_eq!(exit(&output), 0, "{output:?}");
    }
    assert_eq!(world.writes(), OBJECTS);
}

pub async fn killed(store: &Address) {
    let world = World::new(store, OBJECTS, 100.0, Duration::from_millis(20)).await;
    // Early, in the middle, and near the end.
    for after in [1, OBJECTS / 2, OBJECTS - 20] {
        let mut run = world.start(&APPLY);
        wait_for("some writes", || world.writes() >= after);
        run.kill().unwrap();
        run.wait().unwrap();
        let locked = world.run(&APPLY);
        assert_eq!(exit(&locked), 6, "{locked:?}");
        let words = String::from_utf8_lossy(&locked.stderr).into_owned();
        assert!(words.contains(", process "), "{words}");
        let freed = world.run(&["store", "unlock", "lac"]);
        assert_eq!(exit(&freed), 0, "{freed:?}");
    }
    let last = world.run(&APPLY);
    assert_eq!(exit(&last), 0, "{last:?}");
    // What was in flight was looked into, not sent again.
    assert_eq!(world.writes(), OBJECTS);
    let history = world.run(&["history", "--format", "json"]);
    let history: serde_json::Value = serde_json::from_slice(&history.stdout).unwrap();
    let runs = history["runs"].as_array().unwrap().iter();
    let wrote = runs.filter(|run| run["purpose"] == "apply");
    let cut_off = wrote.filter(|run| run["end"] == "not_recorded");
    assert_eq!(cut_off.count(), 3, "{history:#}");
}

pub async fn asleep(store: &Address) {
    let world = World::new(store, OBJECTS, 100.0, Duration::from_millis(20)).await;
    let run = world.start(&APPLY);
    wait_for("some writes", || world.writes() >= OBJECTS / 4);
    world.signal(&run, "STOP");
    // The lease lasts for the timeout of the connection and half a minute.
    let waiting = ["apply", "--auto-approve", "--lock-timeout", "60s"];
    let other = world.run(&waiting);
    assert_eq!(exit(&other), 0, "{other:?}");
    let before = world.writes();
    world.signal(&run, "CONT");
    let woken = run.wait_with_output().unwrap();
    assert_eq!(exit(&woken), 3, "{woken:?}");
    let words = String::from_utf8_lossy(&woken.stdout).into_owned();
    assert!(words.contains("locked out"), "{words}");
    assert_eq!(world.writes(), before);
    assert_eq!(before, OBJECTS);
}

pub async fn one_story(store: &Address) {
    let world = World::new(store, 3, 100.0, Duration::ZERO).await;
    assert_eq!(exit(&world.run(&APPLY)), 0);
    let before = world.live(0);
    world.edit(0);
    let drift = world.run(&["drift"]);
    assert_eq!(exit(&drift), 2, "{drift:?}");
    let words = String::from_utf8_lossy(&drift.stdout).into_owned();
    assert!(words.contains("they"), "{words}");
    let heal = ["watch", "--once", "--mode", "heal", "--max-changes", "100%"];
    let healed = world.run(&heal);
    assert_eq!(exit(&healed), 0, "{healed:?}");
    assert_eq!(world.live(0), before);
    let undo = ["undo", "latest", "--auto-approve", "--allow", "strand"];
    let undone = world.run(&undo);
    assert_eq!(exit(&undone), 0, "{undone:?}");
    let history = world.run(&["history", "--full"]);
    let history = String::from_utf8_lossy(&history.stdout).into_owned();
    for words in ["Purpose: heal", "Purpose: undo of"] {
        assert!(history.contains(words), "{history}");
    }
}

/// Eight jobs that plan one account at the same time.
pub async fn eight_plans(store: &Address) -> (usize, usize) {
    let world = World::of("cryptlex", store, 1_000, 0.0, Duration::ZERO).await;
    world.limit();
    let runs: Vec<_> = (0..8).map(|_| world.start(&["plan"])).collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert_eq!(exit(&output), 0, "{output:?}");
    }
    world.calls()
}
