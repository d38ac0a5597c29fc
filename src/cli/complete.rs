//! The words that a shell completes beyond flags: names from the manifests and the journal. Completion never uses the
//! network, and never takes longer than a person waits for a key.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Command;
use clap_complete::engine::CompletionCandidate;

use super::args::StoreArgs;
use super::{project, setup, state};
use crate::apply::memory::history::shorten_names;
use crate::apply::memory::runs::runs_that_wrote;
use crate::apply::records::Records;
use crate::manifest::{self, own_kind::OwnKind};
use crate::model::address::refuse_name;
use crate::model::{Node, compare_natural};
use crate::provider;

/// Beyond this the names found so far have to do.
const PATIENCE: Duration = Duration::from_millis(300);

/// Returns the manifest paths in a command line that is not complete; none if it has none, or none yet.
///
/// `words` are as the shell splits them, the program first: in `entitle plan examples --target Lac` the path is
/// `examples`. Whatever is wrong in the line so far is passed over. A `~/` at the beginning of a path is the home
/// directory, which a shell puts in only when it runs the line.
pub fn find_typed_paths(
    commands: Command,
    words: impl Iterator<Item = OsString>,
    home: Option<PathBuf>,
) -> Vec<PathBuf> {
    let typed = commands.ignore_errors(true).try_get_matches_from(words);
    let Ok(typed) = typed else {
        return Vec::new();
    };
    let chosen = typed.subcommand().map(|(_, chosen)| chosen);
    let paths = chosen.and_then(|chosen| chosen.try_get_many::<PathBuf>("paths").ok()?);
    let expand = |path: &PathBuf| match (path.strip_prefix("~"), &home) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path.clone(),
    };
    paths.into_iter().flatten().map(expand).collect()
}

/// Returns `Kind/name` of the objects in the manifests at `paths` that begins with what was typed.
pub fn complete_objects(paths: &[PathBuf], typed: &OsStr) -> Vec<CompletionCandidate> {
    let addresses = read_documents(paths, document_address);
    candidates(addresses.into_iter(), typed)
}

/// Returns the same for an argument that takes names alone too: these, where no kind begins so.
pub fn complete_objects_and_names(paths: &[PathBuf], typed: &OsStr) -> Vec<CompletionCandidate> {
    let addresses = read_documents(paths, document_address);
    let names = addresses
        .iter()
        .filter_map(|address| address.split_once('/'));
    let names: BTreeSet<String> = names.map(|(_, name)| name.to_string()).collect();
    let found = candidates(addresses.into_iter(), typed);
    match found.is_empty() {
        true => candidates(names.into_iter(), typed),
        false => found,
    }
}

/// Returns the names of the connections in the manifests at `paths` that begin with what was typed.
pub fn complete_connections(paths: &[PathBuf], typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = read_documents(paths, |document| {
        let kind = document.get("kind")?.text()?;
        (kind == OwnKind::Connection.name()).then(|| document_name(document))?
    });
    candidates(names.into_iter(), typed)
}

/// Returns the names of the vendors.
pub fn complete_vendors() -> Vec<CompletionCandidate> {
    let vendors = provider::ALL.iter().map(|one| one.vendor().0);
    vendors.map(CompletionCandidate::new).collect()
}

/// Returns those names that begin with what was typed, in their natural order.
fn candidates(names: impl Iterator<Item = String>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let mut fitting: Vec<String> = names.filter(|name| name.starts_with(&*typed)).collect();
    fitting.sort_by(|one, other| compare_natural(one, other));
    let fitting = fitting.into_iter().enumerate();
    fitting
        .map(|(position, name)| CompletionCandidate::new(name).display_order(Some(position)))
        .collect()
}

/// Reads the manifests at `paths`, or those of the project without any, and returns what `pick` finds in each document.
fn read_documents(paths: &[PathBuf], pick: impl Fn(&Node) -> Option<String>) -> BTreeSet<String> {
    let start = Instant::now();
    let limits = setup::read_limits(Some(PATIENCE));
    let usual = project::default_paths();
    let paths = if paths.is_empty() { &usual } else { paths };
    let loaded = manifest::load(paths, &mut std::io::empty(), &limits);
    let kinds = provider::kind_rows();
    let mut found = BTreeSet::new();
    for source in &loaded.sources {
        let documents = manifest::documents(source, &kinds);
        found.extend(documents.iter().filter_map(&pick));
        if start.elapsed() > PATIENCE {
            break;
        }
    }
    found
}

/// Returns `Kind/name` of a document; `None` if it is no object of a known kind, or has no valid name.
fn document_address(document: &Node) -> Option<String> {
    let kind = document.get("kind")?.text()?;
    provider::find_kind(kind)?;
    Some(format!("{kind}/{}", document_name(document)?))
}

/// Returns the name of a document; `None` if it has none, or one that no command accepts.
fn document_name(document: &Node) -> Option<String> {
    let name = document.get("metadata")?.get("name")?.text()?;
    refuse_name(name).is_none().then(|| name.to_string())
}

/// The runs that wrote something, the last first.
pub fn complete_runs() -> Vec<CompletionCandidate> {
    // A store of a team is on the network.
    let defaults = StoreArgs::default();
    let journal = state::journal_path(&defaults).ok();
    let records = journal.and_then(|path| Records::open(&path).ok());
    let runs = records.map_or_else(Vec::new, runs_that_wrote);
    let names: BTreeSet<&str> = runs.iter().map(|run| run.run.as_str()).collect();
    // Names sort in the order in which runs began.
    let shorts = shorten_names(&names);
    let named = shorts.iter().rev().take(20);
    std::iter::once("latest")
        .chain(named.copied())
        .enumerate()
        .map(|(position, run)| CompletionCandidate::new(run).display_order(Some(position)))
        .collect()
}

/// The kinds of vendors' objects.
pub fn complete_object_kinds() -> Vec<CompletionCandidate> {
    let kinds = provider::all_kinds().map(|kind| kind.table().kind.0);
    kinds.map(CompletionCandidate::new).collect()
}

/// Everything that `explain` knows.
pub fn complete_kinds() -> Vec<CompletionCandidate> {
    let own_kinds = OwnKind::ALL.map(OwnKind::name);
    let own_kinds = own_kinds.map(CompletionCandidate::new);
    complete_object_kinds()
        .into_iter()
        .chain(own_kinds)
        .chain(complete_vendors())
        .collect()
}
