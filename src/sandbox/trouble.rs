//! A simulator with what can go wrong in front of it.
//!
//! In: a request as the simulator would get it. Out: the reply as the client is to get it, which may be
//! another one than the simulator's own, and what the record says of it. Nothing here knows a socket: how
//! a reply is put on the wire is `server`'s affair.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::broken;
use super::dice::Dice;
use super::faults::Kind;
use super::replica::Replica;
use super::simulator::{Answer, Asked, Simulator};

/// A failure that a simulator is told to show, for testing how a client takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
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
pub(super) enum Delivery {
    Whole,
    /// In pieces with pauses between them.
    Slow,
    /// The connection ends in the middle of the body, whose length was announced.
    CutShort,
    /// The connection ends before anything is sent.
    Dropped,
}

/// What is sent to the client.
pub(super) struct Reply {
    pub answer: Answer,
    pub delivery: Delivery,
}

impl Reply {
    /// An answer sent as it is.
    pub fn whole(answer: Answer) -> Self {
        Self {
            answer,
            delivery: Delivery::Whole,
        }
    }
}

/// A reply, and what the record says of it.
pub(super) struct Told {
    pub reply: Reply,
    /// The name of the fault that was applied.
    pub fault: Option<String>,
    pub carried_out: bool,
    /// What somebody else changed just before.
    pub foreign: Option<Value>,
}

impl Told {
    fn new(answer: Answer, delivery: Delivery, carried_out: bool) -> Self {
        Self {
            reply: Reply { answer, delivery },
            fault: None,
            carried_out,
            foreign: None,
        }
    }

    fn by(mut self, kind: Kind) -> Self {
        self.fault = Some(kind.name().to_owned());
        self
    }
}

/// One vendor's simulator and the faults that wait for its requests.
pub(super) struct Troubled {
    simulator: Box<dyn Simulator>,
    asked_for: Vec<Fault>,
    dice: Option<Dice>,
    replica: Replica,
}

impl Troubled {
    pub fn new(simulator: Box<dyn Simulator>, dice: Option<Dice>) -> Self {
        Self {
            simulator,
            asked_for: Vec::new(),
            dice,
            replica: Replica::default(),
        }
    }

    pub fn simulator(&mut self) -> &mut dyn Simulator {
        self.simulator.as_mut()
    }

    /// Replaces the account. What it was before is no state that a read may still show.
    pub fn set_state(&mut self, state: Value) -> Result<(), String> {
        self.replica = Replica::default();
        self.simulator.set_state(state)
    }

    pub fn ask_for(&mut self, fault: Fault) {
        self.asked_for.push(fault);
    }

    /// Takes other dice, which have seen no call yet.
    pub fn set_dice(&mut self, dice: Option<Dice>) {
        self.dice = dice;
        self.replica = Replica::default();
    }

    /// Answers a request; `target` is its path and query as they were sent.
    pub fn answer(&mut self, asked: &Asked, target: &str, now: Timestamp) -> Told {
        self.replica.tick();
        if let Some(fault) = self.next_asked_for(&asked.method) {
            let done = fault.carried_out && self.carry_out(asked, now).1;
            let mut told = Told::new(fault.answer(), Delivery::Whole, done);
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

    fn plainly(&mut self, asked: &Asked, now: Timestamp) -> Told {
        let (own, done) = self.carry_out(asked, now);
        Told::new(own, Delivery::Whole, done)
    }

    /// Lets the simulator answer and says whether it did as asked.
    fn carry_out(&mut self, asked: &Asked, now: Timestamp) -> (Answer, bool) {
        let lagging = self.dice.as_ref();
        let lagging = lagging.is_some_and(|dice| dice.plan().has(Kind::Stale));
        let before = (lagging && asked.method != "GET").then(|| self.simulator.state());
        let own = self.simulator.answer(asked, now);
        if let Some(before) = before {
            self.replica.keep(before, self.simulator.as_ref());
        }
        let done = own.status < 400;
        (own, done)
    }

    /// Applies a fault to a request. One that finds nothing to go wrong is not named in the record.
    fn apply(&mut self, kind: Kind, entropy: u64, asked: &Asked, now: Timestamp) -> Told {
        let instead = |answer| Some(Told::new(answer, Delivery::Whole, false));
        let told = match kind {
            Kind::TooMany => {
                // Mostly at once: whoever tests a client waits for every second of it.
                let after = if entropy.is_multiple_of(4) { "1" } else { "0" };
                instead(broken::too_many(Some(after.into())))
            }
            Kind::TooManyUntil => instead(broken::too_many(Some(broken::in_a_second()))),
            Kind::TooManyBare => instead(broken::too_many(None)),
            Kind::Timeout => instead(Answer::empty(408)),
            Kind::TooEarly => instead(Answer::empty(425)),
            Kind::Server(error) => instead(broken::server(error)),
            Kind::Html => instead(broken::page()),
            Kind::DropBefore => Some(Told::new(broken::nothing(), Delivery::Dropped, false)),
            Kind::ServerAfter(error) => {
                let (_, done) = self.carry_out(asked, now);
                Some(Told::new(broken::server(error), Delivery::Whole, done))
            }
            Kind::DropAfter => {
                let (_, done) = self.carry_out(asked, now);
                Some(Told::new(broken::nothing(), Delivery::Dropped, done))
            }
            Kind::DropDuring => {
                return self.spoilt(kind, asked, now, |reply| {
                    reply.delivery = Delivery::CutShort
                });
            }
            Kind::Slow => {
                return self.spoilt(kind, asked, now, |reply| reply.delivery = Delivery::Slow);
            }
            Kind::Truncated => {
                return self.spoilt(kind, asked, now, |reply| {
                    let half = reply.answer.body.len() / 2;
                    reply.answer.body.truncate(half);
                });
            }
            Kind::Twice => {
                let (_, first) = self.carry_out(asked, now);
                let (own, second) = self.carry_out(asked, now);
                Some(Told::new(own, Delivery::Whole, first || second))
            }
            Kind::Stale => self.stale(asked, now),
            Kind::Session => {
                let lost = self.simulator.lose_session(asked);
                lost.then(|| self.plainly(asked, now))
            }
            Kind::Foreign => {
                let edit = self.simulator.foreign_edit(entropy, now);
                edit.map(|edit| Told {
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
        kind: Kind,
        asked: &Asked,
        now: Timestamp,
        spoil: impl FnOnce(&mut Reply),
    ) -> Told {
        let mut told = self.plainly(asked, now);
        if told.reply.answer.body.len() < 2 {
            return told;
        }
        spoil(&mut told.reply);
        told.by(kind)
    }

    fn stale(&mut self, asked: &Asked, now: Timestamp) -> Option<Told> {
        if asked.method != "GET" {
            return None;
        }
        let old = self.replica.answer(self.simulator.as_ref(), asked, now)?;
        let done = old.status < 400;
        Some(Told::new(old, Delivery::Whole, done))
    }

    /// The oldest fault that fits the method, one time less.
    fn next_asked_for(&mut self, method: &str) -> Option<Fault> {
        let faults = &mut self.asked_for;
        let fits = |fault: &Fault| fault.method.as_deref().is_none_or(|one| one == method);
        let at = faults
            .iter()
            .position(|fault| fault.times > 0 && fits(fault))?;
        faults[at].times -= 1;
        let fault = faults[at].clone();
        faults.retain(|fault| fault.times > 0);
        Some(fault)
    }
}

impl Fault {
    fn answer(&self) -> Answer {
        let mut answer = Answer::json(self.status, &json!({"message": "fault asked for"}));
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
