//! The loop of the daemon: waits for the next event, lets the engine decide, starts passes, publishes the status.
//!
//! Every turn does the same four things: it brings the claims on accounts up to date, starts everything that is due,
//! publishes the status, and waits for one event. Every event changes the engine or the status log; none is handled
//! by a pass that is already running.

mod in_flight;
mod replicas;

use crate::daemon::source::{Fetched, SourceError};
use crate::model::with_causes;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError};
use tokio::time::{Instant, interval, sleep_until, timeout_at};
use tracing::Instrument;

use self::in_flight::{InFlight, ReloadState};
use super::engine::{Batch, Engine};
use super::fight::FieldFights;
use super::pass::{self, FinishedPass, PassContext};
use super::requests::DaemonRequest;
use super::service_manager;
use super::sharing::{Sharing, wait_for_some};
use super::status::Status;
use super::status_log::StatusLog;
use super::tracked_object::Now;
use super::trigger::Trigger;
use crate::apply::memory::{Memory, VendorAccount};
use crate::apply::spans;
use crate::model::{AccountKey, Desired};
use crate::reconcile::{self, Checked, KeptAccounts};

/// Delay from the first hint to the reading of the source: editors and checkouts write several files at once.
const SETTLE: Duration = Duration::from_millis(50);

/// Longest wait for writes in flight after the command to stop: below the 30 s that Kubernetes grants.
const GRACE: Duration = Duration::from_secs(25);

/// How long refused credentials are not sent again: vendors that lock accounts count attempts over minutes. An
/// operator who has corrected the credentials sends SIGHUP, or waits.
const REFUSED: Duration = Duration::from_secs(60 * 60);

/// Reads the source once, and keeps the objects of the given accounts only. `Ok(None)` if it is unchanged; `Err` says
/// why the manifests found there cannot be put in force; the reader has logged the details by then.
pub type SourceReader =
    Box<dyn FnMut(KeptAccounts) -> BoxFuture<'static, Result<Option<Fetched>, SourceError>> + Send>;

/// A command that the process receives from outside, by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonCommand {
    /// Read the source and the secrets again, and try what was given up.
    Reload,
    /// Finish what is in flight and end.
    Stop,
}

/// Everything the loop owns.
pub struct DaemonTask {
    pub engine: Engine,
    pub context: Arc<PassContext>,
    pub reader: SourceReader,
    /// The claims on accounts, shared out among replicas; null if this process looks after all accounts.
    pub sharing: Option<Sharing>,
    /// How often the source is read without a hint.
    pub poll: Duration,
    pub log: StatusLog,
    pub status: watch::Sender<Arc<Status>>,
    pub triggers: mpsc::Receiver<Trigger>,
    pub commands: mpsc::Receiver<DaemonCommand>,
    /// Questions and requests that people send from the status page; the channel stays empty without a server.
    pub requests: mpsc::Receiver<DaemonRequest>,
    pub clock: fn() -> Timestamp,
    /// Returns a random number between 0 and 1, a different one with every call.
    pub chance: Box<dyn FnMut() -> f64 + Send>,
    /// Ends after every object was looked at once.
    pub once: bool,
}

impl DaemonTask {
    /// Reads both clocks.
    fn now(&self) -> Now {
        Now {
            instant: Instant::now(),
            time: (self.clock)(),
        }
    }

