//! Drives a provider's reading: sends what it asks for, side by side, and hands back the replies.

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::transport::Account;
use crate::model::{Call, Desired, Observed};
use crate::provider::listing::{Listed, Listing};
use crate::provider::reading::{Answer, Reading, Ticket};

/// Reads the wanted objects of one account; one entry per object, in their order.
pub async fn observe(account: &Account, wanted: &[&Desired]) -> Vec<Observed> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut seen: Vec<Option<Observed>> = wanted.iter().map(|_| None).collect();
    observe_each(account, wanted, &mut |place, found| {
        seen[place] = Some(found)
    })
    .await;
    let none = || Observed::Unread("the vendor's reading left it out".into());
    seen.into_iter()
        .map(|found| found.unwrap_or_else(none))
        .collect()
}

/// The same, with every object handed over as soon as it is seen.
pub async fn observe_each(
    account: &Account,
    wanted: &[&Desired],
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    read(account, wanted, Purpose::Plan, found).await;
}

/// Reads one object whose step is under way; nothing only if the vendor's reading has a fault.
pub async fn check(account: &Account, wanted: &Desired) -> Option<Observed> {
    let mut seen = None;
    let found = &mut |_, observed| seen = Some(observed);
    read(account, &[wanted], Purpose::Step, found).await;
    seen
}

/// What is read for: steps do not wait behind plans.
#[derive(Clone, Copy)]
enum Purpose {
    Plan,
    Step,
}

async fn read(
    account: &Account,
    wanted: &[&Desired],
    purpose: Purpose,
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    if wanted.is_empty() {
        return;
    }
    let mut reading = account.provider.reading(wanted);
    drive(account, &mut reading, purpose).await;
    for (place, seen) in reading.finish().into_iter().enumerate() {
        found(place, seen);
    }
}

/// Reads everything that the vendor lists in one account.
pub async fn list(account: &Account, mut listing: Box<dyn Listing>) -> Listed {
    drive(account, &mut listing, Purpose::Plan).await;
    listing.finish()
}

/// What readings and listings have in common: calls come out, replies go in.
trait Machine {
    fn ready(&mut self) -> Vec<(Ticket, Call)>;
    fn take(&mut self, ticket: Ticket, answer: Answer);
}

impl Machine for Box<dyn Reading> {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        (**self).ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        (**self).take(ticket, answer);
    }
}

impl Machine for Box<dyn Listing> {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        (**self).ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        (**self).take(ticket, answer);
    }
}

async fn drive(account: &Account, machine: &mut impl Machine, purpose: Purpose) {
    let mut under_way = FuturesUnordered::new();
    loop {
        for (ticket, call) in machine.ready() {
            under_way.push(async move {
                let Some(read) = call.as_read() else {
                    let why = format!("{} is no read and was not sent", call.shown());
                    return (ticket, Answer::Lost(why));
                };
                let reply = match purpose {
                    Purpose::Plan => account.read(read).await,
                    Purpose::Step => account.check(read).await,
                };
                let answer = match reply {
                    Ok(reply) => Answer::Reply(reply),
                    Err(lost) => Answer::Lost(lost.text),
                };
                (ticket, answer)
            });
        }
        match under_way.next().await {
            Some((ticket, answer)) => machine.take(ticket, answer),
            None => return,
        }
    }
}
