//! The daemon over the simulators, in simulated time: its clock jumps while nothing is in flight.

mod dates;
mod day;
pub mod git;
mod held_writes;
mod passes;
pub mod program;
mod references;
mod replicas;
mod requests;
mod service;
mod sessions;
pub mod webhooks;
mod writes;

use std::cell::OnceCell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entitle::apply::memory::Detail;
use entitle::apply::store::{RecordQueue, Store};
use entitle::apply::{Listener, Secrets, Tls, Trust};
use entitle::daemon::engine::{Engine, WatchRules};
use entitle::daemon::mode::RunMode;
use entitle::daemon::pass::PassContext;
use entitle::daemon::requests::DaemonHandle;
use entitle::daemon::sharing::Sharing;
use entitle::daemon::source::Fetched;
use entitle::daemon::source::SourceError;
use entitle::daemon::status::{ObjectState, ObjectStatus, SourceKind, Status};
use entitle::daemon::status_log::StatusLog;
use entitle::daemon::task::{DaemonCommand, DaemonTask};
use entitle::daemon::trigger::Trigger;
use entitle::model::{Diagnostic, Severity};
use entitle::plan::max_changes::MaxChanges;
use entitle::reconcile::Settings;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::conformance::vendors::{self, Vendor};
use crate::support::bench::{Bench, Object, quick};
use crate::support::past::History;
use crate::support::{paths, pure, stores};

pub const LAC: &Vendor = &vendors::lac::VENDOR;

/// The regular wait of these tests.
pub const RESYNC: Duration = Duration::from_secs(600);

thread_local! {
    static ORIGIN: OnceCell<Instant> = const { OnceCell::new() };
}

/// The wall clock of the daemon: it goes with tokio's, which the tests move.
pub fn test_clock() -> Timestamp {
    let gone = ORIGIN.with(|origin| origin.get_or_init(Instant::now).elapsed());
    pure::now() + SignedDuration::try_from(gone).expect("a short while")
}

pub fn watch_rules(mode: RunMode) -> WatchRules {
    WatchRules {
        mode,
        resync: RESYNC,
        max_changes: MaxChanges::OF_DAEMON.parse().expect("a share"),
        windows: Vec::new(),
    }
}

/// A daemon that watches manifests in memory.
pub struct TestDaemon {
    pub bench: Arc<Bench>,
    /// What the source holds, or why it cannot be read.
    pub source: Arc<Mutex<Result<Vec<Object>, String>>>,
    pub triggers: mpsc::Sender<Trigger>,
    pub orders: mpsc::Sender<DaemonCommand>,
    /// How people reach it.
    pub daemon: DaemonHandle,
    pub status: watch::Receiver<Arc<Status>>,
    pub stop: Arc<AtomicBool>,
    pub journal: tempfile::TempDir,
    pub task: JoinHandle<Arc<Status>>,
}

/// How a daemon is started, beside its rules.
#[derive(Default)]
pub struct StartOptions {
    pub store: Option<Arc<dyn Store>>,
    pub once: bool,
    pub sharing: Option<Sharing>,
    /// A directory with a journal of earlier runs.
    pub journal: Option<tempfile::TempDir>,
}

impl TestDaemon {
    pub async fn start(bench: Bench, objects: Vec<Object>, rules: WatchRules) -> Self {
        Self::start_with(bench, objects, rules, StartOptions::default()).await
    }

