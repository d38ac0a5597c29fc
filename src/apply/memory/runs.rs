//! Collects past runs from a journal, in one pass over it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::key::{ObjectKey, VendorAccount};
use super::open::{OpenIntent, OpenWrites, WriteEnd};
use crate::apply::journal::{Finding, Intent, JournalEvent, Record, Started};

/// A run that wrote something.
#[derive(Clone, Debug)]
pub struct WritingRun {
    pub run: String,
    /// The scope of the run; `None` if it has none.
    pub scope: Option<String>,
    /// The objects that it was about to write.
    pub objects: BTreeSet<ObjectKey>,
    pub places: BTreeSet<VendorAccount>,
    /// The paths of its manifests; empty if it did not record them.
    pub paths: Vec<String>,
    /// Set if any write was carried out or may have been carried out.
    took: bool,
}

/// The runs of a journal, as far as it was read.
#[derive(Default)]
pub struct Runs {
    ordinals: HashMap<String, usize>,
    runs: Vec<WritingRun>,
    open: OpenWrites,
}

impl Runs {
    /// Takes in the next record.
    pub fn add(&mut self, record: &Record) {
        if record.is_summary() {
            return;
        }
        if let Some((write, WriteEnd::CarriedOut { .. } | WriteEnd::Unknown)) =
            self.open.follow(record)
        {
            self.took(&write.run);
        }
        let run = self.run(record);
        match &record.event {
            JournalEvent::Started(started) => run.paths.clone_from(&started.paths),
            JournalEvent::Intent(intent) => {
                run.objects.insert(intent.subject().key());
                run.places.insert(intent.subject().vendor_account());
            }
            JournalEvent::Outcome(_)
            | JournalEvent::Found { .. }
            | JournalEvent::Agreed(_)
            | JournalEvent::Left(_)
            | JournalEvent::GaveUp(_)
            | JournalEvent::Known(_)
            | JournalEvent::Finished { .. } => {}
        }
    }

    /// Reports whether the journal has a run whose name begins with `name`, even one that wrote nothing.
    pub fn has(&self, name: &str) -> bool {
        self.runs.iter().any(|run| run.run.starts_with(name))
    }

