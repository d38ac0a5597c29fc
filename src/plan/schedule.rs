//! Keeps the vendor's schedule of an object in step with its dated changes.
//!
//! In: an object whose coming states are at the vendor, and live with the updates that the vendor has. Out: changes that
//! stand in the plan like any other, each with the write that carries it out. Only updates of ours are changed.
//!
//! An update is matched by its hour. What is left on both sides is matched in the order of time, so that a change whose date
//! moves keeps its update:
//!
//! ```text
//! manifest   July: 40   October: 60              vendor   July: 30   August: 60
//! plan       reschedule July: 30 → 40            the same hour, another value
//!            reschedule August → October         the same values, another hour
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};

use super::change::{Change, ChangeVerb};
use super::diff::diff;
use super::fingerprint;
use super::risk::UNSEEN;
use super::step::StepWrite;
use super::unplannable::Unplannable;
use super::{Disposition, Planned};
use crate::manifest;
use crate::model::diagnostic::Source;
use crate::model::schedule::{
    LiveSchedule, LiveUpdate, ScheduleWrite, ScheduledChange, ScheduledUpdate, UpdateState,
};
use crate::model::{
    Desired, Diagnostic, ElementKey, Field, FieldPath, Fields, Live, Origin, Risk, Text,
    WritePurpose, same_json,
};
use crate::provider::ResourceKind;
use crate::provider::schedule::{Scheduler, Unschedulable};

/// The list of updates in the paths of plans.
pub const UPDATES: &str = "scheduled_updates";

/// Reports whether a path of a plan is that of an update.
pub fn is_of_update(path: &str) -> bool {
    path.strip_prefix(UPDATES)
        .is_some_and(|rest| rest.starts_with('['))
}

/// How long a vendor is given to carry out an update that is due, before its changes are drift like any other.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// An update as the manifest has it.
struct DesiredUpdate {
    update: ScheduledUpdate,
    risk: Risk,
    /// What changes: `max_activations 25 → 40`.
    words: String,
    origin: Origin,
}

/// A change of the schedule, with the write that carries it out.
#[derive(Clone, Debug)]
pub struct ScheduleEdit {
    pub change: Change,
    pub write: StepWrite,
}

/// What the schedule of an object asks for.
#[derive(Default)]
pub struct SchedulePlan {
    pub edits: Vec<ScheduleEdit>,
    pub findings: Vec<Diagnostic>,
    /// What is worth knowing beside the changes.
    pub note: Option<String>,
}

/// Returns the updates to which an object's coming states lead; none if they are not at the vendor.
fn list_desired(kind: &dyn ResourceKind, desired: &Desired, live: &Live) -> Vec<DesiredUpdate> {
    let desired = desired.manifest_form();
    let table = kind.table().desired;
    let before = [&desired.fields].into_iter();
    let before = before.chain(desired.coming.iter().map(|state| &state.fields));
    let states = desired.coming.iter().zip(before);
    let updates = states.map(|(state, before)| {
        let after = state.fields.unpack();
        let before = Live {
            fields: before.unpack(),
            facts: live.facts.clone(),
            ..Live::default()
        };
        let mut changes = diff(table, &after, &before, state.from);
        for change in &mut changes {
            if change.note.as_deref() == Some(UNSEEN) {
                (change.risk, change.note) = (Risk::Safe, None);
            }
        }
        let words: Vec<String> = changes.iter().map(describe).collect();
        DesiredUpdate {
            risk: changes
                .iter()
                .map(|change| change.risk)
                .max()
                .unwrap_or_default(),
            words: words.join("; "),
            origin: state.origin.clone(),
            update: ScheduledUpdate {
                at: state.from,
                changes: with_partners(table, &after, &changes),
            },
        }
    });
    updates.collect()
}

/// Describes one change: `max_activations 25 → 40`, with what is known of its risk.
fn describe(change: &Change) -> String {
    let value = |value: &Option<Json>| value.as_ref().map_or("none".into(), Json::to_string);
    let (path, before, after) = (&change.path, value(&change.before), value(&change.after));
    let words = match change.verb {
        ChangeVerb::Add => format!("{path} {after}"),
        ChangeVerb::Replace => format!("{path} {before} → {after}"),
        ChangeVerb::Remove => format!("{path} is removed"),
    };
    match &change.note {
        Some(note) => format!("{words} ({note})"),
        None => words,
    }
}

