//! Reads the wanted objects of a catalogue.

use std::collections::BTreeMap;

use super::list::{CatalogueList, Name};
use super::{COUNTED, Catalogue, HOLDERS, Holders, KeyForm};
use crate::model::{Call, Desired, Live, Observed, ReadFailure};
use crate::provider::licensespring::list_walk::WalkStep;
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, is_absent, require_success,
};

/// A wanted object.
struct Target {
    named: Name,
    is_to_go: bool,
    may_be_unlisted: bool,
}

impl Target {
    fn of(catalogue: &Catalogue, desired: &Desired) -> Self {
        Self {
            named: Name::of(catalogue, desired),
            is_to_go: desired.policy.absent,
            may_be_unlisted: catalogue.may_be_unlisted(desired),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// The page at an offset.
    Page(usize),
    /// The object at an index, by its number.
    Single(usize),
    /// The licenses that have an object which is to be removed.
    Licenses(usize),
}

/// Reads the wanted objects of a catalogue.
pub struct CatalogueReading {
    outbox: Outbox<Purpose>,
    list: CatalogueList,
    targets: Vec<Target>,
    /// Objects that are to be removed, until their licenses are counted.
    going: BTreeMap<usize, (Live, &'static Holders)>,
    settled: Settled,
}

impl CatalogueReading {
    pub fn new(catalogue: &'static Catalogue, desired: &[&Desired]) -> Self {
        let targets = desired.iter().map(|one| Target::of(catalogue, one));
        let mut reading = Self {
            outbox: Outbox::default(),
            list: CatalogueList::new(catalogue),
            targets: targets.collect(),
            going: BTreeMap::new(),
            settled: Settled::none_of(desired.len()),
        };
        reading.ask();
        reading
    }

    fn ask(&mut self) {
        let (offset, call) = self.list.next_page();
        self.outbox.send(call, Purpose::Page(offset));
    }

    /// Settles all objects once the whole list was read.
    fn settle_all(&mut self) {
        let catalogue = self.list.catalogue;
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            match (self.list.find(&target.named), &target.named) {
                (Observed::Missing, Name::Id(id)) if catalogue.has_single => {
                    let call = Call::get(catalogue.path_of(id));
                    self.outbox.send(call, Purpose::Single(index));
                }
                (Observed::Missing, _) if target.may_be_unlisted => {
                    let unread = Observed::Unread(catalogue.not_listed());
                    self.settled.put(index, unread);
                }
                (observed, _) => self.settle(index, observed),
            }
        }
    }

    /// Settles an object, after a look at those that have it if it is to be removed.
    fn settle(&mut self, index: usize, observed: Observed) {
        let is_to_go = self.targets[index].is_to_go;
        match (observed, &self.list.catalogue.key_form) {
            (Observed::Live(live), KeyForm::CodeInProduct(holders)) if is_to_go => {
                self.count_licenses(index, live, holders);
            }
            (Observed::Live(mut live), KeyForm::Code) if is_to_go => {
                if let Some(count) = live.facts.get(COUNTED).cloned() {
                    live.facts.insert(HOLDERS.into(), count);
                }
                self.settled.put(index, Observed::Live(live));
            }
            (observed, _) => self.settled.put(index, observed),
        }
    }

    fn count_licenses(&mut self, index: usize, live: Live, holders: &'static Holders) {
        let id = live.text(self.list.catalogue.id()).unwrap_or_default();
        let call = holders.count_call(id);
        self.going.insert(index, (live, holders));
        self.outbox.send(call, Purpose::Licenses(index));
    }

    fn take_page(&mut self, offset: usize, name: &str, answer: Answer) {
        let reply = require_success(name, answer);
        let step = reply.and_then(|reply| self.list.take(offset, &reply, name));
        let failure = match step {
            Ok(WalkStep::Ask) => return self.ask(),
            Ok(WalkStep::End) => return self.settle_all(),
            Ok(WalkStep::Abandon(why)) => ReadFailure::odd(why),
            Err(failure) => failure,
        };
        for index in 0..self.targets.len() {
            self.settled.put(index, Observed::Unread(failure.clone()));
        }
    }

    fn take_licenses(&mut self, index: usize, name: &str, answer: Answer) {
        let Some((mut live, holders)) = self.going.remove(&index) else {
            return;
        };
        let catalogue = self.list.catalogue;
        let id = live.text(catalogue.id()).unwrap_or_default().to_string();
        let observed = match holders.count(catalogue.noun, &id, name, answer) {
            Ok(count) => {
                live.facts.insert(HOLDERS.into(), count);
                Observed::Live(live)
            }
            Err(failure) => Observed::Unread(failure),
        };
        self.settled.put(index, observed);
    }

    fn take_single(&mut self, index: usize, name: &str, answer: Answer) {
        let is_absent = is_absent(&answer);
        let Name::Id(id) = &self.targets[index].named else {
            return;
        };
        let read = require_success(name, answer)
            .and_then(|reply| self.list.catalogue.single(id, &reply, name));
        let observed = match read {
            Ok(live) => Observed::Live(live),
            Err(_) if is_absent => Observed::Missing,
            Err(failure) => Observed::Unread(failure),
        };
        self.settle(index, observed);
    }
}

impl Reading for CatalogueReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Page(offset) => self.take_page(offset, &name, answer),
            Purpose::Single(index) => self.take_single(index, &name, answer),
            Purpose::Licenses(index) => self.take_licenses(index, &name, answer),
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let noun = self.list.catalogue.noun;
        self.settled
            .finish(|_| Observed::Unread(ReadFailure::odd(format!("the {noun} was not asked for"))))
    }
}