    /// Runs until the command to stop, or with `once` until every object was looked at. Returns the last status.
    pub async fn run(mut self) -> Arc<Status> {
        let mut flight = InFlight {
            read_at: Some(Instant::now()),
            ..InFlight::default()
        };
        let mut beat = service_manager::watchdog_interval().map(interval);
        loop {
            self.sync_claims(None, &mut flight);
            self.start_due(&mut flight);
            self.publish_status(&mut flight);
            if self.once && self.is_complete(&flight) {
                break;
            }
            let wake = [
                self.engine.next_due(),
                flight.read_at.filter(|_| flight.reading.is_none()),
                self.next_round(),
                flight.reload_at.filter(|_| flight.reloading.is_none()),
            ];
            let wake = wake.into_iter().flatten().min();
            // Cancel-safe in every arm, see the table in `daemon/mod.rs`: receiving from a channel and from the set
            // of passes takes nothing until it returns, timers are computed anew from the engine's state, and the
            // reading and the round are futures that stay where they are.
            tokio::select! {
                order = self.commands.recv() => match order {
                    Some(DaemonCommand::Reload) => self.begin_reload(&mut flight),
                    // With all senders gone no command to stop can arrive any more, so the daemon ends here as well.
                    Some(DaemonCommand::Stop) | None => break,
                },
                Some(trigger) = self.triggers.recv() => self.take_trigger(&trigger, &mut flight),
                Some(request) = self.requests.recv() => self.answer_request(request),
                Some(done) = flight.passes.join_next_with_id() => self.finish_pass(done, &mut flight),
                loaded = wait_for_some(&mut flight.reading) => self.finish_reading(loaded, &mut flight),
                reloaded = wait_for_some(&mut flight.reloading) => self.finish_object_loading(reloaded, &mut flight),
                event = replicas::next_sharing_event(&mut self.sharing) => self.take_sharing_event(event, &mut flight),
                () = sleep_until_some(wake) => {}
                () = wait_for_tick(&mut beat) => service_manager::notify_alive(),
            }
        }
        self.shut_down(flight).await
    }

    /// Starts the reading of the source if it is due, and a pass for every batch that is due.
    fn start_due(&mut self, flight: &mut InFlight) {
        let now = self.now();
        if flight.reading.is_none() && flight.read_at.is_some_and(|at| at <= now.instant) {
            flight.read_at = None;
            flight.reading = Some(self.read_source());
            if flight.reload == ReloadState::Asked {
                flight.reload = ReloadState::Reading;
            }
        }
        self.start_object_loading(flight);
        for batch in self.engine.take_due_batches(now) {
            let Batch {
                connection, jobs, ..
            } = &batch;
            let addresses = jobs.iter().map(|job| job.desired.address.clone()).collect();
            let about = (connection.clone(), addresses);
            let since = flight.refused_since.get(connection);
            if since.is_some_and(|since| *since + REFUSED <= now.instant) {
                flight.refused_since.remove(connection);
                flight.accounts.remove(connection);
            }
            let kept = flight.accounts.get(connection).cloned();
            let reasons: Vec<&str> = batch.reasons.iter().copied().collect();
            let span = spans::pass(connection, jobs.len(), &reasons.join(", "));
            let pass = pass::run_pass(batch, Arc::clone(&self.context), kept);
            let handle = flight.passes.spawn(pass.instrument(span));
            flight.targets.insert(handle.id(), about);
        }
    }

