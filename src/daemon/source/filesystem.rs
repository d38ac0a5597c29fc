//! The file system as far as following a source needs it: a trait, so that what to watch is decided without a disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::manifest::walk::{Disk, FileTree};

/// Identifies the directory that a path leads to: another one under the same name has another id. Some file systems
/// reuse inode numbers at once, so the time of birth counts where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryId {
    pub device: u64,
    pub inode: u64,
    pub born: Option<SystemTime>,
}

/// The kind of entry at a path. If the last name is a link, the entry is the link itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathEntry {
    Directory(DirectoryId),
    File,
    Link(PathBuf),
    Missing,
    /// It cannot be looked at, with the reason.
    Closed(String),
}

/// A file system, looked at name by name.
pub trait FileSystem: FileTree {
    /// Returns what is at a path.
    fn entry_at(&self, path: &Path) -> PathEntry;

    /// Returns a number that changes when the file, link or directory at a path is replaced, or the file is written.
    fn stamp(&self, path: &Path) -> u64;
}

/// The resolution of file times on some systems: two writes within it may have the same time.
const COARSE: Duration = Duration::from_secs(2);

impl FileSystem for Disk {
    fn entry_at(&self, path: &Path) -> PathEntry {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) => return entry_of_error(&error),
        };
        if meta.is_dir() {
            return PathEntry::Directory(directory_id(&meta));
        }
        if !meta.is_symlink() {
            return PathEntry::File;
        }
        match std::fs::read_link(path) {
            Ok(target) => PathEntry::Link(target),
            Err(error) => entry_of_error(&error),
        }
    }

    fn stamp(&self, path: &Path) -> u64 {
        let mut hasher = DefaultHasher::new();
        let Ok(meta) = std::fs::symlink_metadata(path) else {
            return 0;
        };
        directory_id(&meta).hash(&mut hasher);
        if !meta.is_dir() {
            let modified = meta.modified().ok();
            (meta.len(), modified, change_time(&meta)).hash(&mut hasher);
            // A second write may not show in the times of a file that was just written. So its stamp changes once
            // more when it is older than that.
            let age = modified.and_then(|at| at.elapsed().ok());
            age.is_none_or(|age| age <= COARSE).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Returns the entry that stands for an error.
fn entry_of_error(error: &io::Error) -> PathEntry {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PathEntry::Missing,
        _ => PathEntry::Closed(error.to_string()),
    }
}

#[cfg(unix)]
fn directory_id(meta: &std::fs::Metadata) -> DirectoryId {
    use std::os::unix::fs::MetadataExt;
    DirectoryId {
        device: meta.dev(),
        inode: meta.ino(),
        born: meta.created().ok(),
    }
}

#[cfg(not(unix))]
fn directory_id(meta: &std::fs::Metadata) -> DirectoryId {
    DirectoryId {
        device: 0,
        inode: 0,
        born: meta.created().ok(),
    }
}

#[cfg(unix)]
fn change_time(meta: &std::fs::Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn change_time(_: &std::fs::Metadata) -> (i64, i64) {
    (0, 0)
}
