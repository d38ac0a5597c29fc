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

    fn by(mut self, kind: FaultKind) -> Self {
        self.fault = Some(kind.name().to_owned());
        self
    }
}

/// One vendor's simulator and the faults that wait for its requests.
pub(super) struct FaultInjector {
    simulator: Box<dyn Simulator>,
    asked_for: Vec<ScriptedFault>,
    dice: Option<FaultSchedule>,
    replica: LaggingReplica,
}

impl FaultInjector {
    pub fn new(simulator: Box<dyn Simulator>, dice: Option<FaultSchedule>) -> Self {
        Self {
            simulator,
            asked_for: Vec::new(),
            dice,
            replica: LaggingReplica::default(),
        }
    }

    pub fn simulator(&mut self) -> &mut dyn Simulator {
        self.simulator.as_mut()
    }

    /// Replaces the account. What it was before is no state that a read may still show.
    pub fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.replica = LaggingReplica::default();
        self.simulator.set_state(state)
    }

    pub fn ask_for(&mut self, fault: ScriptedFault) {
        self.asked_for.push(fault);
    }

    /// Takes other dice, which have seen no call yet.
    pub fn set_dice(&mut self, dice: Option<FaultSchedule>) {
        self.dice = dice;
        self.replica = LaggingReplica::default();
    }

    /// Answers a request; `target` is its path and query as they were sent.
    pub fn answer(&mut self, asked: &HttpRequest, target: &str, now: Timestamp) -> RecordedReply {
        self.replica.tick();
        if let Some(fault) = self.next_asked_for(&asked.method) {
            let done = fault.carried_out && self.carry_out(asked, now).1;
            let mut told = RecordedReply::new(fault.answer(), DeliveryMode::Whole, done);
            told.fault = Some(fault.name());
            return told;
        }
        let thrown = self.dice.as_ref();
        let thrown = thrown.map(|dice| dice.throw(&asked.method, target, &asked.body));
        let Some(throw) = thrown else {
            return self.plainly(asked, now);
        };
        let told = match throw.fault {
            Some(kind) => self.apply(kind, throw.entropy, asked, now),
            None => self.plainly(asked, now),
        };
        let kind = throw.fault.filter(|_| told.fault.is_some());
        // A call that comes with a lost session is made again by every client that had it under way. Which
        // those are is chance, so such a call does not move its dice on.
        let turned_away = kind.is_none() && matches!(told.reply.answer.status, 401 | 403);
        if let Some(dice) = self.dice.as_mut().filter(|_| !turned_away) {
            dice.note(&throw, kind);
        }
        told
    }

    fn plainly(&mut self, asked: &HttpRequest, now: Timestamp) -> RecordedReply {
        let (own, done) = self.carry_out(asked, now);
        RecordedReply::new(own, DeliveryMode::Whole, done)
    }

    /// Lets the simulator answer and says whether it did as asked.
    fn carry_out(&mut self, asked: &HttpRequest, now: Timestamp) -> (HttpReply, bool) {
        let lagging = self.dice.as_ref();
        let lagging = lagging.is_some_and(|dice| dice.plan().has(FaultKind::Stale));
        let before = (lagging && asked.method != "GET").then(|| self.simulator.state());
        let own = self.simulator.answer(asked, now);
        if let Some(before) = before {
            self.replica.keep(before, self.simulator.as_ref());
        }
        let done = own.status < 400;
        (own, done)
    }

    /// Applies a fault to a request. One that finds nothing to go wrong is not named in the record.
    fn apply(
        &mut self,
        kind: FaultKind,
        entropy: u64,
        asked: &HttpRequest,
        now: Timestamp,
    ) -> RecordedReply {
        let instead = |answer| Some(RecordedReply::new(answer, DeliveryMode::Whole, false));
        let told = match kind {
            FaultKind::TooMany => {
                // Mostly at once: whoever tests a client waits for every second of it.
                let after = if entropy.is_multiple_of(4) { "1" } else { "0" };
                instead(fault_replies::too_many(Some(after.into())))
            }
            FaultKind::TooManyUntil => {
                instead(fault_replies::too_many(Some(fault_replies::in_a_second())))
            }
            FaultKind::TooManyBare => instead(fault_replies::too_many(None)),
            FaultKind::Timeout => instead(HttpReply::empty(408)),
            FaultKind::TooEarly => instead(HttpReply::empty(425)),
            FaultKind::Server(error) => instead(fault_replies::server(error)),
            FaultKind::Html => instead(fault_replies::page()),
            FaultKind::DropBefore => Some(RecordedReply::new(
                fault_replies::nothing(),
                DeliveryMode::Dropped,
                false,
            )),
            FaultKind::ServerAfter(error) => {
                let (_, done) = self.carry_out(asked, now);
                Some(RecordedReply::new(
                    fault_replies::server(error),
                    DeliveryMode::Whole,
                    done,
                ))
            }
            FaultKind::DropAfter => {
                let (_, done) = self.carry_out(asked, now);
                Some(RecordedReply::new(
                    fault_replies::nothing(),
                    DeliveryMode::Dropped,
                    done,
                ))
            }
            FaultKind::DropDuring => {
                return self.spoilt(kind, asked, now, |reply| {
                    reply.delivery = DeliveryMode::CutShort
                });
            }
            FaultKind::Slow => {
                return self.spoilt(kind, asked, now, |reply| {
                    reply.delivery = DeliveryMode::Slow
                });
            }
            FaultKind::Truncated => {
                return self.spoilt(kind, asked, now, |reply| {
                    let half = reply.answer.body.len() / 2;
                    reply.answer.body.truncate(half);
                });
            }
            FaultKind::Twice => {
                let (_, first) = self.carry_out(asked, now);
                let (own, second) = self.carry_out(asked, now);
                Some(RecordedReply::new(
                    own,
                    DeliveryMode::Whole,
                    first || second,
                ))
            }
            FaultKind::Stale => self.stale(asked, now),
            FaultKind::Session => {
                let lost = self.simulator.lose_session(asked);
                lost.then(|| self.plainly(asked, now))
            }
            FaultKind::Foreign => {
                let edit = self.simulator.foreign_edit(entropy, now);
                edit.map(|edit| RecordedReply {
                    foreign: Some(edit),
                    ..self.plainly(asked, now)
                })
            }
        };
        match told {
            Some(told) => told.by(kind),
            None => self.plainly(asked, now),
        }
    }

    /// Carries a request out and spoils the reply, unless there is no body that could be spoilt.
    fn spoilt(
        &mut self,
        kind: FaultKind,
        asked: &HttpRequest,
        now: Timestamp,
        spoil: impl FnOnce(&mut OutgoingReply),
    ) -> RecordedReply {
        let mut told = self.plainly(asked, now);
        if told.reply.answer.body.len() < 2 {
            return told;
        }
        spoil(&mut told.reply);
        told.by(kind)
    }

    fn stale(&mut self, asked: &HttpRequest, now: Timestamp) -> Option<RecordedReply> {
        if asked.method != "GET" {
            return None;
        }
        let old = self.replica.answer(self.simulator.as_ref(), asked, now)?;
        let done = old.status < 400;
        Some(RecordedReply::new(old, DeliveryMode::Whole, done))
    }

    /// The oldest fault that fits the method, one time less.
    fn next_asked_for(&mut self, method: &str) -> Option<ScriptedFault> {
        let faults = &mut self.asked_for;
        let fits = |fault: &ScriptedFault| fault.method.as_deref().is_none_or(|one| one == method);
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
    fn answer(&self) -> HttpReply {
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
