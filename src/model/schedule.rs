//! Updates of an object that its vendor carries out by itself at a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::path::FieldPath;
use super::text::Text;

/// An update that a vendor is to carry out.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledUpdate {
    /// A full hour.
    pub at: Timestamp,
    /// In the order of the field table.
    pub changes: Vec<ScheduledChange>,
}

/// One field or element that an update changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledChange {
    pub path: FieldPath,
    /// The value from then on; `None` for an element that goes.
    pub to: Option<Json>,
}

/// What an update changes, as plans show it: new values by path, null for an element that goes.
pub type ValuesByPath = BTreeMap<String, Json>;

impl ScheduledUpdate {
    /// Returns the new values by path.
    pub fn values(&self) -> ValuesByPath {
        let changes = self.changes.iter();
        changes
            .map(|change| {
                (
                    change.path.to_string(),
                    change.to.clone().unwrap_or_default(),
                )
            })
            .collect()
    }
}

/// The updates of one object that its vendor has, as a read shows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveSchedule {
    /// Those that are still to be carried out, and those that failed.
    pub updates: Vec<LiveUpdate>,
    /// The ids by which updates name elements of the object, by the paths of the elements.
    pub ids: BTreeMap<String, u64>,
}

/// An update as its vendor has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveUpdate {
    pub id: Text,
    pub at: Timestamp,
    /// Whether `entitle` made it.
    pub is_ours: bool,
    pub name: String,
    pub values: ValuesByPath,
    pub state: UpdateState,
}

/// What has become of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateState {
    Pending {
        /// The vendor's words if it foresees that the update will fail.
        predicted: Option<String>,
    },
    /// Nothing of it was carried out, for this reason.
    Failed(String),
}

impl LiveUpdate {
    pub fn is_pending(&self) -> bool {
        matches!(self.state, UpdateState::Pending { .. })
    }
}

/// A write of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleWrite {
    Create(ScheduledUpdate),
    /// The update with this id gets another moment, other changes, or both.
    Replace(Text, ScheduledUpdate),
    Cancel(Text),
}

/// Returns the first full hour that is not before a moment; the last hour there is beyond it.
pub fn full_hour_from(moment: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600;
    let second = moment.as_second();
    let is_within = moment.subsec_nanosecond() != 0;
    let hour = second.div_euclid(HOUR) * HOUR;
    match hour == second && !is_within {
        true => moment,
        false => Timestamp::from_second(hour + HOUR).unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_within_an_hour_waits_for_the_next() {
        let hour = |moment: &str| full_hour_from(moment.parse().unwrap()).to_string();
        assert_eq!(hour("2027-07-01T10:00:00Z"), "2027-07-01T10:00:00Z");
        assert_eq!(hour("2027-07-01T10:00:00.5Z"), "2027-07-01T11:00:00Z");
        assert_eq!(hour("2027-07-01T10:59:59Z"), "2027-07-01T11:00:00Z");
        // Midnight in Kolkata is half past an hour in UTC.
        assert_eq!(hour("2027-07-01T00:00:00+05:30"), "2027-06-30T19:00:00Z");
        assert_eq!(hour("1969-12-31T23:30:00Z"), "1970-01-01T00:00:00Z");
        assert_eq!(full_hour_from(Timestamp::MAX), Timestamp::MAX);
    }
}
