//! The files of a git commit, as a tree to walk.
//!
//! Nothing is checked out. The caller, who runs git, lists the whole tree of a commit, since links lead anywhere in
//! it. It then fetches the blobs that [`CommitTree::needed_blobs`] names, and last those of the manifests that were
//! found.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use super::{
    EntryKind, FileTree, FoundManifests, GITIGNORE, LinkTarget, NamedRoot, ReadLimits, walk,
};
use crate::manifest::load::too_large;
use crate::manifest::yaml::MAX_FILE_BYTES;

/// Most links in one path, as for Linux.
const MAX_LINKS: usize = 40;

/// Largest link or `.gitignore` that is fetched.
const MAX_TEXT_BYTES: u64 = 1 << 20;

/// A blob of git: a file, or the text of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    pub id: String,
    pub size: u64,
}

#[derive(Clone, Debug)]
enum CommitEntry {
    File(Blob),
    Link(Blob),
    Submodule,
}

/// A blob that git did not print.
#[derive(Clone, Debug, thiserror::Error)]
#[error("git cat-file did not show {id}")]
pub struct MissingBlob {
    id: String,
}

/// The tree of a commit.
#[derive(Debug, Default)]
pub struct CommitTree {
    /// By path, in the order of their bytes.
    entries: BTreeMap<String, CommitEntry>,
    /// Texts of links and `.gitignore` files, by the id of the blob.
    texts: HashMap<String, String>,
}

