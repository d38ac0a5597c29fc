//! The program under test: one sandbox, one journal, and the commands as the program drives them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entitle::apply::Report;
use entitle::apply::journal::{Purpose, Record, Started};
use entitle::apply::memory::runs::PastRun;
use entitle::apply::memory::{Detail, Memory, agreement};
use entitle::apply::recorder::Recorder;
use entitle::apply::records::{self, Records};
use entitle::apply::store::RecordQueue;
use entitle::apply::store::compact::compact_accounts;
use entitle::daemon::engine::{Engine, WatchRules};
use entitle::daemon::mode::RunMode;
use entitle::daemon::pass::PassContext;
use entitle::daemon::source::Fetched;
use entitle::daemon::status::{SourceKind, Status};
use entitle::daemon::status_log::StatusLog;
use entitle::daemon::task::DaemonTask;
use entitle::model::{Diagnostics, Risk, WriteChecks};
use entitle::plan::guard::Accepted;
use entitle::plan::{Disposition, Planned};
use entitle::reconcile::{
    self, Accounts, ApplyOptions, Bases, Checked, Pass, Settings, Take, Undone,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::{mpsc, watch};

use super::account;
use super::past::{Kill, Model};
use crate::support::bench::{Bench, settings};
use crate::support::{pure, stores};

thread_local! {
    static MINUTES: Cell<i64> = const { Cell::new(0) };
}

/// The clock of everything here. It stands until a step moves it.
pub fn clock() -> Timestamp {
    pure::now() + SignedDuration::from_mins(MINUTES.get())
}

pub fn wait(minutes: i64) {
    MINUTES.set(MINUTES.get() + minutes);
}

pub struct World {
    pub bench: Bench,
    dir: tempfile::TempDir,
    /// Read on from where it was left, step by step.
    pub followed: Memory,
    /// The accounts as a sequence begins with them.
    pub first: [Json; 2],
    /// How far the journal was asked for news.
    seen: u64,
    runs: usize,
}

impl World {
    pub async fn new() -> Self {
        let mut bench = Bench::new().await;
        bench.clock = clock;
        bench.checks = WriteChecks {
            settle: Duration::ZERO,
            ..WriteChecks::default()
        };
        Self {
            bench,
            dir: tempfile::tempdir().expect("a directory"),
            followed: Memory::new(Detail::Values),
            first: Default::default(),
            seen: 0,
            runs: 0,
        }
    }

    /// Begins another sequence in the same sandbox, with a journal of its own.
    pub fn begin(&mut self, model: &Model) {
        self.dir = tempfile::tempdir().expect("a directory");
        self.followed = Memory::new(Detail::Values);
        (self.seen, self.runs) = (0, 0);
        self.rename_connection("lac");
        self.stubborn(false);
        self.first = account::load(&self.bench, model);
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("journal.jsonl")
    }

    fn queue(&self) -> Option<Arc<RecordQueue>> {
        Some(stores::queue(self.dir.path()))
    }

    pub fn memory(&self) -> Memory {
        stores::memory(&self.path(), Detail::Values)
    }

    /// Sums up the journal if it has become a few lines longer.
    pub async fn compact(&self) {
        let files = stores::files(self.dir.path());
        let now = clock().to_string();
        compact_accounts(&files, &[], 3, &now)
            .await
            .expect("a summary");
    }

    /// Reads on where it was left.
    pub fn follow(&mut self) -> &Memory {
        let path = self.path();
        stores::catch_up(&mut self.followed, &path);
        &self.followed
    }

    /// The records since the last time that this was asked.
    pub fn news(&mut self) -> Vec<Record> {
        let mut news = Vec::new();
        let take = &mut |record: Option<Record>| news.extend(record);
        records::each(&self.path(), &mut self.seen, take).expect("a journal");
        news
    }

    pub fn records(&self) -> Records {
        Records::open(&self.path()).expect("a journal")
    }

    pub fn rename_connection(&mut self, name: &str) {
        let mut connections = self.bench.connections.iter_mut();
        let own = connections.find(|connection| connection.vendor.0 == "lac");
        own.expect("a connection").name = name.into();
    }

    /// Whether LAC takes a change of the customer and does nothing.
    pub fn stubborn(&self, on: bool) {
        let rule = if on { "ignore" } else { "accept" };
        let switches = serde_json::json!({"customer_change": rule});
        let set = self.bench.sandbox.set_switches("lac", switches);
        set.expect("a switch");
    }

    pub fn checked(&self, model: &Model) -> Checked {
        self.bench.check(&account::manifests(model))
    }

    /// Looks into open writes, as every command does first.
    async fn examine_open_writes(&mut self, checked: &Checked, run: &str) -> Accounts {
        let settings = self.bench.settings();
        let examined = reconcile::examine_open_writes(
            self.follow(),
            checked,
            false,
            &settings,
            &Accounts::new(),
        )
        .await;
        let recorder = Recorder::new(self.queue(), run, BTreeMap::new(), clock);
        for (open, finding) in examined.found {
            recorder
                .record_finding(&open, finding)
                .await
                .expect("a journal");
        }
        examined.accounts
    }

    fn run(&mut self) -> String {
        self.runs += 1;
        format!("run-{:03}", self.runs)
    }

    pub async fn apply(&mut self, checked: &Checked, how: &How<'_>) {
        let run = self.run();
        let accounts = self.examine_open_writes(checked, &run).await;
        let settings = self.bench.settings();
        let plan = || reconcile::plan_with(checked, &settings, &accounts);
        let passes = (plan().await, again(how, plan).await);
        self.carry_out(passes, &run, Purpose::Apply, how).await;
    }

    /// What a heal does that is killed; one that ends is the daemon's.
    pub async fn killed_heal(&mut self, checked: &Checked, how: &How<'_>) {
        let run = self.run();
        let accounts = self.examine_open_writes(checked, &run).await;
        let settings = self.bench.settings();
        let memory = self.follow().clone();
        let plan = || reconcile::plan_restore(&memory, checked, &settings, &accounts);
        let passes = (plan().await, again(how, plan).await);
        self.carry_out(passes, &run, Purpose::Heal, how).await;
    }

    pub async fn undo(
        &mut self,
        checked: &Checked,
        past: &str,
        take: &Take,
        how: &How<'_>,
    ) -> Option<Diagnostics> {
        let run = self.run();
        let accounts = self.examine_open_writes(checked, &run).await;
        let past = PastRun::of(past, self.records());
        let settings = self.bench.settings();
        let plan = || {
            let (run, checked) = (&past.run, checked.clone());
            let writes = reconcile::past_writes(&past, &checked);
            let prepared = reconcile::prepare_undo(run, writes, take, checked).ok()?;
            Some(prepared.plan(take, &settings, &accounts))
        };
        let Undone { pass, findings, .. } = plan()?.await;
        let again = again(how, || async { plan().expect("as before").await.pass }).await;
        self.carry_out((pass, again), &run, Purpose::Undo, how)
            .await;
        Some(findings)
    }

    /// Carries a plan out with the journal around it, up to where it is killed.
    async fn carry_out(
        &mut self,
        (mut pass, again): (Pass, Option<Pass>),
        run: &str,
        purpose: Purpose,
        how: &How<'_>,
    ) {
        let (queue, settings) = (self.queue(), self.bench.settings());
        let places = pass.places();
        let recorder = |queue| Recorder::new(queue, run, places.clone(), clock);
        let recording = recorder(queue.clone());
        let writes = pass
            .planned
            .iter()
            .any(|one| one.action == Disposition::Update);
        if writes {
            let started = Started {
                purpose,
                ..Started::default()
            };
            recording.record_start(started).await.expect("a journal");
        }
        let (killed, whole) = how.split();
        if let Some((address, landed)) = killed {
            let is = |planned: &Planned| planned.desired.address.to_string() == address;
            let at = pass.planned.iter().position(is).expect("it is planned");
            let (planned, entry) = (&pass.planned[at], &pass.document.objects[at]);
            let account = &pass.accounts[planned.desired.connection.as_str()];
            let begun = recording.record_intent(entry, planned, account);
            begun.await.expect("a journal");
            if let Some(mut last) = again.filter(|_| landed) {
                last.only(is, &settings);
                // Nothing is written down of what came of it.
                self.write(&last, how.accept, recorder(None)).await;
            }
            pass.only(
                |planned| whole.contains(&planned.desired.address.to_string()),
                &settings,
            );
        }
        let reports = self.write(&pass, how.accept, recording).await;
        if killed.is_some() {
            return;
        }
        let recording = recorder(queue.clone());
        if writes {
            recording.record_end(false).await.expect("a journal");
        }
        if purpose == Purpose::Apply {
            let held = reports
                .iter()
                .filter(|report| agreement::is_agreed(report, true));
            let held = held.map(|report| &report.planned);
            let agreed = recording.record_agreed(held, self.follow(), None, true);
            agreed.await.expect("a journal");
        }
    }

    async fn write(&self, pass: &Pass, accept: bool, recorder: Recorder) -> Vec<Report> {
        let risk = if accept { Risk::Reduce } else { Risk::Safe };
        let options = ApplyOptions {
            accepted: Some(Accepted { risk }),
            fail_fast: false,
            recorder,
        };
        reconcile::apply_plan(pass, &options, &self.bench.settings()).await
    }

    pub async fn drift(&self, checked: &Checked) -> entitle::plan::drift::document::DriftDocument {
        let bases = Bases::Journal(self.memory());
        let settings = self.bench.settings();
        reconcile::find_drift(checked, &bases, false, &settings)
            .await
            .0
    }

    /// One process of the daemon that looks at everything once.
    pub async fn watch(&self, checked: Checked, mode: RunMode) -> Arc<Status> {
        let rules = WatchRules {
            mode,
            resync: Duration::from_secs(600),
            max_changes: "100%".parse().expect("a share"),
            windows: Vec::new(),
        };
        let context = PassContext {
            settings: Box::new({
                let checks = self.bench.checks;
                move || Settings {
                    checks,
                    ..settings(clock)
                }
            }),
            queue: stores::queue(self.dir.path()),
            shared: false,
            scope: Arc::default(),
            author: "the tests".into(),
            lease_holder: Box::new(|run| format!("the tests, run {run}")),
            paths: Vec::new(),
            files: Default::default(),
            memory: tokio::sync::Mutex::new(Arc::new(self.memory())),
            read_back: Mutex::default(),
            known_warnings: Mutex::default(),
        };
        let (_triggers, hints) = mpsc::channel(1);
        let (_orders, ordered) = mpsc::channel(1);
        let kind = SourceKind::Directory;
        let board = StatusLog::new(mode, kind, "memory".into(), true, clock());
        let engine = Engine::new(rules);
        let (status, _watched) = watch::channel(board.snapshot(&engine));
        let task = DaemonTask {
            engine,
            context: Arc::new(context),
            reader: Box::new(move |_| {
                let revision = checked.source.manifests.clone();
                let checked = checked.clone();
                let fetched = Fetched { checked, revision };
                Box::pin(std::future::ready(Ok(Some(fetched))))
            }),
            sharing: None,
            poll: Duration::from_secs(600),
            log: board,
            status,
            triggers: hints,
            commands: ordered,
            requests: mpsc::channel(1).1,
            clock,
            chance: Box::new(|| 0.0),
            once: true,
        };
        let end = tokio::time::timeout(Duration::from_secs(20), task.run()).await;
        end.expect("it ends")
    }
}

/// How a plan is carried out, as the model has it.
pub struct How<'a> {
    pub accept: bool,
    pub kill: Option<Kill>,
    /// The objects that are written, in the order in which a killed run gets to them.
    pub going: &'a [String],
}

impl How<'_> {
    /// The object at which the run is killed, and those that are done by then.
    fn split(&self) -> (Option<(&str, bool)>, &[String]) {
        match self.kill {
            Some(kill) if !self.going.is_empty() => {
                let at = kill.at % self.going.len();
                let last = self.going[at].as_str();
                (Some((last, kill.landed)), &self.going[..at])
            }
            Some(_) | None => (None, self.going),
        }
    }
}

/// The same plan once more, for a run that is killed: a pass is carried out in parts.
async fn again<F: Future<Output = Pass>>(how: &How<'_>, plan: impl FnOnce() -> F) -> Option<Pass> {
    match how.kill {
        Some(_) => Some(plan().await),
        None => None,
    }
}
