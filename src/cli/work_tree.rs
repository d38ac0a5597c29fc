//! The working tree that a command runs in, and what it may reach from there in a CI job.
//!
//! In a CI job the tree may come from the author of any pull request: manifests are read from inside the tree only, and
//! files that a run writes follow none of its links.

use std::path::{Path, PathBuf};

use crate::cli::error::{CommandResult, bail};
use crate::files::links::LinkPolicy;

/// Reports whether this is the job of a CI system, where manifests may come from the author of
/// any pull request.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Refuses manifests from outside the working tree in a CI job: what is carried out there unattended is what was
/// reviewed and checked out, and not what lies beside it, for example in an artifact.
pub fn refuse_outside(paths: &[PathBuf]) -> CommandResult<()> {
    if !is_ci() {
        return Ok(());
    }
    let tree = find_work_tree(&std::env::current_dir()?);
    let tree = tree.and_then(|tree| tree.canonicalize().ok());
    let named = paths.iter().filter(|path| path.as_os_str() != "-");
    for path in named {
        // A path that does not exist is reported by the reader.
        let Ok(real) = path.canonicalize() else {
            continue;
        };
        if !tree.as_ref().is_some_and(|tree| real.starts_with(tree)) {
            bail!(
                "{} is outside the working tree: with CI set, a saved plan is applied to the manifests of the checkout",
                path.display()
            );
        }
    }
    Ok(())
}

/// The links that files written by a run may follow: in a CI job none of the checkout, whose links may come from
/// the author of a pull request.
pub fn link_policy() -> LinkPolicy {
    let here = std::env::current_dir().unwrap_or_default();
    let tree = find_work_tree(&here).filter(|_| is_ci());
    tree.map_or(LinkPolicy::Follow, |tree| LinkPolicy::refuse_below(&tree))
}

/// Returns the nearest directory upward that git manages, or the one we are in. Never the root of the file system, which
/// is where services are started: everything is below it.
pub fn find_work_tree(here: &Path) -> Option<PathBuf> {
    let managed = here.ancestors().find(|dir| dir.join(".git").exists());
    let tree = managed.unwrap_or(here);
    tree.parent().is_some().then(|| tree.to_path_buf())
}

/// Returns the working directory relative to the top of the repository, with slashes; empty at the top.
///
/// Annotations in CI name files from there.
pub fn below_top() -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let top = workspace
        .filter(|top| here.starts_with(top))
        .or_else(|| find_work_tree(&here))
        .unwrap_or_else(|| here.clone());
    let below = here.strip_prefix(top).unwrap_or(Path::new(""));
    below.to_string_lossy().replace('\\', "/")
}
