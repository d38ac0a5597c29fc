//! Checks all files of a run together: everything that can be checked without network and secrets.
//!
//! The input is the contents of all files; the output is a [`Checked`], even if there are errors: the caller looks at
//! its findings. Lowering has checked each file by itself; this module checks names, references, connections and
//! counts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::composed::{ComposedRun, compose_objects};
use super::connections::{
    CheckOptions, DeclaredConnections, check_notifications, point_connections,
};
use super::contents::{FileContents, LoadedObject, ObjectContent};
use super::load::LoadedManifests;
use super::outline::{KeptAccounts, ObjectOutline};
use super::references::{KnownNames, check_references};
use super::routing::{RoutedObjects, route_objects};
use crate::manifest::walk::{NamedPath, PassedOver};
use crate::manifest::{self, BrokenConnection, Declarations, Loaded};
use crate::model::diagnostic::Source;
use crate::model::environment::EnvironmentSpec;
use crate::model::{
    AcceptedDrift, Address, Connection, Desired, Diagnostic, Diagnostics, Notification,
};
use crate::plan::source_facts::{Destination, SourceFacts};
use crate::plan::{self, provenance};
use crate::provider;
use crate::provider::references::referents_of;

/// Manifests that passed every check that needs no network.
#[derive(Clone)]
pub struct Checked {
    /// The valid objects, sorted by address.
    pub desired: Vec<Arc<Desired>>,
    /// Objects out of the run's scope to which its objects refer. They are read for their ids at most.
    pub referents: Vec<Arc<Desired>>,
    /// Objects of accounts that other replicas of the daemon look after; none in any other command.
    pub outlines: Vec<Arc<ObjectOutline>>,
    /// The connections by name; with simulators, those that lead to them.
    pub connections: BTreeMap<String, Connection>,
    /// Drift that the manifests accept.
    pub accepted: Vec<AcceptedDrift>,
    /// The notifications of the daemon.
    pub notifications: Vec<Notification>,
    /// Counts and hashes of the files, for the plan document.
    pub source: SourceFacts,
    /// The files and directories that were not read.
    pub passed: PassedOver,
    /// The environment in force; `None` if there is none.
    pub environment: Option<Arc<EnvironmentSpec>>,
    /// Labels of the files of rows.
    pub row_files: Vec<Arc<Source>>,
    /// What its objects are made of, for those who follow their values back.
    pub run: Arc<ComposedRun>,
    /// The names of editions and sets, also of those that no object has.
    pub layer_names: BTreeSet<String>,
    /// All findings, sorted.
    pub findings: Diagnostics,
}

impl Checked {
    /// Returns the objects by address, those out of scope included.
    pub(super) fn objects_by_address(&self) -> BTreeMap<&Address, &Arc<Desired>> {
        let all = self.referents.iter().chain(&self.desired);
        all.map(|object| (&object.address, object)).collect()
    }

    /// Replaces the objects of the run. Others to which these refer stay at hand, for their ids.
    pub fn restrict_to(&mut self, desired: Vec<Arc<Desired>>) {
        if desired.iter().all(|object| object.references.is_empty()) {
            (self.desired, self.referents) = (desired, Vec::new());
            return;
        }
        let all = self.objects_by_address();
        let found = referents_of(&desired, |address| {
            all.get(address).map(|one| Arc::clone(one))
        });
        let chosen: BTreeSet<&Address> = desired.iter().map(|object| &object.address).collect();
        let mut referents: Vec<Arc<Desired>> = found;
        referents.retain(|object| !chosen.contains(&object.address));
        for referent in &mut referents {
            Arc::make_mut(referent).policy.only_read = true;
        }
        (self.desired, self.referents) = (desired, referents);
    }

    /// Returns the name of the runs of these manifests in a store that several share: the one that the user named, else
    /// that of the environment.
    pub fn store_scope(&self, typed: Option<&str>) -> Option<String> {
        let environment = self.environment.as_deref();
        let named = environment.and_then(|environment| environment.scope.as_deref());
        typed.or(named).map(str::to_string)
    }

    /// Lets every object be created that the vendor does not have, if its kind can be created and found again.
    pub fn allow_creation(&mut self) {
        for object in &mut self.desired {
            let Some(kind) = provider::find_kind(object.address.kind.0) else {
                continue;
            };
            let table = kind.table();
            let is_findable = table.lifecycle.key.is_none() || object.is_keyed(table);
            let may = table.lifecycle.create.is_some() && is_findable && !object.policy.absent;
            if may && !object.policy.create {
                Arc::make_mut(object).policy.create = true;
            }
        }
    }
}

