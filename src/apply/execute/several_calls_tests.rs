//! Steps of several calls, creations and removals against a vendor that is played: what is sent, in which order, and
//! how it ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::*;
use crate::apply::http::{Answered, Body, Http, Outgoing, Wire};
use crate::apply::{Secrets, TransportError, Trust};
use crate::model::field::IdentityField;
use crate::model::{
    Call, CreateCall, Echo, Fields, Kind, KindTable, Lifecycle, Limits, Malformed, Method,
    Observed, PackedFields, Policy, Reply, RiskRule, Shape, Value, Vendor, WriteCall, WriteMode,
    WritePurpose,
};
use crate::plan;
use crate::plan::document::PlanDocument;
use crate::plan::source_facts::SourceFacts;
use crate::provider::auth::AuthRules;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket};
use crate::provider::testing::{connection, desired_object, reply};
use crate::provider::{Provider, Write};

static TABLE: KindTable = KindTable {
    kind: Kind("Pass"),
    vendor: Vendor("test"),
    about: "",
    identity: &[IdentityField {
        name: "id",
        about: "",
        shape: Shape::Text { max: None },
        example: "1",
        refers_to: None,
    }],
    desired: &[
        Field::new("seats", Shape::COUNT, "").risk(RiskRule::Amount { used: None }),
        Field::new("level", Shape::COUNT, "").call(1),
    ],
    calls: &[
        WriteCall {
            name: "PATCH /pass/{id}",
            mode: WriteMode::Merge,
            echo: Echo::Whole,
        },
        WriteCall {
            name: "POST /pass/{id}/level",
            mode: WriteMode::Merge,
            echo: Echo::Nothing,
        },
    ],
    lifecycle: Lifecycle {
        create: Some(CreateCall {
            name: "POST /pass",
            required: &["seats"],
            excluded: &["level"],
            only: &[],
        }),
        remove: Some("DELETE /pass/{id}"),
        ..Lifecycle::NONE
    },
};

/// A kind whose `seats` and `level` are set by two calls.
struct Pass;

fn decode(body: &str) -> Live {
    let body: Json = serde_json::from_str(body).unwrap_or_default();
    let number = |name: &str| body[name].as_i64().map(Value::Integer);
    let names = ["seats", "level"].into_iter();
    Live {
        fields: names
            .filter_map(|name| Some((name, number(name)?)))
            .collect(),
        ..Live::default()
    }
}

impl ResourceKind for Pass {
    fn table(&self) -> &'static KindTable {
        &TABLE
    }

    fn reading(&self, _: &[&Desired]) -> Box<dyn Reading> {
        let mut outbox = Outbox::default();
        outbox.send(Call::get("/pass/1"), ());
        Box::new(OneRead(outbox, Settled::none_of(1)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let path = match write.purpose {
            WritePurpose::Update(0) => "/pass/1",
            WritePurpose::Update(_) | WritePurpose::Schedule => "/pass/1/level",
            WritePurpose::Create => return Call::write(Method::Post, "/pass", json!({"seats": 9})),
            WritePurpose::Remove => return Call::delete("/pass/1"),
        };
        let body = crate::provider::codec::encode_fields(TABLE.desired, &write.fields);
        Call::write(Method::Patch, path, Json::Object(body))
    }

    fn echo(&self, _: &Desired, _: &Live, reply: &Reply) -> Result<Live, Malformed> {
        Ok(decode(&reply.body))
    }
}

struct OneRead(Outbox<()>, Settled);

impl Reading for OneRead {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.0.ready()
    }

    fn take(&mut self, _: Ticket, answer: Answer) {
        let seen = match answer {
            Answer::Reply(reply) if reply.status == 404 => Observed::Missing,
            Answer::Reply(reply) => Observed::Live(decode(&reply.body)),
            Answer::Lost(why) => Observed::Unread(why),
        };
        self.1.put(0, seen);
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.1.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.1.finish(|_| Observed::Missing)
    }
}

struct Passes;

impl Provider for Passes {
    fn vendor(&self) -> Vendor {
        TABLE.vendor
    }

