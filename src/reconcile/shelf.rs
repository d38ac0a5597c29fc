//! Files that were read before, and what was made of each: a save of one among ten thousand costs that one.
//!
//! What a file says by itself follows from its text alone, so it is kept by the hash of that. Whatever depends
//! on other files (names, references, connections) is checked anew every time.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::Cache;
use super::check::{CheckOptions, Checked, Said, lowering, settle};
use crate::manifest::load::Known;
use crate::manifest::stamp::Stamp;
use crate::manifest::{Limits, Loaded, Lowered, Manifests, lower};
use crate::model::diagnostic::Source;
use crate::model::{Desired, Origin};
use crate::provider;

/// What is known of every file, by its name.
#[derive(Default)]
pub struct Shelf {
    files: HashMap<Labelled, Kept>,
}

/// A file by its name, which its label has already: there are ten thousand of them.
struct Labelled(Arc<Source>);

impl Borrow<str> for Labelled {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl PartialEq for Labelled {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Labelled {}

impl Hash for Labelled {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.name.hash(hasher);
    }
}

struct Kept {
    label: Arc<Source>,
    /// How the file looked when it was read; nothing where that tells nothing.
    stamp: Option<Stamp>,
    objects: Box<[Lowered<Arc<Desired>>]>,
    /// Objects that were in order when the file was read.
    in_order: usize,
    /// What the file says beside its objects. Nothing for nearly all of ten thousand files.
    rest: Option<Box<Manifests<Arc<Desired>>>>,
}

impl Kept {
    fn new(
        label: &Arc<Source>,
        stamp: Option<Stamp>,
        mut says: Box<Manifests<Arc<Desired>>>,
    ) -> Self {
        let objects = std::mem::take(&mut says.objects).into_boxed_slice();
        let rest = !says.is_only_objects() || says.documents != objects.len();
        let mut kept = Self {
            label: Arc::clone(label),
            stamp,
            objects,
            in_order: 0,
            rest: rest.then_some(says),
        };
        kept.in_order = kept.held();
        kept
    }

    fn is_of(&self, source: &Source) -> bool {
        self.label.hash() == source.hash()
    }

    /// What the file says. The objects go along, so that whoever settles them need not make a second one of each;
    /// `keep` puts them back.
    fn lend(&mut self) -> Manifests<Arc<Desired>> {
        let bare = |lowered: &Lowered<_>| Lowered {
            object: None,
            ..lowered.clone()
        };
        let bare = self.objects.iter().map(bare).collect();
        let objects = std::mem::replace(&mut self.objects, bare).into_vec();
        let rest = match &self.rest {
            Some(rest) => (**rest).clone(),
            None => Manifests {
                files: 1,
                documents: objects.len(),
                ..Manifests::default()
            },
        };
        Manifests { objects, ..rest }
    }

