//! The loop: waits for whatever comes first, lets the engine decide, starts passes, shows the status.

mod shared;

use crate::daemon::source::SourceError;
use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, interval, sleep_until, timeout_at};
use tracing::Instrument;

use super::board::Board;
use super::engine::{Batch, Engine};
use super::fight::Fights;
use super::pass::{self, Done, Shell};
use super::service;
use super::sharing::Sharing;
use super::status::Status;
use super::track::Now;
use super::trigger::Trigger;
use crate::apply::memory::{Memory, VendorAccount};
use crate::apply::{Account, spans};
use crate::model::{AccountKey, Address, Desired};
use crate::reconcile::{self, Checked, KeptAccounts};

/// Saved files are read this long after the first hint: editors and checkouts write several at once.
const SETTLE: Duration = Duration::from_millis(50);

/// Longest wait for writes in flight after the word to stop: below the 30 s that Kubernetes grants.
const GRACE: Duration = Duration::from_secs(25);

/// Refused credentials are not sent again before this: a vendor that locks accounts counts tries over
/// minutes. Whoever has put them right says so by SIGHUP, or waits.
const REFUSED: Duration = Duration::from_secs(60 * 60);

/// Manifests as the source has them.
pub struct Fetched {
    pub checked: Checked,
    /// The commit, or a hash of the contents.
    pub revision: String,
}

/// Reads the source once: `None` when it is as it was, `Err` when what is there cannot be put in force, of which the details
/// have been reported by then. It keeps no objects of other accounts than those that it is given.
pub type Reader =
    Box<dyn FnMut(KeptAccounts) -> BoxFuture<'static, Result<Option<Fetched>, SourceError>> + Send>;

/// What the process is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Read the source and the secrets again, and try what was given up.
    Reload,
    /// Finish what is in flight and end.
    Stop,
}

/// Everything the loop is made of.
pub struct Task {
    pub engine: Engine,
    pub shell: Arc<Shell>,
    pub reader: Reader,
    /// Shares the accounts out with other replicas; `None` looks after all of them.
    pub sharing: Option<Sharing>,
    /// How often the source is read without a hint.
    pub poll: Duration,
    pub board: Board,
    pub status: watch::Sender<Arc<Status>>,
    pub triggers: mpsc::Receiver<Trigger>,
    pub orders: mpsc::Receiver<Order>,
    pub clock: fn() -> Timestamp,
    /// Between 0 and 1, another one every time.
    pub chance: Box<dyn FnMut() -> f64 + Send>,
    /// Ends after the first pass over everything.
    pub once: bool,
}

/// What is in flight.
#[derive(Default)]
struct Flight {
    passes: JoinSet<Done>,
    /// What each pass is about, should it not come back.
    about: BTreeMap<Id, (String, Vec<Address>)>,
    accounts: BTreeMap<String, Arc<Account>>,
    /// Connections whose pass has an account from before a reload, or before the connection was changed.
    outdated: BTreeSet<String>,
    /// Since when the credentials of a connection are refused.
    refused: BTreeMap<String, Instant>,
    loading: Option<BoxFuture<'static, Loaded>>,
    /// Objects of accounts that were claimed, while they are loaded again.
    reloading: Option<BoxFuture<'static, Reloaded>>,
    /// When objects that could not be loaded are tried again.
    reload_at: Option<Instant>,
    /// When the source is read next, and failures in a row.
    read_at: Option<Instant>,
    failures: u32,
    reload: Reload,
    /// What the service manager was last told.
    told: String,
}

/// How far a reload is: it ends with a reading that began after it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Reload {
    #[default]
    None,
    Asked,
    Reading,
}

impl Flight {
    /// The next pass opens the account of a connection anew. The one that is at work goes on with what it has.
    fn forget_account(&mut self, connection: &str) {
        self.accounts.remove(connection);
        if self
            .about
            .values()
            .any(|(at_work, _)| at_work == connection)
        {
            self.outdated.insert(connection.to_string());
        }
    }

    /// Keeps the account of a pass for the next one, unless it was to be forgotten meanwhile.
    fn keep_account(&mut self, done: &Done, now: Instant) {
        let connection = &done.seen.connection;
        if self.outdated.remove(connection) {
            return;
        }
        if done.refused {
            self.refused.entry(connection.clone()).or_insert(now);
        } else {
            self.refused.remove(connection);
        }
        match &done.account {
            Some(account) => self
                .accounts
                .insert(connection.clone(), Arc::clone(account)),
            None => self.accounts.remove(connection),
        };
    }
}

impl Task {
    fn now(&self) -> Now {
        Now {
            instant: Instant::now(),
            time: (self.clock)(),
        }
    }