    fn kinds(&self) -> &'static [&'static dyn ResourceKind] {
        &[&Pass]
    }

    fn auth(&self) -> &'static AuthRules {
        crate::provider::ALL[0].auth()
    }

    fn address(&self) -> &'static str {
        "https://test.example.com"
    }

    fn limits(&self) -> Limits {
        connection().limits
    }
}

/// The reaction of the vendor to a write.
enum Turn {
    /// It is carried out, and answered with the pass.
    Done,
    /// It is carried out, and another writer changes `level` to this.
    Meddled(i64),
    /// It is carried out, and no answer comes.
    DoneUnanswered,
    /// It is not carried out, and no answer comes.
    Unanswered,
    /// It is answered with this status and not carried out.
    Refused(u16),
}

struct State {
    pass: Json,
    turns: VecDeque<Turn>,
    sent: Vec<String>,
    /// Counts the calls; before `shows_at` reads find nothing.
    moment: usize,
    shows_at: usize,
}

struct Played(Arc<Mutex<State>>);

impl Wire for Played {
    fn carry<'a>(
        &'a self,
        sent: &'a Outgoing<'_>,
    ) -> BoxFuture<'a, Result<Answered, TransportError>> {
        let mut state = self.0.lock().unwrap();
        let body = match &sent.body {
            Body::Json(body) => (*body).clone(),
            _ => Json::Null,
        };
        state.sent.push(match sent.method {
            Method::Get => "read".into(),
            Method::Delete => "delete".into(),
            Method::Post => format!("create {body}"),
            _ => body.to_string(),
        });
        state.moment += 1;
        let answer = match sent.method {
            Method::Get if state.moment < state.shows_at => Ok(404),
            Method::Get => Ok(if state.pass.is_null() { 404 } else { 200 }),
            _ => {
                let turn = state.turns.pop_front().expect("one write less");
                if !matches!(turn, Turn::Refused(_) | Turn::Unanswered) {
                    match sent.method {
                        Method::Delete => state.pass = Json::Null,
                        Method::Post => state.pass = json!({"level": 1}),
                        _ => {}
                    }
                    for (name, value) in body.as_object().into_iter().flatten() {
                        state.pass[name] = value.clone();
                    }
                }
                match turn {
                    Turn::Done => Ok(200),
                    Turn::Meddled(level) => {
                        state.pass["level"] = level.into();
                        Ok(200)
                    }
                    Turn::DoneUnanswered | Turn::Unanswered => Err(TransportError::RunOver),
                    Turn::Refused(status) => Ok(status),
                }
            }
        };
        let answer = answer.map(|status| Answered {
            reply: match status {
                200 => reply(200, &state.pass),
                status => reply(status, json!({"message": "No."})),
            },
            after: None,
            date: None,
        });
        Box::pin(async { answer })
    }
}

/// How a step ends, in words, what was sent, and which fields it left.
struct Ended {
    outcome: Outcome,
    words: String,
    sent: Vec<String>,
    residual: Vec<String>,
    unclear: bool,
}

/// Carries out the plan from 5 seats and level 1 to 9 seats and level 2.
async fn run(turns: Vec<Turn>) -> Ended {
    run_from(json!({"seats": 5, "level": 1}), Policy::default(), turns, 0).await
}

/// Creates the pass with 9 seats and level 2. It shows from the call at `shows_at` on.
async fn create(turns: Vec<Turn>, shows_at: usize) -> Ended {
    let policy = Policy {
        create: true,
        ..Policy::default()
    };
    run_from(Json::Null, policy, turns, shows_at).await
}

async fn remove(turns: Vec<Turn>) -> Ended {
    let policy = Policy {
        absent: true,
        ..Policy::default()
    };
    run_from(json!({"seats": 5, "level": 1}), policy, turns, 0).await
}

