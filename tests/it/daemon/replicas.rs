//! Several daemons over one store: accounts are shared out, and nobody's are forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use entitle::apply::journal::JournalEvent;
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::store::{LeaseClaim, RecordQueue, Store, Taken};
use entitle::apply::{Secrets, Trust};
use entitle::daemon::engine::{Engine, WatchRules};
use entitle::daemon::mode::RunMode;
use entitle::daemon::pass::PassContext;
use entitle::daemon::sharing::{ROUND, SOON, Sharing, TERM};
use entitle::daemon::source::Fetched;
use entitle::daemon::source::SourceError;
use entitle::daemon::status::{ObjectState, ObjectStatus, SourceKind, Status};
use entitle::daemon::status_log::StatusLog;
use entitle::daemon::task::{DaemonCommand, DaemonTask, SourceReader};
use entitle::daemon::trigger::Trigger;
use entitle::manifest::{Loaded, ReadLimits};
use entitle::model::AccountKey;
use entitle::model::diagnostic::Source;
use entitle::reconcile::{self, CheckOptions, Checked, IncrementalLoader, KeptAccounts, Settings};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{
    LAC, advance_clock, bench_with_orders, edit_order, order_manifest, test_clock, watch_rules,
};
use crate::support::bench::{self, Bench};
use crate::support::proxy::{Passed, Spoil};
use crate::support::team::{Member, Team};

/// The regular wait of these tests.
const RESYNC: Duration = Duration::from_secs(120);

/// A team's accounts, one object in each, and the daemons that look after them.
struct ReplicaTeam {
    bench: Arc<Bench>,
    team: Arc<Team>,
    checked: Checked,
    daemons: Vec<Replica>,
    started: usize,
    /// The directory with the manifests; `None` if they are in memory.
    dir: Option<tempfile::TempDir>,
}

struct Replica {
    name: String,
    member: Arc<Member>,
    status: watch::Receiver<Arc<Status>>,
    triggers: mpsc::Sender<Trigger>,
    orders: mpsc::Sender<DaemonCommand>,
    task: JoinHandle<Arc<Status>>,
    last: Arc<Mutex<Names>>,
}

/// The connections of the objects that were read last in full, and of those that were not.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    full: BTreeSet<String>,
    outlines: BTreeSet<String>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn connection_name(number: usize) -> String {
    format!("account-{number:03}")
}

/// The manifest of a connection whose token is in a variable of this number.
fn connection_text(bench: &Bench, number: usize, token: usize) -> String {
    let document = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection",
        "metadata": {"name": connection_name(number)},
        "spec": {
            "vendor": "lac", "baseUrl": format!("{}/lac", bench.address()),
            "auth": {"token": {"env": format!("TOKEN_{token}")}},
        },
    });
    format!("{document}\n")
}

/// The manifest of an object through a connection.
fn object_text(number: usize, through: usize, activations: i64) -> String {
    let mut object = order_manifest(number, activations);
    object.ids["connection"] = connection_name(through).into();
    object.text()
}

