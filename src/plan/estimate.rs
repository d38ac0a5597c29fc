//! Estimates how long the writes of a plan take, from what the account allows.
//!
//! The measured speed of the account's answers is not used, so that equal inputs give equal plans, byte for byte.
//!
//! A write may cost more calls than itself. If it replaces more than it manages, the object is read again before the
//! write, unless the read of the plan is trusted. If the reply does not show the object, it is read once more after the
//! write. Steps share such reads if one call shows many objects. The limiter lets a call start one window after the
//! answer to the call that it follows, so every window is longer than stated by the time of an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Disposition, Planned};
use crate::model::{Echo, Kind, Limits, Verify, WriteChecks, WritePurpose};
use crate::provider::{self, ResourceKind};

/// The assumed time of one call to a management API. It is a constant, so that equal inputs give equal plans.
const CALL: Duration = Duration::from_millis(200);

/// The rate at which an account may be asked, and the time that it is assumed to take for an answer.
#[derive(Clone, Debug)]
pub struct Pace {
    pub limits: Limits,
    /// The assumed time from a request to its answer.
    pub answer: Duration,
    pub checks: WriteChecks,
}

impl Pace {
    pub fn new(limits: Limits, checks: WriteChecks) -> Self {
        Self {
            limits,
            answer: CALL,
            checks,
        }
    }

    /// Returns the seconds that `calls` calls take.
    fn seconds(&self, calls: usize) -> f64 {
        let answer = self.answer.as_secs_f64();
        let rounds = calls.div_ceil(self.limits.concurrency.max(1));
        let paced = self.limits.rates.iter().map(|rate| {
            let windows = calls.saturating_sub(1) / rate.requests.max(1) as usize;
            windows as f64 * (rate.per.as_secs_f64() + answer) + answer
        });
        paced.fold(rounds as f64 * answer, f64::max)
    }

    /// Returns the number of calls that are done in `seconds`.
    fn calls(&self, seconds: f64) -> usize {
        // The time grows with the number of calls, so bisection finds the number.
        let (mut low, mut high) = (0, 1 << 32);
        while low + 1 < high {
            let middle = (low + high) / 2;
            if self.seconds(middle) <= seconds {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The calls that the writes of one account need beside the writes themselves.
#[derive(Clone, Copy)]
struct Cost {
    /// Calls of one look, and the objects that it may show.
    look: usize,
    shows: usize,
    /// True if objects are read before their write, which a merging write does not need. No such read is made while the
    /// read of the plan is trusted.
    before: bool,
    /// True if objects are read after their write.
    after: bool,
}

impl Cost {
    fn of(kind: &dyn ResourceKind, write: WriteKind<'_>, planned: &Planned, pace: &Pace) -> Self {
        let call = kind.table().call_for(write.purpose);
        Self {
            look: kind.reading(&[&planned.desired]).ready().len(),
            // Steps share a look with those that wait at the moment, about a third of all under way.
            shows: kind
                .ids_per_read()
                .min(pace.limits.concurrency)
                .div_ceil(3)
                .max(1),
            before: write.is_first && write.replaces,
            after: match call.echo {
                Echo::Whole => pace.checks.verify == Verify::Read,
                Echo::Nothing => true,
            },
        }
    }

    /// Returns the number of calls that it takes to look at `objects` objects.
    fn looks(&self, objects: usize) -> usize {
        objects.div_ceil(self.shows) * self.look
    }

    /// Returns the number of calls that `writes` writes take, with the looks after them.
    fn writes(&self, writes: usize) -> usize {
        writes + if self.after { self.looks(writes) } else { 0 }
    }
}

/// The numbers of requests that a run sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCost {
    /// Requests that were sent already: logins and reads.
    pub sent: usize,
    pub writes: usize,
    /// Requests around the writes, at most: reads right before and after each write, logins and logouts.
    pub around: usize,
}

impl RequestCost {
    pub fn total(self) -> usize {
        self.sent + self.writes + self.around
    }
}

/// Counts the requests that the writes of a plan take, at most. Requests that must be sent again are not counted.
///
/// Steps whose turn comes together share reads, so a run may send fewer. `is_fresh` is false for a saved plan: each of
/// its objects is read before its write. For example, 3 writes at a vendor whose replies show the object, and that
/// replaces more than it is sent, give 3 writes and 3 requests around them.
pub fn count_requests(
    planned: &[Planned],
    paces: &BTreeMap<String, Pace>,
    is_fresh: bool,
) -> RequestCost {
    let mut cost = RequestCost::default();
    for (write, (count, first)) in count_writes(planned) {
        let (Some(pace), Some(kind)) = write.find(paces) else {
            continue;
        };
        let Cost {
            look,
            before,
            after,
            ..
        } = Cost::of(kind, write, first, pace);
        let looks = usize::from(before || !is_fresh) + usize::from(after);
        cost.writes += count;
        cost.around += count * look * looks;
    }
    cost
}

/// Writes that cost the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WriteKind<'a> {
    connection: &'a str,
    kind: Kind,
    purpose: WritePurpose,
    /// True for the first write of its object.
    is_first: bool,
    /// True if a write of the same object replaces more than it is sent, so that the object is read before.
    replaces: bool,
}

impl WriteKind<'_> {
    fn find<'p>(
        &self,
        paces: &'p BTreeMap<String, Pace>,
    ) -> (Option<&'p Pace>, Option<&'static dyn ResourceKind>) {
        (paces.get(self.connection), provider::find_kind(self.kind.0))
    }
}

