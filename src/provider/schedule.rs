//! Updates that a vendor carries out by itself at a moment, as far as a kind has them.

use crate::model::schedule::{LiveSchedule, ScheduleWrite, ScheduledChange, ScheduledUpdate};
use crate::model::{Call, Desired};

/// Schedules changes of the objects of one kind at their vendor.
///
/// Its reading shows the schedule of each object whose coming states are at the vendor. An update begins at a full hour.
pub trait Scheduler: Sync {
    /// Says why the vendor cannot carry out one of the changes of an update.
    fn refuse(&self, change: &ScheduledChange) -> Option<Unschedulable>;

    /// The most changes of one update, counted as the vendor counts them.
    fn exceeds_limit(&self, update: &ScheduledUpdate) -> Option<Unschedulable>;

    /// Spells a write of an update. `Err` if the vendor does not have an element yet that the update changes.
    fn encode(
        &self,
        desired: &Desired,
        schedule: &LiveSchedule,
        write: &ScheduleWrite,
    ) -> Result<Call, NotThereYet>;
}

/// Says why a change cannot be carried out by the vendor at a moment, as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unschedulable(pub &'static str);

/// An update changes an element that the live object does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not there yet")]
pub struct NotThereYet(pub String);
