//! What to watch so that nothing that a source is made of changes unseen. Pure: the file system is an argument.
//!
//! A source is a path, and a watch belongs to whatever directory the path led to when the watch was set. A path
//! is read name by name, so what it leads to changes when a name on its way is given to something else. Each
//! directory on the way is therefore a *point*, with the names that are looked up in it; where a link is on the
//! way, the way goes on at what it leads to. Below a directory that is named, each directory that the reading of
//! manifests enters is a point for all of its names, and each link that it follows is a way like a named path's:
//! the walk is [`crate::manifest::walk`]'s own, over a tree that notes what is asked of it.
//!
//! Example: `m` is named, in `/srv`, and is a link to `rel/1`, in which `o.yaml` links to `/etc/o.yaml`.
//!
//! | point | names |
//! | --- | --- |
//! | `/` | `srv`, `etc` |
//! | `/srv` | `m`, `rel` |
//! | `/srv/rel` | `1` |
//! | `/srv/rel/1` | all |
//! | `/etc` | `o.yaml` |

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::filesystem::{FileSystem, Identity, Node};
use crate::manifest::walk::{self, EntryKind, FileTree, LinkTarget, NamedRoot, ReadLimits};

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// The file that says what is not read.
pub const GITIGNORE: &str = ".gitignore";

/// A directory to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPoint {
    pub identity: Identity,
    /// Whether every name in it counts, as in a directory of manifests.
    pub all: bool,
    /// Names that are on the way to something.
    pub names: BTreeSet<OsString>,
}

/// What to watch, and what was seen when that was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchPoints {
    /// By paths without links; no directory has two.
    pub directories: BTreeMap<PathBuf, WatchPoint>,
    /// What was found on the ways of the named paths, but for files. A look at these few tells that a way leads
    /// elsewhere now, also where no event would tell: another file system was mounted there.
    pub ways: BTreeMap<PathBuf, Node>,
    /// Why a named path cannot be followed; the first of them.
    pub broken: Option<String>,
}

/// What a change in a watched directory was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The contents of a file.
    Written,
    /// A name came, went or stands for something else; or nobody knows.
    Moved,
}

impl WatchPoints {
    /// Finds the points of named paths, which are absolute.
    pub fn of(roots: &[PathBuf], file_system: &dyn FileSystem, limits: &ReadLimits) -> Self {
        let mut survey = Survey {
            file_system,
            limits,
            nodes: HashMap::new(),
            paths: HashMap::new(),
            points: Self::default(),
        };
        for root in roots {
            survey.root(root);
        }
        survey.points
    }

    /// Whether the named paths lead where they led.
    pub fn ways_unchanged(&self, file_system: &dyn FileSystem) -> bool {
        self.ways
            .iter()
            .all(|(path, node)| file_system.node(path) == *node)
    }

    /// Whether a change of `path` may change what is read. Nothing hidden is read by its own name, but it may be on
    /// the way to something, and `.gitignore` says what is read.
    pub fn is_relevant(&self, path: &Path, change: Change) -> bool {
        if change == Change::Moved && self.directories.contains_key(path) {
            return true;
        }
        let point = path
            .parent()
            .and_then(|parent| self.directories.get(parent));
        let (Some(point), Some(name)) = (point, path.file_name()) else {
            return false;
        };
        let in_directory = match change {
            Change::Written => walk::is_manifest(name) || name == GITIGNORE,
            Change::Moved => !is_hidden(name) || name == GITIGNORE,
        };
        point.names.contains(name) || point.all && in_directory
    }

    /// A number that is another one when something in a watched directory is another one or was written.
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

struct Survey<'p> {
    file_system: &'p dyn FileSystem,
    limits: &'p ReadLimits,
    /// What was seen, so that one path is looked at once.
    nodes: HashMap<PathBuf, Node>,
    /// The path under which each directory is watched.
    paths: HashMap<Identity, PathBuf>,
    points: WatchPoints,
}

