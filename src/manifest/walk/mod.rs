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

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

pub use commit::{Blob, Commit, contents};
pub use disk::{Disk, Roots, tidy};
use ignores::Ignores;
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
    let mut walker = Walker {
        tree,
        limits,
        seen: HashMap::new(),
        open: Vec::new(),
        links: Vec::new(),
        over: false,
        found: Found::default(),
    };
    // Names without a link come first, so that what has several is read under the plainest.
    for root in roots {
        walker.start(root);
    }
    while !walker.links.is_empty() && !walker.over {
        let mut links = std::mem::take(&mut walker.links);
        links.sort_by(|a, b| a.shown().cmp(&b.shown()));
        for link in links {
            walker.follow(&link);
        }
    }
    walker.found
}

/// A directory that is walked.
struct Directory {
    shown: PathBuf,
    /// Its names below the top, links not followed: what `.gitignore` files match.
    way: PathBuf,
    real: PathBuf,
    home: Option<Rc<Path>>,
    ignores: Option<Rc<Ignores>>,
    /// The place of the named path it is below.
    root: usize,
}

/// A link that is followed once everything without a link was found.
struct Link {
    directory: Rc<Directory>,
    name: OsString,
}

impl Link {
    fn shown(&self) -> PathBuf {
        self.directory.shown.join(&self.name)
    }
}

struct Walker<'t> {
    tree: &'t dyn Tree,
    limits: &'t Limits,
    /// Directories that were entered and files that were taken, with the place of their named path.
    seen: HashMap<PathBuf, usize>,
    open: Vec<Directory>,
    links: Vec<Link>,
    over: bool,
    found: Found,
}

