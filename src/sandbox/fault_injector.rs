//! A simulator with what can go wrong in front of it.
//!
//! In: a request as the simulator would get it. Out: the reply as the client is to get it, which may be
//! another one than the simulator's own, and what the record says of it. Nothing here knows a socket: how
//! a reply is put on the wire is `server`'s affair.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault_plan::FaultKind;
use super::fault_replies;
use super::fault_schedule::FaultSchedule;
use super::lagging_replica::LaggingReplica;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A failure that a simulator is told to show, for testing how a client takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptedFault {
    /// The status to answer with, for example 429 or 503.
    pub status: u16,
    /// How many requests it hits.
    pub times: u32,
    /// The `Retry-After` header, if there is to be one.
    pub retry_after: Option<String>,
    /// Only requests with this method are hit.
    pub method: Option<String>,
    /// Whether the request is carried out first and only its reply is lost.
    pub carried_out: bool,
}

/// How a reply is put on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DeliveryMode {
    Whole,
    /// In pieces with pauses between them.
    Slow,
    /// The connection ends in the middle of the body, whose length was announced.
    CutShort,
    /// The connection ends before anything is sent.
    Dropped,
}

/// What is sent to the client.
pub(super) struct OutgoingReply {
    pub answer: HttpReply,
    pub delivery: DeliveryMode,
}

impl OutgoingReply {
    /// An answer sent as it is.
    pub fn whole(answer: HttpReply) -> Self {
        Self {
            answer,
            delivery: DeliveryMode::Whole,
        }
    }
}

/// A reply, and what the record says of it.
pub(super) struct RecordedReply {
    pub reply: OutgoingReply,
    /// The name of the fault that was applied.
    pub fault: Option<String>,
    pub carried_out: bool,
    /// What somebody else changed just before.
    pub foreign: Option<Value>,
}

impl RecordedReply {
    fn new(answer: HttpReply, delivery: DeliveryMode, carried_out: bool) -> Self {
        Self {
            reply: OutgoingReply { answer, delivery },
            fault: None,
            carried_out,
            foreign: None,
        }
    }

    fn with_fault(mut self, kind: FaultKind) -> Self {
        self.fault = Some(kind.name().to_owned());
        self
    }
}

/// One vendor's simulator and the faults that wait for its requests.
pub(super) struct FaultInjector {
    simulator: Box<dyn Simulator>,
    scripted: Vec<ScriptedFault>,
    schedule: Option<FaultSchedule>,
    replica: LaggingReplica,
}

impl FaultInjector {
    pub fn new(simulator: Box<dyn Simulator>, schedule: Option<FaultSchedule>) -> Self {
        Self {
            simulator,
            scripted: Vec::new(),
            schedule,
            replica: LaggingReplica::default(),
        }
    }

    pub fn simulator_mut(&mut self) -> &mut dyn Simulator {
        self.simulator.as_mut()
    }

