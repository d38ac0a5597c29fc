//! Loads manifests: from paths to the contents of each file, one piece at a time.
//!
//! Every worker takes one file through the same steps:
//!
//! ```text
//! file ── read ── cut ──▶ piece ── look up ─┬─ known ────────────────────────▶ contents
//!                                           └─ lower ── audit ── pack ── keep ─▶ contents
//! ```
//!
//! The text of a file goes as soon as its contents are there, and a tree as soon as its object is packed, so that the
//! texts of ten thousand files are never in memory together, nor the trees of one large file. For example a file of
//! 1 MiB is cut into eight pieces; its worker puts it aside, and once all files are read the workers share its pieces.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::contents::{FileContents, LoadedObject, ObjectContent};
use super::disk_cache::DiskCache;
use super::outline::KeptAccounts;
use super::piece_store::PieceStore;
use crate::manifest::compose::{fields_name_values, names_values};
use crate::manifest::file_stamp::FileStamp;
use crate::manifest::load::{FoundFiles, ReadOutcome, find_files, is_late, read_file};
use crate::manifest::{Loaded, Piece, PieceReader, ReadLimits, foreign, map_parallel};
use crate::model::Diagnostics;
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow};
use crate::provider;

/// Bytes of large files that may wait for their pieces to be shared among the workers.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// Files that were read, each with its contents as far as they are known already.
#[derive(Default)]
pub struct LoadedManifests {
    pub loaded: Loaded,
    /// The stamps of the files that were read, by name, where a store asks for them.
    pub(super) stamps: HashMap<String, FileStamp>,
    /// In the order of the sources. `None` for a file that a store knows or that waits to be lowered.
    pub(super) contents: Vec<Option<Box<FileContents>>>,
    /// What earlier runs know of the files that wait.
    pub(super) cache: Option<Arc<DiskCache>>,
}

impl LoadedManifests {
    /// Loads the files below `paths`; `-` among them is `input`.
    pub fn load(
        paths: &[PathBuf],
        input: &mut dyn Read,
        limits: &ReadLimits,
        cache: Option<Arc<DiskCache>>,
    ) -> Self {
        let loading = Loading::new(limits, cache.as_deref().map(as_store));
        let manifests = loading.load_files(paths, input);
        manifests.with_cache(cache)
    }

    /// Has the files that wait looked up in a cache before they are lowered.
    pub fn with_cache(self, cache: Option<Arc<DiskCache>>) -> Self {
        Self { cache, ..self }
    }

    /// Adds other files, which no path of the command names.
    pub fn extend(&mut self, other: Self) {
        self.loaded.sources.extend(other.loaded.sources);
        self.loaded.findings.extend(other.loaded.findings);
        self.contents.extend(other.contents);
    }

    /// Completes the contents of every file, in the order of the sources, of which labels stay. Files without contents
    /// are looked up in the store and in the cache. Objects of accounts that are not kept may be outlines.
    pub(super) fn complete(
        self,
        store: Option<&dyn PieceStore>,
        kept: &KeptAccounts,
    ) -> (Loaded, Vec<FileContents>) {
        let mut loaded = self.loaded;
        let labels = loaded.sources.iter().map(Source::label).collect();
        let sources = std::mem::replace(&mut loaded.sources, labels);
        let waiting = sources.into_iter().zip(&self.contents);
        let waiting = waiting.filter_map(|(source, known)| known.is_none().then_some(source));
        let cache = self.cache.as_deref().map(as_store);
        let limits = ReadLimits::default();
        let loading = Loading::new(&limits, store.into_iter().chain(cache)).keeping(kept);
        let mut lowered = loading.lower_files(waiting.collect()).into_iter();
        let contents = self.contents.into_iter().filter_map(|known| match known {
            Some(known) => Some(*known),
            None => lowered.next(),
        });
        (loaded, contents.collect())
    }
}

impl From<Loaded> for LoadedManifests {
    fn from(loaded: Loaded) -> Self {
        Self {
            contents: loaded.sources.iter().map(|_| None).collect(),
            loaded,
            ..Self::default()
        }
    }
}

fn as_store(cache: &DiskCache) -> &dyn PieceStore {
    cache
}

/// Lowers files that are in memory, for example those of a commit.
pub(super) fn lower_sources(sources: &[Arc<Source>]) -> Vec<FileContents> {
    let limits = ReadLimits::default();
    Loading::new(&limits, None).lower_files(sources.to_vec())
}

/// One file after its turn on a worker.
struct LoadedFile {
    source: ReadOutcome,
    stamp: Option<FileStamp>,
    /// `None` if it was not read or waits.
    contents: Option<Box<FileContents>>,
}

