//! Carries out a plan: guard, then apply, object by object. No failure stops another object.
//!
//! Input is a [`Pass`], output one report per object in its order. This file decides which steps may start, and
//! when; how one step is read, sent and verified is in `apply::execute`, and the judgement of risks in
//! `plan::guard`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::rejection::describe_rejection;
use super::step_order::StepOrder;
use super::{Pass, Settings};
use crate::apply::execute::{Basis, StepContext, StepWork, execute, record_intent};
use crate::apply::recorder::Recorder;
use crate::apply::reread::Rereads;
use crate::apply::{Event, Outcome, Report};
use crate::plan::document::ObjectEntry;
use crate::plan::guard::{self, Accepted};
use crate::plan::{Disposition, Planned};

/// Options of an apply.
pub struct ApplyOptions {
    /// Risks that this run accepts; `None` if a person has looked at the plan and confirmed it, so nothing is
    /// refused.
    pub accepted: Option<Accepted>,
    /// Set if no step starts after one has failed; steps that have started are finished.
    pub fail_fast: bool,
    /// Writes intents and outcomes to the journal, and holds the leases of the accounts.
    pub recorder: Recorder,
}

/// Carries out every step that the guard lets through. Reports are in the order of the plan; each end is an
/// event at once.
///
/// All objects start together and wait for semaphores: one of their account for the intent, one of their account and one
/// of the run for the calls. With a parallelism of 8 and two accounts of 5 calls at once, at most 8 steps call, never more
/// than 5 of them at one account, and at most 15 of an account have an intent without an outcome.
/// The journal is flushed before this returns.
pub async fn apply_plan(pass: &Pass, options: &ApplyOptions, settings: &Settings) -> Vec<Report> {
    settings
        .events
        .tell(|| Some(Event::planned(&pass.document)));
    let run = ApplyRun {
        pass,
        options,
        settings,
        slots: Semaphore::new(settings.parallelism.max(1)),
        begun: permits(pass, INTENTS_AHEAD),
        turns: permits(pass, 1),
        rereads: pass
            .accounts
            .iter()
            .map(|(name, account)| (name.as_str(), Rereads::new(account)))
            .collect(),
        failed: AtomicBool::new(false),
        order: StepOrder::new(pass, settings),
    };
    let steps = pass.planned.iter().zip(&pass.document.objects);
    let steps = steps.map(|(planned, entry)| {
        let run = &run;
        async move {
            let report = run.object(planned, entry).await;
            run.order.note_end(&report);
            settings.events.tell(|| Event::done(&report));
            report
        }
    });
    let reports = futures::future::join_all(steps).await;
    options.recorder.flush().await;
    reports
}

/// The number of steps of an account that may have an intent in the journal, for each one that may call the vendor.
///
/// A store that is far away takes as long for an intent as a vendor for a write. With 3, the ten calls of an account that
/// allows ten at once go on while the intents of the next twenty are written. A run that is killed leaves at most thirty
/// intents without an outcome, and the next run looks at as many objects before it writes.
const INTENTS_AHEAD: usize = 3;

/// Returns a semaphore for each connection, with `factor` permits for each call that its account allows at once.
fn permits(pass: &Pass, factor: usize) -> BTreeMap<&str, Semaphore> {
    let accounts = pass.accounts.iter();
    accounts
        .map(|(name, account)| {
            (
                name.as_str(),
                Semaphore::new(account.concurrency() * factor),
            )
        })
        .collect()
}

/// State that the objects of one apply share.
struct ApplyRun<'a> {
    pass: &'a Pass,
    options: &'a ApplyOptions,
    settings: &'a Settings,
    /// Steps of the whole run at once.
    slots: Semaphore,
    /// Steps with a written intent at once, by connection.
    begun: BTreeMap<&'a str, Semaphore>,
    /// Steps that call the vendor at once, by connection.
    turns: BTreeMap<&'a str, Semaphore>,
    /// Reads right before writes, by connection; steps whose turn comes in the same moment share one.
    rereads: BTreeMap<&'a str, Rereads>,
    /// Set by the first failure under `fail_fast`.
    failed: AtomicBool,
    /// Lets steps wait for others whose ids they need, or that need theirs.
    order: StepOrder<'a>,
}

