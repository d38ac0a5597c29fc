//! What a shell may complete beyond flags: names from the manifests and the journal. Never from the network,
//! and never for longer than a person waits for a key.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap_complete::engine::CompletionCandidate;

use super::args::StoreArgs;
use super::{project, setup, state};
use crate::apply::memory::runs::runs_that_wrote;
use crate::apply::records::Records;
use crate::manifest::{self, own_kind::OwnKind};
use crate::model::Node;
use crate::provider;

/// Beyond this the names found so far have to do.
const PATIENCE: Duration = Duration::from_millis(300);

/// `Kind/name` of every object in the project's manifests, or in those here.
pub fn complete_objects() -> Vec<CompletionCandidate> {
    let start = Instant::now();
    let limits = setup::read_limits(Some(PATIENCE));
    let loaded = manifest::load(&project::default_paths(), &mut std::io::empty(), &limits);
    let kinds = provider::kind_rows();
    let mut names = BTreeSet::new();
    for source in &loaded.sources {
        for document in manifest::documents(source, &kinds) {
            names.extend(document_address(&document));
        }
        if start.elapsed() > PATIENCE {
            break;
        }
    }
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Returns `Kind/name` of a document; `None` if it is no object of a known kind, or has no name.
fn document_address(document: &Node) -> Option<String> {
    let kind = document.get("kind")?.text()?;
    provider::find_kind(kind)?;
    let name = document.get("metadata")?.get("name")?.text()?;
    Some(format!("{kind}/{name}"))
}

/// The runs that wrote something, the last first.
pub fn complete_runs() -> Vec<CompletionCandidate> {
    // A store of a team is on the network.
    let defaults = StoreArgs::default();
    let journal = state::journal_path(&defaults).ok();
    let records = journal.and_then(|path| Records::open(&path).ok());
    let runs = records.map_or_else(Vec::new, runs_that_wrote);
    let named = runs.iter().rev().take(20);
    std::iter::once("latest")
        .chain(named.map(|wrote| wrote.run.as_str()))
        .enumerate()
        .map(|(position, run)| CompletionCandidate::new(run).display_order(Some(position)))
        .collect()
}

/// Everything that `explain` knows.
pub fn complete_kinds() -> Vec<CompletionCandidate> {
    let vendors = provider::all_kinds().map(|kind| kind.table().kind.0);
    vendors
        .chain(OwnKind::ALL.map(OwnKind::name))
        .map(CompletionCandidate::new)
        .collect()
}
