//! Reads the wanted licenses, by list calls where possible.
//!
//! `id__in` names up to a hundred licenses in one call, which is also the largest page. If a page has fewer rows than
//! were requested, the next page is requested by offset, never by the address in `next`. If the list cannot be trusted,
//! because it shows licenses that were not requested, refuses the filter or does not continue, the licenses that
//! are left are read one by one.

use std::collections::{BTreeMap, BTreeSet};

use super::{LICENSES, LicenseRow, decode};
use crate::model::{Call, Desired, Observed, ReadFailure, Reply};
use crate::provider::licensespring::envelope::{Page, id_of};
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, is_absent, require_success, unreadable_reply,
};
use crate::provider::with_query;

/// `limit` is capped at 100 without a word ("List Licenses", 2026-11-21).
pub const BATCH: usize = 100;

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Batch(usize),
    One(usize),
}

/// Licenses asked for together.
struct Batch {
    asked: BTreeSet<String>,
    /// Ids of licenses that no page has shown yet, each with its index among the wanted licenses.
    left: BTreeMap<String, usize>,
    rows: usize,
}

pub struct LicenseReading {
    outbox: Outbox<Purpose>,
    batches: Vec<Batch>,
    ids: Vec<String>,
    settled: Settled,
}

impl LicenseReading {
    pub fn new(desired: &[&Desired]) -> Self {
        let ids = desired.iter().map(|it| it.id("licenseId").to_string());
        let ids = Vec::from_iter(ids);
        let places: Vec<(usize, &String)> = ids.iter().enumerate().collect();
        let batch = |chunk: &[(usize, &String)]| Batch {
            asked: chunk.iter().map(|(_, id)| (*id).clone()).collect(),
            left: chunk.iter().map(|(i, id)| ((*id).clone(), *i)).collect(),
            rows: 0,
        };
        let batches = places.chunks(BATCH).map(batch).collect();
        let mut reading = Self {
            outbox: Outbox::default(),
            batches,
            settled: Settled::none_of(ids.len()),
            ids,
        };
        for number in 0..reading.batches.len() {
            reading.ask(number);
        }
        reading
    }

    fn ask(&mut self, number: usize) {
        let batch = &self.batches[number];
        let ids: Vec<&str> = batch.asked.iter().map(String::as_str).collect();
        let (ids, limit, offset) = (ids.join(","), BATCH.to_string(), batch.rows.to_string());
        let mut pairs = vec![("id__in", ids.as_str()), ("limit", &limit)];
        if batch.rows > 0 {
            pairs.push(("offset", &offset));
        }
        let path = with_query("/api/v1/licenses/", &pairs);
        self.outbox.send(Call::get(path), Purpose::Batch(number));
    }

    fn ask_each(&mut self, number: usize) {
        for (id, index) in std::mem::take(&mut self.batches[number].left) {
            let path = format!("/api/v1/licenses/{id}/");
            self.outbox.send(Call::get(path), Purpose::One(index));
        }
    }

    fn page(&mut self, number: usize, page: Page<'_, 4>, name: &str) {
        let batch = &mut self.batches[number];
        let first = batch.rows == 0;
        batch.rows += page.rows.len();
        let before = batch.left.len();
        let mut stray = false;
        for (id, row) in page.rows {
            stray |= !batch.asked.contains(&id);
            if let Some(index) = batch.left.remove(&id) {
                self.settled.put(index, shown(row, &id, name));
            }
        }
        let more = page.next || batch.rows < page.count;
        let stuck = batch.left.len() == before;
        if stray || (more && stuck) {
            self.ask_each(number);
        } else if more && !batch.left.is_empty() {
            self.ask(number);
        } else if first {
            self.settle(number, &Observed::Missing);
        } else {
            // Rows may have moved from one page to the other while both were read.
            self.ask_each(number);
        }
    }

    /// Settles every license that is left of a batch with the same outcome.
    fn settle(&mut self, number: usize, outcome: &Observed) {
        for index in std::mem::take(&mut self.batches[number].left).into_values() {
            self.settled.put(index, outcome.clone());
        }
    }
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let absent = is_absent(&answer);
        let reply = require_success(&name, answer);
        match purpose {
            Purpose::Batch(number) => {
                let read = reply.and_then(|reply| {
                    self.page(number, Page::read(&LICENSES, &reply, &name)?, &name);
                    Ok(())
                });
                match read {
                    Ok(()) => {}
                    // One id that the server cannot read must not hide the others.
                    Err(failure) if failure.status == Some(400) => self.ask_each(number),
                    Err(failure) => self.settle(number, &Observed::Unread(failure)),
                }
            }
            Purpose::One(index) => {
                let id = &self.ids[index];
                let read = reply.and_then(|reply| single(&reply, id, &name));
                let observed = match read {
                    Ok(observed) => observed,
                    Err(_) if absent => Observed::Missing,
                    Err(failure) => Observed::Unread(failure),
                };
                self.settled.put(index, observed);
            }
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self { ids, settled, .. } = *self;
        settled.finish(|index| {
            Observed::Unread(ReadFailure::odd(format!(
                "license {} was not asked for",
                ids[index]
            )))
        })
    }
}

fn single(reply: &Reply, id: &str, name: &str) -> Result<Observed, ReadFailure> {
    let license = LICENSES.one(&reply.body);
    let license = license.map_err(|error| unreadable_reply(name, reply, &error))?;
    Ok(match license {
        Some(license) if id_of(&license).as_deref() == Some(id) => shown(license, id, name),
        Some(_) => Observed::Unread(ReadFailure::odd(format!(
            "{name} answered with another license"
        ))),
        None => Observed::Unread(ReadFailure::odd(format!(
            "{name} did not answer with an object"
        ))),
    })
}

pub fn shown(row: LicenseRow<'_>, id: &str, name: &str) -> Observed {
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => Observed::Unread(ReadFailure::odd(format!("{name}: license {id}: {fault}"))),
    }
}
