//! Load and audit: everything about manifests that can be checked without network and secrets.

use crate::plan::document::Destination;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::Cache;
use super::connections::{connection_of, connections, notifications, through};
use crate::manifest::load::Known;
use crate::manifest::lower::{Lowering, Memory};
use crate::manifest::walk::{Named, PassedOver};
use crate::manifest::{self, Limits, Loaded, Manifests, lower};
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow};
use crate::model::{
    AcceptedDrift, Connection, Desired, Diagnostic, Diagnostics, Notification, Vendor,
};
use crate::plan::document::SourceFacts;
use crate::plan::{self, provenance};
use crate::provider;

/// Manifests that passed every check that needs no network.
#[derive(Clone)]
pub struct Checked {
    pub desired: Vec<Arc<Desired>>,
    pub connections: BTreeMap<String, Connection>,
    /// Drift that the manifests accept.
    pub accepted: Vec<AcceptedDrift>,
    /// Who is told by the daemon.
    pub notifications: Vec<Notification>,
    pub source: SourceFacts,
    /// What was found beside the manifests.
    pub passed: PassedOver,
    pub findings: Diagnostics,
}

/// How manifests are checked.
#[derive(Default)]
pub struct CheckOptions {
    /// Whether a vendor without any connection is an error; `validate` of single files only warns.
    pub need_connections: bool,
    /// The simulators: every connection is pointed at its vendor's, and vendors without one get it.
    pub simulators: Option<Vec<Connection>>,
}

/// Bytes of large files that may be in memory before any of them is looked at.
const MOST_WAITING: usize = 64 << 20;

/// Files that were read, each with what it says by itself if that is known already.
#[derive(Default)]
pub struct Said {
    pub loaded: Loaded,
    pub(super) files: Vec<Option<Box<Manifests<Arc<Desired>>>>>,
    /// What earlier runs know of the files that are yet to be read.
    pub(super) cache: Option<Arc<Cache>>,
}

impl Said {
    /// Loads the files below `paths`, and takes what they say from each where it is read, or from the cache.
    pub fn of(
        paths: &[PathBuf],
        input: &mut dyn Read,
        limits: &Limits,
        cache: Option<Arc<Cache>>,
    ) -> Self {
        Self::unless_known(paths, input, limits, None, cache)
    }

    pub(super) fn unless_known(
        paths: &[PathBuf],
        input: &mut dyn Read,
        limits: &Limits,
        known: Option<(&Known<'_>, SystemTime)>,
        cache: Option<Arc<Cache>>,
    ) -> Self {
        let kinds = provider::kind_rows();
        let how = lowering(&kinds, cache.as_deref());
        // Large files wait until all are read, for their pieces to be spread over the cores, but not all of them.
        let waiting = AtomicUsize::new(0);
        let make = &|source: &Arc<Source>, label: &_| {
            let said = lower::lower_file(source, label, &how).or_else(|| {
                let length = source.text.len();
                let full = waiting.fetch_add(length, Ordering::Relaxed) + length > MOST_WAITING;
                let here = full.then(|| lower::lower_files(vec![Arc::clone(source)], &how));
                here?.pop()
            });
            said.map(Box::new)
        };
        let (loaded, files) = manifest::load_and(paths, input, limits, known, make);
        Self {
            loaded,
            files,
            cache,
        }
    }

    /// Lets what the cache knows stand for what it says of files that are yet to be read.
    pub fn with(self, cache: Option<Arc<Cache>>) -> Self {
        Self { cache, ..self }
    }

    /// Takes other files along, which nobody named.
    pub fn extend(&mut self, other: Self) {
        self.loaded.sources.extend(other.loaded.sources);
        self.loaded.findings.extend(other.loaded.findings);
        self.files.extend(other.files);
    }
}

impl From<Loaded> for Said {
    fn from(loaded: Loaded) -> Self {
        let files = loaded.sources.iter().map(|_| None).collect();
        Self {
            loaded,
            files,
            cache: None,
        }
    }
}

/// Checks everything that can be checked offline.
pub fn check(said: impl Into<Said>, options: &CheckOptions) -> Checked {
    check_among(said.into(), options, &BTreeMap::new())
}

/// The same for some files by themselves, of which others define the connections.
pub(super) fn check_among(
    said: Said,
    options: &CheckOptions,
    known: &BTreeMap<String, Connection>,
) -> Checked {
    let Said {
        mut loaded,
        files,
        cache,
    } = said;
    let labels = loaded.sources.iter().map(Source::label).collect();
    let sources = std::mem::replace(&mut loaded.sources, labels);
    let rest = sources.into_iter().zip(&files);
    let rest = rest.filter_map(|(source, said)| said.is_none().then_some(source));
    let kinds = provider::kind_rows();
    let how = lowering(&kinds, cache.as_deref());
    let mut rest = lower::lower_files(rest.collect(), &how).into_iter();
    let files = files.into_iter();
    let files = files.filter_map(|said| said.map_or_else(|| rest.next(), |said| Some(*said)));
    settle(loaded, files, options, known)
}

/// How files are lowered here.
pub(super) fn lowering<'a>(
    kinds: &'a [KindRow],
    cache: Option<&'a Cache>,
) -> Lowering<'a, Arc<Desired>> {
    Lowering {
        kinds,
        each: &audit,
        memory: cache.map(|cache| cache as &dyn Memory<_>),
    }
}

