//! Plans the inverse of a past run from the journal, with the same planner, guards and checks as any plan.
//!
//! The input is the writes of a run in the journal and today's manifests; the output is a [`Pass`] and a finding for
//! every change that is not taken back. Objects are found by account and identity, so renamed manifests and
//! connections do not matter. Today's policy applies: suspended and observed objects stay so, and ignored
//! fields are left alone. How one change is inverted is in `plan::undo`.
//!
//! Example: a run set `count` from 10 to 5. If 5 is live, the inverse sets 10. If 7 is live, it was changed
//! since, and the change is not taken back unless `--field count` names it.

mod objects;
mod past_write;
mod saved;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Accounts, Checked, Pass, PassReferents, ReadPass, Settings, plan_document, read_side_by_side,
};
use crate::apply::journal::{Intent, WholeObject};
use crate::model::{
    Address, Desired, Diagnostic, Diagnostics, Field, Observed, PathPattern, diagnostic::Source,
};
use crate::plan::coming::ComingChanges;
use crate::plan::document::ChangeEntry;
use crate::plan::provenance::{manifest_fields, manifest_fingerprint};
use crate::plan::undo::{self, NotUndone, Obstacle};
use crate::plan::{self, Planned};
use crate::provider;
pub use objects::unmanaged_object;
use objects::{bare_object, carried_as_live};
pub use past_write::{PastWrite, past_writes};
pub use take::Take;
use take::covers;

/// The plan of an inverse, and a finding for everything of the run that it does not take back.
pub struct Undone {
    pub pass: Pass,
    pub findings: Diagnostics,
    /// The manifests of its objects.
    manifests: BTreeMap<Address, Arc<Desired>>,
}

/// The reason why a run cannot be taken back at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    #[error("the run {run} carried out nothing that could be taken back")]
    NothingCarriedOut { run: String },
    /// `changed` lists some fields that the run changed.
    #[error("the run {run} did not change what --field names; it changed {changed}")]
    FieldNotChanged { run: String, changed: String },
}

/// The objects of an undo, before the first of them is read.
pub struct PreparedUndo {
    /// The objects without desired fields, in the order of their addresses.
    checked: Checked,
    intents: BTreeMap<Address, Intent>,
    manifests: BTreeMap<Address, Arc<Desired>>,
    findings: Diagnostics,
}

/// Prepares to take back what a run carried out on the objects of `writes`: makes an object without desired fields for
/// each write.
///
/// `Err` if there are no writes, or if a field is named that the run did not change.
pub fn prepare_undo(
    run: &str,
    writes: Vec<PastWrite>,
    take: &Take,
    mut checked: Checked,
) -> Result<PreparedUndo, UndoError> {
    if writes.is_empty() {
        let run = run.to_string();
        return Err(UndoError::NothingCarriedOut { run });
    }
    refuse_untouched(run, &writes, take)?;
    let mut work = UndoWork::new(run);
    for write in writes {
        work.add(write, take, &checked);
    }
    work.desired.sort_by(|a, b| a.address.cmp(&b.address));
    checked.restrict_to(work.desired);
    Ok(PreparedUndo {
        checked,
        intents: work.intents,
        manifests: work.manifests,
        findings: work.findings,
    })
}

