//! The files of a git commit, as a tree to walk.
//!
//! Nothing is checked out. Whoever runs git lists the whole tree of a commit, since links lead anywhere in it, then
//! asks for the blobs that [`Commit::asked`] names, and then for those of the manifests that were found.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};

use super::{Found, GITIGNORE, Kind, Limits, Root, Target, Tree, walk};
use crate::manifest::load::too_large;
use crate::manifest::yaml::MAX_FILE_BYTES;

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// Bytes of a link or `.gitignore` that is asked for.
const LARGEST_TEXT: u64 = 1 << 20;

/// A blob: a file, or the text of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    pub id: String,
    pub size: u64,
}

#[derive(Clone, Debug)]
enum Entry {
    File(Blob),
    Link(Blob),
    Submodule,
}

/// The tree of a commit.
#[derive(Debug, Default)]
pub struct Commit {
    /// By their paths, in the order of their bytes.
    entries: BTreeMap<String, Entry>,
    /// Texts of links and `.gitignore` files, by the blob.
    texts: HashMap<String, String>,
}

impl Commit {
    /// The arguments of git that list the tree of a commit, but for its name.
    pub const LISTING: [&'static str; 5] = ["ls-tree", "-r", "-z", "-l", "--full-tree"];

    /// Takes what git printed.
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
                "120000" => Entry::Link(blob()),
                "160000" => Entry::Submodule,
                _ => Entry::File(blob()),
            };
            Some((path.to_string(), entry))
        });
        Self {
            entries: lines.collect(),
            texts: HashMap::new(),
        }
    }

    /// The blobs that tell which files are manifests.
    pub fn asked(&self) -> Vec<Blob> {
        let asked = self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::Link(blob) => Some(blob),
            Entry::File(blob) if name_of(path) == GITIGNORE => Some(blob),
            Entry::File(_) | Entry::Submodule => None,
        });
        let small = asked.filter(|blob| blob.size <= LARGEST_TEXT);
        small.cloned().collect()
    }

    /// Takes the texts of those blobs.
    pub fn learn(&mut self, asked: &[Blob], texts: Vec<Vec<u8>>) {
        let texts = texts
            .into_iter()
            .map(|text| String::from_utf8_lossy(&text).into_owned());
        let ids = asked.iter().map(|blob| blob.id.clone());
        self.texts.extend(ids.zip(texts));
    }

    /// Finds the manifests below paths of the tree, which are named without a slash ahead; the top is empty. A path
    /// that is not there has none.
    pub fn find(&self, paths: &[String]) -> Found {
        let roots = paths.iter().filter_map(|path| {
            let target = self.resolve(Path::new(path), None).ok()?;
            Some(Root {
                shown: PathBuf::from(path),
                target,
                top: Some(PathBuf::new()),
                home: None,
            })
        });
        walk(self, &Vec::from_iter(roots), &Limits::default())
    }

    /// The names of the files that were found, with their blobs. One that is too large to be a manifest is not
    /// even asked for.
    pub fn readable(&self, found: &mut Found) -> (Vec<String>, Vec<Blob>) {
        let mut readable = (Vec::new(), Vec::new());
        for file in &found.files {
            let path = file.real.to_str().unwrap_or_default();
            let Some(Entry::File(blob)) = self.entries.get(path) else {
                continue;
            };
            let name = file.shown.display().to_string();
            if blob.size > MAX_FILE_BYTES {
                found.findings.push(too_large(&name));
            } else {
                readable.0.push(name);
                readable.1.push(blob.clone());
            }
        }
        readable
    }

    /// What a path without links is.
    fn kind(&self, path: &str) -> Option<Kind> {
        match self.entries.get(path) {
            Some(Entry::File(_)) => return Some(Kind::File),
            Some(Entry::Link(_)) => return Some(Kind::Link),
            Some(Entry::Submodule) => return Some(Kind::Submodule),
            None => {}
        }
        let below = below(path);
        let first = self
            .entries
            .range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
        let is_directory = { first }
            .next()
            .is_some_and(|(first, _)| first.starts_with(&below));
        (is_directory || path.is_empty()).then_some(Kind::Directory)
    }

    fn text(&self, path: &str) -> io::Result<&str> {
        let blob = match self.entries.get(path) {
            Some(Entry::File(blob) | Entry::Link(blob)) => blob,
            Some(Entry::Submodule) | None => return Err(io::ErrorKind::NotFound.into()),
        };
        let text = self.texts.get(&blob.id).map(String::as_str);
        text.ok_or_else(|| io::Error::other("it is larger than 1 MiB"))
    }
}

/// What the paths below a directory begin with.
fn below(directory: &str) -> String {
    match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Tree for Commit {
    fn list(&self, directory: &Path) -> io::Result<Vec<(OsString, Kind)>> {
        let below = below(directory.to_str().unwrap_or_default());
        let mut names = Vec::new();
        let mut from = Bound::Included(below.clone());
        while let Some((path, entry)) = self.entries.range((from, Bound::Unbounded)).next() {
            let Some(rest) = path.strip_prefix(&below) else {
                break;
            };
            from = match rest.split_once('/') {
                Some((name, _)) => {
                    names.push((name.into(), Kind::Directory));
                    // A zero comes next after the slash.
                    Bound::Included(format!("{below}{name}0"))
                }
                None => {
                    let kind = match entry {
                        Entry::File(_) => Kind::File,
                        Entry::Link(_) => Kind::Link,
                        Entry::Submodule => Kind::Submodule,
                    };
                    names.push((rest.into(), kind));
                    Bound::Excluded(path.clone())
                }
            };
        }
        Ok(names)
    }

    fn resolve(&self, path: &Path, _: Option<&Path>) -> io::Result<Target> {
        let mut left = parts(path);
        let (mut real, mut links) = (Vec::new(), 0);
        let mut named = path.display().to_string();
        while let Some(part) = left.pop() {
            if part == ".." {
                if real.pop().is_none() {
                    return Ok(Target::Out(named));
                }
                continue;
            }
            real.push(part);
            let own = real.join("/");
            match self.kind(&own) {
                Some(Kind::Link) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(io::Error::other("too many links lead from one to another"));
                    }
                    named = self.text(&own)?.to_string();
                    if named.starts_with('/') {
                        return Ok(Target::Out(named));
                    }
                    real.pop();
                    left.extend(parts(Path::new(&named)));
                }
                Some(Kind::Directory) => {}
                Some(_) if left.is_empty() => {}
                Some(_) | None => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        let real = real.join("/");
        let kind = self.kind(&real).ok_or(io::ErrorKind::NotFound)?;
        Ok(Target::To(real.into(), kind))
    }

    fn read(&self, file: &Path) -> io::Result<String> {
        let path = file.to_str().unwrap_or_default();
        match self.kind(path) {
            Some(Kind::File) => self.text(path).map(str::to_string),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The names of a relative path, the first one last.
fn parts(path: &Path) -> Vec<String> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let mut parts: Vec<String> = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.reverse();
    parts
}

/// The blob that `git cat-file` did not show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("git cat-file did not show {0}")]
pub struct MissingBlob(String);

/// Cuts what `git cat-file --batch` printed for `blobs`: of each a line of facts, its bytes, and a line's end.
pub fn contents(blobs: &[Blob], mut printed: &[u8]) -> Result<Vec<Vec<u8>>, MissingBlob> {
    let mut read = Vec::with_capacity(blobs.len());
    for Blob { id, .. } in blobs {
        let missing = || MissingBlob(id.to_string());
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