    /// Runs until it is told to stop, or until everything was looked at once.
    pub async fn run(mut self) -> Arc<Status> {
        let mut flight = Flight {
            read_at: Some(Instant::now()),
            ..Flight::default()
        };
        let mut beat = service::beat().map(interval);
        loop {
            self.share(None, &mut flight);
            self.start(&mut flight);
            self.publish(&mut flight);
            if self.once && self.is_over(&flight) {
                break;
            }
            let wake = [
                self.engine.next(),
                flight.read_at.filter(|_| flight.loading.is_none()),
                self.next_round(),
                flight.reload_at.filter(|_| flight.reloading.is_none()),
            ];
            let wake = wake.into_iter().flatten().min();
            // Every arm may be dropped before it is ready without losing anything: receiving from a
            // channel and from the set of passes takes nothing until it returns, timers are set anew from
            // what the engine says, and the reading is a future that stays where it is.
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Reload) => self.reload(&mut flight),
                    // Nobody is left who could tell us anything: that is the end as well.
                    Some(Order::Stop) | None => break,
                },
                Some(trigger) = self.triggers.recv() => self.hint(&trigger, &mut flight),
                Some(done) = flight.passes.join_next_with_id() => self.done(done, &mut flight),
                loaded = maybe(&mut flight.loading) => self.read(loaded, &mut flight),
                reloaded = maybe(&mut flight.reloading) => self.reloaded(reloaded, &mut flight),
                event = shared::happens(&mut self.sharing) => self.shared(event, &mut flight),
                () = at(wake) => {}
                () = ticked(&mut beat) => service::alive(),
            }
        }
        self.end(flight).await
    }

    /// Starts everything that is due.
    fn start(&mut self, flight: &mut Flight) {
        let now = self.now();
        if flight.loading.is_none() && flight.read_at.is_some_and(|at| at <= now.instant) {
            flight.read_at = None;
            flight.loading = Some(self.load());
            if flight.reload == Reload::Asked {
                flight.reload = Reload::Reading;
            }
        }
        self.start_reloading(flight);
        for batch in self.engine.batches(now) {
            let Batch {
                connection, jobs, ..
            } = &batch;
            let addresses = jobs.iter().map(|job| job.desired.address.clone()).collect();
            let about = (connection.clone(), addresses);
            let since = flight.refused.get(connection);
            if since.is_some_and(|since| *since + REFUSED <= now.instant) {
                flight.refused.remove(connection);
                flight.accounts.remove(connection);
            }
            let kept = flight.accounts.get(connection).cloned();
            let reasons: Vec<&str> = batch.reasons.iter().copied().collect();
            let span = spans::pass(connection, jobs.len(), &reasons.join(", "));
            let pass = pass::run(batch, Arc::clone(&self.shell), kept);
            let handle = flight.passes.spawn(pass.instrument(span));
            flight.about.insert(handle.id(), about);
        }
    }

    /// Reads the source, and what is known of its objects.
    fn load(&mut self) -> BoxFuture<'static, Loaded> {
        let own = self.own_accounts();
        let kept = own.clone().map_or(KeptAccounts::All, KeptAccounts::Only);
        let (read, shell) = ((self.reader)(kept), Arc::clone(&self.shell));
        Box::pin(async move {
            let read = read.await;
            let memory = match &read {
                Ok(Some(fetched)) => {
                    let connections = fetched.checked.connections.values();
                    let accounts = connections.map(|connection| connection.account_key());
                    // Of others it is read once they are looked after here.
                    let known =
                        |account: &AccountKey| own.as_ref().is_none_or(|own| own.contains(account));
                    shell
                        .memory(&accounts.filter(known).collect::<Vec<_>>())
                        .await
                }
                Ok(None) | Err(_) => Arc::default(),
            };
            (read, memory)
        })
    }

    fn hint(&mut self, trigger: &Trigger, flight: &mut Flight) {
        let now = self.now();
        if let Trigger::Following(broken) = trigger {
            self.board.following(broken.clone());
            return;
        }
        if *trigger == Trigger::Source {
            // Hints while a reading is under way ask for another one: it may have been past the file.
            flight.read_at = Some(
                flight
                    .read_at
                    .map_or(now.instant + SETTLE, |at| at.min(now.instant + SETTLE)),
            );
            return;
        }
        let woken = self.engine.wake(trigger, now);
        tracing::debug!(?trigger, woken, "a hint");
        self.pass_on(trigger);
    }

    fn reload(&mut self, flight: &mut Flight) {
        tracing::info!("reloading: the source and the secrets are read again");
        service::reloading();
        flight.reload = Reload::Asked;
        // Accounts hold secrets and sessions; new ones look for them again.
        flight.accounts.clear();
        let at_work = flight.about.values();
        let at_work = at_work.map(|(connection, _)| connection.clone());
        flight.outdated.extend(at_work);
        flight.refused.clear();
        self.shell.log_out_of_unused();
        flight.read_at = Some(Instant::now());
        let now = self.now();
        self.engine.start_anew(now);
    }

    fn read(&mut self, (read, memory): Loaded, flight: &mut Flight) {
        flight.loading = None;
        let now = self.now();
        let chance = (self.chance)();
        let mut wait = self.poll;
        match read {
            Ok(fetched) => {
                flight.failures = 0;
                let first = self.engine.checked.is_none();
                if let Some(fetched) = fetched {
                    let remembered = |checked: &Checked, object: &Desired| {
                        let place = reconcile::place(checked, &object.connection);
                        fights(&memory, object, &place, now)
                    };
                    self.board.in_force(&fetched, now.time);
                    for connection in self.engine.adopt(fetched.checked, &remembered, now) {
                        flight.forget_account(&connection);
                        flight.refused.remove(&connection);
                    }
                    self.shell.log_out_of_unused();
                    if let Some(sharing) = &mut self.sharing {
                        sharing.hurry(now.instant);
                    }
                }
                self.board.source_is_fine();
                if first && self.engine.checked.is_some() {
                    service::ready();
                }
            }
            Err(error) => {
                wait = super::schedule::read_backoff(flight.failures, self.poll, chance);
                flight.failures = flight.failures.saturating_add(1);
                self.board.source_is_broken(with_causes(&error));
            }
        }
        if flight.reload == Reload::Reading {
            // Also where nothing new could be put in force: what was in force before still is.
            flight.reload = Reload::None;
            service::ready();
        }
        let again = now.instant + wait;
        flight.read_at = Some(flight.read_at.map_or(again, |at| at.min(again)));
    }

    fn done(&mut self, done: Result<(Id, Done), JoinError>, flight: &mut Flight) {
        let now = self.now();
        let chance = (self.chance)();
        let (id, done) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "a pass broke off");
                if let Some((connection, addresses)) = flight.about.remove(&error.id()) {
                    flight.outdated.remove(&connection);
                    flight.accounts.remove(&connection);
                    self.engine.lost(&connection, &addresses, now, chance);
                }
                return;
            }
        };
        flight.about.remove(&id);
        flight.keep_account(&done, now.instant);
        self.board.passed(&done, &mut self.engine, now, chance);
        drop(done);
        self.shell.log_out_of_unused();
    }

    /// Whether every object was looked at and nothing is in flight.
    fn is_over(&self, flight: &Flight) -> bool {
        let seen = self
            .engine
            .objects
            .values()
            .all(|t| t.status.last_pass.is_some());
        let broken = self.engine.checked.is_none() && flight.failures > 0;
        flight.loading.is_none()
            && flight.passes.is_empty()
            && (broken || self.engine.checked.is_some() && seen)
    }

    fn publish(&mut self, flight: &mut Flight) {
        let now = self.now();
        self.engine.show_elsewhere();
        self.engine.show_wakes(now);
        let status = self.board.status(&self.engine);
        service::status(&status, &mut flight.told);
        self.status.send_replace(status);
    }

    /// No new pass starts; those in flight finish their writes, or are left to the next run's look into
    /// the journal.
    async fn end(mut self, mut flight: Flight) -> Arc<Status> {
        service::stopping();
        self.board.stopping();
        self.publish(&mut flight);
        let end = Instant::now() + GRACE;
        let (busy, shell) = (self.busy_accounts(), Arc::clone(&self.shell));
        if let Some(sharing) = &mut self.sharing {
            sharing.leave(&**shell.queue.store(), &busy).await;
        }
        let finish = async {
            while let Some(done) = flight.passes.join_next_with_id().await {
                if let Ok((_, done)) = done {
                    let now = self.now();
                    self.board.passed(&done, &mut self.engine, now, 0.0);
                }
            }
        };
        if timeout_at(end, finish).await.is_err() {
            tracing::error!(
                "writes in flight did not end within {GRACE:?}: the next run looks into them"
            );
        }
        self.publish(&mut flight);
        self.board.status(&self.engine)
    }
}

