//! What passes work with that outlives them: locks, the journal, what it tells, and what was said before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::engine::{Batch, Job};
use super::mode::RunMode;
use super::read_back::ReadBack;
use super::told::Told;
use super::track::Look;
use crate::apply::journal::{Purpose, Started};
use crate::apply::memory::{Memory, VendorAccount};
use crate::apply::recorder::Recorder;
use crate::apply::store::compact::{COMPACT_THRESHOLD, compact_accounts};
use crate::apply::store::{LeaseBusy, Leases, RecordQueue, StoreError};
use crate::apply::{Outcome, Report};
use crate::model::{AccountKey, Address, PolicyMode, with_causes};
use crate::plan::{Planned, Refusal};
use crate::reconcile::{self, Accounts, ApplyOptions, Pass, Settings};

use super::pass::ACCEPTED;

/// Why a pass may not write to a connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    #[error(transparent)]
    Busy(#[from] LeaseBusy),
    #[error("the lock of `{connection}`")]
    Store {
        connection: String,
        source: Arc<StoreError>,
    },
}

/// Everything a pass works with that outlives it.
pub struct Shell {
    /// Settings of one pass, with a deadline of its own.
    pub settings: Box<dyn Fn() -> Settings + Send + Sync>,
    /// Where it is written down what passes do.
    pub queue: Arc<RecordQueue>,
    /// Whether others may write too; to simulators of our own nobody can.
    pub shared: bool,
    /// Which repository's runs they are, if that was said.
    pub scope: Option<String>,
    /// Who writes, for the journal; and for whoever waits for our lock, given the run.
    pub by: String,
    pub holder: Box<dyn Fn(&str) -> String + Send + Sync>,
    /// Where manifests are, for the journal.
    pub paths: Vec<String>,
    /// What the journal tells: with the values that were agreed on for those who heal by them.
    pub memory: AsyncMutex<Arc<Memory>>,
    /// When writes were last read back, where the settings leave it to the vendor's word.
    pub read_back: Mutex<ReadBack>,
    /// What was logged about the manifests of live objects.
    pub told: Mutex<Told>,
}

