//! The functional core: desired and live to changes, their risk, and at most one step per object, of one write or
//! several.
//!
//! Everything is an argument, the time included; nothing here sends, waits or prints. Data runs through `carry` (adds
//! the live values that must survive to the desired ones) → `diff` → `risk` → `step` → `check`, and `document` is the
//! plan as the JSON contract shows it.

pub mod base;
pub mod calendar;
mod canonical;
pub mod carry;
pub mod change;
mod change_entry;
pub mod check;
pub mod coming;
pub mod comparison;
pub mod dependencies;
pub mod descent;
pub mod diff;
pub mod document;
pub mod drift;
mod effect;
pub mod estimate;
pub mod field_descent;
pub mod field_json;
pub mod fingerprint;
pub mod guard;
pub mod left;
mod lifecycle;
pub mod look_alike;
pub mod mass_change;
pub mod max_changes;
pub mod movement;
pub mod order;
pub mod problem;
pub mod provenance;
pub mod refusal;
pub mod risk;
pub mod saved;
pub mod schedule;
pub mod source_facts;
pub mod spot;
pub mod step;
pub mod undo;
pub mod unplannable;
pub mod unseen;

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::field::sent_as_one;
use crate::model::live::{Facts, Resolved};
use crate::model::{
    Address, ConnectionFault, Desired, Diagnostic, Fields, Live, Observed, PathPart, PolicyMode,
    ReferenceSpot, WriteMode, WritePurpose,
};
use crate::provider::ResourceKind;
pub use change::{Change, ChangeVerb};
pub use refusal::Refusal;
use schedule::ScheduleEdit;
pub use step::Step;
use step::StepWrite;
pub use unplannable::Unplannable;

/// What is to be done about an object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
// The published schema has it by this name.
#[schemars(rename = "Action")]
pub enum Disposition {
    /// It is as the manifest wants it.
    None,
    Update,
    /// The vendor does not have it, and it may be created.
    Create,
    /// It is there, and the manifest says that it is to be gone.
    Remove,
    /// It differs, and its policy says to look only.
    Observe,
    /// Its policy says not even to look.
    Suspend,
    /// The vendor has no such object.
    Missing,
    /// It could not be read or planned.
    Error,
}

impl Disposition {
    /// Reports whether an apply sends a write for the object.
    pub fn writes(self) -> bool {
        matches!(self, Self::Update | Self::Create | Self::Remove)
    }
}

/// One object of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    pub desired: Arc<Desired>,
    pub action: Disposition,
    pub changes: Vec<Change>,
    /// Boxed, since most objects are in sync.
    pub step: Option<Box<Step>>,
    pub fingerprint: Option<String>,
    /// Why it could not be planned, or what is worth knowing beside the changes.
    pub message: Option<String>,
    /// Findings about its manifest that need the live object.
    pub findings: Vec<Diagnostic>,
    /// What names in the manifest stand for.
    pub resolved: Vec<Resolved>,
    /// The problem of its connection by which it could not be read.
    pub fault: Option<Box<ConnectionFault>>,
    /// The objects of the plan whose steps come before its own.
    pub after: Vec<Address>,
}

impl Planned {
    fn bare(desired: &Arc<Desired>, action: Disposition, message: Option<String>) -> Self {
        let desired = Arc::clone(desired);
        Self {
            desired,
            action,
            changes: Vec::new(),
            step: None,
            fingerprint: None,
            message,
            findings: Vec::new(),
            resolved: Vec::new(),
            fault: None,
            after: Vec::new(),
        }
    }
}

