//! Makes objects whole that stand in several documents: those with an edition or dated changes, those that name values of
//! the environment, and the rows of sets. Each is composed, and checked as any other.
//!
//! What such an object desires depends on several files and on the time, so it is no part of the contents of one. It is made anew each time
//! the files of a run are settled, also by a daemon, of which only one file has changed.

use std::sync::Arc;

use super::connections::{CheckOptions, EnvironmentChoice};
use super::contents::{FileContents, LoadedObject};
use super::counted_findings::CountedFindings;
use super::dated::compose_over_time;
use super::open_draft::{OpenDraft, place_in_object};
use crate::manifest::compose::{
    Editions, FilledSet, Layers, RunEnvironment, Trace, known_trees, refuse_same_moments,
};
use crate::manifest::row_reading::{missing_label, shown_path};
use crate::manifest::rows::{RowFiles, RowTable, TableRow};
use crate::manifest::{Declarations, ReadLimits, map_parallel};
use crate::model::dated::ReadingTime;
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow};
use crate::model::environment::EnvironmentSpec;
use crate::model::object_set::{ObjectSet, RowSource};
use crate::model::{Diagnostic, Diagnostics, Origin};
use crate::provider::{self, audit};

/// The parts of a run that its objects are made of.
#[derive(Default)]
pub struct ComposedRun {
    pub editions: Editions,
    pub environment: Option<Arc<EnvironmentSpec>>,
    /// Set if it is not clear which environment counts, which a finding reports.
    pub is_unclear: bool,
    /// The time for which the manifests are read, in the zone of the environment.
    pub time: ReadingTime,
    /// Labels of the files of rows.
    pub row_files: Vec<Arc<Source>>,
    /// The sets, for those who follow values back to them, and the texts of their files.
    pub sets: Vec<ObjectSet>,
    pub row_texts: RowFiles,
}

impl ComposedRun {
    pub fn layers(&self) -> Layers<'_> {
        Layers {
            editions: &self.editions,
            environment: match &self.environment {
                Some(environment) => RunEnvironment::Chosen(environment),
                None if self.is_unclear => RunEnvironment::Unclear,
                None => RunEnvironment::None,
            },
        }
    }
}

/// Checks the editions, the environment and the sets of a run, and makes the objects of it whole.
pub fn compose_objects(
    contents: &mut FileContents,
    options: &CheckOptions,
    row_files: &RowFiles,
    findings: &mut Diagnostics,
) -> ComposedRun {
    let mut run = ComposedRun::open(&mut contents.declarations, options, findings);
    make_whole(&run, &mut contents.objects, findings);
    let sets = std::mem::take(&mut contents.declarations.sets);
    for set in &sets {
        let Some(rows) = read_rows(set, row_files, &mut run.row_files, findings) else {
            continue;
        };
        let objects = make_objects(&run, set, &rows, findings);
        contents.objects.extend(objects);
    }
    (run.sets, run.row_texts) = (sets, row_files.clone());
    run
}

impl ComposedRun {
    /// Takes the environment in force and the editions of all files, and checks them.
    pub fn open(
        declarations: &mut Declarations,
        options: &CheckOptions,
        findings: &mut Diagnostics,
    ) -> Self {
        let is_given = !declarations.environments.is_empty()
            || !declarations.broken_environments.is_empty()
            || matches!(options.environment, EnvironmentChoice::Named(_));
        let environment = choose_environment(
            std::mem::take(&mut declarations.environments),
            &std::mem::take(&mut declarations.broken_environments),
            &options.environment,
            findings,
        );
        let editions = std::mem::take(&mut declarations.editions);
        let broken = std::mem::take(&mut declarations.broken_editions);
        let mut time = options.time.clone();
        if let Some(zone) = environment.as_ref().and_then(|one| one.time_zone.clone()) {
            time.zone = zone;
        }
        let mut run = ComposedRun {
            editions: Editions::new(editions, broken, findings),
            time,
            is_unclear: is_given && environment.is_none(),
            environment: environment.map(Arc::new),
            row_files: Vec::new(),
            sets: Vec::new(),
            row_texts: RowFiles::default(),
        };
        check_editions(&mut run, findings);
        run
    }
}

/// Returns the environment in force: the chosen one, or the only one. `None`, after a finding, if the choice is not clear.
fn choose_environment(
    mut all: Vec<EnvironmentSpec>,
    broken: &[String],
    choice: &EnvironmentChoice,
    findings: &mut Diagnostics,
) -> Option<EnvironmentSpec> {
    let names: Vec<String> = all
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    match choice {
        EnvironmentChoice::Named(name) => {
            let index = names.iter().position(|known| known == name);
            if index.is_none() && !broken.contains(name) {
                let finding = Diagnostic::error(
                    "unknown-environment",
                    format!("there is no environment `{name}`"),
                );
                findings.push(finding.suggest(name, names.iter().map(String::as_str)));
            }
            index.map(|index| all.swap_remove(index))
        }
        EnvironmentChoice::Only if all.len() > 1 => {
            let message = format!("{} environments are defined, and none is chosen", all.len());
            let hint = format!("pass --env {}", names.join(" or --env "));
            let last = &all[all.len() - 1].origin;
            let finding = Diagnostic::error("no-environment", message).hint(hint);
            findings.push(
                finding
                    .at(&last.source, last.mark)
                    .also(all[0].origin.clone(), "another one is here"),
            );
            None
        }
        EnvironmentChoice::Only | EnvironmentChoice::Any => {
            (!all.is_empty()).then(|| all.swap_remove(0))
        }
    }
}

