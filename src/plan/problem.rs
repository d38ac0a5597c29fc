//! Sums up the problems of connections, so that each is reported once and not for every object behind it.
//!
//! In: the faults by which objects could not be read. Out: one entry for each kind of problem of a connection.
//!
//! ```text
//! 30 objects of `lac`: cannot connect to lac:443   ──▶   lac: cannot connect to lac:443: … (30 objects)
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::wording::pluralize;
use crate::model::{ConnectionFault, Diagnostic, Diagnostics, FaultKind};

/// A problem of a connection, by which objects could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemEntry {
    /// The name of the connection.
    pub connection: String,
    /// A stable name such as `unset-variable`. The objects that it concerns have it as their `problem`.
    pub code: String,
    pub message: String,
    /// Objects that could not be read because of it.
    pub objects: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ProblemEntry {
    fn new(fault: &ConnectionFault, objects: usize) -> Self {
        let origin = fault.origin.as_ref();
        Self {
            connection: fault.connection.clone(),
            code: fault.kind.code().into(),
            message: fault.message.clone(),
            objects,
            file: origin.map(|origin| origin.source.name.clone()),
            line: origin.map(|origin| origin.mark.line),
            column: origin.map(|origin| origin.mark.column),
            hint: fault.hint.clone(),
        }
    }

    /// Returns the problem in one sentence: `lac: LAC_TOKEN is not set (30 objects)`.
    pub fn sentence(&self) -> String {
        sentence(&self.connection, &self.message, self.objects)
    }
}

fn sentence(connection: &str, message: &str, objects: usize) -> String {
    match objects {
        0 => format!("{connection}: {message}"),
        _ => format!("{connection}: {message} ({})", pluralize(objects, "object")),
    }
}

/// Removes faults that a single call can have, if other objects of the same connection were read: such a fault is
/// reported with its object. `objects` are those that were to be read, with their connections.
pub fn keep_common_faults<'a>(
    objects: impl Iterator<Item = (&'a str, &'a mut Option<Box<ConnectionFault>>)>,
) {
    let objects: Vec<_> = objects.collect();
    let mut of_connection: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of_kind: BTreeMap<(&str, FaultKind), usize> = BTreeMap::new();
    for (connection, fault) in &objects {
        *of_connection.entry(connection).or_default() += 1;
        if let Some(fault) = fault {
            *of_kind.entry((connection, fault.kind)).or_default() += 1;
        }
    }
    for (connection, fault) in objects {
        let Some(kind) = fault.as_ref().map(|fault| fault.kind) else {
            continue;
        };
        let is_common = of_kind.get(&(connection, kind)) == of_connection.get(connection);
        if kind.is_of_calls() && !is_common {
            *fault = None;
        }
    }
}

/// Counts faults by connection and kind. The first of a kind stands for the others.
fn count_faults<'a>(
    faults: impl IntoIterator<Item = &'a ConnectionFault>,
) -> impl Iterator<Item = (&'a ConnectionFault, usize)> {
    let mut counted: BTreeMap<(&str, FaultKind), (&ConnectionFault, usize)> = BTreeMap::new();
    for fault in faults {
        let key = (fault.connection.as_str(), fault.kind);
        counted.entry(key).or_insert((fault, 0)).1 += 1;
    }
    counted.into_values()
}

/// Returns the problems behind the faults of objects, sorted by connection.
pub fn list_problems<'a>(
    faults: impl IntoIterator<Item = &'a ConnectionFault>,
) -> Vec<ProblemEntry> {
    let counted = count_faults(faults);
    counted
        .map(|(fault, objects)| ProblemEntry::new(fault, objects))
        .collect()
}

/// Returns the same problems as findings, for a terminal, which shows the lines that they are about.
pub fn problem_findings<'a>(faults: impl IntoIterator<Item = &'a ConnectionFault>) -> Diagnostics {
    let mut findings = Diagnostics::default();
    for (fault, objects) in count_faults(faults) {
        findings.push(problem_finding(fault, objects));
    }
    findings
}

/// Returns a problem as a finding. `objects` is how many objects could not be read because of it; 0 if which objects there
/// are is not known.
pub fn problem_finding(fault: &ConnectionFault, objects: usize) -> Diagnostic {
    let words = sentence(&fault.connection, &fault.message, objects);
    let mut finding = Diagnostic::error(fault.kind.code(), words);
    finding.hint.clone_from(&fault.hint);
    match &fault.origin {
        Some(origin) => finding.at(&origin.source, origin.mark),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_some_calls_is_told_with_their_objects() {
        let kept = |faults: [Option<FaultKind>; 3]| {
            let fault = |kind| Box::new(ConnectionFault::new(kind, "no"));
            let mut faults = faults.map(|kind| kind.map(fault));
            keep_common_faults(faults.iter_mut().map(|fault| ("lac", fault)));
            faults.map(|fault| fault.is_some())
        };
        let (forbidden, away) = (Some(FaultKind::Forbidden), Some(FaultKind::Unreachable));
        assert_eq!(kept([forbidden; 3]), [true; 3]);
        assert_eq!(kept([forbidden, None, forbidden]), [false; 3]);
        assert_eq!(kept([away, None, forbidden]), [true, false, false]);
    }

    #[test]
    fn equal_problems_of_a_connection_are_one() {
        let fault = |connection: &str, kind, message: &str| ConnectionFault {
            connection: connection.into(),
            ..ConnectionFault::new(kind, message)
        };
        let faults = [
            fault(
                "lac",
                FaultKind::Unreachable,
                "refused; tried 6 times in 9.8 s",
            ),
            fault("eu", FaultKind::UnsetVariable, "A, B are not set"),
            fault(
                "lac",
                FaultKind::Unreachable,
                "refused; tried 6 times in 9.9 s",
            ),
            fault("lac", FaultKind::Forbidden, "answered 403: no"),
        ];
        let problems = list_problems(&faults);
        let sentences: Vec<String> = problems.iter().map(ProblemEntry::sentence).collect();
        let expected = [
            "eu: A, B are not set (1 object)",
            "lac: refused; tried 6 times in 9.8 s (2 objects)",
            "lac: answered 403: no (1 object)",
        ];
        assert_eq!(sentences, expected);
        let findings = problem_findings(&faults);
        let codes = findings.iter().map(|finding| finding.code);
        assert!(codes.eq(["unset-variable", "unreachable", "forbidden"]));
    }
}
