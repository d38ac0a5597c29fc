//! Helpers of the vendors' unit tests: wanted objects, a connection, literal replies, and a driver for readings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::auth::AuthRules;
use super::listing::{Listed, ListedObject, Listing};
use super::reading::{Answer, Outbox, Reading, Settled, Ticket};
use super::{Provider, ResourceKind, Write};
use crate::model::diagnostic::Source;
use crate::model::field::IdentityField;
use crate::model::{
    Address, Auth, Call, Connection, CreationFields, Desired, Echo, Fields, Kind, KindTable,
    Lifecycle, Limits, Live, Malformed, Mark, Observed, Origin, OwnPolicy, PackedFields,
    References, Reply, SecretRef, Shape, Text, Vendor, WriteCall, WriteMode,
};

/// A manifest's object that manages nothing.
pub fn desired_object(table: &KindTable, ids: &[(&'static str, &str)]) -> Desired {
    let source = Arc::new(Source::new("test.yaml".into(), String::new()));
    Desired {
        address: Address {
            kind: table.kind,
            name: "test".into(),
        },
        vendor: table.vendor,
        connection: table.vendor.0.into(),
        identity: ids
            .iter()
            .map(|(name, id)| (*name, Text::from(*id)))
            .collect(),
        fields: PackedFields::new(table.desired, &Fields::new()),
        creation: CreationFields::default(),
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source,
            mark: Mark::default(),
        },
        references: References::default(),
        layers: crate::model::LayerNames::default(),
        coming: Default::default(),
    }
}

/// An account that is never called.
pub fn connection() -> Connection {
    Connection {
        name: "lac".into(),
        vendor: Vendor("lac"),
        base_url: "https://lac.example.com/".parse().expect("a URL"),
        auth: Auth::Token(SecretRef::Env("T".into())),
        limits: Limits {
            concurrency: 1,
            rates: Vec::new(),
        },
        timeout: Duration::from_secs(30),
        webhook_secret: None,
        marks: crate::model::connection::MemberMarks::default(),
        allow_insecure_http: false,
        origin: Origin {
            source: Arc::default(),
            mark: Mark::default(),
        },
    }
}

pub fn reply(status: u16, body: impl ToString) -> Reply {
    Reply {
        status,
        body: body.to_string(),
        content_type: "application/json".into(),
        ..Reply::default()
    }
}

pub fn answer(status: u16, body: impl ToString) -> Answer {
    Answer::Reply(reply(status, body))
}

/// Drives a reading to its end. Returns the names of the calls, with one list for each group that was sent side by
/// side, and the objects found.
pub fn drive(
    reading: Box<dyn Reading>,
    vendor: impl FnMut(&str) -> Answer,
) -> (Vec<Vec<String>>, Vec<Observed>) {
    let (rounds, early, late) = given(reading, vendor);
    let mut found: BTreeMap<usize, Observed> = BTreeMap::new();
    for (index, one) in early.into_iter().chain(late) {
        let twice = found.insert(index, one);
        assert!(twice.is_none(), "{index} is given twice");
    }
    assert!(found.keys().copied().eq(0..found.len()), "one is left out");
    (rounds, found.into_values().collect())
}

/// What a reading gives away: the calls, the objects that it gave before its end, and those at the end.
pub type Given = (
    Vec<Vec<String>>,
    Vec<(usize, Observed)>,
    Vec<(usize, Observed)>,
);

pub fn given(mut reading: Box<dyn Reading>, mut vendor: impl FnMut(&str) -> Answer) -> Given {
    let (mut rounds, mut early) = (Vec::new(), Vec::new());
    loop {
        let calls = reading.ready();
        if calls.is_empty() {
            return (rounds, early, reading.finish());
        }
        rounds.push(calls.iter().map(|(_, call)| call.name()).collect());
        assert!(rounds.len() < 10_000, "the reading does not end");
        for (ticket, call) in calls {
            reading.take(ticket, vendor(&call.name()));
            early.extend(reading.settled());
        }
    }
}

/// Drives a listing to its end, as `drive` does a reading.
pub fn list(
    mut listing: Box<dyn Listing>,
    mut vendor: impl FnMut(&str) -> Answer,
) -> (Vec<Vec<String>>, Listed) {
    let mut rounds = Vec::new();
    loop {
        let calls = listing.ready();
        if calls.is_empty() {
            return (rounds, listing.finish());
        }
        rounds.push(calls.iter().map(|(_, call)| call.name()).collect());
        assert!(rounds.len() < 10_000, "the listing does not end");
        for (ticket, call) in calls {
            listing.take(ticket, vendor(&call.name()));
        }
    }
}

/// The one live object that was found.
pub fn live(mut found: Vec<Observed>) -> Live {
    match found.pop() {
        Some(Observed::Live(live)) if found.is_empty() => live,
        other => panic!("not one live object: {other:?} after {found:?}"),
    }
}

/// Returns why the only object could not be read.
pub fn unread(mut found: Vec<Observed>) -> String {
    match found.pop() {
        Some(Observed::Unread(crate::model::ReadFailure { text: why, .. })) if found.is_empty() => {
            why
        }
        other => panic!("not one unread object: {other:?} after {found:?}"),
    }
}

/// A vendor with two kinds of objects, `Door` and `Key`, whose reading asks for one object a call: `/Door/1`, or the id
/// itself if it is a path.
pub struct TwoKinds;

pub static DOOR: TestKind = TestKind(KindTable {
    kind: Kind("Door"),
    ..TEST_TABLE
});
pub static KEY: TestKind = TestKind(KindTable {
    kind: Kind("Key"),
    ..TEST_TABLE
});

const TEST_TABLE: KindTable = KindTable {
    kind: Kind("Test"),
    vendor: Vendor("test"),
    about: "",
    identity: &[IdentityField {
        name: "id",
        about: "",
        shape: Shape::Text { max: None },
        example: "1",
        refers_to: None,
    }],
    desired: &[],
    calls: &[WriteCall {
        name: "PUT /",
        mode: WriteMode::Merge,
        echo: Echo::Nothing,
    }],
    lifecycle: Lifecycle::NONE,
};

impl Provider for TwoKinds {
    fn vendor(&self) -> Vendor {
        TEST_TABLE.vendor
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        static KINDS: [&dyn ResourceKind; 2] = [&DOOR, &KEY];
        &KINDS
    }

    fn auth(&self) -> &'static AuthRules {
        super::ALL[0].auth()
    }

    fn address(&self) -> &'static str {
        "https://test.example.com"
    }

    fn limits(&self) -> Limits {
        connection().limits
    }
}

