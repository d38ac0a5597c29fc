//! What the file system says, as far as following a source asks it. A trait, so that what to watch is decided
//! without a disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::manifest::walk::{Disk, FileTree};

/// Which directory a path leads to: another one of the same name is another one. Numbers of inodes are used again at
/// once by some file systems, so the time of birth counts where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub born: Option<SystemTime>,
}

/// What is at a path; its last name is not followed if it is a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Directory(Identity),
    File,
    Link(PathBuf),
    Missing,
    /// Why it cannot be looked at.
    Closed(String),
}

/// A file system, seen name by name.
pub trait FileSystem: FileTree {
    fn node(&self, path: &Path) -> Node;

    /// A number that is another one when the file, link or directory at a path is another one or, of a file, was
    /// written.
    fn stamp(&self, path: &Path) -> u64;
}

/// Times of files are as coarse as this: two writes within it may bear the same one.
const COARSE: Duration = Duration::from_secs(2);

impl FileSystem for Disk {
    fn node(&self, path: &Path) -> Node {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) => return unreachable(&error),
        };
        if meta.is_dir() {
            return Node::Directory(identity(&meta));
        }
        if !meta.is_symlink() {
            return Node::File;
        }
        match std::fs::read_link(path) {
            Ok(target) => Node::Link(target),
            Err(error) => unreachable(&error),
        }
    }

    fn stamp(&self, path: &Path) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Ok(meta) = std::fs::symlink_metadata(path) else {
            return 0;
        };
        identity(&meta).hash(&mut hasher);
        if !meta.is_dir() {
            let modified = meta.modified().ok();
            (meta.len(), modified, changed(&meta)).hash(&mut hasher);
            // A second write may not show in the times of one that was written just now, so it counts as another
            // one once it is older.
            let age = modified.and_then(|at| at.elapsed().ok());
            age.is_none_or(|age| age <= COARSE).hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn unreachable(error: &io::Error) -> Node {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Node::Missing,
        _ => Node::Closed(error.to_string()),
    }
}

#[cfg(unix)]
fn identity(meta: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity {
        device: meta.dev(),
        inode: meta.ino(),
        born: meta.created().ok(),
    }
}

#[cfg(not(unix))]
fn identity(meta: &std::fs::Metadata) -> Identity {
    Identity {
        device: 0,
        inode: 0,
        born: meta.created().ok(),
    }
}

#[cfg(unix)]
fn changed(meta: &std::fs::Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &std::fs::Metadata) -> (i64, i64) {
    (0, 0)
}
