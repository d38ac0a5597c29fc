//! One step against a vendor that is played: what is sent, what is looked at, and the words of the report.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::{Value as Json, json};

use tokio::time::Instant;

use super::*;
use crate::apply::cause::Cause;
use crate::apply::http::{Answered, Http, Outgoing, Wire};
use crate::apply::store::LeaseLost;
use crate::apply::{Secrets, TransportError, Trust};
use crate::model::{AccountKey, ElementKey, Fields, Method, Observed, PackedFields, Value, Verify};
use crate::plan;
use crate::plan::document::PlanDocument;
use crate::plan::source_facts::SourceFacts;
use crate::provider;
use crate::provider::testing::{connection, desired_object, reply};

/// The reaction of the test vendor to a write.
enum Turn {
    /// The order becomes this, and the write is answered with it.
    Echoed(Json),
    /// The order becomes this, and the write is answered with a status alone.
    Answered(Json, u16),
    /// The order becomes this, and no answer comes.
    Lost(Json),
    /// Nothing arrives.
    Unsent,
}

/// One order of LAC, as every read shows it, and what is to become of each write.
struct Vendor {
    order: Json,
    turns: VecDeque<Turn>,
    writes: usize,
}

struct Played(Arc<Mutex<Vendor>>);

impl Wire for Played {
    fn carry<'a>(
        &'a self,
        sent: &'a Outgoing<'_>,
    ) -> BoxFuture<'a, Result<Answered, TransportError>> {
        let mut vendor = self.0.lock().unwrap();
        let answered = |status: u16, body: String| {
            let reply = reply(status, body);
            Ok(Answered {
                reply,
                after: None,
                date: None,
            })
        };
        let answer = match sent.method {
            Method::Get => answered(200, json!([vendor.order]).to_string()),
            _ => {
                vendor.writes += 1;
                match vendor.turns.pop_front().expect("one write less") {
                    Turn::Echoed(order) => {
                        vendor.order = order;
                        answered(200, vendor.order.to_string())
                    }
                    Turn::Answered(order, status) => {
                        vendor.order = order;
                        answered(status, "{\"message\":\"Busy.\"}".into())
                    }
                    Turn::Lost(order) => {
                        vendor.order = order;
                        Err(TransportError::RunOver)
                    }
                    Turn::Unsent => Err(TransportError::Unconnected {
                        host: "lac:443".into(),
                        cause: Cause::new("no route"),
                    }),
                }
            }
        };
        Box::pin(async { answer })
    }
}

/// An order with so many seats.
fn order(seats: u32, description: &str) -> Json {
    json!({
        "customer": {"name": "Rivers Inc"},
        "product_template": {"id": "1", "name": "Trial", "product_id": "1"},
        "activation_key": "A",
        "license_type": "network",
        "licensee_type": "customer",
        "licensee": null,
        "hostid_match_rate": "100",
        "min_hostids": "1",
        "activations_allowed": seats.to_string(),
        "activated_licenses_count": 1,
        "enabled": true,
        "description": description,
        "settings_description": "",
        "removal": false,
        "removal_request_time": null,
        "removal_confirmation_time": null,
        "deactivations_allowed": "10",
        "deactivations_left": 10,
        "Hostids": [{"name": "Hostname", "min_amount": "1", "max_amount": "1"}],
        "Features": [],
    })
}

/// An order with the seats that are wanted, whose hosts the vendor does not show.
fn hidden() -> Json {
    let mut order = order(25, "d");
    order.as_object_mut().unwrap().remove("Hostids");
    order
}

/// The order with 25 seats and one name of a host, as the manifest wants it.
fn manifest() -> Arc<Desired> {
    let table = lac().table();
    let host = Fields::from([
        ("min_amount", Value::Integer(1)),
        ("max_amount", Value::Integer(1)),
    ]);
    let host = (ElementKey::new(vec!["Hostname".into()], true), host);
    let fields = Fields::from([
        ("customer_id", Value::Integer(1)),
        ("activations_allowed", Value::Integer(25)),
        ("Hostids", Value::Items([host].into())),
    ]);
    let desired = desired_object(table, &[("activationKey", "A")]);
    Arc::new(Desired {
        fields: PackedFields::new(table.desired, &fields),
        ..desired
    })
}

