//! Presents the file system of this machine as a tree to walk.
//!
//! It lists, resolves and reads, and leaves every decision to the walker: which names are manifests, what is ignored,
//! and how bad an error is. Content of manifests is not read here.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{EntryKind, FileTree, GIT, LinkTarget, NamedRoot, ReadLimits};
use crate::files;
use crate::files::read::ReadBounds;

/// Largest `.gitignore` that is read, far larger than any is.
const MAX_GITIGNORE_BYTES: u64 = 1 << 20;

/// The file system.
pub struct Disk;

impl FileTree for Disk {
    /// Lists a directory, in the order of the file system. An entry whose kind cannot be read is `Other`.
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        let entries = fs::read_dir(directory)?;
        let named = entries.map(|entry| {
            let entry = entry?;
            // Most file systems return the kind along with the name.
            let kind = entry.file_type().map_or(EntryKind::Other, kind_of);
            Ok((entry.file_name(), kind))
        });
        named.collect()
    }

    /// Follows a path to its real place; `Out` if that is outside of `home`. For example `c -> ../shared` with the
    /// home `/repo` leads out from `/repo/c` and stays inside from `/repo/team/c`.
    fn resolve(&self, path: &Path, home: Option<&Path>) -> io::Result<LinkTarget> {
        let out = |to: &Path| Ok(LinkTarget::Out(to.display().to_string()));
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A link to nothing leads out all the same if its text does.
            Err(error) => match outside_target(path, home) {
                Some(named) => return out(&named),
                None => return Err(error),
            },
        };
        if home.is_some_and(|home| !real.starts_with(home)) {
            return out(&real);
        }
        let kind = kind_of(fs::metadata(&real)?.file_type());
        Ok(LinkTarget::To(real, kind))
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        // Git follows no link here, and neither pipe nor device is one of its files.
        let meta = fs::symlink_metadata(file)?;
        if !meta.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let text = files::read::read_bytes(file, ReadBounds::file(MAX_GITIGNORE_BYTES))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Returns the path in the text of a link to nothing if it is outside of `home`; `None` if it is inside.
fn outside_target(link: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let named = fs::read_link(link).ok()?;
    let named = normalize_path(&link.parent()?.join(named));
    (!named.starts_with(home?)).then_some(named)
}

fn kind_of(found: FileType) -> EntryKind {
    if found.is_symlink() {
        EntryKind::Link
    } else if found.is_dir() {
        EntryKind::Directory
    } else if found.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

/// Finds out where named paths lead. A command that names ten thousand files of one directory costs one look at it.
#[derive(Default)]
pub struct RootResolver {
    parents: HashMap<PathBuf, io::Result<Parent>>,
}

#[derive(Clone)]
struct Parent {
    real: PathBuf,
    top: Option<PathBuf>,
}

impl RootResolver {
    /// Resolves a named path, with all of its links followed.
    pub fn resolve_root(&mut self, path: &Path, limits: &ReadLimits) -> io::Result<NamedRoot> {
        let meta = fs::symlink_metadata(path)?;
        let shown = path.strip_prefix(".").unwrap_or(path).to_path_buf();
        if meta.is_file()
            && let Some(name) = path.file_name()
        {
            let parent = self.parent(path)?;
            let home = parent.top.clone().filter(|_| limits.inside);
            let real = parent.real.join(name);
            let inside = home.as_ref().is_none_or(|home| real.starts_with(home));
            return Ok(NamedRoot {
                // As the command has it: tools look for the names that they gave.
                shown: path.to_path_buf(),
                target: match inside {
                    true => LinkTarget::To(real, EntryKind::File),
                    false => LinkTarget::Out(real.display().to_string()),
                },
                top: None,
                home,
            });
        }
        let found = fs::metadata(path)?;
        let absolute = std::path::absolute(path)?;
        // A pipe such as `/dev/fd/63` has no canonical path.
        let real = fs::canonicalize(path).unwrap_or_else(|_| absolute.clone());
        let top = top_of(&normalize_path(&absolute));
        let home = match (limits.inside, &top) {
            (false, _) => None,
            (true, Some(top)) => Some(top.clone()),
            // Outside of a repository the tree is the directory itself.
            (true, None) => found.is_dir().then(|| real.clone()),
        };
        let out = home.as_ref().is_some_and(|home| !real.starts_with(home));
        Ok(NamedRoot {
            shown: if found.is_dir() {
                shown
            } else {
                path.to_path_buf()
            },
            top: top_of(&real),
            target: match out {
                true => LinkTarget::Out(real.display().to_string()),
                false => LinkTarget::To(real, kind_of(found.file_type())),
            },
            home,
        })
    }

    fn parent(&mut self, path: &Path) -> io::Result<Parent> {
        let parent = path.parent().unwrap_or(path);
        let find = || {
            let parent = super::or_current_dir(parent);
            Ok(Parent {
                real: fs::canonicalize(parent)?,
                top: top_of(&normalize_path(&std::path::absolute(parent)?)),
            })
        };
        let known = self
            .parents
            .entry(parent.to_path_buf())
            .or_insert_with(find);
        match known {
            Ok(parent) => Ok(parent.clone()),
            Err(error) => Err(error.kind().into()),
        }
    }
}

/// Returns the top of the repository that a path is in, with links followed; `None` outside of any.
fn top_of(path: &Path) -> Option<PathBuf> {
    let top = path.ancestors().find(|dir| dir.join(GIT).exists())?;
    fs::canonicalize(top).ok()
}

/// Takes `.` and `..` out of a path without asking the file system: the path may not exist any more.
pub fn normalize_path(path: &Path) -> PathBuf {
    let mut normalize_path = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normalize_path.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                normalize_path.push(part)
            }
        }
    }
    normalize_path
}
