//! The real program, killed with `SIGKILL` at every line of its journal and at many other instants, then
//! run again: the account ends as the manifests say, and the second run says what was under way.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entitle::apply::journal::JournalEvent;
use entitle::sandbox::{Options, SandboxServer, credentials};
use serde_json::{Value as Json, json};

use super::support::past::History;

const ORDERS: usize = 5;

/// A LAC account with a few orders and the manifests that want more activations of each.
struct Workspace {
    sandbox: SandboxServer,
    dir: tempfile::TempDir,
}

impl Workspace {
    async fn new() -> Self {
        Self::answering_in(Duration::from_millis(8)).await
    }

    async fn answering_in(latency: Duration) -> Self {
        let options = Options {
            latency,
            ..Options::default()
        };
        let sandbox = SandboxServer::start(options).await.expect("loopback");
        let mut state = sandbox.state("lac").expect("a vendor");
        let first = state["license_orders"][0].clone();
        let orders: Vec<Json> = (0..ORDERS)
            .map(|number| {
                let mut order = first.clone();
                order["activation_key"] = json!(key(number));
                order
            })
            .collect();
        state["license_orders"] = json!(orders);
        sandbox.set_state("lac", state).expect("a good account");
        let dir = tempfile::tempdir().expect("a directory");
        let credential = credentials::credentials_of("lac")
            .next()
            .expect("lac has one");
        let connection = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection", "metadata": {"name": "lac"},
            "spec": {"vendor": "lac", "baseUrl": format!("http://{}{}", sandbox.address(), credential.base),
                "auth": {"token": {"env": "LAC_TOKEN"}}, "limits": {"concurrency": 2}},
        });
        write(dir.path(), "connection.yaml", &connection);
        for number in 0..ORDERS {
            let manifest = json!({
                "apiVersion": "entitle.dev/v1", "kind": "LacLicenseOrder",
                "metadata": {"name": format!("order-{number}")},
                "spec": {"activationKey": key(number), "desired": {"customer_id": 1, "activations_allowed": 50}},
            });
            write(dir.path(), &format!("order-{number}.yaml"), &manifest);
        }
        Self { sandbox, dir }
    }

    fn apply(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_entitle"))
            .args([
                "apply",
                ".",
                "--auto-approve",
                "--journal",
                "state/journal.jsonl",
            ])
            .current_dir(self.dir.path())
            .env_clear()
            .env("LAC_TOKEN", "sandbox-token")
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    fn history(&self) -> History {
        History::read(&self.dir.path().join("state/journal.jsonl"))
    }

    fn lines(&self) -> usize {
        let text = std::fs::read_to_string(self.dir.path().join("state/journal.jsonl"));
        text.map_or(0, |text| text.lines().count())
    }

    fn allowed(&self) -> Vec<i64> {
        let state = self.sandbox.state("lac").expect("a vendor");
        let orders = state["license_orders"].as_array().expect("a list");
        orders
            .iter()
            .filter_map(|order| order["activations_allowed"].as_i64())
            .collect()
    }

    /// Runs again after a kill and checks that everything is as it should be.
    fn recover(&self, when: &str) {
        let cut_off = self.history().open_intents();
        let output = self.apply().wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{when}: {said}");
        assert_eq!(self.allowed(), [50; ORDERS], "{when}");
        for open in &cut_off {
            assert!(
                said.contains(&open.intent.address),
                "{when}: it does not say what was under way: {said}"
            );
        }
        let history = self.history();
        assert!(
            history.open_intents().is_empty(),
            "{when}: an intent is still open"
        );
        assert!(
            history.damaged <= 1,
            "{when}: {} lines are damaged",
            history.damaged
        );
        self.no_two_different_writes(when);
    }

    /// No order was ever written with two different bodies.
    fn no_two_different_writes(&self, when: &str) {
        let mut bodies = std::collections::BTreeMap::new();
        for seen in self
            .sandbox
            .requests()
            .into_iter()
            .filter(|seen| seen.method == "PATCH")
        {
            let body = seen.body.unwrap_or_default();
            let first = bodies
                .entry(seen.path.clone())
                .or_insert_with(|| body.clone());
            assert_eq!(
                *first, body,
                "{when}: {} was written twice, differently",
                seen.path
            );
        }
    }
}

