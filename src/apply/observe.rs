//! Drives a provider's reading: sends the calls it asks for concurrently, and hands it the replies.
//!
//! In go desired objects, out comes one [`Observed`] for each index. The provider decides which calls are needed and
//! what a reply means. This module only decides when a call goes out and how many are in progress. It refuses calls
//! that are not reads.
//!
//! For example, a reading of three orders asks for a list of two pages. The first page settles order 0, which goes to
//! the caller at once, the second page settles order 1. Order 2 is on neither, and `finish` returns it as missing.

use std::collections::VecDeque;
use std::task::Poll;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, poll};
use tracing::Instrument;

use super::spans;
use super::transport::Account;
use crate::model::{Call, ConnectionFault, Desired, Observed, ReadFailure};
use crate::provider::kind_listings::KindListings;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Reading, Ticket};
use crate::provider::references::Referents;
use crate::provider::staged_reading::{read_in_stages, read_without_stages};

/// Reads the desired objects of one account, to see them; one entry per object, in their order.
pub async fn observe(account: &Account, desired: &[&Desired]) -> Vec<Observed> {
    if desired.is_empty() {
        return Vec::new();
    }
    let mut observed: Vec<Option<Observed>> = desired.iter().map(|_| None).collect();
    let reading = read_without_stages(account.provider, desired, false);
    let found = &mut |index, found| observed[index] = Some(found);
    read(account, reading, desired.len(), ReadPurpose::Look, found).await;
    let none = || Observed::Unread("the vendor's reading left it out".into());
    observed
        .into_iter()
        .map(|found| found.unwrap_or_else(none))
        .collect()
}

/// Reads the desired objects of one account and hands each to `found`, with its index, as soon as it is read. Objects
/// that refer to others are read after those; `referents` has the ids that are known before.
pub async fn observe_each(
    account: &Account,
    desired: &[&Desired],
    purpose: ReadPurpose,
    referents: &Referents,
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    if desired.is_empty() {
        return;
    }
    let plans_creations = purpose == ReadPurpose::Plan;
    let reading = read_in_stages(account.provider, desired, referents, plans_creations);
    read(account, reading, desired.len(), purpose, found).await;
}

/// Reads one object whose step is under way; `None` only if the vendor's reading leaves it out.
pub async fn check(account: &Account, desired: &Desired) -> Option<Observed> {
    let mut seen = None;
    let found = &mut |_, observed| seen = Some(observed);
    let reading = read_without_stages(account.provider, &[desired], false);
    read(account, reading, 1, ReadPurpose::Step, found).await;
    seen
}

/// Reads objects whose steps are under way and hands each to `found`, with its index, as soon as it is read.
pub async fn check_each(
    account: &Account,
    desired: &[&Desired],
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    if desired.is_empty() {
        return;
    }
    let reading = read_without_stages(account.provider, desired, false);
    read(account, reading, desired.len(), ReadPurpose::Step, found).await;
}

/// The purpose of a read. It decides its urgency, since reads of steps do not wait behind the others, and what is read:
/// only a plan shows what belongs to the creation of an object beside its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPurpose {
    /// Plan the objects.
    Plan,
    /// See the objects, and plan no creation.
    Look,
    /// See an object whose step is under way.
    Step,
}

/// Runs one reading to its end and hands every result to `found`, with secrets cut out of the text of failures.
async fn read(
    account: &Account,
    mut reading: Box<dyn Reading>,
    objects: usize,
    purpose: ReadPurpose,
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    let found = &mut |index, observed| found(index, redacted(account, observed));
    let span = spans::observe(&account.connection.name, objects);
    let driven = drive(account, &mut reading, purpose, found);
    driven.instrument(span).await;
    for (index, observed) in reading.finish() {
        found(index, observed);
    }
}

/// Reads everything that the vendor lists of some kinds in one account; returns what each of the listings found, in
/// their order. A call that several of them ask for at the same time is sent once.
pub async fn list(account: &Account, listings: Vec<Box<dyn Listing>>) -> Vec<Listed> {
    let mut listings = KindListings::new(listings);
    drive(account, &mut listings, ReadPurpose::Plan, &mut |_, _| {}).await;
    let listed = listings.finish().into_iter();
    listed
        .map(|listed| redact_listed(account, listed))
        .collect()
}

/// Cuts every secret out of the text of failures of a listing.
fn redact_listed(account: &Account, listed: Listed) -> Listed {
    let failures = listed.failures.iter();
    let objects = listed.objects.into_iter();
    Listed {
        failures: failures.map(|failure| account.redact(failure)).collect(),
        objects: objects
            .map(|found| ListedObject {
                observed: redacted(account, found.observed),
                ..found
            })
            .collect(),
    }
}

