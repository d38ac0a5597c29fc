//! The daemon over the simulators, in simulated time: its clock jumps while nothing is in flight.

mod day;
pub mod git;
mod holds;
mod hooked;
mod passes;
mod program;
mod replicas;
mod service;
mod sessions;
mod writes;

use std::cell::OnceCell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entitle::apply::memory::Detail;
use entitle::apply::store::{RecordQueue, Store};
use entitle::apply::{Listener, Secrets, Tls, Trust};
use entitle::daemon::board::Board;
use entitle::daemon::engine::{Engine, Rules};
use entitle::daemon::mode::RunMode;
use entitle::daemon::pass::Shell;
use entitle::daemon::sharing::Sharing;
use entitle::daemon::source::SourceError;
use entitle::daemon::status::{ObjectState, ObjectStatus, SourceKind, Status};
use entitle::daemon::task::{Fetched, Order, Task};
use entitle::daemon::trigger::Trigger;
use entitle::model::{Diagnostic, Severity};
use entitle::plan::guard::MaxChanges;
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
pub fn clock() -> Timestamp {
    let gone = ORIGIN.with(|origin| origin.get_or_init(Instant::now).elapsed());
    pure::now() + SignedDuration::try_from(gone).expect("a short while")
}

pub fn rules(mode: RunMode) -> Rules {
    Rules {
        mode,
        resync: RESYNC,
        max_changes: MaxChanges::OF_DAEMON.parse().expect("a share"),
        windows: Vec::new(),
    }
}

/// A daemon that watches manifests in memory.
pub struct Watched {
    pub bench: Arc<Bench>,
    /// What the source holds, or why it cannot be read.
    pub source: Arc<Mutex<Result<Vec<Object>, String>>>,
    pub triggers: mpsc::Sender<Trigger>,
    pub orders: mpsc::Sender<Order>,
    pub status: watch::Receiver<Arc<Status>>,
    pub stop: Arc<AtomicBool>,
    pub journal: tempfile::TempDir,
    pub task: JoinHandle<Arc<Status>>,
}

/// How a daemon is started, beside its rules.
#[derive(Default)]
pub struct Extra {
    pub store: Option<Arc<dyn Store>>,
    pub once: bool,
    pub sharing: Option<Sharing>,
    /// A directory with a journal of earlier runs.
    pub journal: Option<tempfile::TempDir>,
}

impl Watched {
    pub async fn start(bench: Bench, objects: Vec<Object>, rules: Rules) -> Self {
        Self::start_with(bench, objects, rules, Extra::default()).await
    }

    pub async fn start_with(
        bench: Bench,
        objects: Vec<Object>,
        rules: Rules,
        extra: Extra,
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
        let shell = Shell {
            settings: Box::new(move || Settings {
                secrets: Secrets {
                    environment: Arc::new(|_| None),
                    trust: Trust::default(),
                },
                clock,
                stop: Arc::clone(&stopped),
                deadline: Instant::now() + Duration::from_secs(60),
                ..pure_settings()
            }),
            queue: RecordQueue::new(store),
            shared,
            scope: None,
            by: "the tests".into(),
            holder: Box::new(|run| format!("the tests, run {run}")),
            paths: Vec::new(),
            memory: tokio::sync::Mutex::new(Arc::new(memory)),
            read_back: Mutex::default(),
            told: Mutex::default(),
        };
        let (triggers, hints) = mpsc::channel(64);
        let (orders, ordered) = mpsc::channel(4);
        let board = Board::new(
            rules.mode,
            SourceKind::Directory,
            "memory".into(),
            true,
            clock(),
        );
        let engine = Engine::new(rules);
        let (sender, status) = watch::channel(board.status(&engine));
        let (reads, from) = (Arc::clone(&bench), Arc::clone(&source));
        let task = Task {
            engine,
            shell: Arc::new(shell),
            reader: Box::new(move |_| {
                let read = fetched(&reads, &from.lock().expect("unbroken"));
                Box::pin(std::future::ready(read))
            }),
            sharing: extra.sharing,
            poll: RESYNC,
            board,
            status: sender,
            triggers: hints,
            orders: ordered,
            clock,
            chance: Box::new(|| 0.0),
            once: extra.once,
        };
        let watched = Self {
            bench,
            source,
            triggers,
            orders,
            status,
            stop,
            journal,
            task: tokio::spawn(task.run()),
        };
        watched.settled().await;
        watched
    }

    /// Saves other manifests, and hints at it.
    pub async fn save(&self, objects: Vec<Object>) {
        *self.source.lock().expect("unbroken") = Ok(objects);
        self.hint(Trigger::Source).await;
    }