/// Checks everything that can be checked offline.
pub fn check_manifests(manifests: impl Into<LoadedManifests>, options: &CheckOptions) -> Checked {
    check_among(manifests.into(), options, &BTreeMap::new())
}

/// Checks some files by themselves, with the connections that others define.
pub(super) fn check_among(
    manifests: LoadedManifests,
    options: &CheckOptions,
    known: &BTreeMap<String, Connection>,
) -> Checked {
    let kept = KeptAccounts::All;
    let (loaded, contents) = manifests.complete(None, &kept);
    settle_references(loaded, contents, options, known, &kept)
}

/// Checks what takes all files together: names, references and connections. `files` are in the order of the sources.
/// Objects of accounts that are not `kept` are checked like all others, and come out as outlines.
pub(super) fn settle_references(
    loaded: Loaded,
    files: Vec<FileContents>,
    options: &CheckOptions,
    known: &BTreeMap<String, Connection>,
    kept: &KeptAccounts,
) -> Checked {
    let counts = count_documents(&files);
    let mut contents = FileContents::join(files);
    let mut findings = loaded.findings;
    if findings.has_errors() {
        // A file that could not be read may have held the connection.
        let unread = BrokenConnection::default();
        contents.declarations.broken_connections.push(unread);
    }
    // Before the editions and sets of the files are taken.
    let layer_names = contents.declarations.layer_names();
    let composed = {
        contents.declarations.refuse_duplicate_declarations();
        compose_objects(&mut contents, options, &loaded.row_files, &mut findings)
    };
    contents.refuse_duplicate_objects();
    if composed.is_unclear {
        // It may have mapped the connection.
        let unread = BrokenConnection::default();
        contents.declarations.broken_connections.push(unread);
    }
    let FileContents {
        objects,
        mut declarations,
    } = contents;
    findings.extend(std::mem::take(&mut declarations.findings));
    if !counts.is_empty() && !findings.has_errors() {
        if declarations.documents == declarations.skipped {
            findings.push(none_of_ours("", declarations.documents));
        } else {
            refuse_empty_paths(&loaded.named, &loaded.sources, &counts, &mut findings);
        }
    }
    let sources = [&loaded.sources[..], &composed.row_files].concat();
    let mut source = count_source(counts.len(), &declarations, &sources);
    source.environment = composed
        .environment
        .as_ref()
        .map(|environment| environment.name.clone());
    let time = &composed.time;
    source.at = time.is_named.then(|| time.instant().to_string());
    let connections = settle_connections(
        declarations.connections,
        options,
        known,
        &mut source,
        &mut findings,
    );
    let environment = composed.environment.as_deref();
    let declared =
        DeclaredConnections::new(&connections, &declarations.broken_connections, environment);
    declared.check_environment(&mut findings);
    let notifications = check_notifications(declarations.notifications, &declared, &mut findings);
    let names = objects.iter().map(|object| object.address.clone());
    let names: KnownNames = match objects.iter().any(has_references) {
        true => names.collect(),
        false => KnownNames::new(),
    };
    let routed = route_objects(objects, &declared, options, kept, &mut findings);
    check_references(&routed, &names, &mut findings);
    let RoutedObjects { desired, outlines } = routed;
    for entry in &declarations.accepted {
        refuse_unknown_field(entry, &mut findings);
    }
    show_lines(&mut findings);
    Checked {
        desired,
        referents: Vec::new(),
        outlines,
        connections,
        accepted: declarations.accepted,
        notifications,
        source,
        passed: loaded.passed,
        environment: composed.environment.clone(),
        row_files: composed.row_files.clone(),
        run: Arc::new(composed),
        layer_names,
        findings: findings.sorted(),
    }
}

/// Reports whether a valid object refers to another one.
fn has_references(object: &LoadedObject) -> bool {
    match &object.content {
        ObjectContent::Invalid => false,
        ObjectContent::Desired(desired) => {
            let mut coming = desired.coming.iter();
            !desired.references.is_empty() || coming.any(|state| !state.references.is_empty())
        }
        ObjectContent::Outline(outline) => !outline.references.is_empty(),
    }
}

/// Returns, for each file, the number of documents that are ours, and of all.
fn count_documents(files: &[FileContents]) -> Vec<(usize, usize)> {
    let counts = files.iter().map(|file| {
        let Declarations {
            documents, skipped, ..
        } = file.declarations;
        (documents - skipped, documents)
    });
    counts.collect()
}

/// Returns the counts and the hash of all files, still without the connections.
fn count_source(files: usize, declarations: &Declarations, sources: &[Arc<Source>]) -> SourceFacts {
    SourceFacts {
        files,
        documents: declarations.documents,
        skipped: declarations.skipped,
        manifests: digest_of(sources),
        ..SourceFacts::default()
    }
}

