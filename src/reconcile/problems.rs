//! Turns the problems of connections into findings: those that calls have shown, and variables that are not set, which
//! no call has to show.
//!
//! Input are faults, output findings with the line of the connection's document.

use super::check;
use crate::apply::{UNSET_HINT, describe_unset};
use crate::model::{Connection, ConnectionFault, Diagnostics, FaultKind};
use crate::plan::problem::problem_findings;

/// Returns the problems of connections as findings, each with its line. Unset variables are left out: whoever asks has
/// told them before the first call, by [`unset_findings`].
pub(super) fn connection_findings<'a>(
    faults: impl Iterator<Item = &'a ConnectionFault>,
) -> Diagnostics {
    let mut findings =
        problem_findings(faults.filter(|fault| fault.kind != FaultKind::UnsetVariable));
    check::show_lines(&mut findings);
    findings
}

/// Returns the variables that are not set as findings, each with its line.
pub(super) fn unset_findings<'a>(
    faults: impl IntoIterator<Item = &'a ConnectionFault>,
) -> Diagnostics {
    let faults = faults.into_iter();
    let unset = faults.filter(|fault| fault.kind == FaultKind::UnsetVariable);
    let mut findings = problem_findings(unset);
    check::show_lines(&mut findings);
    findings
}

/// Returns the fault of a connection of which these variables are not set; `None` if all are set.
pub(super) fn fault_of_unset(connection: &Connection, names: &[String]) -> Option<ConnectionFault> {
    let kind = FaultKind::UnsetVariable;
    (!names.is_empty()).then(|| ConnectionFault {
        connection: connection.name.clone(),
        origin: Some(connection.origin_of(kind)),
        hint: Some(UNSET_HINT.into()),
        ..ConnectionFault::new(kind, describe_unset(names))
    })
}
