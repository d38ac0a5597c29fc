//! A priority queue of calls that wait for a permit. Pure: it knows no time and no network.
//!
//! Writes go first, since a run is there to write. Then come the reads that a step needs before and after its write,
//! and last the reads of whole accounts. Calls of one urgency are served in the order in which they came.
//!
//! No call waits for ever: of [`FAIR_TURN`] permits in a row, at least one goes to the call that has waited longest.
//! With `FAIR_TURN` = 8 and writes coming without end, a read that was there before them is served after seven writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

/// The purpose of a call. A variant that comes earlier is served earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A write, or the login that all other calls wait for.
    Write,
    /// A read of an object whose step is under way.
    Check,
    /// A read for a plan.
    Read,
}

const URGENCIES: [Urgency; 3] = [Urgency::Write, Urgency::Check, Urgency::Read];

/// Small enough that a plan made beside a long apply still gets on, large enough that an apply does not
/// notice it.
const FAIR_TURN: u32 = 8;

/// A place in the queue. Lower numbers came earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueTicket {
    pub urgency: Urgency,
    number: u64,
}

#[derive(Default)]
pub struct PriorityQueue {
    /// The waiting calls by urgency and number, each with what wakes it.
    waiting: [BTreeMap<u64, Arc<Notify>>; URGENCIES.len()],
    /// Tickets issued so far.
    issued: u64,
    /// Permits in a row that went past the call that has waited longest.
    overtaken: u32,
}

impl PriorityQueue {
    /// Adds a call behind those of its urgency. The `Notify` wakes it when it should ask again whether it is next.
    pub fn enqueue(&mut self, urgency: Urgency) -> (QueueTicket, Arc<Notify>) {
        let number = self.issued;
        self.issued += 1;
        let wake = Arc::new(Notify::new());
        self.waiting[urgency as usize].insert(number, Arc::clone(&wake));
        (QueueTicket { urgency, number }, wake)
    }

    /// Returns the ticket that is served next; `None` if no call waits.
    pub fn next(&self) -> Option<QueueTicket> {
        let mut heads = URGENCIES.iter().filter_map(|urgency| {
            let (number, _) = self.waiting[*urgency as usize].first_key_value()?;
            Some(QueueTicket {
                urgency: *urgency,
                number: *number,
            })
        });
        if self.overtaken + 1 < FAIR_TURN {
            heads.next()
        } else {
            heads.min_by_key(|ticket| ticket.number)
        }
    }

    /// Removes the ticket of a call that got its permit.
    pub fn serve(&mut self, ticket: QueueTicket) {
        self.remove(ticket);
        let waiting = self.waiting.iter().filter_map(BTreeMap::first_key_value);
        let older = waiting.map(|(number, _)| *number).min();
        let passed = older.is_some_and(|older| older < ticket.number);
        self.overtaken = if passed { self.overtaken + 1 } else { 0 };
    }

    /// Removes the ticket of a call that gave up.
    pub fn remove(&mut self, ticket: QueueTicket) {
        self.waiting[ticket.urgency as usize].remove(&ticket.number);
    }

    /// Wakes the call that is next. One that does not listen yet is woken as soon as it does.
    pub fn notify_next(&self) {
        let next = self.next();
        let next =
            next.and_then(|ticket| self.waiting[ticket.urgency as usize].get(&ticket.number));
        if let Some(wake) = next {
            wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves everybody in the line: the letter of each urgency in the order of the turns.
    fn serve(line: &mut PriorityQueue) -> String {
        let mut served = String::new();
        while let Some(ticket) = line.next() {
            line.serve(ticket);
            served.push(match ticket.urgency {
                Urgency::Write => 'w',
                Urgency::Check => 'c',
                Urgency::Read => 'r',
            });
        }
        served
    }

    fn joined(letters: &str) -> PriorityQueue {
        let mut line = PriorityQueue::default();
        for letter in letters.chars() {
            line.enqueue(match letter {
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
        // Writes that came earlier do not pass over a read, so no read goes before them.
        assert_eq!(
            serve(&mut joined(&format!("{writes}rrr"))),
            format!("{writes}rrr")
        );
    }

    #[test]
    fn equals_are_served_in_the_order_in_which_they_came() {
        let mut line = PriorityQueue::default();
        let tickets: Vec<QueueTicket> = (0..5).map(|_| line.enqueue(Urgency::Read).0).collect();
        line.remove(tickets[0]);
        line.remove(tickets[2]);
        for expected in [1, 3, 4] {
            assert_eq!(line.next(), Some(tickets[expected]));
            line.serve(tickets[expected]);
        }
        assert_eq!(line.next(), None);
    }
}
