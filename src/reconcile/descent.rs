//! Follows the values of objects down to where they were written: for `why`, for plans, and for the page of an object.
//!
//! In: checked manifests, and an object of them. Out: its values, each with its places. Checking keeps no trace of values, so
//! the object is read again from its file and made whole once more; a file that has changed since gives nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Checked;
use super::composed::{ComposedRun, read_rows};
use super::leaves::leaves;
use super::written::{KeptMembers, ResolvedObject, WrittenDocument};
use crate::manifest::compose::{FilledSet, Trace};
use crate::manifest::edit::json_of;
use crate::manifest::rows::RowTable;
use crate::manifest::{Piece, map_parallel, reread};
use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::{Desired, Diagnostics, Mark, Node, Origin};
use crate::plan::Planned;
use crate::plan::descent::{
    DescentDocument, FORMAT_VERSION, ValueDescent, ValuePlace, is_at_or_below,
};
use crate::plan::document::{ObjectEntry, PlanDocument};
use crate::plan::field_descent::{FieldDescent, PlaceEntry};
use crate::provider;

/// Finds where values come from. Each file is read once, however many objects are asked for.
pub struct DescentFinder<'a> {
    run: &'a ComposedRun,
    kinds: Vec<KindRow>,
    documents: Documents,
    sources: BTreeMap<String, Option<Arc<Source>>>,
    pieces: BTreeMap<String, Vec<Piece>>,
    /// The last piece, which has the next object too if it is a list.
    last: Option<(Origin, WrittenDocument)>,
    tables: BTreeMap<&'a str, Option<RowTable>>,
}

/// What of an object is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Fields,
    All,
}

impl<'a> DescentFinder<'a> {
    pub fn new(checked: &'a Checked) -> Self {
        Self {
            run: &checked.run,
            kinds: provider::kind_rows(),
            documents: list_documents(&checked.run),
            sources: BTreeMap::new(),
            pieces: BTreeMap::new(),
            last: None,
            tables: BTreeMap::new(),
        }
    }

    /// Returns the descent of an object's values; of those at `field` and below it, if one is named. `None` if its file is
    /// not what it was when it was checked.
    pub fn explain(&mut self, object: &Desired, field: Option<&str>) -> Option<DescentDocument> {
        let resolved = self.resolve(object, Members::All)?;
        let values = leaves(&resolved).into_iter();
        let values = values.filter(|(path, _)| field.is_none_or(|at| is_at_or_below(path, at)));
        let values = values.map(|(field, node)| ValueDescent {
            value: json_of(node),
            places: self.places_of(&resolved, node),
            field,
            last_write: None,
        });
        let values = values.collect();
        let environment = self.run.environment.as_ref();
        Some(DescentDocument {
            format_version: FORMAT_VERSION.into(),
            address: object.address.to_string(),
            edition: resolved.edition.clone(),
            set: resolved.set.clone(),
            environment: environment.map(|environment| environment.name.clone()),
            values,
            live: None,
        })
    }

    /// Returns where the values of an object come from whose path is `asked` for; those of its identity and its fields.
    pub fn find_fields(
        &mut self,
        object: &Desired,
        asked: impl Fn(&str) -> bool,
    ) -> Vec<FieldDescent> {
        let Some(resolved) = self.resolve(object, Members::Fields) else {
            return Vec::new();
        };
        let values = leaves(&resolved).into_iter();
        let values = values.filter(|(path, _)| asked(path));
        let values = values.map(|(field, node)| FieldDescent {
            places: resolved
                .trace
                .descent(node.mark)
                .map(|origin| self.place_entry(&resolved, origin))
                .collect(),
            field,
        });
        values.collect()
    }

    fn resolve(&mut self, object: &Desired, members: Members) -> Option<ResolvedObject> {
        match object.layers.set() {
            Some(name) => self.resolve_row(name, &object.origin, members),
            None => self.resolve_document(&object.origin, members),
        }
    }

    fn resolve_row(&mut self, set: &str, row: &Origin, members: Members) -> Option<ResolvedObject> {
        let run = self.run;
        let set = run.sets.iter().find(|one| one.name == set)?;
        let table = self.tables.entry(&set.name).or_insert_with(|| {
            let (mut files, mut found) = (Vec::new(), Diagnostics::default());
            read_rows(set, &run.row_texts, &mut files, &mut found)
        });
        let rows = table.as_ref()?;
        if rows.source.hash() != row.source.hash() {
            return None;
        }
        let filled = FilledSet {
            set,
            rows,
            editions: &run.editions,
        };
        let row = rows.find_row(row.mark)?;
        let (mut trace, mut found) = (Trace::default(), Diagnostics::default());
        let draft = filled.draft_of(row, &self.kinds, &mut trace, &mut found)?;
        let kept = match members {
            Members::All => KeptMembers::of(&filled.document_of(row, &mut trace, &mut found)?),
            Members::Fields => KeptMembers::default(),
        };
        ResolvedObject::compose(run, &draft, trace, Some(&set.name), kept)
    }