    /// Reads the source, and the store's memory of its objects.
    fn read_source(&mut self) -> BoxFuture<'static, SourceReading> {
        let claimed = self.claimed_accounts();
        let kept = claimed
            .clone()
            .map_or(KeptAccounts::All, KeptAccounts::Only);
        let (read, context) = ((self.reader)(kept), Arc::clone(&self.context));
        Box::pin(async move {
            let read = read.await;
            let memory = match &read {
                Ok(Some(fetched)) => {
                    context.scope.follow(&fetched.checked);
                    let connections = fetched.checked.connections.values();
                    let accounts = connections.map(|connection| connection.account_key());
                    // The memory of other replicas' accounts is read when they are taken over.
                    let known = |account: &AccountKey| {
                        claimed
                            .as_ref()
                            .is_none_or(|claimed| claimed.contains(account))
                    };
                    context
                        .catch_up_memory(&accounts.filter(known).collect::<Vec<_>>())
                        .await
                }
                Ok(None) | Err(_) => Arc::default(),
            };
            (read, memory)
        })
    }

    /// Takes in a trigger: schedules a reading of the source, or wakes objects.
    fn take_trigger(&mut self, trigger: &Trigger, flight: &mut InFlight) {
        let now = self.now();
        if let Trigger::FollowProblem(broken) = trigger {
            self.log.set_unfollowed(broken.clone());
            return;
        }
        if *trigger == Trigger::Source {
            // A hint during a reading asks for another reading, since the one under way may be past the changed file.
            //
            // For example three saves at 0, 20 and 40 ms set `read_at` to 50 ms and leave it there: one reading, and
            // one pass over what changed.
            flight.read_at = Some(
                flight
                    .read_at
                    .map_or(now.instant + SETTLE, |at| at.min(now.instant + SETTLE)),
            );
            return;
        }
        if let Trigger::Connection(connection) | Trigger::Object { connection, .. } = trigger {
            self.log.record_hook(connection, now.time);
        }
        let woken = self.engine.wake_for(trigger, now);
        tracing::debug!(?trigger, woken, "a hint");
        self.forward_hint(trigger);
    }

    /// Answers a question or carries out a person's request. The asker's connection may be closed by now, so a reply
    /// that cannot be delivered is dropped.
    fn answer_request(&mut self, request: DaemonRequest) {
        let now = self.now();
        match request {
            DaemonRequest::Check { request, answer } => {
                let _ = answer.send(self.engine.check_action(&request, now));
            }
            DaemonRequest::CarryOut {
                request,
                by,
                answer,
            } => {
                let done = self.engine.carry_out_action(request.clone(), &by, now);
                if done.is_ok() {
                    self.log
                        .record_request(&request, &by, &self.engine, now.time);
                }
                let _ = answer.send(done);
            }
            DaemonRequest::Details { address, answer } => {
                let _ = answer.send(self.engine.object_details(&address, now));
            }
        }
    }

    /// Begins a reload: the source is read again, secrets are resolved again, and what was given up is tried again.
    fn begin_reload(&mut self, flight: &mut InFlight) {
        tracing::info!("reloading: the source and the secrets are read again");
        service_manager::notify_reloading();
        flight.reload = ReloadState::Asked;
        // Accounts hold secrets and sessions. New ones resolve the secrets again.
        flight.accounts.clear();
        let at_work = flight.targets.values();
        let at_work = at_work.map(|(connection, _)| connection.clone());
        flight.outdated.extend(at_work);
        flight.refused_since.clear();
        self.context.log_out_of_unused();
        flight.read_at = Some(Instant::now());
        let now = self.now();
        self.engine.reset_failures(now);
    }

    /// Takes in the result of a reading of the source, and schedules the next reading.
    fn finish_reading(&mut self, (read, memory): SourceReading, flight: &mut InFlight) {
        flight.reading = None;
        let now = self.now();
        let chance = (self.chance)();
        let mut wait = self.poll;
        match read {
            Ok(fetched) => {
                flight.failures = 0;
                let first = self.engine.checked.is_none();
                if let Some(fetched) = fetched {
                    let remembered = |checked: &Checked, object: &Desired| {
                        let account = reconcile::account_of(checked, &object.connection);
                        recall_fights(&memory, object, &account, now)
                    };
                    self.log.record_manifests(&fetched, now.time);
                    for connection in self
                        .engine
                        .adopt_manifests(fetched.checked, &remembered, now)
                    {
                        flight.forget_account(&connection);
                        flight.refused_since.remove(&connection);
                    }
                    let writes: Vec<_> = memory.recent_writes().cloned().collect();
                    self.log.record_journal(&writes, &self.engine);
                    self.context.log_out_of_unused();
                    if let Some(sharing) = &mut self.sharing {
                        sharing.expedite_round(now.instant);
                    }
                }
                self.log.clear_source_problem();
                if first && self.engine.checked.is_some() {
                    service_manager::notify_ready();
                }
            }
            Err(error) => {
                wait = super::schedule::source_backoff(flight.failures, self.poll, chance);
                flight.failures = flight.failures.saturating_add(1);
                self.log.set_source_problem(with_causes(&error));
            }
        }
        if flight.reload == ReloadState::Reading {
            // The reload is over even if the new manifests are faulty: those from before are still in force.
            flight.reload = ReloadState::None;
            service_manager::notify_ready();
        }
        let again = now.instant + wait;
        flight.read_at = Some(flight.read_at.map_or(again, |at| at.min(again)));
    }

    /// Takes in a finished pass, or a panic in one.
    fn finish_pass(&mut self, done: Result<(Id, FinishedPass), JoinError>, flight: &mut InFlight) {
        let now = self.now();
        let chance = (self.chance)();
        let (id, done) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "a pass broke off");
                if let Some((connection, addresses)) = flight.targets.remove(&error.id()) {
                    flight.outdated.remove(&connection);
                    flight.accounts.remove(&connection);
                    self.engine.fail_batch(&connection, &addresses, now, chance);
                }
                return;
            }
        };
        flight.targets.remove(&id);
        flight.keep_account(&done, now.instant);
        self.log.record_pass(done, &mut self.engine, now, chance);
        self.context.log_out_of_unused();
    }

    /// Reports whether every object was looked at and nothing is in flight, or the source cannot be read at all.
    fn is_complete(&self, flight: &InFlight) -> bool {
        let seen = self
            .engine
            .objects
            .values()
            .all(|t| t.status.last_pass.is_some());
        let broken = self.engine.checked.is_none() && flight.failures > 0;
        flight.reading.is_none()
            && flight.passes.is_empty()
            && (broken || self.engine.checked.is_some() && seen)
    }

    /// Publishes the status to all receivers of the watch channel.
    fn publish_status(&mut self, flight: &mut InFlight) {
        let now = self.now();
        self.engine.mark_foreign_objects();
        self.engine.update_wakes(now);
        let status = self.log.snapshot(&self.engine);
        service_manager::notify_status(&status, &mut flight.service_status);
        self.status.send_replace(status);
    }

    /// Stops: no pass begins, and those in flight may finish their writes within `GRACE`. A write that is cut off is
    /// examined by the next run, which finds its intent in the journal.
    async fn shut_down(mut self, mut flight: InFlight) -> Arc<Status> {
        service_manager::notify_stopping();
        self.log.set_stopping();
        self.publish_status(&mut flight);
        let end = Instant::now() + GRACE;
        let (busy, context) = (self.busy_accounts(), Arc::clone(&self.context));
        if let Some(sharing) = &mut self.sharing {
            sharing.leave(&**context.queue.store(), &busy).await;
        }
        let finish = async {
            while let Some(done) = flight.passes.join_next_with_id().await {
                if let Ok((_, done)) = done {
                    let now = self.now();
                    self.log.record_pass(done, &mut self.engine, now, 0.0);
                }
            }
        };
        if timeout_at(end, finish).await.is_err() {
            tracing::error!(
                "writes in flight did not end within {GRACE:?}: the next run looks into them"
            );
        }
        self.publish_status(&mut flight);
        self.log.snapshot(&self.engine)
    }
}