    pub async fn hint(&self, trigger: Trigger) {
        self.triggers.send(trigger).await.expect("it listens");
    }

    /// Waits for a moment of the status; real time, and not long.
    pub async fn until(&self, wanted: impl Fn(&Status) -> bool) -> Arc<Status> {
        let mut status = self.status.clone();
        let found = tokio::time::timeout(Duration::from_secs(20), status.wait_for(|s| wanted(s)));
        match found.await {
            Ok(found) => Arc::clone(&found.expect("it shows itself")),
            Err(_) => panic!("this never came: {:#?}", self.status.borrow()),
        }
    }

    /// Waits until nothing is in flight or due.
    pub async fn settled(&self) -> Arc<Status> {
        self.until(|status| {
            let read = status.source.revision.is_some() || status.source.problem.is_some();
            let quiet = |object: &Arc<ObjectStatus>| {
                !object.running && object.next_wake.is_some_and(|at| at > clock())
            };
            read && status.objects.iter().all(quiet)
        })
        .await
    }

    /// Lets time go by, from wake to wake.
    pub async fn go(&self, time: Duration) -> Arc<Status> {
        let end = Instant::now() + time;
        loop {
            let status = self.settled().await;
            let wakes = status.objects.iter().filter_map(|object| object.next_wake);
            let left = end.saturating_duration_since(Instant::now());
            let next = wakes.min().map_or(left, |at| {
                Duration::try_from(at.duration_since(clock())).unwrap_or_default()
            });
            let passes = status.passes.back().map_or(0, |pass| pass.number);
            // A millisecond more, so that the wake is past by both clocks.
            let step = next + Duration::from_millis(1);
            jump(step.min(left)).await;
            if step >= left {
                tokio::task::yield_now().await;
                return self.settled().await;
            }
            self.until(|s| s.passes.back().map_or(0, |pass| pass.number) > passes)
                .await;
        }
    }

    /// The object of this number.
    pub fn object(&self, number: usize) -> Arc<ObjectStatus> {
        Arc::clone(&self.status.borrow().objects[number])
    }

    pub fn states(&self) -> Vec<ObjectState> {
        self.status
            .borrow()
            .objects
            .iter()
            .map(|o| o.state)
            .collect()
    }

    /// Somebody else changes a field of an object at the vendor.
    pub fn edit(&self, number: usize, path: &str, value: impl Into<Json>) {
        edit(&self.bench, number, path, value);
    }

    /// The field of an object as the vendor has it.
    pub fn live(&self, number: usize, path: &str) -> Json {
        let state = self.bench.sandbox.state("lac").expect("a vendor");
        let object = state.pointer(&(LAC.place)(number)).expect("there");
        object[path].clone()
    }

    pub fn history(&self) -> History {
        History::read(&self.journal.path().join("journal.jsonl"))
    }

    pub async fn stop(self) -> (Arc<Status>, tempfile::TempDir) {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let _ = self.orders.send(Order::Stop).await;
        let status = self.task.await.expect("it does not panic");
        (status, self.journal)
    }
}

/// Somebody else changes a field of an order.
pub fn edit(bench: &Bench, number: usize, path: &str, value: impl Into<Json>) {
    let mut state = bench.sandbox.state("lac").expect("a vendor");
    let object = state.pointer_mut(&(LAC.place)(number)).expect("there");
    paths::set(LAC.table(), object, path, &value.into());
    bench
        .sandbox
        .set_state("lac", state)
        .expect("a good account");
}

/// Moves the clock while nothing is in flight.
async fn jump(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn pure_settings() -> Settings {
    Settings {
        secrets: Secrets {
            environment: Arc::new(|_| None),
            trust: Trust::default(),
        },
        tls: Tls::default(),
        parallelism: 16,
        deadline: Instant::now(),
        clock,
        stop: Arc::default(),
        sandbox: true,
        events: Listener::default(),
        checks: quick(),
        opened: Default::default(),
        budgets: Default::default(),
    }
}

fn fetched(
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
pub async fn orders(count: usize) -> Bench {
    let bench = Bench::new().await;
    let account = (LAC.account)(count);
    bench
        .sandbox
        .set_state("lac", account)
        .expect("a good account");
    bench
}

/// Manifests of the first orders, in sync, that manage the number of activations.
pub fn manifests(count: usize) -> Vec<Object> {
    (0..count).map(|number| order(number, 10)).collect()
}

/// An order that wants so many activations; its account starts with 10, of which 3 are in use.
pub fn order(number: usize, activations: i64) -> Object {
    let mut desired = (LAC.small)(number);
    desired["activations_allowed"] = activations.into();
    LAC.object(number, desired)
}
