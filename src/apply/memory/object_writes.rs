//! The writes of one object, for those who look at its history on a page.

use std::collections::VecDeque;

use super::ScopeReader;
use super::key::ObjectKey;
use super::open::{OpenIntent, OpenWrites};
use super::recent::is_sent;
use crate::apply::journal::{JournalEvent, Purpose, Record};
use crate::apply::outcome::Outcome;
use crate::apply::store::{Cursor, JournalLine, JournalScope, Store, StoreError};
use crate::model::AccountKey;
use crate::plan::descent::ValueWrite;
use crate::plan::document::ChangeEntry;

/// A write of an object, sent by whichever run.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectWrite {
    pub at: String,
    pub run: String,
    /// The person or program that ran it.
    pub by: String,
    /// The person who approved the write, if a daemon had held it back.
    pub approved_by: Option<String>,
    pub commit: Option<String>,
    pub purpose: Purpose,
    /// `None` if its end is unknown.
    pub outcome: Option<Outcome>,
    /// The vendor's answer, or what failed.
    pub message: Option<String>,
    pub changes: Vec<ChangeEntry>,
}

impl ObjectWrite {
    /// Returns who wrote, and when, without what was written.
    pub fn summary(&self) -> ValueWrite {
        ValueWrite {
            run: self.run.clone(),
            at: self.at.clone(),
            by: self.by.clone(),
            approved_by: self.approved_by.clone(),
            commit: self.commit.clone(),
        }
    }

    /// Reports whether its changes were made.
    pub fn is_carried_out(&self) -> bool {
        matches!(
            self.outcome,
            Some(Outcome::Converged | Outcome::Unconverged)
        )
    }
}

/// Collects the last writes of one object, record by record.
struct ObjectWriteReader<'a> {
    reader: &'a ScopeReader,
    keys: &'a [ObjectKey],
    most: usize,
    open: OpenWrites,
    writes: VecDeque<ObjectWrite>,
}

/// Reads the last `most` writes of the object with one of these keys that `reader` sees, the newest first.
///
/// If the store has a summary of older lines, those lines are not read: then only the writes since are returned.
pub async fn read_object_writes(
    store: &dyn Store,
    reader: &ScopeReader,
    account: &AccountKey,
    keys: &[ObjectKey],
    most: usize,
) -> Result<Vec<ObjectWrite>, StoreError> {
    let mut reader = ObjectWriteReader {
        reader,
        keys,
        most,
        open: OpenWrites::default(),
        writes: VecDeque::new(),
    };
    let mut cursor = Cursor::default();
    let scope = JournalScope::Accounts(std::slice::from_ref(account));
    let mut take = |line| reader.take(line);
    store.read(scope, &mut cursor, &mut take).await?;
    Ok(reader.end())
}

impl ObjectWriteReader<'_> {
    fn take(&mut self, line: JournalLine) {
        match line {
            JournalLine::Record(record) => self.follow(&record),
            JournalLine::Damaged(_) => {}
            JournalLine::Reset => (self.open, self.writes) = Default::default(),
        }
    }

    fn follow(&mut self, record: &Record) {
        let Some((write, _)) = self.open.follow(record) else {
            return;
        };
        if !self.is_shown(&write) {
            return;
        }
        let (outcome, message) = match &record.event {
            JournalEvent::Outcome(ended) if !is_sent(ended.outcome) => return,
            JournalEvent::Outcome(ended) => (Some(ended.outcome), ended.message.clone()),
            JournalEvent::Found { found, .. } => {
                (None, Some(format!("cut off; a later run found it {found}")))
            }
            _ => (None, None),
        };
        self.writes
            .push_back(object_write(&write, &record.at, outcome, message));
        if self.writes.len() > self.most {
            self.writes.pop_front();
        }
    }

    /// Reports whether a write is one of the object's, and of a run that the reader sees.
    fn is_shown(&self, write: &OpenIntent) -> bool {
        self.reader.sees(write.scope.as_deref())
            && self.keys.contains(&write.intent.subject().key())
    }

    /// Returns the writes, those without an end first.
    fn end(self) -> Vec<ObjectWrite> {
        let open = self.open.iter().filter(|open| self.is_shown(open));
        let open = open.map(|open| {
            let message = "cut off: the next run looks into it".to_string();
            object_write(open, &open.at, None, Some(message))
        });
        open.chain(self.writes.iter().rev().cloned())
            .take(self.most)
            .collect()
    }
}

