//! Reads the wanted values by the fewest calls: one for each license and for each number, or the list of all values.
//!
//! One license, or one number, is one call. For more the first page of the whole list is asked for, which says how many
//! pages follow: if that are fewer than licenses and numbers, the list is walked to its end.
//!
//! # Worked example
//!
//! Values on three licenses, in an account with 250 values: after the first page two more show all of them, so the list is
//! walked on. With 5,000 values 50 pages would follow; three calls with the filter `license` are less.

use std::collections::BTreeMap;

use super::fields::LICENSE;
use crate::model::{Call, Desired, Observed, ReadFailure, Text};
use crate::provider::licensespring::catalogue::{Catalogue, CatalogueList, Name};
use crate::provider::licensespring::list_walk::WalkStep;
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, is_absent, require_success,
};

#[derive(Clone, Debug)]
enum Purpose {
    /// The page of the whole list at an offset.
    Whole(usize),
    /// The page of a license's values at an offset.
    License(Text, usize),
    /// The value at an index, by its number.
    Single(usize),
}

/// The values of one license, and the indices of those that are wanted.
struct LicenseValues {
    list: CatalogueList,
    indices: Vec<usize>,
}

/// Reads the wanted values.
pub struct CustomFieldReading {
    outbox: Outbox<Purpose>,
    whole: CatalogueList,
    licenses: BTreeMap<Text, LicenseValues>,
    targets: Vec<Name>,
    settled: Settled,
}

impl CustomFieldReading {
    pub fn new(catalogue: &'static Catalogue, desired: &[&Desired]) -> Self {
        let targets: Vec<Name> = { desired.iter() }
            .map(|one| Name::of(catalogue, one))
            .collect();
        let mut licenses = BTreeMap::new();
        for (index, target) in targets.iter().enumerate() {
            if let Name::Key((license, _)) = target {
                let filter = (LICENSE, license.clone());
                let values = licenses
                    .entry(license.clone())
                    .or_insert_with(|| LicenseValues {
                        list: CatalogueList::filtered(catalogue, filter),
                        indices: Vec::new(),
                    });
                values.indices.push(index);
            }
        }
        let mut reading = Self {
            outbox: Outbox::default(),
            whole: CatalogueList::new(catalogue),
            licenses,
            targets,
            settled: Settled::none_of(desired.len()),
        };
        match reading.narrow_calls() {
            0 | 1 => reading.ask_narrowly(),
            _ => reading.ask_whole(),
        }
        reading
    }

    /// Returns the number of calls without the whole list, if no license has more values than a page.
    fn narrow_calls(&self) -> usize {
        let ids = { self.targets.iter() }.filter(|target| matches!(target, Name::Id(_)));
        self.licenses.len() + ids.count()
    }

    fn ask_whole(&mut self) {
        let (offset, call) = self.whole.next_page();
        self.outbox.send(call, Purpose::Whole(offset));
    }

    fn ask_narrowly(&mut self) {
        for (license, values) in &self.licenses {
            let (offset, call) = values.list.next_page();
            let purpose = Purpose::License(license.clone(), offset);
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
            Ok(WalkStep::Ask) if offset == 0 && self.whole.pages_left() >= self.narrow_calls() => {
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

    fn take_license(&mut self, license: &Text, offset: usize, name: &str, answer: Answer) {
        let Some(LicenseValues { list, indices }) = self.licenses.get_mut(license) else {
            return;
        };
        let reply = require_success(name, answer);
        let failure = match reply.and_then(|reply| list.take(offset, &reply, name)) {
            Ok(WalkStep::Ask) => {
                let (offset, call) = list.next_page();
                let purpose = Purpose::License(license.clone(), offset);
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

impl Reading for CustomFieldReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Whole(offset) => self.take_whole(offset, &name, answer),
            Purpose::License(license, offset) => {
                self.take_license(&license, offset, &name, answer);
            }
            Purpose::Single(index) => self.take_single(index, &name, answer),
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let why = "the license custom field was not asked for";
        self.settled
            .finish(|_| Observed::Unread(ReadFailure::odd(why)))
    }
}
