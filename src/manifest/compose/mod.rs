//! Composes objects: lays the fields of an object over those of its edition, each as it is at a time, and fills in
//! parameters, values and columns.
//!
//! In goes a draft, with the editions and the environment of a run; out comes a draft whose `desired` is whole, with a
//! [`Trace`] of where each value was written. Nothing after it knows of editions, sets and environments. No text is pasted
//! but into names and ids: a value stands where a value stands.
//!
//! * `columns` makes the document of one row of a set, with `pattern` for names.
//! * `values` looks up what an environment says, `parameters` what an edition leaves to the object.
//! * `merge` lays one layer over another, `registry` holds the editions, and `trace` remembers places.
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

mod columns;
mod dates;
mod merge;
mod parameters;
mod pattern;
mod registry;
mod trace;
mod values;

#[cfg(test)]
mod tests;

pub use columns::FilledSet;
pub use dates::{ChangeMoment, refuse_same_moments};
pub use merge::{ABSENT, NOTHING_TO_TAKE_OUT, key_of};
pub use parameters::known_trees;
pub use registry::Editions;
pub use trace::Trace;
pub use values::{RunEnvironment, fields_name_values, names_values};

use jiff::tz::TimeZone;

use crate::model::dated::{DatedChange, ReadingTime};
use crate::model::draft::{Draft, EditionUse};
use crate::model::edition::Edition;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};
use merge::{Found, lay_over};
use parameters::Arguments;
use values::ValueReader;

/// A draft with all of its fields, and where they come from.
pub struct Composed {
    /// Its marks are those of the trace.
    pub draft: Draft,
    pub trace: Trace,
    /// The places of elements that took one out, with marks of the trace.
    pub taken_out: Vec<Mark>,
}

/// The layers of a run below its objects.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    pub editions: &'a Editions,
    pub environment: RunEnvironment<'a>,
}

impl Layers<'_> {
    /// Makes a draft whole, as it is at a time. `None`, after a finding, if the edition does not exist, or a parameter or a
    /// name has no value that fits; without a finding if the edition has faults of its own, which were reported.
    ///
    /// `trace` is that of the draft's marks if it was made of a row, and a new one otherwise.
    pub fn compose(
        &self,
        draft: &Draft,
        mut trace: Trace,
        time: &ReadingTime,
        findings: &mut Diagnostics,
    ) -> Option<Composed> {
        let mut values = ValueReader::new(self.environment);
        let draft = adopt(draft, &mut values, &mut trace);
        trace.end_object();
        let object = real_origin(&draft, &trace);
        let (mut laid, mut found) = (Found::default(), Diagnostics::default());
        // What stands in place of a value that is missing fits nothing, which is no fault of its own.
        let fields = match values.is_whole() {
            true => self.lay(&draft, time, &mut values, &mut trace, &mut laid, &mut found),
            false => None,
        };
        for (finding, mark) in laid.findings {
            found.push(finding.at(trace.source(), mark));
        }
        let is_whole = values.report(&trace, &mut found);
        findings.extend(trace.locate(found, &object));
        let desired = Node {
            tree: Tree::Map(fields.filter(|_| is_whole)?),
            mark: draft.desired.mark,
        };
        let draft = Draft {
            edition: None,
            changes: Vec::new(),
            desired,
            ..draft
        };
        Some(Composed {
            draft,
            trace,
            taken_out: laid.taken_out,
        })
    }

    /// Lays the layers of a draft over each other. Findings have marks of the trace.
    fn lay(
        &self,
        draft: &Draft,
        time: &ReadingTime,
        values: &mut ValueReader<'_>,
        trace: &mut Trace,
        laid: &mut Found,
        findings: &mut Diagnostics,
    ) -> Option<Vec<Entry>> {
        let mut fields = Vec::new();
        let mut lay = |node: Node| {
            if let Tree::Map(entries) = node.tree {
                lay_over(&mut fields, entries, draft.row.desired, laid);
            }
        };
        if let Some(chosen) = &draft.edition {
            let chain = self.editions.chain_for(draft, chosen, findings)?;
            let arguments = Arguments::read(&chain, draft, chosen, findings)?;
            for edition in &chain {
                let source = &edition.origin.source;
                for tree in dates::trees_at(&edition.desired, &edition.changes, time) {
                    lay(arguments.fill_in(source, tree, draft.row.desired, values, trace));
                }
            }
        }
        for tree in dates::trees_at(&draft.desired, &draft.changes, time) {
            lay(tree.clone());
        }
        Some(fields)
    }
}

impl Editions {
    /// Lists the moments at which a draft or one of its editions changes, in the order of time.
    pub fn moments_of(&self, draft: &Draft, zone: &TimeZone) -> Vec<ChangeMoment> {
        let chosen = draft.edition.as_ref();
        let chain = chosen.and_then(|chosen| self.chain(&chosen.name));
        let editions = chain.iter().flatten();
        let layers = editions.map(|edition| (&edition.origin.source, edition.changes.as_slice()));
        let top = (&draft.origin.source, draft.changes.as_slice());
        dates::moments_of(layers.chain([top]), zone)
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

/// Returns where a draft with marks of a trace was written.
pub fn real_origin(draft: &Draft, trace: &Trace) -> Origin {
    let origin = trace.origin_of(draft.origin.mark);
    origin.unwrap_or(&draft.origin).clone()
}

/// Copies a draft into a trace: all of its places become marks of the trace, and names of the environment's values become
/// those values.
fn adopt(draft: &Draft, values: &mut ValueReader<'_>, trace: &mut Trace) -> Draft {
    let (source, fields) = (&draft.origin.source, draft.row.desired);
    let mut policy = draft.policy.clone();
    let patterns = policy.ignore.iter_mut().chain(&mut policy.absent_is_empty);
    let marks = patterns.map(|(_, mark)| mark);
    let lists = policy.keep_unlisted.iter_mut().map(|(_, mark)| mark);
    let flags = policy.create.iter_mut().chain(&mut policy.schedule);
    for mark in marks.chain(lists).chain(flags) {
        *mark = trace.mark(source, *mark);
    }
    let edition = draft.edition.as_ref().map(|edition| EditionUse {
        name: edition.name.clone(),
        mark: trace.mark(source, edition.mark),
        with: trace.adopt_entries(source, &edition.with, &mut |trace, node| {
            values.replace(source, node, trace)
        }),
    });
    let changes = draft.changes.iter().map(|change| DatedChange {
        from: change.from,
        mark: trace.mark(source, change.mark),
        desired: trace.adopt_fields(source, &change.desired, fields, &mut |trace, node| {
            values.replace(source, node, trace)
        }),
    });
    let changes = changes.collect();
    let connection = draft
        .connection
        .as_ref()
        .map(|(name, mark)| (name.clone(), trace.mark(source, *mark)));
    Draft {
        row: draft.row,
        address: draft.address.clone(),
        labels: draft.labels.clone(),
        connection,
        identity: trace.adopt_entries(source, &draft.identity, &mut |trace, node| {
            values.replace(source, node, trace)
        }),
        is_keyed: draft.is_keyed,
        policy,
        absent: draft.absent.map(|mark| trace.mark(source, mark)),
        edition,
        changes,
        desired: trace.adopt_fields(source, &draft.desired, fields, &mut |trace, node| {
            values.replace(source, node, trace)
        }),
        origin: Origin {
            mark: trace.mark(source, draft.origin.mark),
            source: Arc::clone(trace.source()),
        },
    }
}
