//! Lets a step wait for those that come before it, and gives it the ids that became known meanwhile.
//!
//! Input are the steps of a plan with what each comes after (`plan::dependencies`), and the reports of those that have
//! ended. Output is, for a step that waited, the object with its ids and the plan of it, which differs from the one that
//! was shown in these ids only; or why nothing is sent. Nothing is written here.
//!
//! A saved plan says nothing of ids that manifests do not have: the objects to which its steps refer are read once each,
//! at the first need, since an id comes from the vendor and never from a file.
//!
//! ```text
//! LacCustomer/rivers     create     ends as converged, with the id 7
//! LacLicenseOrder/desk   create     waits; customer_id (id of LacCustomer/rivers, …) becomes 7; goes
//! LacLicenseOrder/shelf  create     the same, at the same time
//! LacCustomer/locks      create     refused
//! LacLicenseOrder/door   create     skipped: LacCustomer/locks comes before it and ended as refused
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{OnceCell, watch};

use super::{Pass, Settings};
use crate::apply::reread::Rereads;
use crate::apply::{Outcome, Report};
use crate::model::{Address, Desired, Observed, ReadFailure};
use crate::plan::dependencies::show_awaited;
use crate::plan::document::{ObjectEntry, change_entries};
use crate::plan::{self, Disposition, Planned};
use crate::provider;
use crate::provider::references::{LookedUp, Referents, referents_of};

use super::Checked;

/// What the steps of a pass need to know of the objects to which theirs refer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PassReferents {
    /// The ids that the reads of the pass have shown; `None` for a pass without references.
    pub known: Option<Referents>,
    /// The referents themselves; only of a saved plan, which has read none of them.
    pub unread: BTreeMap<Address, Arc<Desired>>,
}

impl PassReferents {
    /// The referents of a plan that was read in this run.
    pub fn read(known: Referents) -> Self {
        Self {
            known: Some(known),
            unread: BTreeMap::new(),
        }
    }

    /// The referents of the objects of a saved plan.
    pub fn of_saved(checked: &Checked, planned: &[Planned], settings: &Settings) -> Self {
        let objects = planned.iter().map(|one| &one.desired);
        let all = checked.objects_by_address();
        let found = referents_of(objects, |address| {
            all.get(address).map(|one| Arc::clone(one))
        });
        let stated = found.iter().map(|object| &**object);
        Self {
            known: Some(Referents::stated(stated, (settings.clock)())),
            unread: found
                .iter()
                .map(|object| (object.address.clone(), Arc::clone(object)))
                .collect(),
        }
    }
}

/// How a step ended, for those that come after it.
#[derive(Clone, Copy, Debug)]
struct StepEnding(Option<Outcome>);

impl StepEnding {
    fn is_well(self) -> bool {
        matches!(self.0, Some(Outcome::Converged | Outcome::Already))
    }
}

/// A step that may go, with its ids.
pub(super) struct ReadyStep {
    pub planned: Planned,
    pub entry: ObjectEntry,
}

/// The order of the steps of one apply.
pub(super) struct StepOrder<'a> {
    pass: &'a Pass,
    settings: &'a Settings,
    /// The ends of the steps for which others wait.
    ends: BTreeMap<&'a Address, watch::Sender<Option<StepEnding>>>,
    /// `None` where no object refers to another.
    referents: Option<Mutex<Referents>>,
    /// The reads of the referents of a saved plan, each made once.
    reads: BTreeMap<&'a Address, OnceCell<()>>,
}

impl<'a> StepOrder<'a> {
    pub fn new(pass: &'a Pass, settings: &'a Settings) -> Self {
        let awaited = pass.planned.iter().flat_map(|one| &one.after);
        let awaited: BTreeSet<&Address> = awaited.collect();
        let planned = pass.planned.iter().map(|one| &one.desired.address);
        let planned = planned.filter(|address| awaited.contains(address));
        let unread = pass.referents.unread.keys();
        Self {
            pass,
            settings,
            ends: planned
                .map(|address| (address, watch::Sender::new(None)))
                .collect(),
            referents: pass.referents.known.clone().map(Mutex::new),
            reads: unread.map(|address| (address, OnceCell::new())).collect(),
        }
    }