impl Walker<'_> {
    fn start(&mut self, root: &Root) {
        let number = self.found.named.len();
        self.found.named.push(Named {
            shown: root.shown.clone(),
            overlaps: false,
        });
        let (real, kind) = match &root.target {
            Target::To(real, kind) => (real, *kind),
            Target::Out(target) => {
                let home = root.home.as_deref();
                return self
                    .found
                    .findings
                    .push(leads_out(&root.shown, target, home));
            }
        };
        if kind != Kind::Directory {
            return self.take(root.shown.clone(), real.clone(), number);
        }
        let ignores = root
            .top
            .as_deref()
            .and_then(|top| self.ignores_above(top, real));
        self.enter(Directory {
            shown: root.shown.clone(),
            way: real.clone(),
            real: real.clone(),
            home: root.home.as_deref().map(Rc::from),
            ignores,
            root: number,
        });
    }

    /// The `.gitignore` files of the directories from `top` down to the one above `directory`.
    fn ignores_above(&mut self, top: &Path, directory: &Path) -> Option<Rc<Ignores>> {
        let above = directory.ancestors().skip(1);
        let mut above: Vec<&Path> = above.take_while(|one| one.starts_with(top)).collect();
        above.reverse();
        let mut ignores = None;
        for directory in above {
            ignores = self.ignores_of(directory, directory, directory, ignores);
        }
        ignores
    }

    /// The `.gitignore` files that count in a directory; those above it alone, if its own cannot be used.
    fn ignores_of(
        &mut self,
        shown: &Path,
        way: &Path,
        real: &Path,
        above: Option<Rc<Ignores>>,
    ) -> Option<Rc<Ignores>> {
        let text = match self.tree.read(&real.join(GITIGNORE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return above,
            Err(error) => {
                self.unusable(shown, &error);
                return above;
            }
        };
        match Ignores::new(&text, way, above.clone()) {
            Ok(own) => Some(Rc::new(own)),
            Err(why) => {
                self.unusable(shown, &why);
                above
            }
        }
    }

    fn unusable(&mut self, directory: &Path, why: &dyn std::fmt::Display) {
        let file = directory.join(GITIGNORE);
        let message = format!("{} is not used: {why}", file.display());
        self.found
            .findings
            .push(Diagnostic::warning("unreadable", message));
    }

    /// Walks a directory and everything below it but links.
    fn enter(&mut self, directory: Directory) {
        self.open(directory);
        while let Some(directory) = self.open.pop() {
            if self.is_over(&directory.shown) {
                return;
            }
            self.read(directory);
        }
    }

    fn open(&mut self, directory: Directory) {
        if self.is_new(&directory.real, &directory.shown, directory.root) {
            self.open.push(directory);
        }
    }

    fn read(&mut self, mut directory: Directory) {
        let names = match self.tree.list(&directory.real) {
            Ok(names) => names,
            Err(error) => return self.failed(&directory.shown, Place::Directory, &error),
        };
        if names
            .iter()
            .any(|(name, kind)| name == GITIGNORE && *kind == Kind::File)
        {
            let Directory {
                shown, way, real, ..
            } = &directory;
            let above = directory.ignores.clone();
            directory.ignores = self.ignores_of(shown, way, real, above);
        }
        let directory = Rc::new(directory);
        for (name, kind) in names {
            if name != GIT && name != GITIGNORE {
                self.name(&directory, name, kind);
            }
        }
    }

    fn name(&mut self, directory: &Rc<Directory>, name: OsString, kind: Kind) {
        let shown = || directory.shown.join(&name);
        if is_hidden(&name) {
            return self.found.passed.hidden.add(shown);
        }
        if let Some(ignores) = &directory.ignores
            && ignores.holds(&directory.way.join(&name), kind)
        {
            return self.found.passed.ignored.add(shown);
        }
        match kind {
            Kind::Directory => self.open(Directory {
                shown: shown(),
                way: directory.way.join(&name),
                real: directory.real.join(&name),
                home: directory.home.clone(),
                ignores: directory.ignores.clone(),
                root: directory.root,
            }),
            Kind::Link => self.links.push(Link {
                directory: Rc::clone(directory),
                name,
            }),
            _ => {
                let real = directory.real.join(&name);
                self.file(directory, &name, real, kind);
            }
        }
    }

    /// A name that stands for no directory.
    fn file(&mut self, directory: &Directory, name: &OsStr, real: PathBuf, kind: Kind) {
        let shown = directory.shown.join(name);
        match kind {
            Kind::Submodule => {
                let message = format!(
                    "{} is a submodule: its files are in another repository, and are not read",
                    shown.display()
                );
                let finding = Diagnostic::warning("unreadable", message);
                self.found.findings.push(finding);
            }
            _ if !is_manifest(name) => self.found.passed.unnamed.add(|| shown),
            Kind::File => self.take(shown, real, directory.root),
            _ => self.found.passed.special.add(|| shown),
        }
    }

    fn take(&mut self, shown: PathBuf, real: PathBuf, root: usize) {
        if self.is_new(&real, &shown, root) {
            self.found.files.push(Manifest { shown, real });
        }
    }

    /// Whether a file or directory was not found before, under whatever name.
    fn is_new(&mut self, real: &Path, shown: &Path, root: usize) -> bool {
        let Some(first) = self.seen.get(real) else {
            self.seen.insert(real.to_path_buf(), root);
            return true;
        };
        self.found.passed.again.add(|| or_here(shown).to_path_buf());
        if let Some(named) = self.found.named.get_mut(root) {
            named.overlaps |= *first != root;
        }
        false
    }

    fn follow(&mut self, link: &Link) {
        let Link { directory, name } = link;
        let shown = link.shown();
        if self.over || self.is_over(&shown) {
            return;
        }
        let home = directory.home.as_deref();
        match self.tree.resolve(&directory.real.join(name), home) {
            Ok(Target::To(real, Kind::Directory)) => self.enter(Directory {
                way: directory.way.join(name),
                shown,
                real,
                home: directory.home.clone(),
                ignores: directory.ignores.clone(),
                root: directory.root,
            }),
            Ok(Target::To(real, kind)) => self.file(directory, name, real, kind),
            Ok(Target::Out(target)) => {
                let finding = leads_out(&shown, &target, home);
                self.found.findings.push(finding);
            }
            Err(error) => self.failed(&shown, Place::Link, &error),
        }
    }

    /// What cannot be read, if it would have been.
    fn failed(&mut self, shown: &Path, place: Place, error: &io::Error) {
        let name = shown.file_name().unwrap_or_default();
        let what = match place {
            Place::Directory => "",
            Place::Link => "the link ",
        };
        let message = format!("cannot read {what}{}: {error}", or_here(shown).display());
        match severity(name, place, error.kind()) {
            Some(Severity::Error) => {
                let finding = Diagnostic::error("unreadable", message);
                self.found.findings.push(finding);
            }
            Some(Severity::Warning) => {
                let finding = Diagnostic::warning("unreadable", message);
                self.found.findings.push(finding.hint("it is passed over"));
            }
            None => self.found.passed.dangling.add(|| shown.to_path_buf()),
        }
    }

    fn is_over(&mut self, at: &Path) -> bool {
        if !self.over && self.limits.is_over() {
            self.over = true;
            self.found.findings.push(out_of_time(at));
        }
        if self.over {
            self.open.clear();
        }
        self.over
    }
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
