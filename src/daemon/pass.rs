//! One pass over a batch: take the lease, read, plan, decide, write, record.
//!
//! It calls the same functions as `entitle apply`, restricted to the objects that were woken. Nothing here knows a
//! vendor or makes a decision: [`write_gate`] and [`guard`] do.
//!
//! The steps of a pass, in order:
//!
//! 1. Take the lease of the connection, before the first read: no other run can make the plan stale.
//! 2. Examine writes that an earlier run left open.
//! 3. Read the objects and plan them ([`crate::reconcile`]).
//! 4. Decide which writes go out, and record fields that are given up.
//! 5. Record which objects match their manifests (the baseline that heals go back to).
//! 6. Carry out the writes, with an intent and an outcome in the journal for each.

use crate::daemon::pass_context::{ACCEPTED, LockError};
use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::actions::change_digest;
use super::engine::{Batch, BatchResult, Job};
use super::mode::RunMode;
pub use super::pass_context::PassContext;
use super::pass_context::WriteNotes;
use super::status::RateStatus;
use super::tracked_object::ObjectResult;
use super::write_gate;
use crate::apply::clock;
use crate::apply::memory::{Memory, RecentWrite, agreement};
use crate::apply::store::Leases;
use crate::apply::{Account, RateLeft, Report};
use crate::model::{Address, Desired, Verify};
use crate::plan::document::ObjectEntry;
use crate::plan::guard;
use crate::plan::max_changes::LimitBase;
use crate::plan::{Disposition, Planned, Refusal};
use crate::reconcile::{self, Accounts, Pass, Settings};

/// The result of a pass.
pub struct FinishedPass {
    pub batch: BatchResult,
    /// The open account for the next pass. `None` if no object could be read with it, unless its credentials were
    /// refused: then it is kept, so that they are not sent again with every look.
    pub account: Option<Arc<Account>>,
    /// True if the vendor refused the credentials.
    pub refused: bool,
    pub started_at: Timestamp,
    pub took: Duration,
    /// The reasons that woke the objects, for the log.
    pub reasons: BTreeSet<&'static str>,
    /// Why the brake holds the connection's writes; `None` if it holds none.
    pub brake: Option<String>,
    /// The other run that holds the lease of the connection; `None` if this pass got the lease or needed none.
    pub locked: Option<String>,
    /// Replies by HTTP status; 0 counts calls without a reply.
    pub requests: BTreeMap<u16, u64>,
    /// The part of each of the vendor's rate limits that is left.
    pub rates: Vec<RateStatus>,
    /// The author under which this process writes.
    pub author: String,
    /// The last writes that the journal has, of this run and of others.
    pub journaled: Vec<Arc<RecentWrite>>,
}

/// Carries out one pass. `kept` is the account that the last pass of the connection left open.
pub async fn run_pass(
    batch: Batch,
    context: Arc<PassContext>,
    kept: Option<Arc<Account>>,
) -> FinishedPass {
    let start = Instant::now();
    let run = clock::run_id();
    let settings = (context.settings)();
    let started_at = (settings.clock)();
    // The lease comes before the first read, so that no other run can make the plan stale.
    let (leases, locked) = match context.take_lease(&batch, &run, started_at).await {
        Ok(leases) => (leases, None),
        Err(who) => (Leases::default(), Some(who)),
    };
    let mut running = RunningPass {
        context: &context,
        batch: &batch,
        run: (&run, &leases),
        settings,
    };
    let kept = running.examine_open_writes(kept, locked.is_some()).await;
    let memory = context.batch_memory(&batch).await;
    let mut pass = context
        .plan_batch(&batch, &memory, &running.settings, &kept)
        .await;
    let (mut results, brake) = running.decide_writes(&mut pass, locked.as_ref()).await;
    // Without the lease another run may be writing, so the values just read are no baseline.
    let remembers = locked.is_none() && batch.mode != RunMode::Observe;
    if remembers {
        let agreed = matching_objects(&batch, &pass);
        running.record_agreed(agreed, &pass).await;
    }
    running
        .write_changes(&mut pass, &memory, &mut results, start)
        .await;
    if remembers {
        let clock = running.settings.clock;
        context.compact_store(&batch, clock).await;
    }
    let account = pass.accounts.remove(&batch.connection);
    let requests = account.as_ref().map(|account| account.take_answered());
    let rates = account.as_ref().map(|account| account.rates_left());
    let rates = rate_statuses(rates.unwrap_or_default(), (running.settings.clock)());
    let (account, refused) = keep_account(account, &results).await;
    FinishedPass {
        refused,
        batch: batch_result(batch.connection, run, batch.jobs, results),
        account,
        started_at,
        took: start.elapsed(),
        reasons: batch.reasons,
        brake: brake.map(|refusal| refusal.to_string()),
        locked: locked.map(|error| with_causes(&error)),
        requests: requests.unwrap_or_default(),
        rates,
        author: context.author.clone(),
        journaled: memory.recent_writes().cloned().collect(),
    }
}

