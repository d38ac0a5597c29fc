//! Writes what a run does into the journal. A run without a journal records nothing.
//!
//! In go plans, intents and results. Out come records on the queue of the store, each with the time, the run and the
//! lease that covers it. A write is not sent before its intent is durable. An outcome is not awaited: if it is lost, an
//! open intent remains, and the next run looks into it. [`Memory`] interprets the records; nothing here reads the
//! journal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::journal::{
    self, Agreed, CallName, Finding, GaveUp, Intent, JournalEvent, Left, ManagedObject,
    ManifestPlace, Record, Started, StepEnd, WholeObject,
};
use super::memory::{Memory, ObjectKey, OpenIntent, VendorAccount, agreement};
use super::outcome::{Outcome, Report};
use super::store::{Lease, Leases, RecordQueue, StoreError};
use super::transport::Account;
use crate::files::tree_name::TreeNames;
use crate::model::{Address, Desired};
use crate::plan::Planned;
use crate::plan::document::{ObjectEntry, reference_entries};
use crate::plan::field_json::fields_to_json;

/// Writes down what a run does, under its leases.
pub struct Recorder {
    /// `None` for runs that are not to be remembered.
    pub queue: Option<Arc<RecordQueue>>,
    pub leases: Leases,
    /// The name of this run.
    pub run: String,
    /// The team or repository that the run belongs to; `None` if it has no scope.
    pub scope: Option<String>,
    /// The account that each connection leads to, by the manifests.
    pub places: BTreeMap<String, VendorAccount>,
    /// The objects whose write undoes the change of another writer.
    pub heals: BTreeSet<Address>,
    /// The person who approved the write of an object that a daemon had held back.
    pub approvals: BTreeMap<Address, String>,
    /// The environment of the manifests, and the names of their files.
    pub manifests: ManifestNames,
    pub clock: fn() -> Timestamp,
}

/// How the journal names manifests. Without names of files it does not.
#[derive(Clone, Debug, Default)]
pub struct ManifestNames {
    pub environment: Option<String>,
    pub files: TreeNames,
}

impl ManifestNames {
    /// Returns where the manifest of an object is.
    fn find(&self, object: &Desired) -> Option<ManifestPlace> {
        Some(ManifestPlace {
            file: self.files.name(Path::new(&object.origin.source.name))?,
            set: object.layers.set().map(str::to_string),
            environment: self.environment.clone(),
        })
    }
}

/// The number of agreements in one group: ten thousand need not be in memory together.
const CHUNK: usize = 1000;