    pub async fn start_with(
        bench: Bench,
        objects: Vec<Object>,
        rules: WatchRules,
        extra: StartOptions,
    ) -> Self {
        let bench = Arc::new(bench);
        let source = Arc::new(Mutex::new(Ok(objects)));
        let stop: Arc<AtomicBool> = Arc::default();
        let journal = extra
            .journal
            .unwrap_or_else(|| tempfile::tempdir().expect("a directory"));
        let path = journal.path().join("journal.jsonl");
        let memory = stores::memory(&path, Detail::Values);
        let shared = extra.store.is_some();
        let own = || Arc::new(stores::files(journal.path())) as _;
        let store = extra.store.unwrap_or_else(own);
        let stopped = Arc::clone(&stop);
        let (asks, requests) = mpsc::channel(4);
        let queue = RecordQueue::new(store);
        let daemon = DaemonHandle {
            requests: asks,
            queue: Arc::clone(&queue),
            scope: Arc::default(),
            repository: None,
            clock: test_clock,
        };
        let context = PassContext {
            settings: Box::new(move || Settings {
                secrets: Secrets {
                    environment: Arc::new(|_| None),
                    trust: Trust::default(),
                },
                clock: test_clock,
                stop: Arc::clone(&stopped),
                deadline: Instant::now() + Duration::from_secs(60),
                ..test_settings()
            }),
            queue: Arc::clone(&queue),
            shared,
            scope: Arc::default(),
            author: "the tests".into(),
            lease_holder: Box::new(|run| format!("the tests, run {run}")),
            paths: Vec::new(),
            files: Default::default(),
            memory: tokio::sync::Mutex::new(Arc::new(memory)),
            read_back: Mutex::default(),
            known_warnings: Mutex::default(),
        };
        let (triggers, hints) = mpsc::channel(64);
        let (orders, ordered) = mpsc::channel(4);
        let board = StatusLog::new(
            rules.mode,
            SourceKind::Directory,
            "memory".into(),
            true,
            test_clock(),
        );
        let engine = Engine::new(rules);
        let (sender, status) = watch::channel(board.snapshot(&engine));
        let (reads, from) = (Arc::clone(&bench), Arc::clone(&source));
        let task = DaemonTask {
            engine,
            context: Arc::new(context),
            reader: Box::new(move |_| {
                let read = fetch_source(&reads, &from.lock().expect("unbroken"));
                Box::pin(std::future::ready(read))
            }),
            sharing: extra.sharing,
            poll: RESYNC,
            log: board,
            status: sender,
            triggers: hints,
            commands: ordered,
            requests,
            clock: test_clock,
            chance: Box::new(|| 0.0),
            once: extra.once,
        };
        let watched = Self {
            daemon,
            bench,
            source,
            triggers,
            orders,
            status,
            stop,
            journal,
            task: tokio::spawn(task.run()),
        };
        watched.wait_until_idle().await;
        watched
    }

    /// Saves other manifests, and hints at it.
    pub async fn save_manifests(&self, objects: Vec<Object>) {
        *self.source.lock().expect("unbroken") = Ok(objects);
        self.send_trigger(Trigger::Source).await;
    }

    pub async fn send_trigger(&self, trigger: Trigger) {
        self.triggers.send(trigger).await.expect("it listens");
    }

    /// Waits for a moment of the status; real time, and not long.
    pub async fn wait_until(&self, wanted: impl Fn(&Status) -> bool) -> Arc<Status> {
        let mut status = self.status.clone();
        let found = tokio::time::timeout(Duration::from_secs(20), status.wait_for(|s| wanted(s)));
        match found.await {
            Ok(found) => Arc::clone(&found.expect("it shows itself")),
            Err(_) => panic!("this never came: {:#?}", self.status.borrow()),
        }
    }

    /// Waits until nothing is in flight or due.
    pub async fn wait_until_idle(&self) -> Arc<Status> {
        self.wait_until(|status| {
            let read = status.source.revision.is_some() || status.source.problem.is_some();
            let quiet = |object: &Arc<ObjectStatus>| {
                !object.running && object.next_wake.is_some_and(|at| at > test_clock())
            };
            read && status.objects.iter().all(quiet)
        })
        .await
    }