fn lac() -> &'static dyn ResourceKind {
    provider::find_kind("LacLicenseOrder").unwrap()
}

fn clock() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

struct Gone;

impl Lease for Gone {
    fn account(&self) -> &AccountKey {
        unreachable!()
    }

    fn epoch(&self) -> u64 {
        1
    }

    fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
        Err(LeaseLost::taken_by("somebody"))
    }
}

/// A lease that is lost while a write waits for its turn.
#[derive(Default)]
struct LostLater(AtomicUsize);

impl Lease for LostLater {
    fn account(&self) -> &AccountKey {
        unreachable!()
    }

    fn epoch(&self) -> u64 {
        1
    }

    fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(LeaseLost::taken_by("somebody")),
        }
    }
}

/// How a step is carried out that was planned from an order with ten seats.
struct Case {
    checks: WriteChecks,
    /// The order when the turn of the step comes.
    now: Json,
    turns: Vec<Turn>,
    /// The time that the run has.
    time: Duration,
    lease: Option<Box<dyn Lease>>,
}

impl Case {
    fn of(turns: Vec<Turn>) -> Self {
        Self {
            checks: WriteChecks::default(),
            now: order(10, "d"),
            turns,
            time: Duration::from_secs(60),
            lease: None,
        }
    }

    /// How the step ends, in words, how many writes it took, and how long.
    async fn run(self) -> (Outcome, String, usize, Duration) {
        let start = Instant::now();
        let vendor = Arc::new(Mutex::new(Vendor {
            order: order(10, "d"),
            turns: self.turns.into(),
            writes: 0,
        }));
        let connection = connection();
        let wire = Box::new(Played(Arc::clone(&vendor)));
        let http = Http::over(wire, &connection.limits, start + self.time);
        let secrets = Secrets {
            environment: Arc::new(|_| Some("token".into())),
            trust: Trust::default(),
        };
        let provider = provider::provider_of(lac().vendor()).unwrap();
        let account = Arc::new(Account::over(http, connection, provider, secrets));
        let rereads = Rereads::new(&account);
        let desired = manifest();
        let live = match rereads.read(&desired).await {
            Some(Observed::Live(live)) => live,
            other => panic!("the order is not read: {other:?}"),
        };
        let planned = plan::plan_object(lac(), &desired, &Observed::Live(live.clone()), clock());
        let document = PlanDocument::new(
            std::slice::from_ref(&planned),
            SourceFacts::default(),
            &BTreeMap::new(),
            &Default::default(),
            clock(),
        );
        vendor.lock().unwrap().order = self.now;
        let recorder = Recorder::new(None, "1", BTreeMap::new(), clock);
        let context = StepContext {
            account: &account,
            rereads: &rereads,
            checks: self.checks,
            recorder: &recorder,
            lease: self.lease.as_deref(),
            clock: &clock,
            accepted: None,
            describe_rejection: |_, _, words, _| words.to_string(),
        };
        let entry = &document.objects[0];
        let begun = record_intent(&context, &planned, entry).await;
        let work = StepWork {
            planned,
            entry,
            basis: Basis::Read {
                live: &live,
                at: clock(),
            },
        };
        let report = match begun {
            Ok(()) => execute(&context, work).await,
            Err(report) => *report,
        };
        let writes = vendor.lock().unwrap().writes;
        let words = report.message.unwrap_or_default();
        (report.outcome.unwrap(), words, writes, start.elapsed())
    }