/// Returns changes as an update has them, with the fields that a vendor wants beside them as far as the manifest has them.
fn with_partners(
    table: &'static [Field],
    after: &Fields,
    changes: &[Change],
) -> Vec<ScheduledChange> {
    let mut all: Vec<ScheduledChange> = changes
        .iter()
        .map(|change| ScheduledChange {
            path: change.path.clone(),
            to: match change.verb {
                ChangeVerb::Remove => None,
                ChangeVerb::Add | ChangeVerb::Replace => {
                    Some(change.after.clone().unwrap_or_default())
                }
            },
        })
        .collect();
    for field in table {
        let path = FieldPath::default().field(field.name);
        let is_partner = table.iter().any(|other| {
            let path = FieldPath::default().field(other.name);
            other.sent_with == Some(field.name) && all.iter().any(|change| change.path == path)
        });
        let is_there = all.iter().any(|change| change.path == path);
        if let (true, false, Some(value)) = (is_partner, is_there, after.get(field.name)) {
            let to = Some(field.shape.json(value));
            all.push(ScheduledChange { path, to });
        }
    }
    all
}

/// Lists the changes of coming states that the vendor cannot carry out, each with the place of its moment.
pub fn find_unschedulable(
    kind: &dyn ResourceKind,
    desired: &Desired,
) -> Vec<(FieldPath, Timestamp, Origin, Unschedulable)> {
    let Some(scheduler) = kind.scheduler().filter(|_| desired.coming.are_at_vendor()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for DesiredUpdate { update, origin, .. } in list_desired(kind, desired, &Live::default()) {
        let mut refuse = |path: &FieldPath, why| {
            found.push((path.clone(), update.at, origin.clone(), why));
        };
        for change in &update.changes {
            if let Some(why) = scheduler.refuse(change) {
                refuse(&change.path, why);
            }
        }
        if let (Some(why), Some(first)) = (scheduler.exceeds_limit(&update), update.changes.first())
        {
            refuse(&first.path, why);
        }
    }
    found
}

/// Returns since when the vendor should have carried out an update of ours, if it may still be about to.
pub fn find_due(desired: &Desired, live: &Live, now: Timestamp) -> Option<Timestamp> {
    let schedule = live.schedule.as_ref();
    let schedule = schedule.filter(|_| desired.coming.are_at_vendor())?;
    let due = schedule.updates.iter().filter(|update| {
        let is_due = update.at <= now && now.duration_since(update.at) < PATIENCE;
        update.is_ours && update.is_pending() && is_due
    });
    due.map(|update| update.at).max()
}

/// Compares the vendor's schedule of an object with its coming states. `Err` if an update of somebody else's is in the way.
pub fn plan_schedule(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    now: Timestamp,
) -> Result<SchedulePlan, Unplannable> {
    let scheduler = kind.scheduler().filter(|_| desired.coming.are_at_vendor());
    let (Some(scheduler), Some(schedule)) = (scheduler, live.schedule.as_deref()) else {
        return Ok(SchedulePlan::default());
    };
    let updates = list_desired(kind, desired, live);
    let mut planner = SchedulePlanner {
        scheduler,
        desired,
        schedule,
        plan: SchedulePlan::default(),
        notes: list_notes(desired, schedule, now),
    };
    planner.match_updates(updates, now)?;
    let SchedulePlanner {
        mut plan, notes, ..
    } = planner;
    plan.note = (!notes.is_empty()).then(|| notes.join("; "));
    plan.findings.extend(find_foreign(desired, schedule, now));
    Ok(plan)
}

struct SchedulePlanner<'a> {
    scheduler: &'static dyn Scheduler,
    desired: &'a Desired,
    schedule: &'a LiveSchedule,
    plan: SchedulePlan,
    notes: Vec<String>,
}