/// What the workers share.
pub(super) struct Loading<'a> {
    limits: &'a ReadLimits,
    kinds: Vec<KindRow>,
    /// Asked one after the other.
    stores: Vec<&'a dyn PieceStore>,
    /// The time, if stamps are taken of the files.
    stamped_at: Option<SystemTime>,
    /// Set if objects are kept as outlines only.
    only_outlines: bool,
    /// Bytes of the large files that were put aside.
    waiting: AtomicUsize,
}

impl<'a> Loading<'a> {
    pub fn new(
        limits: &'a ReadLimits,
        stores: impl IntoIterator<Item = &'a dyn PieceStore>,
    ) -> Self {
        Self {
            limits,
            kinds: provider::kind_rows(),
            stores: stores.into_iter().collect(),
            stamped_at: None,
            only_outlines: false,
            waiting: AtomicUsize::new(0),
        }
    }

    /// Takes stamps of the files, and does not read those that the stores know by theirs.
    pub fn stamped_at(self, now: SystemTime) -> Self {
        Self {
            stamped_at: Some(now),
            ..self
        }
    }

    /// Keeps only the objects of the accounts `kept`. The account of an object is known once all files are read, so
    /// objects are dropped here only if no account is kept; the check drops the others.
    pub fn keeping(self, kept: &KeptAccounts) -> Self {
        Self {
            only_outlines: kept.is_none(),
            ..self
        }
    }

    /// Loads the files below `paths` on the workers, in the order of their names.
    pub fn load_files(&self, paths: &[PathBuf], input: &mut dyn Read) -> LoadedManifests {
        let FoundFiles { loaded, files } = find_files(paths, input, self.limits);
        let mut manifests = LoadedManifests::from(loaded);
        for file in map_parallel(&files, |path| self.load_file(path)) {
            let is_late = is_late(&file.source);
            if let (Ok(source), Some(stamp)) = (&file.source, file.stamp) {
                manifests.stamps.insert(source.name.clone(), stamp);
            }
            if manifests.loaded.add(file.source) {
                manifests.contents.push(file.contents);
            }
            if is_late {
                break;
            }
        }
        manifests.loaded.refuse_no_files(paths);
        manifests
    }

    /// Takes one file from its path to its contents. Its text goes, unless it is large and waits for the others.
    fn load_file(&self, path: &Path) -> LoadedFile {
        // Taken before the file is read: a write meanwhile shows in the next one.
        let stamp = self.stamped_at.and_then(|now| FileStamp::of(path, now));
        if let Some(label) = stamp.and_then(|stamp| self.find_unchanged(path, &stamp)) {
            return LoadedFile {
                source: Ok(label),
                stamp: None,
                contents: None,
            };
        }
        let source = match read_file(path, self.limits) {
            Ok(source) => source,
            Err(finding) => {
                return LoadedFile {
                    source: Err(finding),
                    stamp,
                    contents: None,
                };
            }
        };
        let label = source.label();
        let contents = match self.may_wait(&source) {
            true => None,
            false => Some(self.lower_file(Arc::clone(&source), &label)),
        };
        let is_done = contents.is_some();
        LoadedFile {
            source: Ok(if is_done { label } else { source }),
            stamp,
            contents: contents.map(Box::new),
        }
    }

    fn find_unchanged(&self, path: &Path, stamp: &FileStamp) -> Option<Arc<Source>> {
        if self.limits.is_over() {
            return None;
        }
        let name = path.display().to_string();
        let mut stores = self.stores.iter();
        stores.find_map(|store| store.unchanged(&name, stamp))
    }

    /// Reports whether a file is put aside: a large one, as long as those put aside are not too large together.
    fn may_wait(&self, source: &Source) -> bool {
        let length = source.text.len();
        !Piece::is_small_file(source)
            && self.waiting.fetch_add(length, Ordering::Relaxed) + length <= MAX_WAITING_BYTES
    }

    /// Lowers one file that was read; the pieces of a large one side by side.
    pub fn lower_file(&self, source: Arc<Source>, label: &Arc<Source>) -> FileContents {
        let contents = match Piece::of_small_file(&source, label) {
            Some(piece) => self.load_piece(&piece),
            None => self.lower_files(vec![source]).pop(),
        };
        contents.unwrap_or_default()
    }

