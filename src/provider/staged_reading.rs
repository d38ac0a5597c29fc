//! Reads objects whose ids belong to other objects after those, in one reading over one account.
//!
//! Each stage is the vendor's own reading of the objects that are ready for it. An object is ready once the ids that its
//! references stand for are known; the first stage has all objects without references. Within a stage nothing changes,
//! so calls go out side by side as ever. A reply of an earlier stage serves a later one that asks for the same, once:
//! whoever asks again wants to see what has changed.
//!
//! ```text
//! desired   0 LacCustomer/rivers   1 LacLicenseOrder/desk of customer {ref: LacCustomer/rivers}   2 LacCustomer/7
//! stage 1   0 and 2     GET /customers, GET /customers/7       rivers has the id 9
//! stage 2   1           GET /license-orders?customer_ids=9
//! ```
//!
//! An object whose referent cannot be used is unread, with the reason. One that cannot be there, since what it belongs to
//! is still to be created, is missing without a call.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Provider;
use super::reading::{Answer, Reading, Ticket};
use super::references::{LookedUp, Referents, cannot_be_there};
use crate::model::{Address, Call, Desired, Observed};

/// Reads the objects `desired` with the fewest calls. `referents` has the ids that are known before. Unless the read
/// `plans_creations`, nothing is read that only the plan of a creation shows.
pub fn read_in_stages(
    provider: &'static dyn Provider,
    desired: &[&Desired],
    referents: &Referents,
    plans_creations: bool,
) -> Box<dyn Reading> {
    if desired.iter().all(|object| object.references.is_empty()) {
        return read_without_stages(provider, desired, plans_creations);
    }
    let referents = referents.clone();
    Box::new(StagedReading::new(
        provider,
        desired,
        referents,
        plans_creations,
    ))
}

/// Reads objects of which all ids are known, as [`read_in_stages`] does one stage.
pub fn read_without_stages(
    provider: &'static dyn Provider,
    desired: &[&Desired],
    plans_creations: bool,
) -> Box<dyn Reading> {
    if plans_creations {
        return provider.reading(desired);
    }
    let desired: Vec<_> = desired.iter().map(|one| one.without_creation()).collect();
    let desired: Vec<&Desired> = desired.iter().map(|one| &**one).collect();
    provider.reading(&desired)
}

struct StagedReading {
    provider: &'static dyn Provider,
    plans_creations: bool,
    referents: Referents,
    /// The objects to which others refer, by their index.
    referred: BTreeMap<usize, Arc<Desired>>,
    /// The objects that wait for the ids of others, with their index.
    waiting: Vec<(usize, Arc<Desired>)>,
    stage: Option<Stage>,
    /// Each call that was given out, with its ticket in the present stage.
    given: Vec<(Ticket, Arc<str>)>,
    /// Calls of the present stage without a reply.
    outstanding: usize,
    /// Replies by path, for later stages.
    replies: HashMap<Arc<str>, Answer>,
    settled: Vec<(usize, Observed)>,
}

/// The vendor's reading of some of the objects.
struct Stage {
    reading: Box<dyn Reading>,
    /// The index among all objects of each object of the stage.
    indices: Vec<usize>,
    /// The replies of earlier stages that the stage has not used.
    replies: HashMap<Arc<str>, Answer>,
}

impl StagedReading {
    fn new(
        provider: &'static dyn Provider,
        desired: &[&Desired],
        referents: Referents,
        plans_creations: bool,
    ) -> Self {
        let references = desired.iter().flat_map(|object| object.references.iter());
        let referred: BTreeSet<&Address> =
            references.map(|reference| &reference.referent).collect();
        let all = desired.iter().copied().enumerate();
        let referred = all
            .clone()
            .filter(|(_, object)| referred.contains(&object.address));
        let referred = referred.map(|(index, object)| (index, Arc::new(object.clone())));
        let (waiting, ready): (Vec<_>, Vec<_>) =
            all.partition(|(_, object)| object.references.are_open());
        let waiting = waiting.into_iter();
        let mut reading = Self {
            provider,
            plans_creations,
            referents,
            referred: referred.collect(),
            waiting: waiting
                .map(|(index, object)| (index, Arc::new(object.clone())))
                .collect(),
            stage: None,
            given: Vec::new(),
            outstanding: 0,
            replies: HashMap::new(),
            settled: Vec::new(),
        };
        let released = reading.release();
        let mut first: Vec<(usize, &Desired)> = ready;
        first.extend(released.iter().map(|(index, object)| (*index, &**object)));
        first.sort_by_key(|(index, _)| *index);
        reading.begin(&first);
        reading
    }