    /// Replaces the account. What it was before is no state that a read may still show.
    pub fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.replica = LaggingReplica::default();
        self.simulator.set_state(state)
    }

    pub fn script_fault(&mut self, fault: ScriptedFault) {
        self.scripted.push(fault);
    }

    /// Takes other dice, which have seen no call yet.
    pub fn set_schedule(&mut self, schedule: Option<FaultSchedule>) {
        self.schedule = schedule;
        self.replica = LaggingReplica::default();
    }

    /// Answers a request; `target` is its path and query as they were sent.
    pub fn answer(&mut self, request: &HttpRequest, target: &str, now: Timestamp) -> RecordedReply {
        self.replica.count_call();
        if let Some(fault) = self.take_scripted_fault(&request.method) {
            let carried_out = fault.carried_out && self.carry_out(request, now).1;
            let mut recorded =
                RecordedReply::new(fault.to_reply(), DeliveryMode::Whole, carried_out);
            recorded.fault = Some(fault.name());
            return recorded;
        }
        let drawn = self.schedule.as_ref();
        let drawn = drawn.map(|schedule| schedule.draw(&request.method, target, &request.body));
        let Some(draw) = drawn else {
            return self.answer_undisturbed(request, now);
        };
        let recorded = match draw.fault {
            Some(kind) => self.apply_fault(kind, draw.entropy, request, now),
            None => self.answer_undisturbed(request, now),
        };
        let kind = draw.fault.filter(|_| recorded.fault.is_some());
        // A call that comes with a lost session is made again by every client that had it under way. Which
        // those are is chance, so such a call does not move its dice on.
        let turned_away = kind.is_none() && matches!(recorded.reply.answer.status, 401 | 403);
        if let Some(schedule) = self.schedule.as_mut().filter(|_| !turned_away) {
            schedule.record_outcome(&draw, kind);
        }
        recorded
    }

    fn answer_undisturbed(&mut self, request: &HttpRequest, now: Timestamp) -> RecordedReply {
        let (reply, carried_out) = self.carry_out(request, now);
        RecordedReply::new(reply, DeliveryMode::Whole, carried_out)
    }

    /// Lets the simulator answer and says whether it did as asked.
    fn carry_out(&mut self, request: &HttpRequest, now: Timestamp) -> (HttpReply, bool) {
        let lagging = self.schedule.as_ref();
        let lagging = lagging.is_some_and(|schedule| schedule.plan().includes(FaultKind::Stale));
        let before = (lagging && request.method != "GET").then(|| self.simulator.state());
        let reply = self.simulator.answer(request, now);
        if let Some(before) = before {
            self.replica.remember_write(before, self.simulator.as_ref());
        }
        let carried_out = reply.status < 400;
        (reply, carried_out)
    }

    /// Applies a fault to a request. One that finds nothing to go wrong is not named in the record.
    fn apply_fault(
        &mut self,
        kind: FaultKind,
        entropy: u64,
        request: &HttpRequest,
        now: Timestamp,
    ) -> RecordedReply {
        let instead = |answer| Some(RecordedReply::new(answer, DeliveryMode::Whole, false));
        let recorded = match kind {
            FaultKind::TooMany => {
                // Mostly at once: whoever tests a client waits for every second of it.
                let after = if entropy.is_multiple_of(4) { "1" } else { "0" };
                instead(fault_replies::too_many_requests(Some(after.into())))
            }
            FaultKind::TooManyUntil => instead(fault_replies::too_many_requests(Some(
                fault_replies::date_in_one_second(),
            ))),
            FaultKind::TooManyBare => instead(fault_replies::too_many_requests(None)),
            FaultKind::Timeout => instead(HttpReply::empty(408)),
            FaultKind::TooEarly => instead(HttpReply::empty(425)),
            FaultKind::Server(error) => instead(fault_replies::server_error(error)),
            FaultKind::Html => instead(fault_replies::maintenance_page()),
            FaultKind::DropBefore => Some(RecordedReply::new(
                fault_replies::dropped_reply(),
                DeliveryMode::Dropped,
                false,
            )),
            FaultKind::ServerAfter(error) => {
                let (_, carried_out) = self.carry_out(request, now);
                Some(RecordedReply::new(
                    fault_replies::server_error(error),
                    DeliveryMode::Whole,
                    carried_out,
                ))
            }
            FaultKind::DropAfter => {
                let (_, carried_out) = self.carry_out(request, now);
                Some(RecordedReply::new(
                    fault_replies::dropped_reply(),
                    DeliveryMode::Dropped,
                    carried_out,
                ))
            }
            FaultKind::DropDuring => {
                return self.answer_damaged(kind, request, now, |reply| {
                    reply.delivery = DeliveryMode::CutShort
                });
            }
            FaultKind::Slow => {
                return self.answer_damaged(kind, request, now, |reply| {
                    reply.delivery = DeliveryMode::Slow
                });
            }
            FaultKind::Truncated => {
                return self.answer_damaged(kind, request, now, |reply| {
                    let half = reply.answer.body.len() / 2;
                    reply.answer.body.truncate(half);
                });
            }
            FaultKind::Twice => {
                let (_, first) = self.carry_out(request, now);
                let (reply, second) = self.carry_out(request, now);
                Some(RecordedReply::new(
                    reply,
                    DeliveryMode::Whole,
                    first || second,
                ))
            }
            FaultKind::Stale => self.answer_stale(request, now),
            FaultKind::Session => {
                let lost = self.simulator.expire_session(request);
                lost.then(|| self.answer_undisturbed(request, now))
            }
            FaultKind::Foreign => {
                let edit = self.simulator.make_foreign_edit(entropy, now);
                edit.map(|edit| RecordedReply {
                    foreign: Some(edit),
                    ..self.answer_undisturbed(request, now)
                })
            }
        };
        match recorded {
            Some(recorded) => recorded.with_fault(kind),
            None => self.answer_undisturbed(request, now),
        }
    }

    /// Carries a request out and spoils the reply, unless there is no body that could be spoilt.
    fn answer_damaged(
        &mut self,
        kind: FaultKind,
        request: &HttpRequest,
        now: Timestamp,
        spoil: impl FnOnce(&mut OutgoingReply),
    ) -> RecordedReply {
        let mut recorded = self.answer_undisturbed(request, now);
        if recorded.reply.answer.body.len() < 2 {
            return recorded;
        }
        spoil(&mut recorded.reply);
        recorded.with_fault(kind)
    }

    fn answer_stale(&mut self, request: &HttpRequest, now: Timestamp) -> Option<RecordedReply> {
        if request.method != "GET" {
            return None;
        }
        let old = self
            .replica
            .answer_stale_read(self.simulator.as_ref(), request, now)?;
        let carried_out = old.status < 400;
        Some(RecordedReply::new(old, DeliveryMode::Whole, carried_out))
    }

    /// The oldest fault that fits the method, one time less.
    fn take_scripted_fault(&mut self, method: &str) -> Option<ScriptedFault> {
        let faults = &mut self.scripted;
        let fits = |fault: &ScriptedFault| {
            fault
                .method
                .as_deref()
                .is_none_or(|wanted_method| wanted_method == method)
        };
        let at = faults
            .iter()
            .position(|fault| fault.times > 0 && fits(fault))?;
        faults[at].times -= 1;
        let fault = faults[at].clone();
        faults.retain(|fault| fault.times > 0);
        Some(fault)
    }
}

impl ScriptedFault {
    fn to_reply(&self) -> HttpReply {
        let mut answer = HttpReply::json(self.status, &json!({"message": "fault asked for"}));
        if let Some(after) = &self.retry_after {
            answer.headers.push(("retry-after".into(), after.clone()));
        }
        answer
    }

    /// What the record calls it, in the manner of the seeded faults.
    fn name(&self) -> String {
        let after = if self.carried_out { "-after" } else { "" };
        format!("{}{after}", self.status)
    }
}