    fn known(&self) -> Option<MutexGuard<'_, Referents>> {
        let referents = self.referents.as_ref()?;
        Some(referents.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the steps that wait for an object how its step ended.
    pub fn note_end(&self, report: &Report) {
        let address = &report.planned.desired.address;
        let Some(sender) = self.ends.get(address) else {
            return;
        };
        if let (Some(id), Some(mut known)) = (&report.id, self.known()) {
            known.create(address, id.clone());
        }
        // Nobody may be waiting any more.
        sender.send_replace(Some(StepEnding(report.outcome)));
    }

    /// Waits for the steps that come before. `Err` says which of them did not end well, so that nothing is sent.
    pub async fn wait(&self, planned: &Planned) -> Result<(), String> {
        for address in &planned.after {
            let Some(sender) = self.ends.get(address) else {
                return Err(format!(
                    "{address} comes before it and is not part of this run: nothing was sent"
                ));
            };
            let mut receiver = sender.subscribe();
            let ending = receiver.wait_for(Option::is_some).await;
            let ending = ending.ok().and_then(|ending| *ending);
            match ending {
                Some(ending) if ending.is_well() => {}
                Some(StepEnding(Some(outcome))) => {
                    let outcome = outcome.name();
                    return Err(format!(
                        "{address} comes before it and ended as {outcome}: nothing was sent"
                    ));
                }
                Some(StepEnding(None)) | None => {
                    return Err(format!(
                        "{address} comes before it and was not written: nothing was sent"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Returns the step of an object whose plan lacks an id, with that id. `None` for any other object; `Err` is the
    /// report of one that is not written.
    pub async fn complete(
        &self,
        planned: &Planned,
        entry: &ObjectEntry,
        rereads: &Rereads,
    ) -> Result<Option<ReadyStep>, Box<Report>> {
        let references = &planned.desired.references;
        if !references.are_open() && references.awaited().next().is_none() {
            return Ok(None);
        }
        let ended =
            |outcome, why: String| Box::new(Report::new(planned.clone(), Some(outcome), Some(why)));
        let manifest = references.manifest().unwrap_or(&planned.desired);
        let resolved = self.look_up(manifest, rereads).await;
        let resolved = resolved.map_err(|failure| ended(Outcome::Failed, failure.text))?;
        if let Some(lacking) = resolved.references.awaited().next() {
            let why = format!("{} is not there any more: plan again", lacking.referent);
            return Err(ended(Outcome::Stale, why));
        }
        if planned.after.is_empty() || planned.action == Disposition::Remove {
            // The plan shows the ids already.
            let entry = ObjectEntry {
                identity: resolved.ids(),
                ..entry.clone()
            };
            let planned = Planned {
                desired: resolved,
                ..planned.clone()
            };
            return Ok(Some(ReadyStep { planned, entry }));
        }
        let observed = match planned.action {
            Disposition::Create => Observed::Missing,
            _ => self.observe(&resolved, rereads).await,
        };
        if !self.pass.fresh {
            self.compare(manifest, &observed, entry)
                .map_err(|why| ended(Outcome::Stale, why))?;
        }
        let again = self.plan(&resolved, &observed);
        if !again.action.writes() {
            let outcome = match again.action {
                Disposition::None => Outcome::Already,
                _ => Outcome::Stale,
            };
            let message = again.message.clone();
            return Err(Box::new(Report::new(again, Some(outcome), message)));
        }
        let entry = ObjectEntry {
            after: entry.after.clone(),
            ..ObjectEntry::new(&again, &self.pass.document.source)
        };
        let planned = Planned {
            after: planned.after.clone(),
            ..again
        };
        Ok(Some(ReadyStep { planned, entry }))
    }

    /// Plans an object with its ids.
    fn plan(&self, object: &Arc<Desired>, observed: &Observed) -> Planned {
        let now = (self.settings.clock)();
        let account = self.pass.accounts.get(object.connection.as_str());
        let kind = account.map(|account| account.provider.kind_of(object));
        let kind = kind.or_else(|| provider::find_kind(object.address.kind.0));
        match kind {
            Some(kind) => plan::plan_object(kind, object, observed, now),
            None => unreachable!("{} was audited as a kind", object.address.kind),
        }
    }

    /// Returns what the plan was made from: what this run has read, or a read of now for a saved plan.
    async fn observe(&self, object: &Arc<Desired>, rereads: &Rereads) -> Observed {
        match self.pass.live.get(&object.address) {
            Some(live) => Observed::Live(live.clone()),
            None => {
                let left_out = || Observed::Unread("the vendor's reading came back empty".into());
                rereads.read(object).await.unwrap_or_else(left_out)
            }
        }
    }

    /// Compares the entry of a saved plan with what a plan of now shows in its place, both with ids that are awaited.
    fn compare(
        &self,
        manifest: &Arc<Desired>,
        observed: &Observed,
        entry: &ObjectEntry,
    ) -> Result<(), String> {
        let mut awaiting = self.known().map(|known| known.clone());
        let after: BTreeSet<&str> = entry.after.iter().map(String::as_str).collect();
        for reference in manifest.references.iter() {
            if after.contains(reference.referent.to_string().as_str())
                && let Some(awaiting) = &mut awaiting
            {
                awaiting.expect_creation(&reference.referent);
            }
        }
        let again = match awaiting.map(|awaiting| awaiting.look_up(manifest)) {
            Some(LookedUp::Resolved(awaited)) => {
                let mut again = self.plan(&awaited, observed);
                show_awaited(&mut again);
                again
            }
            Some(LookedUp::Blocked(_) | LookedUp::Open) | None => {
                return Err("its references cannot be followed: plan again".into());
            }
        };
        let shown = ObjectEntry::new(&again, &self.pass.document.source);
        let is_same = shown.fingerprint == entry.fingerprint
            && change_entries(&again) == entry.changes
            && shown.calls.len() == entry.calls.len()
            && shown
                .calls
                .iter()
                .zip(&entry.calls)
                .all(|(now, then)| now.is_same(then));
        match is_same {
            true => Ok(()),
            false => Err("what would be sent now is not what the plan shows: plan again".into()),
        }
    }

    /// Puts ids in place of the references of an object; those of a saved plan are read.
    fn look_up<'s>(
        &'s self,
        object: &'s Arc<Desired>,
        rereads: &'s Rereads,
    ) -> BoxFuture<'s, Result<Arc<Desired>, ReadFailure>> {
        async move {
            for reference in object.references.iter() {
                self.read(&reference.referent, rereads).await;
            }
            let looked_up = self.known().map(|known| known.look_up(object));
            match looked_up {
                Some(LookedUp::Resolved(resolved)) => Ok(resolved),
                Some(LookedUp::Blocked(failure)) => Err(failure),
                Some(LookedUp::Open) | None => {
                    Err("an object whose id it needs was not read".into())
                }
            }
        }
        .boxed()
    }

    /// Reads a referent of a saved plan, unless its id is known or it was read before.
    async fn read(&self, referent: &Address, rereads: &Rereads) {
        let object = self.pass.referents.unread.get(referent);
        let Some((object, cell)) = object.zip(self.reads.get(referent)) else {
            return;
        };
        let read = || async {
            let is_known = self.known().is_none_or(|known| known.knows(referent));
            if is_known {
                return;
            }
            let observed = match self.look_up(object, rereads).await {
                Ok(resolved) => rereads.read(&resolved).await,
                Err(failure) => Some(Observed::Unread(failure)),
            };
            if let (Some(observed), Some(mut known)) = (observed, self.known()) {
                known.note(object, &observed);
            }
        };
        cell.get_or_init(read).await;
    }
}
