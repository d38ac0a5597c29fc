//! Follows references while a pass reads: which further objects are read, and when an object has its ids.
//!
//! Input are the objects of a pass as their manifests have them, and what reads show; output are the objects with ids in
//! place of references. How ids are found is in `provider::references`, how reads are put in order in
//! `provider::staged_reading`. A pass without references does nothing here.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Accounts, Checked, Settings, read_side_by_side};
use crate::model::{Address, Desired, Observed, PolicyMode};
use crate::provider;
use crate::provider::references::{LookedUp, Referents, referents_of};

/// The references of a pass.
pub struct Lookup {
    /// Objects that are read for their ids alone: out of the scope of the pass, or suspended. Their indexes follow those
    /// of the objects of the pass.
    pub extra: Vec<Arc<Desired>>,
    pub referents: Referents,
    /// The objects to which others refer.
    referred: BTreeSet<Address>,
    /// Objects that were read and whose references are still to be looked up.
    waiting: Vec<(usize, Observed)>,
}

impl Lookup {
    /// Prepares the references of the objects of `checked`.
    pub fn new(checked: &Checked, now: Timestamp) -> Self {
        let is_suspended = |object: &Desired| object.policy.mode_at(now) == PolicyMode::Suspend;
        let active = checked.desired.iter().filter(|one| !is_suspended(one));
        let with_references = active.filter(|one| !one.references.is_empty());
        let with_references: Vec<&Arc<Desired>> = with_references.collect();
        let all = match with_references.is_empty() {
            true => Vec::new(),
            false => {
                let known = checked.objects_by_address();
                referents_of(with_references, |address| {
                    known.get(address).map(|one| Arc::clone(one))
                })
            }
        };
        let referred = all.iter().map(|object| object.address.clone()).collect();
        let referents = Referents::stated(all.iter().map(|object| &**object), now);
        let has_no_id = |object: &Arc<Desired>| {
            let kind = provider::find_kind(object.address.kind.0);
            kind.is_some_and(|kind| object.stated_id(kind.table()).is_none())
        };
        let is_extra = |object: &Arc<Desired>| object.policy.only_read || is_suspended(object);
        Self {
            extra: all.into_iter().filter(has_no_id).filter(is_extra).collect(),
            referents,
            referred,
            waiting: Vec::new(),
        }
    }

    /// Takes an object that was read. Returns it with what was observed, unless its references are still to be looked up.
    pub fn take<'a>(
        &mut self,
        index: usize,
        object: &'a Arc<Desired>,
        observed: Observed,
    ) -> Option<(&'a Arc<Desired>, Observed)> {
        if self.referred.contains(&object.address) {
            self.referents.note(object, &observed);
        }
        if object.references.are_open() {
            self.waiting.push((index, observed));
            return None;
        }
        Some((object, observed))
    }

    /// Returns the objects that waited, once everything is read: each with its ids, or as its manifest has it if one of
    /// them cannot be known. What was observed of the latter says so.
    pub fn finish(self, checked: &Checked) -> (Vec<(usize, Arc<Desired>, Observed)>, Referents) {
        let Self {
            referents, waiting, ..
        } = self;
        let waiting = waiting.into_iter().filter_map(|(index, observed)| {
            let object = checked.desired.get(index)?;
            let object = match referents.look_up(object) {
                LookedUp::Resolved(resolved) => resolved,
                LookedUp::Blocked(_) | LookedUp::Open => Arc::clone(object),
            };
            Some((index, object, observed))
        });
        (waiting.collect(), referents)
    }
}

/// Looks up the references of all objects, for commands that compare manifests with what a vendor lists: reads the objects
/// to which others refer, and puts ids in place. A reference whose referent is not there stays. Nothing is read where no
/// object refers to another. Returns the accounts that were opened for it.
pub async fn follow_references(checked: &mut Checked, settings: &Settings) -> Accounts {
    let all = {
        let known = checked.objects_by_address();
        referents_of(&checked.desired, |address| {
            known.get(address).map(|one| Arc::clone(one))
        })
    };
    if all.is_empty() {
        return Accounts::new();
    }
    let mut referents = Referents::stated(all.iter().map(|one| &**one), (settings.clock)());
    let unknown = all.into_iter().filter(|one| !referents.knows(&one.address));
    let mut narrowed = checked.clone();
    narrowed.restrict_to(unknown.collect());
    let read = read_side_by_side(&narrowed, settings, &Accounts::new()).await;
    for (object, observed) in &read.seen {
        referents.note(object, observed);
    }
    for object in &mut checked.desired {
        if let LookedUp::Resolved(resolved) = referents.look_up(object)
            && resolved.references.awaited().next().is_none()
        {
            *object = resolved;
        }
    }
    read.accounts
}