/// Counts the writes that cost the same, with one of the objects that stands for all.
fn count_writes(planned: &[Planned]) -> BTreeMap<WriteKind<'_>, (usize, &Planned)> {
    let mut counted: BTreeMap<WriteKind<'_>, (usize, &Planned)> = BTreeMap::new();
    for one in planned.iter().filter(|one| one.action.writes()) {
        let kind = one.desired.address.kind;
        let Some(found) = provider::find_kind(kind.0) else {
            continue;
        };
        let table = found.table();
        // The writes of a saved plan are made when its objects are read; each takes one at least.
        let purposes = one.step.as_ref().map_or_else(
            || vec![first_purpose(one.action)],
            |step| step.writes.iter().map(|write| write.purpose).collect(),
        );
        let replaces = |purpose: &WritePurpose| table.call_for(*purpose).mode.replaces();
        let writes = one.step.as_ref().map_or(&[][..], |step| &step.writes);
        let replaces = purposes.iter().any(replaces)
            || writes.iter().any(|write| write.carries_along(&one.changes));
        for (position, purpose) in purposes.into_iter().enumerate() {
            let write = WriteKind {
                connection: one.desired.connection.as_str(),
                kind,
                purpose,
                is_first: position == 0,
                replaces,
            };
            counted.entry(write).or_insert((0, one)).0 += 1;
        }
    }
    counted
}

/// Returns what the first write of an object does.
fn first_purpose(action: Disposition) -> WritePurpose {
    match action {
        Disposition::Create => WritePurpose::Create,
        Disposition::Remove => WritePurpose::Remove,
        _ => WritePurpose::Update(0),
    }
}

/// Estimates the seconds that the writes of a plan take: the time of the slowest connection, in tenths of a second.
pub fn estimate_seconds(planned: &[Planned], paces: &BTreeMap<String, Pace>) -> f64 {
    // The kinds of one account share its limits, so their times add up.
    let mut accounts: BTreeMap<&str, f64> = BTreeMap::new();
    for (write, (count, first)) in count_writes(planned) {
        let (Some(pace), Some(kind)) = write.find(paces) else {
            continue;
        };
        let seconds = of_writes(pace, Cost::of(kind, write, first, pace), count);
        *accounts.entry(write.connection).or_default() += seconds;
    }
    let slowest = accounts.into_values().fold(0.0, f64::max);
    // A plan without writes takes no time; any other takes at least 0.1 s.
    let least = if slowest > 0.0 { 0.1 } else { 0.0 };
    ((slowest * 10.0).round() / 10.0).max(least)
}

