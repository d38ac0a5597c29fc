//! Reloads manifests: after one of ten thousand files is saved, only that file is read and lowered again.
//!
//! The input is paths and the loader's own memory of earlier loads; the output is the same [`Checked`] that a first
//! load would give. The contents of a file depend on its text alone, so they are kept by the hash of the text.
//! Names, references and connections depend on other files, so they are checked again every time.
//!
//! Example: one of 10,000 files is saved. The other 9,999 have the same stamp as before and are not read. The saved
//! file is read, lowered and replaced; then the references of all objects are checked, which needs no text.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::check::{Checked, settle_references};
use super::connections::CheckOptions;
use super::contents::{FileContents, LoadedObject, ObjectContent};
use super::disk_cache::DiskCache;
use super::load::{LoadedManifests, Loading};
use super::outline::KeptAccounts;
use super::piece_store::PieceStore;
use crate::manifest::file_stamp::FileStamp;
use crate::manifest::{Declarations, Piece, ReadLimits};
use crate::model::diagnostic::Source;
use crate::model::{AccountKey, Origin};

/// Remembers every file that is in force, from load to load. The manifest source of `watch` keeps one.
#[derive(Default)]
pub struct IncrementalLoader {
    /// The files by name.
    files: HashMap<ByName, KnownFile>,
    /// The accounts of the connections in force, by name.
    accounts: BTreeMap<String, AccountKey>,
}

/// A file's label as the key by its name. A separate key would hold the name of each of ten thousand files
/// twice.
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

/// Contents of one file, without its text.
struct KnownFile {
    /// Name and hash of the text.
    label: Arc<Source>,
    /// The stamp with which the file was read; `None` if it does not prove that the file is unchanged.
    stamp: Option<FileStamp>,
    /// All objects of the file, also those that are not valid.
    objects: Box<[LoadedObject]>,
    /// Number of objects that were in order when the file was read.
    in_order: usize,
    /// Everything in the file that is no object; `None` for nearly all files, of which each document is an
    /// object.
    declarations: Option<Box<Declarations>>,
}

impl KnownFile {
    /// Notes a file that was just read, without its objects: they come back once they are settled.
    fn new(label: &Arc<Source>, stamp: Option<FileStamp>, contents: &FileContents) -> Self {
        let FileContents {
            objects,
            declarations,
        } = contents;
        let is_plain = declarations.is_only_counts() && declarations.documents == objects.len();
        let without_content = |object: &LoadedObject| LoadedObject {
            content: ObjectContent::Invalid,
            ..object.clone()
        };
        Self {
            label: Arc::clone(label),
            stamp,
            in_order: count_in_order(objects),
            objects: objects.iter().map(without_content).collect(),
            declarations: (!is_plain).then(|| Box::new(declarations.clone())),
        }
    }

    /// Reports whether the file had the text of `source` when it was read.
    fn has_text_of(&self, source: &Source) -> bool {
        self.label.hash() == source.hash()
    }

    /// Returns the contents as lowering would give them. Texts and objects are shared and not copied.
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

/// Counts the objects that are valid.
fn count_in_order(objects: &[LoadedObject]) -> usize {
    // One that is composed is made anew each time.
    let by_itself = objects.iter().filter(|object| object.draft.is_none());
    let in_order = by_itself.filter(|object| object.content.is_valid());
    in_order.count()
}

impl PieceStore for IncrementalLoader {
    fn unchanged(&self, name: &str, stamp: &FileStamp) -> Option<Arc<Source>> {
        let known = self.files.get(name)?;
        (known.stamp.as_ref() == Some(stamp)).then(|| Arc::clone(&known.label))
    }

    /// Returns the contents of a whole file with the same text; `None` for a piece of a file, since files are
    /// known as wholes.
    fn find(&self, piece: &Piece) -> Option<FileContents> {
        let known = self.files.get(piece.source.name.as_str())?;
        let is_known = piece.is_whole() && known.has_text_of(&piece.source);
        is_known.then(|| known.contents())
    }
}

impl IncrementalLoader {
    /// Drops the objects of accounts that are not kept, all but their outlines. `watch` calls it before each
    /// load, with the accounts that this replica has.
    pub fn keep_only(&mut self, kept: &KeptAccounts) {
        for object in self.files.values_mut().flat_map(|file| &mut file.objects) {
            let ObjectContent::Desired(desired) = &object.content else {
                continue;
            };
            let account = self.accounts.get(desired.connection.as_str());
            if account.is_some_and(|account| !kept.contains(account)) {
                object.content.forget();
            }
        }
    }