/// Checks the fields of each edition by the table of its kind. Those with a fault are reported once, and the objects that
/// have them come out invalid without a finding of their own.
fn check_editions(run: &mut ComposedRun, findings: &mut Diagnostics) {
    let names: Vec<String> = run.editions.iter().map(|one| one.name.clone()).collect();
    for name in names {
        let Some(chain) = run.editions.chain(&name) else {
            continue;
        };
        let edition = chain.last();
        let kind = edition.and_then(|edition| provider::find_kind(edition.row.kind.0));
        let Some((edition, kind)) = edition.zip(kind) else {
            continue;
        };
        let mut found = Diagnostics::default();
        let source = &edition.origin.source;
        refuse_same_moments(&edition.changes, source, &run.time.zone, &mut found);
        for tree in known_trees(&chain, run.environment.as_deref()) {
            found.extend(audit::audit_fields(kind, &tree, &edition.origin));
        }
        let is_broken = found.has_errors();
        findings.extend(found);
        if is_broken {
            run.editions.refuse(&name);
        }
    }
}

/// Makes the objects of files whole that stand in several documents.
fn make_whole(run: &ComposedRun, objects: &mut [LoadedObject], findings: &mut Diagnostics) {
    let drafts: Vec<Option<Arc<Draft>>> = objects.iter().map(|one| one.draft.clone()).collect();
    let composed = map_parallel(&drafts, |draft| {
        let open = OpenDraft {
            draft: draft.as_deref()?,
            trace: Trace::default(),
            set: None,
        };
        Some(compose_over_time(run.layers(), &open, &run.time))
    });
    for (object, composed) in objects.iter_mut().zip(composed) {
        if let Some((content, found)) = composed {
            object.content = content;
            findings.extend(found);
        }
    }
}

/// Returns the rows of a set; `None` after a finding. The label of the file that was read is added to `row_files`.
pub(super) fn read_rows(
    set: &ObjectSet,
    files: &RowFiles,
    row_files: &mut Vec<Arc<Source>>,
    findings: &mut Diagnostics,
) -> Option<RowTable> {
    match &set.rows {
        RowSource::Here(maps) => Some(RowTable::here(Arc::clone(&set.origin.source), maps.clone())),
        RowSource::File(file) => match files.read(file, &set.origin, &ReadLimits::default()) {
            Ok(source) => {
                row_files.push(source.label());
                RowTable::parse(&source, file, findings)
            }
            Err(finding) => {
                row_files.push(missing_label(&shown_path(file, &set.origin.source)));
                findings.push(*finding);
                None
            }
        },
    }
}

/// Makes the objects of a set. What is wrong with the template itself is reported once, not for each row.
fn make_objects(
    run: &ComposedRun,
    set: &ObjectSet,
    rows: &RowTable,
    findings: &mut Diagnostics,
) -> Vec<LoadedObject> {
    let filled = FilledSet {
        set,
        rows,
        editions: &run.editions,
    };
    if !filled.check_columns(findings) {
        return Vec::new();
    }
    let kinds = provider::kind_rows();
    let all: Vec<TableRow<'_>> = rows.iter().collect();
    let made = map_parallel(&all, |row| make_object(run, &filled, *row, &kinds));
    let mut counted = CountedFindings::default();
    let mut objects = Vec::with_capacity(made.len());
    for (object, found) in made {
        counted.add(found);
        objects.extend(object);
    }
    findings.extend(counted.end());
    objects
}

/// Returns where the template names the connection of an object, or the set where it names none; `None` if a cell names it.
fn template_place(set: &ObjectSet, object: &LoadedObject, trace: &Trace) -> Option<Origin> {
    let Some((_, mark)) = &object.connection else {
        return Some(set.origin.clone());
    };
    let mut descent = trace.descent(*mark);
    let written = descent.next().filter(|_| descent.next().is_none());
    let written = written.filter(|origin| origin.source.name == set.origin.source.name);
    written.cloned()
}

/// Makes the object of one row; `None`, after a finding, if its envelope is not in order.
fn make_object(
    run: &ComposedRun,
    filled: &FilledSet<'_>,
    row: TableRow<'_>,
    kinds: &[KindRow],
) -> (Option<LoadedObject>, Diagnostics) {
    let origin = Origin {
        source: Arc::clone(&filled.rows.source),
        mark: row.mark(),
    };
    let (mut trace, mut found) = (Trace::default(), Diagnostics::default());
    let draft = filled.draft_of(row, kinds, &mut trace, &mut found);
    let mut findings = trace.locate(found, &origin);
    let Some(draft) = draft.filter(Draft::is_named) else {
        return (None, findings);
    };
    let mut object = LoadedObject::of(&draft);
    object.is_composed = true;
    object.template = template_place(filled.set, &object, &trace);
    if let Some((_, mark)) = &mut object.connection {
        *mark = place_in_object(&trace, *mark, &origin, None);
    }
    let open = OpenDraft {
        draft: &draft,
        trace,
        set: Some(&filled.set.name),
    };
    let (content, found) = compose_over_time(run.layers(), &open, &run.time);
    findings.extend(found);
    (object.content, object.origin) = (content, origin);
    (Some(object), findings)
}