impl ApplyRun<'_> {
    /// Takes one object to its report. The first rule that fits decides:
    ///
    /// 1. its manifest moved since the plan was saved: stale;
    /// 2. the guard refuses its risks: refused;
    /// 3. the plan has no update: no step;
    /// 4. a step that comes before it did not end well: skipped;
    /// 5. the run is stopping: skipped;
    /// 6. otherwise the step is carried out.
    ///
    /// The fifth is asked when the object may write its intent and once more when it may call, since an interrupt may
    /// come while it waits.
    async fn object(&self, planned: &Planned, entry: &ObjectEntry) -> Report {
        if let Some(why) = self.pass.moved.get(&planned.desired.address) {
            let ends = match planned.action {
                writing if writing.writes() => Some(Outcome::Stale),
                other => outcome_without_step(other),
            };
            return Report::new(planned.clone(), ends, Some(why.clone()));
        }
        let allow = planned.desired.policy.allow;
        let accepted = self.accepted_for(planned);
        let checked = accepted.map(|accepted| guard::check_risk(entry, allow, accepted));
        if let Some(Err(refusal)) = checked {
            let why = Some(refusal.to_string());
            return Report::new(planned.clone(), Some(Outcome::Refused), why);
        }
        if !planned.action.writes() {
            let ends = outcome_without_step(planned.action);
            return Report::new(planned.clone(), ends, planned.message.clone());
        }
        // Nothing is held while it waits, so steps that come before it find a place.
        if let Err(why) = self.order.wait(planned).await {
            return Report::new(planned.clone(), Some(Outcome::Skipped), Some(why));
        }
        // No semaphore is ever closed, so this waits for a place and for nothing else.
        let _begun = self.acquire(&self.begun, planned).await;
        if let Some(why) = self.held_back() {
            return Report::new(planned.clone(), Some(Outcome::Skipped), Some(why.into()));
        }
        let report = self.step(planned, entry).await;
        let well = matches!(
            report.outcome,
            None | Some(Outcome::Converged | Outcome::Already)
        );
        if self.options.fail_fast && !well {
            self.failed.store(true, Ordering::Relaxed);
        }
        report
    }

    /// Waits for a permit of the object's connection; `None` where the pass does not know the connection.
    async fn acquire<'s>(
        &self,
        permits: &'s BTreeMap<&str, Semaphore>,
        planned: &Planned,
    ) -> Option<SemaphorePermit<'s>> {
        let semaphore = permits.get(planned.desired.connection.as_str())?;
        semaphore.acquire().await.ok()
    }

    /// Returns the risks that are accepted for an object; `None` if a person has approved its write.
    fn accepted_for(&self, planned: &Planned) -> Option<Accepted> {
        let approvals = &self.options.recorder.approvals;
        let is_approved = approvals.contains_key(&planned.desired.address);
        self.options.accepted.filter(|_| !is_approved)
    }

    /// Returns why no step may start any more; `None` if it may.
    fn held_back(&self) -> Option<&'static str> {
        if self.settings.stop.load(Ordering::Relaxed) {
            Some("the run was interrupted before its turn")
        } else if self.failed.load(Ordering::Relaxed) {
            Some("an earlier step failed, and --fail-fast was given")
        } else {
            None
        }
    }

    /// Carries out the step of one object.
    ///
    /// The basis are the live values of this pass. A saved plan has none, so its objects are read before the
    /// write.
    async fn step(&self, planned: &Planned, entry: &ObjectEntry) -> Report {
        let connection = planned.desired.connection.as_str();
        let account = self.pass.accounts.get(connection);
        let Some((account, rereads)) = account.zip(self.rereads.get(connection)) else {
            let why = format!("there is no connection `{}`", planned.desired.connection);
            return Report::new(planned.clone(), Some(Outcome::Failed), Some(why));
        };
        let ready = match self.order.complete(planned, entry, rereads).await {
            Ok(ready) => ready,
            Err(report) => return *report,
        };
        let (planned, entry) = match &ready {
            Some(ready) => (&ready.planned, &ready.entry),
            None => (planned, entry),
        };
        let basis = match self.pass.live.get(&planned.desired.address) {
            Some(live) => Basis::Read {
                live,
                at: self.pass.observed_at,
            },
            None => Basis::Saved,
        };
        let clock = self.settings.clock;
        let leases = &self.options.recorder.leases;
        let context = StepContext {
            account,
            rereads,
            checks: self.settings.checks,
            recorder: &self.options.recorder,
            lease: leases.for_connection(connection).map(|lease| &**lease),
            clock: &clock,
            accepted: self.accepted_for(planned),
            describe_rejection,
        };
        if let Err(report) = record_intent(&context, planned, entry).await {
            return *report;
        }
        let _turn = self.acquire(&self.turns, planned).await;
        let _slot = self.slots.acquire().await.ok();
        if let Some(why) = self.held_back() {
            let report = Report::new(planned.clone(), Some(Outcome::Skipped), Some(why.into()));
            context.recorder.record_outcome(&report);
            return report;
        }
        self.settings.events.tell(|| Event::started(entry));
        let planned = planned.clone();
        execute(
            &context,
            StepWork {
                planned,
                entry,
                basis,
            },
        )
        .await
    }
}

/// Returns how an object without a step ends: a failure to read or plan it is a failure of the apply.
///
/// `None` for objects that are in sync, observed or suspended, which have no outcome.
fn outcome_without_step(action: Disposition) -> Option<Outcome> {
    match action {
        Disposition::Missing | Disposition::Error => Some(Outcome::Failed),
        Disposition::None
        | Disposition::Update
        | Disposition::Create
        | Disposition::Remove
        | Disposition::Observe
        | Disposition::Suspend => None,
    }
}
