//! Finds what to watch so that no change of a source goes unseen. Pure: the file system is an argument.
//!
//! A source is a path, and a watch belongs to the directory that the path led to when the watch was set. A path is
//! read name by name, so it leads elsewhere once a name on its way is given to something else. So each directory on
//! the way is a *watch point*, with the names that are looked up in it; where a link is on the way, the way continues
//! at its target. Below a named directory, each directory that the reading of manifests enters is a watch point for
//! all its names, and each link that it follows is a way like a named path's. The walk is [`crate::manifest::walk`]'s
//! own, over a tree that records what it is asked for.
//!
//! # Example
//!
//! `m` is named, in `/srv`. It is a link to `rel/1`, in which `o.yaml` is a link to `/etc/o.yaml`.
//!
//! | watch point | names |
//! | --- | --- |
//! | `/` | `srv`, `etc` |
//! | `/srv` | `m`, `rel` |
//! | `/srv/rel` | `1` |
//! | `/srv/rel/1` | all |
//! | `/etc` | `o.yaml` |
//!
//! Renaming `/srv/rel/2` over `/srv/m` is an event in `/srv` on the name `m`; saving `/etc/o.yaml` is one in `/etc`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::filesystem::{DirectoryId, FileSystem, PathEntry};
use crate::manifest::rows;
use crate::manifest::walk::{self, EntryKind, FileTree, LinkTarget, NamedRoot, ReadLimits};

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// The file that says what is not read.
pub const GITIGNORE: &str = ".gitignore";

/// A directory to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPoint {
    pub identity: DirectoryId,
    /// True if every name in it counts, as in a directory of manifests.
    pub all: bool,
    /// Single names that count, because they are on the way to something.
    pub names: BTreeSet<OsString>,
}

/// The directories to watch, and the entries on the way that were found in the search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchPoints {
    /// By paths without links. No directory has two.
    pub directories: BTreeMap<PathBuf, WatchPoint>,
    /// The entries on the way of the named paths, except files. Comparing these few again shows that a path leads
    /// elsewhere now, also when no event tells: another file system was mounted there.
    pub path_entries: BTreeMap<PathBuf, PathEntry>,
    /// Why a named path cannot be followed: the first reason found.
    pub problem: Option<String>,
}

/// The kind of a change in a watched directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// The contents of a file changed.
    Written,
    /// A name appeared, vanished or stands for something else, or it is unknown what happened.
    Moved,
}

impl WatchPoints {
    /// Finds the watch points of named paths, which are absolute.
    pub fn find(roots: &[PathBuf], file_system: &dyn FileSystem, limits: &ReadLimits) -> Self {
        let mut survey = Survey {
            file_system,
            limits,
            entries: HashMap::new(),
            paths: HashMap::new(),
            points: Self::default(),
        };
        for root in roots {
            survey.add_root(root);
        }
        survey.points
    }

    /// Reports whether the named paths still lead where they led.
    pub fn paths_unchanged(&self, file_system: &dyn FileSystem) -> bool {
        self.path_entries
            .iter()
            .all(|(path, node)| file_system.entry_at(path) == *node)
    }

    /// Reports whether a change of `path` may change what is read. Hidden files are not read by their own name, but
    /// they may be on the way to something, and `.gitignore` decides what is read.
    pub fn is_relevant(&self, path: &Path, change: FileChange) -> bool {
        if change == FileChange::Moved && self.directories.contains_key(path) {
            return true;
        }
        let point = path
            .parent()
            .and_then(|parent| self.directories.get(parent));
        let (Some(point), Some(name)) = (point, path.file_name()) else {
            return false;
        };
        let in_directory = match change {
            FileChange::Written => {
                walk::is_manifest(name) || rows::is_row_file(name) || name == GITIGNORE
            }
            FileChange::Moved => !is_hidden(name) || name == GITIGNORE,
        };
        point.names.contains(name) || point.all && in_directory
    }

    /// Returns a number that changes when something in a watched directory is replaced or written.
    pub fn stamp(&self, directory: &Path, file_system: &dyn FileSystem) -> u64 {
        let Some(point) = self.directories.get(directory) else {
            return 0;
        };
        let mut names = point.names.clone();
        if point.all {
            let listed = file_system.list(directory).unwrap_or_default();
            names.extend(listed.into_iter().map(|(name, _)| name));
        }
        let stamps = names.iter().map(|name| {
            let mut hasher = std::hash::DefaultHasher::new();
            let stamp = file_system.stamp(&directory.join(name));
            std::hash::Hash::hash(&(name, stamp), &mut hasher);
            std::hash::Hasher::finish(&hasher)
        });
        stamps.fold(0, u64::wrapping_add)
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The search for watch points.
struct Survey<'p> {
    file_system: &'p dyn FileSystem,
    limits: &'p ReadLimits,
    /// The entries found so far, so that each path is looked at once.
    entries: HashMap<PathBuf, PathEntry>,
    /// The path under which each directory is watched.
    paths: HashMap<DirectoryId, PathBuf>,
    points: WatchPoints,
}

impl Survey<'_> {
    /// Adds the watch points of one named path.
    fn add_root(&mut self, root: &Path) {
        let mut way = Vec::new();
        let (end, node) = self.follow_path(root, &mut way);
        for path in way {
            let node = self.entry_at(&path);
            // Replacing a file is an event in its directory, which is on the way.
            if node != PathEntry::File {
                self.points.path_entries.insert(path, node);
            }
        }
        let broken = match node {
            PathEntry::Directory(_) => self.walk_directory(end),
            PathEntry::File | PathEntry::Link(_) => None,
            PathEntry::Missing => Some("it is not there".to_string()),
            PathEntry::Closed(why) => Some(why),
        };
        if let Some(why) = broken {
            let why = format!("cannot follow {}: {why}", root.display());
            self.points.problem.get_or_insert(why);
        }
    }

