//! Goes through a tree: directories first, then links in the order of their names, until nothing is left.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ignores::Ignores;
use super::{
    Found, GIT, GITIGNORE, Kind, Limits, Manifest, Named, Place, Root, Target, Tree, is_hidden,
    is_manifest, leads_out, or_here, out_of_time, severity,
};
use crate::model::Diagnostic;
use crate::model::diagnostic::Severity;

/// Finds the manifests below `roots`.
pub(super) fn walk(tree: &dyn Tree, roots: &[Root], limits: &Limits) -> Found {
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
        links.sort_by_cached_key(Link::shown);
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