impl SchedulePlanner<'_> {
    /// Matches the updates of the manifest with those of the vendor, and plans what differs.
    fn match_updates(
        &mut self,
        updates: Vec<DesiredUpdate>,
        now: Timestamp,
    ) -> Result<(), Unplannable> {
        let ours = self.schedule.updates.iter();
        let ours = ours.filter(|update| update.is_ours && update.at > now);
        let mut ours: BTreeMap<Timestamp, &LiveUpdate> =
            ours.map(|update| (update.at, update)).collect();
        let mut left = Vec::new();
        for update in updates {
            match ours.remove(&update.update.at) {
                Some(there) => self.compare(&update, there),
                None => left.push(update),
            }
        }
        // One that failed before its hour cannot be cancelled, and does nothing.
        let mut spare = ours.into_values().filter(|there| there.is_pending());
        for update in left {
            self.refuse_taken_hour(update.update.at)?;
            match spare.next() {
                Some(there) => self.replace(&update, there),
                None => self.create(&update),
            };
        }
        spare.for_each(|there| self.cancel(there));
        Ok(())
    }

    /// A second update of one hour would be merged into the one that is there.
    fn refuse_taken_hour(&self, at: Timestamp) -> Result<(), Unplannable> {
        let mut others = self.schedule.updates.iter();
        let other = others.find(|other| !other.is_ours && other.is_pending() && other.at == at);
        match other {
            Some(other) => Err(Unplannable::HourTaken {
                at,
                id: other.id.to_string(),
                name: other.name.clone(),
            }),
            None => Ok(()),
        }
    }

    fn compare(&mut self, update: &DesiredUpdate, there: &LiveUpdate) {
        let is_same = same_json(&json!(update.update.values()), &json!(there.values));
        let is_replaced = !(is_same && there.is_pending()) && self.replace(update, there);
        if let (
            UpdateState::Pending {
                predicted: Some(words),
            },
            false,
        ) = (&there.state, is_replaced)
        {
            let message = format!(
                "the vendor foresees that its update of {} for {} fails: {words}",
                there.at, self.desired.address
            );
            let finding = Diagnostic::warning("update-will-fail", message)
                .at(&with_text(&update.origin), update.origin.mark);
            self.plan.findings.push(finding);
        }
    }

    fn create(&mut self, update: &DesiredUpdate) -> bool {
        let after = Some(shown(&update.update));
        let note = format!("scheduled at the vendor: {}", update.words);
        let change = change(update.update.at, (None, after), update.risk, note);
        self.push(change, &ScheduleWrite::Create(update.update.clone()))
    }

    /// Gives an update of ours another hour or other values. Returns whether that can be done by now.
    fn replace(&mut self, update: &DesiredUpdate, there: &LiveUpdate) -> bool {
        let moved = match there.at == update.update.at {
            true => "rescheduled".to_string(),
            false => format!("rescheduled from {}", there.at),
        };
        let failed = match &there.state {
            UpdateState::Failed(words) => format!(", since it failed: {words}"),
            UpdateState::Pending { .. } => String::new(),
        };
        let note = format!("{moved} at the vendor{failed}: {}", update.words);
        let values = (Some(shown_live(there)), Some(shown(&update.update)));
        let change = change(update.update.at, values, update.risk, note);
        let write = ScheduleWrite::Replace(there.id.clone(), update.update.clone());
        self.push(change, &write)
    }

    fn cancel(&mut self, there: &LiveUpdate) {
        let note = "cancelled at the vendor: the manifest has it no more";
        let values = (Some(shown_live(there)), None);
        let change = change(there.at, values, Risk::Safe, note.into());
        self.push(change, &ScheduleWrite::Cancel(there.id.clone()));
    }

    /// Adds a change with its write. What cannot be spelled yet is left for a later run, and the result is false.
    fn push(&mut self, change: Change, write: &ScheduleWrite) -> bool {
        match self.scheduler.encode(self.desired, self.schedule, write) {
            Ok(call) => {
                let write = StepWrite {
                    purpose: WritePurpose::Schedule,
                    call,
                    sent: Fields::new(),
                    changes: Vec::new(),
                };
                self.plan.edits.push(ScheduleEdit { change, write });
                true
            }
            Err(not_there) => {
                let note = format!("{} is scheduled once it can be: {not_there}", change.path);
                self.notes.push(note);
                false
            }
        }
    }
}

/// Makes the change of an update: an addition, a replacement or a removal, by which of the values there are.
fn change(
    at: Timestamp,
    (before, after): (Option<Json>, Option<Json>),
    risk: Risk,
    note: String,
) -> Change {
    let key = ElementKey::new(vec![Text::from(at.to_string())], false);
    Change {
        path: FieldPath::default().field(UPDATES).element(key),
        verb: match (&before, &after) {
            (None, _) => ChangeVerb::Add,
            (Some(_), Some(_)) => ChangeVerb::Replace,
            (Some(_), None) => ChangeVerb::Remove,
        },
        before,
        after,
        risk,
        note: Some(note),
        users: None,
    }
}

/// Returns an update as plans show it: its hour, and the new values by path.
fn shown(update: &ScheduledUpdate) -> Json {
    shown_values(update.at, update.values())
}

fn shown_live(update: &LiveUpdate) -> Json {
    shown_values(update.at, update.values.clone())
}

fn shown_values(at: Timestamp, values: BTreeMap<String, Json>) -> Json {
    let mut all: Map<String, Json> = [("at".to_string(), json!(at.to_string()))]
        .into_iter()
        .collect();
    all.extend(values);
    Json::Object(all)
}

