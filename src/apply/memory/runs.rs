//! What a journal tells of past runs, taken from it in one reading.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key::{Key, Place};
use super::open::{End, Open, OpenIntent};
use crate::apply::journal::{Event, Intent, Record, Started};

/// A run that wrote something.
#[derive(Clone, Debug)]
pub struct Wrote {
    pub run: String,
    /// The objects that it was about to write, and their accounts.
    pub objects: BTreeSet<Key>,
    pub places: BTreeSet<Place>,
    /// Where its manifests were, if it said so.
    pub paths: Vec<String>,
    /// Whether any write was carried out, or may have been.
    took: bool,
}

/// The runs of a journal, as far as it was read.
#[derive(Default)]
pub struct Runs {
    ordinals: HashMap<String, usize>,
    runs: Vec<Wrote>,
    open: Open,
}

impl Runs {
    /// Takes in the next record.
    pub fn add(&mut self, record: &Record) {
        if record.is_summary() {
            return;
        }
        if let Some((write, End::CarriedOut { .. } | End::Unknown)) = self.open.follow(record) {
            self.took(&write.run);
        }
        let run = self.run(&record.run);
        match &record.event {
            Event::Started(started) => run.paths.clone_from(&started.paths),
            Event::Intent(intent) => {
                run.objects.insert(intent.subject().key());
                run.places.insert(intent.subject().place());
            }
            Event::Outcome(_)
            | Event::Found { .. }
            | Event::Agreed(_)
            | Event::GaveUp(_)
            | Event::Known(_)
            | Event::Finished { .. } => {}
        }
    }

    /// Returns the runs of which a write was carried out, or may have been, in the order in which they started.
    pub fn that_wrote(mut self) -> Vec<Wrote> {
        let open: Vec<String> = self.open.iter().map(|write| write.run.clone()).collect();
        open.iter().for_each(|run| self.took(run));
        self.runs.retain(|run| run.took);
        self.runs
    }

    fn took(&mut self, run: &str) {
        if let Some(ordinal) = self.ordinals.get(run) {
            self.runs[*ordinal].took = true;
        }
    }

    fn run(&mut self, name: &str) -> &mut Wrote {
        let ordinal = match self.ordinals.get(name) {
            Some(ordinal) => *ordinal,
            None => {
                self.ordinals.insert(name.to_string(), self.runs.len());
                self.runs.push(Wrote {
                    run: name.to_string(),
                    objects: BTreeSet::new(),
                    places: BTreeSet::new(),
                    paths: Vec::new(),
                    took: false,
                });
                self.runs.len() - 1
            }
        };
        &mut self.runs[ordinal]
    }
}

/// Returns the runs that wrote something.
pub fn runs_that_wrote(records: impl Iterator<Item = Record>) -> Vec<Wrote> {
    let mut runs = Runs::default();
    records.for_each(|record| runs.add(&record));
    runs.that_wrote()
}

/// What one run wrote.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub run: String,
    /// What it said of itself.
    pub started: Option<Started>,
    /// The objects that it was about to write, as they were called then.
    pub addresses: BTreeSet<String>,
    /// The last write of each object that is known to have been carried out, whenever that was found.
    pub carried_out: Vec<Intent>,
    /// Writes of which nobody knows yet whether they were.
    pub open: Vec<OpenIntent>,
    /// Writes of which nobody can tell it any more.
    pub unknown: Vec<Intent>,
}

impl PastRun {
    /// Takes the records of `run`, and what later ones found of its writes, out of those of a journal.
    pub fn of(run: &str, records: impl Iterator<Item = Record>) -> Self {
        let mut past = PastRunReader::new(run);
        records.for_each(|record| past.add(&record));
        past.end()
    }
}

/// One run of a journal, as far as it was read.
pub struct PastRunReader {
    past: PastRun,
    open: Open,
    carried_out: BTreeMap<String, Intent>,
}

impl PastRunReader {
    pub fn new(run: &str) -> Self {
        Self {
            past: PastRun {
                run: run.to_string(),
                started: None,
                addresses: BTreeSet::new(),
                carried_out: Vec::new(),
                open: Vec::new(),
                unknown: Vec::new(),
            },
            open: Open::default(),
            carried_out: BTreeMap::new(),
        }
    }

    /// Takes in the next record of the journal.
    pub fn add(&mut self, record: &Record) {
        let past = &mut self.past;
        let of_run = match &record.event {
            Event::Found { of_run, .. } => *of_run == past.run,
            _ => record.run == past.run,
        };
        if !of_run {
            return;
        }
        match &record.event {
            Event::Started(started) => past.started = Some(started.clone()),
            Event::Intent(intent) => {
                past.addresses.insert(intent.address.clone());
            }
            _ => {}
        }
        match self.open.follow(record) {
            Some((write, End::CarriedOut { residual, .. })) => {
                let mut intent = write.intent;
                for change in &mut intent.changes {
                    // What the run left is what the write became.
                    let became = residual.iter().find(|one| one.path == change.path);
                    if let Some(became) = became {
                        change.after = became.is.clone();
                    }
                }
                self.carried_out.insert(intent.address.clone(), intent);
            }
            Some((write, End::Unknown)) => past.unknown.push(write.intent),
            Some((_, End::Already | End::NotCarriedOut)) | None => {}
        }
    }

