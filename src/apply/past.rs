//! What a journal tells of past runs, taken from it in one reading.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::journal::{Event, Intent, Record};
use super::outcome::Outcome;

/// Returns the runs that wrote something, in the order in which they started.
pub fn runs_that_wrote(records: impl Iterator<Item = Record>) -> Vec<String> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut runs: Vec<(String, bool)> = Vec::new();
    for record in records {
        let place = *places.entry(record.run).or_insert_with_key(|run| {
            runs.push((run.clone(), false));
            runs.len() - 1
        });
        runs[place].1 |= matches!(record.event, Event::Intent(_));
    }
    let wrote = runs.into_iter().filter(|(_, wrote)| *wrote);
    wrote.map(|(run, _)| run).collect()
}

/// What one run wrote.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub run: String,
    /// The objects that it was about to write.
    addresses: BTreeSet<String>,
    /// The last write of each object that is known to have been carried out.
    carried_out: BTreeMap<String, Intent>,
}

impl PastRun {
    /// Takes the records of `run` out of those of a journal.
    pub fn of(run: &str, records: impl Iterator<Item = Record>) -> Self {
        let mut past = Self {
            run: run.to_string(),
            addresses: BTreeSet::new(),
            carried_out: BTreeMap::new(),
        };
        let mut open: BTreeMap<String, Intent> = BTreeMap::new();
        for record in records.filter(|record| record.run == run) {
            match record.event {
                Event::Intent(mut intent) => {
                    past.addresses.insert(intent.address.clone());
                    // Only drift asks for it.
                    intent.managed = BTreeMap::new();
                    open.insert(intent.address.clone(), *intent);
                }
                Event::Outcome(ended) => {
                    let written =
                        matches!(ended.outcome, Outcome::Converged | Outcome::Unconverged);
                    if let (Some(intent), true) = (open.remove(&ended.address), written) {
                        past.carried_out.insert(ended.address, intent);
                    }
                }
                Event::Started(_)
                | Event::Found { .. }
                | Event::Agreed(_)
                | Event::Finished { .. } => {}
            }
        }
        past
    }

    /// The objects that it was about to write.
    pub fn addresses(&self) -> &BTreeSet<String> {
        &self.addresses
    }

    /// The last write of each object that is known to have been carried out.
    pub fn carried_out(&self) -> impl Iterator<Item = &Intent> {
        self.carried_out.values()
    }

    /// Leaves only the objects that `keep` says.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.addresses.retain(|address| keep(address));
        self.carried_out.retain(|address, _| keep(address));
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
    epochs: BTreeMap<(String, String), Vec<(usize, u64)>>,
}

/// The records of one run, by their places among all.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub first: usize,
    pub last: usize,
    /// Whether it did more than find objects in sync.
    pub news: bool,
}

impl Index {
    /// Takes in the next record.
    pub fn add(&mut self, record: &Record) {
        let place = self.records;
        self.records += 1;
        let span = self.runs.entry(record.run.clone()).or_insert(Span {
            first: place,
            last: place,
            news: false,
        });
        span.last = place;
        span.news |= is_news(&record.event);
        let first = span.first;
        if let Event::Intent(intent) = &record.event {
            self.add_intent(&record.run, first, place, intent);
        }
    }

    /// A run was overtaken if another one has written to the same account under a higher epoch since it started. An
    /// epoch that is higher but older is of a lock that was kept elsewhere.
    fn add_intent(&mut self, run: &str, first: usize, place: usize, intent: &Intent) {
        let Some(epoch) = intent.epoch else { return };
        let account = (intent.vendor.clone(), intent.base_url.clone());
        let highest = self.epochs.entry(account).or_default();
        let since = highest.partition_point(|(at, _)| *at <= first);
        if highest.get(since).is_some_and(|(_, other)| *other > epoch) {
            self.overtaken
                .insert((run.to_string(), intent.address.clone()));
        }
        while highest.last().is_some_and(|(_, other)| *other <= epoch) {
            highest.pop();
        }
        highest.push((place, epoch));
    }

    pub fn span(&self, run: &str) -> Option<Span> {
        self.runs.get(run).copied()
    }

    /// Whether a run wrote to an object after it had lost its lock.
    pub fn is_overtaken(&self, run: &str, address: &str) -> bool {
        // There are few, and mostly none.
        !self.overtaken.is_empty() && self.overtaken.contains(&(run.into(), address.into()))
    }
}

/// Whether people want to read of it: what was in sync all along is no news.
fn is_news(event: &Event) -> bool {
    match event {
        Event::Intent(_) | Event::Outcome(_) | Event::Found { .. } => true,
        Event::Started(_) | Event::Agreed(_) | Event::Finished { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::Ended;
    use crate::model::Method;

    fn record(run: &str, event: Event) -> Record {
        Record {
            at: "2026-11-21T12:00:00Z".into(),
            run: run.into(),
            event,
        }
    }

    fn intent(address: &str, epoch: Option<u64>) -> Event {
        Event::Intent(Box::new(Intent {
            address: address.into(),
            vendor: "lac".into(),
            connection: "lac".into(),
            base_url: "https://lac.example.com/".into(),
            identity: Default::default(),
            method: Method::Patch,
            path: "/license-orders/X".into(),
            changes: Vec::new(),
            unread: BTreeMap::new(),
            managed: BTreeMap::new(),
            epoch,
        }))
    }

    fn ended(address: &str, outcome: Outcome) -> Event {
        Event::Outcome(Ended {
            address: address.into(),
            outcome,
            message: None,
            side_effects: Vec::new(),
        })
    }

    fn overtaken(events: Vec<(&str, Event)>) -> BTreeSet<(String, String)> {
        let mut index = Index::default();
        for (run, event) in events {
            index.add(&record(run, event));
        }
        index.overtaken
    }

    #[test]
    fn a_run_that_wrote_after_it_had_lost_its_lock_is_told() {
        let under = |address: &str, epoch| intent(address, Some(epoch));
        let found = overtaken(vec![
            ("1", under("a", 7)),
            ("2", under("a", 8)),
            ("2", under("d", 8)),
            ("1", under("b", 7)),
            ("2", under("c", 8)),
        ]);
        assert_eq!(found, [("1".into(), "b".into())].into());
        // Locks that begin anew elsewhere, and journals that know of none, are no reason.
        let anew = overtaken(vec![
            ("1", under("a", 7)),
            ("2", under("a", 1)),
            ("3", intent("a", None)),
            ("3", under("b", 2)),
        ]);
        assert_eq!(anew, [].into());
    }

    #[test]
    fn a_run_is_what_it_is_known_to_have_carried_out() {
        let records = vec![
            record("1", intent("a", None)),
            record("2", intent("b", None)),
            record("1", ended("a", Outcome::Converged)),
            record("1", intent("c", None)),
            record("1", ended("c", Outcome::Rejected)),
            record("1", intent("d", None)),
            record("3", Event::Finished { interrupted: false }),
        ];
        assert_eq!(runs_that_wrote(records.clone().into_iter()), ["1", "2"]);
        let mut run = PastRun::of("1", records.into_iter());
        let addresses: Vec<&String> = run.addresses().iter().collect();
        assert_eq!(addresses, ["a", "c", "d"]);
        let done: Vec<&str> = run.carried_out().map(|i| i.address.as_str()).collect();
        assert_eq!(done, ["a"]);
        run.retain(|address| address == "d");
        assert_eq!(run.carried_out().count(), 0);
    }
}