impl PreparedUndo {
    /// Returns the manifests, reduced to the objects that are read.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// Plans the inverse: reads all objects, inverts the changes of each against its live values, and plans the result.
    /// Changes that cannot be taken back become findings.
    pub async fn plan(self, take: &Take, settings: &Settings, kept: &Accounts) -> Undone {
        let Self {
            checked,
            intents,
            manifests,
            mut findings,
        } = self;
        let read = read_side_by_side(&checked, settings, kept).await;
        let ReadPass {
            accounts,
            seen,
            referents,
        } = read;
        let now = (settings.clock)();
        let mut planned = Vec::new();
        let mut live = BTreeMap::new();
        for (object, seen) in &seen {
            let Some(intent) = intents.get(&object.address) else {
                continue;
            };
            let (one, gone) = invert_object(object, seen, intent, take, now);
            for lost in gone {
                findings.push(not_taken_back(&object.address.to_string(), &lost));
            }
            if let Observed::Live(seen) = seen {
                live.insert(object.address.clone(), seen.clone());
            }
            planned.extend(one);
        }
        let mut document = plan_document(&checked, &planned, &accounts, settings, now);
        for (planned, entry) in planned.iter().zip(&mut document.objects) {
            // Later stages need the fields of the manifest, not those that the undo brings back.
            let manifest = manifests.get(&planned.desired.address);
            entry.manifest_fingerprint =
                manifest.map(|it| manifest_fingerprint(it, &checked.source));
            entry.manifest_fields = manifest.map(|it| manifest_fields(it)).unwrap_or_default();
            // What the undo takes back may come again by date.
            entry.coming = manifest.map(|it| ComingChanges::of(it)).unwrap_or_default();
        }
        Undone {
            pass: Pass {
                planned,
                document,
                accounts,
                live,
                moved: BTreeMap::new(),
                standings: BTreeMap::new(),
                referents: PassReferents::read(referents),
                observed_at: now,
                fresh: true,
            },
            findings,
            manifests,
        }
    }
}

/// Returns an error if a field is named that the run did not change: that is a mistake and not an empty plan.
fn refuse_untouched(run: &str, writes: &[PastWrite], take: &Take) -> Result<(), UndoError> {
    let changes = || writes.iter().flat_map(|write| &write.intent.changes);
    let touched = |pattern: &PathPattern| {
        writes.iter().any(|write| {
            let table = table_of(write.intent.subject().kind);
            let mut changes = write.intent.changes.iter();
            changes.any(|change| covers(table, pattern, &change.path))
        })
    };
    if take.fields.iter().all(touched) {
        return Ok(());
    }
    let changed: BTreeSet<&str> = changes().map(|change| change.path.as_str()).collect();
    let some: Vec<&str> = changed.iter().copied().take(NAMED).collect();
    let more = if changed.len() > NAMED { ", …" } else { "" };
    Err(UndoError::FieldNotChanged {
        run: run.to_string(),
        changed: format!("{}{more}", some.join(", ")),
    })
}

/// Returns the field table of a kind; empty for an unknown one.
fn table_of(kind: &str) -> &'static [Field] {
    provider::find_kind(kind).map_or(&[][..], |kind| kind.table().desired)
}

/// The most fields that an error names.
const NAMED: usize = 10;

/// Makes the finding that a change is not taken back, with the flag that takes it back all the same, if there is
/// one.
fn not_taken_back(address: &str, lost: &NotUndone) -> Diagnostic {
    let finding = Diagnostic::warning(NOT_TAKEN_BACK, format!("{address}: {lost}"));
    match lost.why {
        Obstacle::ChangedSince { .. } => finding.hint(format!(
            "`--field '{}'` takes it back all the same",
            lost.path
        )),
        Obstacle::NotClearable | Obstacle::Other(_) => finding,
    }
}

const NOT_TAKEN_BACK: &str = "not-taken-back";
const NOT_IN_MANIFESTS: &str = "not-in-manifests";

/// Collects the objects of an undo before they are read.
struct UndoWork {
    /// The origin of objects without a manifest, named after the run.
    source: Arc<Source>,
    desired: Vec<Arc<Desired>>,
    /// The write that is taken back, by object.
    intents: BTreeMap<Address, Intent>,
    manifests: BTreeMap<Address, Arc<Desired>>,
    findings: Diagnostics,
}

impl UndoWork {
    fn new(run: &str) -> Self {
        let name = format!("run {}", run.get(..13).unwrap_or(run));
        Self {
            source: Arc::new(Source::new(name, String::new())),
            desired: Vec::new(),
            intents: BTreeMap::new(),
            manifests: BTreeMap::new(),
            findings: Diagnostics::default(),
        }
    }

