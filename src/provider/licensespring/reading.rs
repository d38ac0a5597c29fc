//! Which list calls show the wanted licenses.
//!
//! `id__in` names up to a hundred licenses in one call, which is also the most that a page may have. A
//! server that gives fewer rows than that is followed by offset, never by the address in `next`. Where the
//! list cannot be trusted, because it shows licenses that nobody asked for, refuses the filter or does not
//! go on, the licenses that are left are read one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::{decode, id_of};
use crate::model::{Call, Observed};
use crate::provider::reading::{
    Answer, Failure, Outbox, Reading, Ticket, Wanted, is_absent, json_of,
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
    /// Those that no page has shown yet, with their place among the wanted.
    left: BTreeMap<String, usize>,
    rows: usize,
}

/// One wanted license and what became of it.
struct Target {
    id: String,
    observed: Option<Observed>,
}

pub struct LicenseReading {
    outbox: Outbox<Purpose>,
    batches: Vec<Batch>,
    targets: Vec<Target>,
}

impl LicenseReading {
    pub fn new(wanted: &[Wanted<'_>]) -> Self {
        let target = |desired: &Wanted<'_>| Target {
            id: desired.id("licenseId").to_string(),
            observed: None,
        };
        let targets: Vec<Target> = wanted.iter().map(target).collect();
        let places: Vec<(usize, &Target)> = targets.iter().enumerate().collect();
        let batch = |chunk: &[(usize, &Target)]| Batch {
            asked: chunk.iter().map(|(_, target)| target.id.clone()).collect(),
            left: chunk
                .iter()
                .map(|(i, target)| (target.id.clone(), *i))
                .collect(),
            rows: 0,
        };
        let batches = places.chunks(BATCH).map(batch).collect();
        let mut reading = Self {
            outbox: Outbox::default(),
            batches,
            targets,
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

    fn page(&mut self, number: usize, page: &Page, name: &str) {
        let batch = &mut self.batches[number];
        batch.rows += page.rows.len();
        let before = batch.left.len();
        let mut stray = false;
        for (id, row) in &page.rows {
            stray |= !batch.asked.contains(id);
            if let Some(index) = batch.left.remove(id) {
                self.targets[index].observed = Some(shown(row, id, name));
            }
        }
        let more = page.next || batch.rows < page.count;
        let stuck = batch.left.len() == before;
        if stray || (more && stuck) {
            self.ask_each(number);
        } else if more && !batch.left.is_empty() {
            self.ask(number);
        } else {
            self.settle(number, &Observed::Missing);
        }
    }

    /// Says the same of every license that is left of a batch.
    fn settle(&mut self, number: usize, outcome: &Observed) {
        for index in std::mem::take(&mut self.batches[number].left).into_values() {
            self.targets[index].observed = Some(outcome.clone());
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
        let json = json_of(&name, answer);
        match purpose {
            Purpose::Batch(number) => match json.and_then(|json| Page::read(json, &name)) {
                Ok(page) => self.page(number, &page, &name),
                // One id that the server cannot read must not hide the others.
                Err(failure) if failure.status == Some(400) => self.ask_each(number),
                Err(failure) => self.settle(number, &Observed::Unread(failure.text)),
            },
            Purpose::One(index) => {
                self.targets[index].observed = Some(match json {
                    Ok(json) => single(json, &self.targets[index].id, &name),
                    Err(_) if absent => Observed::Missing,
                    Err(failure) => Observed::Unread(failure.text),
                });
            }
        }
    }

    fn finish(self: Box<Self>) -> Vec<Observed> {
        let finished = |target: Target| {
            let unasked = || Observed::Unread(format!("license {} was not asked for", target.id));
            target.observed.unwrap_or_else(unasked)
        };
        self.targets.into_iter().map(finished).collect()
    }
}

/// One page of the list.
pub struct Page {
    /// Rows that the filter finds in all.
    pub count: usize,
    /// Whether the server knows of a page behind this one.
    next: bool,
    pub rows: Vec<(String, Map<String, Json>)>,
}

impl Page {
    pub fn read(json: Json, name: &str) -> Result<Self, Failure> {
        let odd = |what: &str| Failure {
            status: None,
            text: format!("{name} answered {what}"),
        };
        let count = json.get("count").and_then(Json::as_u64);
        let count = count.ok_or_else(|| odd("without the number `count`"))?;
        let next = json.get("next").is_some_and(Json::is_string);
        let Some(Json::Array(results)) = json.get("results") else {
            return Err(odd("without the list `results`"));
        };
        let rows = results.iter().map(|row| match row {
            Json::Object(row) => match id_of(row) {
                Some(id) => Ok((id, row.clone())),
                None => Err(odd("with a row without the number `id`")),
            },
            _ => Err(odd("with a row that is no object")),
        });
        Ok(Self {
            count: usize::try_from(count).unwrap_or(usize::MAX),
            next,
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

fn single(json: Json, id: &str, name: &str) -> Observed {
    match json {
        Json::Object(license) if id_of(&license).as_deref() == Some(id) => {
            shown(&license, id, name)
        }
        Json::Object(_) => Observed::Unread(format!("{name} answered with another license")),
        _ => Observed::Unread(format!("{name} did not answer with an object")),
    }
}

pub fn shown(row: &Map<String, Json>, id: &str, name: &str) -> Observed {
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => Observed::Unread(format!("{name}: license {id}: {fault}")),
    }
}
