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
use crate::apply::agreement;
use crate::apply::clock;
use crate::apply::journal::{Journal, OpenIntent, Started};
use crate::apply::lock::{self, Lock, Locks};
use crate::apply::recall::{Fold, Recall};
use crate::apply::recorder::Recorder;
use crate::apply::{Account, Outcome, Report};
use crate::model::{Address, Desired, Mode, Verify};
use crate::plan::document::{ObjectEntry, PlanDocument};
use crate::plan::guard::{self, Accepted};
use crate::plan::{Action, Planned};
use crate::reconcile::{self, Accounts, Applied, ApplyOptions, Pass, Settings};

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
    /// Writes of earlier runs whose end nobody knows.
    pub cut_off: Mutex<Vec<OpenIntent>>,
    /// What the journal tells a pass that writes.
    pub recall: Mutex<Recall>,
    /// What the journal says was applied: only for those who heal by it.
    pub applied: Mutex<Arc<Applied>>,
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
    let mut pass = shell.plan(&batch, &settings, &kept).await;
    shell.tell(&pass.planned);
    // Taken out, since an entry of each of ten thousand objects is too much to have twice.
    let entries = mem::take(&mut pass.document.objects);
    let (mut looks, brake) = judge(&batch, &pass.planned, entries, locked.as_deref());
    let going: BTreeSet<Address> = looks
        .iter()
        .filter(|(_, look)| look.hold.is_none() && look.entry.action == Action::Update)
        .map(|(address, _)| address.clone())
        .collect();
    let mut agreed = agreed(&batch, &pass);
    if !going.is_empty() {
        if settings.checks.verify == Verify::Echo && shell.reads_back(&batch.connection, start) {
            settings.checks.verify = Verify::Read;
        }
        let goes = |planned: &Planned| going.contains(&planned.desired.address);
        pass.only(goes, &settings);
        let reports = shell.write(&pass, &settings, &run, &locks).await;
        for report in reports {
            if batch.mode == RunMode::Sync && agreement::holds(&report, true) {
                agreed.push(Arc::clone(&report.planned.desired));
            }
            let address = &report.planned.desired.address;
            if let Some(look) = looks.get_mut(address) {
                take(&mut look.entry, report);
            }
        }
    }
    shell.close_cut_off(&looks, &run, settings.clock);
    // While somebody else writes, what was read is no longer worth remembering.
    if locked.is_none() {
        shell.agree(&agreed, &pass.document, &run, &settings);
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
fn agreed(batch: &Batch, pass: &Pass) -> Vec<Arc<Desired>> {
    if batch.mode == RunMode::Observe {
        return Vec::new();
    }
    let given: BTreeMap<&Address, &Arc<Desired>> = batch
        .checked
        .desired
        .iter()
        .map(|object| (&object.address, object))
        .collect();
    let holds = |planned: &&Planned| {
        let object = &planned.desired;
        planned.action == Action::None
            && given
                .get(&object.address)
                .is_some_and(|given| Arc::ptr_eq(given, object))
    };
    let held = pass.planned.iter().filter(holds);
    held.map(|planned| Arc::clone(&planned.desired)).collect()
}

/// What was read, and why each write may not go. The brake counts the writes that nothing else holds.
fn judge(
    batch: &Batch,
    planned: &[Planned],
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
    for (planned, entry) in planned.iter().zip(entries) {
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
        let entry = Box::new(entry);
        looks.insert(address.clone(), Look { entry, hold });
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

    /// Reads and plans: after the manifests, or after what was last applied.
    async fn plan(&self, batch: &Batch, settings: &Settings, kept: &Accounts) -> Pass {
        match batch.mode {
            RunMode::Observe | RunMode::Sync => {
                reconcile::plan_with(&batch.checked, settings, kept).await
            }
            RunMode::Heal => {
                let applied = self.applied();
                reconcile::restore(&applied, &batch.checked, settings, kept).await
            }
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

    /// What the journal says was applied.
    fn applied(&self) -> Arc<Applied> {
        let Some(journal) = &self.journal else {
            return Arc::default();
        };
        let mut known = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        // A copy is made only while the pass of another connection still works with it.
        if let Err(error) = Arc::make_mut(&mut known).go_on(journal.path()) {
            tracing::error!(journal = %journal.path().display(), %error, "cannot be read");
            // What is not known to be the last state is nothing to go back to.
            return Arc::default();
        }
        Arc::clone(&known)
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
        settings: &Settings,
        run: &str,
        locks: &Locks,
    ) -> Vec<Report> {
        let recorder = self.recorder(&pass.document, run, settings.clock);
        let started = Started {
            by: self.by.clone(),
            commit: pass.document.source.commit.clone(),
            plan: pass.document.digest.clone(),
            objects: pass.document.summary.update,
            sandbox: settings.sandbox,
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
    fn agree(
        &self,
        agreed: &[Arc<Desired>],
        document: &PlanDocument,
        run: &str,
        settings: &Settings,
    ) {
        if agreed.is_empty() {
            return;
        }
        let Some(journal) = &self.journal else {
            return;
        };
        let mut recall = self.recall.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = recall.go_on(journal.path()) {
            tracing::error!(journal = %journal.path().display(), %error, "cannot be read");
        }
        let recorder = self.recorder(document, run, settings.clock);
        let objects = agreed.iter().map(|object| &**object);
        let commit = document.source.commit.as_ref();
        let written = recorder.agreed(objects, &recall.agreements, commit, settings.sandbox);
        if let Err(why) = written {
            tracing::warn!("{why}");
        }
    }

    fn recorder(
        &self,
        document: &PlanDocument,
        run: &str,
        clock: fn() -> Timestamp,
    ) -> Recorder<'_> {
        Recorder {
            journal: self.journal.as_ref(),
            run: run.to_string(),
            places: document.source.connections.clone(),
            clock,
        }
    }

    /// Writes down what was found of writes whose end nobody recorded.
    fn close_cut_off(&self, looks: &BTreeMap<Address, Look>, run: &str, clock: fn() -> Timestamp) {
        let mut open = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_empty() {
            return;
        }
        let recorder = Recorder {
            journal: self.journal.as_ref(),
            run: run.to_string(),
            places: BTreeMap::new(),
            clock,
        };
        let by_text: BTreeMap<String, &Look> = looks
            .iter()
            .map(|(address, look)| (address.to_string(), look))
            .collect();
        open.retain(|intent| {
            let look = by_text.get(&intent.intent.address);
            let Some(look) = look.filter(|look| look.entry.action != Action::Error) else {
                return true;
            };
            let well = matches!(
                (look.entry.action, look.entry.outcome),
                (Action::None, _) | (_, Some(Outcome::Converged | Outcome::Already))
            );
            let found = if well {
                "as the manifests want it"
            } else {
                "not as the manifests want it"
            };
            recorder.found(intent, found).is_err()
        });
    }
}
