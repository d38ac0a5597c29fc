//! What passes work with that outlives them: locks, the journal, what it tells, and what was said before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::engine::{Batch, Job};
use super::gate::Hold;
use super::mode::RunMode;
use super::read_back::ReadBack;
use super::told::Told;
use super::track::Look;
use crate::apply::journal::{Journal, Purpose, Started};
use crate::apply::lock::{self, Lock, Locks};
use crate::apply::memory::{Memory, Place};
use crate::apply::recorder::Recorder;
use crate::apply::{Outcome, Report};
use crate::model::{Address, Mode};
use crate::plan::Planned;
use crate::reconcile::{self, Accounts, ApplyOptions, Pass, Settings};

use super::pass::ACCEPTED;

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

impl Shell {
    /// Takes the lock of the connection if anything may be written; the error says who has it.
    pub(super) async fn take_lock(
        &self,
        batch: &Batch,
        run: &str,
        now: Timestamp,
    ) -> Result<Locks, String> {
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
    pub(super) async fn plan(
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
    pub(super) fn tell(&self, planned: &[Planned]) {
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
    pub(super) async fn examine_open_writes(
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
    pub(super) fn give_up(
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
    pub(super) fn reads_back(&self, connection: &str, now: Instant) -> bool {
        let mut read_back = self
            .read_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        read_back.is_due(connection, now)
    }

    /// Carries out a pass as `apply` does, with the journal around it.
    pub(super) async fn write(
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
    pub(super) fn agree<'a>(
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

    pub(super) fn recorder(
        &self,
        places: BTreeMap<String, Place>,
        run: &str,
        clock: fn() -> Timestamp,
    ) -> Recorder<'_> {
        Recorder::new(self.journal.as_ref(), run, places, clock)
    }
}
