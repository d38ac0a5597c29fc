//! What a run writes into the journal. Without a journal it writes nothing and says so to nobody.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::agreement::{self, Agreements};
use super::journal::{Agreed, Ended, Event, Intent, Journal, OpenIntent, Record, Started};
use super::outcome::{Outcome, Report};
use super::transport::Account;
use crate::model::Desired;
use crate::plan::Planned;
use crate::plan::document::ObjectEntry;
use crate::plan::drift::remember;

pub struct Recorder<'a> {
    /// Nothing for runs that are not to be remembered.
    pub journal: Option<&'a Journal>,
    /// The name of this run.
    pub run: String,
    /// Where each connection leads, as the manifests say.
    pub places: BTreeMap<String, String>,
    pub clock: fn() -> Timestamp,
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

    /// Writes an intent down. If that fails nothing may be sent.
    pub fn intent(
        &self,
        entry: &ObjectEntry,
        planned: &Planned,
        account: &Account,
        epoch: Option<u64>,
    ) -> Result<(), String> {
        let Some(call) = entry.calls.first() else {
            return Ok(());
        };
        let fields = &planned.desired.fields.unpack();
        self.write(Event::Intent(Box::new(Intent {
            address: entry.address.clone(),
            vendor: entry.vendor.clone(),
            connection: entry.connection.clone(),
            base_url: self
                .places
                .get(&entry.connection)
                .cloned()
                .unwrap_or_default(),
            identity: entry.identity.clone(),
            method: call.method,
            path: call.path.clone(),
            changes: entry.changes.clone(),
            unread: agreement::unread(account.provider.table().desired, fields),
            managed: remember(account.provider.table().desired, fields),
            epoch,
        })))
    }

    /// Writes down how an object ended. The write is done; a journal that cannot say so leaves an open
    /// intent, which the next run looks into.
    pub fn ended(&self, report: &Report) {
        let outcome = report.outcome.unwrap_or(Outcome::Already);
        let ended = Ended {
            address: report.planned.desired.address.to_string(),
            outcome,
            message: report.message.clone(),
            side_effects: report.side_effects.clone(),
        };
        if let Err(why) = self.write(Event::Outcome(ended)) {
            tracing::error!("{why}");
        }
    }

    /// Closes an intent of an earlier run with what is true now.
    pub fn found(&self, open: &OpenIntent, found: &str) -> Result<(), String> {
        self.write(Event::Found {
            address: open.intent.address.clone(),
            of_run: open.run.clone(),
            found: found.into(),
        })
    }

    /// Writes down what is agreed on and was not before, all of it at once. Nothing hangs on it but what
    /// later runs can tell, so a caller may go on without.
    pub fn agreed<'d>(
        &self,
        objects: impl Iterator<Item = &'d Desired>,
        known: &Agreements,
        commit: Option<&String>,
        sandbox: bool,
    ) -> Result<(), String> {
        let Some(journal) = self.journal else {
            return Ok(());
        };
        let fresh = |object: &Desired| {
            let place = self.places.get(object.connection.as_str())?;
            let agreed = Agreed {
                commit: commit.cloned(),
                sandbox,
                ..agreement::agreed(object, place)?
            };
            (!known.has(&agreed)).then(|| self.record(Event::Agreed(Box::new(agreed))))
        };
        let written = journal.append_all(objects.filter_map(fresh));
        written.map_err(|error| fault(journal, &error))
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
    use crate::apply::records::Records;
    use crate::model::{PackedFields, Value};
    use crate::provider::{self, testing};

    fn clock() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn recorder(journal: &Journal) -> Recorder<'_> {
        Recorder {
            journal: Some(journal),
            run: "7".into(),
            places: [("lac".to_string(), "https://lac.example.com/".to_string())].into(),
            clock,
        }
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
        let mut known = Agreements::default();
        for _ in 0..2 {
            let agreed = recorder(&journal).agreed(
                [&order].into_iter(),
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
