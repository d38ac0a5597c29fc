//! Sessions of the real program: whatever ends a run, what it opened is logged out where the vendor asks for that.
#![cfg(unix)]

use std::time::Duration;

use entitle::sandbox::Options;
use serde_json::{Value as Json, json};

use super::program::{DaemonProcess, read_log, wait_for};
use crate::conformance::vendors::{Vendor, informatica};
use crate::support::program::Workspace;

const INFORMATICA: &Vendor = &informatica::VENDOR;

/// An account that is opened by a login, and an object of it.
async fn informatica_account(latency: Duration) -> Workspace {
    let options = Options {
        latency,
        ..Options::default()
    };
    let mut workspace = Workspace::with(options).await;
    let account = (INFORMATICA.account)(5);
    workspace
        .sandbox
        .set_state(INFORMATICA.name, account)
        .expect("an account");
    workspace.connect_by_login(INFORMATICA.name);
    set_concurrency(&workspace, 1);
    (0..5).for_each(|number| workspace.object(&INFORMATICA.little(number, true)));
    workspace
}

/// Lets so many calls go side by side.
fn set_concurrency(workspace: &Workspace, concurrency: usize) {
    let file = workspace.dir.path().join("informatica.yaml");
    let text = std::fs::read_to_string(file).expect("there");
    let mut connection: Json = serde_json::from_str(&text).expect("JSON");
    connection["spec"]["limits"] = json!({"concurrency": concurrency});
    workspace.write("informatica.yaml", &connection.to_string());
}

/// How many requests have ended so.
fn count_requests(workspace: &Workspace, end: &str) -> usize {
    let requests = workspace.sandbox.requests();
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
        let workspace = informatica_account(Duration::from_millis(300)).await;
        let run = DaemonProcess::start(&workspace, command);
        wait_for(&workspace, "the login", || {
            count_requests(&workspace, "/login") == 1
        });
        // Its reply opens the session, with which the objects are read one after the other.
        wait_for(&workspace, "the first reading", || {
            workspace.sandbox.requests().len() == 2
        });
        run.send_signal(signal);
        assert_eq!(
            run.wait_for_exit(),
            code,
            "{command:?}: {}",
            read_log(&workspace)
        );
        assert_eq!(
            count_requests(&workspace, "/logout"),
            1,
            "{command:?}: {}",
            read_log(&workspace)
        );
        assert!(
            workspace.sandbox.requests().len() < 1 + 5 + 1,
            "{command:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_waits_for_no_log_out() {
    let workspace = informatica_account(Duration::from_millis(1500)).await;
    let run = DaemonProcess::start(&workspace, &["plan"]);
    wait_for(&workspace, "the reading", || {
        workspace.sandbox.requests().len() == 2
    });
    run.send_signal("INT");
    wait_for(&workspace, "the word", || {
        read_log(&workspace).contains("Once more stops at once")
    });
    let start = std::time::Instant::now();
    run.send_signal("INT");
    assert_eq!(run.wait_for_exit(), 130);
    assert!(start.elapsed() < Duration::from_millis(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_the_daemon_logs_the_old_session_out() {
    let workspace = informatica_account(Duration::ZERO).await;
    let daemon = DaemonProcess::start(&workspace, &["watch", ".", "--mode", "observe"]);
    let in_force = |times: usize| read_log(&workspace).matches("differs").count() >= times;
    wait_for(&workspace, "the first look", || in_force(1));
    daemon.send_signal("HUP");
    wait_for(&workspace, "another login", || {
        count_requests(&workspace, "/login") == 2
    });
    wait_for(&workspace, "the end of the old session", || {
        count_requests(&workspace, "/logout") == 1
    });
    // The connection is another one.
    set_concurrency(&workspace, 2);
    wait_for(&workspace, "a third login", || {
        count_requests(&workspace, "/login") == 3
    });
    wait_for(&workspace, "the end of the second session", || {
        count_requests(&workspace, "/logout") == 2
    });
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
    assert_eq!(
        (
            count_requests(&workspace, "/login"),
            count_requests(&workspace, "/logout")
        ),
        (3, 3)
    );
}
