//! The fault injector: stands in front of one simulator and disturbs its calls.
//!
//! In: a request as the simulator would get it. Out: a [`RecordedReply`], that is the reply for the client, which
//! may replace the simulator's own, and what the request record says about it.
//!
//! Faults have two sources. A test scripts single faults ([`ScriptedFault`]), which come first; a
//! [fault schedule](super::fault_schedule) draws the others from a seed. This module uses no socket: `server` sends
//! a reply in the way that its [`DeliveryMode`] states.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault_plan::FaultKind;
use super::fault_replies;
use super::fault_schedule::FaultSchedule;
use super::lagging_replica::LaggingReplica;
use super::simulator::{HttpReply, HttpRequest, Simulator};

/// A failure that a test asks for, to see how a client handles it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptedFault {
    /// The status to answer with, for example 429 or 503.
    pub status: u16,
    /// How many requests fail with it.
    pub times: u32,
    /// The value of the `Retry-After` header; `None` sends none.
    pub retry_after: Option<String>,
    /// The method of the requests that fail; `None` is any.
    pub method: Option<String>,
    /// True if the vendor carries the request out before its reply is replaced.
    pub carried_out: bool,
}

/// How the server puts a reply on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DeliveryMode {
    /// In one piece, undisturbed.
    Whole,
    /// In pieces with pauses between them.
    Slow,
    /// The connection ends in the middle of the body, after its full length was announced.
    CutShort,
    /// The connection ends before a byte of the reply is sent.
    Dropped,
}

/// A reply for the client and how to deliver it.
pub(super) struct OutgoingReply {
    pub answer: HttpReply,
    pub delivery: DeliveryMode,
}

impl OutgoingReply {
    /// Returns a reply that is delivered undisturbed.
    pub fn whole(answer: HttpReply) -> Self {
        Self {
            answer,
            delivery: DeliveryMode::Whole,
        }
    }
}

/// A reply, and what the request record says about it.
pub(super) struct RecordedReply {
    pub reply: OutgoingReply,
    /// The name of the fault that was applied; `None` if the call went well.
    pub fault: Option<String>,
    /// True if the vendor carried the request out, independent of the reply that the client got.
    pub carried_out: bool,
    /// The change that another admin or a licensee made just before, by the fault `foreign`.
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

    /// Returns the same reply with the name of the fault that was applied.
    fn with_fault(mut self, kind: FaultKind) -> Self {
        self.fault = Some(kind.name().to_owned());
        self
    }
}

/// One vendor's simulator and the faults that its requests will meet.
pub(super) struct FaultInjector {
    simulator: Box<dyn Simulator>,
    scripted: Vec<ScriptedFault>,
    schedule: Option<FaultSchedule>,
    replica: LaggingReplica,
}

impl FaultInjector {
    /// Wraps a simulator; without a schedule only scripted faults disturb it.
    pub fn new(simulator: Box<dyn Simulator>, schedule: Option<FaultSchedule>) -> Self {
        Self {
            simulator,
            scripted: Vec::new(),
            schedule,
            replica: LaggingReplica::default(),
        }
    }

    /// Returns the simulator itself, past all faults, for the control routes.
    pub fn simulator_mut(&mut self) -> &mut dyn Simulator {
        self.simulator.as_mut()
    }

    /// Replaces the account and forgets its earlier states, so that no stale read shows them.
    pub fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.replica = LaggingReplica::default();
        self.simulator.set_state(state)
    }

    /// Queues a fault for the next matching requests; several wait in the order in which they were scripted.
    pub fn script_fault(&mut self, fault: ScriptedFault) {
        self.scripted.push(fault);
    }

    /// Replaces the fault schedule by one that has seen no call yet; `None` ends seeded faults.
    pub fn set_schedule(&mut self, schedule: Option<FaultSchedule>) {
        self.schedule = schedule;
        self.replica = LaggingReplica::default();
    }

    /// Answers a request, through a scripted fault, a drawn one, or undisturbed.
    ///
    /// `target` is its path and query as sent, which the draw depends on.
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
        // Every client repeats a call that was refused because its session had ended. Which concurrent calls are
        // refused depends on timing, so a refused call does not advance its history; otherwise later draws would
        // depend on timing too.
        let turned_away = kind.is_none() && matches!(recorded.reply.answer.status, 401 | 403);
        if let Some(schedule) = self.schedule.as_mut().filter(|_| !turned_away) {
            schedule.record_outcome(&draw, kind);
        }
        recorded
    }

    /// Lets the simulator answer, without a fault.
    fn answer_undisturbed(&mut self, request: &HttpRequest, now: Timestamp) -> RecordedReply {
        let (reply, carried_out) = self.carry_out(request, now);
        RecordedReply::new(reply, DeliveryMode::Whole, carried_out)
    }

    /// Lets the simulator answer. The flag is true if it carried the request out, that is, answered with a status below
    /// 400.
    ///
    /// Remembers the account from before a write if the plan has stale reads.
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

    /// Applies a drawn fault to a request.
    ///
    /// A fault that finds nothing to disturb (no session to end, no older state to show) leaves the call
    /// undisturbed and is not named in the record.
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
                // Three in four give 0 seconds, because the tests of a client really wait for the given time.
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

    /// Lets the simulator answer and damages the reply; a body below 2 bytes stays as it is.
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

    /// Answers a read from before a write; `None` if it is not a GET or no write would change its reply.
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

    /// Takes the oldest scripted fault that fits the method and counts it down; `None` if none is left.
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
    /// Returns the reply that replaces the simulator's.
    fn to_reply(&self) -> HttpReply {
        let mut answer = HttpReply::json(self.status, &json!({"message": "fault asked for"}));
        if let Some(after) = &self.retry_after {
            answer.headers.push(("retry-after".into(), after.clone()));
        }
        answer
    }

    /// Returns the name for the record, formed like those of seeded faults: `503`, `503-after`.
    fn name(&self) -> String {
        let after = if self.carried_out { "-after" } else { "" };
        format!("{}{after}", self.status)
    }
}
