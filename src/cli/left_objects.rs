//! Which objects a plan or an apply says are no longer managed.
//!
//! In: the checked manifests, the selection that was typed, and the store. Out: the objects of the journal that lost their
//! manifest. A run that was narrowed, or looks at another time, cannot tell, and says nothing.

use std::path::{Path, PathBuf};

use super::args::{Selection, StoreArgs};
use super::command_run::Access;
use super::error::CommandResult;
use super::setup::Setup;
use super::work_tree::find_work_tree;
use super::{output, stores};
use crate::apply::memory::Detail;
use crate::files::tree_name::TreeNames;
use crate::reconcile::{Checked, LeftObjects, ManifestCoverage};

/// Returns the names of files as seen from the working directory.
pub fn tree_names() -> TreeNames {
    let here = std::env::current_dir().unwrap_or_default();
    let tree = find_work_tree(&here);
    TreeNames::new(here, tree)
}

/// Notes the objects of manifests that were just read; `None` if the selection leaves some of them out.
pub fn note_managed(checked: &Checked, selection: &Selection) -> Option<ManifestCoverage> {
    let Selection {
        paths,
        target,
        exclude,
        selector,
        environment: _,
        cache: _,
    } = selection;
    if !(target.is_empty() && exclude.is_empty() && selector.is_empty()) {
        return None;
    }
    let (names, here) = (tree_names(), [PathBuf::from(".")]);
    let paths = if paths.is_empty() { &here } else { &paths[..] };
    let read = paths
        .iter()
        .filter_map(|path: &PathBuf| names.name(Path::new(path)));
    Some(ManifestCoverage::of(checked, read.collect()))
}

/// Reads the store, and returns the objects that lost their manifest. A store that was named and cannot be read is a warning:
/// the plan is whole without it. Files of this user that are not there, as in many a job, are no fault at all. A trial run has no past except the journal that `--journal` names.
pub async fn find_left(
    setup: &Setup,
    asked: &StoreArgs,
    managed: Option<ManifestCoverage>,
) -> LeftObjects {
    let Some(managed) = managed.filter(|_| !setup.is_trial() || asked.journal.is_some()) else {
        return LeftObjects::new();
    };
    match read_left(setup, asked, &managed).await {
        Ok(left) => left,
        Err(_) if asked.shared.url.is_none() && asked.journal.is_none() => LeftObjects::new(),
        Err(error) => {
            output::print_warning(&format!(
                "{error:#}; going on without: objects that lost their manifest are not named"
            ));
            LeftObjects::new()
        }
    }
}

async fn read_left(
    setup: &Setup,
    asked: &StoreArgs,
    managed: &ManifestCoverage,
) -> CommandResult<LeftObjects> {
    let args = setup.store_args(asked);
    let store = stores::open_store(&args, Access::Read).await?;
    let accounts = stores::manifest_accounts(&setup.checked);
    let memory = stores::read_memory(&*store, args.reader(), &accounts, Detail::Names).await?;
    Ok(managed.find_left(&memory))
}