    /// Lowers files that were read, in their order. The workers share the pieces, and the text of a file is freed with
    /// its last piece unless other code shares it. A file with a piece that is not valid by itself is lowered once more
    /// as a whole.
    fn lower_files(&self, sources: Vec<Arc<Source>>) -> Vec<FileContents> {
        let known = map_parallel(&sources, |source| {
            self.find(&Piece::whole(Arc::clone(source)))
        });
        let (mut pieces, mut lengths) = (Vec::with_capacity(sources.len()), Vec::new());
        for (source, known) in sources.into_iter().zip(&known) {
            let cut = match known {
                Some(_) => Vec::new(),
                // It is counted as a whole, and not parsed.
                None if foreign::is_foreign(&source.text, &self.kinds) => {
                    vec![Piece::whole(source)]
                }
                None => Piece::cut(source),
            };
            lengths.push(cut.len());
            pieces.extend(cut.into_iter().map(|piece| Mutex::new(Some(piece))));
        }
        let lowered = map_parallel(&pieces, |piece| {
            let piece = piece
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()?;
            Some(self.load_piece(&piece).ok_or(piece.source))
        });
        let mut parts = lowered.into_iter().flatten();
        let files = known.into_iter().zip(lengths).map(|(known, length)| {
            if let Some(known) = known {
                return Ok(known);
            }
            let parts = Vec::from_iter(parts.by_ref().take(length)).into_iter();
            parts.collect::<Result<Vec<_>, _>>().map(FileContents::join)
        });
        let files: Vec<Result<FileContents, Arc<Source>>> = files.collect();
        self.lower_wholes(files)
    }

    /// Lowers the files as wholes that have no contents yet, for their findings.
    fn lower_wholes(&self, files: Vec<Result<FileContents, Arc<Source>>>) -> Vec<FileContents> {
        let invalid = files.iter().filter_map(|file| file.as_ref().err());
        let wholes: Vec<Piece> = invalid
            .map(|source| Piece::whole(Arc::clone(source)))
            .collect();
        let mut lowered = map_parallel(&wholes, |whole| self.load_piece(whole)).into_iter();
        let files = files.into_iter();
        let files = files.map(|file| file.ok().or_else(|| lowered.next().flatten()));
        files.map(Option::unwrap_or_default).collect()
    }

    /// Takes one piece from its text to its contents. `None` if it is not valid YAML and not the whole file.
    fn load_piece(&self, piece: &Piece) -> Option<FileContents> {
        if let Some(known) = self.find(piece) {
            return Some(known);
        }
        let mut reader = PieceReader::open(piece, &self.kinds)?;
        let mut objects = Vec::with_capacity(reader.remaining());
        while let Some(draft) = reader.next_draft() {
            let is_composed = draft.is_composed(names_values, fields_name_values);
            if !is_composed && !draft.is_named() {
                // For its findings alone.
                audit_draft(draft, reader.findings());
                continue;
            }
            let mut object = LoadedObject::of(&draft);
            object.is_composed = is_composed;
            match is_composed {
                true => object.draft = Some(Arc::new(draft)),
                false => object.content = audit_draft(draft, reader.findings()),
            }
            objects.push(object);
        }
        let mut contents = FileContents {
            objects,
            declarations: reader.finish(),
        };
        for store in &self.stores {
            store.keep(piece, &contents);
        }
        self.forget_objects(&mut contents);
        Some(contents)
    }

    fn find(&self, piece: &Piece) -> Option<FileContents> {
        let mut found = self.stores.iter().find_map(|store| store.find(piece))?;
        self.forget_objects(&mut found);
        Some(found)
    }

    /// Replaces the objects by their outlines if no account is kept.
    fn forget_objects(&self, contents: &mut FileContents) {
        if self.only_outlines {
            for object in &mut contents.objects {
                object.content.forget();
            }
        }
    }
}

/// Checks the fields of a draft and packs them.
pub(super) fn audit_draft(draft: Draft, findings: &mut Diagnostics) -> ObjectContent {
    let kind = provider::find_kind(draft.address.kind.0);
    let desired = kind.and_then(|kind| provider::audit::audit_draft(kind, draft, findings));
    desired.map_or(ObjectContent::Invalid, |desired| {
        ObjectContent::Desired(Arc::new(desired))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::walk::ReadLimits;

    #[test]
    fn the_text_of_a_file_goes_once_its_contents_are_known() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "a: 1\n").unwrap();
        // Larger than a piece, so that it waits for the others.
        let large = "b: a longer text\n---\n".repeat(20_000);
        std::fs::write(dir.path().join("b.yaml"), &large).unwrap();
        let paths = [dir.path().to_path_buf()];
        let manifests =
            LoadedManifests::load(&paths, &mut std::io::empty(), &ReadLimits::default(), None);
        let known = manifests.contents.iter().map(Option::is_some);
        assert!(known.eq([true, false]));
        let sources = &manifests.loaded.sources;
        let texts = sources.iter().map(|source| source.text.as_str());
        assert!(texts.eq(["", large.as_str()]));
        let (loaded, contents) = manifests.complete(None, &KeptAccounts::All);
        assert!(loaded.sources.iter().all(|source| source.is_bare()));
        let skipped = contents.iter().map(|file| file.declarations.skipped);
        assert!(skipped.eq([1, 20_000]));
    }
}
