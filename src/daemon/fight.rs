//! Somebody else writes what we write: noticing it, and giving up.
//!
//! A heal is a write of a field that had been as wanted under the same manifest. A field that is healed
//! again and again is not drifting, it is being fought over: another tool or person wants another value
//! and keeps putting it back. Healing it on would only make two writers take turns at a customer's licence.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::plan::Refusal;

/// Heals of one field in `WINDOW` after which the next change is a fight: twice may be a person who did
/// not know, three times is a program.
const HEALS: usize = 3;
pub const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The heals of one object by field path, and the fields that were given up. Hardly any object has some, so
/// they take no room in the others.
#[derive(Debug)]
pub struct Fights<T>(Option<Box<Fought<T>>>);

#[derive(Debug)]
struct Fought<T> {
    healed: BTreeMap<String, VecDeque<T>>,
    given_up: BTreeMap<String, T>,
}

impl<T> Default for Fights<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Fought<T> {
    fn default() -> Self {
        Self {
            healed: BTreeMap::new(),
            given_up: BTreeMap::new(),
        }
    }
}

impl<T: Copy + Ord + std::ops::Add<Duration, Output = T>> Fights<T> {
    /// Fields were changed back.
    pub fn healed<'a>(&mut self, paths: impl Iterator<Item = &'a str>, now: T) {
        let fought = self.0.get_or_insert_default();
        for path in paths {
            let heals = fought.healed.entry(path.to_string()).or_default();
            heals.push_back(now);
            // More are never asked for, so an object that is healed for years takes no more room.
            if heals.len() > HEALS {
                heals.pop_front();
            }
        }
        fought
            .healed
            .retain(|_, heals| heals.back().is_some_and(|last| *last + WINDOW > now));
    }

    /// Fields were given up, or changed back, before this process began.
    pub fn remembered(
        healed: impl Iterator<Item = (String, VecDeque<T>)>,
        given_up: impl Iterator<Item = (String, T)>,
    ) -> Self {
        let fought = Fought {
            healed: healed.collect(),
            given_up: given_up.collect(),
        };
        let none = fought.healed.is_empty() && fought.given_up.is_empty();
        Self((!none).then(|| Box::new(fought)))
    }

    /// Fields that were healed so often of late that another change to them is a fight.
    pub fn contested(&self, now: T) -> Vec<String> {
        let often = |heals: &VecDeque<T>| {
            let recent = heals.iter().filter(|at| **at + WINDOW > now);
            recent.count() >= HEALS
        };
        let healed = self.0.iter().flat_map(|fought| &fought.healed);
        let contested = healed.filter(|(_, heals)| often(heals));
        contested.map(|(path, _)| path.clone()).collect()
    }

    /// Fields are not healed any more.
    pub fn give_up(&mut self, paths: &[String], now: T) {
        let fought = self.0.get_or_insert_default();
        for path in paths {
            fought.healed.remove(path);
            fought.given_up.insert(path.clone(), now);
        }
    }

    /// Since when the first of them was given up.
    pub fn since(&self) -> Option<T> {
        self.0.as_ref()?.given_up.values().min().copied()
    }

    /// The fields that are not healed any more.
    pub fn given_up(&self) -> impl Iterator<Item = &str> {
        let fought = self.0.iter();
        fought.flat_map(|fought| fought.given_up.keys().map(String::as_str))
    }

    pub fn is_on(&self) -> bool {
        self.since().is_some()
    }

    /// A new manifest starts anew.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Returns the refusal to change these fields once more.
pub fn refusal(fields: Vec<String>) -> Refusal {
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
        let mut fights = Fights::default();
        for minute in [0, 10, 20] {
            assert_eq!(fights.contested(at(minute)), [""; 0]);
            fights.healed(one("count"), at(minute));
        }
        let contested = fights.contested(at(30));
        assert_eq!(contested, ["count"]);
        fights.give_up(&contested, at(30));
        assert_eq!(fights.given_up().collect::<Vec<_>>(), ["count"]);
        assert_eq!(fights.since(), Some(at(30)));
        fights.forget();
        assert!(!fights.is_on());
    }

    #[test]
    fn slow_drift_is_no_fight_and_takes_no_room() {
        let mut fights = Fights::default();
        for turn in 0..1000 {
            let now = at(turn * 40);
            assert_eq!(fights.contested(now), [""; 0]);
            fights.healed(one("count"), now);
        }
        assert!(fights.0.as_ref().unwrap().healed["count"].len() <= HEALS);
        fights.healed(one("other"), at(1_000_000));
        assert_eq!(fights.0.as_ref().unwrap().healed.len(), 1);
    }

    #[test]
    fn a_heal_counts_for_less_than_an_hour() {
        let mut fights = Fights::default();
        for minute in [0, 10, 20] {
            fights.healed(one("count"), at(minute));
        }
        let edge = WINDOW;
        assert_eq!(edge, at(60));
        let before = edge - Duration::from_secs(1);
        assert_eq!(fights.contested(before), ["count"]);
        assert_eq!(fights.contested(edge), [""; 0]);
    }

    #[test]
    fn a_field_without_a_heal_in_the_last_hour_takes_no_room() {
        let kept = |minute: u64| {
            let mut fights = Fights::default();
            fights.healed(one("count"), at(0));
            fights.healed(one("other"), at(minute));
            fights.0.as_ref().unwrap().healed.len()
        };
        assert_eq!((kept(59), kept(60)), (2, 1));
    }

    #[test]
    fn only_the_contested_field_is_given_up_and_since_the_first_of_them() {
        let mut fights = Fights::default();
        assert!(!fights.is_on());
        for _ in 0..3 {
            fights.healed(["count", "end"].into_iter(), at(1));
        }
        fights.healed(one("name"), at(1));
        assert_eq!(fights.contested(at(2)), ["count", "end"]);
        assert!(!fights.is_on(), "contested is not given up");
        fights.give_up(&["end".into()], at(4));
        // What was given up is no longer counted; a new change to it is nobody's business.
        assert_eq!(fights.contested(at(4)), ["count"]);
        fights.give_up(&["count".into()], at(3));
        assert_eq!(fights.contested(at(4)), [""; 0]);
        assert_eq!(fights.given_up().collect::<Vec<_>>(), ["count", "end"]);
        assert_eq!(fights.since(), Some(at(3)));
        assert!(fights.is_on());
        fights.forget();
        assert_eq!((fights.since(), fights.given_up().count()), (None, 0));
    }

    #[test]
    fn the_words_name_fields_and_numbers() {
        let words = refusal(vec!["count".into(), "end".into()]).to_string();
        let start = "count, end was changed back 3 times within 60 minutes and differs again";
        assert!(words.starts_with(start), "{words}");
    }
}
