//! Finds manifests: which files of a directory, or of a commit, are read, and why the others are not.
//!
//! There is one rule for both, whatever command asks:
//!
//! * A file is a manifest if its name ends in `.yaml` or `.yml`, in whatever case.
//! * Names that begin with a dot are hidden: they are passed over, with everything below them.
//! * What a `.gitignore` matches is passed over, whether or not git tracks it. The `.gitignore` files of the
//!   repository count, from its top down; outside of a repository those from the named directory down. No other
//!   file of any tool hides a manifest.
//! * A link stands for what it leads to, under its own name. No directory and no file is read twice: one that has
//!   several names is read under the one without a link.
//! * Links that lead out of the tree are followed or refused, as [`Limits`] say. A commit has nothing else to follow.
//! * Paths that a command names are read whatever they are called.
//!
//! An error counts only if what it is about would have been read; [`severity`] decides.

mod commit;
mod disk;
mod ignores;
mod passed;
mod walker;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use commit::{Blob, Commit, MissingBlob, contents};
pub use disk::{Disk, Roots, tidy};
pub use passed::{PassedOver, Tally};

use crate::model::diagnostic::Severity;
use crate::model::{Diagnostic, Diagnostics};

/// How far the reading of manifests may go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Whether links that lead out of the tree are refused: with `CI` set, whoever opens a pull request brings them.
    pub inside: bool,
    /// When reading ends, whether or not everything was read.
    pub deadline: Option<Instant>,
}

impl Limits {
    pub fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The code of [`out_of_time`].
pub const TIMEOUT: &str = "timeout";

/// Says that reading stopped at its deadline.
pub fn out_of_time(at: &Path) -> Diagnostic {
    let at = or_here(at).display();
    let message = format!("reading the manifests took longer than --timeout: it stopped at {at}");
    Diagnostic::error(TIMEOUT, message)
        .hint("name the directories that hold manifests, or give it more time; links may lead to large directories")
}

/// Whether a file of this name is a manifest.
pub fn is_manifest(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension.is_some_and(|own| {
        ["yaml", "yml"]
            .iter()
            .any(|one| own.eq_ignore_ascii_case(one))
    })
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Link,
    /// A directory whose files are in another repository, which a commit does not have.
    Submodule,
    /// A pipe, a socket or a device.
    Other,
}

/// Where a path leads once all of its links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    To(PathBuf, Kind),
    /// Out of the tree; the text is where, for people.
    Out(String),
}

/// What can be walked. Paths are those that [`Tree::resolve`] gives out, and names below them.
pub trait Tree {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, Kind)>>;

    /// Follows every link of a path. One that leads out of `home` is not followed; without a home there is no out.
    fn resolve(&self, path: &Path, home: Option<&Path>) -> io::Result<Target>;

    fn read(&self, file: &Path) -> io::Result<String>;
}

/// A path that a command names.
#[derive(Clone, Debug)]
pub struct Root {
    /// The path as it is shown; empty for the current directory.
    pub shown: PathBuf,
    pub target: Target,
    /// The top of the repository it lies in, as a path of the tree.
    pub top: Option<PathBuf>,
    /// What links may not lead out of.
    pub home: Option<PathBuf>,
}

/// A named path, for whoever checks that it holds a manifest.
#[derive(Clone, Debug)]
pub struct Named {
    pub shown: PathBuf,
    /// Whether something in it is read as a part of another named path.
    pub overlaps: bool,
}

impl Named {
    /// Whether a file of this name was found here.
    pub fn holds(&self, name: &Path) -> bool {
        if self.shown.as_os_str().is_empty() {
            return name.is_relative() && !name.starts_with("..");
        }
        name.starts_with(&self.shown)
    }

    /// The path, for people.
    pub fn path(&self) -> &Path {
        or_here(&self.shown)
    }
}

/// A file that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub shown: PathBuf,
    pub real: PathBuf,
}

/// What was found under the named paths.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<Manifest>,
    pub named: Vec<Named>,
    pub passed: PassedOver,
    pub findings: Diagnostics,
}

/// Finds the manifests below `roots`.
pub fn walk(tree: &dyn Tree, roots: &[Root], limits: &Limits) -> Found {
    walker::walk(tree, roots, limits)
}

const GIT: &str = ".git";
const GITIGNORE: &str = ".gitignore";

/// The directory that every Linux file system has at its top, for root alone.
const LOST_AND_FOUND: &str = "lost+found";

/// What could not be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Directory,
    /// What a link leads to.
    Link,
}

/// How bad it is that something that is neither hidden nor ignored cannot be read; `None` if nobody has to hear of it.
///
/// A directory may hold manifests, and so may what a link leads to. But a link to nothing is left behind by editors
/// and package managers, and only one with the name of a manifest would have been read.
pub fn severity(name: &OsStr, place: Place, error: io::ErrorKind) -> Option<Severity> {
    let gone = error == io::ErrorKind::NotFound;
    match place {
        // It went away after its name was read.
        Place::Directory if gone => None,
        Place::Directory if name == LOST_AND_FOUND => Some(Severity::Warning),
        Place::Directory => Some(Severity::Error),
        Place::Link if is_manifest(name) => Some(Severity::Error),
        Place::Link if error == io::ErrorKind::PermissionDenied => Some(Severity::Warning),
        Place::Link => None,
    }
}

fn leads_out(shown: &Path, target: &str, home: Option<&Path>) -> Diagnostic {
    let home = home.filter(|home| !home.as_os_str().is_empty());
    let tree = match home {
        Some(home) => format!("the tree {}", home.display()),
        None => "the tree of the commit".into(),
    };
    let message = format!(
        "the link {} leads out of {tree}, to {target}",
        or_here(shown).display()
    );
    Diagnostic::error("link-leads-out", message)
        .hint("keep manifests inside the tree, or name the directory it leads to; a `.gitignore` hides the link")
}

/// The path, or `.` for the empty one.
fn or_here(path: &Path) -> &Path {
    match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    }
}

#[cfg(test)]
mod tests;
