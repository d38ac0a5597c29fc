//! Somebody else writes what we write: noticing it, and giving up.
//!
//! A heal is a write of a field that had been as wanted under the same manifest. A field that is healed
//! again and again is not drifting, it is being fought over: another tool or person wants another value
//! and keeps putting it back. Healing it on would only make two writers take turns at a customer's licence.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

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

/// Who wins, and what to do about it.
pub fn words(fields: &[String]) -> String {
    format!(
        "{} was changed back {HEALS} times within {} minutes and differs again: somebody else writes it, and \
         theirs stays until the manifest changes. Put it under `policy.ignore`, or stop the other writer",
        fields.join(", "),
        WINDOW.as_secs() / 60
    )
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
}