/// Checks the connections, and notes in `source` where they lead.
fn settle_connections(
    given: Vec<Connection>,
    options: &CheckOptions,
    known: &BTreeMap<String, Connection>,
    source: &mut SourceFacts,
    findings: &mut Diagnostics,
) -> BTreeMap<String, Connection> {
    for connection in &given {
        if let Some(provider) = provider::provider_of(connection.vendor) {
            provider::auth::audit_auth(provider.auth(), connection, findings);
        }
    }
    // What a saved plan compares is where the manifests lead, not a simulator's port of one run.
    let base_urls = given
        .iter()
        .map(|c| (c.name.clone(), Destination::Url(c.base_url.to_string())));
    source.connections = base_urls.collect();
    let fingerprints = given
        .iter()
        .map(|c| (c.name.clone(), provenance::connection_fingerprint(c)));
    source.connection_fingerprints = fingerprints.collect();
    let stand_ins = options.simulators.as_ref();
    let mut connections = point_connections(given, stand_ins.map(|all| &*all.connections));
    for (name, connection) in known {
        let entry = connections.entry(name.clone());
        entry.or_insert_with(|| connection.clone());
    }
    if let Some(simulators) = stand_ins {
        let named = connections.iter();
        let destination = |connection: &Connection| match simulators.end_with_run {
            true => Destination::Sandbox,
            false => Destination::Url(connection.base_url.to_string()),
        };
        source.connections = named
            .map(|(name, connection)| (name.clone(), destination(connection)))
            .collect();
        source.connection_fingerprints = BTreeMap::new();
    }
    connections
}

/// Gives the places of findings the lines to be shown, by reading their files once more: each once, and no two in memory
/// together.
pub(super) fn show_lines(findings: &mut Diagnostics) {
    let mut read = HashSet::new();
    for label in findings.labels() {
        if read.insert(label.name.clone())
            && let Some(source) = manifest::reread(&label)
        {
            findings.show(&[source]);
        }
    }
}

/// Adds an error for every named path without a manifest: a wrong path must not pass for an empty set of objects.
fn refuse_empty_paths(
    named: &[NamedPath],
    sources: &[Arc<Source>],
    counts: &[(usize, usize)],
    findings: &mut Diagnostics,
) {
    let files: HashMap<&str, &(usize, usize)> = sources
        .iter()
        .map(|source| source.name.as_str())
        .zip(counts)
        .collect();
    for path in named.iter().filter(|path| !path.overlaps) {
        // Commands that name files name many, so a file is looked up.
        let one = path.shown.to_str().and_then(|name| files.get(name));
        let below: Vec<&(usize, usize)> = match one {
            Some(counts) => vec![counts],
            None => {
                let below = files.iter().filter(|(name, _)| path.holds(Path::new(name)));
                below.map(|(_, counts)| *counts).collect()
            }
        };
        if below.is_empty() {
            findings.push(manifest::no_files(&[path.path()]));
        } else if below.iter().all(|(ours, _)| *ours == 0) {
            let location = format!("{}: ", path.path().display());
            let documents = below.iter().map(|(_, all)| all).sum();
            findings.push(none_of_ours(&location, documents));
        }
    }
}

/// Returns the finding that no document is ours. `place` says where, or is empty.
fn none_of_ours(location: &str, documents: usize) -> Diagnostic {
    let message = match documents {
        0 => format!("{location}the files hold no document"),
        1 => format!("{location}the only document is not one of entitle's"),
        count => format!("{location}none of the {count} documents is one of entitle's"),
    };
    let hint = format!(
        "name the folder with your manifests, or set `paths` in entitle.yaml; a manifest starts with `apiVersion: {}`",
        manifest::API_VERSION
    );
    Diagnostic::error("no-manifests", message).hint(hint)
}

/// Returns one hash of the names and texts of all files.
pub fn digest_of(sources: &[Arc<Source>]) -> String {
    let parts: Vec<_> = sources
        .iter()
        .map(|source| (&source.name, source.hash()))
        .collect();
    plan::fingerprint::json_digest(&parts)
}

/// Adds an error if an acceptance of drift names a field that the kind does not have: it would never have an effect.
fn refuse_unknown_field(entry: &AcceptedDrift, findings: &mut Diagnostics) {
    let kind = entry.object.split('/').next().unwrap_or_default();
    let fault = provider::find_kind(kind).and_then(|provider| {
        let table = provider.table().desired;
        provider::audit::path_fault("field", table, &entry.field.parts)
    });
    if let Some(finding) = fault {
        findings.push(finding.at(&entry.origin.source, entry.origin.mark));
    }
}
