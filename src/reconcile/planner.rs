//! Plans objects while others are still read.
//!
//! Replies are taken apart on the one task that drives the reading. Planning what they show costs about as
//! much again, so for large accounts it happens beside it; the plan is the same whoever is first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{iter, mem, panic, thread};

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};

use crate::model::{Address, Desired, Live, Observed};
use crate::plan::{self, Planned};
use crate::provider;

/// Objects that are planned together: enough that handing them over costs nothing beside planning them, and
/// few enough that nobody waits for the last ones.
const BATCH: usize = 128;

/// An object, its place among all, and what was seen of it.
type ObservedObject = (usize, Arc<Desired>, Observed);

/// A planned object, and the live values that its write starts from.
type PlannedBatch = (usize, Planned, Option<Live>);

pub struct Planner {
    now: Timestamp,
    waiting: Vec<ObservedObject>,
    /// Batches under way, and how many there may be: of what waits for them, all is in memory.
    batches: JoinSet<Vec<PlannedBatch>>,
    most: usize,
    /// By place among all.
    planned: Vec<Option<Planned>>,
    live: BTreeMap<Address, Live>,
}

impl Planner {
    pub fn new(objects: usize, now: Timestamp) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            now,
            waiting: Vec::new(),
            batches: JoinSet::new(),
            most: cores - 1,
            planned: iter::repeat_with(|| None).take(objects).collect(),
            live: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, place: usize, object: &Arc<Desired>, seen: Observed) {
        self.waiting.push((place, Arc::clone(object), seen));
        if self.waiting.len() < BATCH {
            return;
        }
        while let Some(batch) = self.batches.try_join_next() {
            self.take(of_a_batch(batch));
        }
        let (batch, now) = (mem::take(&mut self.waiting), self.now);
        if self.batches.len() < self.most {
            self.batches.spawn_blocking(move || plan_batch(batch, now));
        } else {
            // Nobody is free, so the reading waits.
            self.take(plan_batch(batch, now));
        }
    }

    /// The plans in the order of their places, and the live values of what is to be written: most objects
    /// are in sync, and nothing is kept of what was seen of those.
    pub async fn finish(mut self) -> (Vec<Planned>, BTreeMap<Address, Live>) {
        let rest = mem::take(&mut self.waiting);
        self.take(plan_batch(rest, self.now));
        while let Some(batch) = self.batches.join_next().await {
            self.take(of_a_batch(batch));
        }
        (self.planned.into_iter().flatten().collect(), self.live)
    }

    fn take(&mut self, done: Vec<PlannedBatch>) {
        for (place, planned, seen) in done {
            if let Some(seen) = seen {
                self.live.insert(planned.desired.address.clone(), seen);
            }
            self.planned[place] = Some(planned);
        }
    }
}

fn of_a_batch(ended: Result<Vec<PlannedBatch>, JoinError>) -> Vec<PlannedBatch> {
    // Nobody cancels one, so it is a fault of ours, which must not look like a plan.
    ended.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))
}

fn plan_batch(batch: Vec<ObservedObject>, now: Timestamp) -> Vec<PlannedBatch> {
    let one = |(place, object, seen): ObservedObject| {
        let kind = provider::find_kind(object.address.kind.0)?;
        let planned = plan::plan_object(kind, &object, &seen, now);
        let live = match seen {
            Observed::Live(live) if planned.step.is_some() => Some(live),
            Observed::Live(_) | Observed::Missing | Observed::Unread(_) => None,
        };
        Some((place, planned, live))
    };
    batch.into_iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::provider::testing::desired_object;

    /// More than a batch, so that some are planned elsewhere, and no whole number of batches.
    const OBJECTS: usize = 3 * BATCH + 7;

    fn licenses() -> Vec<(Arc<Desired>, Observed)> {
        let table = provider::find_kind("CryptlexOrganizationLicense")
            .unwrap()
            .table();
        let license = |number: usize| {
            let mut license = desired_object(table, &[("organizationId", "o"), ("licenseId", "l")]);
            license.address.name = format!("license-{number:04}");
            license.fields.extend([("userGroupIds", Value::set(["a"]))]);
            // Every third is to be written.
            let there = if number.is_multiple_of(3) { "b" } else { "a" };
            let live = Live {
                fields: [("userGroupIds", Value::set([there]))].into(),
                ..Live::default()
            };
            (Arc::new(license), Observed::Live(live))
        };
        (0..OBJECTS).map(license).collect()
    }

    #[tokio::test]
    async fn the_plan_is_the_same_in_whatever_order_objects_are_seen() {
        let licenses = licenses();
        let now = Timestamp::UNIX_EPOCH;
        let mut seen: Vec<usize> = (0..OBJECTS).collect();
        // A step that has no divisor in common with the count comes by every place once.
        for turn in [1, 2, 100] {
            seen.sort_by_key(|place| place * turn % OBJECTS);
            let mut planner = Planner::new(OBJECTS, now);
            for place in &seen {
                let (license, live) = &licenses[*place];
                planner.add(*place, license, live.clone());
            }
            let (planned, live) = planner.finish().await;
            let names = planned.iter().map(|one| &one.desired.address.name);
            assert!(names.eq(licenses.iter().map(|(license, _)| &license.address.name)));
            let written = planned.iter().filter(|one| one.step.is_some());
            assert_eq!(written.count(), OBJECTS.div_ceil(3));
            assert_eq!(live.len(), OBJECTS.div_ceil(3));
        }
    }

    #[tokio::test]
    async fn what_was_never_seen_is_not_planned() {
        let (license, live) = licenses().remove(0);
        let mut planner = Planner::new(2, Timestamp::UNIX_EPOCH);
        planner.add(1, &license, live);
        assert_eq!(planner.finish().await.0.len(), 1);
    }
}