/// Lists what became of updates of ours whose hour has passed.
fn list_notes(desired: &Desired, schedule: &LiveSchedule, now: Timestamp) -> Vec<String> {
    let past = schedule.updates.iter();
    let past = past.filter(|update| update.is_ours && update.at <= now);
    // Of several that failed the last counts: what earlier ones asked for has been replaced since.
    let last = past.max_by_key(|update| update.at);
    let words = last.map(|update| {
        let at = update.at;
        match &update.state {
            UpdateState::Failed(words) => {
                format!("the vendor's update of {at} failed: {words}")
            }
            UpdateState::Pending { .. } => format!(
                "the vendor did not carry out the update of {at} of {}",
                desired.address
            ),
        }
    });
    words.into_iter().collect()
}

/// Warns of pending updates of others that touch fields of the manifest.
fn find_foreign(desired: &Desired, schedule: &LiveSchedule, now: Timestamp) -> Vec<Diagnostic> {
    let coming = desired.coming.iter();
    let managed = |path: &str| {
        let name = path.split(['[', '.']).next().unwrap_or_default();
        let mut states = coming.clone();
        desired.fields.contains_key(name) || states.any(|state| state.fields.contains_key(name))
    };
    let others = schedule.updates.iter();
    let others = others.filter(|other| !other.is_ours && other.is_pending() && other.at > now);
    let found = others.filter_map(|other| {
        let paths: Vec<&str> = { other.values.keys() }
            .map(String::as_str)
            .filter(|path| managed(path))
            .collect();
        (!paths.is_empty()).then(|| {
            let message = format!(
                "update {} of {}, which somebody else scheduled for {}, changes {}",
                other.id,
                other.at,
                desired.address,
                paths.join(", ")
            );
            Diagnostic::warning("foreign-update", message)
                .at(&with_text(&desired.origin), desired.origin.mark)
        })
    });
    found.collect()
}

/// Warns where the vendor's schedule of an object is not as its manifest asks for: somebody cancelled or changed an update of
/// ours, or the manifest changed and was not applied yet.
pub fn warn_of_differences(
    kind: &dyn ResourceKind,
    desired: &Desired,
    live: &Live,
    now: Timestamp,
) -> Vec<Diagnostic> {
    let Ok(plan) = plan_schedule(kind, desired, live, now) else {
        return Vec::new();
    };
    let differences = plan.edits.iter().map(|edit| {
        let (path, address) = (&edit.change.path, &desired.address);
        let what = match edit.change.verb {
            ChangeVerb::Add => "is not there",
            ChangeVerb::Replace => "is another one",
            ChangeVerb::Remove => "is there, and the manifest has it no more",
        };
        let message = format!("{path} of {address} {what} at the vendor");
        Diagnostic::warning("schedule-differs", message)
            .at(&with_text(&desired.origin), desired.origin.mark)
            .hint("an apply puts it right")
    });
    differences.chain(plan.findings.iter().cloned()).collect()
}

/// Returns the file of an origin with its text, so that a finding can show the line.
fn with_text(origin: &Origin) -> Arc<Source> {
    manifest::reread(&origin.source).unwrap_or_else(|| Arc::clone(&origin.source))
}

/// Adds the vendor's schedule to a fingerprint, so that a plan is stale once somebody changes it.
pub fn with_schedule(fingerprint: String, desired: &Desired, live: &Live) -> String {
    let schedule = live.schedule.as_ref();
    let Some(schedule) = schedule.filter(|_| desired.coming.are_at_vendor()) else {
        return fingerprint;
    };
    let updates = schedule.updates.iter();
    let updates: Vec<Json> = updates
        .map(|update| json!([update.id, shown_live(update), update.is_pending()]))
        .collect();
    fingerprint::json_digest(&json!([fingerprint, updates]))
}

/// Takes out of a second plan the updates that the first one could not schedule yet, with their writes. Returns whether
/// there were none.
pub fn keep_planned(first: &Planned, second: &mut Planned) -> bool {
    let is_new = |change: &Change| {
        is_of_update(&change.path.to_string())
            && change.verb == ChangeVerb::Add
            && !first.changes.iter().any(|known| known.path == change.path)
    };
    let kept: Vec<usize> = (0..second.changes.len())
        .filter(|index| !is_new(&second.changes[*index]))
        .collect();
    if kept.len() == second.changes.len() {
        return true;
    }
    let position = |index: &usize| kept.iter().position(|kept| kept == index);
    if let Some(step) = &mut second.step {
        for write in &mut step.writes {
            write.changes = write.changes.iter().filter_map(position).collect();
        }
        step.writes.retain(|write| !write.changes.is_empty());
    }
    second.changes = kept
        .iter()
        .map(|index| second.changes[*index].clone())
        .collect();
    if second.changes.is_empty() {
        (second.action, second.step) = (Disposition::None, None);
    }
    false
}