/// Manifests of so many accounts of one vendor, each with an object that is in sync.
fn account_manifests(bench: &Bench, accounts: usize) -> Checked {
    let document = |number: usize| {
        let connection = connection_text(bench, number, number);
        format!("{connection}---\n{}", object_text(number, number, 10))
    };
    let documents: Vec<String> = (0..accounts).map(document).collect();
    let source = Source::new("all.yaml".into(), documents.join("---\n"));
    let loaded = Loaded {
        sources: vec![Arc::new(source)],
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    assert!(!checked.findings.has_errors(), "{:?}", checked.findings);
    checked
}

/// The number in the name of a connection.
fn connection_number(connection: &str) -> usize {
    let digits = connection.trim_start_matches("account-");
    digits.parse().expect("a number")
}

fn replica_rules(mode: RunMode) -> WatchRules {
    WatchRules {
        resync: RESYNC,
        ..watch_rules(mode)
    }
}

impl ReplicaTeam {
    async fn new(accounts: usize) -> Self {
        Self::with_bench(bench_with_orders(accounts).await, accounts)
    }

    fn with_bench(bench: Bench, accounts: usize) -> Self {
        Self {
            checked: account_manifests(&bench, accounts),
            bench: Arc::new(bench),
            team: Team::new(),
            daemons: Vec::new(),
            started: 0,
            dir: None,
        }
    }

    /// With files, one for each connection and object, that the daemons read again when they are told to.
    async fn on_disk(accounts: usize, daemons: usize) -> Self {
        let mut world = Self::new(accounts).await;
        world.dir = Some(tempfile::tempdir().expect("a directory"));
        for number in 0..accounts {
            let connection = connection_text(&world.bench, number, number);
            world.write(&format!("connection-{number}.yaml"), &connection);
            world.write(
                &format!("object-{number}.yaml"),
                &object_text(number, number, 10),
            );
        }
        world.joined_by(daemons).await
    }

    fn write(&self, name: &str, text: &str) {
        let dir = self.dir.as_ref().expect("a directory");
        std::fs::write(dir.path().join(name), text).expect("written");
    }

    /// Tells every daemon that a file was saved, and waits until that has had its effect.
    async fn saved(&self) {
        for daemon in &self.daemons {
            let hint = daemon.triggers.send(Trigger::Source);
            hint.await.expect("it listens");
        }
        self.advance(ROUND + SOON * 2).await;
    }

    /// The daemon that looks after an object, which is only one.
    fn keeper_of(&self, number: usize) -> &Replica {
        let keeps = |daemon: &&Replica| daemon.object(number).state != ObjectState::Elsewhere;
        let keepers: Vec<&Replica> = self.daemons.iter().filter(keeps).collect();
        assert_eq!(keepers.len(), 1, "of {number}");
        keepers[0]
    }

    async fn with(accounts: usize, daemons: usize) -> Self {
        Self::new(accounts).await.joined_by(daemons).await
    }

    async fn joined_by(mut self, daemons: usize) -> Self {
        for _ in 0..daemons {
            self.join("sync all");
        }
        self.advance(ROUND * 3).await;
        self
    }

    fn join(&mut self, group: &str) {
        self.started += 1;
        let member = self.team.connect();
        let name = format!("pod-{}", self.started);
        let sharing = Sharing::new(format!("{:04}", self.started), name.clone(), group.into());
        let (reader, last) = match &self.dir {
            Some(dir) => files_reader(dir.path().to_path_buf()),
            None => (memory_reader(&self.checked), Arc::default()),
        };
        let mut daemon = start_replica(reader, Arc::clone(&member), name, Some(sharing));
        daemon.last = last;
        self.daemons.push(daemon);
    }

    /// It is gone without a word.
    async fn kill(&mut self, at: usize) {
        let daemon = self.daemons.remove(at);
        daemon.member.cut();
        drop(daemon);
        tokio::task::yield_now().await;
    }

    /// Lets time go by, and sees that no account has two keepers on the way.
    async fn advance(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            advance_clock(Duration::from_secs(1)).await;
            self.wait_until_idle().await;
            self.no_two_keep_one();
        }
    }

    /// Waits until nothing is in flight or due; real time, and not long.
    async fn wait_until_idle(&self) {
        let start = std::time::Instant::now();
        loop {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            if self.daemons.iter().all(Replica::is_idle) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it never rests");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn no_two_keep_one(&self) {
        let mut keepers: BTreeMap<String, &str> = BTreeMap::new();
        for daemon in &self.daemons {
            for name in daemon.kept_connections() {
                if let Some(other) = keepers.insert(name.clone(), &daemon.name) {
                    panic!("{other} and {} look after {name}", daemon.name);
                }
            }
        }
    }

    fn share_sizes(&self) -> Vec<usize> {
        self.daemons
            .iter()
            .map(|daemon| daemon.kept_connections().len())
            .collect()
    }

    /// When each object was looked at last, by anybody.
    fn last_looks(&self) -> Vec<Option<jiff::Timestamp>> {
        let mut last = vec![None; self.checked.desired.len()];
        for daemon in &self.daemons {
            for (number, object) in daemon.status.borrow().objects.iter().enumerate() {
                last[number] = last[number].max(object.last_pass);
            }
        }
        last
    }

    /// Somebody else changes every object.
    fn edit_all(&self) {
        let mut state = self.bench.sandbox.state("lac").expect("a vendor");
        for number in 0..self.checked.desired.len() {
            let object = state.pointer_mut(&(LAC.place)(number)).expect("there");
            object["activations_allowed"] = json!(4);
        }
        let set = self.bench.sandbox.set_state("lac", state);
        set.expect("a good account");
    }

    /// The epochs under which each account was written to never go back.
    fn epochs_do_not_interleave(&self) {
        let mut last = BTreeMap::new();
        let written = self.team.appended(|appended| {
            let intent = matches!(appended.record.event, JournalEvent::Intent(_));
            intent.then(|| appended.under.clone()).flatten()
        });
        for (account, epoch) in written {
            let before = last.insert(account, epoch).unwrap_or_default();
            assert!(before <= epoch);
        }
    }
}

impl Replica {
    fn is_idle(&self) -> bool {
        let status = self.status.borrow();
        let rests = |object: &Arc<ObjectStatus>| {
            let is_elsewhere = object.state == ObjectState::Elsewhere;
            let is_due = object.next_wake.is_none_or(|at| at <= test_clock());
            // It is to be loaded, or to be looked at.
            let is_unseen = object.state == ObjectState::Unseen;
            !object.running && (is_elsewhere || !is_due && !is_unseen)
        };
        status.source.revision.is_some() && status.objects.iter().all(rests)
    }

    /// The connections that it looks after.
    fn kept_connections(&self) -> Vec<String> {
        let status = self.status.borrow();
        let keeps = status.connections.iter().filter(|(_, connection)| {
            let keeper = connection.keeper.as_ref();
            keeper.is_some_and(|keeper| keeper.is_own)
        });
        keeps.map(|(name, _)| name.clone()).collect()
    }

    fn object(&self, number: usize) -> Arc<ObjectStatus> {
        Arc::clone(&self.status.borrow().objects[number])
    }
}

/// Gives out manifests that are in memory, once and in full.
fn memory_reader(checked: &Checked) -> SourceReader {
    let mut source = Some(checked.clone());
    Box::new(move |_| {
        let fetched = source.take().map(|checked| Fetched {
            checked,
            revision: "first".into(),
        });
        Box::pin(std::future::ready(Ok(fetched)))
    })
}

/// Reads the files of a directory as `watch` does, and notes what it gave out last.
fn files_reader(dir: PathBuf) -> (SourceReader, Arc<Mutex<Names>>) {
    let mut loader = IncrementalLoader::default();
    let (mut known, last) = (None, Arc::<Mutex<Names>>::default());
    let noted = Arc::clone(&last);
    let read = move |kept: KeptAccounts| {
        loader.keep_only(&kept);
        let (limits, now) = (ReadLimits::default(), SystemTime::now());
        let manifests = loader.load(std::slice::from_ref(&dir), &limits, now, None, &kept);
        let digest = reconcile::digest_of(&manifests.loaded.sources);
        if known.as_ref() == Some(&digest) {
            return Ok(None);
        }
        let checked = loader.check(manifests, &CheckOptions::default(), &kept);
        if checked.findings.has_errors() {
            return Err(SourceError::Invalid {
                first: format!("{:?}", checked.findings),
                more: 0,
            });
        }
        let full = checked
            .desired
            .iter()
            .map(|object| object.connection.to_string());
        let outlines = checked.outlines.iter();
        let outlines = outlines.map(|object| object.connection.to_string());
        *noted.lock().expect("noted") = Names {
            full: full.collect(),
            outlines: outlines.collect(),
        };
        known = Some(digest.clone());
        Ok(Some(Fetched {
            checked,
            revision: digest,
        }))
    };
    let mut read = read;
    let reader: SourceReader = Box::new(move |kept| Box::pin(std::future::ready(read(kept))));
    (reader, last)
}

fn start_replica(
    reader: SourceReader,
    member: Arc<Member>,
    name: String,
    sharing: Option<Sharing>,
) -> Replica {
    let context = PassContext {
        settings: Box::new(move || Settings {
            secrets: Secrets {
                environment: Arc::new(|_| Some("sandbox-token".into())),
                trust: Trust::default(),
            },
            ..bench::settings(test_clock)
        }),
        queue: RecordQueue::new(Arc::clone(&member) as _),
        shared: true,
        scope: Arc::default(),
        author: name.clone(),
        lease_holder: Box::new(|run| format!("run {run}")),
        paths: Vec::new(),
        files: Default::default(),
        memory: tokio::sync::Mutex::new(Arc::new(Memory::new(Detail::Values))),
        read_back: Mutex::default(),
        known_warnings: Mutex::default(),
    };
    let (triggers, hints) = mpsc::channel(64);
    let (orders, ordered) = mpsc::channel(4);
    let board = StatusLog::new(
        RunMode::Sync,
        SourceKind::Directory,
        "memory".into(),
        true,
        test_clock(),
    );
    let engine = Engine::new(replica_rules(RunMode::Sync));
    let (sender, status) = watch::channel(board.snapshot(&engine));
    let task = DaemonTask {
        engine,
        context: Arc::new(context),
        reader,
        sharing,
        poll: RESYNC,
        log: board,
        status: sender,
        triggers: hints,
        commands: ordered,
        requests: mpsc::channel(1).1,
        clock: test_clock,
        chance: Box::new(|| 0.0),
        once: false,
    };
    Replica {
        name,
        member,
        status,
        triggers,
        orders,
        task: tokio::spawn(task.run()),
        last: Arc::default(),
    }
}

#[tokio::test]
async fn four_share_two_hundred_accounts_and_three_take_over_those_of_one_that_was_killed() {
    let mut world = ReplicaTeam::with(200, 4).await;
    assert_eq!(world.share_sizes(), [50; 4]);
    assert!(world.last_looks().iter().all(Option::is_some));
    // At rest a replica asks for nothing but who is there.
    world.team.calls();
    world.advance(ROUND * 3).await;
    let [tried, attended] = world.team.calls();
    assert_eq!(tried, 0, "no lease is asked for in vain");
    assert!((9..=14).contains(&attended), "{attended}");

    let killed = test_clock();
    world.kill(1).await;
    world.edit_all();
    world.advance(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.share_sizes(), [67, 67, 66]);
    assert!(
        world
            .last_looks()
            .iter()
            .all(|look| look.is_some_and(|at| at > killed))
    );
    assert_eq!(world.bench.writes().len(), 200, "each object once");
    world.epochs_do_not_interleave();

    world.join("sync all");
    world.advance(ROUND + SOON * 2).await;
    assert_eq!(world.share_sizes(), [50; 4]);
    // Who gives an account away reads in its next round who has taken it.
    world.advance(ROUND).await;
    let object = world.daemons[0]
        .status
        .borrow()
        .objects
        .iter()
        .find(|object| object.state == ObjectState::Elsewhere)
        .cloned();
    let message = object
        .and_then(|object| object.message.clone())
        .expect("who has it");
    assert!(
        message.contains("looks after this account since"),
        "{message}"
    );
}

#[tokio::test]
async fn whoever_ends_hands_its_accounts_over_at_once() {
    let mut world = ReplicaTeam::with(6, 2).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    let mut ended = world.daemons.remove(0);
    ended
        .orders
        .send(DaemonCommand::Stop)
        .await
        .expect("it listens");
    (&mut ended.task).await.expect("it ends");
    world.advance(ROUND + SOON).await;
    assert_eq!(world.share_sizes(), [6]);
}

#[tokio::test]
async fn whoever_ends_keeps_an_account_until_the_pass_at_it_has_ended() {
    let mut bench = bench_with_orders(6).await;
    let silent: Arc<AtomicBool> = Arc::default();
    let is_silent = Arc::clone(&silent);
    let rule = move |_: usize, _: &Passed| {
        let is_silent = is_silent.load(Ordering::Relaxed);
        is_silent.then_some(Spoil::Silence)
    };
    bench.spoil(rule).await;
    let mut world = ReplicaTeam::with_bench(bench, 6).joined_by(2).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    let mut ending = world.daemons.remove(0);
    let asked = world.bench.passed().len();
    silent.store(true, Ordering::Relaxed);
    let hint = Trigger::Connection(ending.kept_connections()[0].clone());
    ending.triggers.send(hint).await.expect("it listens");
    while world.bench.passed().len() == asked {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ending
        .orders
        .send(DaemonCommand::Stop)
        .await
        .expect("it listens");
    let stopping = ending.status.wait_for(|status| status.stopping).await;
    drop(stopping.expect("it shows itself"));
    silent.store(false, Ordering::Relaxed);
    world.advance(ROUND + SOON).await;
    assert_eq!(world.share_sizes(), [5]);
    assert!(!ending.task.is_finished());
    // It waits for the answer as long as it may.
    world.advance(Duration::from_secs(25)).await;
    (&mut ending.task).await.expect("it ends");
    world.advance(SOON * 2).await;
    assert_eq!(world.share_sizes(), [6]);
}

#[tokio::test]
async fn a_fight_that_one_replica_gave_up_is_not_taken_up_by_the_next() {
    let mut world = ReplicaTeam::with(2, 2).await;
    let name = world.daemons[0].kept_connections()[0].clone();
    let number = connection_number(&name);
    for _ in 0..4 {
        edit_order(&world.bench, number, "activations_allowed", 4);
        let hint = Trigger::Connection(name.clone());
        world.daemons[0]
            .triggers
            .send(hint)
            .await
            .expect("it listens");
        world.advance(Duration::from_secs(2)).await;
    }
    assert_eq!(world.daemons[0].object(number).state, ObjectState::Fought);
    let writes = world.bench.writes().len();
    world.kill(0).await;
    world.advance(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.daemons[0].object(number).state, ObjectState::Fought);
    assert_eq!(world.bench.writes().len(), writes);
}

#[tokio::test]
async fn a_lost_claim_stops_that_account_only() {
    let world = ReplicaTeam::with(6, 2).await;
    let name = world.daemons[0].kept_connections()[0].clone();
    let lost = connection_number(&name);
    let claim = format!(": env TOKEN_{lost}");
    let is_claim = |account: &AccountKey| account.account.ends_with(&claim);
    world.team.depose(is_claim, RESYNC);
    world.advance(ROUND).await;
    assert_eq!(world.share_sizes(), [2, 3]);
    let object = world.daemons[0].object(lost);
    assert_eq!(object.state, ObjectState::Elsewhere);
    // The others are looked at as ever, and it comes back when it is free.
    world.advance(RESYNC + ROUND).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    let looked = world.daemons[0].object(lost).last_pass;
    assert!(looked > object.last_pass);
}

#[tokio::test]
async fn a_store_that_is_away_for_less_than_the_term_is_not_noticed_and_for_longer_stops_everything()
 {
    let world = ReplicaTeam::with(6, 2).await;
    let cut = |is: bool| {
        for daemon in &world.daemons {
            if is {
                daemon.member.cut()
            } else {
                daemon.member.mend()
            }
        }
    };
    cut(true);
    world.advance(TERM - ROUND).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    let replicas = world.daemons[0]
        .status
        .borrow()
        .replicas
        .clone()
        .expect("shared");
    assert!(replicas.problem.is_some_and(|why| why.contains("no route")));
    cut(false);
    world.advance(ROUND).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    assert_eq!(
        world.daemons[0]
            .status
            .borrow()
            .replicas
            .as_ref()
            .expect("shared")
            .problem,
        None
    );

    cut(true);
    world.edit_all();
    world.advance(TERM + ROUND).await;
    assert_eq!(world.share_sizes(), [0, 0]);
    let before = world.bench.reads().len();
    world.advance(RESYNC).await;
    assert_eq!(
        world.bench.reads().len(),
        before,
        "nobody looks after anything"
    );
    cut(false);
    world.advance(ROUND + SOON).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    assert_eq!(world.bench.writes().len(), 6);
    world.epochs_do_not_interleave();
}

#[tokio::test]
async fn a_person_gets_the_lease_to_write_between_passes() {
    let world = ReplicaTeam::with(2, 1).await;
    let person = world.team.connect();
    let account = world.checked.connections[&connection_name(0)].account_key();
    let claim = LeaseClaim {
        holder: "ann".into(),
        term: TERM,
    };
    let taken = person.take_lease(&account, &claim).await.expect("reached");
    let Taken::Held(lease) = taken else {
        panic!("a claim on looking after an account keeps nobody from writing")
    };
    world.edit_all();
    world.advance(RESYNC).await;
    let object = world.daemons[0].object(0);
    assert_eq!(object.state, ObjectState::Waiting, "{:?}", object.message);
    drop(lease);
    world.advance(ROUND).await;
    assert_eq!(world.daemons[0].object(0).state, ObjectState::InSync);
}

#[tokio::test]
async fn another_group_shares_nothing_with_us() {
    let mut world = ReplicaTeam::with(3, 1).await;
    world.daemons.extend({
        let member = world.team.connect();
        let sharing = Sharing::new("9".into(), "other".into(), "observe all".into());
        let reader = memory_reader(&world.checked);
        [start_replica(reader, member, "other".into(), Some(sharing))]
    });
    let end = Instant::now() + ROUND * 2;
    while Instant::now() < end {
        advance_clock(Duration::from_secs(1)).await;
        world.wait_until_idle().await;
    }
    assert_eq!(world.share_sizes(), [3, 3]);
}

#[tokio::test]
async fn a_hint_reaches_whoever_looks_after_the_account() {
    let world = ReplicaTeam::with(4, 2).await;
    let of_second = world.daemons[1].kept_connections()[0].clone();
    let number = connection_number(&of_second);
    edit_order(&world.bench, number, "activations_allowed", 4);
    let id = (LAC.ids)(number)["activationKey"]
        .as_str()
        .expect("a key")
        .to_string();
    let hint = Trigger::Object {
        connection: of_second,
        id,
    };
    world.daemons[0]
        .triggers
        .send(hint)
        .await
        .expect("it listens");
    world.advance(Duration::from_secs(2)).await;
    assert_eq!(world.bench.writes().len(), 1);
    assert!(world.daemons[1].object(number).last_write.is_some());
}

#[tokio::test]
async fn without_replicas_everything_is_looked_after_at_once() {
    let mut world = ReplicaTeam::new(3).await;
    let reader = memory_reader(&world.checked);
    let daemon = start_replica(reader, world.team.connect(), "alone".into(), None);
    world.daemons.push(daemon);
    world.wait_until_idle().await;
    assert!(world.last_looks().iter().all(Option::is_some));
    let status = Arc::clone(&world.daemons[0].status.borrow());
    assert_eq!(status.replicas, None);
    assert!(
        status
            .connections
            .values()
            .all(|connection| connection.keeper.is_none())
    );
    let [tried, attended] = world.team.calls();
    assert_eq!(
        (tried, attended),
        (3, 0),
        "the lease of each pass and nothing else"
    );
}

#[tokio::test]
async fn each_replica_keeps_the_objects_of_its_accounts_and_loads_those_that_it_takes_over() {
    let mut world = ReplicaTeam::on_disk(6, 3).await;
    assert_eq!(world.share_sizes(), [2; 3]);
    assert!(world.last_looks().iter().all(Option::is_some));
    for daemon in &world.daemons {
        // Nothing was claimed when the files were read for the first time.
        let last = daemon.last.lock().expect("noted").clone();
        assert_eq!((last.full.len(), last.outlines.len()), (0, 6));
    }

    // A new comment in every file: each is read again, and given out in full by one replica.
    for number in 0..6 {
        let text = format!("# read again\n{}", object_text(number, number, 10));
        world.write(&format!("object-{number}.yaml"), &text);
    }
    let reads = world.bench.reads().len();
    world.saved().await;
    for daemon in &world.daemons {
        let last = daemon.last.lock().expect("noted").clone();
        assert_eq!(last.full, BTreeSet::from_iter(daemon.kept_connections()));
        assert_eq!(last.outlines.len(), 4);
    }
    assert_eq!(world.bench.reads().len(), reads, "the same is desired");

    world.kill(0).await;
    world.edit_all();
    world.advance(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.share_sizes(), [3, 3]);
    assert_eq!(world.bench.writes().len(), 6, "each object once");
    for number in 0..6 {
        let object = world.keeper_of(number).object(number);
        assert_eq!(object.state, ObjectState::InSync, "{:?}", object.message);
    }
    world.epochs_do_not_interleave();
}

#[tokio::test]
async fn a_changed_manifest_is_carried_out_by_whoever_looks_after_its_account() {
    let world = ReplicaTeam::on_disk(3, 3).await;
    assert_eq!(world.share_sizes(), [1; 3]);
    world.write("object-1.yaml", &object_text(1, 1, 12));
    world.saved().await;
    assert_eq!(world.bench.writes().len(), 1);
    let keeper = world.keeper_of(1);
    assert_eq!(keeper.object(1).state, ObjectState::InSync);
    assert_eq!(keeper.kept_connections(), [connection_name(1)]);
    let elsewhere = |daemon: &&Replica| daemon.object(1).state == ObjectState::Elsewhere;
    assert_eq!(world.daemons.iter().filter(elsewhere).count(), 2);
    // The next keeper knows of the change.
    let at = world
        .daemons
        .iter()
        .position(|daemon| daemon.name == keeper.name);
    let mut world = world;
    world.kill(at.expect("there")).await;
    edit_order(&world.bench, 1, "activations_allowed", 4);
    world.advance(TERM + ROUND + SOON + RESYNC).await;
    let state = world.bench.sandbox.state("lac").expect("a vendor");
    let object = state.pointer(&(LAC.place)(1)).expect("there");
    assert_eq!(object["activations_allowed"], 12);
    assert_eq!(world.keeper_of(1).object(1).state, ObjectState::InSync);
}

#[tokio::test]
async fn a_manifest_that_moves_to_another_account_moves_to_the_replica_that_looks_after_it() {
    let world = ReplicaTeam::on_disk(3, 3).await;
    let before = world.keeper_of(0).name.clone();
    let target = world.keeper_of(2).name.clone();
    assert_ne!(before, target);
    world.write("object-0.yaml", &object_text(0, 2, 10));
    world.saved().await;
    assert_eq!(world.keeper_of(0).name, target);
    assert_eq!(world.keeper_of(0).object(0).connection, connection_name(2));
    edit_order(&world.bench, 0, "activations_allowed", 4);
    world.advance(RESYNC).await;
    assert_eq!(world.bench.writes().len(), 1);
    assert_eq!(world.keeper_of(0).object(0).state, ObjectState::InSync);
    // And back again.
    world.write("object-0.yaml", &object_text(0, 0, 10));
    world.saved().await;
    assert_eq!(world.keeper_of(0).name, before);
}

#[tokio::test]
async fn objects_of_a_connection_that_leads_to_another_account_are_looked_at_there() {
    let world = ReplicaTeam::on_disk(3, 3).await;
    assert_eq!(world.share_sizes(), [1; 3]);
    let changed = connection_text(&world.bench, 1, 7);
    world.write("connection-1.yaml", &changed);
    let at = test_clock();
    world.saved().await;
    world.advance(ROUND + SOON * 2).await;
    assert_eq!(world.share_sizes(), [1; 3]);
    let object = world.keeper_of(1).object(1);
    assert_eq!(object.state, ObjectState::InSync, "{:?}", object.message);
    assert!(object.last_pass > Some(at));
}

#[tokio::test]
async fn manifests_that_were_broken_since_keep_nobody_from_taking_an_account_over() {
    let mut world = ReplicaTeam::on_disk(3, 3).await;
    world.write(
        "connection-2.yaml",
        "apiVersion: entitle.dev/v1\nkind: Nothing\n",
    );
    world.saved().await;
    let broken = |daemon: &Replica| daemon.status.borrow().source.problem.is_some();
    assert!(world.daemons.iter().all(broken));
    world.kill(0).await;
    world.edit_all();
    world.advance(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.bench.writes().len(), 3, "what is in force is kept");
}
