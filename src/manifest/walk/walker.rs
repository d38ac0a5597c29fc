//! Walks a tree: directories first, then links in the order of their names, until nothing is left.
//!
//! For example, a directory holds `a.yaml`, `b.yaml -> a.yaml` and `c -> ../shared`. The walk finds `a.yaml` first.
//! Then it follows `b.yaml`, counts it as already read, and finds the files of `../shared` under names that begin with
//! `c/`.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ignores::IgnoreRules;
use super::{
    EntryKind, FileTree, FoundManifests, GIT, GITIGNORE, LinkTarget, ManifestFile, NamedPath,
    NamedRoot, ReadLimits, UnreadablePlace, is_hidden, is_manifest, link_leads_out, or_current_dir,
    severity, timeout_finding,
};
use crate::model::diagnostic::Severity;
use crate::model::{Diagnostic, describe_io_error};

/// Finds the manifests below `roots`.
pub(super) fn walk(
    tree: &dyn FileTree,
    roots: &[NamedRoot],
    limits: &ReadLimits,
) -> FoundManifests {
    let mut walker = Walker {
        tree,
        limits,
        seen: HashMap::new(),
        open: Vec::new(),
        links: Vec::new(),
        is_timed_out: false,
        found: FoundManifests::default(),
    };
    // Names without a link come first, so that a file with several names is read under its own path.
    for root in roots {
        walker.start_root(root);
    }
    while !walker.links.is_empty() && !walker.is_timed_out {
        let mut links = std::mem::take(&mut walker.links);
        links.sort_by_cached_key(Link::shown);
        for link in links {
            walker.follow_link(&link);
        }
    }
    walker.found
}

/// A directory that is walked.
struct Directory {
    shown: PathBuf,
    /// Its path below the top with links not followed, which `.gitignore` files match.
    matched: PathBuf,
    real: PathBuf,
    home: Option<Rc<Path>>,
    ignores: Option<Rc<IgnoreRules>>,
    /// The index of the named path that it is below.
    root: usize,
}

/// A link, to be followed once all names without a link were found.
struct Link {
    directory: Rc<Directory>,
    name: OsString,
}

impl Link {
    /// Returns the path of the link as messages print it.
    fn shown(&self) -> PathBuf {
        self.directory.shown.join(&self.name)
    }
}

/// The state of one walk: what is still to be read, and what was found.
struct Walker<'t> {
    tree: &'t dyn FileTree,
    limits: &'t ReadLimits,
    /// Directories that were entered and files that were found, with the index of their named path.
    seen: HashMap<PathBuf, usize>,
    open: Vec<Directory>,
    links: Vec<Link>,
    is_timed_out: bool,
    found: FoundManifests,
}

