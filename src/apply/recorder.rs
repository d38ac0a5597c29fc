//! What a run writes into the journal. Without a journal it writes nothing and says so to nobody.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::journal::{Agreed, Ended, Event, GaveUp, Intent, Journal, Record, Started};
use super::memory::{Finding, Memory, OpenIntent, Place, agreement};
use super::outcome::{Outcome, Report};
use super::transport::Account;
use crate::model::{Address, Desired};
use crate::plan::Planned;
use crate::plan::document::{ObjectEntry, identity_of};
use crate::plan::recall::remember;

pub struct Recorder<'a> {
    /// Nothing for runs that are not to be remembered.
    pub journal: Option<&'a Journal>,
    /// The name of this run.
    pub run: String,
    /// Where each connection leads, as the manifests say.
    pub places: BTreeMap<String, Place>,
    /// The objects whose write puts back what somebody else has changed.
    pub heals: BTreeSet<Address>,
    pub clock: fn() -> Timestamp,
}

impl<'a> Recorder<'a> {
    /// A recorder of writes that heal nothing.
    pub fn new(
        journal: Option<&'a Journal>,
        run: &str,
        places: BTreeMap<String, Place>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            journal,
            run: run.to_string(),
            places,
            heals: BTreeSet::new(),
            clock,
        }
    }
}

impl Recorder<'_> {
    fn write(&self, event: Event) -> Result<(), String> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let written = journal.append(&self.record(event));
        written.map_err(|error| fault(journal, &error))
    }

    fn record(&self, event: Event) -> Record {
        Record {
            at: (self.clock)().to_string(),
            run: self.run.clone(),
            event,
        }
    }

    pub fn started(&self, started: Started) -> Result<(), String> {
        self.write(Event::Started(started))
    }

    /// The same without holding up a task, for what steps side by side write down.
    async fn commit(&self, event: Event) -> Result<(), String> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let written = journal.commit(self.record(event)).await;
        written.map_err(|error| fault(journal, &error))
    }

    /// Writes an intent down. If that fails nothing may be sent.
    pub async fn intent(
        &self,
        entry: &ObjectEntry,
        planned: &Planned,
        account: &Account,
        epoch: Option<u64>,
    ) -> Result<(), String> {
        let Some(call) = entry.calls.first() else {
            return Ok(());
        };
        let desired = &planned.desired;
        let (table, fields) = (account.provider.table().desired, &desired.fields.unpack());
        let place = self.place(&entry.connection);
        let intent = Event::Intent(Box::new(Intent {
            address: entry.address.clone(),
            vendor: entry.vendor.clone(),
            connection: entry.connection.clone(),
            base_url: place.base_url,
            tenant: place.tenant,
            account: account.connection.account_key().account,
            identity: entry.identity.clone(),
            method: call.method,
            path: call.path.clone(),
            changes: entry.changes.clone(),
            unread: agreement::unread(table, fields),
            managed: remember(table, fields),
            resolved: agreement::resolved(table, &planned.resolved),
            spared: agreement::spared(desired),
            given_up: agreement::given_up(desired),
            heals: self.heals.contains(&desired.address),
            epoch,
        }));
        self.commit(intent).await
    }

    fn place(&self, connection: &str) -> Place {
        self.places.get(connection).cloned().unwrap_or_default()
    }

    /// Writes down how an object ended. The write is done; a journal that cannot say so leaves an open
    /// intent, which the next run looks into.
    pub async fn ended(&self, report: &Report) {
        let outcome = report.outcome.unwrap_or(Outcome::Already);
        let ended = Ended {
            address: report.planned.desired.address.to_string(),
            outcome,
            message: report.message.clone(),
            side_effects: report.side_effects.clone(),
            residual: report.residual.clone(),
            unclear: report.unclear,
        };
        if let Err(why) = self.commit(Event::Outcome(ended)).await {
            tracing::error!("{why}");
        }
    }

    /// Writes down what a look made of a write whose end nobody had recorded.
    pub fn found(&self, open: &OpenIntent, finding: Finding) -> Result<Record, String> {
        let record = self.record(Event::Found {
            address: open.intent.address.clone(),
            of_run: open.run.clone(),
            found: finding.words().into(),
            finding: Some(finding),
        });
        if let Some(journal) = self.journal {
            let written = journal.append(&record);
            written.map_err(|error| fault(journal, &error))?;
        }
        Ok(record)
    }

    /// Writes down what is agreed on and was not before, all of it at once. Nothing hangs on it but what
    /// later runs can tell, so a caller may go on without.
    pub fn agreed<'d>(
        &self,
        objects: impl Iterator<Item = &'d Planned>,
        known: &Memory,
        commit: Option<&String>,
        sandbox: bool,
    ) -> Result<(), String> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let fresh = |planned: &Planned| {
            let place = self.places.get(planned.desired.connection.as_str())?;
            let agreed = Agreed {
                commit: commit.cloned(),
                sandbox,
                ..agreement::agreed(planned, place)?
            };
            (!known.has(&agreed)).then(|| self.record(Event::Agreed(Box::new(agreed))))
        };
        let written = journal.append_all(objects.filter_map(fresh));
        written.map_err(|error| fault(journal, &error))
    }

    /// Writes down that fields are left to another writer.
    pub fn gave_up(&self, object: &Desired, fields: &[String]) -> Result<(), String> {
        let place = self.place(&object.connection);
        let wanted = agreement::wanted(object).map(agreement::hex);
        self.write(Event::GaveUp(Box::new(GaveUp {
            address: object.address.to_string(),
            vendor: object.vendor.to_string(),
            connection: object.connection.to_string(),
            base_url: place.base_url,
            tenant: place.tenant,
            identity: identity_of(object),
            fields: fields.to_vec(),
            wanted: wanted.unwrap_or_default(),
        })))
    }

    pub fn finished(&self, interrupted: bool) -> Result<(), String> {
        self.write(Event::Finished { interrupted })
    }
}

