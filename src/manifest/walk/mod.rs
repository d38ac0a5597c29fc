//! Finds manifests: decides which files of a directory, or of a commit, are read, and why the others are not.
//!
//! The rules are the same for both, and for every command:
//!
//! * A file is a manifest if its name ends in `.yaml` or `.yml`, in upper or lower case.
//! * Names that begin with a dot are hidden: they are passed over, with everything below them.
//! * Names that a `.gitignore` matches are passed over, whether or not git tracks them. The `.gitignore` files of the
//!   repository count, from its top down; outside of a repository those from the named directory down. No other
//!   file of any tool hides a manifest.
//! * A link is followed, and its target is read under the name of the link. No directory and no file is read twice: one
//!   with several names is read under the one without a link.
//! * Links that lead out of the tree are followed or refused, as [`ReadLimits`] say. A commit has nothing else to follow.
//! * Paths that a command names are read whatever their names.
//!
//! A file or directory that cannot be read is an error only if it would have been read; [`severity`] decides.

mod commit;
mod disk;
mod ignores;
mod passed;
mod walker;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use commit::{Blob, CommitTree, MissingBlob, split_blobs};
pub use disk::{Disk, RootResolver, normalize_path};
pub use passed::{PassedOver, Tally};

use crate::model::diagnostic::Severity;
use crate::model::{Diagnostic, Diagnostics};

/// The limits on reading manifests.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadLimits {
    /// Refuses links that lead out of the tree: with `CI` set, they come from the author of a pull request.
    pub inside: bool,
    /// When reading ends, whether or not everything was read. `None` for never.
    pub deadline: Option<Instant>,
}

impl ReadLimits {
    /// Reports whether the deadline has passed.
    pub fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The code of [`timeout_finding`].
pub const TIMEOUT: &str = "timeout";

/// Returns the finding that reading stopped at its deadline, with the path that it had come to.
pub fn timeout_finding(at: &Path) -> Diagnostic {
    let at = or_current_dir(at).display();
    let message = format!("reading the manifests took longer than --timeout: it stopped at {at}");
    Diagnostic::error(TIMEOUT, message)
        .hint("name the directories that hold manifests, or give it more time; links may lead to large directories")
}

/// Reports whether a file of this name is a manifest.
pub fn is_manifest(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension_name| {
        ["yaml", "yml"]
            .iter()
            .any(|one| extension_name.eq_ignore_ascii_case(one))
    })
}

/// Reports whether a name begins with a dot.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The kind of a name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Directory,
    File,
    Link,
    /// A directory whose files are in another repository, and so not in the commit.
    Submodule,
    /// A pipe, a socket or a device.
    Other,
}

/// The end of a path whose links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    To(PathBuf, EntryKind),
    /// Out of the tree; the text says where, for people.
    Out(String),
}

/// A tree that can be walked. Its methods take the paths that [`FileTree::resolve`] returns, and names below them.
pub trait FileTree {
    /// Returns the names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>>;

    /// Follows every link of a path, except one that leads out of `home`. Without a home no link leads out.
    fn resolve(&self, path: &Path, home: Option<&Path>) -> io::Result<LinkTarget>;

    /// Returns the text of a `.gitignore`.
    fn read(&self, file: &Path) -> io::Result<String>;
}

/// A path that a command names.
#[derive(Clone, Debug)]
pub struct NamedRoot {
    /// The path as it is shown to people; empty for the current directory.
    pub shown: PathBuf,
    pub target: LinkTarget,
    /// The top of the repository that it is in, as a path of the tree.
    pub top: Option<PathBuf>,
    /// The directory that links may not lead out of; `None` if they may lead anywhere.
    pub home: Option<PathBuf>,
}

/// A named path, to check that it holds a manifest.
#[derive(Clone, Debug)]
pub struct NamedPath {
    pub shown: PathBuf,
    /// Set if a part of it is read below another named path.
    pub overlaps: bool,
}

impl NamedPath {
    /// Reports whether a file of this name was found below it.
    pub fn holds(&self, name: &Path) -> bool {
        if self.shown.as_os_str().is_empty() {
            return name.is_relative() && !name.starts_with("..");
        }
        name.starts_with(&self.shown)
    }

    /// Returns the path as it is shown to people.
    pub fn path(&self) -> &Path {
        or_current_dir(&self.shown)
    }
}

/// A file that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    pub shown: PathBuf,
    pub real: PathBuf,
}

/// The manifests below the named paths.
#[derive(Debug, Default)]
pub struct FoundManifests {
    pub files: Vec<ManifestFile>,
    pub named: Vec<NamedPath>,
    pub passed: PassedOver,
    pub findings: Diagnostics,
}

/// Finds the manifests below `roots`.
pub fn walk(tree: &dyn FileTree, roots: &[NamedRoot], limits: &ReadLimits) -> FoundManifests {
    walker::walk(tree, roots, limits)
}

const GIT: &str = ".git";
const GITIGNORE: &str = ".gitignore";

/// The directory at the top of every Linux file system, which only root may read.
const LOST_AND_FOUND: &str = "lost+found";

/// The kind of a path that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadablePlace {
    Directory,
    /// The target of a link.
    Link,
}

/// Returns how bad it is that a path that is neither hidden nor ignored cannot be read; `None` if it is not worth a
/// finding.
///
/// A directory may hold manifests, and so may the target of a link. But editors and package managers leave links to
/// nothing behind, and only one with the name of a manifest would have been read.
pub fn severity(name: &OsStr, location: UnreadablePlace, error: io::ErrorKind) -> Option<Severity> {
    let gone = error == io::ErrorKind::NotFound;
    match location {
        // It was removed after its name was read.
        UnreadablePlace::Directory if gone => None,
        UnreadablePlace::Directory if name == LOST_AND_FOUND => Some(Severity::Warning),
        UnreadablePlace::Directory => Some(Severity::Error),
        UnreadablePlace::Link if is_manifest(name) => Some(Severity::Error),
        UnreadablePlace::Link if error == io::ErrorKind::PermissionDenied => {
            Some(Severity::Warning)
        }
        UnreadablePlace::Link => None,
    }
}

/// Returns the finding about a link that leads out of the tree.
fn link_leads_out(shown: &Path, target: &str, home: Option<&Path>) -> Diagnostic {
    let home = home.filter(|home| !home.as_os_str().is_empty());
    let tree = match home {
        Some(home) => format!("the tree {}", home.display()),
        None => "the tree of the commit".into(),
    };
    let message = format!(
        "the link {} leads out of {tree}, to {target}",
        or_current_dir(shown).display()
    );
    Diagnostic::error("link-leads-out", message)
        .hint("keep manifests inside the tree, or name the directory it leads to; a `.gitignore` hides the link")
}

/// Returns the path, or `.` for the empty one.
fn or_current_dir(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

#[cfg(test)]
mod tests;
