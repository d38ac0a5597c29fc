//! Several daemons over one store: accounts are shared out, and nobody's are forgotten.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entitle::apply::journal::Event;
use entitle::apply::memory::{Detail, Memory};
use entitle::apply::store::{LeaseClaim, RecordQueue, Store, Taken};
use entitle::apply::{Secrets, Trust};
use entitle::daemon::board::Board;
use entitle::daemon::engine::{Engine, Rules};
use entitle::daemon::mode::RunMode;
use entitle::daemon::pass::Shell;
use entitle::daemon::sharing::{ROUND, SOON, Sharing, TERM};
use entitle::daemon::status::{ObjectState, ObjectStatus, SourceKind, Status};
use entitle::daemon::task::{Fetched, Order, Task};
use entitle::daemon::trigger::Trigger;
use entitle::manifest::Loaded;
use entitle::model::AccountKey;
use entitle::model::diagnostic::Source;
use entitle::reconcile::{self, CheckOptions, Checked, Settings};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{LAC, clock, edit, jump, order, orders, rules};
use crate::support::bench::{self, Bench};
use crate::support::proxy::{Passed, Spoil};
use crate::support::team::{Member, Team};

/// The regular wait of these tests.
const RESYNC: Duration = Duration::from_secs(120);

/// A team's accounts, one object in each, and the daemons that look after them.
struct World {
    bench: Arc<Bench>,
    team: Arc<Team>,
    checked: Checked,
    daemons: Vec<Daemon>,
    started: usize,
}

struct Daemon {
    name: String,
    member: Arc<Member>,
    status: watch::Receiver<Arc<Status>>,
    triggers: mpsc::Sender<Trigger>,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<Arc<Status>>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn connection(number: usize) -> String {
    format!("account-{number:03}")
}

/// Manifests of so many accounts of one vendor, each with an object that is in sync.
fn manifests(bench: &Bench, accounts: usize) -> Checked {
    let document = |number: usize| {
        let connection = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Connection",
            "metadata": {"name": connection(number)},
            "spec": {
                "vendor": "lac", "baseUrl": format!("{}/lac", bench.address()),
                "auth": {"token": {"env": format!("TOKEN_{number}")}},
            },
        });
        let mut object = order(number, 10);
        object.ids["connection"] = self::connection(number).into();
        format!("{connection}\n---\n{}", object.text())
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
    };
    let checked = reconcile::check(loaded, &options);
    assert!(!checked.findings.has_errors(), "{:?}", checked.findings);
    checked
}

/// The number in the name of a connection.
fn number_of(connection: &str) -> usize {
    let digits = connection.trim_start_matches("account-");
    digits.parse().expect("a number")
}

fn own_rules(mode: RunMode) -> Rules {
    Rules {
        resync: RESYNC,
        ..rules(mode)
    }
}

impl World {
    async fn new(accounts: usize) -> Self {
        Self::over(orders(accounts).await, accounts)
    }

    fn over(bench: Bench, accounts: usize) -> Self {
        Self {
            checked: manifests(&bench, accounts),
            bench: Arc::new(bench),
            team: Team::new(),
            daemons: Vec::new(),
            started: 0,
        }
    }

    async fn with(accounts: usize, daemons: usize) -> Self {
        Self::new(accounts).await.joined_by(daemons).await
    }

    async fn joined_by(mut self, daemons: usize) -> Self {
        for _ in 0..daemons {
            self.join("sync all");
        }
        self.go(ROUND * 3).await;
        self
    }

    fn join(&mut self, group: &str) {
        self.started += 1;
        let member = self.team.connect();
        let name = format!("pod-{}", self.started);
        let sharing = Sharing::new(format!("{:04}", self.started), name.clone(), group.into());
        let daemon = start(&self.checked, Arc::clone(&member), name, Some(sharing));
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
    async fn go(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            jump(Duration::from_secs(1)).await;
            self.rest().await;
            self.no_two_keep_one();
        }
    }