fn fault(journal: &Journal, error: &std::io::Error) -> String {
    let path = journal.path().display();
    format!("cannot write the journal {path}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::apply::records::Records;
    use crate::model::{Live, Observed, PackedFields, Value};
    use crate::plan;
    use crate::provider::{self, testing};

    fn clock() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn recorder(journal: &Journal) -> Recorder<'_> {
        let place = Place::new("https://lac.example.com/", None);
        let places = [("lac".to_string(), place)].into();
        Recorder::new(Some(journal), "7", places, clock)
    }

    #[test]
    fn a_run_is_in_the_journal_from_its_start_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        let recorder = recorder(&journal);
        let started = Started {
            by: "somebody".into(),
            ..Started::default()
        };
        recorder.started(started.clone()).unwrap();
        recorder.finished(true).unwrap();
        let record = |event| Record {
            at: "1970-01-01T00:00:00Z".into(),
            run: "7".into(),
            event,
        };
        let written: Vec<Record> = Records::open(&path).unwrap().collect();
        let finished = record(Event::Finished { interrupted: true });
        assert_eq!(written, [record(Event::Started(started)), finished]);
    }

    #[test]
    fn what_is_agreed_on_is_written_once_with_where_it_comes_from() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        let table = provider::of_kind("LacLicenseOrder").unwrap().table();
        let fields = [("activations_allowed", Value::Integer(5))].into();
        let order = Desired {
            fields: PackedFields::new(table.desired, &fields),
            ..testing::wanted(table, &[("activationKey", "A")])
        };
        let live = Observed::Live(Live {
            fields,
            ..Live::default()
        });
        let lac = provider::of_kind("LacLicenseOrder").unwrap();
        let planned = plan::plan(lac, &Arc::new(order), &live, clock());
        let mut known = Memory::default();
        for _ in 0..2 {
            let agreed = recorder(&journal).agreed(
                [&planned].into_iter(),
                &known,
                Some(&"c0ffee".to_string()),
                true,
            );
            agreed.unwrap();
            Records::open(&path)
                .unwrap()
                .for_each(|record| known.follow(&record));
        }
        let written: Vec<Record> = Records::open(&path).unwrap().collect();
        let [record] = &written[..] else {
            panic!("{written:?}");
        };
        let Event::Agreed(agreed) = &record.event else {
            panic!("{record:?}");
        };
        assert_eq!(agreed.managed["activations_allowed"], 5);
        assert_eq!(agreed.base_url, "https://lac.example.com/");
        assert_eq!(agreed.commit.as_deref(), Some("c0ffee"));
        assert!(agreed.sandbox);
    }

    #[test]
    fn a_journal_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        let error = fault(&journal, &std::io::Error::other("the disk is full"));
        let path = path.display();
        assert_eq!(
            error,
            format!("cannot write the journal {path}: the disk is full")
        );
    }
}
