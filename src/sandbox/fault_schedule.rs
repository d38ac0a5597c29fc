//! The fault schedule: draws the fault, if any, that a call meets. Pure: no clock, no socket, no account.
//!
//! In: a [`FaultPlan`], then call after call. Out: a [`FaultDraw`] per call, with the fault to apply and entropy
//! for its details.
//!
//! # How a fault is drawn
//!
//! A draw depends on the seed, the vendor, the call itself (method, path, query, body) and the history of that same
//! call, and on nothing else:
//!
//! ```text
//! call    = first 8 bytes of SHA-256(seed, vendor, 0, method, 0, target, 0, body)
//! entropy = splitmix64(call xor splitmix64(times this call was made before))
//! fault   = the plan's fault at number (entropy mod 10,000)
//!           none if it forces a retry and the last 3 attempts at this call failed
//! ```
//!
//! The simpler choice, the ordinal of the call at its vendor, would make a run depend on which of two concurrent
//! calls arrives first. With a hash, the third attempt at a certain PATCH meets the same fault in every run with
//! the seed, whatever else is under way, so a failure found once can be found again.
//!
//! The effect of a fault is not reproducible in the same way: earlier calls decide if a read can be stale or a session
//! can be ended, and an ended session or a foreign edit also shows in other calls that are under way.
//!
//! # Worked example
//!
//! With the plan `1:503=100` every number drawn stands for `503`. The same call made eight times gets:
//!
//! | attempt | drawn | failures in a row before it | result |
//! | --- | --- | --- | --- |
//! | 1, 2, 3 | `503` | 0, 1, 2 | `503` |
//! | 4 | `503` | 3, the maximum | let through; the count returns to 0 |
//! | 5, 6, 7 | `503` | 0, 1, 2 | `503` |
//! | 8 | `503` | 3 | let through |
//!
//! With `1:slow=100` all eight are slow: a slow reply arrives, so it does not count as a failure.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::fault_plan::{BASIS_POINTS, FaultKind, FaultPlan};
use super::pseudo_random::splitmix64;

/// The most failures of the same call in a row; the next attempt is let through.
///
/// A client that retries at least three times therefore always gets its reply.
const MAX_CONSECUTIVE_FAILURES: u8 = 3;

/// The fault schedule of one vendor.
pub(super) struct FaultSchedule {
    plan: FaultPlan,
    vendor: &'static str,
    /// What happened to each distinct call, by its hash. A client repeats the same calls from pass to pass, so
    /// this grows with distinct calls only.
    histories: HashMap<u64, CallHistory>,
}

/// What happened so far to one call and its repetitions.
#[derive(Clone, Copy, Default)]
struct CallHistory {
    count: u64,
    consecutive_failures: u8,
}

/// The result of a draw for one call.
pub(super) struct FaultDraw {
    /// The hash of the call, the key of its history.
    call: u64,
    /// The fault to apply; `None` if the call goes well.
    pub fault: Option<FaultKind>,
    /// Chooses the details of the fault, such as which value a foreign edit changes.
    pub entropy: u64,
}

impl FaultSchedule {
    /// Returns a schedule that has seen no call yet.
    pub fn new(plan: FaultPlan, vendor: &'static str) -> Self {
        Self {
            plan,
            vendor,
            histories: HashMap::new(),
        }
    }

    /// Returns the plan that faults are drawn from.
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Draws the fault of a call. The caller must [record the outcome](Self::record_outcome) afterwards.
    ///
    /// `target` is path and query as sent. Drawing twice without recording gives the same draw.
    pub fn draw(&self, method: &str, target: &str, body: &[u8]) -> FaultDraw {
        let mut hash = Sha256::new();
        hash.update(self.plan.seed().to_be_bytes());
        for part in [self.vendor, method, target] {
            hash.update(part);
            // None of the three contains a zero byte, so two different calls never hash the same bytes.
            hash.update([0]);
        }
        hash.update(body);
        let digest = hash.finalize();
        let call = digest.iter().take(8);
        let call = call.fold(0, |number, byte| number << 8 | u64::from(*byte));
        let history = self.histories.get(&call).copied().unwrap_or_default();
        let entropy = splitmix64(call ^ splitmix64(history.count));
        // The remainder is below 10,000, so it fits.
        let fault = self
            .plan
            .fault_at((entropy % u64::from(BASIS_POINTS)) as u32);
        let let_through = history.consecutive_failures >= MAX_CONSECUTIVE_FAILURES;
        FaultDraw {
            call,
            fault: fault.filter(|kind| !(let_through && kind.forces_retry())),
            entropy: splitmix64(entropy),
        }
    }

