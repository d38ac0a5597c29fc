//! Makes objects whole that have an edition: composes them, and checks them as any other.
//!
//! What an object desires then depends on several files, so it is no part of the contents of one. It is made anew each time
//! the files of a run are settled, also by a daemon, of which only one file has changed.

use std::sync::Arc;

use super::contents::{LoadedObject, ObjectContent};
use super::load::audit_draft;
use crate::manifest::compose::{Composed, Editions, Trace, known_fields};
use crate::manifest::{Declarations, map_parallel};
use crate::model::draft::Draft;
use crate::model::{Diagnostics, Mark};
use crate::provider::{self, audit};

/// Checks the editions of a run, and makes the objects whole that have one.
pub fn compose_objects(
    declarations: &mut Declarations,
    objects: &mut [LoadedObject],
    findings: &mut Diagnostics,
) {
    let editions = std::mem::take(&mut declarations.editions);
    let broken = std::mem::take(&mut declarations.broken_editions);
    let editions = check_editions(Editions::new(editions, broken, findings), findings);
    let drafts: Vec<Option<Arc<Draft>>> = objects.iter().map(|one| one.draft.clone()).collect();
    let composed = map_parallel(&drafts, |draft| {
        draft.as_deref().map(|draft| compose(&editions, draft))
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
fn check_editions(mut editions: Editions, findings: &mut Diagnostics) -> Editions {
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
        let found = audit::audit_fields(kind, &known_fields(&chain), &edition.origin);
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

/// Makes one object whole, and checks it. Its findings are at the places where the values were written.
fn compose(editions: &Editions, draft: &Draft) -> (ObjectContent, Diagnostics) {
    let mut findings = Diagnostics::default();
    let Some(Composed {
        draft: whole,
        trace,
    }) = editions.compose(draft, &mut findings)
    else {
        return (ObjectContent::Invalid, findings);
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
    (content, findings)
}
