//! Carries out one step: look again where needed, send, judge, look at what came of it.

use jiff::Timestamp;

use super::observe::observe;
use super::outcome::{Outcome, Report};
use super::transport::Account;
use crate::model::{Desired, Field, Live, Observed, Reply, Verdict};
use crate::plan::{self, Action, Planned};
use crate::provider::conditions;
use crate::provider::semantics::{Echo, WriteMode};

/// Writes of one object in one run. A second one is only sent after a look showed that the first had no
/// effect.
const WRITES: usize = 3;

/// A read older than this is repeated before a write that replaces more than it manages.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// What a step is carried out with.
pub struct Context<'a> {
    pub account: &'a Account,
    /// When the live values of the plan were read.
    pub observed_at: Timestamp,
    /// The time, as an argument.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
}

/// Carries out the step of `planned` and says how it ended.
pub async fn execute(context: &Context<'_>, planned: Planned, before: &Live) -> Report {
    if let Some(report) = look_again(context, &planned).await {
        return report;
    }
    let Some(step) = planned.step.clone() else {
        return Report::new(planned, None, None);
    };
    let provider = context.account.provider;
    let mut last = String::new();
    for _ in 0..WRITES {
        let verdict = match context.account.send(&step.call).await {
            Ok(reply) => match provider.judge(&reply) {
                Verdict::Accepted => return verify(context, planned, before, Some(&reply)).await,
                other => other,
            },
            Err(lost) if lost.sent => Verdict::Unclear(lost.text),
            Err(lost) => return Report::new(planned, Some(Outcome::Failed), Some(lost.text)),
        };
        match verdict {
            Verdict::Accepted => {}
            Verdict::Rejected { words, fields } => {
                let message = rejection(&planned.desired, &words, &fields);
                return Report::new(planned, Some(Outcome::Rejected), Some(message));
            }
            Verdict::Unclear(why) => {
                // It may or may not have been carried out: the object itself knows.
                match seen(context, &planned.desired).await {
                    Ok(Some(live)) => {
                        let again = replan(context, &planned, &live);
                        if again.changes.is_empty() {
                            return judged(context, planned, before, &live);
                        }
                        if again.fingerprint != planned.fingerprint {
                            let why = format!(
                                "{why}; after it the object was neither as before nor as wanted"
                            );
                            return Report::new(planned, Some(Outcome::Unconverged), Some(why));
                        }
                        last = why;
                    }
                    Ok(None) => {
                        return Report::new(planned, Some(Outcome::Failed), Some(gone(&why)));
                    }
                    Err(error) => {
                        let why = format!("{why}; whether it was carried out is unknown: {error}");
                        return Report::new(planned, Some(Outcome::Failed), Some(why));
                    }
                }
            }
        }
    }
    Report::new(planned, Some(Outcome::Failed), Some(last))
}

fn gone(why: &str) -> String {
    format!("{why}; after it the object was not there")
}

/// Reads the object again if the plan is too old for this kind of write. A report ends the step.
async fn look_again(context: &Context<'_>, planned: &Planned) -> Option<Report> {
    let age = (context.clock)().duration_since(context.observed_at);
    // A merge sends what the manifest manages, unless it keeps unlisted members of a list: those go out as
    // they were read.
    let merges = context.account.provider.semantics().write == WriteMode::Merge;
    let replaces = !merges || !planned.desired.policy.keep_unlisted.is_empty();
    if age <= FRESH || !replaces {
        return None;
    }
    let ended = |outcome, message: Option<String>| {
        Some(Report::new(planned.clone(), Some(outcome), message))
    };
    match seen(context, &planned.desired).await {
        Ok(Some(live)) => {
            let again = replan(context, planned, &live);
            if again.changes.is_empty() {
                ended(Outcome::Already, None)
            } else if again.fingerprint != planned.fingerprint {
                ended(
                    Outcome::Stale,
                    Some("it changed at the vendor after the plan was made".into()),
                )
            } else {
                None
            }
        }
        Ok(None) => ended(Outcome::Stale, Some("it is not there any more".into())),
        Err(why) => ended(Outcome::Failed, Some(why)),
    }
}

async fn seen(context: &Context<'_>, desired: &Desired) -> Result<Option<Live>, String> {
    match observe(context.account, &[desired]).await.pop() {
        Some(Observed::Live(live)) => Ok(Some(live)),
        Some(Observed::Missing) => Ok(None),
        Some(Observed::Unread(why)) => Err(why),
        None => Err("the vendor's reading came back empty".into()),
    }
}

