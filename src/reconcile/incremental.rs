//! Loads manifests again and again: a save of one file among ten thousand costs that one.
//!
//! What a file says by itself follows from its text alone, so it is kept by the hash of that. Whatever depends
//! on other files (names, references, connections) is checked anew every time.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::check::{CheckOptions, Checked, settle};
use super::contents::{FileContents, LoadedObject};
use super::disk_cache::DiskCache;
use super::load::{LoadedManifests, Loading, PieceStore};
use crate::manifest::file_stamp::FileStamp;
use crate::manifest::{Declarations, Piece, ReadLimits};
use crate::model::diagnostic::Source;
use crate::model::{Desired, Origin};

/// What is known of every file that is in force.
#[derive(Default)]
pub struct IncrementalLoader {
    files: HashMap<ByName, KnownFile>,
}

/// The label of a file as the key by its name, which would be in memory twice otherwise: there are ten thousand of them.
struct ByName(Arc<Source>);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.name.hash(hasher);
    }
}

struct KnownFile {
    label: Arc<Source>,
    /// The stamp with which the file was read; `None` where it tells nothing.
    stamp: Option<FileStamp>,
    objects: Box<[LoadedObject]>,
    /// Number of objects that were in order when the file was read.
    in_order: usize,
    /// `None` for nearly all of ten thousand files: each of their documents is an object.
    declarations: Option<Box<Declarations>>,
}

impl KnownFile {
    /// Takes in a file that was just read, without its objects: they come back once they are settled.
    fn new(label: &Arc<Source>, stamp: Option<FileStamp>, contents: &FileContents) -> Self {
        let FileContents {
            objects,
            declarations,
        } = contents;
        let is_plain = declarations.is_only_counts() && declarations.documents == objects.len();
        let without_desired = |object: &LoadedObject| LoadedObject {
            desired: None,
            ..object.clone()
        };
        Self {
            label: Arc::clone(label),
            stamp,
            in_order: count_in_order(objects),
            objects: objects.iter().map(without_desired).collect(),
            declarations: (!is_plain).then(|| Box::new(declarations.clone())),
        }
    }

    fn has_text_of(&self, source: &Source) -> bool {
        self.label.hash() == source.hash()
    }

    fn contents(&self) -> FileContents {
        let counted = || Declarations {
            documents: self.objects.len(),
            ..Declarations::default()
        };
        let declarations = self.declarations.as_deref();
        FileContents {
            objects: self.objects.to_vec(),
            declarations: declarations.cloned().unwrap_or_else(counted),
        }
    }
}

fn count_in_order(objects: &[LoadedObject]) -> usize {
    let in_order = objects.iter().filter(|object| object.desired.is_some());
    in_order.count()
}

impl PieceStore for IncrementalLoader {
    fn unchanged(&self, name: &str, stamp: &FileStamp) -> Option<Arc<Source>> {
        let known = self.files.get(name)?;
        (known.stamp.as_ref() == Some(stamp)).then(|| Arc::clone(&known.label))
    }

    /// Files are known as wholes.
    fn find(&self, piece: &Piece) -> Option<FileContents> {
        let known = self.files.get(piece.source.name.as_str())?;
        let is_known = piece.is_whole() && known.has_text_of(&piece.source);
        is_known.then(|| known.contents())
    }
}

impl IncrementalLoader {
    /// Loads the files below `paths`; those with the stamp of before are not read. `cache` knows files of earlier runs.
    pub fn load(
        &mut self,
        paths: &[PathBuf],
        limits: &ReadLimits,
        now: SystemTime,
        cache: Option<Arc<DiskCache>>,
    ) -> LoadedManifests {
        let known = [self as &dyn PieceStore].into_iter();
        let stores = known.chain(cache.as_deref().map(|cache| cache as &dyn PieceStore));
        let loading = Loading::new(limits, stores).stamped_at(now);
        let mut manifests = loading.load_files(paths, &mut std::io::empty());
        // A file that was only touched has another stamp and says the same.
        for source in &manifests.loaded.sources {
            let known = self.files.get_mut(source.name.as_str());
            if let Some(known) = known.filter(|known| known.has_text_of(source))
                && let Some(stamp) = manifests.stamps.remove(&source.name)
            {
                known.stamp = Some(stamp);
            }
        }
        manifests.with_cache(cache)
    }