impl CommitTree {
    /// The arguments of git that list the tree of a commit, but for its name.
    pub const LISTING: [&'static str; 5] = ["ls-tree", "-r", "-z", "-l", "--full-tree"];

    /// Reads the listing that git printed.
    pub fn of(listing: &[u8]) -> Self {
        let listing = String::from_utf8_lossy(listing);
        let lines = listing.split('\0').filter_map(|line| {
            let (facts, path) = line.split_once('\t')?;
            let facts: Vec<&str> = facts.split_whitespace().collect();
            let [mode, _, id, size] = facts.as_slice() else {
                return None;
            };
            let blob = || Blob {
                id: (*id).to_string(),
                // Submodules have none.
                size: size.parse().unwrap_or(0),
            };
            let entry = match *mode {
                "120000" => CommitEntry::Link(blob()),
                "160000" => CommitEntry::Submodule,
                _ => CommitEntry::File(blob()),
            };
            Some((path.to_string(), entry))
        });
        Self {
            entries: lines.collect(),
            texts: HashMap::new(),
        }
    }

    /// Returns the blobs that tell which files are manifests: links and `.gitignore` files.
    pub fn needed_blobs(&self) -> Vec<Blob> {
        let needed = self.entries.iter().filter_map(|(path, entry)| match entry {
            CommitEntry::Link(blob) => Some(blob),
            CommitEntry::File(blob) if name_of(path) == GITIGNORE => Some(blob),
            CommitEntry::File(_) | CommitEntry::Submodule => None,
        });
        let small = needed.filter(|blob| blob.size <= MAX_TEXT_BYTES);
        small.cloned().collect()
    }

    /// Adds the texts of those blobs, in the same order.
    pub fn add_texts(&mut self, blobs: &[Blob], texts: Vec<Vec<u8>>) {
        let texts = texts
            .into_iter()
            .map(|text| String::from_utf8_lossy(&text).into_owned());
        let ids = blobs.iter().map(|blob| blob.id.clone());
        self.texts.extend(ids.zip(texts));
    }

    /// Finds the manifests below paths of the tree, which have no slash ahead; the empty path is the top. There are
    /// none below a path that does not exist.
    pub fn find_manifests(&self, paths: &[String]) -> FoundManifests {
        let roots = paths.iter().filter_map(|path| {
            let target = self.resolve(Path::new(path), None).ok()?;
            Some(NamedRoot {
                shown: PathBuf::from(path),
                target,
                top: Some(PathBuf::new()),
                home: None,
            })
        });
        walk(self, &Vec::from_iter(roots), &ReadLimits::default())
    }

    /// Returns the names of the files that were found, and their blobs. A file that is too large to be a manifest is
    /// left out, after a finding.
    pub fn readable_files(&self, found: &mut FoundManifests) -> (Vec<String>, Vec<Blob>) {
        let (mut names, mut blobs) = (Vec::new(), Vec::new());
        for file in &found.files {
            let path = file.real.to_str().unwrap_or_default();
            let Some(CommitEntry::File(blob)) = self.entries.get(path) else {
                continue;
            };
            let name = file.shown.display().to_string();
            if blob.size > MAX_FILE_BYTES {
                found.findings.push(too_large(&name));
            } else {
                names.push(name);
                blobs.push(blob.clone());
            }
        }
        (names, blobs)
    }

    /// Returns the blob of a file, by its path in the tree; `None` if there is none, or it is too large to be read.
    pub fn blob_of(&self, path: &str) -> Option<Blob> {
        let LinkTarget::To(real, _) = self.resolve(Path::new(path), None).ok()? else {
            return None;
        };
        match self.entries.get(real.to_str()?) {
            Some(CommitEntry::File(blob)) if blob.size <= MAX_FILE_BYTES => Some(blob.clone()),
            _ => None,
        }
    }

    /// Returns the kind of a path without links; `None` if it does not exist.
    fn kind_of(&self, path: &str) -> Option<EntryKind> {
        match self.entries.get(path) {
            Some(CommitEntry::File(_)) => return Some(EntryKind::File),
            Some(CommitEntry::Link(_)) => return Some(EntryKind::Link),
            Some(CommitEntry::Submodule) => return Some(EntryKind::Submodule),
            None => {}
        }
        let below = prefix_below(path);
        let first = self
            .entries
            .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
        let is_directory = { first }
            .next()
            .is_some_and(|(first, _)| first.starts_with(&below));
        (is_directory || path.is_empty()).then_some(EntryKind::Directory)
    }

    /// Returns the text of a link or `.gitignore`.
    fn text(&self, path: &str) -> io::Result<&str> {
        let blob = match self.entries.get(path) {
            Some(CommitEntry::File(blob) | CommitEntry::Link(blob)) => blob,
            Some(CommitEntry::Submodule) | None => return Err(io::ErrorKind::NotFound.into()),
        };
        let text = self.texts.get(&blob.id).map(String::as_str);
        text.ok_or_else(|| io::Error::other("it is larger than 1 MiB"))
    }
}

/// Returns the prefix of all paths below a directory.
fn prefix_below(directory: &str) -> String {
    match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl FileTree for CommitTree {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, EntryKind)>> {
        let below = prefix_below(directory.to_str().unwrap_or_default());
        let mut names = Vec::new();
        let mut from = Bound::Included(below.clone());
        while let Some((path, entry)) = self.entries.range((from, Bound::Unbounded)).next() {
            let Some(rest) = path.strip_prefix(&below) else {
                break;
            };
            from = match rest.split_once('/') {
                Some((name, _)) => {
                    names.push((name.into(), EntryKind::Directory));
                    // A zero comes next after the slash.
                    Bound::Included(format!("{below}{name}0"))
                }
                None => {
                    let kind = match entry {
                        CommitEntry::File(_) => EntryKind::File,
                        CommitEntry::Link(_) => EntryKind::Link,
                        CommitEntry::Submodule => EntryKind::Submodule,
                    };
                    names.push((rest.into(), kind));
                    Bound::Excluded(path.clone())
                }
            };
        }
        Ok(names)
    }

    fn resolve(&self, path: &Path, _: Option<&Path>) -> io::Result<LinkTarget> {
        let mut left = reversed_names(path);
        let (mut real, mut links) = (Vec::new(), 0);
        let mut named = path.display().to_string();
        while let Some(part) = left.pop() {
            if part == ".." {
                if real.pop().is_none() {
                    return Ok(LinkTarget::Out(named));
                }
                continue;
            }
            real.push(part);
            let prefix = real.join("/");
            match self.kind_of(&prefix) {
                Some(EntryKind::Link) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(io::Error::other("too many links lead from one to another"));
                    }
                    named = self.text(&prefix)?.to_string();
                    if named.starts_with('/') {
                        return Ok(LinkTarget::Out(named));
                    }
                    real.pop();
                    left.extend(reversed_names(Path::new(&named)));
                }
                Some(EntryKind::Directory) => {}
                Some(_) if left.is_empty() => {}
                Some(_) | None => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        let real = real.join("/");
        let kind = self.kind_of(&real).ok_or(io::ErrorKind::NotFound)?;
        Ok(LinkTarget::To(real.into(), kind))
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        let path = file.to_str().unwrap_or_default();
        match self.kind_of(path) {
            Some(EntryKind::File) => self.text(path).map(str::to_string),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Returns the names of a relative path, the last one first.
fn reversed_names(path: &Path) -> Vec<String> {
    let names = path.components().filter(|part| *part != Component::CurDir);
    let mut names: Vec<String> = names
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    names.reverse();
    names
}

/// Splits the output of `git cat-file --batch` for `blobs`: for each a line of facts, its bytes, and a line break.
/// `Err` if it is not that.
pub fn split_blobs(blobs: &[Blob], mut printed: &[u8]) -> Result<Vec<Vec<u8>>, MissingBlob> {
    let mut read = Vec::with_capacity(blobs.len());
    for Blob { id, .. } in blobs {
        let missing = || MissingBlob { id: id.clone() };
        let end = printed.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(missing)?;
        let facts = String::from_utf8_lossy(&printed[..end]);
        let size = facts
            .strip_prefix(id.as_str())
            .and_then(|rest| rest.strip_prefix(" blob "));
        let size: usize = size
            .and_then(|size| size.parse().ok())
            .ok_or_else(missing)?;
        let bytes = printed.get(end + 1..end + 1 + size).ok_or_else(missing)?;
        read.push(bytes.to_vec());
        printed = printed.get(end + 2 + size..).ok_or_else(missing)?;
    }
    Ok(read)
}
