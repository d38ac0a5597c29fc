//! Notices that another writer keeps changing a field back, and gives the field up.
//!
//! A *heal* is a write of a field that had matched the same manifest before. A field that is healed again and again
//! does not drift, it is fought over: another tool or person wants another value and keeps restoring it. Healing on
//! would make two writers take turns at a customer's licence.
//!
//! # Example
//!
//! `activations_allowed` is 10 in the manifest, and a script of the vendor's support sets it to 4 every ten minutes.
//!
//! | minute | what happens | heals of the last 60 minutes |
//! | --- | --- | --- |
//! | 0 | 4 is found and healed | 0 |
//! | 10 | 4 is found and healed | 0, 10 |
//! | 20 | 4 is found and healed | 0, 10, 20 |
//! | 30 | 4 is found: the field is contested and given up | |
//!
//! From then on the object is shown as fought over and the other fields are healed as before, until the manifest
//! changes. Had the script run every 40 minutes, no 60 minutes would hold three heals, and each change would be
//! healed. A heal at minute 0 counts up to 59:59.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::plan::Refusal;

/// Heals of one field within `WINDOW` after which the next change is a fight: two may be a person who did not know,
/// three are a program.
const HEALS: usize = 3;
pub const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The heals of one object by field path, and the fields that were given up. Few objects have any, so the others pay
/// for one pointer only.
#[derive(Debug)]
pub struct FieldFights<T>(Option<Box<FightRecord<T>>>);

/// The heals and the given-up fields of one object.
#[derive(Debug)]
struct FightRecord<T> {
    /// The last heals of each field, the oldest first.
    healed: BTreeMap<String, VecDeque<T>>,
    /// When each field was given up.
    given_up: BTreeMap<String, T>,
}

impl<T> Default for FieldFights<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for FightRecord<T> {
    fn default() -> Self {
        Self {
            healed: BTreeMap::new(),
            given_up: BTreeMap::new(),
        }
    }
}

impl<T: Copy + Ord + std::ops::Add<Duration, Output = T>> FieldFights<T> {
    /// Records that fields were changed back.
    pub fn record_heals<'a>(&mut self, paths: impl Iterator<Item = &'a str>, now: T) {
        let fought = self.0.get_or_insert_default();
        for path in paths {
            let heals = fought.healed.entry(path.to_string()).or_default();
            heals.push_back(now);
            // Only the last `HEALS` matter, so an object that is healed for years takes no more room.
            if heals.len() > HEALS {
                heals.pop_front();
            }
        }
        fought
            .healed
            .retain(|_, heals| heals.back().is_some_and(|last| *last + WINDOW > now));
    }

    /// Restores what earlier processes recorded: heals, and fields that were given up.
    pub fn from_history(
        healed: impl Iterator<Item = (String, VecDeque<T>)>,
        given_up: impl Iterator<Item = (String, T)>,
    ) -> Self {
        let fought = FightRecord {
            healed: healed.collect(),
            given_up: given_up.collect(),
        };
        let none = fought.healed.is_empty() && fought.given_up.is_empty();
        Self((!none).then(|| Box::new(fought)))
    }

    /// Returns the fields that were healed so often within the last hour that another change to them is a fight.
    pub fn contested_fields(&self, now: T) -> Vec<String> {
        let often = |heals: &VecDeque<T>| {
            let recent = heals.iter().filter(|at| **at + WINDOW > now);
            recent.count() >= HEALS
        };
        let healed = self.0.iter().flat_map(|fought| &fought.healed);
        let contested = healed.filter(|(_, heals)| often(heals));
        contested.map(|(path, _)| path.clone()).collect()
    }

    /// Records that fields are not healed any more.
    pub fn give_up(&mut self, paths: &[String], now: T) {
        let fought = self.0.get_or_insert_default();
        for path in paths {
            fought.healed.remove(path);
            fought.given_up.insert(path.clone(), now);
        }
    }

    /// Returns when the first field was given up; `None` if none was.
    pub fn given_up_since(&self) -> Option<T> {
        self.0.as_ref()?.given_up.values().min().copied()
    }

    /// Returns the fields that are not healed any more.
    pub fn given_up_fields(&self) -> impl Iterator<Item = &str> {
        let fought = self.0.iter();
        fought.flat_map(|fought| fought.given_up.keys().map(String::as_str))
    }

    /// Reports whether any field was given up.
    pub fn has_given_up(&self) -> bool {
        self.given_up_since().is_some()
    }

    /// Forgets everything, as a changed manifest demands.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Returns the refusal to change these fields once more.
