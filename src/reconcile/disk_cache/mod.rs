//! Keeps the contents of manifests on disk from run to run, so that files without a change are not parsed again.
//!
//! The cache cannot change the outcome of a run. The contents of a piece follow from its bytes and the program alone; they
//! are looked up by the hash of the bytes, and only the program that wrote them reads them. Names, references and
//! connections are checked anew in every run. A cache file that is missing, damaged, or of another program or owner counts
//! as empty. A user who can write the cache can change what is applied, as with the program itself: it is readable and
//! writable for its owner only, and belongs where the journal would be.

mod record;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::contents::FileContents;
use super::piece_store::PieceStore;
use crate::files::read::{self, ReadBounds};
use crate::files::write::create_private_dirs;
use crate::manifest::Piece;

/// The name of the file in the directory of the cache; another one for another format.
const FILE_NAME: &str = "manifests-1";

/// Largest cache file. A hundred thousand objects take 20 MB.
const MAX_BYTES: u64 = 256 << 20;

type Hash = [u8; 32];

/// The records of earlier runs and those of this one.
pub struct DiskCache {
    dir: PathBuf,
    program: Hash,
    bytes: Vec<u8>,
    /// Records of earlier runs, by the hash of their piece.
    old: HashMap<Hash, OldRecord>,
    /// Records of this run, encoded.
    new: Mutex<HashMap<Hash, Vec<u8>>>,
}

/// A record of an earlier run.
struct OldRecord {
    /// Its place in the bytes of the file.
    range: Range<usize>,
    /// Set once this run has used it.
    is_used: AtomicBool,
}

impl DiskCache {
    /// Opens the cache in a directory. `program` identifies the program: another one finds the cache empty.
    pub fn open(dir: &Path, program: &str) -> Self {
        let program = Sha256::digest(program).into();
        let bytes = read_private_file(&dir.join(FILE_NAME)).unwrap_or_default();
        let old = index_records(&bytes, &program).unwrap_or_default();
        Self {
            dir: dir.to_path_buf(),
            program,
            bytes,
            old,
            new: Mutex::default(),
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes the cache back if this run has new records, and reports whether it had. Old records that it did not use are kept as long as they are fewer
    /// than the others: another branch may use them.
    ///
    /// For example, of 100 old records with 30 used and 5 new, 35 unused ones are kept, which makes 70.
    pub fn save(&self) -> io::Result<bool> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.is_empty() {
            return Ok(false);
        }
        let is_used = |record: &OldRecord| record.is_used.load(Ordering::Relaxed);
        let (used, unused): (Vec<_>, Vec<_>) =
            self.old.iter().partition(|(_, record)| is_used(record));
        let kept = unused.into_iter().take(used.len() + new.len());
        let old = used.into_iter().chain(kept);
        let old = old.map(|(key, record)| (key, &self.bytes[record.range.clone()]));
        let new = new.iter().map(|(key, record)| (key, record.as_slice()));
        create_private_dirs(&self.dir)?;
        // Readable for its owner only, which the rename keeps.
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&encode_file(&self.program, old.chain(new)))?;
        file.persist(self.dir.join(FILE_NAME))?;
        Ok(true)
    }

    /// Removes the caches below `common`, one in each directory, that were not written since `before`.
    ///
    /// Nothing else is removed, and a cache that cannot be stays where it is.
    pub fn remove_unused(common: &Path, before: SystemTime) {
        let entries = fs::read_dir(common).into_iter().flatten().flatten();
        for dir in entries.map(|entry| entry.path()) {
            let file = dir.join(FILE_NAME);
            let written = fs::symlink_metadata(&file).and_then(|meta| meta.modified());
            if written.is_ok_and(|written| written < before) && fs::remove_file(&file).is_ok() {
                // Not if there is anything else in it.
                let _ = fs::remove_dir(&dir);
            }
        }
    }
}

impl PieceStore for DiskCache {
    fn find(&self, piece: &Piece) -> Option<FileContents> {
        let record = self.old.get(&key_of(piece))?;
        let contents = record::decode(&self.bytes[record.range.clone()], piece)?;
        record.is_used.store(true, Ordering::Relaxed);
        Some(contents)
    }

    fn keep(&self, piece: &Piece, contents: &FileContents) {
        if let Some(record) = record::encode(contents) {
            let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
            new.insert(key_of(piece), record);
        }
    }
}

/// Returns the key of a piece: the hash of its text and of its place in the file, since objects know their lines.
fn key_of(piece: &Piece) -> Hash {
    if piece.is_whole() {
        return *piece.source.hash();
    }
    let start = piece.start();
    let hash = Sha256::new()
        .chain_update(start.line.to_le_bytes())
        .chain_update(start.start.to_le_bytes());
    hash.chain_update(piece.text()).finalize().into()
}

/// Reads a file that no other user can have written; `None` for any other file.
fn read_private_file(file: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(file).ok()?;
    is_private(&meta).then(|| read::read_bytes(file, ReadBounds::file(MAX_BYTES)).ok())?
}

/// Reports whether only our own user can have written the file: in a shared directory other users can create files.
#[cfg(unix)]
fn is_private(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    is_private_to(meta.uid(), meta.mode(), rustix::process::geteuid().as_raw())
}

#[cfg(unix)]
fn is_private_to(owner: u32, mode: u32, us: u32) -> bool {
    owner == us && mode & 0o022 == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

/// Returns the bytes of a cache file: the program, then each record behind its key and its length, then the hash of it all.
fn encode_file<'a>(program: &Hash, records: impl Iterator<Item = (&'a Hash, &'a [u8])>) -> Vec<u8> {
    let mut bytes = program.to_vec();
    for (key, record) in records {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

/// Returns the places of the records in a cache file. `None` if another program wrote it or it is damaged.
fn index_records(bytes: &[u8], program: &Hash) -> Option<HashMap<Hash, OldRecord>> {
    let (all, hash) = bytes.split_last_chunk::<32>()?;
    let (writer, mut left) = all.split_first_chunk::<32>()?;
    if writer != program || Sha256::digest(all).as_slice() != hash {
        return None;
    }
    let mut records = HashMap::new();
    while !left.is_empty() {
        let (key, after) = left.split_first_chunk::<32>()?;
        let (length, after) = after.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let start = all.len() - after.len();
        left = after.get(length..)?;
        let record = OldRecord {
            range: start..start + length,
            is_used: AtomicBool::new(false),
        };
        records.insert(*key, record);
    }
    Some(records)
}

#[cfg(test)]
mod tests;