impl Walker<'_> {
    /// Walks one path of the command line, or adds it as a file. A root that is a link out of the tree is a finding.
    ///
    /// The `.gitignore` files above a directory hold for it too: `entitle plan team/a` reads those of the top and of
    /// `team`.
    fn start_root(&mut self, root: &NamedRoot) {
        let number = self.found.named.len();
        self.found.named.push(NamedPath {
            shown: root.shown.clone(),
            overlaps: false,
        });
        let (real, kind) = match &root.target {
            LinkTarget::To(real, kind) => (real, *kind),
            LinkTarget::Out(target) => {
                let home = root.home.as_deref();
                return self
                    .found
                    .findings
                    .push(link_leads_out(&root.shown, target, home));
            }
        };
        if kind != EntryKind::Directory {
            return self.add_file(root.shown.clone(), real.clone(), number);
        }
        let ignores = root
            .top
            .as_deref()
            .and_then(|top| self.ignores_above(top, real));
        self.walk_directory(Directory {
            shown: root.shown.clone(),
            matched: real.clone(),
            real: real.clone(),
            home: root.home.as_deref().map(Rc::from),
            ignores,
            root: number,
        });
    }

    /// Reads the `.gitignore` files of the directories from `top` down to the one above `directory`.
    fn ignores_above(&mut self, top: &Path, directory: &Path) -> Option<Rc<IgnoreRules>> {
        let above = directory.ancestors().skip(1);
        let mut above: Vec<&Path> = above.take_while(|one| one.starts_with(top)).collect();
        above.reverse();
        let mut ignores = None;
        for directory in above {
            ignores = self.ignores_of(directory, directory, directory, ignores);
        }
        ignores
    }

    /// Reads the `.gitignore` of a directory, and returns the rules for it; only those from above if its own cannot be
    /// used.
    fn ignores_of(
        &mut self,
        shown: &Path,
        matched: &Path,
        real: &Path,
        above: Option<Rc<IgnoreRules>>,
    ) -> Option<Rc<IgnoreRules>> {
        let text = match self.tree.read(&real.join(GITIGNORE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return above,
            Err(error) => {
                self.warn_unusable(shown, &error);
                return above;
            }
        };
        match IgnoreRules::new(&text, matched, above.clone()) {
            Ok(rules) => Some(Rc::new(rules)),
            Err(why) => {
                self.warn_unusable(shown, &why);
                above
            }
        }
    }

    /// Warns that a `.gitignore` cannot be read or parsed. The walk goes on with the rules from above.
    fn warn_unusable(&mut self, directory: &Path, why: &dyn std::fmt::Display) {
        let file = directory.join(GITIGNORE);
        let message = format!("{} is not used: {why}", file.display());
        self.found
            .findings
            .push(Diagnostic::warning("unreadable", message));
    }

    /// Walks a directory and everything below it except links.
    fn walk_directory(&mut self, directory: Directory) {
        self.push_directory(directory);
        while let Some(directory) = self.open.pop() {
            if self.check_deadline(&directory.shown) {
                return;
            }
            self.read_directory(directory);
        }
    }

    /// Queues a directory, unless it was entered before under another name.
    fn push_directory(&mut self, directory: Directory) {
        if self.note_found(&directory.real, &directory.shown, directory.root) {
            self.open.push(directory);
        }
    }

    /// Lists one directory, takes its own `.gitignore` into account, and visits each of its names.
    fn read_directory(&mut self, mut directory: Directory) {
        let names = match self.tree.list(&directory.real) {
            Ok(names) => names,
            Err(error) => {
                return self.report_unreadable(
                    &directory.shown,
                    UnreadablePlace::Directory,
                    &error,
                );
            }
        };
        if names
            .iter()
            .any(|(name, kind)| name == GITIGNORE && *kind == EntryKind::File)
        {
            let Directory {
                shown,
                matched,
                real,
                ..
            } = &directory;
            let above = directory.ignores.clone();
            directory.ignores = self.ignores_of(shown, matched, real, above);
        }
        let directory = Rc::new(directory);
        for (name, kind) in names {
            if name != GIT && name != GITIGNORE {
                self.visit(&directory, name, kind);
            }
        }
    }

    /// Visits one name: skips hidden and ignored ones, queues directories and links, and passes the rest to
    /// [`visit_file`](Self::visit_file).
    fn visit(&mut self, directory: &Rc<Directory>, name: OsString, kind: EntryKind) {
        let shown = || directory.shown.join(&name);
        if is_hidden(&name) {
            return self.found.passed.hidden.add(shown);
        }
        if let Some(ignores) = &directory.ignores
            && ignores.ignores(&directory.matched.join(&name), kind)
        {
            return self.found.passed.ignored.add(shown);
        }
        match kind {
            EntryKind::Directory => self.push_directory(Directory {
                shown: shown(),
                matched: directory.matched.join(&name),
                real: directory.real.join(&name),
                home: directory.home.clone(),
                ignores: directory.ignores.clone(),
                root: directory.root,
            }),
            EntryKind::Link => self.links.push(Link {
                directory: Rc::clone(directory),
                name,
            }),
            _ => {
                let real = directory.real.join(&name);
                self.visit_file(directory, &name, real, kind);
            }
        }
    }

    /// Adds a file that has the name of a manifest, warns of a submodule, and counts everything else by the reason.
    fn visit_file(&mut self, directory: &Directory, name: &OsStr, real: PathBuf, kind: EntryKind) {
        let shown = directory.shown.join(name);
        match kind {
            EntryKind::Submodule => {
                let message = format!(
                    "{} is a submodule: its files are in another repository, and are not read",
                    shown.display()
                );
                let finding = Diagnostic::warning("unreadable", message);
                self.found.findings.push(finding);
            }
            _ if !is_manifest(name) => self.found.passed.unnamed.add(|| shown),
            EntryKind::File => self.add_file(shown, real, directory.root),
            _ => self.found.passed.special.add(|| shown),
        }
    }

    /// Adds a manifest, unless it was found before under another name.
    fn add_file(&mut self, shown: PathBuf, real: PathBuf, root: usize) {
        if self.note_found(&real, &shown, root) {
            self.found.files.push(ManifestFile { shown, real });
        }
    }

    /// Notes that a file or directory was found. Returns `true` if this is the first time, under any name.
    fn note_found(&mut self, real: &Path, shown: &Path, root: usize) -> bool {
        let Some(first) = self.seen.get(real) else {
            self.seen.insert(real.to_path_buf(), root);
            return true;
        };
        self.found
            .passed
            .again
            .add(|| or_current_dir(shown).to_path_buf());
        if let Some(named) = self.found.named.get_mut(root) {
            named.overlaps |= *first != root;
        }
        false
    }

    /// Follows one link: walks a directory, visits a file, and reports a target that is missing or outside the tree.
    ///
    /// Rules of `.gitignore` match the path of the link, not that of its target.
    fn follow_link(&mut self, link: &Link) {
        let Link { directory, name } = link;
        let shown = link.shown();
        if self.is_timed_out || self.check_deadline(&shown) {
            return;
        }
        let home = directory.home.as_deref();
        match self.tree.resolve(&directory.real.join(name), home) {
            Ok(LinkTarget::To(real, EntryKind::Directory)) => self.walk_directory(Directory {
                matched: directory.matched.join(name),
                shown,
                real,
                home: directory.home.clone(),
                ignores: directory.ignores.clone(),
                root: directory.root,
            }),
            Ok(LinkTarget::To(real, kind)) => self.visit_file(directory, name, real, kind),
            Ok(LinkTarget::Out(target)) => {
                let finding = link_leads_out(&shown, &target, home);
                self.found.findings.push(finding);
            }
            Err(error) => self.report_unreadable(&shown, UnreadablePlace::Link, &error),
        }
    }

    /// Adds a finding about a place that cannot be read. [`severity`] decides between error, warning and counting it.
    fn report_unreadable(&mut self, shown: &Path, location: UnreadablePlace, error: &io::Error) {
        let name = shown.file_name().unwrap_or_default();
        let what = match location {
            UnreadablePlace::Directory => "",
            UnreadablePlace::Link => "the link ",
        };
        let message = format!(
            "cannot read {what}{}: {}",
            or_current_dir(shown).display(),
            describe_io_error(error)
        );
        match severity(name, location, error.kind()) {
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

    /// Reports whether the deadline has passed. Adds the finding about it once.
    fn check_deadline(&mut self, at: &Path) -> bool {
        if !self.is_timed_out && self.limits.is_over() {
            self.is_timed_out = true;
            self.found.findings.push(timeout_finding(at));
        }
        if self.is_timed_out {
            self.open.clear();
        }
        self.is_timed_out
    }
}