pub fn fight_refusal(fields: Vec<String>) -> Refusal {
    Refusal::Fight {
        fields,
        heals: HEALS,
        window: WINDOW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn one(path: &'static str) -> impl Iterator<Item = &'static str> {
        [path].into_iter()
    }

    #[test]
    fn the_fourth_change_within_the_window_is_a_fight() {
        let mut fights = FieldFights::default();
        for minute in [0, 10, 20] {
            assert_eq!(fights.contested_fields(at(minute)), [""; 0]);
            fights.record_heals(one("count"), at(minute));
        }
        let contested = fights.contested_fields(at(30));
        assert_eq!(contested, ["count"]);
        fights.give_up(&contested, at(30));
        assert_eq!(fights.given_up_fields().collect::<Vec<_>>(), ["count"]);
        assert_eq!(fights.given_up_since(), Some(at(30)));
        fights.clear();
        assert!(!fights.has_given_up());
    }

    #[test]
    fn slow_drift_is_no_fight_and_takes_no_room() {
        let mut fights = FieldFights::default();
        for turn in 0..1000 {
            let now = at(turn * 40);
            assert_eq!(fights.contested_fields(now), [""; 0]);
            fights.record_heals(one("count"), now);
        }
        assert!(fights.0.as_ref().unwrap().healed["count"].len() <= HEALS);
        fights.record_heals(one("other"), at(1_000_000));
        assert_eq!(fights.0.as_ref().unwrap().healed.len(), 1);
    }

    #[test]
    fn a_heal_counts_for_less_than_an_hour() {
        let mut fights = FieldFights::default();
        for minute in [0, 10, 20] {
            fights.record_heals(one("count"), at(minute));
        }
        let edge = WINDOW;
        assert_eq!(edge, at(60));
        let before = edge - Duration::from_secs(1);
        assert_eq!(fights.contested_fields(before), ["count"]);
        assert_eq!(fights.contested_fields(edge), [""; 0]);
    }

    #[test]
    fn a_field_without_a_heal_in_the_last_hour_takes_no_room() {
        let kept = |minute: u64| {
            let mut fights = FieldFights::default();
            fights.record_heals(one("count"), at(0));
            fights.record_heals(one("other"), at(minute));
            fights.0.as_ref().unwrap().healed.len()
        };
        assert_eq!((kept(59), kept(60)), (2, 1));
    }

    #[test]
    fn only_the_contested_field_is_given_up_and_since_the_first_of_them() {
        let mut fights = FieldFights::default();
        assert!(!fights.has_given_up());
        for _ in 0..3 {
            fights.record_heals(["count", "end"].into_iter(), at(1));
        }
        fights.record_heals(one("name"), at(1));
        assert_eq!(fights.contested_fields(at(2)), ["count", "end"]);
        assert!(!fights.has_given_up(), "contested is not given up");
        fights.give_up(&["end".into()], at(4));
        // A field that was given up is no longer counted, so another change to it is no fight.
        assert_eq!(fights.contested_fields(at(4)), ["count"]);
        fights.give_up(&["count".into()], at(3));
        assert_eq!(fights.contested_fields(at(4)), [""; 0]);
        assert_eq!(
            fights.given_up_fields().collect::<Vec<_>>(),
            ["count", "end"]
        );
        assert_eq!(fights.given_up_since(), Some(at(3)));
        assert!(fights.has_given_up());
        fights.clear();
        assert_eq!(
            (fights.given_up_since(), fights.given_up_fields().count()),
            (None, 0)
        );
    }

    #[test]
    fn the_words_name_fields_and_numbers() {
        let words = fight_refusal(vec!["count".into(), "end".into()]).to_string();
        let start = "count, end was changed back 3 times within 60 minutes and differs again";
        assert!(words.starts_with(start), "{words}");
    }
}
