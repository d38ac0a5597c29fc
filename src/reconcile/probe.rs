//! Probes connections: one login for each, and one read for each kind of its objects, to learn whether they work.
//!
//! Credentials may have the right to read one kind and not another, so an object of each is read. Input are checked
//! manifests and the names of connections; output is what came of each. Nothing is compared or planned.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Accounts, Checked, ReadPass, Settings, read_side_by_side};
use crate::model::{ConnectionFault, Desired, Kind, Observed, PolicyMode, ReadFailure};

/// What came of a login and a read at a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// The vendor answered, also that it has no such object.
    Answered {
        /// How far the vendor's clock is ahead of ours; `None` if the reply has no date.
        clock_ahead: Option<SignedDuration>,
    },
    /// The login or the read failed.
    Failed {
        reason: String,
        /// The problem of the whole connection behind it; `None` if it may be one of the object that was read.
        fault: Option<Box<ConnectionFault>>,
    },
    /// No object goes through the connection, so there is nothing to read.
    Idle,
}

/// Reads the first object of each kind at each of these connections, all of them side by side.
pub async fn probe_connections(
    checked: &Checked,
    names: &[String],
    settings: &Settings,
) -> BTreeMap<String, Probe> {
    let now = (settings.clock)();
    let mut firsts: BTreeMap<(&str, Kind), &Arc<Desired>> = BTreeMap::new();
    for object in &checked.desired {
        if object.policy.mode_at(now) != PolicyMode::Suspend {
            let key = (object.connection.as_str(), object.address.kind);
            firsts.entry(key).or_insert(object);
        }
    }
    firsts.retain(|(name, _), _| names.iter().any(|one| one == name));
    let mut narrowed = checked.clone();
    narrowed.restrict_to(firsts.values().map(|object| Arc::clone(object)).collect());
    let ReadPass { accounts, seen, .. } =
        read_side_by_side(&narrowed, settings, &Accounts::new()).await;
    let mut probes: BTreeMap<String, Probe> = names
        .iter()
        .map(|name| (name.clone(), Probe::Idle))
        .collect();
    for (object, observed) in seen {
        let account = accounts.get(object.connection.as_str());
        let probe = match observed {
            Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => Probe::Answered {
                clock_ahead: account.and_then(|account| account.clock_ahead()),
            },
            Observed::Unread(failure) => Probe::failed(failure),
        };
        probes
            .entry(object.connection.to_string())
            .and_modify(|earlier| earlier.join(probe.clone()))
            .or_insert(probe);
    }
    probes
}

impl Probe {
    /// Makes the probe of a read that failed. The reason is that of the connection, where it has one: the call that
    /// showed it does not matter.
    fn failed(failure: ReadFailure) -> Self {
        let fault = failure.fault;
        let message = fault.as_ref().map(|fault| fault.message.clone());
        Self::Failed {
            reason: message.unwrap_or(failure.text),
            fault,
        }
    }

    /// Adds what came of another read at the connection: each failure counts, and is named once.
    fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Failed { reason, .. }, Self::Failed { reason: other, .. })
                if *reason != other =>
            {
                reason.push_str("; ");
                reason.push_str(&other);
            }
            (Self::Failed { .. }, _) | (_, Self::Idle) => {}
            (_, other) => *self = other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_works_if_each_kind_of_its_objects_can_be_read() {
        let answered = || Probe::Answered { clock_ahead: None };
        let failed = |reason: &str| Probe::failed(reason.into());
        let joined = |reads: &[Probe]| {
            let mut probe = Probe::Idle;
            reads.iter().for_each(|read| probe.join(read.clone()));
            probe
        };
        assert_eq!(joined(&[]), Probe::Idle);
        assert_eq!(joined(&[answered(), answered()]), answered());
        assert_eq!(joined(&[answered(), failed("a")]), failed("a"));
        assert_eq!(joined(&[failed("a"), answered()]), failed("a"));
        assert_eq!(joined(&[failed("a"), failed("a")]), failed("a"));
        assert_eq!(joined(&[failed("a"), failed("b")]), failed("a; b"));
    }
}