    /// Returns the runs with a write that was carried out or may have been, in the order of their starts.
    pub fn that_wrote(mut self) -> Vec<WritingRun> {
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

    fn run(&mut self, record: &Record) -> &mut WritingRun {
        let name = record.run.as_str();
        let ordinal = match self.ordinals.get(name) {
            Some(ordinal) => *ordinal,
            None => {
                self.ordinals.insert(name.to_string(), self.runs.len());
                self.runs.push(WritingRun {
                    run: name.to_string(),
                    scope: record.scope.clone(),
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

/// Returns the runs of a journal that wrote something.
pub fn runs_that_wrote(records: impl Iterator<Item = Record>) -> Vec<WritingRun> {
    let mut runs = Runs::default();
    records.for_each(|record| runs.add(&record));
    runs.that_wrote()
}

/// The writes of one run.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub run: String,
    /// Its start record; `None` if the journal does not have it.
    pub started: Option<Started>,
    /// The addresses of the objects that it was about to write, as they were then.
    pub addresses: BTreeSet<String>,
    /// The last write of each object that is known to have been carried out, by the run itself or by a later one.
    pub carried_out: Vec<Intent>,
    /// Writes without a known end.
    pub open: Vec<OpenIntent>,
    /// Writes whose end can no longer be known.
    pub unknown: Vec<Intent>,
}

impl PastRun {
    /// Collects the records of `run`, and what later runs found of its writes.
    pub fn of(run: &str, records: impl Iterator<Item = Record>) -> Self {
        let mut past = PastRunReader::new(run);
        records.for_each(|record| past.add(&record));
        past.end()
    }
}

/// Collects one run of a journal, record by record.
pub struct PastRunReader {
    past: PastRun,
    open: OpenWrites,
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
            open: OpenWrites::default(),
            carried_out: BTreeMap::new(),
        }
    }

    /// Adds the next record of the journal.
    pub fn add(&mut self, record: &Record) {
        let past = &mut self.past;
        let of_run = match &record.event {
            JournalEvent::Found { of_run, .. } => *of_run == past.run,
            _ => record.run == past.run,
        };
        if !of_run {
            return;
        }
        match &record.event {
            JournalEvent::Started(started) => past.started = Some(started.clone()),
            JournalEvent::Intent(intent) => {
                past.addresses.insert(intent.address.clone());
            }
            _ => {}
        }
        match self.open.follow(record) {
            Some((write, WriteEnd::CarriedOut { residual, .. })) => {
                let mut intent = write.intent;
                for change in &mut intent.changes {
                    // The run left the field with its value after the write, not with the planned value.
                    let became = residual.iter().find(|one| one.path == change.path);
                    if let Some(became) = became {
                        change.after = became.is.clone();
                    }
                }
                self.carried_out.insert(intent.address.clone(), intent);
            }
            Some((write, WriteEnd::Unknown)) => past.unknown.push(write.intent),
            Some((_, WriteEnd::Already | WriteEnd::NotCarriedOut)) | None => {}
        }
    }

    pub fn end(mut self) -> PastRun {
        self.past.carried_out = self.carried_out.into_values().collect();
        self.past.open = self.open.iter().cloned().collect();
        self.past
    }
}

/// The facts of a whole journal that are needed to show the writes of one run.
#[derive(Debug, Default)]
pub struct Index {
    /// The first record of each run, by its number in the journal.
    first: HashMap<String, usize>,
    records: usize,
    /// Intents of runs that had lost their lease by then, by run and address.
    overtaken: BTreeSet<(String, String)>,
    /// By account: intents with the highest epochs so far, each with its index. An intent that a later one of the same
    /// or a higher epoch follows is dropped.
    epochs: BTreeMap<[String; 3], Vec<(usize, u64)>>,
    /// The accounts of each vendor.
    places: BTreeMap<String, BTreeSet<VendorAccount>>,
    /// The findings of later runs about writes that were cut off, by run and address.
    found: BTreeMap<(String, String), FoundWrite>,
}

/// The finding of a later run about a write that was cut off.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundWrite {
    /// The finding as a sentence.
    pub words: String,
    /// `None` in older journals.
    pub finding: Option<Finding>,
}

impl Index {
    /// Takes in the next record.
    pub fn add(&mut self, record: &Record) {
        let ordinal = self.records;
        self.records += 1;
        match &record.event {
            JournalEvent::Started(_) => {
                self.first.entry(record.run.clone()).or_insert(ordinal);
            }
            JournalEvent::Intent(intent) => {
                let places = self.places.entry(intent.vendor.clone()).or_default();
                places.insert(intent.subject().vendor_account());
                let first = self.first.entry(record.run.clone()).or_insert(ordinal);
                let first = *first;
                self.add_intent(&record.run, first, ordinal, intent);
            }
            JournalEvent::Found {
                address,
                of_run,
                found,
                finding,
            } => {
                let write = (of_run.clone(), address.clone());
                let found = FoundWrite {
                    words: found.clone(),
                    finding: *finding,
                };
                self.found.insert(write, found);
            }
            JournalEvent::Outcome(_)
            | JournalEvent::Agreed(_)
            | JournalEvent::Left(_)
            | JournalEvent::GaveUp(_)
            | JournalEvent::Known(_)
            | JournalEvent::Finished { .. } => {}
        }
    }

    /// Notes whether a run was overtaken: another run has written to the same account under a higher epoch since it
    /// started.
    ///
    /// Run 1 starts at index 0 with epoch 6, run 2 writes at index 5 with epoch 7, and run 1 writes again at index 8:
    /// that write is overtaken. An intent before index 0 with epoch 9 does not count: that epoch is of a lock kept
    /// elsewhere.
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

    /// Reports whether a run wrote to an object after it had lost its lease.
    pub fn is_overtaken(&self, run: &str, address: &str) -> bool {
        // Overtaken writes are rare; most journals have none.
        !self.overtaken.is_empty() && self.overtaken.contains(&(run.into(), address.into()))
    }

    /// Returns what a later run found of a write that was cut off; `None` if no run looked.
    pub fn found(&self, run: &str, address: &str) -> Option<&FoundWrite> {
        self.found.get(&(run.to_string(), address.to_string()))
    }

    /// Reports whether the journal has several accounts at a vendor, so that an address does not tell where a write
    /// went.
    pub fn has_accounts(&self, vendor: &str) -> bool {
        self.places
            .get(vendor)
            .is_some_and(|places| places.len() > 1)
    }
}

#[cfg(test)]
mod tests;
