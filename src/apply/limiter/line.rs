//! Who waits for a turn, and who is next: a line without time and without a network.
//!
//! Writes go first: what a run is for must not wait until everything is read. Then the looks that a step
//! needs before and after its write, and then the reads of whole accounts. Among calls of one urgency the
//! first come is the first served, so no object overtakes another.
//!
//! Nobody waits for ever: of [`TURNS`] turns in a row, at least one goes to whoever has waited longest.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

/// What a call is for; the first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A write, or the login that everybody waits for.
    Write,
    /// A look at an object whose step is under way.
    Check,
    /// A read for a plan.
    Read,
}

const URGENCIES: [Urgency; 3] = [Urgency::Write, Urgency::Check, Urgency::Read];

/// Small enough that a plan made beside a long apply still gets on, large enough that an apply does not
/// notice it.
const TURNS: u32 = 8;

/// A place in the line. Lower numbers came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub urgency: Urgency,
    number: u64,
}

#[derive(Default)]
pub struct Line {
    /// The waiting by urgency and number, each with what calls it.
    waiting: [BTreeMap<u64, Arc<Notify>>; URGENCIES.len()],
    /// How many have come so far.
    come: u64,
    /// Turns in a row that went past whoever has waited longest.
    passed: u32,
}

impl Line {
    /// Joins at the end of the callers of this urgency. The second part tells when to look again.
    pub fn join(&mut self, urgency: Urgency) -> (Place, Arc<Notify>) {
        let number = self.come;
        self.come += 1;
        let called = Arc::new(Notify::new());
        self.waiting[urgency as usize].insert(number, Arc::clone(&called));
        (Place { urgency, number }, called)
    }

    /// Whose turn is next.
    pub fn next(&self) -> Option<Place> {
        let mut heads = URGENCIES.iter().filter_map(|urgency| {
            let (number, _) = self.waiting[*urgency as usize].first_key_value()?;
            Some(Place {
                urgency: *urgency,
                number: *number,
            })
        });
        if self.passed + 1 < TURNS {
            heads.next()
        } else {
            heads.min_by_key(|place| place.number)
        }
    }

    /// Somebody has got its turn.
    pub fn served(&mut self, place: Place) {
        self.leave(place);
        let waiting = self.waiting.iter().filter_map(BTreeMap::first_key_value);
        let older = waiting.map(|(number, _)| *number).min();
        let passed = older.is_some_and(|older| older < place.number);
        self.passed = if passed { self.passed + 1 } else { 0 };
    }

    /// Somebody goes without a turn.
    pub fn leave(&mut self, place: Place) {
        self.waiting[place.urgency as usize].remove(&place.number);
    }

    /// Tells whoever is next to look. A call to somebody who is not listening yet is kept for it.
    pub fn call(&self) {
        let next = self.next();
        let next = next.and_then(|place| self.waiting[place.urgency as usize].get(&place.number));
        if let Some(called) = next {
            called.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves everybody in the line: the letter of each urgency in the order of the turns.
    fn serve(line: &mut Line) -> String {
        let mut served = String::new();
        while let Some(place) = line.next() {
            line.served(place);
            served.push(match place.urgency {
                Urgency::Write => 'w',
                Urgency::Check => 'c',
                Urgency::Read => 'r',
            });
        }
        served
    }

    fn joined(letters: &str) -> Line {
        let mut line = Line::default();
        for letter in letters.chars() {
            line.join(match letter {
                'w' => Urgency::Write,
                'c' => Urgency::Check,
                _ => Urgency::Read,
            });
        }
        line
    }

    #[test]
    fn writes_go_first_then_checks() {
        assert_eq!(serve(&mut joined("rrcrw")), "wcrrr");
        assert_eq!(serve(&mut joined("wcr")), "wcr");
    }

    #[test]
    fn of_eight_turns_one_goes_to_whoever_waits_longest() {
        let writes = "w".repeat(20);
        assert_eq!(
            serve(&mut joined(&format!("rrr{writes}"))),
            "wwwwwwwrwwwwwwwrwwwwwwr"
        );
        // Nobody is passed over who came later.
        assert_eq!(
            serve(&mut joined(&format!("{writes}rrr"))),
            format!("{writes}rrr")
        );
    }

    #[test]
    fn equals_are_served_in_the_order_in_which_they_came() {
        let mut line = Line::default();
        let places: Vec<Place> = (0..5).map(|_| line.join(Urgency::Read).0).collect();
        line.leave(places[0]);
        line.leave(places[2]);
        for expected in [1, 3, 4] {
            assert_eq!(line.next(), Some(places[expected]));
            line.served(places[expected]);
        }
        assert_eq!(line.next(), None);
    }
}