fn key(number: usize) -> String {
    format!("KILL0-KILL0-KILL0-{number:05}")
}

fn write(dir: &Path, name: &str, document: &Json) {
    std::fs::write(dir.join(name), document.to_string()).expect("written");
}

/// Kills the child as soon as `now` says so; nothing if it ended before.
fn kill_when(mut child: Child, now: impl Fn() -> bool) {
    while child.try_wait().expect("a child").is_none() {
        if now() {
            let _ = child.kill();
            break;
        }
        std::thread::yield_now();
    }
    child.wait().expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_line_of_the_journal_the_next_run_ends_it_well() {
    // One start, an intent and an outcome per order, one end.
    for line in 1..=2 * ORDERS + 2 {
        let workspace = Workspace::new().await;
        kill_when(workspace.apply(), || workspace.lines() >= line);
        workspace.recover(&format!("killed at line {line}"));
        workspace.sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_the_next_run_ends_it_well() {
    let mut after = Duration::from_millis(3);
    for _ in 0..16 {
        let workspace = Workspace::new().await;
        let start = Instant::now();
        kill_when(workspace.apply(), || start.elapsed() >= after);
        workspace.recover(&format!("killed after {after:?}"));
        after += after / 3;
        workspace.sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_at_once_one_writes_and_the_other_is_locked_out() {
    let workspace = Workspace::new().await;
    let (first, second) = (workspace.apply(), workspace.apply());
    let codes: Vec<Option<i32>> = [first, second]
        .into_iter()
        .map(|child| child.wait_with_output().expect("it ends").status.code())
        .collect();
    // The faster one may be done before the other starts: then both succeed and the second writes nothing.
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 6))),
        "{codes:?}"
    );
    assert_eq!(workspace.allowed(), [50; ORDERS]);
    let writes = workspace
        .sandbox
        .requests()
        .into_iter()
        .filter(|seen| seen.method == "PATCH")
        .count();
    assert_eq!(writes, ORDERS, "each order is written once");
    workspace.sandbox.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_once_a_run_finishes_what_is_in_flight_and_says_so() {
    for (signal, code) in [("INT", 130), ("HUP", 129)] {
        interrupted(signal, code).await;
    }
}

#[cfg(unix)]
async fn interrupted(signal: &str, code: i32) {
    // Slow enough that even a busy machine sends the signal before the run is through.
    let workspace = Workspace::answering_in(Duration::from_millis(80)).await;
    let mut child = workspace.apply();
    while workspace.lines() < 2 && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &id])
        .status()
        .expect("kill runs");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(code), "{signal}: {shown}");
    assert!(shown.contains("interrupted before its turn"), "{shown}");
    assert!(
        workspace.history().open_intents().is_empty(),
        "what was in flight has an outcome"
    );
    let ended = JournalEvent::Finished { interrupted: true };
    let mut events = workspace
        .history()
        .records
        .into_iter()
        .map(|record| record.event);
    assert!(events.any(|event| event == ended), "{signal}");
    workspace.recover("interrupted");
    workspace.sandbox.stop().await;
}

/// A terminal that goes away: nothing can be printed any more, and the run ends all the same.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_terminal_went_ends_its_writes() {
    let workspace = Workspace::answering_in(Duration::from_millis(80)).await;
    let mut child = workspace.apply();
    drop((child.stdout.take(), child.stderr.take()));
    while workspace.lines() < 2 && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
    let id = child.id().to_string();
    // The kernel sends one, and the shell another.
    for _ in 0..2 {
        let sent = Command::new("kill").args(["-HUP", &id]).status();
        assert!(sent.expect("kill runs").success());
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(129));
    assert!(workspace.history().open_intents().is_empty());
    workspace.recover("hung up");
    workspace.sandbox.stop().await;
}