    /// Waits until nothing is in flight or due; real time, and not long.
    async fn rest(&self) {
        let start = std::time::Instant::now();
        loop {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            if self.daemons.iter().all(Daemon::rests) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it never rests");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn no_two_keep_one(&self) {
        let mut keepers: BTreeMap<String, &str> = BTreeMap::new();
        for daemon in &self.daemons {
            for name in daemon.keeps() {
                if let Some(other) = keepers.insert(name.clone(), &daemon.name) {
                    panic!("{other} and {} look after {name}", daemon.name);
                }
            }
        }
    }

    fn shares(&self) -> Vec<usize> {
        self.daemons
            .iter()
            .map(|daemon| daemon.keeps().len())
            .collect()
    }

    /// When each object was looked at last, by anybody.
    fn looks(&self) -> Vec<Option<jiff::Timestamp>> {
        let mut last = vec![None; self.checked.desired.len()];
        for daemon in &self.daemons {
            for (number, object) in daemon.status.borrow().objects.iter().enumerate() {
                last[number] = last[number].max(object.last_pass);
            }
        }
        last
    }

    /// Somebody else changes every object.
    fn drift(&self) {
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
            let intent = matches!(appended.record.event, Event::Intent(_));
            intent.then(|| appended.under.clone()).flatten()
        });
        for (account, epoch) in written {
            let before = last.insert(account, epoch).unwrap_or_default();
            assert!(before <= epoch);
        }
    }
}

impl Daemon {
    fn rests(&self) -> bool {
        let status = self.status.borrow();
        let rests = |object: &Arc<ObjectStatus>| {
            let is_elsewhere = object.state == ObjectState::Elsewhere;
            let is_due = object.next_wake.is_none_or(|at| at <= clock());
            !object.running && (is_elsewhere || !is_due)
        };
        status.source.revision.is_some() && status.objects.iter().all(rests)
    }

    /// The connections that it looks after.
    fn keeps(&self) -> Vec<String> {
        let status = self.status.borrow();
        let keeps = status.connections.iter().filter(|(_, connection)| {
            let keeper = connection.keeper.as_ref();
            keeper.is_some_and(|keeper| keeper.own)
        });
        keeps.map(|(name, _)| name.clone()).collect()
    }

    fn object(&self, number: usize) -> Arc<ObjectStatus> {
        Arc::clone(&self.status.borrow().objects[number])
    }
}

fn start(checked: &Checked, member: Arc<Member>, name: String, sharing: Option<Sharing>) -> Daemon {
    let shell = Shell {
        settings: Box::new(move || Settings {
            secrets: Secrets {
                environment: Arc::new(|_| Some("sandbox-token".into())),
                trust: Trust::default(),
            },
            deadline: Instant::now() + Duration::from_secs(60),
            ..bench::settings(clock)
        }),
        queue: RecordQueue::new(Arc::clone(&member) as _),
        shared: true,
        scope: None,
        by: name.clone(),
        holder: Box::new(|run| format!("run {run}")),
        paths: Vec::new(),
        memory: tokio::sync::Mutex::new(Arc::new(Memory::new(Detail::Values))),
        read_back: Mutex::default(),
        told: Mutex::default(),
    };
    let (triggers, hints) = mpsc::channel(64);
    let (orders, ordered) = mpsc::channel(4);
    let board = Board::new(
        RunMode::Sync,
        SourceKind::Directory,
        "memory".into(),
        true,
        clock(),
    );
    let engine = Engine::new(own_rules(RunMode::Sync));
    let (sender, status) = watch::channel(board.status(&engine));
    let mut source = Some(checked.clone());
    let task = Task {
        engine,
        shell: Arc::new(shell),
        reader: Box::new(move || {
            let fetched = source.take().map(|checked| Fetched {
                checked,
                revision: "first".into(),
            });
            Box::pin(std::future::ready(Ok(fetched)))
        }),
        sharing,
        poll: RESYNC,
        board,
        status: sender,
        triggers: hints,
        orders: ordered,
        clock,
        chance: Box::new(|| 0.0),
        once: false,
    };
    Daemon {
        name,
        member,
        status,
        triggers,
        orders,
        task: tokio::spawn(task.run()),
    }
}

