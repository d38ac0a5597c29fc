//! The connections as a reader sees them: what was called, what is left, who may write, when it is looked at next. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::StateCounts;
use crate::daemon::mode::RunMode;
use crate::daemon::serve::words::period_words;
use crate::daemon::status::{
    ConnectionError, ConnectionProblem, ConnectionStatus, ObjectStatus, RateStatus, Status,
};

/// One connection with what its objects say of it.
pub struct ConnectionView<'a> {
    pub name: &'a str,
    pub status: &'a ConnectionStatus,
    pub objects: StateCounts,
    /// Exchanges since the start of the daemon, with and without an answer.
    pub calls: u64,
    /// The rate of which the smallest share is left; `None` if the vendor's rates are not known here.
    pub tightest_rate: Option<String>,
    /// When one of its objects is looked at next.
    pub next_look: Option<Timestamp>,
    pub lease: LeaseView<'a>,
}

/// The process that may write to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseView<'a> {
    /// No process: the daemon only looks.
    NotNeeded,
    /// Another run, as it calls itself.
    Other(&'a str),
    /// Another replica of the daemon.
    Replica(&'a str),
    /// This daemon takes it for each pass.
    Free,
}

impl LeaseView<'_> {
    /// Returns the words for it.
    pub fn describe(self) -> String {
        match self {
            Self::NotNeeded => "not needed (observe)".into(),
            Self::Other(holder) => format!("held by {holder}"),
            Self::Replica(name) => format!("with the replica {name}"),
            Self::Free => "free, taken for each pass".into(),
        }
    }
}

/// Returns all connections in the order of their names.
pub fn list_connections(status: &Status, now: Timestamp) -> Vec<ConnectionView<'_>> {
    let mut objects: BTreeMap<&str, Vec<&ObjectStatus>> = BTreeMap::new();
    for object in &status.objects {
        objects.entry(&object.connection).or_default().push(object);
    }
    let connections = status.connections.iter();
    connections
        .map(|(name, connection)| {
            let objects = objects.remove(name.as_str()).unwrap_or_default();
            ConnectionView {
                name,
                status: connection,
                calls: connection.requests.values().sum(),
                tightest_rate: tightest_rate(&connection.rates, now),
                next_look: objects.iter().filter_map(|object| object.next_wake).min(),
                lease: lease_holder(status.mode, connection),
                objects: StateCounts::count_objects(objects),
            }
        })
        .collect()
}

/// Returns who may write to the account of a connection.
fn lease_holder(mode: RunMode, connection: &ConnectionStatus) -> LeaseView<'_> {
    if let Some(holder) = &connection.locked {
        return LeaseView::Other(holder);
    }
    let keeper = connection.keeper.as_ref().filter(|keeper| !keeper.is_own);
    match keeper.and_then(|keeper| keeper.replica.as_deref()) {
        Some(replica) => LeaseView::Replica(replica),
        None if mode == RunMode::Observe => LeaseView::NotNeeded,
        None => LeaseView::Free,
    }
}

/// Returns the last error, unless it comes from a problem of the connection, which is still there and shown by itself.
pub fn past_error(status: &ConnectionStatus) -> Option<&ConnectionError> {
    let error = status.last_error.as_ref()?;
    let is_of_problem = |problem: &ConnectionProblem| problem.since <= error.at;
    (!status.problems.iter().any(is_of_problem)).then_some(error)
}

/// Returns what is left of the rate that is used up most: `48 of 50 in 5 s`.
fn tightest_rate(rates: &[RateStatus], now: Timestamp) -> Option<String> {
    let left = rates.iter().map(|rate| {
        // Nothing was sent since the pass that this is of.
        let left = if rate.full_at <= now {
            rate.requests
        } else {
            rate.left
        };
        (left, rate)
    });
    let share = |left: u32, rate: &RateStatus| f64::from(left) / f64::from(rate.requests.max(1));
    let tightest = left.min_by(|(a, one), (b, other)| share(*a, one).total_cmp(&share(*b, other)));
    tightest.map(|(left, rate)| {
        format!(
            "{left} of {} in {}",
            rate.requests,
            period_words(rate.per_seconds)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::serve::samples;

    #[test]
    fn a_connection_says_what_is_left_and_who_may_write() {
        let status = samples::sample_status(200);
        let views = list_connections(&status, samples::sample_now());
        let by_name = |name: &str| views.iter().find(|view| view.name == name).expect("there");
        let lac = by_name("lac");
        assert_eq!((lac.calls, lac.objects.total()), (916, 40));
        assert_eq!(lac.tightest_rate.as_deref(), Some("12 of 50 in 5 s"));
        assert_eq!(lac.lease, LeaseView::Free);
        let wakes = status
            .objects
            .iter()
            .filter(|object| object.connection == "lac");
        assert_eq!(
            lac.next_look,
            wakes.filter_map(|object| object.next_wake).min()
        );
        assert!(
            by_name("spring")
                .lease
                .describe()
                .starts_with("held by entitle apply of ann")
        );
        assert_eq!(
            by_name("alinea").lease,
            LeaseView::Replica("entitle-watch-7d9f8-x2x4k")
        );
    }

    #[test]
    fn a_rate_is_full_again_once_its_window_has_passed() {
        let status = samples::sample_status(1);
        let later = samples::sample_now() + jiff::SignedDuration::from_secs(60);
        let views = list_connections(&status, later);
        assert_eq!(
            views[0].tightest_rate.as_deref(),
            Some("600 of 600 in 1 min")
        );
    }
}
