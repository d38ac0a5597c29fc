//! The real program creates objects and is killed, at every line of its journal and at other instants; and two of them
//! share a store. Whatever happens, an account has at most one object for each manifest, and the next run makes good.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entitle::sandbox::{Options, SandboxServer, credentials};
use serde_json::{Value as Json, json};

use super::kinds::{CreatedSet, created_sets};
use crate::support::bench::Object;
use crate::support::past::History;

/// Objects that a workspace creates.
const OBJECTS: usize = 3;

/// A sandbox, and manifests of objects that are to be created.
struct Workspace {
    set: CreatedSet,
    objects: Vec<Object>,
    sandbox: SandboxServer,
    token: &'static str,
    dir: tempfile::TempDir,
}

impl Workspace {
    async fn new(set: CreatedSet) -> Self {
        let options = Options {
            latency: Duration::from_millis(8),
            ..Options::default()
        };
        let sandbox = SandboxServer::start(options).await.expect("loopback");
        let dir = tempfile::tempdir().expect("a directory");
        let all = credentials::credentials_of(set.vendor);
        let credential = { all }.find(|one| one.values.len() == 1 && one.form != "login");
        let credential = credential.expect("a token or a key");
        let (_, token) = credential.values[0];
        let connection = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection", "metadata": {"name": set.vendor},
            "spec": {"vendor": set.vendor, "baseUrl": format!("http://{}{}", sandbox.address(), credential.base),
                "auth": {credential.form: {"env": "VENDOR_TOKEN"}}, "limits": {"concurrency": 2}},
        });
        write(dir.path(), "connection.yaml", &connection.to_string());
        let objects = set.objects();
        for object in &objects {
            write(dir.path(), &format!("{}.yaml", object.name), &object.text());
        }
        Self {
            set,
            objects,
            sandbox,
            token,
            dir,
        }
    }

    fn apply(&self) -> Child {
        let journal = ["--journal", "state/journal.jsonl"];
        Command::new(env!("CARGO_BIN_EXE_entitle"))
            .args(["apply", ".", "--auto-approve"])
            .args(journal)
            .current_dir(self.dir.path())
            .env_clear()
            .env("VENDOR_TOKEN", self.token)
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

    /// How many objects the account has for each manifest.
    fn counts(&self) -> Vec<usize> {
        let account = self.sandbox.state(self.set.vendor).expect("a simulator");
        self.set.counts(&account)
    }

    fn creations(&self) -> usize {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|seen| seen.method == "POST" && seen.carried_out)
            .count()
    }

    /// Runs again after a kill and checks that everything is as it should be.
    async fn recover(&self, when: &str) {
        let when = format!("{}, {when}", self.set.name);
        // A write of the killed run may still be on its way into the account.
        self.sandbox.wait_until_all_closed().await.expect("quiet");
        let counts = self.counts();
        assert!(counts.iter().all(|count| *count <= 1), "{when}: {counts:?}");
        let cut_off = self.history().open_intents();
        let output = self.apply().wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{when}: {stderr}");
        assert_eq!(self.counts(), vec![1; self.objects.len()], "{when}");
        assert_eq!(
            self.creations(),
            self.objects.len(),
            "{when}: none was made twice"
        );
        for open in &cut_off {
            let address = &open.intent.address;
            assert!(
                stderr.contains(address),
                "{when}: {address} was under way: {stderr}"
            );
        }
        let history = self.history();
        assert!(
            history.open_intents().is_empty(),
            "{when}: an intent is open"
        );
        assert!(
            history.damaged <= 1,
            "{when}: {} lines are damaged",
            history.damaged
        );
        self.history_names_all(&when);
    }

    /// The command `history` tells of every object that it was created.
    fn history_names_all(&self, when: &str) {
        let output = Command::new(env!("CARGO_BIN_EXE_entitle"))
            .args([
                "history",
                "--full",
                "--journal",
                "state/journal.jsonl",
                "--format",
                "json",
            ])
            .current_dir(self.dir.path())
            .env_clear()
            .output()
            .expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{when}: {text}");
        serde_json::from_str::<Json>(&text).expect("JSON");
        for object in &self.objects {
            assert!(
                text.contains(&format!("{}/{}", object.kind, object.name)),
                "{when}: {text}"
            );
        }
    }
}

/// The set at this index.
fn set(at: usize) -> CreatedSet {
    created_sets(OBJECTS).swap_remove(at)
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("written");
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
async fn killed_at_every_line_of_the_journal_nothing_is_made_twice() {
    for at in 0..created_sets(OBJECTS).len() {
        // One start, an intent and an outcome for each object, one end.
        for line in 1..=2 * set(at).parts.len() + 2 {
            let workspace = Workspace::new(set(at)).await;
            kill_when(workspace.apply(), || workspace.lines() >= line);
            workspace.recover(&format!("killed at line {line}")).await;
            workspace.sandbox.stop().await;
        }
    }
}

/// The instant that matters most: the object is there, and nothing says so yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_a_creation_and_its_outcome_nothing_is_made_twice() {
    for at in 0..created_sets(OBJECTS).len() {
        for creations in 1..=set(at).parts.len() {
            let workspace = Workspace::new(set(at)).await;
            kill_when(workspace.apply(), || workspace.creations() >= creations);
            let open = workspace.history().open_intents().len();
            workspace
                .recover(&format!(
                    "killed after creation {creations}, {open} intents open"
                ))
                .await;
            workspace.sandbox.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_nothing_is_made_twice() {
    for at in 0..created_sets(OBJECTS).len() {
        let mut after = Duration::from_millis(5);
        for _ in 0..8 {
            let workspace = Workspace::new(set(at)).await;
            let start = Instant::now();
            kill_when(workspace.apply(), || start.elapsed() >= after);
            workspace.recover(&format!("killed after {after:?}")).await;
            after += after / 2;
            workspace.sandbox.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_on_one_store_one_creates_and_the_other_makes_nothing() {
    for at in 0..created_sets(OBJECTS).len() {
        let workspace = Workspace::new(set(at)).await;
        let runs = [workspace.apply(), workspace.apply()];
        let codes: Vec<Option<i32>> = runs
            .into_iter()
            .map(|child| child.wait_with_output().expect("it ends").status.code())
            .collect();
        // The faster one may be done before the other starts: then both succeed and the second writes nothing.
        assert!(codes.contains(&Some(0)), "{codes:?}");
        assert!(
            codes.iter().all(|code| matches!(code, Some(0 | 6))),
            "{codes:?}"
        );
        let (name, objects) = (workspace.set.name, workspace.objects.len());
        assert_eq!(workspace.counts(), vec![1; objects], "{name}");
        assert_eq!(workspace.creations(), objects, "{name}");
        workspace.sandbox.stop().await;
    }
}
