//! Plans objects while others are still read.
//!
//! Input are observed objects in any order, output the plans in the order of the manifests. Replies are decoded
//! on the one task that drives the reading, and planning costs about as much again. So full batches are planned
//! on other threads, and the result is the same whichever batch ends first.
//!
//! Example: with 4 cores and 1,000 objects, three batches of 128 may be planned at once. If a fourth is full
//! meanwhile, the reading task plans it by itself, which also bounds the memory of waiting batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{iter, mem, panic, thread};

use jiff::Timestamp;
use tokio::task::{JoinError, JoinSet};

use super::named_twice::refuse_second_names;
use crate::model::{Address, Desired, Live, Observed, Text};
use crate::plan::dependencies::order_steps;
use crate::plan::{self, Planned};
use crate::provider;

/// Objects that are planned together: enough that handing them over costs little beside planning them, and few
/// enough that the last batch is short.
const BATCH: usize = 128;

/// An object with its index in the manifests and what was observed.
type ObservedObject = (usize, Arc<Desired>, Observed);

/// One plan of a batch.
struct PlannedObject {
    index: usize,
    planned: Planned,
    /// The live values, if the write starts from them.
    live: Option<Live>,
    /// The vendor's id, of an object that its manifest names by a key.
    id: Option<Text>,
}

/// Collects observed objects, plans them in batches, and puts the plans in order.
pub struct Planner {
    now: Timestamp,
    /// Objects of the batch that is not full yet.
    waiting: Vec<ObservedObject>,
    /// Batches under way. All of their objects are in memory.
    batches: JoinSet<Vec<PlannedObject>>,
    /// Batches under way at most: the cores less the one that reads; 0 on one core.
    most: usize,
    /// Plans by index; `None` until an object is planned.
    planned: Vec<Option<Planned>>,
    /// Live values of the objects that are to be written.
    live: BTreeMap<Address, Live>,
    /// The vendor's ids of objects that manifests name by keys.
    ids: BTreeMap<Address, Text>,
}

impl Planner {
    /// Begins a plan of `objects` objects at the time `now`.
    pub fn new(objects: usize, now: Timestamp) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            now,
            waiting: Vec::new(),
            batches: JoinSet::new(),
            most: cores - 1,
            planned: iter::repeat_with(|| None).take(objects).collect(),
            live: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Adds an observed object; `index` is its position in the plan. A full batch goes to a worker thread, or is
    /// planned here if none is free.
    pub fn add(&mut self, index: usize, object: &Arc<Desired>, seen: Observed) {
        self.waiting.push((index, Arc::clone(object), seen));
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
            // No worker is free, so the reading waits.
            self.take(plan_batch(batch, now));
        }
    }

    /// Plans the rest, waits for all batches, and returns the plans in order with the live values for the
    /// writes.
    ///
    /// Most objects are in sync, and their live values are dropped as soon as they are planned.
    pub async fn finish(mut self) -> (Vec<Planned>, BTreeMap<Address, Live>) {
        let rest = mem::take(&mut self.waiting);
        self.take(plan_batch(rest, self.now));
        while let Some(batch) = self.batches.join_next().await {
            self.take(of_a_batch(batch));
        }
        let mut planned: Vec<Planned> = self.planned.into_iter().flatten().collect();
        refuse_second_names(&mut planned, &self.ids);
        order_steps(&mut planned);
        (planned, self.live)
    }

    /// Puts the plans of a batch at their indexes.
    fn take(&mut self, done: Vec<PlannedObject>) {
        for one in done {
            let address = &one.planned.desired.address;
            if let Some(live) = one.live {
                self.live.insert(address.clone(), live);
            }
            if let Some(id) = one.id {
                self.ids.insert(address.clone(), id);
            }
            self.planned[one.index] = Some(one.planned);
        }
    }
}

/// Returns the plans of a batch. A panic in the batch is resumed here: half a plan must not look like a whole one.
fn of_a_batch(ended: Result<Vec<PlannedObject>, JoinError>) -> Vec<PlannedObject> {
    // A batch is never cancelled, so the error is a panic: a bug, which must not look like a plan.
    ended.unwrap_or_else(|failed| panic::resume_unwind(failed.into_panic()))
}

/// Plans the objects of a batch. Objects of unknown kinds are left out.
fn plan_batch(batch: Vec<ObservedObject>, now: Timestamp) -> Vec<PlannedObject> {
    let one = |(index, object, seen): ObservedObject| {
        let kind = provider::find_kind(object.address.kind.0)?;
        let planned = plan::plan_object(kind, &object, &seen, now);
        let id = match &seen {
            Observed::Live(live) => object.found_id(kind.table(), live),
            Observed::Missing | Observed::Creatable(_) | Observed::Unread(_) => None,
        };
        let live = match seen {
            Observed::Live(live) if planned.step.is_some() => Some(live),
            Observed::Live(_)
            | Observed::Missing
            | Observed::Creatable(_)
            | Observed::Unread(_) => None,
        };
        Some(PlannedObject {
            index,
            planned,
            live,
            id,
        })
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
            seen.sort_by_key(|index| index * turn % OBJECTS);
            let mut planner = Planner::new(OBJECTS, now);
            for index in &seen {
                let (license, live) = &licenses[*index];
                planner.add(*index, license, live.clone());
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