/// Loaded objects of claimed accounts, and the store's memory of them.
type ReloadedObjects = (Vec<Arc<Desired>>, Arc<Memory>);

/// The result of reading the source, and the store's memory of its objects.
type SourceReading = (Result<Option<Fetched>, SourceError>, Arc<Memory>);

/// Translates the fights that the store remembers from calendar time to this process's clock.
fn recall_fights(
    memory: &Memory,
    object: &Desired,
    account: &VendorAccount,
    now: Now,
) -> FieldFights<Instant> {
    let Some(known) = memory.fights(object, account) else {
        return FieldFights::default();
    };
    let at = |time: &Timestamp| {
        let ago = Duration::try_from(now.time.duration_since(*time)).unwrap_or_default();
        // The clock of the process starts with the machine and cannot show earlier moments.
        now.instant.checked_sub(ago)
    };
    let healed = known.healed.iter();
    let healed = healed.map(|(path, times)| (path.clone(), times.iter().filter_map(at).collect()));
    let given_up = known.given_up.iter();
    let given_up = given_up.map(|(path, time)| (path.clone(), at(time).unwrap_or(now.instant)));
    FieldFights::from_history(healed, given_up)
}

/// Sleeps until a moment, or for ever if there is none.
async fn sleep_until_some(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Waits until the service manager's watchdog is due, or for ever if it has none.
async fn wait_for_tick(beat: &mut Option<tokio::time::Interval>) {
    match beat {
        Some(beat) => {
            beat.tick().await;
        }
        None => pending().await,
    }
}