async fn run_from(pass: Json, policy: Policy, turns: Vec<Turn>, shows_at: usize) -> Ended {
    let state = Arc::new(Mutex::new(State {
        pass,
        turns: turns.into(),
        sent: Vec::new(),
        moment: 0,
        shows_at,
    }));
    let connection = connection();
    let wire = Box::new(Played(Arc::clone(&state)));
    let deadline = Instant::now() + Duration::from_secs(60);
    let http = Http::over(wire, &connection.limits, deadline);
    let secrets = Secrets {
        environment: Arc::new(|_| Some("token".into())),
        trust: Trust::default(),
    };
    let account = Arc::new(Account::over(http, connection, &Passes, secrets));
    let rereads = Rereads::new(&account);
    let fields = [("seats", Value::Integer(9)), ("level", Value::Integer(2))];
    let desired = Arc::new(Desired {
        policy: policy.into(),
        fields: PackedFields::new(TABLE.desired, &Fields::from(fields)),
        ..desired_object(&TABLE, &[("id", "1")])
    });
    let clock = || Timestamp::UNIX_EPOCH;
    let pass = state.lock().unwrap().pass.clone();
    let live = (!pass.is_null()).then(|| decode(&pass.to_string()));
    let observed = live.clone().map_or(Observed::Missing, Observed::Live);
    let planned = plan::plan_object(&Pass, &desired, &observed, clock());
    let document = PlanDocument::new(
        std::slice::from_ref(&planned),
        SourceFacts::default(),
        &BTreeMap::new(),
        &Default::default(),
        clock(),
    );
    let recorder = Recorder::new(None, "1", BTreeMap::new(), clock);
    let context = StepContext {
        account: &account,
        rereads: &rereads,
        checks: WriteChecks::default(),
        recorder: &recorder,
        lease: None,
        clock: &clock,
        accepted: None,
        describe_rejection: |_, _, words, _| words.to_string(),
    };
    let entry = &document.objects[0];
    let calls: Vec<usize> = entry.changes.iter().map(|change| change.call).collect();
    match planned.desired.policy.absent {
        true => assert_eq!((entry.calls.len(), calls), (1, vec![0, 0])),
        false => assert_eq!((entry.calls.len(), calls), (2, vec![0, 1])),
    }
    let work = StepWork {
        planned,
        entry,
        basis: match &live {
            Some(live) => Basis::Read { live, at: clock() },
            None => Basis::Saved,
        },
    };
    let report = execute(&context, work).await;
    let residual = report.residual.iter();
    Ended {
        outcome: report.outcome.unwrap(),
        words: report.message.unwrap_or_default(),
        sent: std::mem::take(&mut state.lock().unwrap().sent),
        residual: residual
            .map(|one| format!("{} {}", one.path, one.is))
            .collect(),
        unclear: report.unclear,
    }
}

const SEATS: &str = "{\"seats\":9}";
const LEVEL: &str = "{\"level\":2}";