    /// Lets time go by, from wake to wake.
    pub async fn advance(&self, time: Duration) -> Arc<Status> {
        let end = Instant::now() + time;
        loop {
            let status = self.wait_until_idle().await;
            let wakes = status.objects.iter().filter_map(|object| object.next_wake);
            let left = end.saturating_duration_since(Instant::now());
            let next = wakes.min().map_or(left, |at| {
                Duration::try_from(at.duration_since(test_clock())).unwrap_or_default()
            });
            let passes = status.passes.back().map_or(0, |pass| pass.number);
            // A millisecond more, so that the wake is past by both clocks.
            let step = next + Duration::from_millis(1);
            advance_clock(step.min(left)).await;
            if step >= left {
                tokio::task::yield_now().await;
                return self.wait_until_idle().await;
            }
            self.wait_until(|s| s.passes.back().map_or(0, |pass| pass.number) > passes)
                .await;
        }
    }

    /// The object of this number.
    pub fn object(&self, number: usize) -> Arc<ObjectStatus> {
        Arc::clone(&self.status.borrow().objects[number])
    }

    pub fn object_states(&self) -> Vec<ObjectState> {
        self.status
            .borrow()
            .objects
            .iter()
            .map(|o| o.state)
            .collect()
    }

    /// Somebody else changes a field of an object at the vendor.
    pub fn edit_live(&self, number: usize, path: &str, value: impl Into<Json>) {
        edit_order(&self.bench, number, path, value);
    }

    /// The field of an object as the vendor has it.
    pub fn live_field(&self, number: usize, path: &str) -> Json {
        let state = self.bench.sandbox.state("lac").expect("a vendor");
        let object = state.pointer(&(LAC.place)(number)).expect("there");
        object[path].clone()
    }

    pub fn read_history(&self) -> History {
        History::read(&self.journal.path().join("journal.jsonl"))
    }

    pub async fn stop(self) -> (Arc<Status>, tempfile::TempDir) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let _ = self.orders.send(DaemonCommand::Stop).await;
        let status = self.task.await.expect("it does not panic");
        (status, self.journal)
    }
}

/// Somebody else changes a field of an order.
pub fn edit_order(bench: &Bench, number: usize, path: &str, value: impl Into<Json>) {
    let mut state = bench.sandbox.state("lac").expect("a vendor");
    let object = state.pointer_mut(&(LAC.place)(number)).expect("there");
    paths::set(LAC.table(), object, path, &value.into());
    bench
        .sandbox
        .set_state("lac", state)
        .expect("a good account");
}

/// Moves the clock while nothing is in flight.
async fn advance_clock(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn test_settings() -> Settings {
    Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        tls: Tls::default(),
        parallelism: 16,
        deadline: Instant::now(),
        clock: test_clock,
        stop: Arc::default(),
        sandbox: true,
        events: Listener::default(),
        checks: quick(),
        opened: Default::default(),
        budgets: Default::default(),
    }
}

fn fetch_source(
    bench: &Bench,
    source: &Result<Vec<Object>, String>,
) -> Result<Option<Fetched>, SourceError> {
    let checked = source
        .as_ref()
        .map_err(|why| SourceError::Scope(why.clone()));
    let checked = bench.findings(checked?);
    let wrong = |finding: &&Diagnostic| finding.severity == Severity::Error;
    let fault = checked.findings.iter().find(wrong);
    if let Some(first) = fault.map(|fault| fault.message.clone()) {
        return Err(SourceError::Invalid { first, more: 0 });
    }
    let revision = checked.source.manifests.clone();
    Ok(Some(Fetched { checked, revision }))
}

/// A bench with a LAC account of so many orders.
pub async fn bench_with_orders(count: usize) -> Bench {
    let bench = Bench::new().await;
    let account = (LAC.account)(count);
    bench
        .sandbox
        .set_state("lac", account)
        .expect("a good account");
    bench
}

/// Manifests of the first orders, in sync, that manage the number of activations.
pub fn order_manifests(count: usize) -> Vec<Object> {
    (0..count)
        .map(|number| order_manifest(number, 10))
        .collect()
}

/// An order that wants so many activations; its account starts with 10, of which 3 are in use.
pub fn order_manifest(number: usize, activations: i64) -> Object {
    let mut desired = (LAC.small)(number);
    desired["activations_allowed"] = activations.into();
    LAC.object(number, desired)
}
