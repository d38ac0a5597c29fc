//! Where the files of a starter project go: the folder of manifests, and the top of the repository around it.
//!
//! Hosts read jobs, and editors read settings, at the top of a repository only. Commands and jobs run there too, so the
//! folder is named from there.

use std::path::{Component, Path, PathBuf};

use crate::cli::error::{CommandResult, bail};

/// The folders of a project.
pub struct ProjectLayout {
    /// The way from the working directory to the top; empty if that is where we are.
    pub top: PathBuf,
    /// The folder of the manifests below the top, with slashes; `.` if it is the top.
    pub folder: String,
}

impl ProjectLayout {
    /// Finds the top for manifests in `dir`, which need not exist: the root of the git repository around it, else the working
    /// directory if `dir` is below it, else the folder that `dir` is in.
    ///
    /// Returns `Err` for a folder with characters that would have to be quoted in a job.
    pub fn find(dir: &Path) -> CommandResult<Self> {
        let here = std::env::current_dir()?;
        let here = here.canonicalize().unwrap_or(here);
        let dir = resolve(&here.join(dir));
        let repository = dir.ancestors().find(|folder| folder.join(".git").exists());
        let root = match repository {
            Some(root) => root.to_path_buf(),
            None if dir.starts_with(&here) => here.clone(),
            None => dir.parent().unwrap_or(&dir).to_path_buf(),
        };
        let below = dir.strip_prefix(&root).unwrap_or(Path::new(""));
        let folder = below.to_string_lossy().replace('\\', "/");
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if !folder.chars().all(is_plain) {
            bail!(
                "the jobs name the folder {folder:?}: give it a name of letters, digits, `.`, `_` and `-`"
            );
        }
        let folder = if folder.is_empty() {
            ".".into()
        } else {
            folder
        };
        Ok(Self {
            top: way_to(&here, &root),
            folder,
        })
    }

    /// Returns the path of a file in the folder of manifests, or a pattern for several, from the top.
    pub fn manifest(&self, name: &str) -> String {
        match self.folder.as_str() {
            "." => name.to_string(),
            folder => format!("{folder}/{name}"),
        }
    }

    /// Returns the way from the folder of manifests to the top: `../` for each step.
    pub fn way_up(&self) -> String {
        match self.folder.as_str() {
            "." => String::new(),
            folder => "../".repeat(folder.split('/').count()),
        }
    }
}

/// Resolves links and dots in a path of which the end may not exist.
fn resolve(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(resolved.pop()),
            other => resolved.push(other),
        }
        if let Ok(real) = resolved.canonicalize() {
            resolved = real;
        }
    }
    resolved
}

/// Returns the way from `here` to a folder at or above it, or the folder itself if it is elsewhere.
fn way_to(here: &Path, root: &Path) -> PathBuf {
    match here.strip_prefix(root) {
        Ok(below) => below.components().map(|_| "..").collect(),
        Err(_) => root.to_path_buf(),
    }
}