    /// Adds the object of one write, or a finding that says why it is left.
    ///
    /// In this order: objects outside a saved plan are passed over; uncertain writes are left; objects without a
    /// manifest are taken with `--include-unmanaged` only.
    fn add(&mut self, write: PastWrite, take: &Take, checked: &Checked) {
        let address = write.address();
        if take
            .shown
            .as_ref()
            .is_some_and(|shown| !shown.contains_key(&address))
        {
            return;
        }
        if !write.is_certain {
            let why = "whether the run carried out its write is not known";
            let hint = "look at the object; an apply of its manifest settles it";
            self.leave(NOT_TAKEN_BACK, &format!("{address}: {why}"), Some(hint));
            return;
        }
        let PastWrite {
            intent, manifest, ..
        } = write;
        if let Some(whole) = intent.whole {
            let (why, hint) = match whole {
                WholeObject::Created => (
                    "the run created it, and an undo removes nothing",
                    "`state: absent` in its manifest removes it, where the vendor can",
                ),
                WholeObject::Removed => (
                    "the run removed it, and what went with it cannot be brought back",
                    "an apply of a manifest with `create: true` makes a new one",
                ),
            };
            self.leave(NOT_TAKEN_BACK, &format!("{address}: {why}"), Some(hint));
            return;
        }
        let object = match manifest {
            Some(manifest) => {
                let object = bare_object(&manifest, &intent);
                self.manifests.insert(object.address.clone(), manifest);
                Ok(object)
            }
            None if take.takes_unmanaged(&address) => {
                unmanaged_object(&intent, checked, &self.source)
            }
            // The saved plan names it.
            None if take.shown.is_some() => return,
            None => {
                let what = format!("{address}: no manifest names it any more, so it is left");
                let hint = "--include-unmanaged takes it back";
                self.leave(NOT_IN_MANIFESTS, &what, Some(hint));
                return;
            }
        };
        match object {
            Ok(object) => {
                self.intents.insert(object.address.clone(), intent);
                self.desired.push(Arc::new(object));
            }
            Err(why) => self.leave(NOT_TAKEN_BACK, &format!("{address}: {why}"), None),
        }
    }

    /// Adds the finding that an object is left.
    fn leave(&mut self, code: &'static str, what: &str, hint: Option<&str>) {
        let finding = Diagnostic::warning(code, what);
        self.findings.push(match hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        });
    }
}

/// Plans one object back. Returns its plan, and the changes that are not taken back.
///
/// A change that cannot be cleared is no loss if the plan removes the field anyway, together with the type that
/// gave it a meaning, or if the policy ignores the field.
fn invert_object(
    object: &Arc<Desired>,
    seen: &Observed,
    intent: &Intent,
    take: &Take,
    now: Timestamp,
) -> (Option<Planned>, Vec<NotUndone>) {
    let Some(kind) = provider::find_kind(object.address.kind.0) else {
        return (None, Vec::new());
    };
    let Observed::Live(live) = seen else {
        return (Some(plan::plan_object(kind, object, seen, now)), Vec::new());
    };
    let table = kind.table().desired;
    let changes: Vec<ChangeEntry> = intent
        .changes
        .iter()
        .filter(|change| take.names(table, &object.address, &change.path))
        .cloned()
        .collect();
    let changed_too = !take.fields.is_empty() || take.shown.is_some();
    let inverse = undo::invert_changes(table, &changes, live, changed_too);
    let mut desired = Desired::clone(object);
    desired.fields.extend(carried_as_live(table, &live.fields));
    desired.fields.extend(inverse.fields);
    // An inverse has complete lists, because they are made from the live ones.
    if !desired.policy.keep_unlisted.is_empty() {
        desired.policy.keep_unlisted.clear();
    }
    let planned = plan::plan_object(kind, &Arc::new(desired), seen, now);
    let mut lost = inverse.lost;
    let policy = &object.policy;
    lost.retain(|lost| {
        let goes = planned.changes.iter();
        let mut goes = goes.filter(|change| change.after.is_none());
        let meaningless = lost.why == Obstacle::NotClearable
            && goes.any(|change| change.path.to_string() == lost.path);
        let ignored = policy
            .left_alone()
            .any(|pattern| covers(table, pattern, &lost.path));
        !meaningless && !ignored
    });
    (Some(planned), lost)
}