impl Shell {
    /// Takes the lease of the connection if anything may be written; the error names who has it.
    pub(super) async fn take_lease(
        &self,
        batch: &Batch,
        run: &str,
        now: Timestamp,
    ) -> Result<Leases, LockError> {
        let writes = |job: &Job| job.desired.policy.mode_at(now) == PolicyMode::Enforce;
        let connection = batch.checked.connections.get(&batch.connection);
        let Some(connection) = connection.filter(|_| self.shared) else {
            return Ok(Leases::default());
        };
        if batch.mode == RunMode::Observe || !batch.jobs.iter().any(writes) {
            return Ok(Leases::default());
        }
        let (store, who) = (self.queue.store(), (self.holder)(run));
        let nobody = |_: &str| {};
        match Leases::take_all(&**store, &[connection], &who, Duration::ZERO, &nobody).await {
            Ok(taken) => Ok(taken?),
            Err(error) => Err(LockError::Store {
                connection: batch.connection.to_string(),
                source: Arc::new(error),
            }),
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

    /// Returns what the store knows by now of the objects of these accounts.
    pub async fn memory(&self, accounts: &[AccountKey]) -> Arc<Memory> {
        let store = self.queue.store();
        let mut known = self.memory.lock().await;
        // A copy is made only while the pass of another connection still works with it.
        let caught_up = Arc::make_mut(&mut known).catch_up(&**store, accounts);
        if let Err(error) = caught_up.await {
            let error = with_causes(&error);
            tracing::error!(store = store.name(), error, "cannot be read");
            // What is not known to be the last state is nothing to go back to.
            return Arc::default();
        }
        Arc::clone(&known)
    }

    /// Returns what the store knows by now of the objects of a batch.
    pub(super) async fn memory_of(&self, batch: &Batch) -> Arc<Memory> {
        let connection = batch.checked.connections.get(&batch.connection);
        let account = connection.map(|connection| connection.account_key());
        self.memory(account.as_slice()).await
    }

    /// Keeps what a run has to read short.
    pub(super) async fn compact(&self, batch: &Batch, clock: fn() -> Timestamp) {
        if !self.memory_of(batch).await.is_long() {
            return;
        }
        let connection = batch.checked.connections.get(&batch.connection);
        let account = connection.map(|connection| connection.account_key());
        let (store, now) = (self.queue.store(), clock().to_string());
        // Passes of other connections go on meanwhile.
        match compact_accounts(&**store, account.as_slice(), COMPACT_THRESHOLD, &now).await {
            Ok(left) => Arc::make_mut(&mut *self.memory.lock().await).unsummed(left),
            Err(error) => {
                let error = with_causes(&error);
                tracing::warn!(store = store.name(), error, "stays long");
            }
        }
    }

    /// Looks into writes whose end nobody knows, before anything else is written.
    pub(super) async fn examine_open_writes(
        &self,
        batch: &Batch,
        settings: &Settings,
        kept: &Accounts,
        (run, leases): (&str, &Leases),
    ) -> Accounts {
        let memory = self.memory_of(batch).await;
        if batch.mode == RunMode::Observe || !memory.has_open() {
            return kept.clone();
        }
        let examined =
            reconcile::examine_open_writes(&memory, &batch.checked, false, settings, kept).await;
        let recorder = self.recorder(BTreeMap::new(), (run, leases), settings.clock);
        for (open, finding) in &examined.found {
            let (address, at) = (&open.intent.address, &open.at);
            tracing::info!(
                address,
                at,
                found = finding.words(),
                "a write was looked into"
            );
            if let Err(error) = recorder.record_finding(open, *finding).await {
                tracing::error!("{}", with_causes(&*error));
            }
        }
        examined.accounts
    }

    /// Writes down which fields are left to another writer from now on.
    pub(super) async fn give_up(
        &self,
        looks: &BTreeMap<Address, Look>,
        pass: &Pass,
        run: (&str, &Leases),
        clock: fn() -> Timestamp,
    ) {
        for planned in &pass.planned {
            let look = looks.get(&planned.desired.address);
            let Some(Refusal::Fight { fields, .. }) = look.and_then(|look| look.refusal.as_ref())
            else {
                continue;
            };
            let recorder = self.recorder(pass.places(), run, clock);
            if let Err(error) = recorder.record_given_up(&planned.desired, fields).await {
                tracing::warn!("{}", with_causes(&*error));
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
        run: (&str, &Leases),
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
        if let Err(error) = recorder.record_start(started).await {
            // What cannot be written down is not done.
            let why = with_causes(&*error);
            let failed = |planned: &Planned| {
                Report::new(planned.clone(), Some(Outcome::Failed), Some(why.clone()))
            };
            return pass.planned.iter().map(failed).collect();
        }
        let options = ApplyOptions {
            accepted: Some(ACCEPTED),
            fail_fast: false,
            recorder,
        };
        let reports = reconcile::apply(pass, &options, settings).await;
        let interrupted = settings.stop.load(std::sync::atomic::Ordering::Relaxed);
        if let Err(error) = options.recorder.record_end(interrupted).await {
            tracing::error!("{}", with_causes(&*error));
        }
        reports
    }

    /// Writes down what is as the manifests want it, where the journal does not say so already.
    pub(super) async fn agree<'a>(
        &self,
        agreed: impl Iterator<Item = &'a Planned>,
        (batch, pass): (&Batch, &Pass),
        run: (&str, &Leases),
        settings: &Settings,
    ) {
        let memory = self.memory_of(batch).await;
        let recorder = self.recorder(pass.places(), run, settings.clock);
        let commit = pass.document.source.commit.as_ref();
        let written = recorder.record_agreed(agreed, &memory, commit, settings.sandbox);
        if let Err(error) = written.await {
            tracing::warn!("{}", with_causes(&*error));
        }
    }

    pub(super) fn recorder(
        &self,
        places: BTreeMap<String, VendorAccount>,
        (run, leases): (&str, &Leases),
        clock: fn() -> Timestamp,
    ) -> Recorder {
        Recorder {
            leases: leases.clone(),
            scope: self.scope.clone(),
            ..Recorder::new(Some(Arc::clone(&self.queue)), run, places, clock)
        }
    }
}
