//! Turns the problems of connections into findings: those that calls have shown, and variables that are not set, which
//! no call has to show.
//!
//! Input are faults, output findings with the line of the connection's document.

use std::collections::BTreeSet;

use super::{Checked, Settings, check, objects_to_read};
use crate::apply::{UNSET_HINT, describe_unset};
use crate::model::{Connection, ConnectionFault, Diagnostics, FaultKind};
use crate::plan::problem::{problem_finding, problem_findings};

/// Returns the problems of connections as findings, each with its line. Unset variables are left out: whoever asks has
/// told them before the first call, by [`find_unset_variables`].
pub(super) fn connection_findings<'a>(
    faults: impl Iterator<Item = &'a ConnectionFault>,
) -> Diagnostics {
    let mut findings =
        problem_findings(faults.filter(|fault| fault.kind != FaultKind::UnsetVariable));
    check::show_lines(&mut findings);
    findings
}

/// The connections whose credentials are in environment variables that are not set.
#[derive(Default)]
pub struct UnsetVariables {
    pub connections: BTreeSet<String>,
    /// One for each of them, with its line.
    pub findings: Diagnostics,
}

/// Finds the connections in use whose variables are not set. No call is sent.
pub fn find_unset_variables(checked: &Checked, settings: &Settings) -> Diagnostics {
    let in_use = objects_to_read(checked, &[], settings).into_iter();
    let in_use = in_use.map(|(name, objects)| (name, objects.len()));
    find_unset_at(checked, in_use, settings).findings
}

/// Finds those of the given connections whose variables are not set. No call is sent.
///
/// `connections` are names with the number of objects that are to be read there; 0 if that is not known yet.
pub fn find_unset_at<'a>(
    checked: &Checked,
    connections: impl Iterator<Item = (&'a str, usize)>,
    settings: &Settings,
) -> UnsetVariables {
    let mut unset = UnsetVariables::default();
    for (name, objects) in connections {
        let connection = checked.connections.get(name);
        // Credentials of a host that is not trusted are never resolved, so their variables do not matter.
        let trust = &settings.secrets.trust;
        let trusted = connection.filter(|one| trust.check_url(&one.base_url).is_ok());
        let fault = trusted.and_then(|connection| {
            let names = settings.secrets.unset_variables(&connection.auth);
            fault_of_unset(connection, &names)
        });
        if let Some(fault) = fault {
            unset.connections.insert(name.to_string());
            unset.findings.push(problem_finding(&fault, objects));
        }
    }
    check::show_lines(&mut unset.findings);
    unset
}

/// Returns the fault of a connection of which these variables are not set; `None` if all are set.
fn fault_of_unset(connection: &Connection, names: &[String]) -> Option<ConnectionFault> {
    let kind = FaultKind::UnsetVariable;
    (!names.is_empty()).then(|| ConnectionFault {
        connection: connection.name.clone(),
        origin: Some(connection.origin_of(kind)),
        hint: Some(UNSET_HINT.into()),
        ..ConnectionFault::new(kind, describe_unset(names))
    })
}