fn object_write(
    write: &OpenIntent,
    at: &str,
    outcome: Option<Outcome>,
    message: Option<String>,
) -> ObjectWrite {
    ObjectWrite {
        at: at.to_string(),
        run: write.run.clone(),
        by: write.by.clone(),
        approved_by: write.intent.approved_by.clone(),
        commit: write.commit.clone(),
        purpose: write.purpose,
        outcome,
        message,
        changes: write.intent.changes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::memory::testing::{self, record};

    fn write(run: &str, object: &str, outcome: Outcome) -> [Record; 3] {
        let intent = crate::apply::journal::Intent {
            identity: [("activationKey", object)].into_iter().collect(),
            ..testing::intent(&format!("LacLicenseOrder/{object}"))
        };
        [
            record(run, testing::started(Purpose::Apply)),
            record(run, testing::write(intent)),
            record(
                run,
                testing::ended(&format!("LacLicenseOrder/{object}"), outcome),
            ),
        ]
    }

    fn writes(records: &[Record], object: &str, most: usize) -> Vec<ObjectWrite> {
        writes_seen(None, records, object, most)
    }

    fn writes_seen(
        scope: Option<String>,
        records: &[Record],
        object: &str,
        most: usize,
    ) -> Vec<ObjectWrite> {
        let identity = [("activationKey", object)].into_iter().collect();
        let subject = super::super::Subject {
            base_url: testing::URL,
            tenant: None,
            kind: "LacLicenseOrder",
            identity: &identity,
            references: &Default::default(),
        };
        let (keys, reader) = ([subject.key()], ScopeReader::new(scope));
        let mut reader = ObjectWriteReader {
            reader: &reader,
            keys: &keys,
            most,
            open: OpenWrites::default(),
            writes: VecDeque::new(),
        };
        records.iter().for_each(|record| reader.follow(record));
        reader.end()
    }

    #[test]
    fn a_write_of_another_scope_is_not_shown() {
        let mut records = vec![
            testing::record("1", testing::write(testing::intent("LacLicenseOrder/a"))),
            testing::record("1", testing::ended("LacLicenseOrder/a", Outcome::Converged)),
        ];
        let count = |scope: &str, records: &[Record]| {
            writes_seen(Some(scope.to_string()), records, "a", 5).len()
        };
        assert_eq!(count("staging", &records), 1);
        for record in &mut records {
            record.scope = Some("production".into());
        }
        assert_eq!(count("staging", &records), 0);
        assert_eq!(count("production", &records), 1);
        assert_eq!(count("staging", &records[..1]), 0);
        assert_eq!(writes(&records, "a", 5).len(), 1);
    }

    #[test]
    fn a_write_of_another_kind_with_the_same_id_is_not_shown() {
        let intent = crate::apply::journal::Intent {
            address: "LacSomething/a".into(),
            ..testing::intent("LacLicenseOrder/a")
        };
        let mut records = vec![
            record("1", testing::started(Purpose::Apply)),
            record("1", testing::write(intent)),
            record("1", testing::ended("LacSomething/a", Outcome::Converged)),
        ];
        assert_eq!(writes(&records, "a", 9).len(), 0);
        records.extend(write("2", "a", Outcome::Converged));
        assert_eq!(writes(&records, "a", 9).len(), 1);
    }

    #[test]
    fn the_newest_writes_of_the_object_come_first() {
        let mut records = Vec::new();
        records.extend(write("1", "a", Outcome::Converged));
        records.extend(write("2", "b", Outcome::Converged));
        records.extend(write("3", "a", Outcome::Stale));
        records.extend(write("4", "a", Outcome::Rejected));
        records.extend(write("5", "a", Outcome::Converged)[..2].to_vec());
        let runs = |most| -> Vec<String> {
            writes(&records, "a", most)
                .iter()
                .map(|write| write.run.clone())
                .collect()
        };
        assert_eq!(runs(9), ["5", "4", "1"]);
        assert_eq!(runs(2), ["5", "4"]);
        let all = writes(&records, "a", 9);
        assert_eq!((all[0].outcome, all[0].by.as_str()), (None, "ann"));
        assert_eq!(all[1].outcome, Some(Outcome::Rejected));
    }
}
