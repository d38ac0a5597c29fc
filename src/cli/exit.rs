//! Every exit code, and which one a run ends with. The codes are a contract.

use std::process::ExitCode;

use crate::apply::{Outcome, Report};
use crate::model::{Diagnostic, Diagnostics};
use crate::plan::Action;
use crate::plan::document::{DiagnosticEntry, SourceFacts};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to do, or all done.
    Done,
    /// Bad usage, bad manifests, or a failure before anything was written.
    Error,
    /// `plan --detailed-exitcode`: there are changes. `drift`: live was changed.
    Changes,
    /// Some objects failed, the others were carried out.
    Partly,
    /// A guard refused steps.
    Refused,
    /// Live or a manifest changed after the plan was made.
    Stale,
    /// Another run writes to a connection.
    Locked,
    /// Written, but not as wanted afterwards.
    Unconverged,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGHUP: the terminal or the connection to it is gone.
    HungUp,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Partly => 3,
            Exit::Refused => 4,
            Exit::Stale => 5,
            Exit::Locked => 6,
            Exit::Unconverged => 7,
            Exit::HungUp => 129,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// The exit of an apply: with several reasons the first of 3, 7, 5, 4.
pub fn of_apply(reports: &[Report]) -> Exit {
    let any = |outcomes: &[Outcome]| {
        reports.iter().any(|report| {
            report
                .outcome
                .is_some_and(|outcome| outcomes.contains(&outcome))
        })
    };
    let unread = |report: &&Report| report.planned.action == Action::Error;
    let idle = |report: &&Report| report.planned.action == Action::Suspend;
    let tried = reports.iter().filter(|report| !idle(report)).count();
    if tried > 0 && reports.iter().filter(unread).count() == tried {
        // No object could even be read or planned, so nothing was written.
        Exit::Error
    } else if any(&[Outcome::Rejected, Outcome::Failed, Outcome::Skipped]) {
        Exit::Partly
    } else if any(&[Outcome::Unconverged]) {
        Exit::Unconverged
    } else if any(&[Outcome::Stale]) {
        Exit::Stale
    } else if any(&[Outcome::Refused]) {
        Exit::Refused
    } else {
        Exit::Done
    }
}

/// The exit of a run whose journal does not tell all that it did. One that has written did not do all of its work.
pub fn without_journal(exit: Exit, wrote: bool) -> Exit {
    match exit {
        Exit::Done if wrote => Exit::Partly,
        Exit::Done => Exit::Error,
        worse => worse,
    }
}

/// The manifests have errors, which have been shown.
#[derive(Debug, thiserror::Error)]
#[error("the manifests have errors")]
pub struct Invalid {
    pub facts: SourceFacts,
    pub findings: Diagnostics,
}

/// What a report says of a run that ended early: what was read, and why it ended.
pub fn reasons(error: &anyhow::Error) -> (SourceFacts, Diagnostics) {
    if let Some(Invalid { facts, findings }) = error.downcast_ref() {
        return (facts.clone(), findings.clone());
    }
    let mut findings = Diagnostics::default();
    findings.push(Diagnostic::error(
        DiagnosticEntry::STOPPED,
        format!("{error:#}"),
    ));
    (SourceFacts::default(), findings)
}

/// Another run writes to a connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Locked(pub String);

/// The objects are not as they were when the plan was made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Stale(pub String);

/// The exit of a run that ended early.
pub fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<Locked>() {
        Exit::Locked
    } else if error.is::<Stale>() {
        Exit::Stale
    } else {
        Exit::Error
    }
}