/// A pass under way: its batch, and the run and leases under which it reads and writes.
struct RunningPass<'a> {
    context: &'a PassContext,
    batch: &'a Batch,
    run: (&'a str, &'a Leases),
    settings: Settings,
}

impl RunningPass<'_> {
    /// Examines writes that an earlier run left open, unless another run has the lease. Returns the open accounts.
    async fn examine_open_writes(&self, kept: Option<Arc<Account>>, is_locked: bool) -> Accounts {
        let kept = kept.map(|account| (self.batch.connection.clone(), account));
        let kept = Accounts::from_iter(kept);
        if is_locked {
            return kept;
        }
        self.context
            .examine_open_writes(self.batch, &self.settings, &kept, self.run)
            .await
    }

    /// Decides which writes go out, and records the fields that are given up. Takes the entries out of the document.
    async fn decide_writes(
        &self,
        pass: &mut Pass,
        locked: Option<&LockError>,
    ) -> (BTreeMap<Address, ObjectResult>, Option<Refusal>) {
        self.context.log_new_warnings(&pass.planned);
        // Moved and not cloned: the entries of ten thousand objects are too much to have twice.
        let entries = mem::take(&mut pass.document.objects);
        let (results, brake) = gate_writes(self.batch, pass, entries, locked);
        self.context
            .record_given_up(&results, pass, self.run, self.settings.clock)
            .await;
        (results, brake)
    }

    /// Sends the writes that are not held back, and stores their outcomes in the results.
    async fn write_changes(
        &mut self,
        pass: &mut Pass,
        memory: &Memory,
        results: &mut BTreeMap<Address, ObjectResult>,
        start: Instant,
    ) {
        let going = objects_to_write(results);
        if going.is_empty() {
            return;
        }
        let (context, batch) = (self.context, self.batch);
        if self.settings.checks.verify == Verify::Echo
            && context.is_read_back_due(&batch.connection, start)
        {
            self.settings.checks.verify = Verify::Read;
        }
        let goes = |planned: &Planned| going.contains(&planned.desired.address);
        pass.only(goes, &self.settings);
        let notes = WriteNotes {
            heals: healing_objects(batch, pass, memory),
            approvals: approved_writes(results),
        };
        let reports = context
            .carry_out(pass, batch, &self.settings, self.run, &notes)
            .await;
        if batch.mode == RunMode::Sync {
            let agreed = reports
                .iter()
                .filter(|report| agreement::is_agreed(report, true));
            let agreed = agreed.map(|report| &report.planned);
            self.record_agreed(agreed, pass).await;
        }
        record_reports(results, reports, &notes.heals);
    }

    /// Records that these objects match their manifests.
    async fn record_agreed<'p>(&self, agreed: impl Iterator<Item = &'p Planned>, pass: &Pass) {
        self.context
            .record_agreed(agreed, (self.batch, pass), self.run, &self.settings)
            .await;
    }
}

/// Returns the account if the next pass may use it, and `true` if the vendor refused the credentials.
async fn keep_account(
    account: Option<Arc<Account>>,
    results: &BTreeMap<Address, ObjectResult>,
) -> (Option<Arc<Account>>, bool) {
    let refused = match &account {
        Some(account) => account.are_credentials_refused().await,
        None => false,
    };
    let all_failed = results
        .values()
        .all(|result| result.entry.action == Disposition::Error);
    (account.filter(|_| !all_failed || refused), refused)
}

/// Returns rates as the status shows them.
fn rate_statuses(rates: Vec<RateLeft>, now: Timestamp) -> Vec<RateStatus> {
    let status = |rate: RateLeft| RateStatus {
        requests: rate.limit.requests,
        per_seconds: rate.limit.per.as_secs_f64(),
        left: rate.left,
        full_at: now.checked_add(rate.full_in).unwrap_or(now),
    };
    rates.into_iter().map(status).collect()
}

/// Returns, for each write that goes out only because it was approved, the person who approved it.
fn approved_writes(results: &BTreeMap<Address, ObjectResult>) -> BTreeMap<Address, String> {
    let approved = results
        .iter()
        .filter_map(|(address, result)| Some((address.clone(), result.approved_by.clone()?)));
    approved.collect()
}

/// Returns the objects whose write goes out.
fn objects_to_write(results: &BTreeMap<Address, ObjectResult>) -> BTreeSet<Address> {
    results
        .iter()
        .filter(|(_, result)| result.refusal.is_none() && result.entry.action.writes())
        .map(|(address, _)| address.clone())
        .collect()
}

/// Writes into the results of objects how their writes ended.
fn record_reports(
    results: &mut BTreeMap<Address, ObjectResult>,
    reports: Vec<Report>,
    heals: &BTreeSet<Address>,
) {
    for report in reports {
        let address = report.planned.desired.address.clone();
        if let Some(result) = results.get_mut(&address) {
            result.heals = heals.contains(&address);
            record_report(&mut result.entry, report);
        }
    }
}

