//! Reads the wanted licenses from the list of all licenses of the account (`id_search`).

use super::{LICENSES, LicenseRow, decode};
use crate::model::{Desired, Observed, ReadFailure};
use crate::provider::canon;
use crate::provider::cryptlex::id_search::{IdSearch, NextCalls, SearchCall, Sighting};
use crate::provider::cryptlex::rows::{id_of, naming_scope, rows_of};
use crate::provider::decode::Want;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, require_success};

/// The list of all licenses, and the scope that its page prints.
pub const LIST: &str = "/v3/licenses";
pub const READ: &str = "license:read";

pub struct LicenseReading {
    outbox: Outbox<SearchCall>,
    search: IdSearch,
    settled: Settled,
}

impl LicenseReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut search = IdSearch::new(LIST.to_string());
        for (index, desired) in desired_objects.iter().enumerate() {
            search.want(desired.id("licenseId"), index);
        }
        let calls = search.begin();
        let mut reading = Self {
            outbox: Outbox::default(),
            search,
            settled: Settled::none_of(desired_objects.len()),
        };
        reading.send(calls);
        reading
    }

    fn send(&mut self, calls: NextCalls) {
        for (call, purpose) in calls {
            self.outbox.send(call, purpose);
        }
    }
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, crate::model::Call)> {
        self.outbox.ready()
    }

    /// A 404 for the list itself says nothing about a license: the base URL may be wrong.
    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| {
            let want: Want<'_> = &|id| {
                id.text()
                    .is_none_or(|id| self.search.wants(&purpose, &canon::canonical_id(id)))
            };
            let rows = rows_of(&LICENSES, &reply, &name, want)?;
            let (found, calls) = self.search.take(&purpose, rows);
            for (index, sighting) in found {
                let observed = match sighting {
                    Sighting::Row(row) => shown(row, &name),
                    Sighting::Absent => Observed::Missing,
                    Sighting::Other(other) => Observed::Unread(ReadFailure::odd(format!(
                        "{name} answered with license {other} instead"
                    ))),
                };
                self.settled.put(index, observed);
            }
            self.send(calls);
            Ok(())
        });
        if let Err(failure) = read {
            let failure = naming_scope(failure, READ);
            for index in self.search.fail(&purpose) {
                self.settled.put(index, Observed::Unread(failure.clone()));
            }
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd(
                "the license was not asked for".to_string(),
            ))
        })
    }
}

/// Decodes a row; `name` is the call's name in messages.
pub fn shown(row: LicenseRow<'_>, name: &str) -> Observed {
    let id = id_of(&row).unwrap_or_default();
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => Observed::Unread(ReadFailure::odd(format!("{name}: license {id}: {fault}"))),
    }
}
