//! One pass over a batch: lock, read, plan, decide, write, tell.
//!
//! It drives the very functions that `entitle apply` drives, restricted to the objects that were woken.
//! Nothing here knows a vendor, and nothing here decides: the gate, the brake and the guard do.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::brake;
use super::engine::{Batch, Job, Seen};
use super::gate::{self, Hold};
use super::mode::RunMode;
use super::read_back::ReadBack;
use super::told::Told;
use super::track::Look;
use crate::apply::clock;
use crate::apply::journal::{Journal, Purpose, Started};
use crate::apply::lock::{self, Lock, Locks};
use crate::apply::memory::{Memory, Place, agreement};
use crate::apply::recorder::Recorder;
use crate::apply::{Account, Outcome, Report};
use crate::model::{Address, Desired, Mode, Verify};
use crate::plan::document::ObjectEntry;
use crate::plan::guard::{self, Accepted};
use crate::plan::{Action, Planned};
use crate::reconcile::{self, Accounts, ApplyOptions, Pass, Settings};

/// The daemon never accepts a risk by itself: what an object's own policy allows is all.
const ACCEPTED: Accepted = Accepted {
    risk: crate::model::Risk::Safe,
};

/// Everything a pass works with that outlives it.
pub struct Shell {
    /// Settings of one pass, with a deadline of its own.
    pub settings: Box<dyn Fn() -> Settings + Send + Sync>,
    /// Nothing where nobody else can write, as with simulators of our own.
    pub lock: Option<Box<dyn Lock>>,
    pub journal: Option<Journal>,
    /// Who writes, for the journal; and for whoever waits for our lock, given the run.
    pub by: String,
    pub holder: Box<dyn Fn(&str) -> String + Send + Sync>,
    /// Where manifests are, for the journal.
    pub paths: Vec<String>,
    /// What the journal tells: with the values that were agreed on for those who heal by them.
    pub memory: Mutex<Arc<Memory>>,
    /// When writes were last read back, where the settings leave it to the vendor's word.
    pub read_back: Mutex<ReadBack>,
    /// What was logged about the manifests of live objects.
    pub told: Mutex<Told>,
}

/// What came of a pass.
pub struct Done {
    pub seen: Seen,
    /// The open account, unless nothing could be read with it. One whose credentials were refused is kept,
    /// so that they are not sent again with every look.
    pub account: Option<Arc<Account>>,
    pub refused: bool,
    pub started_at: Timestamp,
    pub took: Duration,
    pub reasons: BTreeSet<&'static str>,
    /// Why the brake holds the connection, and who holds its lock.
    pub brake: Option<String>,
    pub locked: Option<String>,
    /// Exchanges by status; 0 for those without an answer.
    pub requests: BTreeMap<u16, u64>,
}