#[tokio::test(start_paused = true)]
async fn the_calls_are_sent_in_order_and_verified_one_by_one() {
    let ended = run(vec![Turn::Done, Turn::Done]).await;
    // The reply to the first call shows the whole object, that to the second is not taken for one.
    assert_eq!(ended.sent, [SEATS, LEVEL, "read"]);
    assert_eq!(
        (ended.outcome, ended.words),
        (Outcome::Converged, String::new())
    );
    assert_eq!(ended.residual, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_the_later_calls_and_says_which_were_done() {
    let first = run(vec![Turn::Refused(400)]).await;
    assert_eq!(first.sent, [SEATS]);
    assert_eq!(
        (first.outcome, first.words.as_str()),
        (Outcome::Rejected, "400: No.")
    );
    assert_eq!(first.residual, [""; 0], "nothing was carried out");
    let second = run(vec![Turn::Done, Turn::Refused(400)]).await;
    assert_eq!(second.sent, [SEATS, LEVEL]);
    let words = "400: No.; carried out before: PATCH /pass/1";
    assert_eq!(
        (second.outcome, second.words.as_str()),
        (Outcome::Rejected, words)
    );
    assert_eq!(second.residual, ["level 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_looked_for_before_the_next_is_sent() {
    let ended = run(vec![Turn::DoneUnanswered, Turn::DoneUnanswered]).await;
    assert_eq!(ended.sent, [SEATS, "read", LEVEL, "read"]);
    assert_eq!(
        (ended.outcome, ended.words),
        (Outcome::Converged, String::new())
    );
    let again = run(vec![Turn::Refused(500), Turn::Done, Turn::Done]).await;
    assert_eq!(again.sent, [SEATS, "read", SEATS, LEVEL, "read"]);
    assert_eq!(again.outcome, Outcome::Converged);
}

#[tokio::test(start_paused = true)]
async fn what_changes_between_the_calls_stops_the_later_ones() {
    let ended = run(vec![Turn::Meddled(7)]).await;
    assert_eq!(ended.sent, [SEATS], "level 7 was not in the plan");
    let words = "written, but level is 7";
    assert_eq!(
        (ended.outcome, ended.words.as_str()),
        (Outcome::Unconverged, words)
    );
    assert_eq!(ended.residual, ["level 7"]);
    assert!(!ended.unclear);
    // Another writer brought the rest about.
    let ended = run(vec![Turn::Meddled(2)]).await;
    assert_eq!(
        (ended.sent, ended.outcome),
        (vec![SEATS.to_string()], Outcome::Converged)
    );
}

const CREATE: &str = "create {\"seats\":9}";

#[tokio::test(start_paused = true)]
async fn a_creation_is_searched_right_before_and_verified_and_the_rest_follows() {
    let ended = create(vec![Turn::Done, Turn::Done], 0).await;
    assert_eq!(
        ended.sent,
        ["read", CREATE, "read", LEVEL, "read"],
        "{}",
        ended.words
    );
    assert_eq!(
        (ended.outcome, ended.words),
        (Outcome::Converged, String::new())
    );
    // It shows late: it is looked for until it does.
    let late = create(vec![Turn::Done, Turn::Done], 5).await;
    assert_eq!(late.sent[..5], ["read", CREATE, "read", "read", "read"]);
    assert_eq!(late.outcome, Outcome::Converged);
    let half = create(vec![Turn::Done, Turn::Refused(400)], 0).await;
    let words = "400: No.; carried out before: POST /pass";
    assert_eq!(
        (half.outcome, half.words.as_str()),
        (Outcome::Rejected, words)
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_twice() {
    // The reply is lost, and the search finds what the call made.
    let found = create(vec![Turn::DoneUnanswered, Turn::Done], 0).await;
    assert_eq!(found.sent, ["read", CREATE, "read", LEVEL, "read"]);
    assert_eq!(found.outcome, Outcome::Converged);
    // The search finds nothing: the call may still be on its way, so it is not sent again.
    for turn in [Turn::Unanswered, Turn::Refused(500)] {
        let lost = create(vec![turn], 0).await;
        let creations = lost.sent.iter().filter(|call| call.starts_with("create"));
        assert_eq!(creations.count(), 1, "{:?}", lost.sent);
        assert_eq!((lost.outcome, lost.unclear), (Outcome::Failed, true));
        assert!(
            lost.words
                .ends_with("it does not show: the next run searches again"),
            "{}",
            lost.words
        );
    }
    let refused = create(vec![Turn::Refused(409)], 0).await;
    assert_eq!(
        (refused.outcome, refused.unclear),
        (Outcome::Rejected, false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_read_before_and_after() {
    let ended = remove(vec![Turn::Done]).await;
    assert_eq!(ended.sent, ["read", "delete", "read"]);
    assert_eq!(
        (ended.outcome, ended.words),
        (Outcome::Converged, String::new())
    );
    let unanswered = remove(vec![Turn::DoneUnanswered]).await;
    assert_eq!(unanswered.sent, ["read", "delete", "read"]);
    assert_eq!(unanswered.outcome, Outcome::Converged);
    let again = remove(vec![Turn::Unanswered, Turn::Done]).await;
    assert_eq!(again.sent, ["read", "delete", "read", "delete", "read"]);
    let refused = remove(vec![Turn::Refused(422)]).await;
    assert_eq!(
        (refused.outcome, refused.words.as_str()),
        (Outcome::Rejected, "422: No.")
    );
}
