//! One pass over a batch: lock, read, plan, decide, write, tell.
//!
//! It drives the very functions that `entitle apply` drives, restricted to the objects that were woken.
//! Nothing here knows a vendor, and nothing here decides: the gate, the brake and the guard do.

use crate::daemon::shell::LockError;
use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::engine::{Batch, Job, Seen};
use super::gate;
use super::mode::RunMode;
pub use super::shell::Shell;
use super::track::Look;
use crate::apply::clock;
use crate::apply::memory::{Memory, agreement};
use crate::apply::store::Leases;
use crate::apply::{Account, Report};
use crate::model::{Address, Desired, Verify};
use crate::plan::document::ObjectEntry;
use crate::plan::guard::{self, Accepted, LimitBase};
use crate::plan::{Disposition, Planned, Refusal};
use crate::reconcile::{self, Accounts, Pass};

/// The daemon never accepts a risk by itself: what an object's own policy allows is all.
pub(super) const ACCEPTED: Accepted = Accepted {
    risk: crate::model::Risk::Safe,
};

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
    // The lease comes before the first read, so that nothing another run does can make the plan stale.
    let (leases, locked) = match shell.take_lease(&batch, &run, started_at).await {
        Ok(held) => (held, None),
        Err(who) => (Leases::default(), Some(who)),
    };
    let run_under = (run.as_str(), &leases);
    let kept = match locked {
        None => {
            shell
                .examine_open_writes(&batch, &settings, &kept, run_under)
                .await
        }
        Some(_) => kept,
    };
    let memory = shell.memory_of(&batch).await;
    let mut pass = shell.plan(&batch, &memory, &settings, &kept).await;
    shell.tell(&pass.planned);
    // Taken out, since an entry of each of ten thousand objects is too much to have twice.
    let entries = mem::take(&mut pass.document.objects);
    let (mut looks, brake) = judge(&batch, &pass, entries, locked.as_ref());
    shell
        .give_up(&looks, &pass, run_under, settings.clock)
        .await;
    let going = going(&looks);
    // While somebody else writes, what was read is no longer worth remembering.
    let remembers = locked.is_none() && batch.mode != RunMode::Observe;
    if remembers {
        let agreed = agreed(&batch, &pass);
        shell
            .agree(agreed, (&batch, &pass), run_under, &settings)
            .await;
    }
    if !going.is_empty() {
        if settings.checks.verify == Verify::Echo && shell.reads_back(&batch.connection, start) {
            settings.checks.verify = Verify::Read;
        }
        let goes = |planned: &Planned| going.contains(&planned.desired.address);
        pass.only(goes, &settings);
        let heals = heals(&batch, &pass, &memory);
        let reports = shell
            .write(&pass, &batch, &settings, run_under, &heals)
            .await;
        if batch.mode == RunMode::Sync {
            let held = reports
                .iter()
                .filter(|report| agreement::is_agreed(report, true));
            let held = held.map(|report| &report.planned);
            shell
                .agree(held, (&batch, &pass), run_under, &settings)
                .await;
        }
        take_reports(&mut looks, reports, &heals);
    }
    if remembers {
        shell.compact(&batch, settings.clock).await;
    }
    let account = pass.accounts.remove(&batch.connection);
    let requests = account
        .as_ref()
        .map(|a| a.take_answered())
        .unwrap_or_default();
    let all_failed = looks
        .values()
        .all(|look| look.entry.action == Disposition::Error);
    let refused = match &account {
        Some(account) => account.are_credentials_refused().await,
        None => false,
    };
    Done {
        refused,
        seen: seen(batch.connection, run, batch.jobs, looks),
        account: account.filter(|_| !all_failed || refused),
        started_at,
        took: start.elapsed(),
        reasons: batch.reasons,
        brake: brake.map(|refusal| refusal.to_string()),
        locked: locked.map(|error| with_causes(&error)),
        requests,
    }
}

/// Returns the objects that are written.
fn going(looks: &BTreeMap<Address, Look>) -> BTreeSet<Address> {
    looks
        .iter()
        .filter(|(_, look)| look.refusal.is_none() && look.entry.action == Disposition::Update)
        .map(|(address, _)| address.clone())
        .collect()
}

/// Takes how the writes ended into what was seen of their objects.
fn take_reports(
    looks: &mut BTreeMap<Address, Look>,
    reports: Vec<Report>,
    heals: &BTreeSet<Address>,
) {
    for report in reports {
        let address = report.planned.desired.address.clone();
        if let Some(look) = looks.get_mut(&address) {
            look.heals = heals.contains(&address);
            take(&mut look.entry, report);
        }
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
        planned.action == Disposition::None && given.is_some_and(|given| Arc::ptr_eq(given, object))
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
    locked: Option<&LockError>,
) -> (BTreeMap<Address, Look>, Option<Refusal>) {
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
        let checked = gate::check_write(&entry, &job.history, batch.mode, batch.window);
        let mut refusal = checked.err();
        if refusal.is_none() && entry.action == Disposition::Update {
            refusal = locked.map(|error| Refusal::Locked {
                why: with_causes(error),
            });
            let allow = planned.desired.policy.allow;
            changing += usize::from(guard::check_risk(&entry, allow, ACCEPTED).is_ok());
        }
        let look = Look {
            entry: Box::new(entry),
            refusal,
            standing: pass.standings.get(address).copied(),
            heals: false,
        };
        looks.insert(address.clone(), look);
    }
    let base = LimitBase::Connection(batch.connection.to_string());
    let counted = guard::check_change_count(changing, batch.objects, batch.max_changes, base);
    let brake = counted.err();
    if let Some(refusal) = &brake {
        for look in looks.values_mut() {
            if look.refusal.is_none() && look.entry.action == Disposition::Update {
                look.refusal = Some(refusal.clone());
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