/// Cuts every secret out of the text of a failed read, and adds the connection to its fault. Values stay as they are: they are compared and may be written
/// back.
fn redacted(account: &Account, seen: Observed) -> Observed {
    let Observed::Unread(failure) = seen else {
        return seen;
    };
    let fault = failure.fault.map(|fault| {
        Box::new(ConnectionFault {
            message: account.redact(&fault.message),
            connection: account.connection.name.clone(),
            origin: Some(account.connection.origin_of(fault.kind)),
            ..*fault
        })
    });
    Observed::Unread(ReadFailure {
        text: account.redact(&failure.text),
        fault,
        ..failure
    })
}

/// A reading or a listing: calls come out, replies go in.
trait CallSource {
    /// Returns the calls that can be made now; the ticket comes back with the reply.
    fn ready(&mut self) -> Vec<(Ticket, Call)>;
    /// Takes the reply to the call with this ticket, or the reason for which there is none.
    fn take(&mut self, ticket: Ticket, answer: Answer);
    /// Returns the objects that were settled since the last time, by their index.
    fn settled(&mut self) -> Vec<(usize, Observed)>;
}

impl CallSource for Box<dyn Reading> {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        (**self).ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        (**self).take(ticket, answer);
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        (**self).settled()
    }
}

impl CallSource for KindListings {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.take(ticket, answer);
    }

    /// A listing is taken as a whole.
    fn settled(&mut self) -> Vec<(usize, Observed)> {
        Vec::new()
    }
}

/// Returns how many calls are in progress at a time: those that may be out at once, and a quarter more for those that
/// wait for another try. With a concurrency of 8 these are 10. The others wait here, in the order of [`CallStack`].
fn max_in_progress(concurrency: usize) -> usize {
    concurrency.saturating_add(concurrency.div_ceil(4))
}

/// Calls that wait to be made. Those that follow from a reply go before those that were there already: an object that
/// was begun is finished first, so that what was read for it can be freed.
#[derive(Default)]
struct CallStack(VecDeque<(Ticket, Call)>);

impl CallStack {
    /// Puts calls in front, in their order: `[c]` and the new `[a, b]` become `[a, b, c]`.
    fn add(&mut self, calls: Vec<(Ticket, Call)>) {
        for call in calls.into_iter().rev() {
            self.0.push_front(call);
        }
    }

    /// Takes the call at the front; `None` if none waits.
    fn next(&mut self) -> Option<(Ticket, Call)> {
        self.0.pop_front()
    }
}

