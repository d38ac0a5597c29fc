//! Sessions of the real program: whatever ends a run, what it opened is logged out where the vendor asks for that.
#![cfg(unix)]

use std::time::Duration;

use entitle::sandbox::Options;
use serde_json::{Value as Json, json};

use super::program::{Daemon, log, wait_for};
use crate::conformance::vendors::{Vendor, informatica};
use crate::support::program::Place;

const INFORMATICA: &Vendor = &informatica::VENDOR;

/// An account that is opened by a login, and an object of it.
async fn place(latency: Duration) -> Place {
    let options = Options {
        latency,
        ..Options::default()
    };
    let mut place = Place::with(options).await;
    let account = (INFORMATICA.account)(5);
    place
        .sandbox
        .set_state(INFORMATICA.name, account)
        .expect("an account");
    place.connect_by_login(INFORMATICA.name);
    limit(&place, 1);
    (0..5).for_each(|number| place.object(&INFORMATICA.little(number, true)));
    place
}

/// Lets so many calls go side by side.
fn limit(place: &Place, concurrency: usize) {
    let file = place.dir.path().join("informatica.yaml");
    let text = std::fs::read_to_string(file).expect("there");
    let mut connection: Json = serde_json::from_str(&text).expect("JSON");
    connection["spec"]["limits"] = json!({"concurrency": concurrency});
    place.write("informatica.yaml", &connection.to_string());
}

/// How many requests have ended so.
fn count(place: &Place, end: &str) -> usize {
    let requests = place.sandbox.requests();
    requests
        .iter()
        .filter(|seen| seen.path.ends_with(end))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_to_a_command_that_only_reads_logs_out() {
    for (command, signal, code) in [
        (&["plan"] as &[_], "INT", 130),
        (&["drift"], "TERM", 143),
        (&["import", "--update"], "HUP", 129),
        // Nothing is written yet.
        (&["apply", "--auto-approve"], "INT", 130),
    ] {
        let place = place(Duration::from_millis(300)).await;
        let run = Daemon::start(&place, command);
        wait_for(&place, "the login", || count(&place, "/login") == 1);
        // Its reply opens the session, with which the objects are read one after the other.
        wait_for(&place, "the first reading", || {
            place.sandbox.requests().len() == 2
        });
        run.signal(signal);
        assert_eq!(run.ends_with(), code, "{command:?}: {}", log(&place));
        assert_eq!(count(&place, "/logout"), 1, "{command:?}: {}", log(&place));
        assert!(place.sandbox.requests().len() < 1 + 5 + 1, "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_waits_for_no_log_out() {
    let place = place(Duration::from_millis(1500)).await;
    let run = Daemon::start(&place, &["plan"]);
    wait_for(&place, "the reading", || {
        place.sandbox.requests().len() == 2
    });
    run.signal("INT");
    wait_for(&place, "the word", || {
        log(&place).contains("Once more stops at once")
    });
    let start = std::time::Instant::now();
    run.signal("INT");
    assert_eq!(run.ends_with(), 130);
    assert!(start.elapsed() < Duration::from_millis(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_the_daemon_logs_the_old_session_out() {
    let place = place(Duration::ZERO).await;
    let daemon = Daemon::start(&place, &["watch", ".", "--mode", "observe"]);
    let in_force = |times: usize| log(&place).matches("differs").count() >= times;
    wait_for(&place, "the first look", || in_force(1));
    daemon.signal("HUP");
    wait_for(&place, "another login", || count(&place, "/login") == 2);
    wait_for(&place, "the end of the old session", || {
        count(&place, "/logout") == 1
    });
    // The connection is another one.
    limit(&place, 2);
    wait_for(&place, "a third login", || count(&place, "/login") == 3);
    wait_for(&place, "the end of the second session", || {
        count(&place, "/logout") == 2
    });
    daemon.signal("TERM");
    assert_eq!(daemon.ends_with(), 0);
    assert_eq!((count(&place, "/login"), count(&place, "/logout")), (3, 3));
}
