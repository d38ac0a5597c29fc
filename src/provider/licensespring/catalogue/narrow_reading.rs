//! Reads the wanted objects by the fewest calls: one for each first member of a key and for each number, or the whole list.
//!
//! One call is enough for one first member, or one number. For more the first page of the whole list is asked for, which
//! says how many pages follow: if that are fewer than first members and numbers, the list is walked to its end. Numbers are
//! looked up in the whole list where no call shows one object.
//!
//! # Worked example
//!
//! Values of custom fields on three licenses, in an account with 250 values: after the first page two more show all of
//! them, so the list is walked on. With 5,000 values 50 pages would follow; three calls with the filter `license` are less.

use std::collections::BTreeMap;

use super::Catalogue;
use super::list::{CatalogueList, Name};
use crate::model::{Call, Desired, Observed, ReadFailure, Text};
use crate::provider::licensespring::list_walk::WalkStep;
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, is_absent, require_success,
};

#[derive(Clone, Debug)]
enum Purpose {
    /// The page of the whole list at an offset.
    Whole(usize),
    /// The page at an offset of the objects with this first member of their keys.
    First(Text, usize),
    /// The object at an index, by its number.
    Single(usize),
}

/// The objects with one first member of their keys, and the indices of those that are wanted.
struct Narrowed {
    list: CatalogueList,
    indices: Vec<usize>,
}

/// Reads the wanted objects.
pub struct NarrowReading {
    outbox: Outbox<Purpose>,
    whole: CatalogueList,
    firsts: BTreeMap<Text, Narrowed>,
    targets: Vec<Name>,
    settled: Settled,
}

impl NarrowReading {
    pub fn new(catalogue: &'static Catalogue, desired: &[&Desired]) -> Self {
        let targets: Vec<Name> = { desired.iter() }
            .map(|one| Name::of(catalogue, one))
            .collect();
        let mut firsts = BTreeMap::new();
        for (index, target) in targets.iter().enumerate() {
            if let Name::Key((first, _)) = target {
                let filter = (catalogue.key_names[0], first.clone());
                let narrowed = firsts.entry(first.clone()).or_insert_with(|| Narrowed {
                    list: CatalogueList::filtered(catalogue, filter),
                    indices: Vec::new(),
                });
                narrowed.indices.push(index);
            }
        }
        let mut reading = Self {
            outbox: Outbox::default(),
            whole: CatalogueList::new(catalogue),
            firsts,
            targets,
            settled: Settled::none_of(desired.len()),
        };
        match reading.narrow_calls() {
            Some(0 | 1) => reading.ask_narrowly(),
            _ => reading.ask_whole(),
        }
        reading
    }

    /// Returns the number of calls without the whole list, if none of them has more than a page; `None` if only the whole
    /// list shows all objects.
    fn narrow_calls(&self) -> Option<usize> {
        let ids = { self.targets.iter() }.filter(|target| matches!(target, Name::Id(_)));
        match ids.count() {
            0 => Some(self.firsts.len()),
            ids if self.whole.catalogue.has_single => Some(self.firsts.len() + ids),
            _ => None,
        }
    }

    fn ask_whole(&mut self) {
        let (offset, call) = self.whole.next_page();
        self.outbox.send(call, Purpose::Whole(offset));
    }

    fn ask_narrowly(&mut self) {
        for (first, narrowed) in &self.firsts {
            let (offset, call) = narrowed.list.next_page();
            let purpose = Purpose::First(first.clone(), offset);
            self.outbox.send(call, purpose);
        }
        for (index, target) in self.targets.iter().enumerate() {
            if let Name::Id(id) = target {
                let call = Call::get(self.whole.catalogue.path_of(id));
                self.outbox.send(call, Purpose::Single(index));
            }
        }
    }

    fn take_whole(&mut self, offset: usize, name: &str, answer: Answer) {
        let reply = require_success(name, answer);
        let step = reply.and_then(|reply| self.whole.take(offset, &reply, name));
        let failure = match step {
            Ok(WalkStep::Ask)
                if offset == 0 && { self.narrow_calls() }
                    .is_some_and(|calls| self.whole.pages_left() >= calls) =>
            {
                return self.ask_narrowly();
            }
            Ok(WalkStep::Ask) => return self.ask_whole(),
            Ok(WalkStep::End) => None,
            Ok(WalkStep::Abandon(why)) => Some(ReadFailure::odd(why)),
            Err(failure) => Some(failure),
        };
        for (index, target) in self.targets.iter().enumerate() {
            let observed = match &failure {
                Some(failure) => Observed::Unread(failure.clone()),
                None => self.whole.find(target),
            };
            self.settled.put(index, observed);
        }
    }

    fn take_first(&mut self, first: &Text, offset: usize, name: &str, answer: Answer) {
        let Some(Narrowed { list, indices }) = self.firsts.get_mut(first) else {
            return;
        };
        let reply = require_success(name, answer);
        let failure = match reply.and_then(|reply| list.take(offset, &reply, name)) {
            Ok(WalkStep::Ask) => {
                let (offset, call) = list.next_page();
                let purpose = Purpose::First(first.clone(), offset);
                return self.outbox.send(call, purpose);
            }
            Ok(WalkStep::End) => None,
            Ok(WalkStep::Abandon(why)) => Some(ReadFailure::odd(why)),
            Err(failure) => Some(failure),
        };
        for index in indices.iter().copied() {
            let observed = match &failure {
                Some(failure) => Observed::Unread(failure.clone()),
                None => list.find(&self.targets[index]),
            };
            self.settled.put(index, observed);
        }
    }

    fn take_single(&mut self, index: usize, name: &str, answer: Answer) {
        let Name::Id(id) = &self.targets[index] else {
            return;
        };
        let is_absent = is_absent(&answer);
        let read = require_success(name, answer)
            .and_then(|reply| self.whole.catalogue.single(id, &reply, name));
        let observed = match read {
            Ok(live) => Observed::Live(live),
            Err(_) if is_absent => Observed::Missing,
            Err(failure) => Observed::Unread(failure),
        };
        self.settled.put(index, observed);
    }
}

impl Reading for NarrowReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Whole(offset) => self.take_whole(offset, &name, answer),
            Purpose::First(first, offset) => {
                self.take_first(&first, offset, &name, answer);
            }
            Purpose::Single(index) => self.take_single(index, &name, answer),
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let noun = self.whole.catalogue.noun;
        self.settled
            .finish(|_| Observed::Unread(ReadFailure::odd(format!("the {noun} was not asked for"))))
    }
}