impl Survey<'_> {
    fn root(&mut self, root: &Path) {
        let mut way = Vec::new();
        let (end, node) = self.follow(root, &mut way);
        for path in way {
            let node = self.node(&path);
            // A file that is replaced is an event in its directory, which is on the way.
            if node != Node::File {
                self.points.ways.insert(path, node);
            }
        }
        let broken = match node {
            Node::Directory(_) => self.walk(end),
            Node::File | Node::Link(_) => None,
            Node::Missing => Some("it is not there".to_string()),
            Node::Closed(why) => Some(why),
        };
        if let Some(why) = broken {
            let why = format!("cannot follow {}: {why}", root.display());
            self.points.broken.get_or_insert(why);
        }
    }

    fn node(&mut self, path: &Path) -> Node {
        if let Some(node) = self.nodes.get(path) {
            return node.clone();
        }
        let node = self.file_system.node(path);
        self.nodes.insert(path.to_path_buf(), node.clone());
        node
    }

    /// Follows a path to its end, by names of which none is a link; every directory on it becomes a point. Puts what
    /// was looked at into `way`. Returns where it ends, and what is there.
    fn follow(&mut self, path: &Path, way: &mut Vec<PathBuf>) -> (PathBuf, Node) {
        let mut here = PathBuf::new();
        let mut left: Vec<OsString> = parts(path);
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
                    self.point(&here, Some(&name));
                    way.push(next.clone());
                    match self.node(&next) {
                        Node::Directory(_) => here = next,
                        Node::Link(_) if links == MOST_LINKS => {
                            let why = "too many links lead from one to another".to_string();
                            return (next, Node::Closed(why));
                        }
                        Node::Link(target) => {
                            links += 1;
                            left.extend(parts(&target));
                        }
                        Node::File if !left.is_empty() => return (next, Node::Missing),
                        node => return (next, node),
                    }
                }
            }
        }
        let node = self.node(&here);
        (here, node)
    }

    /// Makes a directory a point, for one of its names or for all of them.
    fn point(&mut self, directory: &Path, name: Option<&OsStr>) {
        let Node::Directory(identity) = self.node(directory) else {
            return;
        };
        // Mounted twice it is one directory with two paths, and a system has one watch for it.
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

    /// Walks a directory as the reading of manifests does. Returns why it cannot be followed; of what is below it
    /// whoever reads it tells.
    fn walk(&mut self, directory: PathBuf) -> Option<String> {
        let top = directory
            .ancestors()
            .find(|dir| self.file_system.node(&dir.join(".git")) != Node::Missing);
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

/// A tree that makes points of what is asked of it.
struct RecordingTree<'s, 'p> {
    survey: RefCell<&'s mut Survey<'p>>,
    limits: &'p ReadLimits,
    /// The directory that is named.
    directory: PathBuf,
    /// Why that cannot be listed.
    why: RefCell<Option<String>>,
}

impl FileTree for RecordingTree<'_, '_> {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        let mut survey = self.survey.borrow_mut();
        let listed = survey.file_system.list(directory);
        match &listed {
            Ok(_) => survey.point(directory, None),
            // Whoever may not read it may not watch it; that it may be read again is told by the one above.
            Err(error) if *directory == self.directory => {
                *self.why.borrow_mut() = Some(error.to_string());
            }
            Err(_) => {}
        }
        listed
    }

    fn resolve(&self, path: &Path, _: Option<&Path>) -> io::Result<LinkTarget> {
        match self.survey.borrow_mut().follow(path, &mut Vec::new()) {
            (end, Node::Directory(_)) => Ok(LinkTarget::To(end, EntryKind::Directory)),
            (end, Node::File) => Ok(LinkTarget::To(end, EntryKind::File)),
            (_, Node::Link(_) | Node::Missing) => Err(io::ErrorKind::NotFound.into()),
            (_, Node::Closed(why)) => Err(io::Error::other(why)),
        }
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        let mut survey = self.survey.borrow_mut();
        survey.follow(file, &mut Vec::new());
        survey.file_system.read(file)
    }
}

/// The names of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path
        .components()
        .map(|part| part.as_os_str().to_os_string());
    let mut parts: Vec<OsString> = parts.collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests;