    pub fn end(mut self) -> PastRun {
        self.past.carried_out = self.carried_out.into_values().collect();
        self.past.open = self.open.iter().cloned().collect();
        self.past
    }
}

/// Where the runs of a journal begin and end, and what else has to be known before the first of them is shown.
#[derive(Debug, Default)]
pub struct Index {
    runs: HashMap<String, Span>,
    records: usize,
    /// Intents of runs that had lost their lock by then, by run and address.
    overtaken: BTreeSet<(String, String)>,
    /// By account: intents with the highest epochs so far, each with its place. One that a later intent of the same
    /// or a higher epoch follows tells nothing more.
    epochs: BTreeMap<[String; 3], Vec<(usize, u64)>>,
    /// By vendor.
    places: BTreeMap<String, BTreeSet<Place>>,
    /// What later runs found of writes that were cut off, by run and address.
    found: BTreeMap<(String, String), String>,
}

/// The records of one run, by their places among all.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub first: usize,
    pub last: usize,
    /// Whether it did more than find objects in sync.
    pub news: bool,
    /// Whether it was about to write; otherwise it only looked.
    pub wrote: bool,
}

impl Index {
    /// Takes in the next record.
    pub fn add(&mut self, record: &Record) {
        let ordinal = self.records;
        self.records += 1;
        if record.is_summary() {
            return;
        }
        let span = self.runs.entry(record.run.clone()).or_insert(Span {
            first: ordinal,
            last: ordinal,
            news: false,
            wrote: false,
        });
        span.last = ordinal;
        span.news |= is_news(&record.event);
        span.wrote |= matches!(record.event, Event::Started(_) | Event::Intent(_));
        let first = span.first;
        match &record.event {
            Event::Intent(intent) => {
                let places = self.places.entry(intent.vendor.clone()).or_default();
                places.insert(intent.subject().place());
                self.add_intent(&record.run, first, ordinal, intent);
            }
            Event::Found {
                address,
                of_run,
                found,
                ..
            } => {
                let write = (of_run.clone(), address.clone());
                self.found.insert(write, found.clone());
            }
            Event::Started(_)
            | Event::Outcome(_)
            | Event::Agreed(_)
            | Event::GaveUp(_)
            | Event::Known(_)
            | Event::Finished { .. } => {}
        }
    }

    /// A run was overtaken if another one has written to the same account under a higher epoch since it started. An
    /// epoch that is higher but older is of a lock that was kept elsewhere.
    fn add_intent(&mut self, run: &str, first: usize, ordinal: usize, intent: &Intent) {
        let Some(epoch) = intent.epoch else { return };
        let Intent {
            vendor,
            base_url,
            account,
            ..
        } = intent;
        let account = [vendor, base_url, account].map(Clone::clone);
        let highest = self.epochs.entry(account).or_default();
        let since = highest.partition_point(|(at, _)| *at <= first);
        if highest.get(since).is_some_and(|(_, other)| *other > epoch) {
            self.overtaken
                .insert((run.to_string(), intent.address.clone()));
        }
        while highest.last().is_some_and(|(_, other)| *other <= epoch) {
            highest.pop();
        }
        highest.push((ordinal, epoch));
    }

    pub fn span(&self, run: &str) -> Option<Span> {
        self.runs.get(run).copied()
    }

    /// Reports whether a run wrote to an object after it had lost its lock.
    pub fn is_overtaken(&self, run: &str, address: &str) -> bool {
        // There are few, and mostly none.
        !self.overtaken.is_empty() && self.overtaken.contains(&(run.into(), address.into()))
    }

    /// Returns what a later run found of a write that was cut off.
    pub fn found(&self, run: &str, address: &str) -> Option<&str> {
        let found = self.found.get(&(run.to_string(), address.to_string()));
        found.map(String::as_str)
    }

    /// Reports whether the journal is of several accounts at a vendor, so that an address alone does not tell where a write went.
    pub fn has_accounts(&self, vendor: &str) -> bool {
        self.places
            .get(vendor)
            .is_some_and(|places| places.len() > 1)
    }
}

/// Reports whether people want to read of it: what was in sync all along is no news.
pub fn is_news(event: &Event) -> bool {
    match event {
        Event::Intent(_) | Event::Outcome(_) | Event::Found { .. } | Event::GaveUp(_) => true,
        Event::Started(_) | Event::Agreed(_) | Event::Known(_) | Event::Finished { .. } => false,
    }
}

#[cfg(test)]
mod tests;