    async fn ends(self) -> (Outcome, String, usize) {
        let (outcome, words, writes, _) = self.run().await;
        (outcome, words, writes)
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_looked_for_and_sent_again() {
    let lost = || Turn::Lost(order(10, "d"));
    let done = Turn::Echoed(order(25, "d"));
    let case = Case::of(vec![lost(), done]);
    assert_eq!(case.ends().await, (Outcome::Converged, String::new(), 2));
    let arrived = Case::of(vec![Turn::Lost(order(25, "d"))]);
    assert_eq!(arrived.ends().await, (Outcome::Converged, String::new(), 1));
    let words = "given up after 4 tries, none of which showed an effect; before that: PATCH /license-orders/A: the time for the whole run is over; whether it was \
                 carried out is unclear, though a look showed no change";
    let never = Case::of(vec![lost(), lost(), lost(), lost()]);
    assert_eq!(never.ends().await, (Outcome::Failed, words.into(), 4));
    // The look shows values of another writer, which may have replaced those of the write.
    let words = "PATCH /license-orders/A: the time for the whole run is over; whether it was carried out is unclear, and the object changed meanwhile";
    let overtaken = Case::of(vec![Turn::Lost(order(10, "theirs"))]);
    assert_eq!(overtaken.ends().await, (Outcome::Failed, words.into(), 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_unclear_about_a_write_that_was_not_sent() {
    let unsent = Case::of((0..6).map(|_| Turn::Unsent).collect());
    let (outcome, words, _) = unsent.ends().await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(
        words.contains("no route") && !words.contains("unclear"),
        "{words}"
    );
    let refused = Case::of(vec![Turn::Answered(order(10, "d"), 400)]);
    let (outcome, words, writes) = refused.ends().await;
    assert_eq!((outcome, writes), (Outcome::Rejected, 1));
    assert!(words.contains("Busy."), "{words}");
    let mut locked_out = Case::of(Vec::new());
    locked_out.lease = Some(Box::new(Gone));
    let words = "locked out: the lease is not ours any more (somebody has it), so nothing was sent";
    assert_eq!(locked_out.ends().await, (Outcome::Failed, words.into(), 0));
    let mut overtaken = Case::of(Vec::new());
    overtaken.lease = Some(Box::new(LostLater::default()));
    assert_eq!(overtaken.ends().await, (Outcome::Failed, words.into(), 0));
}

#[tokio::test(start_paused = true)]
async fn what_changed_after_the_plan_is_named_and_nothing_is_sent() {
    let stale = |now: Json| {
        let mut case = Case::of(Vec::new());
        case.now = now;
        case.ends()
    };
    let moved =
        "it changed at the vendor after the plan was made: activations_allowed was 10, is 12";
    let found = stale(order(12, "d")).await;
    assert_eq!(found, (Outcome::Stale, moved.into(), 0));
    let beside = "a field beside the planned ones changed at the vendor after the plan was made";
    let found = stale(order(10, "theirs")).await;
    assert_eq!(found, (Outcome::Stale, beside.into(), 0));
    let found = stale(order(25, "d")).await;
    assert_eq!(found, (Outcome::Already, String::new(), 0));
    let (outcome, words, writes) = stale(hidden()).await;
    assert_eq!((outcome, writes), (Outcome::Stale, 0));
    assert!(
        words.starts_with("the read does not show Hostids: "),
        "{words}"
    );
}

/// Returns what becomes of a write that is accepted and shows this afterwards, with so much time for the run.
async fn shown(order: Json, time: u64) -> (Outcome, String, Duration) {
    let mut case = Case::of(vec![Turn::Answered(order, 200)]);
    case.checks.verify = Verify::Read;
    case.time = Duration::from_millis(time);
    let (outcome, words, _, took) = case.run().await;
    (outcome, words, took)
}

#[tokio::test(start_paused = true)]
async fn an_accepted_write_is_looked_at_until_it_shows_or_time_is_up() {
    let millis = Duration::from_millis;
    let ignored = "written, but activations_allowed is 10";
    for (time, took) in [(60_000, 10_000), (1_000, 600), (600, 200)] {
        let ends = (Outcome::Unconverged, ignored.to_string(), millis(took));
        assert_eq!(shown(order(10, "d"), time).await, ends, "{time}");
    }
    // A third value does not become right by waiting.
    let third = "written, but activations_allowed is 20".to_string();
    let ends = (Outcome::Unconverged, third, Duration::ZERO);
    assert_eq!(shown(order(20, "d"), 60_000).await, ends);
    let (outcome, words, _) = shown(hidden(), 60_000).await;
    assert_eq!(outcome, Outcome::Unconverged);
    let start = "written, but the read does not show Hostids: ";
    assert!(words.starts_with(start), "{words}");
}