fn replan(context: &Context<'_>, planned: &Planned, live: &Live) -> Planned {
    let observed = Observed::Live(live.clone());
    plan::plan(
        context.account.provider,
        &planned.desired,
        &observed,
        (context.clock)(),
    )
}

/// Looks at what an accepted write made of the object, in its echo or by reading it.
async fn verify(
    context: &Context<'_>,
    planned: Planned,
    before: &Live,
    reply: Option<&Reply>,
) -> Report {
    let provider = context.account.provider;
    let echoed = match (provider.semantics().echo, reply) {
        (Echo::Whole, Some(reply)) => provider.echo(&planned.desired, reply).ok(),
        (Echo::Whole | Echo::Nothing, _) => None,
    };
    let live = match echoed {
        Some(mut live) => {
            // Names were resolved when the plan was made; the echo has no list to resolve them by.
            live.resolved = before.resolved.clone();
            live
        }
        None => match seen(context, &planned.desired).await {
            Ok(Some(live)) => live,
            Ok(None) => {
                let message = "written, but it is not there any more".to_string();
                return Report::new(planned, Some(Outcome::Unconverged), Some(message));
            }
            Err(why) => {
                let message = format!("written, but what came of it could not be read: {why}");
                return Report::new(planned, Some(Outcome::Unconverged), Some(message));
            }
        },
    };
    judged(context, planned, before, &live)
}

fn judged(context: &Context<'_>, planned: Planned, before: &Live, live: &Live) -> Report {
    let table = context.account.provider.table().desired;
    let residual = replan(context, &planned, live);
    let side_effects = side_effects(table, &planned, before, live);
    let mut report = if residual.changes.is_empty() && residual.action == Action::None {
        Report::new(planned, Some(Outcome::Converged), None)
    } else {
        let fields: Vec<String> = residual
            .changes
            .iter()
            .map(|change| {
                let shown = change
                    .before
                    .as_ref()
                    .map_or("nothing".into(), ToString::to_string);
                format!("{} is {shown}", change.path)
            })
            .collect();
        let message = format!("written, but {}", fields.join(", "));
        Report::new(planned, Some(Outcome::Unconverged), Some(message))
    };
    report.side_effects = side_effects;
    report
}

/// Fields that moved with the write though no change names them.
fn side_effects(
    table: &'static [Field],
    planned: &Planned,
    before: &Live,
    after: &Live,
) -> Vec<String> {
    // A field that the write makes meaningless, such as a date left over from another type, is meant to go.
    let mut after = after.fields.clone();
    conditions::settle(table, &mut after);
    let asked: Vec<String> = planned
        .changes
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    plan::diff::diff(table, &after, before, Timestamp::UNIX_EPOCH)
        .into_iter()
        .filter(|change| {
            let path = change.path.to_string();
            let covered = |asked: &String| path == *asked || path.starts_with(&format!("{asked}."));
            !asked.iter().any(covered) && !counts_use(table, change.path.parts())
        })
        .map(|change| {
            let show = |json: &Option<serde_json::Value>| {
                json.as_ref().map_or("nothing".into(), ToString::to_string)
            };
            format!(
                "{} {} → {}",
                change.path,
                show(&change.before),
                show(&change.after)
            )
        })
        .collect()
}

/// Whether the path ends in a counter that moves with use, whoever writes.
fn counts_use(table: &'static [Field], parts: &[crate::model::Part]) -> bool {
    use crate::model::{Carry, Part, Shape, field::find};
    let (Some(Part::Field(name)), rest) = (parts.first(), parts.get(1..).unwrap_or(&[])) else {
        return false;
    };
    match find(table, name) {
        Some(field) => match (&field.shape, rest) {
            (Shape::Keyed(elements), [_, rest @ ..]) => counts_use(elements.fields, rest),
            _ => field.carry == Carry::OnlyManaged,
        },
        None => false,
    }
}

/// The vendor's words, each with the manifest line it is about.
fn rejection(desired: &Desired, words: &str, fields: &[(String, String)]) -> String {
    if fields.is_empty() {
        return words.to_string();
    }
    let parts: Vec<String> = fields
        .iter()
        .map(|(field, said)| {
            if desired.marks.contains_key(field) {
                let mark = desired.mark(field);
                format!(
                    "{field}: {said} ({}:{})",
                    desired.origin.source.name, mark.line
                )
            } else if field.is_empty() {
                said.clone()
            } else {
                format!("{field}: {said}")
            }
        })
        .collect();
    parts.join("; ")
}
