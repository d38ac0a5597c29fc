//! Finds dated changes that begin for so many objects of a connection at once that a daemon holds them back, reviewed and
//! merged or not: a wrong date or a wrong edition is merged as easily as a wrong number.
//!
//! For example on 2027-07-01 212 of the 500 objects of `lac` change, which is more than 30 %.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::ObjectEntry;
use super::guard::check_change_count;
use super::max_changes::{LimitBase, MaxChanges};

/// A moment at which more objects of a connection change than a daemon writes without approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MassChange {
    /// The day or moment as the manifests have it.
    pub date: String,
    /// The same in UTC.
    pub at: String,
    pub connection: String,
    /// How many objects change, and of how many.
    pub changing: usize,
    pub objects: usize,
    /// The limit of a daemon that is given none.
    pub limit: String,
}

/// Counts the objects of each connection, and those that change at each moment.
#[derive(Default)]
pub struct ChangeTally<'a> {
    objects: BTreeMap<&'a str, usize>,
    /// By moment in UTC and connection: the date as it is written, and how many objects change.
    changing: BTreeMap<(&'a str, &'a str), (&'a str, usize)>,
}

impl<'a> ChangeTally<'a> {
    /// Counts an object.
    pub fn add_object(&mut self, connection: &'a str) {
        *self.objects.entry(connection).or_default() += 1;
    }

    /// Counts a change of an object, which begins on `date`, in UTC at `at`.
    pub fn add_change(&mut self, connection: &'a str, date: &'a str, at: &'a str) {
        let entry = self.changing.entry((at, connection));
        entry.or_insert((date, 0)).1 += 1;
    }

    /// Returns the moments with more changes than the limit of a daemon that is given none, in the order of time.
    pub fn find(&self) -> Vec<MassChange> {
        let Ok(limit) = MaxChanges::OF_DAEMON.parse::<MaxChanges>() else {
            return Vec::new();
        };
        let moments = self.changing.iter();
        let masses = moments.filter_map(|((at, connection), (date, changing))| {
            let objects = self.objects.get(connection).copied().unwrap_or_default();
            let base = LimitBase::Connection((*connection).to_string());
            let is_held = check_change_count(*changing, objects, limit, base).is_err();
            is_held.then(|| MassChange {
                date: (*date).to_string(),
                at: (*at).to_string(),
                connection: (*connection).to_string(),
                changing: *changing,
                objects,
                limit: limit.to_string(),
            })
        });
        masses.collect()
    }
}

/// Returns the mass changes among what comes for the objects of a plan, as far ahead as it notes changes.
pub fn find_mass_changes(objects: &[ObjectEntry]) -> Vec<MassChange> {
    let mut tally = ChangeTally::default();
    for object in objects {
        tally.add_object(&object.connection);
        let coming = object.coming.next.iter();
        for entry in coming.filter(|entry| !entry.changes.is_empty()) {
            tally.add_change(&object.connection, &entry.from, &entry.at);
        }
    }
    tally.find()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_the_limit_of_one_connection_is_a_mass() {
        let mut tally = ChangeTally::default();
        for connection in ["lac", "other"] {
            (0..20).for_each(|_| tally.add_object(connection));
        }
        (0..7).for_each(|_| tally.add_change("lac", "2027-07-01", "2027-07-01T00:00:00Z"));
        (0..6).for_each(|_| tally.add_change("other", "2027-07-01", "2027-07-01T00:00:00Z"));
        (0..6).for_each(|_| tally.add_change("lac", "2027-08-01", "2027-08-01T00:00:00Z"));
        let masses = tally.find();
        let found: Vec<_> = masses
            .iter()
            .map(|one| (one.connection.as_str(), one.changing, one.objects))
            .collect();
        assert_eq!(found, [("lac", 7, 20)]);
        assert_eq!(
            (masses[0].date.as_str(), masses[0].limit.as_str()),
            ("2027-07-01", "30%")
        );
    }
}