/// Returns the plans of objects that match their manifests.
///
/// A restored object is left out: its plan was made for what was last applied, not for what the manifest says.
fn matching_objects<'a>(batch: &'a Batch, pass: &'a Pass) -> impl Iterator<Item = &'a Planned> {
    let given: BTreeMap<&Address, &Arc<Desired>> = batch
        .checked
        .desired
        .iter()
        .map(|object| (&object.address, object))
        .collect();
    pass.planned.iter().filter(move |planned| {
        let object = &planned.desired;
        let given = given.get(&object.address);
        planned.action == Disposition::None && given.is_some_and(|given| Arc::ptr_eq(given, object))
    })
}

/// Returns the objects whose write puts back a change from outside the manifests: all objects in `heal` mode, and
/// otherwise those that matched this manifest before, in this process or according to the store.
fn healing_objects(batch: &Batch, pass: &Pass, memory: &Memory) -> BTreeSet<Address> {
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
                &reconcile::account_of(&batch.checked, &object.connection),
            )
    };
    let objects = pass.planned.iter().map(|planned| &planned.desired);
    let healed = objects.filter(|object| heals(object));
    healed.map(|object| object.address.clone()).collect()
}

/// Returns the result of each object, with a refusal if its write may not go out, and the reason for which the brake
/// holds the connection; `None` if the brake holds nothing.
///
/// The brake counts the writes that are not held back for another reason, plus those that it held before. It neither
/// counts nor holds a change that a person has approved.
fn gate_writes(
    batch: &Batch,
    pass: &Pass,
    entries: Vec<ObjectEntry>,
    locked: Option<&LockError>,
) -> (BTreeMap<Address, ObjectResult>, Option<Refusal>) {
    let jobs: BTreeMap<&Address, &Job> = batch
        .jobs
        .iter()
        .map(|job| (&job.desired.address, job))
        .collect();
    let mut results = BTreeMap::new();
    let mut changing = batch.braked;
    for (planned, entry) in pass.planned.iter().zip(entries) {
        let address = &planned.desired.address;
        let Some(job) = jobs.get(address) else {
            continue;
        };
        let checked = write_gate::check_write(&entry, &job.history, batch.mode, batch.window);
        let mut refusal = checked.err();
        let approval = job.approval.as_ref();
        let approval = approval.filter(|approval| approval.digest == change_digest(&entry));
        let approved_by = approval.map(|approval| approval.by.clone());
        if refusal.is_none() && entry.action.writes() {
            refusal = locked.map(|error| Refusal::Locked {
                why: with_causes(error),
            });
            let allow = planned.desired.policy.allow;
            let counts =
                approved_by.is_none() && guard::check_risk(&entry, allow, ACCEPTED).is_ok();
            changing += usize::from(counts);
        }
        let result = ObjectResult {
            approved_by,
            fault: planned.fault.clone(),
            entry: Box::new(entry),
            refusal,
            standing: pass.standings.get(address).copied(),
            heals: false,
        };
        results.insert(address.clone(), result);
    }
    let base = LimitBase::Connection(batch.connection.to_string());
    let counted = guard::check_change_count(changing, batch.objects, batch.max_changes, base);
    let brake = counted.err();
    if let Some(refusal) = &brake {
        for result in results.values_mut() {
            let goes = result.refusal.is_none() && result.entry.action.writes();
            if goes && result.approved_by.is_none() {
                result.refusal = Some(refusal.clone());
            }
        }
    }
    hold_dependents(pass, &mut results);
    (results, brake)
}

/// Holds back the writes that come after one which is held back, over as many steps as it takes.
fn hold_dependents(pass: &Pass, results: &mut BTreeMap<Address, ObjectResult>) {
    let ordered = pass.planned.iter().filter(|one| !one.after.is_empty());
    let ordered: Vec<&Planned> = ordered.collect();
    let goes = |result: &ObjectResult| result.refusal.is_none() && result.entry.action.writes();
    loop {
        let mut is_settled = true;
        for planned in &ordered {
            let blocker = planned
                .after
                .iter()
                .find(|address| !results.get(*address).is_some_and(goes));
            let Some(blocker) = blocker.cloned() else {
                continue;
            };
            let result = results.get_mut(&planned.desired.address);
            if let Some(result) = result.filter(|result| goes(result)) {
                result.refusal = Some(Refusal::ComesAfter { address: blocker });
                is_settled = false;
            }
        }
        if is_settled {
            return;
        }
    }
}

/// Writes into the entry of an object how its write ended.
fn record_report(entry: &mut ObjectEntry, report: Report) {
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

/// Puts the results back into the order of the batch, each with the generation it was made for.
fn batch_result(
    connection: String,
    run: String,
    jobs: Vec<Job>,
    mut results: BTreeMap<Address, ObjectResult>,
) -> BatchResult {
    let results = jobs.into_iter().filter_map(|job| {
        let address = job.desired.address.clone();
        let result = results.remove(&address)?;
        Some((address, job.generation, result))
    });
    BatchResult {
        connection,
        run,
        results: results.collect(),
    }
}
