//! Names the reason why a planned write is not sent, as one type for all who can refuse it.
//!
//! The guard, the limit on the number of changes, and the daemon's mode, windows and earlier results make a `Refusal`;
//! its `Display` is the text that users see. The decisions themselves are made there and not in this module.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::estimate::RequestCost;
use super::max_changes::{LimitBase, MaxChanges};
use crate::model::wording::pluralize;
use crate::model::{Address, Risk};

/// Says why a planned write is not sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// `changes` of the step have a risk that neither the run nor the object's policy accepts.
    Risk { risk: Risk, changes: usize },
    /// More would change than `--max-changes` allows.
    TooMany {
        changing: usize,
        /// Objects that the limit is a share of.
        objects: usize,
        limit: MaxChanges,
        base: LimitBase,
    },
    /// The run takes more requests than `--max-requests` allows.
    TooManyRequests { cost: RequestCost, limit: usize },
    /// The daemon runs in `--mode observe`.
    ObserveOnly,
    /// No change window is open. `opens` is `None` if no opening is in sight.
    WindowClosed { opens: Option<Timestamp> },
    /// This very write was tried and failed for the reason in `why`.
    AlreadyFailed { why: String },
    /// Another writer keeps changing these fields back.
    Fight {
        fields: Vec<String>,
        /// Heals within `window` after which the next change is a fight.
        heals: usize,
        window: Duration,
    },
    /// The step of this object comes before and is held back.
    ComesAfter { address: Address },
    /// Another run writes to the connection, or the lock cannot be had for the reason in `why`.
    Locked { why: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Risk { risk, changes } => write_risk(out, *risk, *changes),
            Self::TooMany {
                changing,
                objects,
                limit,
                base,
            } => write_too_many(out, (*changing, *objects), *limit, base),
            Self::TooManyRequests { cost, limit } => {
                let RequestCost {
                    sent,
                    writes,
                    around,
                } = cost;
                write!(
                    out,
                    "the run takes up to {} ({sent} sent so far, {writes} to write, {around} around the writes) \
                     and --max-requests allows {limit}: nothing was written",
                    pluralize(cost.total(), "request")
                )
            }
            Self::ObserveOnly => out.write_str("the daemon only looks (--mode observe)"),
            Self::WindowClosed { opens: Some(at) } => {
                write!(out, "waiting for a change window, which opens at {at}")
            }
            Self::WindowClosed { opens: None } => {
                out.write_str("waiting for a change window, and none is in sight")
            }
            Self::AlreadyFailed { why } => write!(
                out,
                "{why}; it is not written again until the manifest or the live object changes"
            ),
            Self::Fight {
                fields,
                heals,
                window,
            } => write!(
                out,
                "{} was changed back {heals} times within {} minutes and differs again: somebody else writes it, \
                 and theirs stays until the manifest changes. Put it under `policy.ignore`, or stop the other writer",
                fields.join(", "),
                window.as_secs() / 60
            ),
            Self::ComesAfter { address } => {
                write!(out, "waiting for {address}, which is held back")
            }
            Self::Locked { why } => write!(out, "waiting: {why}"),
        }
    }
}

/// Writes how many changes take something away and which option would accept them.
fn write_risk(out: &mut fmt::Formatter<'_>, risk: Risk, changes: usize) -> fmt::Result {
    match changes {
        1 => write!(out, "1 change takes ")?,
        _ => write!(out, "{changes} changes take ")?,
    }
    out.write_str(match risk {
        Risk::Destroy => "the object itself away",
        Risk::Strand => "away what is in use",
        Risk::Reduce => "something away",
        Risk::Safe | Risk::Create => "nothing away",
    })?;
    write!(
        out,
        ": it needs `--allow {risk}`, or `allow: [{risk}]` in the object's policy"
    )
}

/// Writes which limit is exceeded. A plan and a connection have different texts, because the remedy differs: a plan is
/// applied with another limit, a connection waits until a person lets the changes through.
fn write_too_many(
    out: &mut fmt::Formatter<'_>,
    (changing, objects): (usize, usize),
    limit: MaxChanges,
    base: &LimitBase,
) -> fmt::Result {
    match base {
        LimitBase::Plan => {
            write!(
                out,
                "the plan changes {changing} objects and --max-changes allows {limit}"
            )?;
            if let MaxChanges::Percent(_) = limit {
                write!(out, " of {objects}")?;
            }
            out.write_str(": nothing was sent")
        }
        LimitBase::Connection(name) => {
            let objects = pluralize(objects, "object");
            write!(
                out,
                "{changing} of {objects} of `{name}` would change and --max-changes allows {limit}: \
                 nothing is written there until fewer would. Look at them with `entitle plan`, and let them through \
                 with `entitle apply`"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_risk_is_counted_with_what_would_let_it_go() {
        let text = |risk, changes| Refusal::Risk { risk, changes }.to_string();
        assert_eq!(
            text(Risk::Reduce, 1),
            "1 change takes something away: it needs `--allow reduce`, or `allow: [reduce]` in the object's policy"
        );
        assert_eq!(
            text(Risk::Strand, 2),
            "2 changes take away what is in use: it needs `--allow strand`, or `allow: [strand]` in the object's policy"
        );
    }

    #[test]
    fn a_write_that_waits_for_a_lock_says_whose_it_is() {
        let why = "the connection `lac` is locked by jane".to_string();
        let words = Refusal::Locked { why }.to_string();
        assert_eq!(words, "waiting: the connection `lac` is locked by jane");
    }

    #[test]
    fn a_run_that_takes_too_many_requests_says_what_they_are_for() {
        let cost = RequestCost {
            sent: 4,
            writes: 3,
            around: 5,
        };
        let refusal = Refusal::TooManyRequests { cost, limit: 11 };
        assert_eq!(
            refusal.to_string(),
            "the run takes up to 12 requests (4 sent so far, 3 to write, 5 around the writes) and --max-requests allows 11: \
             nothing was written"
        );
    }

    #[test]
    fn a_limit_is_spelled_the_same_for_a_plan_and_for_a_connection() {
        let text = |limit, base| {
            let refusal = Refusal::TooMany {
                changing: 4,
                objects: 10,
                limit,
                base,
            };
            refusal.to_string()
        };
        let plan = text(MaxChanges::Percent(30), LimitBase::Plan);
        assert_eq!(
            plan,
            "the plan changes 4 objects and --max-changes allows 30% of 10: nothing was sent"
        );
        let lac = || LimitBase::Connection("lac".into());
        let share = text(MaxChanges::Percent(30), lac());
        let start = "4 of 10 objects of `lac` would change and --max-changes allows 30%: nothing is written";
        assert!(share.starts_with(start), "{share}");
        let number = text(MaxChanges::Count(3), lac());
        assert!(number.contains("--max-changes allows 3: "), "{number}");
    }
}
