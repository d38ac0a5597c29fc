//! Makes an object whole at each moment at which it changes: what it is now, and what it comes to be.
//!
//! Every state is checked, also those that have passed, so that a mistake in a change for July is found in March, and the
//! findings are the same on every day.
//!
//! ```text
//! desired             seats: 25                            ── state 0, before every change
//! from 2027-07-01     seats: 40                            ── state 1
//! from 2027-10-01     features: [{name: Reports}]          ── state 2: 40 seats, with Reports
//! read on 2027-08-15  the object is state 1, and state 2 comes
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::contents::ObjectContent;
use super::open_draft::{ComposedState, OpenDraft};
use crate::manifest::compose::{
    ChangeMoment, Layers, NOTHING_TO_TAKE_OUT, real_origin, refuse_same_moments,
};
use crate::model::dated::{Moment, ReadingTime};
use crate::model::resource::{ComingState, ComingStates};
use crate::model::schedule::full_hour_from;
use crate::model::{Desired, Diagnostic, Diagnostics, Origin};
use crate::plan::schedule::find_unschedulable;
use crate::provider;
use crate::provider::audit::find_mark;

/// Makes one object whole as it is at a time, with the states that lie ahead, and checks all of its states.
pub(super) fn compose_over_time(
    layers: Layers<'_>,
    open: &OpenDraft<'_>,
    time: &ReadingTime,
) -> (ObjectContent, Diagnostics) {
    let draft = open.draft;
    let mut moments = layers.editions.moments_of(draft, &time.zone);
    let at_vendor = draft.policy.schedule.is_some();
    if at_vendor {
        moments.iter_mut().for_each(wait_for_full_hour);
    }
    if moments.is_empty() {
        let ComposedState {
            content, findings, ..
        } = open.compose(layers, time);
        return (content, findings);
    }
    let mut findings = Diagnostics::default();
    let source = &draft.origin.source;
    let mut found = Diagnostics::default();
    let is_in_order = refuse_same_moments(&draft.changes, source, &time.zone, &mut found);
    findings.extend(open.trace.locate(found, &real_origin(draft, &open.trace)));
    let times = [Timestamp::MIN].into_iter();
    let times = times.chain(moments.iter().map(|moment| moment.from));
    let states: Vec<ComposedState> = times
        .map(|from| open.compose(layers, &time.moved_to(from)))
        .collect();
    let at = time.instant();
    let begun = moments.partition_point(|moment| moment.from <= at);
    let mut content = match is_in_order {
        true => join_states(&states, begun, &moments),
        false => ObjectContent::Invalid,
    };
    findings.extend(merge_findings(states));
    if at_vendor && let ObjectContent::Desired(object) = &mut content {
        // A run for another time shows what is then, when the vendor has done its part.
        let ahead = object.coming.iter().cloned().collect();
        Arc::make_mut(object).coming = match time.is_named {
            true => ComingStates::new(ahead),
            false => ComingStates::at_vendor(ahead),
        };
        let refused = refuse_unschedulable(object, open, time);
        if refused.has_errors() {
            content = ObjectContent::Invalid;
        }
        findings.extend(refused);
    }
    (content, findings)
}

/// Moves a change that a vendor carries out to the next full hour, never before its moment.
fn wait_for_full_hour(moment: &mut ChangeMoment) {
    let hour = full_hour_from(moment.from);
    if hour != moment.from {
        (moment.from, moment.written) = (hour, Moment::Instant(hour));
    }
}

/// Reports changes that lie ahead and that the vendor cannot carry out, at their lines where they stand in the object.
fn refuse_unschedulable(object: &Desired, open: &OpenDraft<'_>, time: &ReadingTime) -> Diagnostics {
    let mut findings = Diagnostics::default();
    let Some(kind) = provider::find_kind(object.address.kind.0) else {
        return findings;
    };
    let table = kind.table();
    for (path, at, origin, why) in find_unschedulable(kind, object) {
        let message = format!(
            "{} cannot change `{path}` by itself at {at}: {why}",
            table.vendor
        );
        let finding = Diagnostic::error("unschedulable-change", message)
            .hint("leave it out of this change, or leave `policy.schedule` out");
        let changes = open.draft.changes.iter();
        let mut marks = changes
            .filter(|change| full_hour_from(change.from.in_zone(&time.zone)) == at)
            .filter_map(|change| find_mark(table.desired, &change.desired, &path.to_string()));
        let here = marks.next().map(|mark| {
            let mut found = Diagnostics::default();
            found.push(Diagnostic::clone(&finding).at(&open.draft.origin.source, mark));
            open.trace
                .locate(found, &real_origin(open.draft, &open.trace))
        });
        match here {
            Some(found) => findings.extend(found),
            None => findings.push(finding.at(&origin.source, origin.mark)),
        }
    }
    findings
}

/// Returns the state in force, number `begun`, with those behind it. Invalid if one of the states is, since every one is
/// of the same manifest.
fn join_states(states: &[ComposedState], begun: usize, moments: &[ChangeMoment]) -> ObjectContent {
    let all = states.iter().map(|state| state.content.desired());
    let Some(all) = all.collect::<Option<Vec<_>>>() else {
        return ObjectContent::Invalid;
    };
    let mut object = Arc::clone(all[begun]);
    let mut coming: Vec<ComingState> = Vec::new();
    // An object that is to be gone comes to be nothing else.
    let ahead = match object.policy.absent {
        true => &[],
        false => &moments[begun..],
    };
    for (state, moment) in all[begun + 1..].iter().zip(ahead) {
        let before = coming.last().map_or(&object.fields, |last| &last.fields);
        if *before != state.fields {
            coming.push(ComingState {
                from: moment.from,
                written: moment.written,
                origin: moment.origin.clone(),
                fields: state.fields.clone(),
                references: state.references.clone(),
            });
        }
    }
    Arc::make_mut(&mut object).coming = ComingStates::new(coming);
    ObjectContent::Desired(object)
}

/// Returns the findings of all states, each once. That an element takes nothing out is none if it does in some state.
fn merge_findings(states: Vec<ComposedState>) -> Diagnostics {
    let spot = |origin: &Origin| (origin.source.name.clone(), origin.mark);
    let taken_out = states.iter().flat_map(|state| &state.taken_out);
    let taken_out: BTreeSet<_> = taken_out.map(spot).collect();
    let mut seen = BTreeSet::new();
    let mut merged = Diagnostics::default();
    for state in states {
        for finding in state.findings.iter() {
            let at = finding.origin.as_ref().map(spot);
            let is_idle = finding.code == NOTHING_TO_TAKE_OUT;
            let is_used = is_idle && at.as_ref().is_some_and(|at| taken_out.contains(at));
            if !is_used && seen.insert((finding.code, finding.message.clone(), at)) {
                merged.push(Diagnostic::clone(finding));
            }
        }
    }
    merged
}
