//! Guard and apply: every step that may go goes, and no failure stops another object.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use super::{Pass, Settings};
use crate::apply::execute::{Basis, Context, Work};
use crate::apply::recorder::Recorder;
use crate::apply::{Outcome, Report, execute};
use crate::plan::document::ObjectEntry;
use crate::plan::guard::{self, Accepted};
use crate::plan::{Action, Planned};

/// How a plan is carried out.
pub struct ApplyOptions<'a> {
    /// Risks that this run accepts; nothing when a person has looked at the plan and said yes.
    pub accepted: Option<Accepted>,
    pub fail_fast: bool,
    pub recorder: Recorder<'a>,
}

/// Carries out every step that the guard lets through. Reports come in the order of the plan.
pub async fn apply(pass: &Pass, options: &ApplyOptions<'_>, settings: &Settings) -> Vec<Report> {
    let slots = Semaphore::new(settings.parallelism.max(1));
    // A step queues here, not behind its written intent, so that an interrupted run has few of them.
    let turns: BTreeMap<&str, Semaphore> = pass
        .accounts
        .iter()
        .map(|(name, account)| (name.as_str(), Semaphore::new(account.concurrency())))
        .collect();
    let failed = AtomicBool::new(false);
    let runs = pass
        .planned
        .iter()
        .zip(&pass.document.objects)
        .map(|(planned, entry)| {
            let (slots, turns, failed) = (&slots, &turns, &failed);
            async move {
                let allow = planned.desired.policy.allow;
                let refusal = options
                    .accepted
                    .and_then(|accepted| guard::refusal(entry, allow, accepted));
                if let Some(refusal) = refusal {
                    return Report::new(planned.clone(), Some(Outcome::Refused), Some(refusal));
                }
                if planned.action != Action::Update {
                    return Report::new(
                        planned.clone(),
                        idle(planned.action),
                        planned.message.clone(),
                    );
                }
                // No semaphore is ever closed, so these wait for a place and for nothing else.
                let _turn = match turns.get(planned.desired.connection.as_str()) {
                    Some(turns) => turns.acquire().await.ok(),
                    None => None,
                };
                let _slot = slots.acquire().await.ok();
                let held_back = if settings.stop.load(Ordering::Relaxed) {
                    Some("the run was interrupted before its turn")
                } else if failed.load(Ordering::Relaxed) {
                    Some("an earlier step failed, and --fail-fast was given")
                } else {
                    None
                };
                if let Some(why) = held_back {
                    return Report::new(planned.clone(), Some(Outcome::Skipped), Some(why.into()));
                }
                let report = one(pass, planned, entry, options, settings).await;
                let well = matches!(
                    report.outcome,
                    None | Some(Outcome::Converged | Outcome::Already)
                );
                if options.fail_fast && !well {
                    failed.store(true, Ordering::Relaxed);
                }
                report
            }
        });
    futures::future::join_all(runs).await
}

async fn one(
    pass: &Pass,
    planned: &Planned,
    entry: &ObjectEntry,
    options: &ApplyOptions<'_>,
    settings: &Settings,
) -> Report {
    let Some(account) = pass.accounts.get(&planned.desired.connection) else {
        let why = format!("there is no connection `{}`", planned.desired.connection);
        return Report::new(planned.clone(), Some(Outcome::Failed), Some(why));
    };
    let basis = match pass.live.get(&planned.desired.address) {
        Some(live) => Basis::Read {
            live,
            at: pass.observed_at,
        },
        None => Basis::Saved,
    };
    let clock = settings.clock;
    let context = Context {
        account,
        recorder: &options.recorder,
        clock: &clock,
    };
    execute(
        &context,
        Work {
            planned: planned.clone(),
            entry,
            basis,
        },
    )
    .await
}

/// How an object without a step ends: a failure to read or plan it is a failure of the apply.
fn idle(action: Action) -> Option<Outcome> {
    match action {
        Action::Missing | Action::Error => Some(Outcome::Failed),
        Action::None | Action::Update | Action::Observe | Action::Suspend => None,
    }
}
