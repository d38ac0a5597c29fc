//! Makes one draft whole at one time, and checks it.

use std::sync::Arc;

use super::contents::ObjectContent;
use super::load::audit_draft;
use crate::manifest::compose::{Composed, Layers, Trace, real_origin};
use crate::model::dated::ReadingTime;
use crate::model::draft::Draft;
use crate::model::{Desired, Diagnostics, LayerNames, Mark, Origin};

/// An object as it is at one time.
pub struct ComposedState {
    pub content: ObjectContent,
    pub findings: Diagnostics,
    /// The places of elements that took one out.
    pub taken_out: Vec<Origin>,
}

/// A draft that is to be made whole, and where it comes from.
pub struct OpenDraft<'a> {
    pub draft: &'a Draft,
    /// That of the draft's marks if it was made of a row, and an empty one otherwise.
    pub trace: Trace,
    /// The set of which it is a row.
    pub set: Option<&'a str>,
}

impl OpenDraft<'_> {
    /// Makes the object whole as it is at a time, and checks it. Its findings are at the places where the values were
    /// written.
    pub fn compose(&self, layers: Layers<'_>, time: &ReadingTime) -> ComposedState {
        let mut findings = Diagnostics::default();
        let composed = layers.compose(self.draft, self.trace.clone(), time, &mut findings);
        let Some(Composed {
            draft: whole,
            trace,
            taken_out,
        }) = composed
        else {
            return ComposedState {
                content: ObjectContent::Invalid,
                findings,
                taken_out: Vec::new(),
            };
        };
        let origin = real_origin(&whole, &trace);
        let mut found = Diagnostics::default();
        let mut content = audit_draft(whole, &mut found);
        findings.extend(trace.locate(found, &origin));
        if let ObjectContent::Desired(desired) = &mut content {
            self.settle(Arc::make_mut(desired), &trace, origin);
        }
        if !self.draft.is_named() {
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

    /// Moves the places of a whole object to where they were written, and notes what it is made of.
    fn settle(&self, desired: &mut Desired, trace: &Trace, origin: Origin) {
        let edition = self.draft.edition.as_ref();
        // The edition of a row has its place in the template.
        let in_object = edition.filter(|_| self.set.is_none());
        let edition_mark = in_object.map(|edition| edition.mark);
        desired.layers = LayerNames::of(edition.map(|edition| edition.name.as_str()), self.set);
        let references = &mut desired.references;
        references.relocate(|mark| place_in_object(trace, mark, &origin, edition_mark));
        desired.origin = origin;
    }
}

/// Returns the place of a node in the file of the object: its own, or that of the edition which brings it, or that of the
/// object.
pub fn place_in_object(trace: &Trace, mark: Mark, object: &Origin, edition: Option<Mark>) -> Mark {
    let here = trace
        .descent(mark)
        .find(|origin| origin.source.name == object.source.name);
    here.map(|origin| origin.mark)
        .or(edition)
        .unwrap_or(object.mark)
}