/// What becomes of a draft where it is read, for as long as its file stays as it is.
pub(super) fn audit(draft: Draft, findings: &mut Diagnostics) -> Option<Arc<Desired>> {
    let kind = provider::of_kind(draft.address.kind.0)?;
    provider::audit::audit(kind, draft, findings).map(Arc::new)
}

/// Checks what no file says by itself: names, references and connections.
pub(super) fn settle(
    loaded: Loaded,
    files: impl IntoIterator<Item = Manifests<Arc<Desired>>>,
    options: &CheckOptions,
    known: &BTreeMap<String, Connection>,
) -> Checked {
    // Of each file, how many documents are ours and how many there are.
    let mut counts = Vec::with_capacity(loaded.sources.len());
    let mut manifests = lower::join(files.into_iter().inspect(|file| {
        counts.push((file.documents - file.skipped, file.documents));
    }));
    let mut findings = loaded.findings;
    findings.extend(std::mem::take(&mut manifests.findings));
    if manifests.files > 0 && !findings.has_errors() {
        if manifests.documents == manifests.skipped {
            findings.push(none_of_ours("", manifests.documents));
        } else {
            refuse_empty_paths(&loaded.named, &loaded.sources, &counts, &mut findings);
        }
    }
    for connection in &manifests.connections {
        if let Some(provider) = provider::of(connection.vendor) {
            provider::auth::audit(provider.auth(), connection, &mut findings);
        }
    }
    // What a saved plan compares is where the manifests lead, not a simulator's port of one run.
    let places = manifests
        .connections
        .iter()
        .map(|c| (c.name.clone(), Destination::Url(c.base_url.to_string())));
    let mut places: BTreeMap<String, Destination> = places.collect();
    let fingerprints = manifests
        .connections
        .iter()
        .map(|c| (c.name.clone(), provenance::connection_fingerprint(c)));
    let mut fingerprints: BTreeMap<String, String> = fingerprints.collect();
    let mut connections = connections(manifests.connections, options.simulators.as_deref());
    for (name, connection) in known {
        let own = connections.entry(name.clone());
        own.or_insert_with(|| connection.clone());
    }
    if options.simulators.is_some() {
        places = connections
            .keys()
            .map(|name| (name.clone(), Destination::Sandbox))
            .collect();
        fingerprints = BTreeMap::new();
    }
    let notifications = notifications(manifests.notifications, &connections, &mut findings);
    let mut by_vendor: BTreeMap<Vendor, Vec<&str>> = BTreeMap::new();
    for connection in connections.values() {
        let own = by_vendor.entry(connection.vendor).or_default();
        own.push(&connection.name);
    }
    let required = options.need_connections;
    let mut desired = Vec::with_capacity(manifests.objects.len());
    for mut object in std::mem::take(&mut manifests.objects) {
        let audited = object.object.take();
        let connection = connection_of(&object, &connections, &by_vendor, required, &mut findings);
        if let (Some(audited), Some(connection)) = (audited, connection) {
            desired.push(through(audited, connection));
        }
    }
    refuse_equal_objects(&desired, &mut findings);
    for entry in &manifests.accepted {
        refuse_unknown_field(entry, &mut findings);
    }
    desired.sort_by(|a, b| a.address.cmp(&b.address));
    let source = SourceFacts {
        files: manifests.files,
        documents: manifests.documents,
        skipped: manifests.skipped,
        commit: None,
        manifests: digest_of(&loaded.sources),
        connections: places,
        connection_fingerprints: fingerprints,
        ..SourceFacts::default()
    };
    show(&mut findings);
    Checked {
        desired,
        connections,
        accepted: manifests.accepted,
        notifications,
        source,
        passed: loaded.passed,
        findings: findings.sorted(),
    }
}

