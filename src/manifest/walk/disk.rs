//! Directories of this machine, as a tree to walk.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{GIT, Kind, Limits, Root, Target, Tree};
use crate::files;
use crate::files::read::ReadBounds;

/// Bytes of a `.gitignore`; far more than anybody writes.
const LARGEST_GITIGNORE: u64 = 1 << 20;

/// The file system.
pub struct Disk;

impl Tree for Disk {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, Kind)>> {
        let entries = fs::read_dir(directory)?;
        let named = entries.map(|entry| {
            let entry = entry?;
            // Most file systems tell the kind along with the name.
            let kind = entry.file_type().map_or(Kind::Other, kind);
            Ok((entry.file_name(), kind))
        });
        named.collect()
    }

    fn resolve(&self, path: &Path, home: Option<&Path>) -> io::Result<Target> {
        let out = |to: &Path| Ok(Target::Out(to.display().to_string()));
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            // A link to nothing leads out as well, if what it names is out.
            Err(error) => match named_by(path, home) {
                Some(named) => return out(&named),
                None => return Err(error),
            },
        };
        if home.is_some_and(|home| !real.starts_with(home)) {
            return out(&real);
        }
        let kind = kind(fs::metadata(&real)?.file_type());
        Ok(Target::To(real, kind))
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        // Git follows no link here, and neither pipe nor device is one of its files.
        let meta = fs::symlink_metadata(file)?;
        if !meta.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let text = files::read::read_bytes(file, ReadBounds::file(LARGEST_GITIGNORE))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// What a link to nothing names, if that is out of `home`.
fn named_by(link: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let named = fs::read_link(link).ok()?;
    let named = tidy(&link.parent()?.join(named));
    (!named.starts_with(home?)).then_some(named)
}

fn kind(found: FileType) -> Kind {
    if found.is_symlink() {
        Kind::Link
    } else if found.is_dir() {
        Kind::Directory
    } else if found.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

/// Where named paths are. Whoever names ten thousand files of one directory asks for that directory once.
#[derive(Default)]
pub struct Roots {
    parents: HashMap<PathBuf, io::Result<Parent>>,
}

#[derive(Clone)]
struct Parent {
    real: PathBuf,
    top: Option<PathBuf>,
}

impl Roots {
    /// A named path, with all of its links followed.
    pub fn root(&mut self, path: &Path, limits: &Limits) -> io::Result<Root> {
        let meta = fs::symlink_metadata(path)?;
        let shown = path.strip_prefix(".").unwrap_or(path).to_path_buf();
        if meta.is_file()
            && let Some(name) = path.file_name()
        {
            let parent = self.parent(path)?;
            let home = parent.top.clone().filter(|_| limits.inside);
            let real = parent.real.join(name);
            let inside = home.as_ref().is_none_or(|home| real.starts_with(home));
            return Ok(Root {
                // As it was named: a tool that names files looks for these names.
                shown: path.to_path_buf(),
                target: match inside {
                    true => Target::To(real, Kind::File),
                    false => Target::Out(real.display().to_string()),
                },
                top: None,
                home,
            });
        }
        let found = fs::metadata(path)?;
        let absolute = std::path::absolute(path)?;
        // A pipe such as `/dev/fd/63` has no other name.
        let real = fs::canonicalize(path).unwrap_or_else(|_| absolute.clone());
        let top = top_of(&tidy(&absolute));
        let home = match (limits.inside, &top) {
            (false, _) => None,
            (true, Some(top)) => Some(top.clone()),
            // Outside of a repository a directory is a tree of its own.
            (true, None) => found.is_dir().then(|| real.clone()),
        };
        let out = home.as_ref().is_some_and(|home| !real.starts_with(home));
        Ok(Root {
            shown: if found.is_dir() {
                shown
            } else {
                path.to_path_buf()
            },
            top: top_of(&real),
            target: match out {
                true => Target::Out(real.display().to_string()),
                false => Target::To(real, kind(found.file_type())),
            },
            home,
        })
    }

    fn parent(&mut self, path: &Path) -> io::Result<Parent> {
        let parent = path.parent().unwrap_or(path);
        let find = || {
            let parent = super::or_here(parent);
            Ok(Parent {
                real: fs::canonicalize(parent)?,
                top: top_of(&tidy(&std::path::absolute(parent)?)),
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

/// The top of the repository that a path lies in, with links followed.
fn top_of(path: &Path) -> Option<PathBuf> {
    let top = path.ancestors().find(|dir| dir.join(GIT).exists())?;
    fs::canonicalize(top).ok()
}

/// Takes `.` and `..` out of a path. It may name what is there no more, so the file system is not asked.
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => tidy.push(part),
        }
    }
    tidy
}