    /// Checks all manifests together, after lowering those that are not known.
    pub fn check(
        &mut self,
        manifests: impl Into<LoadedManifests>,
        options: &CheckOptions,
    ) -> Checked {
        let mut manifests = manifests.into();
        let mut stamps = std::mem::take(&mut manifests.stamps);
        let (loaded, contents) = manifests.complete(Some(self));
        let labels = loaded.sources.clone();
        for (label, contents) in labels.iter().zip(&contents) {
            let known = self.files.get(label.name.as_str());
            if known.is_some_and(|known| known.has_text_of(label)) {
                continue;
            }
            let known = KnownFile::new(label, stamps.remove(&label.name), contents);
            // A key that is there already would keep the label of before.
            self.files.remove(label.name.as_str());
            self.files.insert(ByName(Arc::clone(label)), known);
        }
        let checked = settle(loaded, contents, options, &Default::default());
        self.keep_settled(&labels, &checked);
        checked
    }

    /// Keeps every object as it is in force, with the connection that it goes through. Forgets files that are gone, and
    /// those of which an object is not in force: they are read again the next time.
    fn keep_settled(&mut self, labels: &[Arc<Source>], checked: &Checked) {
        let names: HashSet<&str> = labels.iter().map(|label| label.name.as_str()).collect();
        // By place: two files may give one name to two objects, until somebody mends it.
        fn place(origin: &Origin) -> (&str, u32) {
            (&origin.source.name, origin.mark.start)
        }
        let settled = checked.desired.iter();
        let settled: HashMap<(&str, u32), &Arc<Desired>> = settled
            .map(|object| (place(&object.origin), object))
            .collect();
        self.files.retain(|name, known| {
            for object in &mut known.objects {
                let desired = settled.get(&place(&object.origin));
                object.desired = desired.map(|desired| Arc::clone(desired));
            }
            names.contains(name.0.name.as_str()) && count_in_order(&known.objects) == known.in_order
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Loaded;
    use crate::reconcile::testing::CONNECTION;

    fn order(name: &str, seats: u32) -> String {
        format!(
            "apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata: {{name: {name}}}
spec:
  activationKey: {name}
  desired: {{customer_id: 1, activations_allowed: {seats}}}
"
        )
    }

    fn loaded(files: &[(&str, String)]) -> Loaded {
        let source = |(name, text): &(&str, String)| {
            Arc::new(Source::new((*name).to_string(), text.clone()))
        };
        Loaded {
            sources: files.iter().map(source).collect(),
            ..Loaded::default()
        }
    }

    #[test]
    fn what_is_known_is_taken_as_it_is() {
        let mut loader = IncrementalLoader::default();
        let options = CheckOptions::default();
        let files = |seats| {
            let connection = ("c.yaml", CONNECTION.to_string());
            let orders = [("a.yaml", order("a", seats)), ("b.yaml", order("b", 5))];
            loaded(&[&[connection][..], &orders].concat())
        };
        let first = loader.check(files(5), &options);
        assert!(first.findings.is_empty(), "{:?}", first.findings);
        let second = loader.check(files(6), &options);
        assert_eq!(second.desired.len(), 2);
        assert!(!Arc::ptr_eq(&first.desired[0], &second.desired[0]));
        assert!(Arc::ptr_eq(&first.desired[1], &second.desired[1]));
        assert_ne!(first.source.manifests, second.source.manifests);
        assert_eq!(second.source.documents, 3);
    }

    #[test]
    fn what_depends_on_other_files_is_checked_anew() {
        let mut loader = IncrementalLoader::default();
        let options = CheckOptions {
            need_connections: true,
            ..CheckOptions::default()
        };
        let connection = ("c.yaml", CONNECTION.to_string());
        let one = ("a.yaml", order("a", 5));
        let renamed = ("c.yaml", CONNECTION.replace("name: lac", "name: other"));
        let codes = |checked: &Checked| -> Vec<&'static str> {
            checked
                .findings
                .iter()
                .map(|finding| finding.code)
                .collect()
        };
        let first = loader.check(loaded(&[connection.clone(), one.clone()]), &options);
        assert_eq!(first.desired[0].connection, "lac");
        let second = loader.check(loaded(&[renamed, one.clone()]), &options);
        assert_eq!(second.desired[0].connection, "other");
        let third = loader.check(loaded(std::slice::from_ref(&one)), &options);
        assert_eq!(codes(&third), ["no-connection"]);
        let twice = ("b.yaml", order("a", 6));
        let fourth = loader.check(loaded(&[connection.clone(), one.clone(), twice]), &options);
        assert!(codes(&fourth).contains(&"duplicate-name"));
        let mended = loader.check(loaded(&[connection.clone(), one.clone()]), &options);
        let seats = mended.desired[0].fields.get("activations_allowed");
        assert_eq!(seats, Some(crate::model::Value::Integer(5)));
        // A finding of a file stays for as long as the file does.
        let broken = (
            "b.yaml",
            order("b", 5)
                .replace("seats", "")
                .replace("{customer_id: 1, ", "{"),
        );
        for _ in 0..2 {
            let checked = loader.check(
                loaded(&[connection.clone(), one.clone(), broken.clone()]),
                &options,
            );
            assert_eq!(codes(&checked), ["missing-field"]);
        }
        let last = loader.check(loaded(&[connection, one]), &options);
        assert!(last.findings.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_looks_as_before_is_not_read_and_one_that_was_written_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("c.yaml"), CONNECTION).unwrap();
        std::fs::write(file("a.yaml"), order("a", 5)).unwrap();
        let paths = [dir.path().to_path_buf()];
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        let options = CheckOptions {
            need_connections: true,
            ..CheckOptions::default()
        };
        let mut loader = IncrementalLoader::default();
        // What was read now says something, what was not is known.
        let as_before = |manifests: &LoadedManifests| -> Vec<bool> {
            manifests.contents.iter().map(Option::is_none).collect()
        };
        let loaded = loader.load(&paths, &ReadLimits::default(), later, None);
        assert_eq!(as_before(&loaded), [false, false]);
        let first = loader.check(loaded, &options);
        let loaded = loader.load(&paths, &ReadLimits::default(), later, None);
        assert_eq!(as_before(&loaded), [true, true]);
        let second = loader.check(loaded, &options);
        assert!(Arc::ptr_eq(&first.desired[0], &second.desired[0]));
        assert_eq!(first.source.manifests, second.source.manifests);
        // Of the same size, so that only the times tell.
        std::fs::write(file("a.yaml"), order("a", 6)).unwrap();
        let loaded = loader.load(&paths, &ReadLimits::default(), later, None);
        assert_eq!(as_before(&loaded), [false, true]);
        let third = loader.check(loaded, &options);
        let seats = third.desired[0].fields.get("activations_allowed");
        assert_eq!(seats, Some(crate::model::Value::Integer(6)));
        // What is wrong with a file that was not read is shown in its text all the same.
        std::fs::remove_file(file("c.yaml")).unwrap();
        let loaded = loader.load(&paths, &ReadLimits::default(), later, None);
        assert_eq!(as_before(&loaded), [true]);
        let fourth = loader.check(loaded, &options);
        let origin = fourth
            .findings
            .iter()
            .next()
            .and_then(|finding| finding.origin.clone());
        assert!(
            origin
                .unwrap()
                .source
                .text
                .contains("kind: LacLicenseOrder")
        );
    }
}