/// Gives the places of findings the lines to be shown, from their files once more: each is read once, and none
/// stays in memory beside the next.
pub(super) fn show(findings: &mut Diagnostics) {
    let mut read = HashSet::new();
    for label in findings.labels() {
        if read.insert(label.name.clone())
            && let Some(source) = manifest::again(&label)
        {
            findings.show(&[source]);
        }
    }
}

/// Refuses every named path without a manifest: a wrong path is not an empty wish.
fn refuse_empty_paths(
    named: &[Named],
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
        // Whoever names files names many.
        let one = path.shown.to_str().and_then(|name| files.get(name));
        let held: Vec<&(usize, usize)> = match one {
            Some(counts) => vec![counts],
            None => {
                let held = files.iter().filter(|(name, _)| path.holds(Path::new(name)));
                held.map(|(_, counts)| *counts).collect()
            }
        };
        if held.is_empty() {
            findings.push(manifest::no_files(&[path.path()]));
        } else if held.iter().all(|(ours, _)| *ours == 0) {
            let place = format!("{}: ", path.path().display());
            let documents = held.iter().map(|(_, all)| all).sum();
            findings.push(none_of_ours(&place, documents));
        }
    }
}

/// Says that there is not a single document of ours; `place` says where.
fn none_of_ours(place: &str, documents: usize) -> Diagnostic {
    let message = match documents {
        0 => format!("{place}the files hold no document"),
        1 => format!("{place}the only document is not one of entitle's"),
        count => format!("{place}none of the {count} documents is one of entitle's"),
    };
    let hint = format!(
        "a manifest starts with `apiVersion: {}`",
        manifest::API_VERSION
    );
    Diagnostic::error("no-manifests", message).hint(hint)
}

/// One hash for the names and texts of all manifests.
pub fn digest_of(sources: &[Arc<Source>]) -> String {
    let parts: Vec<_> = sources
        .iter()
        .map(|source| (&source.name, source.hash()))
        .collect();
    plan::fingerprint::digest(&parts)
}

/// An acceptance of a field that the kind does not have would silence nothing, for ever.
fn refuse_unknown_field(entry: &AcceptedDrift, findings: &mut Diagnostics) {
    let kind = entry.object.split('/').next().unwrap_or_default();
    let fault = provider::of_kind(kind).and_then(|provider| {
        let table = provider.table().desired;
        provider::audit::path_fault("field", table, &entry.field.parts)
    });
    if let Some(finding) = fault {
        findings.push(finding.at(&entry.origin.source, entry.origin.mark));
    }
}

/// Two manifests for one object would undo each other at every apply.
fn refuse_equal_objects(desired: &[Arc<Desired>], findings: &mut Diagnostics) {
    let mut seen = HashMap::with_capacity(desired.len());
    for object in desired {
        let key = (object.address.kind, &object.connection, &object.identity);
        if let Some(first) = seen.get(&key).copied() {
            let first: &Desired = first;
            let message = format!(
                "{} and {} are the same object at {}",
                first.address, object.address, object.vendor
            );
            findings.push(
                Diagnostic::error("duplicate-object", message)
                    .at(&object.origin.source, object.origin.mark)
                    .also(first.origin.clone(), "the other manifest of it"),
            );
        } else {
            seen.insert(key, object.as_ref());
        }
    }
}
