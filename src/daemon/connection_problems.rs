//! Follows the problems of whole connections, so that each is told once and not with every object behind it.
//!
//! In: the faults by which a pass could not read objects. Out: the [`ConnectionProblem`]s of the connection's status, and
//! a line of the log when one appears and when the last is over.
//!
//! ```text
//! 500 objects of `lac` with `unreachable`   ──▶   lac: cannot connect to lac:443, 500 objects, since 10:02
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::status::{ConnectionProblem, ObjectStatus};
use super::tracked_object::origin_entry;
use crate::model::ConnectionFault;

/// Counts the objects of a connection by the problem that keeps them from being read.
pub fn count_affected<'a>(
    objects: impl Iterator<Item = &'a ObjectStatus>,
    connection: &str,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for object in objects.filter(|object| object.connection == connection) {
        if let Some(code) = &object.problem {
            *counts.entry(code.as_str()).or_default() += 1;
        }
    }
    counts
}

/// Sets the number of objects of each problem, and removes problems that concern no object any more.
pub fn update_counts(known: &mut Vec<ConnectionProblem>, affected: &BTreeMap<&str, usize>) {
    known.retain_mut(|problem| {
        problem.objects = affected.get(problem.code.as_str()).copied().unwrap_or(0);
        problem.objects > 0
    });
}

/// Takes in the faults that a pass has shown of a connection, and logs problems that are new.
///
/// `affected` is the number of objects by problem after the pass, see [`count_affected`]. The newest fault of a kind
/// replaces the older one, whose beginning it keeps.
pub fn record_problems<'a>(
    known: &mut Vec<ConnectionProblem>,
    connection: &str,
    faults: impl Iterator<Item = &'a ConnectionFault>,
    affected: &BTreeMap<&str, usize>,
    now: Timestamp,
) {
    let mut newest: BTreeMap<&str, &ConnectionFault> = BTreeMap::new();
    for fault in faults {
        newest.entry(fault.kind.code()).or_insert(fault);
    }
    for (code, fault) in newest {
        let before = known.iter().position(|problem| problem.code == code);
        let before = before.map(|index| known.remove(index));
        let problem = ConnectionProblem {
            code: code.into(),
            message: fault.message.clone(),
            hint: fault.hint.clone(),
            origin: fault.origin.as_ref().map(origin_entry),
            since: before.as_ref().map_or(now, |before| before.since),
            objects: affected.get(code).copied().unwrap_or(0),
        };
        if before.is_none() {
            log_problem(connection, &problem);
        }
        known.push(problem);
    }
    update_counts(known, affected);
    known.sort_by(|one, other| one.code.cmp(&other.code));
}

fn log_problem(connection: &str, problem: &ConnectionProblem) {
    let (objects, code, message) = (problem.objects, &problem.code, &problem.message);
    let line = problem.location();
    let hint = &problem.hint;
    tracing::error!(
        connection,
        objects,
        problem = code,
        line,
        hint,
        "cannot be read: {message}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_problem_keeps_its_beginning_and_goes_with_its_last_object() {
        let mut known = Vec::new();
        let fault = |message: &str| ConnectionFault::new(FaultKind::Unreachable, message);
        let faults = [fault("refused"), fault("refused")];
        let affected = BTreeMap::from([("unreachable", 2)]);
        record_problems(&mut known, "lac", faults.iter(), &affected, moment(1));
        record_problems(
            &mut known,
            "lac",
            [fault("timed out")].iter(),
            &affected,
            moment(9),
        );
        let [problem] = &known[..] else {
            panic!("one problem: {known:?}");
        };
        assert_eq!((problem.since, problem.objects), (moment(1), 2));
        assert_eq!(problem.message, "timed out");
        // Another kind of problem stands beside it until no object has the old one.
        let login = ConnectionFault::new(FaultKind::LoginRefused, "no");
        let affected = BTreeMap::from([("login-refused", 2)]);
        record_problems(&mut known, "lac", [login].iter(), &affected, moment(12));
        let [problem] = &known[..] else {
            panic!("one problem: {known:?}");
        };
        assert_eq!(
            (problem.code.as_str(), problem.since),
            ("login-refused", moment(12))
        );
        update_counts(&mut known, &BTreeMap::new());
        assert_eq!(known, []);
    }
}