    /// Loads the files below `paths`. Files with an unchanged stamp are not read; `cache` has the contents of files
    /// that earlier runs have read.
    ///
    /// A file that was only touched is read, has the same hash, and gets its new stamp here, so that it is not
    /// read again.
    pub fn load(
        &mut self,
        paths: &[PathBuf],
        limits: &ReadLimits,
        now: SystemTime,
        cache: Option<Arc<DiskCache>>,
        kept: &KeptAccounts,
    ) -> LoadedManifests {
        let known = [self as &dyn PieceStore].into_iter();
        let stores = known.chain(cache.as_deref().map(|cache| cache as &dyn PieceStore));
        let loading = Loading::new(limits, stores).stamped_at(now).keeping(kept);
        let mut manifests = loading.load_files(paths, &mut std::io::empty());
        // A file that was only touched has a new stamp and the same text.
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
    ///
    /// Objects of accounts that are not kept come out as outlines. Those of kept accounts may do so too, if they
    /// were not kept when their file was read; the caller loads these again.
    pub fn check(
        &mut self,
        manifests: impl Into<LoadedManifests>,
        options: &CheckOptions,
        kept: &KeptAccounts,
    ) -> Checked {
        let mut manifests = manifests.into();
        let mut stamps = std::mem::take(&mut manifests.stamps);
        let (loaded, contents) = manifests.complete(Some(self), kept);
        let labels = loaded.sources.clone();
        for (label, contents) in labels.iter().zip(&contents) {
            let known = self.files.get(label.name.as_str());
            if known.is_some_and(|known| known.has_text_of(label)) {
                continue;
            }
            let known = KnownFile::new(label, stamps.remove(&label.name), contents);
            // Inserting over an existing entry would keep the old key, and with it the old label.
            self.files.remove(label.name.as_str());
            self.files.insert(ByName(Arc::clone(label)), known);
        }
        let checked = settle_references(loaded, contents, options, &BTreeMap::new(), kept);
        self.keep_settled(&labels, &checked);
        checked
    }

    /// Keeps every object as it is in force, with the connection that it goes through.
    ///
    /// Forgets files that are gone, and those of which an object is not in force. For example a file with 3
    /// valid objects of which one was refused as a duplicate has 2 in force, so it is lowered again the next
    /// time.
    fn keep_settled(&mut self, labels: &[Arc<Source>], checked: &Checked) {
        let names: HashSet<&str> = labels.iter().map(|label| label.name.as_str()).collect();
        // By place, because two files may use one name for two objects, until the author corrects it.
        fn location(origin: &Origin) -> (&str, u32) {
            (&origin.source.name, origin.mark.start)
        }
        let desired = checked.desired.iter();
        let desired =
            desired.map(|object| (&object.origin, ObjectContent::Desired(object.clone())));
        let outlines = checked.outlines.iter();
        let outlines =
            outlines.map(|object| (&object.origin, ObjectContent::Outline(object.clone())));
        let settled = desired.chain(outlines);
        let settled: HashMap<(&str, u32), ObjectContent> = settled
            .map(|(origin, content)| (location(origin), content))
            .collect();
        let connections = checked.connections.iter();
        let accounts = connections.map(|(name, one)| (name.clone(), one.account_key()));
        self.accounts = accounts.collect();
        self.files.retain(|name, known| {
            for object in &mut known.objects {
                let content = settled.get(&location(&object.origin));
                object.content = content.cloned().unwrap_or_default();
            }
            names.contains(name.0.name.as_str()) && count_in_order(&known.objects) == known.in_order
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Loaded;
    use crate::reconcile::reload_objects;
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
        let first = loader.check(files(5), &options, &KeptAccounts::All);
        assert!(first.findings.is_empty(), "{:?}", first.findings);
        let second = loader.check(files(6), &options, &KeptAccounts::All);
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
        let first = loader.check(
            loaded(&[connection.clone(), one.clone()]),
            &options,
            &KeptAccounts::All,
        );
        assert_eq!(first.desired[0].connection, "lac");
        let second = loader.check(
            loaded(&[renamed, one.clone()]),
            &options,
            &KeptAccounts::All,
        );
        assert_eq!(second.desired[0].connection, "other");
        let third = loader.check(
            loaded(std::slice::from_ref(&one)),
            &options,
            &KeptAccounts::All,
        );
        assert_eq!(codes(&third), ["no-connection"]);
        let twice = ("b.yaml", order("a", 6));
        let fourth = loader.check(
            loaded(&[connection.clone(), one.clone(), twice]),
            &options,
            &KeptAccounts::All,
        );
        assert!(codes(&fourth).contains(&"duplicate-name"));
        let mended = loader.check(
            loaded(&[connection.clone(), one.clone()]),
            &options,
            &KeptAccounts::All,
        );
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
                &KeptAccounts::All,
            );
            assert_eq!(codes(&checked), ["missing-field"]);
        }
        let last = loader.check(loaded(&[connection, one]), &options, &KeptAccounts::All);
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
        // The contents of a known file are `None` until the check; those of a file that was read are `Some`.
        let as_before = |manifests: &LoadedManifests| -> Vec<bool> {
            manifests.contents.iter().map(Option::is_none).collect()
        };
        let loaded = loader.load(
            &paths,
            &ReadLimits::default(),
            later,
            None,
            &KeptAccounts::All,
        );
        assert_eq!(as_before(&loaded), [false, false]);
        let first = loader.check(loaded, &options, &KeptAccounts::All);
        let loaded = loader.load(
            &paths,
            &ReadLimits::default(),
            later,
            None,
            &KeptAccounts::All,
        );
        assert_eq!(as_before(&loaded), [true, true]);
        let second = loader.check(loaded, &options, &KeptAccounts::All);
        assert!(Arc::ptr_eq(&first.desired[0], &second.desired[0]));
        assert_eq!(first.source.manifests, second.source.manifests);
        // The new text has the same size, so only the times show the change.
        std::fs::write(file("a.yaml"), order("a", 6)).unwrap();
        let loaded = loader.load(
            &paths,
            &ReadLimits::default(),
            later,
            None,
            &KeptAccounts::All,
        );
        assert_eq!(as_before(&loaded), [false, true]);
        let third = loader.check(loaded, &options, &KeptAccounts::All);
        let seats = third.desired[0].fields.get("activations_allowed");
        assert_eq!(seats, Some(crate::model::Value::Integer(6)));
        // A finding about a file that was not read still shows the line of its text.
        std::fs::remove_file(file("c.yaml")).unwrap();
        let loaded = loader.load(
            &paths,
            &ReadLimits::default(),
            later,
            None,
            &KeptAccounts::All,
        );
        assert_eq!(as_before(&loaded), [true]);
        let fourth = loader.check(loaded, &options, &KeptAccounts::All);
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

    /// Two accounts, and a manifest of each.
    fn two_accounts(seats: u32) -> [(&'static str, String); 4] {
        let connection = |name: &str| {
            let named = CONNECTION.replace("name: lac", &format!("name: {name}"));
            named.replace("TOKEN", &format!("TOKEN_{name}"))
        };
        let object = |connection: &str, seats| {
            let order = order(&format!("of-{connection}"), seats);
            order.replace("spec:", &format!("spec:\n  connection: {connection}"))
        };
        [
            ("c1.yaml", connection("one")),
            ("c2.yaml", connection("two")),
            ("o1.yaml", object("one", 5)),
            ("o2.yaml", object("two", seats)),
        ]
    }

    fn names(checked: &Checked) -> [Vec<&str>; 2] {
        let desired = checked.desired.iter().map(|one| one.address.name.as_str());
        let outlines = checked.outlines.iter().map(|one| one.address.name.as_str());
        [desired.collect(), outlines.collect()]
    }

    /// The numbers of objects that a loader has in full, and in outline.
    fn sizes(loader: &IncrementalLoader) -> (usize, usize) {
        let objects = || loader.files.values().flat_map(|file| &file.objects);
        let is_full = |object: &&LoadedObject| matches!(object.content, ObjectContent::Desired(_));
        let is_outline =
            |object: &&LoadedObject| matches!(object.content, ObjectContent::Outline(_));
        (
            objects().filter(is_full).count(),
            objects().filter(is_outline).count(),
        )
    }

    #[test]
    fn objects_of_accounts_that_others_look_after_are_outlines_and_checked_all_the_same() {
        let mut loader = IncrementalLoader::default();
        let options = CheckOptions {
            need_connections: true,
            ..CheckOptions::default()
        };
        let all = loader.check(loaded(&two_accounts(5)), &options, &KeptAccounts::All);
        assert!(all.findings.is_empty(), "{:?}", all.findings);
        assert_eq!((names(&all)[0].len(), sizes(&loader)), (2, (2, 0)));
        let one = KeptAccounts::Only([all.connections["one"].account_key()].into());
        loader.keep_only(&one);
        assert_eq!(sizes(&loader), (1, 1));

        // A changed file of the other account is read, and its object becomes an outline again.
        let before = loader.check(loaded(&two_accounts(5)), &options, &one);
        let after = loader.check(loaded(&two_accounts(6)), &options, &one);
        for checked in [&before, &after] {
            assert_eq!(names(checked), [["of-one"], ["of-two"]]);
        }
        assert_eq!(sizes(&loader), (1, 1));
        let hash = |checked: &Checked| *checked.outlines[0].origin.source.hash();
        assert_ne!(hash(&before), hash(&after));
        assert_eq!(after.outlines[0].connection, "two");

        // A second manifest of an object elsewhere is refused, and so is a name that is taken.
        let twice = (
            "o3.yaml",
            two_accounts(5)[3].1.replace("name: of-two", "name: again"),
        );
        let named = (
            "o4.yaml",
            two_accounts(5)[2].1.replace("Key: of-one", "Key: other"),
        );
        let files = [&two_accounts(6)[..], &[twice, named]].concat();
        let refused = loader.check(loaded(&files), &options, &one);
        let codes = refused.findings.iter().map(|finding| finding.code);
        assert!(codes.eq(["duplicate-object", "duplicate-name"]));

        // Before anything is claimed nothing is kept.
        let none = KeptAccounts::Only(Default::default());
        let mut other = IncrementalLoader::default();
        let outlines = other.check(loaded(&two_accounts(5)), &options, &none);
        assert_eq!((names(&outlines)[1].len(), sizes(&other)), (2, (0, 2)));
    }

    #[test]
    fn a_manifest_that_moves_to_a_kept_account_comes_out_in_full_and_one_that_leaves_does_not() {
        let mut loader = IncrementalLoader::default();
        let options = CheckOptions::default();
        let files = two_accounts(5);
        let all = loader.check(loaded(&files), &options, &KeptAccounts::All);
        let one = KeptAccounts::Only([all.connections["one"].account_key()].into());
        loader.check(loaded(&files), &options, &one);
        let mut moved = files.clone();
        moved[3].1 = files[3].1.replace("connection: two", "connection: one");
        let moved = loader.check(loaded(&moved), &options, &one);
        assert_eq!(names(&moved)[0], ["of-one", "of-two"]);
        let back = loader.check(loaded(&files), &options, &one);
        assert_eq!(names(&back), [["of-one"], ["of-two"]]);
        // The connection of a known file leads to another account: its objects are outlines of that one.
        let mut switched = files.clone();
        switched[0].1 = files[0].1.replace("TOKEN_one", "TOKEN_three");
        let switched = loader.check(loaded(&switched), &options, &one);
        assert_eq!(names(&switched)[1], ["of-one", "of-two"]);
    }

    #[test]
    fn outlines_are_loaded_again_from_their_files_as_long_as_those_are_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in two_accounts(5) {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let paths = [dir.path().to_path_buf()];
        let mut loader = IncrementalLoader::default();
        let none = KeptAccounts::Only(Default::default());
        let (limits, now) = (ReadLimits::default(), SystemTime::now());
        let manifests = loader.load(&paths, &limits, now, None, &none);
        let checked = loader.check(manifests, &CheckOptions::default(), &none);
        let reloaded = reload_objects(&checked.outlines);
        let loaded = reloaded.iter().map(|object| object.address.name.as_str());
        assert!(loaded.eq(["of-one", "of-two"]));
        assert_eq!(reloaded[1].connection, "two");
        let plain = LoadedManifests::load(&paths, &mut std::io::empty(), &limits, None);
        let plain = super::super::check_manifests(plain, &CheckOptions::default());
        assert_eq!(format!("{:?}", reloaded), format!("{:?}", plain.desired));
        std::fs::write(dir.path().join("o2.yaml"), &two_accounts(6)[3].1).unwrap();
        assert_eq!(reload_objects(&checked.outlines).len(), 1);
    }
}