/// Plans one object.
pub fn plan_object(
    kind: &dyn ResourceKind,
    desired: &Arc<Desired>,
    observed: &Observed,
    now: Timestamp,
) -> Planned {
    if desired.policy.mode_at(now) == PolicyMode::Suspend {
        return Planned::bare(desired, Disposition::Suspend, desired.policy.reason.clone());
    }
    if desired.references.are_open() && !matches!(observed, Observed::Unread(_)) {
        // Nothing is planned with a reference that was not looked up, and so nothing is sent with one.
        let why = "an id that it refers to was not looked up";
        return Planned::bare(desired, Disposition::Error, Some(why.into()));
    }
    match observed {
        Observed::Live(live) if desired.policy.absent => {
            lifecycle::plan_removal(kind, desired, live, now)
        }
        Observed::Live(live) => plan_live(kind, desired, live, now),
        Observed::Missing | Observed::Creatable(_) if desired.policy.absent => {
            Planned::bare(desired, Disposition::None, None)
        }
        Observed::Missing if desired.policy.create => {
            lifecycle::plan_creation(kind, desired, &Facts::default(), now)
        }
        Observed::Creatable(facts) if desired.policy.create => {
            lifecycle::plan_creation(kind, desired, facts, now)
        }
        Observed::Missing | Observed::Creatable(_) => {
            let what = describe_missing(desired);
            let what = match lifecycle::advise_creation(kind.table(), desired) {
                Some(advice) => format!("{what}; {advice}"),
                None => what,
            };
            Planned::bare(desired, Disposition::Missing, Some(what))
        }
        Observed::Unread(failure) => Planned {
            fault: failure.fault.clone(),
            ..Planned::bare(desired, Disposition::Error, Some(failure.text.clone()))
        },
    }
}

fn plan_live(
    kind: &dyn ResourceKind,
    desired: &Arc<Desired>,
    read: &Live,
    now: Timestamp,
) -> Planned {
    let table = kind.table().desired;
    let live = &*unseen::fill_absent(table, &desired.policy, read);
    let notes = [
        carry::note_granted(table, desired, live),
        lifecycle::note_creation_fields(desired),
    ];
    let mut planned = Planned::bare(desired, Disposition::None, join_notes(notes));
    planned.resolved.clone_from(&live.resolved);
    let fingerprint = fingerprint::fingerprint_of(table, desired, live);
    planned.fingerprint = Some(schedule::with_schedule(fingerprint, desired, live));
    let desired_fields = carry::resolve_desired(desired, live);
    if let Err(not_shown) = unseen::refuse_unseen_lists(table, desired, &desired_fields, live) {
        planned.action = Disposition::Error;
        planned.message = Some(not_shown.to_string());
        return planned;
    }
    let next = carry::carry(table, desired, live);
    let idle = carry::without_effect(table, desired, live, &next);
    planned.findings = effect::warn_of_idle(table, desired, &idle);
    let changes = diff::diff(table, &next, live, now);
    if let Some(due) = schedule::find_due(desired, live, now).filter(|_| !changes.is_empty()) {
        let note = format!("the vendor's update of {due} is due, and not carried out yet");
        planned.message = join_notes([planned.message.take(), Some(note)]);
        return planned;
    }
    let scheduled = match schedule::plan_schedule(kind, desired, live, now) {
        Ok(scheduled) => scheduled,
        Err(error) => {
            planned.action = Disposition::Error;
            planned.message = Some(error.to_string());
            return planned;
        }
    };
    planned.findings.extend(scheduled.findings);
    if changes.is_empty() && scheduled.edits.is_empty() {
        return planned;
    }
    planned.message = join_notes([planned.message.take(), scheduled.note]);
    planned.message = join_notes([planned.message.take(), kind.note(live)]);
    if let Err(finding) = order::refuse_reversed(table, desired, live, &next) {
        planned.changes = changes;
        planned.action = Disposition::Error;
        planned.message = Some(finding.message.clone());
        planned.findings.push(*finding);
        return planned;
    }
    let ground = StepGround {
        desired,
        desired_fields: &desired_fields,
        read,
        live,
        next: &next,
    };
    let step = plan_step(kind, &ground, &changes, &scheduled.edits);
    let edits = scheduled.edits.into_iter().map(|edit| edit.change);
    planned.changes = changes.into_iter().chain(edits).collect();
    match step {
        Ok(step) if desired.policy.mode_at(now) == PolicyMode::Enforce => {
            planned.action = Disposition::Update;
            planned.step = Some(Box::new(step));
        }
        Ok(_) => planned.action = Disposition::Observe,
        Err(error) => {
            planned.action = Disposition::Error;
            planned.message = Some(error.to_string());
        }
    }
    planned
}