/// A kind of the vendor of tests.
pub struct TestKind(pub KindTable);

impl ResourceKind for TestKind {
    fn table(&self) -> &'static KindTable {
        match self.0.kind {
            Kind("Door") => &DOOR.0,
            _ => &KEY.0,
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        let mut outbox = Outbox::default();
        for (index, object) in desired.iter().enumerate() {
            let path = match object.id("id") {
                path if path.starts_with('/') => path.to_string(),
                id => format!("/{}/{id}", self.0.kind),
            };
            outbox.send(Call::get(path), index);
        }
        Box::new(OneByOne {
            outbox,
            settled: Settled::none_of(desired.len()),
        })
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(PagedListing::of(self.0.kind)))
    }

    fn encode(&self, _: &Write<'_>) -> Call {
        unreachable!("nothing is written")
    }

    fn echo(&self, _: &Desired, _: &Live, _: &Reply) -> Result<Live, Malformed> {
        Err(Malformed::new("the reply to a write shows nothing"))
    }
}

/// Reads a list that shows the objects of all kinds of the vendor of tests, page after page until one is empty, and
/// finds those of one kind. A row is `"Door/1"`.
struct PagedListing {
    kind: Kind,
    outbox: Outbox<usize>,
    listed: Listed,
}

impl PagedListing {
    fn of(kind: Kind) -> Self {
        let mut listing = Self {
            kind,
            outbox: Outbox::default(),
            listed: Listed::default(),
        };
        listing.ask(1);
        listing
    }

    fn ask(&mut self, page: usize) {
        let path = format!("/all?page={page}");
        self.outbox.send(Call::get(path), page);
    }
}

impl Listing for PagedListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (page, name) = self.outbox.purpose(ticket);
        let rows = match super::reading::json_of(&name, answer) {
            Ok(rows) => rows,
            Err(failure) => return self.listed.failures.push(failure.text),
        };
        let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
        let rows: Vec<_> = rows
            .iter()
            .filter_map(|row| row.as_str()?.split_once('/'))
            .collect();
        for (_, id) in rows.iter().filter(|(kind, _)| *kind == self.kind.0) {
            self.listed.objects.push(ListedObject {
                identity: vec![("id", (*id).into())],
                observed: Observed::Missing,
            });
        }
        if !rows.is_empty() {
            self.ask(page + 1);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        Listed::new(self.listed.objects, self.listed.failures)
    }
}

/// Finds every object that a call is answered with 200 for; the body becomes the word of an unread one.
struct OneByOne {
    outbox: Outbox<usize>,
    settled: Settled,
}

impl Reading for OneByOne {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (index, name) = self.outbox.purpose(ticket);
        let seen = match super::reading::require_success(&name, answer) {
            Ok(reply) => Observed::Unread(reply.body.into()),
            Err(_) => Observed::Missing,
        };
        self.settled.put(index, seen);
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| Observed::Missing)
    }
}