/// Carries out one pass.
pub async fn run(batch: Batch, shell: Arc<Shell>, kept: Option<Arc<Account>>) -> Done {
    let start = Instant::now();
    let run = clock::run_id();
    let mut settings = (shell.settings)();
    let started_at = (settings.clock)();
    let kept: Accounts = kept
        .into_iter()
        .map(|a| (batch.connection.clone(), a))
        .collect();
    // The lock comes before the first read, so that nothing another run does can make the plan stale.
    let (locks, locked) = match shell.take_lock(&batch, &run, started_at).await {
        Ok(held) => (held, None),
        Err(who) => (Locks::default(), Some(who)),
    };
    let kept = match locked {
        None => {
            shell
                .examine_open_writes(&batch, &settings, &kept, &run)
                .await
        }
        Some(_) => kept,
    };
    let memory = shell.memory();
    let mut pass = shell.plan(&batch, &memory, &settings, &kept).await;
    shell.tell(&pass.planned);
    // Taken out, since an entry of each of ten thousand objects is too much to have twice.
    let entries = mem::take(&mut pass.document.objects);
    let (mut looks, brake) = judge(&batch, &pass, entries, locked.as_deref());
    shell.give_up(&looks, &pass, &run, settings.clock);
    let going: BTreeSet<Address> = looks
        .iter()
        .filter(|(_, look)| look.hold.is_none() && look.entry.action == Action::Update)
        .map(|(address, _)| address.clone())
        .collect();
    // While somebody else writes, what was read is no longer worth remembering.
    let remembers = locked.is_none() && batch.mode != RunMode::Observe;
    if remembers {
        shell.agree(agreed(&batch, &pass), &pass, &run, &settings);
    }
    if !going.is_empty() {
        if settings.checks.verify == Verify::Echo && shell.reads_back(&batch.connection, start) {
            settings.checks.verify = Verify::Read;
        }
        let goes = |planned: &Planned| going.contains(&planned.desired.address);
        pass.only(goes, &settings);
        let heals = heals(&batch, &pass, &memory);
        let reports = shell
            .write(&pass, &batch, &settings, (&run, &locks), &heals)
            .await;
        if batch.mode == RunMode::Sync {
            let held = reports
                .iter()
                .filter(|report| agreement::holds(report, true));
            shell.agree(held.map(|report| &report.planned), &pass, &run, &settings);
        }
        for report in reports {
            let address = report.planned.desired.address.clone();
            if let Some(look) = looks.get_mut(&address) {
                look.heals = heals.contains(&address);
                take(&mut look.entry, report);
            }
        }
    }
    let account = pass.accounts.remove(&batch.connection);
    let requests = account
        .as_ref()
        .map(|a| a.take_answered())
        .unwrap_or_default();
    let all_failed = looks
        .values()
        .all(|look| look.entry.action == Action::Error);
    let refused = match &account {
        Some(account) => account.refused().await,
        None => false,
    };
    Done {
        refused,
        seen: seen(batch.connection, run, batch.jobs, looks),
        account: account.filter(|_| !all_failed || refused),
        started_at,
        took: start.elapsed(),
        reasons: batch.reasons,
        brake,
        locked,
        requests,
    }
}

/// Objects that are as their manifests want them. A restored one wants something else: its plan is not of the
/// object that the manifest gave.
fn agreed<'a>(batch: &'a Batch, pass: &'a Pass) -> impl Iterator<Item = &'a Planned> {
    let given: BTreeMap<&Address, &Arc<Desired>> = batch
        .checked
        .desired
        .iter()
        .map(|object| (&object.address, object))
        .collect();
    pass.planned.iter().filter(move |planned| {
        let object = &planned.desired;
        let given = given.get(&object.address);
        planned.action == Action::None && given.is_some_and(|given| Arc::ptr_eq(given, object))
    })
}

/// The objects whose write puts back what somebody else has changed: all of those that are healed, and those whose
/// manifest wants what was agreed on last.
fn heals(batch: &Batch, pass: &Pass, memory: &Memory) -> BTreeSet<Address> {
    let had_settled: BTreeSet<&Address> = batch
        .jobs
        .iter()
        .filter(|job| job.settled)
        .map(|job| &job.desired.address)
        .collect();
    let heals = |object: &Desired| {
        batch.mode == RunMode::Heal
            || had_settled.contains(&object.address)
            || memory.agrees(
                object,
                &reconcile::place(&batch.checked, &object.connection),
            )
    };
    let objects = pass.planned.iter().map(|planned| &planned.desired);
    let healed = objects.filter(|object| heals(object));
    healed.map(|object| object.address.clone()).collect()
}