/// Joins what is worth knowing beside the changes; `None` if there is nothing.
fn join_notes(notes: [Option<String>; 2]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The states of an object that its writes are made from.
struct StepGround<'a> {
    desired: &'a Desired,
    /// The managed fields, with names resolved.
    desired_fields: &'a Fields,
    /// The object as it was read, and the same with what its policy takes for empty.
    read: &'a Live,
    live: &'a Live,
    /// The object as it should be.
    next: &'a Fields,
}

/// Makes the writes that carry out `changes`, checks each, and adds those of the schedule, whose changes follow.
fn plan_step(
    kind: &dyn ResourceKind,
    ground: &StepGround<'_>,
    changes: &[Change],
    edits: &[ScheduleEdit],
) -> Result<Step, Unplannable> {
    let table = kind.table();
    let StepGround { desired, live, .. } = *ground;
    for (index, call) in table.calls.iter().enumerate() {
        let of_call = |change: &&Change| table.call_of(&change.path) == index;
        let mut changed = changes.iter().filter(of_call).peekable();
        if changed.peek().is_none() {
            continue;
        }
        let fields = table.fields_of(index);
        let refuse = |fields, mode| {
            unseen::refuse_unseen(fields, mode, desired, ground.desired_fields, live)
        };
        refuse(fields, call.mode)?;
        for change in changed.filter(|_| call.mode == WriteMode::Merge) {
            if let Some(PathPart::Field(name)) = change.path.parts().first() {
                let together = sent_as_one(fields, name);
                if together.len() > 1 {
                    refuse(together, WriteMode::Overwrite)?;
                }
            }
        }
    }
    let mut step = step::make_step(kind, desired, live, ground.next, changes)?;
    for write in &step.writes {
        let WritePurpose::Update(index) = write.purpose else {
            continue;
        };
        // No field belongs to a call of one element: it has those of the list's call.
        let of_list = write.changes.first().and_then(|at| changes.get(*at));
        let owner = match (table.calls[index].mode, of_list) {
            (WriteMode::Element, Some(change)) => table.call_of(&change.path),
            _ => index,
        };
        let ground = check::Ground {
            table: table.fields_of(owner),
            mode: table.calls[index].mode,
            policy: &desired.policy,
            read: ground.read,
        };
        check::check_write(&ground, write, changes).map_err(Unplannable::BrokenRule)?;
    }
    let writes = edits.iter().zip(changes.len()..);
    step.writes.extend(writes.map(|(edit, index)| StepWrite {
        changes: vec![index],
        ..edit.write.clone()
    }));
    let edits = edits.iter().map(|edit| edit.change.clone());
    let all: Vec<Change> = changes.iter().cloned().chain(edits).collect();
    check::check_step(&step, &all).map_err(Unplannable::BrokenRule)?;
    Ok(step)
}

/// Says that the vendor has no such object: `licensespring has no code tc7`, or that it cannot be there yet, since what it
/// belongs to is still to be created.
fn describe_missing(desired: &Desired) -> String {
    let awaited = desired.references.awaited();
    let referents = awaited.filter(|reference| matches!(reference.spot, ReferenceSpot::Id(_)));
    let referents: Vec<String> = referents.map(|one| one.referent.to_string()).collect();
    if !referents.is_empty() {
        let referents = referents.join(" and ");
        return format!("it is not there: this plan creates {referents}, to which it belongs");
    }
    let ids = desired.identity.iter();
    let ids: Vec<String> = ids.map(|(name, id)| format!("{name} {id}")).collect();
    format!("{} has no {}", desired.vendor, ids.join(", "))
}
