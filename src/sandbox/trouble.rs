//! A simulator with what can go wrong in front of it.
//!
//! In: a request as the simulator would get it. Out: the reply as the client is to get it, which may be
//! another one than the simulator's own, and what the record says of it. Nothing here knows a socket: how
//! a reply is put on the wire is `server`'s affair.

use jiff::Timestamp;
use serde_json::json;

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

/// What is sent to the client.
pub(super) struct Reply {
    pub answer: Answer,
}

impl Reply {
    /// An answer sent as it is.
    pub fn whole(answer: Answer) -> Self {
        Self { answer }
    }
}

/// A reply, and what the record says of it.
pub(super) struct Told {
    pub reply: Reply,
    /// The name of the fault that was applied.
    pub fault: Option<String>,
    pub carried_out: bool,
}

/// One vendor's simulator and the faults that wait for its requests.
pub(super) struct Troubled {
    simulator: Box<dyn Simulator>,
    asked_for: Vec<Fault>,
}

impl Troubled {
    pub fn new(simulator: Box<dyn Simulator>) -> Self {
        Self {
            simulator,
            asked_for: Vec::new(),
        }
    }

    pub fn simulator(&mut self) -> &mut dyn Simulator {
        self.simulator.as_mut()
    }

    pub fn ask_for(&mut self, fault: Fault) {
        self.asked_for.push(fault);
    }

    pub fn answer(&mut self, asked: &Asked, now: Timestamp) -> Told {
        if let Some(fault) = self.next_asked_for(&asked.method) {
            let own = fault.carried_out.then(|| self.simulator.answer(asked, now));
            return Told {
                reply: Reply::whole(fault.answer()),
                fault: Some(fault.name()),
                carried_out: own.is_some_and(|own| carried_out(&own)),
            };
        }
        let own = self.simulator.answer(asked, now);
        Told {
            carried_out: carried_out(&own),
            reply: Reply::whole(own),
            fault: None,
        }
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

/// Whether a simulator's own answer says that it did as asked.
fn carried_out(own: &Answer) -> bool {
    own.status < 400
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
