//! The values that passes share and that outlive them: settings, the store and its memory, and the logged warnings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::engine::{Batch, Job};
use super::known_warnings::KnownWarnings;
use super::mode::RunMode;
use super::read_back::ReadBackTimer;
use super::run_scope::RunScope;
use super::tracked_object::ObjectResult;
use crate::apply::journal::{Purpose, Started};
use crate::apply::memory::{Memory, VendorAccount};
use crate::apply::recorder::{ManifestNames, Recorder};
use crate::apply::store::compact::{self, COMPACT_THRESHOLD};
use crate::apply::store::{LeaseBusy, Leases, RecordQueue, StoreError};
use crate::apply::{Outcome, Report};
use crate::files::tree_name::TreeNames;
use crate::model::{AccountKey, Address, PolicyMode, with_causes};
use crate::plan::guard::Accepted;
use crate::plan::{Planned, Refusal};
use crate::reconcile::{self, Accounts, ApplyOptions, Pass, Settings};

/// The daemon accepts no risk by itself: only an object's own `policy.allow` does.
pub(super) const ACCEPTED: Accepted = Accepted {
    risk: crate::model::Risk::Safe,
};

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

/// Notes about the writes of a pass, for the journal.
pub struct WriteNotes {
    /// Objects whose write puts back a foreign change.
    pub heals: BTreeSet<Address>,
    /// By object, the person who approved a write that the guard or the brake held back.
    pub approvals: BTreeMap<Address, String>,
}

/// The values that passes share. Each pass has an `Arc` of them.
pub struct PassContext {
    /// Makes the settings of one pass, with a deadline of its own.
    pub settings: Box<dyn Fn() -> Settings + Send + Sync>,
    /// Writes to the store, in order.
    pub queue: Arc<RecordQueue>,
    /// True if other runs may write to the accounts: then leases are taken. No other run writes to the
    /// built-in simulators.
    pub shared: bool,
    /// The team, repository or environment whose runs these are.
    pub scope: Arc<RunScope>,
    /// The author of the writes, for the journal.
    pub author: String,
    /// Describes the holder of a lease, given the run; other runs that wait for the lease show it.
    pub lease_holder: Box<dyn Fn(&str) -> String + Send + Sync>,
    /// The paths that manifests are read from, for the journal.
    pub paths: Vec<String>,
    /// The names of manifest files, for the journal.
    pub files: TreeNames,
    /// The store's memory of the objects, up to the last record that was read. In `heal` mode it holds the values of
    /// the baseline.
    pub memory: AsyncMutex<Arc<Memory>>,
    /// When the writes of each connection were last read back. Between two readings the vendor's replies are believed.
    pub read_back: Mutex<ReadBackTimer>,
    /// The warnings about manifests that were logged already.
    pub known_warnings: Mutex<KnownWarnings>,
}