    fn resolve_document(&mut self, origin: &Origin, members: Members) -> Option<ResolvedObject> {
        let run = self.run;
        let document = self.document_at(origin)?;
        let mut drafts = document.drafts().iter();
        let draft = drafts.find(|draft| draft.origin.mark == origin.mark)?;
        let mut trace = Trace::default();
        let kept = match members {
            Members::All => document.kept_of(draft, &mut trace),
            Members::Fields => KeptMembers::default(),
        };
        ResolvedObject::compose(run, draft, trace, None, kept)
    }

    fn document_at(&mut self, origin: &Origin) -> Option<&WrittenDocument> {
        let source = self.source_of(&origin.source)?;
        let name = &origin.source.name;
        let pieces = self.pieces.entry(name.clone());
        let pieces = pieces.or_insert_with(|| Piece::cut_by(source, 1));
        let piece = Piece::find(pieces, origin.mark)?;
        let start = Origin {
            source: Arc::clone(&origin.source),
            mark: Mark {
                start: u32::try_from(piece.begins()).ok()?,
                ..Mark::default()
            },
        };
        if self.last.as_ref().is_none_or(|(last, _)| *last != start) {
            let document = WrittenDocument::of(piece.clone(), &self.kinds)?;
            self.last = Some((start, document));
        }
        self.last.as_ref().map(|(_, document)| document)
    }

    /// Returns a file with its text, if it still is what was read.
    fn source_of(&mut self, label: &Arc<Source>) -> Option<Arc<Source>> {
        let source = self.sources.entry(label.name.clone());
        source.or_insert_with(|| reread(label)).clone()
    }

    fn places_of(&mut self, object: &ResolvedObject, node: &Node) -> Vec<ValuePlace> {
        let places = object.trace.descent(node.mark);
        let places = places.map(|origin| {
            let source = self.source_of(&origin.source);
            let text = source
                .as_ref()
                .map(|source| source.line_at(origin.mark).trim());
            let PlaceEntry {
                file,
                line,
                document,
            } = self.place_entry(object, origin);
            ValuePlace {
                file,
                line,
                text: text.unwrap_or_default().to_string(),
                document,
                commit: None,
            }
        });
        places.collect()
    }

    fn place_entry(&self, object: &ResolvedObject, origin: &Origin) -> PlaceEntry {
        let name = &origin.source.name;
        let begun = self.documents.get(name).and_then(|documents| {
            let mut begun = documents.range(..=origin.mark.start);
            begun.next_back()
        });
        let itself = (object.set.is_none() && object.origin.source.name == *name)
            .then_some(object.origin.mark.start)
            .filter(|start| *start <= origin.mark.start);
        let document = match (begun, itself) {
            (Some((start, document)), itself) if itself.is_none_or(|itself| itself < *start) => {
                document.clone()
            }
            (_, Some(_)) => object.draft.address.to_string(),
            (_, None) => String::new(),
        };
        PlaceEntry {
            file: name.clone(),
            line: origin.mark.line,
            document,
        }
    }
}

/// The names of the documents that objects are made of, by file and by the place at which they begin.
type Documents = BTreeMap<String, BTreeMap<u32, String>>;

fn list_documents(run: &ComposedRun) -> Documents {
    let mut documents = Documents::new();
    let mut note = |origin: &Origin, kind: &str, name: &str| {
        let file = documents.entry(origin.source.name.clone()).or_default();
        file.insert(origin.mark.start, format!("{kind}/{name}"));
    };
    for edition in run.editions.iter() {
        note(&edition.origin, "Edition", &edition.name);
    }
    if let Some(environment) = &run.environment {
        note(&environment.origin, "Environment", &environment.name);
    }
    for set in &run.sets {
        note(&set.origin, "ObjectSet", &set.name);
    }
    documents
}

/// Adds to each object of a plan that has changes where the values of these come from. `planned` are the objects of the
/// document. Each core takes a run of them, so that the files of a run are read once.
pub fn add_descents(checked: &Checked, planned: &[Planned], document: &mut PlanDocument) {
    let entries = document.objects.iter_mut();
    let changed = planned.iter().zip(entries);
    let mut changed: Vec<(&Planned, &mut ObjectEntry)> = changed
        .filter(|(planned, _)| !planned.changes.is_empty())
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runs: Vec<_> = changed
        .chunks(changed.len().div_ceil(cores).max(1))
        .collect();
    let found = map_parallel(&runs, |run| {
        let mut finder = DescentFinder::new(checked);
        let descents = run.iter().map(|(planned, entry)| {
            let is_changed = |path: &str| {
                entry.changes.iter().any(|change| {
                    is_at_or_below(path, &change.path) || is_at_or_below(&change.path, path)
                })
            };
            finder.find_fields(&planned.desired, is_changed)
        });
        descents.collect::<Vec<_>>()
    });
    for ((_, entry), descent) in changed.iter_mut().zip(found.into_iter().flatten()) {
        entry.descent = descent;
    }
}