/// What was read, and why each write may not go. The brake counts the writes that nothing else holds.
fn judge(
    batch: &Batch,
    pass: &Pass,
    entries: Vec<ObjectEntry>,
    locked: Option<&str>,
) -> (BTreeMap<Address, Look>, Option<String>) {
    let jobs: BTreeMap<&Address, &Job> = batch
        .jobs
        .iter()
        .map(|job| (&job.desired.address, job))
        .collect();
    let mut looks = BTreeMap::new();
    let mut changing = batch.braked;
    for (planned, entry) in pass.planned.iter().zip(entries) {
        let address = &planned.desired.address;
        let Some(job) = jobs.get(address) else {
            continue;
        };
        let mut hold = gate::hold(&entry, &job.past, batch.mode, batch.door);
        if hold.is_none() && entry.action == Action::Update {
            hold = locked.map(|who| Hold::Locked(who.to_string()));
            let allow = planned.desired.policy.allow;
            changing += usize::from(guard::refusal(&entry, allow, ACCEPTED).is_none());
        }
        let look = Look {
            entry: Box::new(entry),
            hold,
            standing: pass.standings.get(address).copied(),
            heals: false,
        };
        looks.insert(address.clone(), look);
    }
    let brake = brake::engaged(
        &batch.connection,
        changing,
        batch.objects,
        batch.max_changes,
    );
    if let Some(why) = &brake {
        for look in looks.values_mut() {
            if look.hold.is_none() && look.entry.action == Action::Update {
                look.hold = Some(Hold::Brake(why.clone()));
            }
        }
    }
    (looks, brake)
}

/// Writes into an entry how its write ended.
fn take(entry: &mut ObjectEntry, report: Report) {
    entry.outcome = report.outcome;
    if report.message.is_some() {
        entry.message = report.message;
    }
    for effect in &report.side_effects {
        let address = &entry.address;
        tracing::warn!(address, "side effect of the write: {effect}");
    }
    entry.side_effects = report.side_effects;
}

fn seen(
    connection: String,
    run: String,
    jobs: Vec<Job>,
    mut looks: BTreeMap<Address, Look>,
) -> Seen {
    let looks = jobs.into_iter().filter_map(|job| {
        let address = job.desired.address.clone();
        let look = looks.remove(&address)?;
        Some((address, job.generation, look))
    });
    Seen {
        connection,
        run,
        looks: looks.collect(),
    }
}

impl Shell {
    /// Takes the lock of the connection if anything may be written; the error says who has it.
    async fn take_lock(&self, batch: &Batch, run: &str, now: Timestamp) -> Result<Locks, String> {
        let writes = |job: &Job| job.desired.policy.mode_at(now) == Mode::Enforce;
        let connection = batch.checked.connections.get(&batch.connection);
        let (Some(lock), Some(connection)) = (&self.lock, connection) else {
            return Ok(Locks::default());
        };
        if batch.mode == RunMode::Observe || !batch.jobs.iter().any(writes) {
            return Ok(Locks::default());
        }
        let who = (self.holder)(run);
        let nobody = |_: &str| {};
        match lock::take_all(&**lock, &[connection], &who, Duration::ZERO, &nobody).await {
            Ok(taken) => taken,
            Err(error) => Err(format!("the lock of `{}`: {error}", batch.connection)),
        }
    }

    /// Reads and plans: after the manifests, or after what was last agreed on.
    async fn plan(
        &self,
        batch: &Batch,
        memory: &Memory,
        settings: &Settings,
        kept: &Accounts,
    ) -> Pass {
        match batch.mode {
            RunMode::Observe | RunMode::Sync => {
                reconcile::plan_with(&batch.checked, settings, kept).await
            }
            RunMode::Heal => reconcile::restore(memory, &batch.checked, settings, kept).await,
        }
    }

    /// Ends the sessions of accounts that no pass has and none will have.
    pub fn log_out_of_unused(&self) {
        (self.settings)().opened.log_out_of_unused();
    }