#[tokio::test]
async fn four_share_two_hundred_accounts_and_three_take_over_those_of_one_that_was_killed() {
    let mut world = World::with(200, 4).await;
    assert_eq!(world.shares(), [50; 4]);
    assert!(world.looks().iter().all(Option::is_some));
    // At rest a replica asks for nothing but who is there.
    world.team.calls();
    world.go(ROUND * 3).await;
    let [tried, attended] = world.team.calls();
    assert_eq!(tried, 0, "no lease is asked for in vain");
    assert!((9..=14).contains(&attended), "{attended}");

    let killed = clock();
    world.kill(1).await;
    world.drift();
    world.go(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.shares(), [67, 67, 66]);
    assert!(
        world
            .looks()
            .iter()
            .all(|look| look.is_some_and(|at| at > killed))
    );
    assert_eq!(world.bench.writes().len(), 200, "each object once");
    world.epochs_do_not_interleave();

    world.join("sync all");
    world.go(ROUND + SOON * 2).await;
    assert_eq!(world.shares(), [50; 4]);
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
    let mut world = World::with(6, 2).await;
    assert_eq!(world.shares(), [3, 3]);
    let mut ended = world.daemons.remove(0);
    ended.orders.send(Order::Stop).await.expect("it listens");
    (&mut ended.task).await.expect("it ends");
    world.go(ROUND + SOON).await;
    assert_eq!(world.shares(), [6]);
}