/// Objects that were loaded again, and what is known of them.
type Reloaded = (Vec<Arc<Desired>>, Arc<Memory>);

/// The source as it was read, and what is known of its objects.
type Loaded = (Result<Option<Fetched>, SourceError>, Arc<Memory>);

/// What the journal tells of fights over an object, by the clock of this process.
fn fights(memory: &Memory, object: &Desired, place: &VendorAccount, now: Now) -> Fights<Instant> {
    let Some(known) = memory.fights(object, place) else {
        return Fights::default();
    };
    let at = |time: &Timestamp| {
        let ago = Duration::try_from(now.time.duration_since(*time)).unwrap_or_default();
        // A machine that started since cannot tell further back.
        now.instant.checked_sub(ago)
    };
    let healed = known.healed.iter();
    let healed = healed.map(|(path, times)| (path.clone(), times.iter().filter_map(at).collect()));
    let given_up = known.given_up.iter();
    let given_up = given_up.map(|(path, time)| (path.clone(), at(time).unwrap_or(now.instant)));
    Fights::remembered(healed, given_up)
}

/// The end of what is under way, if anything is.
async fn maybe<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

async fn ticked(beat: &mut Option<tokio::time::Interval>) {
    match beat {
        Some(beat) => {
            beat.tick().await;
        }
        None => pending().await,
    }
}
