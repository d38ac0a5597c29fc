//! Probes connections: one login and one read for each, to learn whether they work.
//!
//! Input are checked manifests and the names of connections; output is what came of each. Nothing is compared or planned.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Accounts, Checked, Settings, read_side_by_side};
use crate::model::{Desired, Observed, PolicyMode};

/// What came of a login and a read at a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The vendor answered, also that it has no such object.
    Answered {
        /// How far the vendor's clock is ahead of ours; `None` if the reply has no date.
        clock_ahead: Option<SignedDuration>,
    },
    /// The login or the read failed, for this reason.
    Failed(String),
    /// No object goes through the connection, so there is nothing to read.
    Idle,
}

/// Reads the first object of each of these connections, all of them side by side.
pub async fn probe_connections(
    checked: &Checked,
    names: &[String],
    settings: &Settings,
) -> BTreeMap<String, Probe> {
    let now = (settings.clock)();
    let mut firsts: BTreeMap<&str, &Arc<Desired>> = BTreeMap::new();
    for object in &checked.desired {
        if object.policy.mode_at(now) != PolicyMode::Suspend {
            firsts.entry(&object.connection).or_insert(object);
        }
    }
    firsts.retain(|name, _| names.iter().any(|one| one == name));
    let narrowed = Checked {
        desired: firsts.values().map(|object| Arc::clone(object)).collect(),
        ..checked.clone()
    };
    let (accounts, seen) = read_side_by_side(&narrowed, settings, &Accounts::new()).await;
    let mut probes: BTreeMap<String, Probe> = names
        .iter()
        .map(|name| (name.clone(), Probe::Idle))
        .collect();
    for (object, observed) in seen {
        let account = accounts.get(object.connection.as_str());
        let probe = match observed {
            Observed::Live(_) | Observed::Missing => Probe::Answered {
                clock_ahead: account.and_then(|account| account.clock_ahead()),
            },
            Observed::Unread(failure) => Probe::Failed(failure.text),
        };
        probes.insert(object.connection.to_string(), probe);
    }
    probes
}