#[tokio::test]
async fn whoever_ends_keeps_an_account_until_the_pass_at_it_has_ended() {
    let mut bench = orders(6).await;
    let silent: Arc<AtomicBool> = Arc::default();
    let is_silent = Arc::clone(&silent);
    let rule = move |_: usize, _: &Passed| {
        let is_silent = is_silent.load(Ordering::Relaxed);
        is_silent.then_some(Spoil::Silence)
    };
    bench.spoil(rule).await;
    let mut world = World::over(bench, 6).joined_by(2).await;
    assert_eq!(world.shares(), [3, 3]);
    let mut ending = world.daemons.remove(0);
    let asked = world.bench.passed().len();
    silent.store(true, Ordering::Relaxed);
    let hint = Trigger::Connection(ending.keeps()[0].clone());
    ending.triggers.send(hint).await.expect("it listens");
    while world.bench.passed().len() == asked {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ending.orders.send(Order::Stop).await.expect("it listens");
    let stopping = ending.status.wait_for(|status| status.stopping).await;
    drop(stopping.expect("it shows itself"));
    silent.store(false, Ordering::Relaxed);
    world.go(ROUND + SOON).await;
    assert_eq!(world.shares(), [5]);
    assert!(!ending.task.is_finished());
    // It waits for the answer as long as it may.
    world.go(Duration::from_secs(25)).await;
    (&mut ending.task).await.expect("it ends");
    world.go(SOON * 2).await;
    assert_eq!(world.shares(), [6]);
}

#[tokio::test]
async fn a_fight_that_one_replica_gave_up_is_not_taken_up_by_the_next() {
    let mut world = World::with(2, 2).await;
    let name = world.daemons[0].keeps()[0].clone();
    let number = number_of(&name);
    for _ in 0..4 {
        edit(&world.bench, number, "activations_allowed", 4);
        let hint = Trigger::Connection(name.clone());
        world.daemons[0]
            .triggers
            .send(hint)
            .await
            .expect("it listens");
        world.go(Duration::from_secs(2)).await;
    }
    assert_eq!(world.daemons[0].object(number).state, ObjectState::Fought);
    let writes = world.bench.writes().len();
    world.kill(0).await;
    world.go(TERM + ROUND + SOON + RESYNC).await;
    assert_eq!(world.daemons[0].object(number).state, ObjectState::Fought);
    assert_eq!(world.bench.writes().len(), writes);
}

#[tokio::test]
async fn a_lost_claim_stops_that_account_only() {
    let world = World::with(6, 2).await;
    let name = world.daemons[0].keeps()[0].clone();
    let lost = number_of(&name);
    let claim = format!(": env TOKEN_{lost}");
    let is_claim = |account: &AccountKey| account.account.ends_with(&claim);
    world.team.depose(is_claim, RESYNC);
    world.go(ROUND).await;
    assert_eq!(world.shares(), [2, 3]);
    let object = world.daemons[0].object(lost);
    assert_eq!(object.state, ObjectState::Elsewhere);
    // The others are looked at as ever, and it comes back when it is free.
    world.go(RESYNC + ROUND).await;
    assert_eq!(world.shares(), [3, 3]);
    let looked = world.daemons[0].object(lost).last_pass;
    assert!(looked > object.last_pass);
}

#[tokio::test]
async fn a_store_that_is_away_for_less_than_the_term_is_not_noticed_and_for_longer_stops_everything()
 {
    let world = World::with(6, 2).await;
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
    world.go(TERM - ROUND).await;
    assert_eq!(world.shares(), [3, 3]);
    let replicas = world.daemons[0]
        .status
        .borrow()
        .replicas
        .clone()
        .expect("shared");
    assert!(replicas.problem.is_some_and(|why| why.contains("no route")));
    cut(false);
    world.go(ROUND).await;
    assert_eq!(world.shares(), [3, 3]);
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
    world.drift();
    world.go(TERM + ROUND).await;
    assert_eq!(world.shares(), [0, 0]);
    let before = world.bench.reads().len();
    world.go(RESYNC).await;
    assert_eq!(
        world.bench.reads().len(),
        before,
        "nobody looks after anything"
    );
    cut(false);
    world.go(ROUND + SOON).await;
    assert_eq!(world.shares(), [3, 3]);
    assert_eq!(world.bench.writes().len(), 6);
    world.epochs_do_not_interleave();
}

#[tokio::test]
async fn a_person_gets_the_lease_to_write_between_passes() {
    let world = World::with(2, 1).await;
    let person = world.team.connect();
    let account = world.checked.connections[&connection(0)].account_key();
    let claim = LeaseClaim {
        holder: "ann".into(),
        term: TERM,
    };
    let taken = person.take_lease(&account, &claim).await.expect("reached");
    let Taken::Held(lease) = taken else {
        panic!("a claim on looking after an account keeps nobody from writing")
    };
    world.drift();
    world.go(RESYNC).await;
    let object = world.daemons[0].object(0);
    assert_eq!(object.state, ObjectState::Waiting, "{:?}", object.message);
    drop(lease);
    world.go(ROUND).await;
    assert_eq!(world.daemons[0].object(0).state, ObjectState::InSync);
}

#[tokio::test]
async fn another_group_shares_nothing_with_us() {
    let mut world = World::with(3, 1).await;
    world.daemons.extend({
        let member = world.team.connect();
        let sharing = Sharing::new("9".into(), "other".into(), "observe all".into());
        [start(&world.checked, member, "other".into(), Some(sharing))]
    });
    let end = Instant::now() + ROUND * 2;
    while Instant::now() < end {
        jump(Duration::from_secs(1)).await;
        world.rest().await;
    }
    assert_eq!(world.shares(), [3, 3]);
}

#[tokio::test]
async fn a_hint_reaches_whoever_looks_after_the_account() {
    let world = World::with(4, 2).await;
    let of_second = world.daemons[1].keeps()[0].clone();
    let number = number_of(&of_second);
    edit(&world.bench, number, "activations_allowed", 4);
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
    world.go(Duration::from_secs(2)).await;
    assert_eq!(world.bench.writes().len(), 1);
    assert!(world.daemons[1].object(number).last_write.is_some());
}

#[tokio::test]
async fn without_replicas_everything_is_looked_after_at_once() {
    let mut world = World::new(3).await;
    let daemon = start(&world.checked, world.team.connect(), "alone".into(), None);
    world.daemons.push(daemon);
    world.rest().await;
    assert!(world.looks().iter().all(Option::is_some));
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
