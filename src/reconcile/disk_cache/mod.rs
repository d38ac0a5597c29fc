//! What manifests said in earlier runs, on disk, so that files which nobody has touched are not parsed again.
//!
//! It cannot change what a run comes to. What a piece of a file says follows from its bytes and the program
//! alone, and is found by the hash of the bytes in a file that only the program which wrote it reads. Names,
//! references and connections are checked anew in every run. A file that is missing, damaged or of another
//! program or owner counts as empty. Whoever can write the cache can change what is applied, as with the program
//! itself: it is readable and writable for its owner only, and belongs where the journal would.

mod record;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::contents::FileContents;
use super::load::PieceStore;
use crate::files::read::{self, ReadBounds};
use crate::files::write::create_private_dirs;
use crate::manifest::Piece;

/// The file in the directory of the cache. Its name changes with the format of the file.
const FILE: &str = "manifests-1";

/// A hundred thousand objects take 20 MB.
const MAX_BYTES: u64 = 256 << 20;

type Hash = [u8; 32];

/// The records of earlier runs and those of this one.
pub struct DiskCache {
    dir: PathBuf,
    program: Hash,
    bytes: Vec<u8>,
    held: HashMap<Hash, Held>,
    new: Mutex<HashMap<Hash, Vec<u8>>>,
}

/// A record of an earlier run.
struct Held {
    range: Range<usize>,
    used: AtomicBool,
}

impl DiskCache {
    /// The cache in a directory, for a program that `program` tells from every other.
    pub fn open(dir: &Path, program: &str) -> Self {
        let program = Sha256::digest(program).into();
        let bytes = read(&dir.join(FILE)).unwrap_or_default();
        let held = records(&bytes, &program).unwrap_or_default();
        Self {
            dir: dir.to_path_buf(),
            program,
            bytes,
            held,
            new: Mutex::default(),
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes the cache back if this run knows more. Records that it had no use for are kept as long as they
    /// are fewer than those in use: another branch may want them.
    pub fn save(&self) -> io::Result<()> {
        let new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.is_empty() {
            return Ok(());
        }
        let held = self.held.iter();
        let held = held.map(|(key, held)| (held.used.load(Ordering::Relaxed), key, held));
        let (used, unused): (Vec<_>, Vec<_>) = held.partition(|(used, _, _)| *used);
        let spared = unused.into_iter().take(used.len() + new.len());
        let held = used.into_iter().chain(spared);
        let held = held.map(|(_, key, held)| (key, &self.bytes[held.range.clone()]));
        let new = new.iter().map(|(key, record)| (key, record.as_slice()));
        create_private_dirs(&self.dir)?;
        // Readable for its owner only, which the rename keeps.
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&written(&self.program, held.chain(new)))?;
        file.persist(self.dir.join(FILE))?;
        Ok(())
    }
}

impl PieceStore for DiskCache {
    fn find(&self, piece: &Piece) -> Option<FileContents> {
        let held = self.held.get(&key(piece))?;
        let contents = record::decode(&self.bytes[held.range.clone()], piece)?;
        held.used.store(true, Ordering::Relaxed);
        Some(contents)
    }

    fn keep(&self, piece: &Piece, contents: &FileContents) {
        if let Some(record) = record::encode(contents) {
            let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
            new.insert(key(piece), record);
        }
    }
}

/// What a piece is found by: its text, and where that stands in a file, since objects know their lines.
fn key(piece: &Piece) -> Hash {
    if piece.is_whole() {
        return *piece.source.hash();
    }
    let begins = piece.begins();
    let hash = Sha256::new()
        .chain_update(begins.line.to_le_bytes())
        .chain_update(begins.start.to_le_bytes());
    hash.chain_update(piece.text()).finalize().into()
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(file).ok()?;
    is_private(&meta).then(|| read::read_bytes(file, ReadBounds::file(MAX_BYTES)).ok())?
}

/// Whether nobody but us can have written it: in a directory for everybody, strangers put files as well.
#[cfg(unix)]
fn is_private(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    is_ours(meta.uid(), meta.mode(), rustix::process::geteuid().as_raw())
}

#[cfg(unix)]
fn is_ours(owner: u32, mode: u32, us: u32) -> bool {
    owner == us && mode & 0o022 == 0
}

#[cfg(not(unix))]
fn is_private(_: &fs::Metadata) -> bool {
    true
}

/// The file: the program, then each record after its key and its length, then the hash of it all.
fn written<'a>(program: &Hash, records: impl Iterator<Item = (&'a Hash, &'a [u8])>) -> Vec<u8> {
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

/// Where the records stand in a file; nothing if it was written by another program or is damaged.
fn records(bytes: &[u8], program: &Hash) -> Option<HashMap<Hash, Held>> {
    let (all, hash) = bytes.split_last_chunk::<32>()?;
    let (own, mut rest) = all.split_first_chunk::<32>()?;
    if own != program || Sha256::digest(all).as_slice() != hash {
        return None;
    }
    let mut records = HashMap::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<32>()?;
        let (length, after) = after.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let begins = all.len() - after.len();
        rest = after.get(length..)?;
        let held = Held {
            range: begins..begins + length,
            used: AtomicBool::new(false),
        };
        records.insert(*key, held);
    }
    Some(records)
}

#[cfg(test)]
mod tests;
