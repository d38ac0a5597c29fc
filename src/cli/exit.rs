//! Every exit code, and which one a run ends with. The codes are a contract.

use std::process::ExitCode;

use super::error::CommandError;
use crate::apply::{Outcome, Report};
use crate::model::{Diagnostic, Diagnostics};
use crate::plan::Disposition;
use crate::plan::document::DiagnosticEntry;
use crate::plan::source_facts::SourceFacts;

/// The ways in which a run can end.
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
    /// The writes were accepted, but an object read back differs from its manifest.
    Unconverged,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGHUP: the terminal or the connection to it is gone.
    HungUp,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    /// Every exit, by rising code.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Error,
        Self::Changes,
        Self::Partly,
        Self::Refused,
        Self::Stale,
        Self::Locked,
        Self::Unconverged,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns what a code tells a script, for the manual.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Nothing to do, or all done.",
            Self::Error => {
                "Bad usage, bad manifests, or a failure of a vendor or the network before anything was written. \
                 `doctor`: something is wrong."
            }
            Self::Changes => {
                "`plan --detailed-exitcode`: there are changes. `drift`: live was changed."
            }
            Self::Partly => "Applied in part: some objects failed, the others were carried out.",
            Self::Refused => {
                "Refused by a guard: a risk that nothing accepts, `--max-changes`, `--max-requests`, a window."
            }
            Self::Stale => "Stale: live values or a manifest changed since the plan was made.",
            Self::Locked => "Another run writes to the account.",
            Self::Unconverged => "Written, but an object did not become as its manifest says.",
            Self::HungUp => "The terminal went away (SIGHUP).",
            Self::Interrupted => "Interrupted by Ctrl-C.",
            Self::Terminated => "Ended by SIGTERM.",
        }
    }

    /// Returns the code for the shell. Signals follow its custom: 128 plus the number of the signal.
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

/// Returns the exit of an apply. With several reasons the first of these counts: 1, 3, 7, 5, 4.
///
/// 1 means that no object could be read or planned; suspended objects are left out of that count. For
/// example, one failed and one stale object give 3, one stale and one refused give 5.
pub fn of_apply(reports: &[Report]) -> Exit {
    let any = |outcomes: &[Outcome]| {
        reports.iter().any(|report| {
            report
                .outcome
                .is_some_and(|outcome| outcomes.contains(&outcome))
        })
    };
    let unread = |report: &&Report| report.planned.action == Disposition::Error;
    let idle = |report: &&Report| report.planned.action == Disposition::Suspend;
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

/// Returns what a report shows of a run that ended early: the facts about its source, and the reason.
pub fn facts_and_findings(error: &CommandError) -> (SourceFacts, Diagnostics) {
    if let CommandError::Invalid(invalid) = error {
        return (invalid.facts.clone(), invalid.findings.clone());
    }
    let mut findings = Diagnostics::default();
    findings.push(Diagnostic::error(
        DiagnosticEntry::STOPPED,
        error.to_string(),
    ));
    (SourceFacts::default(), findings)
}

/// The exit of a run that ended early, and its last words; `None` if those have been shown.
pub fn of_error(error: &CommandError) -> (Exit, Option<String>) {
    match error {
        CommandError::Invalid(_) | CommandError::Unreadable => (Exit::Error, None),
        CommandError::Locked { .. } => (Exit::Locked, Some(error.to_string())),
        CommandError::Failed { .. } => (Exit::Error, Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::store::LeaseBusy;
    use crate::cli::error::{InvalidManifests, user_error};

    #[test]
    fn each_kind_of_error_has_its_exit_and_its_words() {
        let invalid = InvalidManifests {
            facts: SourceFacts::default(),
            findings: Diagnostics::default(),
        };
        let busy = LeaseBusy {
            connection: "lac".into(),
            holder: "ann".into(),
        };
        let away = std::io::Error::other("no such file");
        let cases = [
            (CommandError::Invalid(Box::new(invalid)), 1, None),
            (
                CommandError::locked(busy),
                6,
                Some("the connection `lac` is locked by ann"),
            ),
            (user_error("it is not"), 1, Some("it is not")),
            (
                CommandError::caused_by("cannot read x", away).with_hint(Some("set X")),
                1,
                Some("cannot read x: no such file; set X"),
            ),
        ];
        for (error, code, words) in cases {
            let (exit, shown) = of_error(&error);
            assert_eq!((exit.code(), shown.as_deref()), (code, words), "{error}");
        }
    }

    #[test]
    fn a_report_of_a_run_that_stopped_says_why() {
        let (_, findings) = facts_and_findings(&user_error("it is not"));
        let finding = findings.iter().next().expect("a finding");
        assert_eq!(finding.code, DiagnosticEntry::STOPPED);
        assert_eq!(finding.message, "it is not");
    }
}
