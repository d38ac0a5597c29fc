//! Composes objects: lays the fields of an object over those of its edition, and fills in the parameters.
//!
//! In goes a draft and all editions of a run; out comes a draft whose `desired` is whole, with a [`Trace`] of where each
//! value was written. Nothing after it knows of editions. No text is pasted: a parameter stands where a value stands.
//!
//! Example: `edition: {name: professional, with: {seats: 25}}`, where `professional` extends `basic`.
//!
//! ```text
//! basic          activations_allowed: {param: seats}   Features: [Viewer]            parameters: seats, 10 by default
//! professional                                         Features: [Reports]
//! the object     enabled: true
//! composed       activations_allowed: 25   Features: [Viewer, Reports]   enabled: true
//! ```

use std::sync::Arc;

mod merge;
mod parameters;
mod registry;
mod trace;

#[cfg(test)]
mod tests;

pub use registry::Editions;
pub use trace::Trace;

use crate::model::draft::{Draft, EditionUse};
use crate::model::edition::Edition;
use crate::model::{Diagnostic, Diagnostics, Node, Origin, Tree};
pub use merge::ABSENT;
use merge::lay_over;
use parameters::Arguments;
pub use parameters::known_fields;

/// A draft with all of its fields, and where they come from.
pub struct Composed {
    /// Its marks are those of the trace.
    pub draft: Draft,
    pub trace: Trace,
}

impl Editions {
    /// Lays the fields of a draft over those of its edition. `None`, after a finding, if the edition does not exist or a
    /// parameter has no value that fits; without a finding if the edition has faults of its own, which were reported.
    pub fn compose(&self, draft: &Draft, findings: &mut Diagnostics) -> Option<Composed> {
        let chosen = draft.edition.as_ref()?;
        let chain = self.chain_for(draft, chosen, findings)?;
        let arguments = Arguments::read(&chain, draft, chosen, findings)?;
        let (mut trace, mut fields, mut found) = (Trace::default(), Vec::new(), Vec::new());
        for edition in &chain {
            let tree = arguments.fill_in(edition, &mut trace);
            if let Tree::Map(entries) = tree.tree {
                lay_over(&mut fields, entries, draft.row.desired, &mut found);
            }
        }
        trace.begin_own();
        let own_tree = trace.adopt(&draft.origin.source, &draft.desired, &|_, _| None);
        if let Tree::Map(entries) = own_tree.tree {
            lay_over(&mut fields, entries, draft.row.desired, &mut found);
        }
        let mut laid = Diagnostics::default();
        for (finding, mark) in found {
            laid.push(finding.at(trace.source(), mark));
        }
        findings.extend(trace.locate(laid, &draft.origin));
        let desired = Node {
            tree: Tree::Map(fields),
            mark: own_tree.mark,
        };
        let draft = adopt_envelope(draft, desired, &mut trace);
        Some(Composed { draft, trace })
    }

    /// Returns the editions of an object, the lowest first.
    fn chain_for(
        &self,
        draft: &Draft,
        chosen: &EditionUse,
        findings: &mut Diagnostics,
    ) -> Option<Vec<&Edition>> {
        let Some(edition) = self.find(&chosen.name) else {
            if self.is_broken(&chosen.name) {
                return None;
            }
            let message = format!("there is no edition `{}`", chosen.name);
            let names = self.names_for(draft.row.kind);
            let finding = Diagnostic::error("unknown-edition", message)
                .suggest(&chosen.name, names)
                .at(&draft.origin.source, chosen.mark);
            findings.push(finding);
            return None;
        };
        if edition.row.kind != draft.row.kind {
            let (kind, of) = (draft.row.kind, edition.row.kind);
            let message = format!("edition `{}` is for {of}, not for {kind}", chosen.name);
            let finding = Diagnostic::error("edition-of-another-kind", message)
                .at(&draft.origin.source, chosen.mark)
                .also(edition.origin.clone(), "the edition is defined here");
            findings.push(finding);
            return None;
        }
        self.chain(&chosen.name)
    }
}

/// Copies a draft with other fields; all of its places become marks of the trace.
fn adopt_envelope(draft: &Draft, desired: Node, trace: &mut Trace) -> Draft {
    let source = &draft.origin.source;
    let mut policy = draft.policy.clone();
    let patterns = policy.ignore.iter_mut().chain(&mut policy.absent_is_empty);
    let marks = patterns.map(|(_, mark)| mark);
    let lists = policy.keep_unlisted.iter_mut().map(|(_, mark)| mark);
    for mark in marks.chain(lists).chain(&mut policy.create) {
        *mark = trace.mark(source, *mark);
    }
    Draft {
        row: draft.row,
        address: draft.address.clone(),
        labels: draft.labels.clone(),
        connection: draft.connection.clone(),
        identity: trace.adopt_entries(source, &draft.identity, &|_, _| None),
        is_keyed: draft.is_keyed,
        policy,
        absent: draft.absent.map(|mark| trace.mark(source, mark)),
        edition: None,
        desired,
        origin: Origin {
            mark: trace.mark(source, draft.origin.mark),
            source: Arc::clone(trace.source()),
        },
    }
}