/// Sends calls and hands over replies until the source asks for no more.
///
/// Each round takes new calls, fills the free slots, passes on what is settled, and waits for one reply. A call
/// without a reply is handed over as lost, so a failed read never ends the loop.
async fn drive(
    account: &Account,
    source: &mut impl CallSource,
    purpose: ReadPurpose,
    found: &mut (dyn FnMut(usize, Observed) + Send),
) {
    let most = max_in_progress(account.concurrency());
    let mut waiting = CallStack::default();
    let mut under_way = FuturesUnordered::new();
    loop {
        waiting.add(source.ready());
        while under_way.len() < most
            && let Some((ticket, call)) = waiting.next()
        {
            under_way.push(async move {
                let Some(read) = call.as_read() else {
                    let why = format!("{} is no read and was not sent", call.shown());
                    return (ticket, Answer::Lost(why.into()));
                };
                let reply = match purpose {
                    ReadPurpose::Plan | ReadPurpose::Look => account.read(read).await,
                    ReadPurpose::Step => account.check(read).await,
                };
                let answer = match reply {
                    Ok(reply) => Answer::Reply(reply),
                    Err(error) => Answer::Lost(error.into_read_failure()),
                };
                (ticket, answer)
            });
        }
        // Calls that the reading asks for go out before time is spent on objects that were read.
        let next = poll!(under_way.next());
        for (index, observed) in source.settled() {
            found(index, observed);
        }
        let next = match next {
            Poll::Ready(next) => next,
            Poll::Pending => under_way.next().await,
        };
        match next {
            Some((ticket, answer)) => source.take(ticket, answer),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures::future::BoxFuture;
    use tokio::time::Instant;

    use super::*;
    use crate::apply::http::{Answered, Http, Outgoing, Wire};
    use crate::apply::{Secrets, TransportError, Trust};
    use crate::model::Vendor;
    use crate::provider::testing::{DOOR, KEY, TestKind};
    use crate::provider::{self, ResourceKind};

    /// The events of the test, in their order.
    type Told = Arc<Mutex<Vec<String>>>;

    struct Empty(Told);

    impl Wire for Empty {
        fn carry<'a>(
            &'a self,
            sent: &'a Outgoing<'_>,
        ) -> BoxFuture<'a, Result<Answered, TransportError>> {
            let path = sent.url.path().to_string();
            self.0.lock().unwrap().push(path);
            let reply = provider::testing::reply(200, "[]");
            Box::pin(async {
                Ok(Answered {
                    reply,
                    after: None,
                    date: None,
                })
            })
        }
    }

    /// One call after the other; every reply shows an object.
    #[derive(Default)]
    struct InTurn {
        asked: usize,
        taken: usize,
        seen: Vec<(usize, Observed)>,
    }

    impl CallSource for InTurn {
        fn ready(&mut self) -> Vec<(Ticket, Call)> {
            let next = (self.asked == self.taken && self.asked < 3).then_some(self.asked);
            self.asked += next.iter().len();
            let call = |index: usize| (index, Call::get(format!("/{index}")));
            next.map(call).into_iter().collect()
        }

        fn take(&mut self, ticket: Ticket, _: Answer) {
            self.taken += 1;
            self.seen.push((ticket, Observed::Missing));
        }

        fn settled(&mut self) -> Vec<(usize, Observed)> {
            std::mem::take(&mut self.seen)
        }
    }

    /// An account whose calls are told, and answered with an empty list.
    fn account(log: &Told, provider: &'static dyn provider::Provider) -> Account {
        let connection = provider::testing::connection();
        let deadline = Instant::now() + Duration::from_secs(60);
        let wire = Box::new(Empty(Arc::clone(log)));
        let http = Http::over(wire, &connection.limits, deadline);
        let secrets = Secrets {
            environment: Arc::new(|_| Some("token".into())),
            trust: Trust::default(),
        };
        Account::over(http, connection, provider, secrets)
    }

    #[tokio::test]
    async fn what_was_seen_is_handed_over_while_the_next_call_is_out() {
        let log = Told::default();
        let account = account(&log, provider::provider_of(Vendor("lac")).unwrap());
        let found = &mut |index, _| log.lock().unwrap().push(format!("{index} is seen"));
        drive(&account, &mut InTurn::default(), ReadPurpose::Plan, found).await;
        let log = log.lock().unwrap().join(", ");
        assert_eq!(log, "/0, /1, 0 is seen, /2, 1 is seen, 2 is seen");
    }

    #[tokio::test]
    async fn two_kinds_of_one_account_are_read_over_one_connection() {
        let log = Told::default();
        let account = account(&log, &provider::testing::TwoKinds);
        let object =
            |kind: &TestKind| provider::testing::desired_object(kind.table(), &[("id", "1")]);
        let objects = [object(&KEY), object(&DOOR)];
        let seen = observe(&account, &objects.each_ref()).await;
        assert!(matches!(
            seen[..],
            [Observed::Unread(_), Observed::Unread(_)]
        ));
        assert_eq!(log.lock().unwrap().join(", "), "/Door/1, /Key/1");
        let kind = |object| account.provider.kind_of(object).table().kind.0;
        assert_eq!(objects.each_ref().map(kind), ["Key", "Door"]);
    }

    #[tokio::test]
    async fn a_call_of_two_kinds_is_sent_once() {
        let log = Told::default();
        let account = account(&log, &provider::testing::TwoKinds);
        let kinds = account.provider.kinds().iter();
        let listings = kinds.filter_map(|kind| kind.listing()).collect();
        let listed = list(&account, listings).await;
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|listed| listed.failures.is_empty()));
        let object =
            |kind: &TestKind| provider::testing::desired_object(kind.table(), &[("id", "/both")]);
        let objects = [object(&KEY), object(&DOOR)];
        assert_eq!(observe(&account, &objects.each_ref()).await.len(), 2);
        assert_eq!(log.lock().unwrap().join(", "), "/all, /both");
    }

    #[test]
    fn what_follows_from_a_reply_goes_before_what_waits() {
        let calls = |tickets: &[Ticket]| {
            let call = |ticket: &Ticket| (*ticket, Call::get("/"));
            tickets.iter().map(call).collect()
        };
        let mut waiting = CallStack::default();
        waiting.add(calls(&[0, 1, 2]));
        let first = waiting.next().map(|(ticket, _)| ticket);
        waiting.add(calls(&[3, 4]));
        let rest = std::iter::from_fn(|| waiting.next());
        let order: Vec<Ticket> = first
            .into_iter()
            .chain(rest.map(|(ticket, _)| ticket))
            .collect();
        assert_eq!(order, [0, 3, 4, 1, 2]);
    }
}