    /// Returns what is at a path, from memory if it was looked at before.
    fn entry_at(&mut self, path: &Path) -> PathEntry {
        if let Some(node) = self.entries.get(path) {
            return node.clone();
        }
        let node = self.file_system.entry_at(path);
        self.entries.insert(path.to_path_buf(), node.clone());
        node
    }

    /// Follows a path to its end, name by name and through links, and makes every directory on it a watch point. Adds
    /// what it looked at to `way`. Returns the path of its end without links, and what is there.
    fn follow_path(&mut self, path: &Path, way: &mut Vec<PathBuf>) -> (PathBuf, PathEntry) {
        let mut here = PathBuf::new();
        let mut left: Vec<OsString> = reversed_names(path);
        let mut links = 0;
        while let Some(name) = left.pop() {
            let part = Path::new(&name).components().next();
            match part {
                Some(Component::RootDir | Component::Prefix(_)) => here = PathBuf::from(&name),
                Some(Component::ParentDir) => {
                    here.pop();
                }
                Some(Component::CurDir) | None => {}
                Some(Component::Normal(_)) => {
                    let next = here.join(&name);
                    self.add_point(&here, Some(&name));
                    way.push(next.clone());
                    match self.entry_at(&next) {
                        PathEntry::Directory(_) => here = next,
                        PathEntry::Link(_) if links == MOST_LINKS => {
                            let why = "too many links lead from one to another".to_string();
                            return (next, PathEntry::Closed(why));
                        }
                        PathEntry::Link(target) => {
                            links += 1;
                            left.extend(reversed_names(&target));
                        }
                        PathEntry::File if !left.is_empty() => return (next, PathEntry::Missing),
                        node => return (next, node),
                    }
                }
            }
        }
        let node = self.entry_at(&here);
        (here, node)
    }

    /// Makes a directory a watch point, for one of its names or for all.
    fn add_point(&mut self, directory: &Path, name: Option<&OsStr>) {
        let PathEntry::Directory(identity) = self.entry_at(directory) else {
            return;
        };
        // A directory that is mounted twice has two paths, and the system has one watch for it.
        let path = self
            .paths
            .entry(identity)
            .or_insert_with(|| directory.to_path_buf());
        let point = self.points.directories.entry(path.clone());
        let point = point.or_insert_with(|| WatchPoint {
            identity,
            all: false,
            names: BTreeSet::new(),
        });
        match name {
            Some(name) => {
                point.names.insert(name.to_os_string());
            }
            None => point.all = true,
        }
    }

    /// Walks a directory as the reading of manifests does. Returns why it cannot be followed; problems below it are
    /// reported by the reading.
    fn walk_directory(&mut self, directory: PathBuf) -> Option<String> {
        let top = directory
            .ancestors()
            .find(|dir| self.file_system.entry_at(&dir.join(".git")) != PathEntry::Missing);
        let root = NamedRoot {
            shown: directory.clone(),
            top: top.map(Path::to_path_buf),
            target: LinkTarget::To(directory.clone(), EntryKind::Directory),
            home: None,
        };
        let recorder = RecordingTree {
            limits: self.limits,
            survey: RefCell::new(self),
            directory,
            why: RefCell::default(),
        };
        let found = walk::walk(&recorder, &[root], recorder.limits);
        let late = found
            .findings
            .iter()
            .any(|finding| finding.code == walk::TIMEOUT);
        let late =
            late.then(|| "it takes too long; links may lead to large directories".to_string());
        recorder.why.into_inner().or(late)
    }
}

/// A tree that makes watch points of what it is asked for.
struct RecordingTree<'s, 'p> {
    survey: RefCell<&'s mut Survey<'p>>,
    limits: &'p ReadLimits,
    /// The named directory.
    directory: PathBuf,
    /// Why that cannot be listed.
    why: RefCell<Option<String>>,
}

impl FileTree for RecordingTree<'_, '_> {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        let mut survey = self.survey.borrow_mut();
        let listed = survey.file_system.list(directory);
        match &listed {
            Ok(_) => survey.add_point(directory, None),
            // A directory that may not be read may not be watched either. The watch on its parent tells when it may
            // be read again.
            Err(error) if *directory == self.directory => {
                *self.why.borrow_mut() = Some(error.to_string());
            }
            Err(_) => {}
        }
        listed
    }

    fn resolve(&self, path: &Path, _: Option<&Path>) -> io::Result<LinkTarget> {
        match self.survey.borrow_mut().follow_path(path, &mut Vec::new()) {
            (end, PathEntry::Directory(_)) => Ok(LinkTarget::To(end, EntryKind::Directory)),
            (end, PathEntry::File) => Ok(LinkTarget::To(end, EntryKind::File)),
            (_, PathEntry::Link(_) | PathEntry::Missing) => Err(io::ErrorKind::NotFound.into()),
            (_, PathEntry::Closed(why)) => Err(io::Error::other(why)),
        }
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        let mut survey = self.survey.borrow_mut();
        survey.follow_path(file, &mut Vec::new());
        survey.file_system.read(file)
    }
}

/// Returns the names of a path, the first one last.
fn reversed_names(path: &Path) -> Vec<OsString> {
    let parts = path
        .components()
        .map(|part| part.as_os_str().to_os_string());
    let mut parts: Vec<OsString> = parts.collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests;