impl Recorder {
    /// Returns a recorder of a run without leases that heals nothing.
    pub fn new(
        queue: Option<Arc<RecordQueue>>,
        run: &str,
        places: BTreeMap<String, VendorAccount>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            queue,
            leases: Leases::default(),
            run: run.to_string(),
            scope: None,
            places,
            heals: BTreeSet::new(),
            approvals: BTreeMap::new(),
            manifests: ManifestNames::default(),
            clock,
        }
    }

    /// Wraps an event into a record with the time, the run and the scope of this run.
    fn record(&self, event: JournalEvent) -> Record {
        Record {
            at: (self.clock)().to_string(),
            run: self.run.clone(),
            scope: self.scope.clone(),
            event,
        }
    }

    /// Writes events as one group and waits until they are durable. Without a queue, or without events, it does
    /// nothing.
    async fn commit(
        &self,
        events: Vec<JournalEvent>,
        lease: Option<&Arc<dyn Lease>>,
    ) -> Result<(), Arc<StoreError>> {
        let Some(queue) = self.queue.as_ref().filter(|_| !events.is_empty()) else {
            return Ok(());
        };
        let records = events.into_iter().map(|event| self.record(event));
        queue.commit(records.collect(), lease).await
    }

    /// Writes down that the run has started, under its lease if it has exactly one.
    pub async fn record_start(&self, started: Started) -> Result<(), Arc<StoreError>> {
        let lease = self.leases.sole_lease();
        self.commit(vec![JournalEvent::Started(started)], lease)
            .await
    }

    /// Writes an intent down and waits until it is durable. On `Err` the caller must not send the write.
    ///
    /// It names every call of the step, and each change its call: a look at the live object tells how far the step came.
    /// An entry without calls writes nothing, so it has no intent.
    pub async fn record_intent(
        &self,
        entry: &ObjectEntry,
        planned: &Planned,
        account: &Account,
    ) -> Result<(), Arc<StoreError>> {
        let Some((call, later)) = entry.calls.split_first() else {
            return Ok(());
        };
        let desired = &planned.desired;
        let table = account.provider.kind_of(desired).table().desired;
        let fields = &desired.fields.unpack();
        let vendor_account = self.vendor_account(&entry.connection);
        let lease = self.leases.for_connection(&entry.connection);
        let intent = JournalEvent::Intent(Box::new(Intent {
            address: entry.address.clone(),
            vendor: entry.vendor.clone(),
            connection: entry.connection.clone(),
            base_url: vendor_account.base_url,
            tenant: vendor_account.tenant,
            account: account.connection.account_key().account,
            identity: entry.identity.clone(),
            references: entry.references.clone(),
            method: call.method,
            path: call.path.clone(),
            later_calls: later.iter().map(CallName::of).collect(),
            whole: WholeObject::of(entry.action),
            changes: entry.changes.clone(),
            unread: agreement::unread_fields(table, fields),
            managed: fields_to_json(table, fields),
            resolved: agreement::resolved_fields(table, &planned.resolved),
            policy_exclusions: agreement::policy_exclusions(desired),
            given_up: agreement::given_up(desired),
            heals: self.heals.contains(&desired.address),
            approved_by: self.approvals.get(&desired.address).cloned(),
            epoch: lease.map(|lease| lease.epoch()),
        }));
        self.commit(vec![intent], lease).await
    }

    /// Returns the vendor account of a connection; an empty one if the manifests do not name the connection.
    fn vendor_account(&self, connection: &str) -> VendorAccount {
        self.places.get(connection).cloned().unwrap_or_default()
    }

    /// Returns the account under whose lease a connection is written to; an empty text if no lease covers it.
    fn account(&self, connection: &str) -> String {
        let lease = self.leases.for_connection(connection);
        lease.map_or(String::new(), |lease| lease.account().account.clone())
    }

    /// Writes down how an object ended, without waiting for it: [`flush`](Self::flush) does. The write is done; a
    /// journal that cannot say so leaves an open intent, which the next run looks into.
    pub fn record_outcome(&self, report: &Report) {
        let Some(queue) = &self.queue else { return };
        let outcome = report.outcome.unwrap_or(Outcome::Already);
        let ended = StepEnd {
            address: report.planned.desired.address.to_string(),
            outcome,
            message: report.message.clone(),
            side_effects: report.side_effects.clone(),
            residual: report.residual.clone(),
            unclear: report.unclear,
        };
        let lease = self
            .leases
            .for_connection(&report.planned.desired.connection);
        queue.submit(vec![self.record(JournalEvent::Outcome(ended))], lease);
    }

    /// Waits until the outcomes are durable, or known to be lost. The leases must be held until then.
    pub async fn flush(&self) {
        if let Some(queue) = &self.queue {
            queue.flush().await;
        }
    }

    /// Writes down what a look at the live object found out about a write without a recorded end, and returns the
    /// record.
    pub async fn record_finding(
        &self,
        open: &OpenIntent,
        finding: Finding,
    ) -> Result<Record, Arc<StoreError>> {
        let intent = &open.intent;
        let record = self.record(JournalEvent::Found {
            address: intent.address.clone(),
            of_run: open.run.clone(),
            found: finding.words().into(),
            finding: Some(finding),
        });
        let account = [&intent.vendor, &intent.base_url, &intent.account];
        let lease = self.leases.for_account(account);
        let lease = lease.or_else(|| self.leases.for_connection(&intent.connection));
        if let Some(queue) = &self.queue {
            queue.commit(vec![record.clone()], lease).await?;
        }
        Ok(record)
    }

    /// Writes down the agreements between manifest and live that are new to the journal.
    ///
    /// They are grouped by connection, 1000 to a group, since each group goes under the lease of its connection: 2500
    /// new agreements of one connection are groups of 1000, 1000 and 500. No write depends on them, so a caller may go
    /// on after `Err`; later runs then know less of who changed a field.
    pub async fn record_agreed(
        &self,
        objects: impl Iterator<Item = &Planned>,
        known: &Memory,
        commit: Option<&String>,
        sandbox: bool,
    ) -> Result<(), Arc<StoreError>> {
        if self.queue.is_none() {
            return Ok(());
        }
        let mut waiting: BTreeMap<&str, Vec<JournalEvent>> = BTreeMap::new();
        for planned in objects {
            let connection = planned.desired.connection.as_str();
            let Some(vendor_account) = self.places.get(connection) else {
                continue;
            };
            let Some(agreed) = agreement::build_agreement(planned, vendor_account) else {
                continue;
            };
            let agreed = Agreed {
                account: self.account(connection),
                commit: commit.cloned(),
                manifest: self.manifests.find(&planned.desired),
                sandbox,
                ..agreed
            };
            if known.has(&agreed) {
                continue;
            }
            let events = waiting.entry(connection).or_default();
            events.push(JournalEvent::Agreed(Box::new(agreed)));
            if events.len() >= CHUNK {
                let events = std::mem::take(events);
                self.commit(events, self.leases.for_connection(connection))
                    .await?;
            }
        }
        for (connection, events) in waiting {
            self.commit(events, self.leases.for_connection(connection))
                .await?;
        }
        Ok(())
    }

    /// Writes down that no manifest names these objects any more, those of each connection under its lease.
    pub async fn record_left(
        &self,
        objects: &[(ObjectKey, ManagedObject)],
    ) -> Result<(), Arc<StoreError>> {
        let mut waiting: BTreeMap<&str, Vec<JournalEvent>> = BTreeMap::new();
        for (key, object) in objects {
            let events = waiting.entry(&object.connection).or_default();
            events.push(JournalEvent::Left(Box::new(Left {
                address: object.address.clone(),
                vendor: object.vendor.clone(),
                base_url: object.base_url.clone(),
                account: self.account(&object.connection),
                key: *key,
            })));
        }
        for (connection, events) in waiting {
            self.commit(events, self.leases.for_connection(connection))
                .await?;
        }
        Ok(())
    }

    /// Writes down that fields are left to another writer.
    pub async fn record_given_up(
        &self,
        object: &Desired,
        fields: &[String],
    ) -> Result<(), Arc<StoreError>> {
        let vendor_account = self.vendor_account(&object.connection);
        let manifest = agreement::hash_manifest(object).map(journal::format_hash);
        let gave_up = JournalEvent::GaveUp(Box::new(GaveUp {
            address: object.address.to_string(),
            vendor: object.vendor.to_string(),
            connection: object.connection.to_string(),
            base_url: vendor_account.base_url,
            tenant: vendor_account.tenant,
            account: self.account(&object.connection),
            identity: object.ids(),
            references: reference_entries(object),
            fields: fields.to_vec(),
            desired: manifest.unwrap_or_default(),
        }));
        let lease = self.leases.for_connection(&object.connection);
        self.commit(vec![gave_up], lease).await
    }

    pub async fn record_end(&self, interrupted: bool) -> Result<(), Arc<StoreError>> {
        let lease = self.leases.sole_lease();
        self.commit(vec![JournalEvent::Finished { interrupted }], lease)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use crate::apply::records::Records;
    use crate::apply::store::files::FileStore;
    use crate::files::links::LinkPolicy;
    use crate::model::{Live, Observed, PackedFields, Value};
    use crate::plan;
    use crate::provider::{self, testing};

    fn clock() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    struct Bench {
        recorder: Recorder,
        path: PathBuf,
        _dir: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let files = FileStore::open(&path, dir.path(), &LinkPolicy::Follow).unwrap();
        let queue = RecordQueue::new(Arc::new(files));
        let vendor_account = VendorAccount::new("https://lac.example.com/", None);
        let places = [("lac".to_string(), vendor_account)].into();
        Bench {
            recorder: Recorder::new(Some(queue), "7", places, clock),
            path,
            _dir: dir,
        }
    }

    #[tokio::test]
    async fn a_run_is_in_the_journal_from_its_start_to_its_end() {
        let Bench {
            recorder,
            path,
            _dir,
        } = bench();
        let started = Started {
            by: "somebody".into(),
            ..Started::default()
        };
        recorder.record_start(started.clone()).await.unwrap();
        recorder.record_end(true).await.unwrap();
        let record = |event| Record {
            at: "1970-01-01T00:00:00Z".into(),
            run: "7".into(),
            scope: None,
            event,
        };
        let written: Vec<Record> = Records::open(&path).unwrap().collect();
        let finished = record(JournalEvent::Finished { interrupted: true });
        assert_eq!(written, [record(JournalEvent::Started(started)), finished]);
    }

    #[tokio::test]
    async fn what_is_agreed_on_is_written_once_with_where_it_comes_from() {
        let Bench {
            recorder,
            path,
            _dir,
        } = bench();
        let table = provider::find_kind("LacLicenseOrder").unwrap().table();
        let fields = [("activations_allowed", Value::Integer(5))].into();
        let order = Desired {
            fields: PackedFields::new(table.desired, &fields),
            ..testing::desired_object(table, &[("activationKey", "A")])
        };
        let live = Observed::Live(Live {
            fields,
            ..Live::default()
        });
        let lac = provider::find_kind("LacLicenseOrder").unwrap();
        let planned = plan::plan_object(lac, &Arc::new(order), &live, clock());
        let mut known = Memory::default();
        let commit = "c0ffee".to_string();
        for _ in 0..2 {
            let agreed =
                recorder.record_agreed([&planned].into_iter(), &known, Some(&commit), true);
            agreed.await.unwrap();
            Records::open(&path)
                .unwrap()
                .for_each(|record| known.follow(&record));
        }
        let written: Vec<Record> = Records::open(&path).unwrap().collect();
        let [record] = &written[..] else {
            panic!("{written:?}");
        };
        let JournalEvent::Agreed(agreed) = &record.event else {
            panic!("{record:?}");
        };
        assert_eq!(agreed.managed["activations_allowed"], 5);
        assert_eq!(agreed.base_url, "https://lac.example.com/");
        assert_eq!(agreed.commit.as_deref(), Some("c0ffee"));
        assert!(agreed.sandbox);
    }
}