    /// Begins a stage with these objects, if there are any.
    fn begin(&mut self, objects: &[(usize, &Desired)]) {
        if objects.is_empty() {
            return;
        }
        let (indices, objects): (Vec<usize>, Vec<&Desired>) = objects.iter().copied().unzip();
        self.stage = Some(Stage {
            reading: read_without_stages(self.provider, &objects, self.plans_creations),
            indices,
            replies: match self.waiting.is_empty() {
                true => std::mem::take(&mut self.replies),
                false => self.replies.clone(),
            },
        });
    }

    /// Takes the waiting objects whose references are decided. Returns those that can be read; the others are settled.
    fn release(&mut self) -> Vec<(usize, Arc<Desired>)> {
        let mut released = Vec::new();
        loop {
            let before = self.waiting.len();
            for (index, object) in std::mem::take(&mut self.waiting) {
                match self.referents.look_up(&object) {
                    LookedUp::Open => self.waiting.push((index, object)),
                    LookedUp::Blocked(failure) => self.settle(index, Observed::Unread(failure)),
                    LookedUp::Resolved(resolved) if cannot_be_there(&resolved) => {
                        self.settle(index, Observed::Missing);
                    }
                    LookedUp::Resolved(resolved) => released.push((index, resolved)),
                }
            }
            // What was settled just now may be what others wait for.
            if self.waiting.len() == before {
                return released;
            }
        }
    }

    fn settle(&mut self, index: usize, observed: Observed) {
        if let Some(referent) = self.referred.get(&index) {
            self.referents.note(referent, &observed);
        }
        self.settled.push((index, observed));
    }

    /// Returns the calls that the stage asks for, without those that earlier replies answer.
    fn ask(&mut self) -> Vec<(Ticket, Call)> {
        let Some(stage) = &mut self.stage else {
            return Vec::new();
        };
        let mut calls = Vec::new();
        loop {
            let mut is_answered = false;
            for (ticket, call) in stage.reading.ready() {
                match stage.replies.remove(call.path.as_str()) {
                    Some(answer) => {
                        stage.reading.take(ticket, answer);
                        is_answered = true;
                    }
                    None => {
                        self.given.push((ticket, call.path.as_str().into()));
                        calls.push((self.given.len() - 1, call));
                    }
                }
            }
            if !is_answered {
                self.outstanding += calls.len();
                return calls;
            }
        }
    }

    /// Ends a stage that asks for nothing more.
    fn end(&mut self) {
        if let Some(stage) = self.stage.take() {
            for (index, observed) in stage.reading.finish() {
                self.settle(stage.indices[index], observed);
            }
        }
    }
}

impl Reading for StagedReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        loop {
            let calls = self.ask();
            if !calls.is_empty() || self.outstanding > 0 {
                return calls;
            }
            self.end();
            let released = self.release();
            let objects: Vec<(usize, &Desired)> = released
                .iter()
                .map(|(index, object)| (*index, &**object))
                .collect();
            self.begin(&objects);
            if self.stage.is_none() {
                return Vec::new();
            }
        }
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (Some(stage), Some((own_ticket, path))) = (&mut self.stage, self.given.get(ticket))
        else {
            return;
        };
        self.outstanding -= 1;
        if !self.waiting.is_empty() && matches!(answer, Answer::Reply(_)) {
            self.replies.insert(Arc::clone(path), answer.clone());
        }
        stage.reading.take(*own_ticket, answer);
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        let settled = self.stage.as_mut().map(|stage| {
            let objects = stage.reading.settled().into_iter();
            let objects = objects.map(|(index, observed)| (stage.indices[index], observed));
            objects.collect::<Vec<_>>()
        });
        for (index, observed) in settled.unwrap_or_default() {
            self.settle(index, observed);
        }
        std::mem::take(&mut self.settled)
    }

    fn finish(mut self: Box<Self>) -> Vec<(usize, Observed)> {
        self.end();
        for (index, _) in std::mem::take(&mut self.waiting) {
            let why = "an object whose id it needs was not read".into();
            self.settle(index, Observed::Unread(why));
        }
        self.settled.sort_by_key(|(index, _)| *index);
        self.settled
    }
}

#[cfg(test)]
mod tests;