/// Estimates the seconds that `writes` writes to one account take.
fn of_writes(pace: &Pace, cost: Cost, writes: usize) -> f64 {
    let trusted = match pace.checks.trust_reads {
        Duration::ZERO => 0,
        age => (pace.calls(age.as_secs_f64()) / cost.writes(1)).min(writes),
    };
    let looked_at = if cost.before { writes - trusted } else { 0 };
    let calls = cost.writes(writes) + cost.looks(looked_at);
    // The exchanges of one step follow one another, and steps that share a look wait for it together.
    let after = if cost.after { writes } else { 0 };
    let rounds = (looked_at + writes + after).div_ceil(pace.limits.concurrency.max(1));
    pace.seconds(calls)
        .max(rounds as f64 * pace.answer.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::super::step::{Step, StepWrite};
    use super::*;
    use crate::model::RateLimit;
    use crate::model::{Call, Fields};
    use crate::provider::testing::desired_object;

    fn pace(concurrency: usize, rates: &[(u32, u64)], millis: u64) -> Pace {
        let rate = |(requests, seconds): &(u32, u64)| RateLimit {
            requests: *requests,
            per: Duration::from_secs(*seconds),
        };
        Pace {
            limits: Limits {
                concurrency,
                rates: rates.iter().map(rate).collect(),
            },
            answer: Duration::from_millis(millis),
            checks: WriteChecks::default(),
        }
    }

    #[test]
    fn calls_are_bound_by_concurrency_and_by_the_slowest_rate() {
        assert_eq!(pace(10, &[], 20).seconds(1_000), 2.0);
        assert_eq!(pace(10, &[(50, 5)], 0).seconds(1_000), 95.0);
        assert_eq!(pace(10, &[(600, 60), (50, 1)], 0).seconds(600), 11.0);
        // Each window begins with an answer, and the last call has one too.
        assert_eq!(pace(10, &[(50, 5)], 200).seconds(1_000), 99.0);
        assert_eq!(pace(10, &[], 20).calls(2.0), 1_000);
    }

    #[test]
    fn reads_before_writes_are_counted_unless_they_are_trusted() {
        let merge = Cost {
            look: 1,
            shows: 1,
            before: false,
            after: false,
        };
        let replace = Cost {
            before: true,
            ..merge
        };
        let many = Cost {
            shows: 10,
            ..replace
        };
        let mut pace = pace(10, &[(20, 1)], 0);
        assert_eq!(of_writes(&pace, merge, 1_000), 49.0);
        assert_eq!(of_writes(&pace, replace, 1_000), 99.0);
        assert_eq!(of_writes(&pace, many, 1_000), 54.0);
        let twice = Cost {
            after: true,
            ..replace
        };
        assert_eq!(of_writes(&pace, twice, 1_000), 149.0);
        // 220 writes in the first ten seconds, then two calls for each.
        pace.checks.trust_reads = Duration::from_secs(10);
        assert_eq!(of_writes(&pace, replace, 1_000), 88.0);
        assert_eq!(of_writes(&pace, replace, 100), 4.0);
    }

    #[test]
    fn looks_cost_their_calls_and_steps_wait_for_them() {
        let cost = Cost {
            look: 1,
            shows: 10,
            before: true,
            after: true,
        };
        // 120 calls, but a look, a write and a look follow one another 100 times.
        assert_eq!(of_writes(&pace(10, &[], 200), cost, 100), 6.0);
        let long = Cost {
            look: 2,
            shows: 1,
            after: false,
            ..cost
        };
        assert_eq!(of_writes(&pace(10, &[(20, 1)], 0), long, 1_000), 149.0);
        // Writes of two calls: 110 are done in the first ten seconds.
        let mut pace = pace(10, &[(20, 1)], 0);
        pace.checks.trust_reads = Duration::from_secs(10);
        let twice = Cost { shows: 1, ..cost };
        assert_eq!(of_writes(&pace, twice, 1_000), 144.0);
    }

    const CRYPTLEX: [(&str, &str); 2] = [("organizationId", "1"), ("licenseId", "2")];

    /// A write of the first call of a kind.
    fn write() -> StepWrite {
        StepWrite {
            purpose: WritePurpose::Update(0),
            call: Call::get("/"),
            sent: Fields::new(),
            changes: vec![0],
        }
    }

    /// The estimate for so many writes of a kind, one call at a time.
    fn estimated(kind: &str, ids: &[(&'static str, &str)], writes: usize, pace: Pace) -> f64 {
        let table = provider::find_kind(kind).unwrap().table();
        let mut planned = Planned::bare(
            &desired_object(table, ids).into(),
            Disposition::Update,
            None,
        );
        planned.step = Some(Box::new(Step {
            writes: vec![write()],
        }));
        let paces = [(planned.desired.connection.to_string(), pace)].into();
        let all = vec![planned.clone(); writes];
        let seconds = estimate_seconds(&all, &paces);
        planned.action = Disposition::Observe;
        let idle = [all, vec![planned; 5]].concat();
        assert_eq!(super::estimate_seconds(&idle, &paces), seconds, "{kind}");
        seconds
    }

    #[test]
    fn a_write_that_replaces_is_read_before_and_one_without_an_echo_after() {
        let second = || pace(1, &[], 1_000);
        let cryptlex = |pace: Pace| estimated("CryptlexOrganizationLicense", &CRYPTLEX, 4, pace);
        assert_eq!(cryptlex(second()), 4.0);
        let mut checked = second();
        checked.checks.verify = Verify::Read;
        assert_eq!(cryptlex(checked), 8.0);
        let order = [("activationKey", "1")];
        assert_eq!(estimated("LacLicenseOrder", &order, 4, second()), 8.0);
        // A look at one is two calls.
        let license = [("licenseId", "1")];
        assert_eq!(estimated("AlineaLicense", &license, 4, second()), 20.0);
    }

    #[test]
    fn nothing_takes_no_time_at_all_but_a_plan_without_writes() {
        let quick = |writes| {
            let pace = pace(1, &[], 1);
            estimated("CryptlexOrganizationLicense", &CRYPTLEX, writes, pace)
        };
        assert_eq!((quick(0), quick(1), quick(260)), (0.0, 0.1, 0.3));
    }
}
