//! One call per organization, all side by side: the API has no list of licences and no filter.

use super::{LICENCES, decode};
use crate::model::{Call, Desired, Live, Malformed, Observed, ReadFailure};
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, require_success, unreadable_reply,
};

pub struct LicenseReading {
    /// Calls by the index of the wanted organization.
    outbox: Outbox<usize>,
    orgs: Vec<String>,
    settled: Settled,
}

impl LicenseReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut outbox = Outbox::default();
        let mut orgs = Vec::new();
        for (index, desired) in desired_objects.iter().enumerate() {
            let org = desired.id("orgId").to_string();
            outbox.send(Call::get(super::path(&org)), index);
            orgs.push(org);
        }
        Self {
            outbox,
            settled: Settled::none_of(orgs.len()),
            orgs,
        }
    }
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (index, name) = self.outbox.purpose(ticket);
        let observed = match licence(&self.orgs[index], &name, answer) {
            Ok(Ok(live)) => Observed::Live(live),
            Ok(Err(fault)) => Observed::Unread(ReadFailure::odd(format!("{name}: {fault}"))),
            Err(failure) if failure.status == Some(404) => Observed::Missing,
            Err(failure) => Observed::Unread(failure),
        };
        self.settled.put(index, observed);
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self { orgs, settled, .. } = *self;
        settled.finish(|index| {
            Observed::Unread(ReadFailure::odd(format!(
                "organization {} was not asked for",
                orgs[index]
            )))
        })
    }
}

fn licence(org: &str, name: &str, answer: Answer) -> Result<Result<Live, Malformed>, ReadFailure> {
    let reply = require_success(name, answer)?;
    let licence = LICENCES.one(&reply.body);
    let licence = licence.map_err(|error| unreadable_reply(name, &reply, &error))?;
    Ok(match licence {
        Some(licence) => decode(org, licence),
        None => Err(Malformed::new("the reply is no object")),
    })
}