impl PassContext {
    /// Takes the lease of the batch's connection if anything may be written. `Err` says who holds it, or why it
    /// cannot be taken.
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
        let (store, who) = (self.queue.store(), (self.lease_holder)(run));
        let nobody = |_: &str| {};
        match Leases::take_all(&**store, &[connection], &who, Duration::ZERO, &nobody).await {
            Ok(taken) => Ok(taken?),
            Err(error) => Err(LockError::Store {
                connection: batch.connection.to_string(),
                source: Arc::new(error),
            }),
        }
    }

    /// Reads the objects and plans them: towards the manifests, or in `heal` mode towards the baseline.
    pub(super) async fn plan_batch(
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
            RunMode::Heal => reconcile::plan_restore(memory, &batch.checked, settings, kept).await,
        }
    }

    /// Ends the sessions of accounts that no pass uses and none will use.
    pub fn log_out_of_unused(&self) {
        (self.settings)().opened.log_out_of_unused();
    }

    /// Logs the warnings of a plan that were not logged before.
    pub(super) fn log_new_warnings(&self, planned: &[Planned]) {
        let mut warnings = self
            .known_warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (address, finding) in warnings.take_new(planned) {
            let (address, code) = (address.to_string(), finding.code);
            tracing::warn!(address, code, "{}", finding.line());
        }
    }

    /// Reads on in the store and returns what it remembers of the objects of `accounts`; nothing if it cannot be
    /// read.
    pub async fn catch_up_memory(&self, accounts: &[AccountKey]) -> Arc<Memory> {
        let store = self.queue.store();
        let mut known = self.memory.lock().await;
        // Copies only while the pass of another connection still holds the old state.
        let memory = Arc::make_mut(&mut known);
        memory.set_reader(self.scope.reader());
        let caught_up = memory.catch_up(&**store, accounts);
        if let Err(error) = caught_up.await {
            let error = with_causes(&error);
            tracing::error!(store = store.name(), error, "cannot be read");
            // The memory may be out of date, and `heal` mode must not restore an outdated state.
            return Arc::default();
        }
        Arc::clone(&known)
    }

    /// Returns what the store remembers of the objects of a batch.
    pub(super) async fn batch_memory(&self, batch: &Batch) -> Arc<Memory> {
        let connection = batch.checked.connections.get(&batch.connection);
        let account = connection.map(|connection| connection.account_key());
        self.catch_up_memory(account.as_slice()).await
    }

    /// Shortens what later runs have to read, once it has grown long.
    pub(super) async fn compact_store(&self, batch: &Batch, clock: fn() -> Timestamp) {
        if !compact::is_long(&*self.batch_memory(batch).await) {
            return;
        }
        let connection = batch.checked.connections.get(&batch.connection);
        let account = connection.map(|connection| connection.account_key());
        let (store, now) = (self.queue.store(), clock().to_string());
        // The memory is not locked meanwhile, so passes of other connections go on.
        match compact::compact_accounts(&**store, account.as_slice(), COMPACT_THRESHOLD, &now).await
        {
            Ok(left) => Arc::make_mut(&mut *self.memory.lock().await).unsummed(left),
            Err(error) => {
                let error = with_causes(&error);
                tracing::warn!(store = store.name(), error, "stays long");
            }
        }
    }

    /// Examines writes of earlier runs whose outcome is unknown, before anything else is written. Returns the
    /// accounts that it opened.
    pub(super) async fn examine_open_writes(
        &self,
        batch: &Batch,
        settings: &Settings,
        kept: &Accounts,
        (run, leases): (&str, &Leases),
    ) -> Accounts {
        let memory = self.batch_memory(batch).await;
        if batch.mode == RunMode::Observe || !memory.has_open() {
            return kept.clone();
        }
        let examined =
            reconcile::examine_open_writes(&memory, &batch.checked, false, settings, kept).await;
        let recorder = self.make_recorder(BTreeMap::new(), (run, leases), settings.clock);
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

    /// Records in the store which fields are left to another writer from now on.
    pub(super) async fn record_given_up(
        &self,
        results: &BTreeMap<Address, ObjectResult>,
        pass: &Pass,
        run: (&str, &Leases),
        clock: fn() -> Timestamp,
    ) {
        for planned in &pass.planned {
            let result = results.get(&planned.desired.address);
            let Some(Refusal::Fight { fields, .. }) =
                result.and_then(|result| result.refusal.as_ref())
            else {
                continue;
            };
            let recorder = self.make_recorder(pass.places(), run, clock);
            if let Err(error) = recorder.record_given_up(&planned.desired, fields).await {
                tracing::warn!("{}", with_causes(&*error));
            }
        }
    }

    /// Reports whether this pass must read back the writes of a connection.
    pub(super) fn is_read_back_due(&self, connection: &str, now: Instant) -> bool {
        let mut read_back = self
            .read_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        read_back.is_due(connection, now)
    }

    /// Carries out the writes of a pass as `apply` does, each between an intent and an outcome in the journal.
    pub(super) async fn carry_out(
        &self,
        pass: &Pass,
        batch: &Batch,
        settings: &Settings,
        run: (&str, &Leases),
        notes: &WriteNotes,
    ) -> Vec<Report> {
        let recorder = Recorder {
            heals: notes.heals.clone(),
            approvals: notes.approvals.clone(),
            ..self.make_recorder(pass.places(), run, settings.clock)
        };
        let started = Started {
            by: self.author.clone(),
            commit: pass.document.source.commit.clone(),
            plan: pass.document.digest.clone(),
            objects: pass.document.summary.writing(),
            sandbox: settings.sandbox,
            purpose: match batch.mode {
                RunMode::Heal => Purpose::Heal,
                RunMode::Observe | RunMode::Sync => Purpose::Sync,
            },
            undoes: None,
            request: None,
            paths: self.paths.clone(),
        };
        if let Err(error) = recorder.record_start(started).await {
            // A write whose intent cannot be recorded is not sent.
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
        let reports = reconcile::apply_plan(pass, &options, settings).await;
        let interrupted = settings.stop.load(std::sync::atomic::Ordering::Relaxed);
        if let Err(error) = options.recorder.record_end(interrupted).await {
            tracing::error!("{}", with_causes(&*error));
        }
        reports
    }

    /// Records that these objects match their manifests, except where the store has recorded it already.
    pub(super) async fn record_agreed<'a>(
        &self,
        agreed: impl Iterator<Item = &'a Planned>,
        (batch, pass): (&Batch, &Pass),
        run: (&str, &Leases),
        settings: &Settings,
    ) {
        let memory = self.batch_memory(batch).await;
        let recorder = self.make_recorder(pass.places(), run, settings.clock);
        let commit = pass.document.source.commit.as_ref();
        let written = recorder.record_agreed(agreed, &memory, commit, settings.sandbox);
        if let Err(error) = written.await {
            tracing::warn!("{}", with_causes(&*error));
        }
    }

    /// Makes a recorder for one run under its leases.
    pub(super) fn make_recorder(
        &self,
        places: BTreeMap<String, VendorAccount>,
        (run, leases): (&str, &Leases),
        clock: fn() -> Timestamp,
    ) -> Recorder {
        Recorder {
            leases: leases.clone(),
            scope: self.scope.name(),
            manifests: ManifestNames {
                environment: self.scope.environment(),
                files: self.files.clone(),
            },
            ..Recorder::new(Some(Arc::clone(&self.queue)), run, places, clock)
        }
    }
}
