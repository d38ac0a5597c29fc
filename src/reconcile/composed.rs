//! Makes objects whole that have an edition or dated changes: composes them, and checks them as any other.
//!
//! What an object desires then depends on several files and on the time, so it is no part of the contents of one. It is made anew each time
//! the files of a run are settled, also by a daemon, of which only one file has changed.

use std::sync::Arc;

use super::contents::{LoadedObject, ObjectContent};
use super::dated::compose_over_time;
use super::load::audit_draft;
use crate::manifest::compose::{Composed, Editions, Trace, known_trees, refuse_same_moments};
use crate::manifest::{Declarations, map_parallel};
use crate::model::dated::ReadingTime;
use crate::model::draft::Draft;
use crate::model::{Diagnostics, Mark, Origin};
use crate::provider::{self, audit};

/// Checks the editions of a run, and makes the objects whole that are composed, as they are at a time.
pub fn compose_objects(
    declarations: &mut Declarations,
    objects: &mut [LoadedObject],
    time: &ReadingTime,
    findings: &mut Diagnostics,
) {
    let editions = std::mem::take(&mut declarations.editions);
    let broken = std::mem::take(&mut declarations.broken_editions);
    let editions = check_editions(Editions::new(editions, broken, findings), time, findings);
    let drafts: Vec<Option<Arc<Draft>>> = objects.iter().map(|one| one.draft.clone()).collect();
    let composed = map_parallel(&drafts, |draft| {
        let draft = draft.as_deref()?;
        Some(compose_over_time(&editions, draft, time))
    });
    for (object, composed) in objects.iter_mut().zip(composed) {
        if let Some((content, found)) = composed {
            object.content = content;
            findings.extend(found);
        }
    }
}

/// Checks the fields of each edition by the table of its kind. Those with a fault are reported
/// once, and the objects that have them come out invalid without a finding of their own.
fn check_editions(
    mut editions: Editions,
    time: &ReadingTime,
    findings: &mut Diagnostics,
) -> Editions {
    let names: Vec<String> = editions.iter().map(|one| one.name.clone()).collect();
    for name in names {
        let Some(chain) = editions.chain(&name) else {
            continue;
        };
        let edition = chain.last();
        let kind = edition.and_then(|edition| provider::find_kind(edition.row.kind.0));
        let Some((edition, kind)) = edition.zip(kind) else {
            continue;
        };
        let mut found = Diagnostics::default();
        let source = &edition.origin.source;
        refuse_same_moments(&edition.changes, source, &time.zone, &mut found);
        for tree in known_trees(&chain) {
            found.extend(audit::audit_fields(kind, &tree, &edition.origin));
        }
        let is_broken = found.has_errors();
        findings.extend(found);
        if is_broken {
            editions.refuse(&name);
        }
    }
    editions
}

/// Returns the place of a node in the file of the object: its own, or that of the edition which brings it.
fn place_in_object(draft: &Draft, trace: &Trace, mark: Mark) -> Mark {
    let origin = trace.origin_of(mark);
    let here = origin.filter(|origin| origin.source.name == draft.origin.source.name);
    let edition = draft.edition.as_ref().map(|edition| edition.mark);
    let mark = here.map(|origin| origin.mark).or(edition);
    mark.unwrap_or(draft.origin.mark)
}

/// An object as it is at one time.
pub(super) struct ComposedState {
    pub content: ObjectContent,
    pub findings: Diagnostics,
    /// The places of elements that took one out.
    pub taken_out: Vec<Origin>,
}

/// Makes one object whole as it is at a time, and checks it. Its findings are at the places where the values were written.
pub(super) fn compose(editions: &Editions, draft: &Draft, time: &ReadingTime) -> ComposedState {
    let mut findings = Diagnostics::default();
    let Some(Composed {
        draft: whole,
        trace,
        taken_out,
    }) = editions.compose(draft, time, &mut findings)
    else {
        return ComposedState {
            content: ObjectContent::Invalid,
            findings,
            taken_out: Vec::new(),
        };
    };
    let mut found = Diagnostics::default();
    let mut content = audit_draft(whole, &mut found);
    findings.extend(trace.locate(found, &draft.origin));
    if let ObjectContent::Desired(desired) = &mut content {
        let desired = Arc::make_mut(desired);
        desired.origin = draft.origin.clone();
        desired
            .references
            .relocate(|mark| place_in_object(draft, &trace, mark));
    }
    if !draft.is_named() {
        content = ObjectContent::Invalid;
    }
    let taken_out = taken_out.into_iter();
    ComposedState {
        content,
        findings,
        taken_out: taken_out
            .filter_map(|mark| trace.origin_of(mark).cloned())
            .collect(),
    }
}