    fn held(&self) -> usize {
        let objects = self.objects.iter();
        objects.filter(|lowered| lowered.object.is_some()).count()
    }
}

impl Shelf {
    /// Loads the files below `paths`; those that look as before are not read.
    pub fn load(
        &mut self,
        paths: &[PathBuf],
        limits: &Limits,
        now: SystemTime,
        cache: Option<Arc<Cache>>,
    ) -> Said {
        let known = |name: &str| {
            let kept = self.files.get(name)?;
            Some((kept.stamp?, Arc::clone(&kept.label)))
        };
        let known = Some((&known as &Known<'_>, now));
        let mut said = Said::unless_known(paths, &mut std::io::empty(), limits, known, cache);
        let Loaded {
            sources, stamps, ..
        } = &mut said.loaded;
        for source in sources.iter() {
            let kept = self.files.get_mut(source.name.as_str());
            if let Some(kept) = kept.filter(|kept| kept.is_of(source))
                && let Some(stamp) = stamps.remove(&source.name)
            {
                kept.stamp = Some(stamp);
            }
        }
        said
    }

    /// Checks everything, after reading what is not on the shelf.
    pub fn check(&mut self, said: impl Into<Said>, options: &CheckOptions) -> Checked {
        let Said {
            mut loaded,
            files,
            cache,
        } = said.into();
        let mut stamps = std::mem::take(&mut loaded.stamps);
        let labels: Vec<Arc<Source>> = loaded.sources.iter().map(Source::label).collect();
        let sources = std::mem::replace(&mut loaded.sources, labels.clone());
        let (mut new, mut unread) = (Vec::new(), Vec::new());
        for ((source, label), said) in sources.into_iter().zip(&labels).zip(files) {
            let kept = self.files.get(source.name.as_str());
            if kept.is_some_and(|kept| kept.is_of(&source)) {
                continue;
            }
            if said.is_none() {
                unread.push(source);
            }
            new.push((label, said));
        }
        let kinds = provider::kind_rows();
        let lowered = lower::lower_files(unread, &lowering(&kinds, cache.as_deref()));
        let mut lowered = lowered.into_iter();
        for (label, said) in new {
            let says = said.unwrap_or_else(|| Box::new(lowered.next().unwrap_or_default()));
            let kept = Kept::new(label, stamps.remove(&label.name), says);
            // A key that is there already would keep the label of before.
            self.files.remove(label.name.as_str());
            self.files.insert(Labelled(Arc::clone(label)), kept);
        }
        let lent = labels.iter().filter_map(|source| {
            let kept = self.files.get_mut(source.name.as_str())?;
            Some(kept.lend())
        });
        let says: Vec<Manifests<Arc<Desired>>> = lent.collect();
        let checked = settle(loaded, says, options, &BTreeMap::new());
        self.keep(&labels, &checked);
        checked
    }

    /// Keeps every object as it is in force, with the connection that it goes through. Files that are gone are
    /// forgotten, and so are those of which an object is not in force: they are read again the next time.
    fn keep(&mut self, sources: &[Arc<Source>], checked: &Checked) {
        let names: HashSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        // By place: two files may give one name to two objects, until somebody mends it.
        fn place(origin: &Origin) -> (&str, u32) {
            (&origin.source.name, origin.mark.start)
        }
        let settled = checked.desired.iter();
        let settled: HashMap<(&str, u32), &Arc<Desired>> = settled
            .map(|object| (place(&object.origin), object))
            .collect();
        self.files.retain(|name, kept| {
            for lowered in &mut kept.objects {
                let own = settled.get(&place(&lowered.origin));
                lowered.object = own.map(|own| Arc::clone(own));
            }
            names.contains(name.0.name.as_str()) && kept.held() == kept.in_order
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn what_is_on_the_shelf_is_taken_as_it_is() {
        let mut shelf = Shelf::default();
        let options = CheckOptions::default();
        let files = |seats| {
            let connection = ("c.yaml", CONNECTION.to_string());
            let orders = [("a.yaml", order("a", seats)), ("b.yaml", order("b", 5))];
            loaded(&[&[connection][..], &orders].concat())
        };
        let first = shelf.check(files(5), &options);
        assert!(first.findings.is_empty(), "{:?}", first.findings);
        let second = shelf.check(files(6), &options);
        assert_eq!(second.desired.len(), 2);
        assert!(!Arc::ptr_eq(&first.desired[0], &second.desired[0]));
        assert!(Arc::ptr_eq(&first.desired[1], &second.desired[1]));
        assert_ne!(first.source.manifests, second.source.manifests);
        assert_eq!(second.source.documents, 3);
    }

    #[test]
    fn what_depends_on_other_files_is_checked_anew() {
        let mut shelf = Shelf::default();
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
        let first = shelf.check(loaded(&[connection.clone(), one.clone()]), &options);
        assert_eq!(first.desired[0].connection, "lac");
        let second = shelf.check(loaded(&[renamed, one.clone()]), &options);
        assert_eq!(second.desired[0].connection, "other");
        let third = shelf.check(loaded(std::slice::from_ref(&one)), &options);
        assert_eq!(codes(&third), ["no-connection"]);
        let twice = ("b.yaml", order("a", 6));
        let fourth = shelf.check(loaded(&[connection.clone(), one.clone(), twice]), &options);
        assert!(codes(&fourth).contains(&"duplicate-name"));
        let mended = shelf.check(loaded(&[connection.clone(), one.clone()]), &options);
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
            let checked = shelf.check(
                loaded(&[connection.clone(), one.clone(), broken.clone()]),
                &options,
            );
            assert_eq!(codes(&checked), ["missing-field"]);
        }
        let last = shelf.check(loaded(&[connection, one]), &options);
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
        let mut shelf = Shelf::default();
        // What was read now says something, what was not is on the shelf.
        let as_before =
            |said: &Said| -> Vec<bool> { said.files.iter().map(Option::is_none).collect() };
        let loaded = shelf.load(&paths, &Limits::default(), later, None);
        assert_eq!(as_before(&loaded), [false, false]);
        let first = shelf.check(loaded, &options);
        let loaded = shelf.load(&paths, &Limits::default(), later, None);
        assert_eq!(as_before(&loaded), [true, true]);
        let second = shelf.check(loaded, &options);
        assert!(Arc::ptr_eq(&first.desired[0], &second.desired[0]));
        assert_eq!(first.source.manifests, second.source.manifests);
        // Of the same size, so that only the times tell.
        std::fs::write(file("a.yaml"), order("a", 6)).unwrap();
        let loaded = shelf.load(&paths, &Limits::default(), later, None);
        assert_eq!(as_before(&loaded), [false, true]);
        let third = shelf.check(loaded, &options);
        let seats = third.desired[0].fields.get("activations_allowed");
        assert_eq!(seats, Some(crate::model::Value::Integer(6)));
        // What is wrong with a file that was not read is shown in its text all the same.
        std::fs::remove_file(file("c.yaml")).unwrap();
        let loaded = shelf.load(&paths, &Limits::default(), later, None);
        assert_eq!(as_before(&loaded), [true]);
        let fourth = shelf.check(loaded, &options);
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
