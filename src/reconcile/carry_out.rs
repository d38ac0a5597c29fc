//! Guard and apply: every step that may go goes, and no failure stops another object.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::rejection::describe_rejection;
use super::{Pass, Settings};
use crate::apply::execute::{Basis, StepContext, StepWork};
use crate::apply::recorder::Recorder;
use crate::apply::reread::Rereads;
use crate::apply::{Event, Outcome, Report, execute};
use crate::plan::document::ObjectEntry;
use crate::plan::guard::{self, Accepted};
use crate::plan::{Disposition, Planned};

/// How a plan is carried out.
pub struct ApplyOptions {
    /// Risks that this run accepts; nothing when a person has looked at the plan and said yes.
    pub accepted: Option<Accepted>,
    pub fail_fast: bool,
    /// What writes it down, with the leases that it goes under.
    pub recorder: Recorder,
}

/// Carries out every step that the guard lets through. Reports come in the order of the plan; each end is
/// told when it comes.
pub async fn apply_plan(pass: &Pass, options: &ApplyOptions, settings: &Settings) -> Vec<Report> {
    settings
        .events
        .tell(|| Some(Event::planned(&pass.document)));
    let run = ApplyRun {
        pass,
        options,
        settings,
        slots: Semaphore::new(settings.parallelism.max(1)),
        // A step queues here, not behind its written intent, so that an interrupted run has few of them.
        turns: pass
            .accounts
            .iter()
            .map(|(name, account)| (name.as_str(), Semaphore::new(account.concurrency())))
            .collect(),
        rereads: pass
            .accounts
            .iter()
            .map(|(name, account)| (name.as_str(), Rereads::new(account)))
            .collect(),
        failed: AtomicBool::new(false),
    };
    let steps = pass.planned.iter().zip(&pass.document.objects);
    let steps = steps.map(|(planned, entry)| {
        let run = &run;
        async move {
            let report = run.object(planned, entry).await;
            settings.events.tell(|| Event::done(&report));
            report
        }
    });
    let reports = futures::future::join_all(steps).await;
    options.recorder.flush().await;
    reports
}

/// What the objects of one apply share.
struct ApplyRun<'a> {
    pass: &'a Pass,
    options: &'a ApplyOptions,
    settings: &'a Settings,
    slots: Semaphore,
    turns: BTreeMap<&'a str, Semaphore>,
    rereads: BTreeMap<&'a str, Rereads>,
    failed: AtomicBool,
}

impl ApplyRun<'_> {
    /// One object: refused, left alone, held back or carried out.
    async fn object(&self, planned: &Planned, entry: &ObjectEntry) -> Report {
        if let Some(why) = self.pass.moved.get(&planned.desired.address) {
            let ends = match planned.action {
                Disposition::Update => Some(Outcome::Stale),
                other => outcome_without_step(other),
            };
            return Report::new(planned.clone(), ends, Some(why.clone()));
        }
        let allow = planned.desired.policy.allow;
        let accepted = self.options.accepted;
        let checked = accepted.map(|accepted| guard::check_risk(entry, allow, accepted));
        if let Some(Err(refusal)) = checked {
            let why = Some(refusal.to_string());
            return Report::new(planned.clone(), Some(Outcome::Refused), why);
        }
        if planned.action != Disposition::Update {
            let ends = outcome_without_step(planned.action);
            return Report::new(planned.clone(), ends, planned.message.clone());
        }
        // No semaphore is ever closed, so these wait for a place and for nothing else.
        let _turn = match self.turns.get(planned.desired.connection.as_str()) {
            Some(turns) => turns.acquire().await.ok(),
            None => None,
        };
        let _slot = self.slots.acquire().await.ok();
        if let Some(why) = self.held_back() {
            return Report::new(planned.clone(), Some(Outcome::Skipped), Some(why.into()));
        }
        self.settings.events.tell(|| Event::started(entry));
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

    fn held_back(&self) -> Option<&'static str> {
        if self.settings.stop.load(Ordering::Relaxed) {
            Some("the run was interrupted before its turn")
        } else if self.failed.load(Ordering::Relaxed) {
            Some("an earlier step failed, and --fail-fast was given")
        } else {
            None
        }
    }

    async fn step(&self, planned: &Planned, entry: &ObjectEntry) -> Report {
        let connection = planned.desired.connection.as_str();
        let account = self.pass.accounts.get(connection);
        let Some((account, rereads)) = account.zip(self.rereads.get(connection)) else {
            let why = format!("there is no connection `{}`", planned.desired.connection);
            return Report::new(planned.clone(), Some(Outcome::Failed), Some(why));
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
            accepted: self.options.accepted,
            describe_rejection,
        };
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

/// How an object without a step ends: a failure to read or plan it is a failure of the apply.
fn outcome_without_step(action: Disposition) -> Option<Outcome> {
    match action {
        Disposition::Missing | Disposition::Error => Some(Outcome::Failed),
        Disposition::None | Disposition::Update | Disposition::Observe | Disposition::Suspend => {
            None
        }
    }
}