    /// Logs what planning found about manifests, unless it was logged before.
    fn tell(&self, planned: &[Planned]) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (address, finding) in told.news(planned) {
            let (address, code) = (address.to_string(), finding.code);
            tracing::warn!(address, code, "{}", finding.line());
        }
    }

    /// What the journal tells by now.
    pub fn memory(&self) -> Arc<Memory> {
        let Some(journal) = &self.journal else {
            return Arc::default();
        };
        let mut known = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        // A copy is made only while the pass of another connection still works with it.
        if let Err(error) = Arc::make_mut(&mut known).go_on(journal.path()) {
            tracing::error!(journal = %journal.path().display(), %error, "cannot be read");
            // What is not known to be the last state is nothing to go back to.
            return Arc::default();
        }
        Arc::clone(&known)
    }

    /// Looks into writes whose end nobody knows, before anything else is written.
    async fn examine_open_writes(
        &self,
        batch: &Batch,
        settings: &Settings,
        kept: &Accounts,
        run: &str,
    ) -> Accounts {
        let memory = self.memory();
        if batch.mode == RunMode::Observe || !memory.has_open() {
            return kept.clone();
        }
        let examined =
            reconcile::examine_open_writes(&memory, &batch.checked, false, settings, kept).await;
        let recorder = self.recorder(BTreeMap::new(), run, settings.clock);
        for (open, finding) in &examined.found {
            let (address, at) = (&open.intent.address, &open.at);
            tracing::info!(
                address,
                at,
                found = finding.words(),
                "a write was looked into"
            );
            if let Err(why) = recorder.found(open, *finding) {
                tracing::error!("{why}");
            }
        }
        examined.accounts
    }

    /// Writes down which fields are left to another writer from now on.
    fn give_up(
        &self,
        looks: &BTreeMap<Address, Look>,
        pass: &Pass,
        run: &str,
        clock: fn() -> Timestamp,
    ) {
        for planned in &pass.planned {
            let look = looks.get(&planned.desired.address);
            let Some(Hold::Fight(fields)) = look.and_then(|look| look.hold.as_ref()) else {
                continue;
            };
            let recorder = self.recorder(pass.places(), run, clock);
            if let Err(why) = recorder.gave_up(&planned.desired, fields) {
                tracing::warn!("{why}");
            }
        }
    }

    /// Whether the hour has come to read the writes of a connection back.
    fn reads_back(&self, connection: &str, now: Instant) -> bool {
        let mut read_back = self
            .read_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        read_back.is_due(connection, now)
    }

    /// Carries out a pass as `apply` does, with the journal around it.
    async fn write(
        &self,
        pass: &Pass,
        batch: &Batch,
        settings: &Settings,
        (run, locks): (&str, &Locks),
        heals: &BTreeSet<Address>,
    ) -> Vec<Report> {
        let recorder = Recorder {
            heals: heals.clone(),
            ..self.recorder(pass.places(), run, settings.clock)
        };
        let started = Started {
            by: self.by.clone(),
            commit: pass.document.source.commit.clone(),
            plan: pass.document.digest.clone(),
            objects: pass.document.summary.update,
            sandbox: settings.sandbox,
            purpose: match batch.mode {
                RunMode::Heal => Purpose::Heal,
                RunMode::Observe | RunMode::Sync => Purpose::Sync,
            },
            undoes: None,
            paths: self.paths.clone(),
        };
        if let Err(why) = recorder.started(started) {
            // What cannot be written down is not done.
            let failed = |planned: &Planned| {
                Report::new(planned.clone(), Some(Outcome::Failed), Some(why.clone()))
            };
            return pass.planned.iter().map(failed).collect();
        }
        let options = ApplyOptions {
            accepted: Some(ACCEPTED),
            fail_fast: false,
            recorder,
            locks,
        };
        let reports = reconcile::apply(pass, &options, settings).await;
        let interrupted = settings.stop.load(std::sync::atomic::Ordering::Relaxed);
        if let Err(why) = options.recorder.finished(interrupted) {
            tracing::error!("{why}");
        }
        reports
    }

    /// Writes down what is as the manifests want it, where the journal does not say so already.
    fn agree<'a>(
        &self,
        agreed: impl Iterator<Item = &'a Planned>,
        pass: &Pass,
        run: &str,
        settings: &Settings,
    ) {
        let memory = self.memory();
        let recorder = self.recorder(pass.places(), run, settings.clock);
        let commit = pass.document.source.commit.as_ref();
        let written = recorder.agreed(agreed, &memory, commit, settings.sandbox);
        if let Err(why) = written {
            tracing::warn!("{why}");
        }
    }

    fn recorder(
        &self,
        places: BTreeMap<String, Place>,
        run: &str,
        clock: fn() -> Timestamp,
    ) -> Recorder<'_> {
        Recorder::new(self.journal.as_ref(), run, places, clock)
    }
}
