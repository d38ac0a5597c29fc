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