    /// Records which fault was applied to a drawn call.
    ///
    /// `applied` is `None` if the call went well, also when a drawn fault found nothing to disturb.
    pub fn record_outcome(&mut self, draw: &FaultDraw, applied: Option<FaultKind>) {
        let history = self.histories.entry(draw.call).or_default();
        history.count += 1;
        history.consecutive_failures = match applied {
            Some(kind) if kind.forces_retry() => history.consecutive_failures + 1,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn plan(text: &str) -> FaultPlan {
        text.parse().unwrap()
    }

    /// Returns the names of the faults that the first `count` attempts at a call meet; `None` for an undisturbed one.
    fn met(plan: &FaultPlan, path: &str, count: usize) -> Vec<Option<&'static str>> {
        let mut schedule = FaultSchedule::new(plan.clone(), "lac");
        let mut once = || {
            let draw = schedule.draw("PATCH", path, b"{}");
            schedule.record_outcome(&draw, draw.fault);
            draw.fault.map(FaultKind::name)
        };
        (0..count).map(|_| once()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_faults_whatever_goes_on_beside() {
        let plan = FaultPlan::seeded(7);
        let alone = met(&plan, "/a", 200);
        assert_eq!(alone, met(&plan, "/a", 200));
        let mut schedule = FaultSchedule::new(plan.clone(), "lac");
        for expected in alone {
            for other in ["/b", "/c"] {
                let draw = schedule.draw("PATCH", other, b"{}");
                schedule.record_outcome(&draw, draw.fault);
            }
            let draw = schedule.draw("PATCH", "/a", b"{}");
            assert_eq!(draw.fault.map(FaultKind::name), expected);
            schedule.record_outcome(&draw, draw.fault);
        }
    }

    #[test]
    fn seed_vendor_method_path_and_body_all_count() {
        let first = |seed, vendor, method, path, body: &str| {
            let schedule = FaultSchedule::new(FaultPlan::seeded(seed), vendor);
            schedule.draw(method, path, body.as_bytes()).entropy
        };
        let all = [
            first(1, "lac", "GET", "/a", ""),
            first(2, "lac", "GET", "/a", ""),
            first(1, "alinea", "GET", "/a", ""),
            first(1, "lac", "PUT", "/a", ""),
            first(1, "lac", "GET", "/a?x=1", ""),
            first(1, "lac", "GET", "/a", "{}"),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_ne!(met(&plan("1"), "/a", 200), met(&plan("2"), "/a", 200));
    }

    #[test]
    fn the_default_mix_reaches_every_fault_on_one_call_in_six() {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let schedule = FaultSchedule::new(FaultPlan::seeded(3), "lac");
        for number in 0..60_000 {
            let draw = schedule.draw("GET", &format!("/{number}"), b"");
            *counts
                .entry(draw.fault.map_or("", FaultKind::name))
                .or_default() += 1;
        }
        let well = counts.remove("").unwrap();
        assert!((49_500..50_600).contains(&well), "{well}");
        let reached: Vec<_> = counts.keys().copied().collect();
        let mut known: Vec<_> = FaultPlan::names().collect();
        known.sort_unstable();
        assert_eq!(reached, known);
    }

    #[test]
    fn percentages_roughly_hold() {
        let met = met(&plan("5:429=10,slow=25,stale=0"), "/a", 20_000);
        let count = |name| met.iter().filter(|one| **one == Some(name)).count();
        assert!((1_800..2_200).contains(&count("429")), "{}", count("429"));
        assert!((4_700..5_300).contains(&count("slow")), "{}", count("slow"));
        assert_eq!(count("stale"), 0);
    }

    #[test]
    fn a_call_fails_three_times_in_a_row_and_then_not() {
        let three = [Some("503"), Some("503"), Some("503"), None];
        assert_eq!(met(&plan("1:503=100"), "/a", 8), [three, three].concat());
        // A fault that lets the call through is no failure.
        assert_eq!(met(&plan("1:slow=100"), "/a", 5), [Some("slow"); 5]);
    }
}
