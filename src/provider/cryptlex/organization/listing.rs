//! Lists every organization of the account, by pages that overlap (`list_walk`).

use std::collections::BTreeMap;

use super::{LIST, ORGANIZATIONS, READ, fields, observed};
use crate::model::{Call, Observed, Text};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of, with_scope};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

#[derive(Default)]
pub struct OrganizationListing {
    outbox: Outbox<Sheet>,
    walk: ListWalk,
    /// Organizations by id, each with the reading of the list that showed it last.
    found: BTreeMap<Text, (usize, Observed)>,
    failures: Vec<String>,
}

impl OrganizationListing {
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask();
        listing
    }

    /// Asks for the next page.
    fn ask(&mut self) {
        let sheet = self.walk.sheet();
        self.outbox.send(Call::get(sheet.of(LIST)), sheet);
    }
}

impl Listing for OrganizationListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (sheet, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| {
            let rows = rows_of(&ORGANIZATIONS, &reply, &name, &|_| true)?;
            let reading = self.walk.reading();
            let mut ids = Vec::with_capacity(rows.len());
            for row in rows {
                let id = id_of(&row).unwrap_or_default();
                ids.push(id.to_string());
                self.found.insert(id, (reading, observed(row, &name)));
            }
            match self.walk.take(sheet, ids, LIST) {
                WalkStep::Ask => self.ask(),
                WalkStep::End => {}
                WalkStep::Abandon(why) => self.failures.push(why),
            }
            Ok(())
        });
        if let Err(failure) = read {
            let text = with_scope(failure.text, failure.status, READ);
            self.failures.push(text);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let Self { walk, found, .. } = *self;
        let there = { found.into_iter() }.filter(|(_, (reading, _))| walk.still_has(*reading));
        let objects = there.map(|(id, (_, observed))| ListedObject {
            identity: vec![(fields::ID, id)],
            observed,
        });
        Listed::new(objects.collect(), self.failures)
    }
}
