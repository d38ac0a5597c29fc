//! Reads the files of rows that manifests name: from beside the manifest, or as a commit has them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::load::{self, ReadOutcome};
use super::lower::read_drafts;
use super::rows::RowFiles;
use super::walk::ReadLimits;
use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::object_set::{RowFile, RowSource};
use crate::model::{Diagnostic, Origin};

impl RowFiles {
    /// Takes files that the caller has read in a commit, by their names as shown.
    pub fn of_commit(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files = files.into_iter();
        let read = |(name, bytes): (String, Vec<u8>)| (name.clone(), load::read_given(name, bytes));
        Self {
            given: files.map(read).collect(),
        }
    }

    /// Returns the text of the file that a manifest names, read from beside the manifest.
    ///
    /// A link must not lead out of the directory either: what manifests may read is what lies beside them.
    pub fn read(&self, file: &RowFile, manifest: &Origin, limits: &ReadLimits) -> ReadOutcome {
        let name = shown_path(file, &manifest.source);
        let outcome = match self.given.get(&name) {
            Some(outcome) => outcome.clone(),
            None if !manifest.source.is_on_disk() => Err(Box::new(absent(&name))),
            None => read_beside(Path::new(&name), &manifest.source, limits),
        };
        outcome.map_err(|finding| Box::new(finding.at(&manifest.source, file.mark)))
    }
}

impl RowFiles {
    /// Returns the labels of files as they are now, in place of those of an earlier reading.
    pub fn as_they_are(&self, labels: &[Arc<Source>]) -> Vec<Arc<Source>> {
        let labels = labels.iter();
        labels.map(|label| self.label_of(label)).collect()
    }

    fn label_of(&self, before: &Arc<Source>) -> Arc<Source> {
        let name = &before.name;
        let now = match self.given.get(name) {
            Some(given) => given.clone(),
            None if !before.is_on_disk() => return Arc::clone(before),
            None => load::read_row_file(Path::new(name), &ReadLimits::default()),
        };
        now.map_or_else(|_| missing_label(name), |source| source.label())
    }
}

/// The label of a file that cannot be read.
pub fn missing_label(name: &str) -> Arc<Source> {
    Arc::new(Source::of_file(name.to_string(), String::new()))
}

/// Lists the files of rows that manifests name, each as shown, without a second. For readers of commits, which fetch a file
/// only once they know that it is needed.
pub fn named_files(manifests: &[Arc<Source>], kinds: &[KindRow]) -> Vec<String> {
    let with_sets = manifests.iter().filter(|source| source.text.contains(SET));
    let names = with_sets.flat_map(|source| {
        let sets = read_drafts(source, kinds).1.sets.into_iter();
        sets.filter_map(|set| match set.rows {
            RowSource::File(file) => Some(shown_path(&file, source)),
            RowSource::Here(_) => None,
        })
    });
    let unique: BTreeSet<String> = names.collect();
    unique.into_iter().collect()
}

/// The kind of a set, as manifests spell it.
const SET: &str = "ObjectSet";

/// The path of a row file as findings show it: that of its manifest with another name.
pub fn shown_path(file: &RowFile, manifest: &Source) -> String {
    let directory = Path::new(&manifest.name).parent().unwrap_or(Path::new(""));
    directory.join(&file.path).display().to_string()
}

fn read_beside(path: &Path, manifest: &Source, limits: &ReadLimits) -> ReadOutcome {
    let directory = Path::new(&manifest.name)
        .parent()
        .filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let (Ok(real), Ok(home)) = (path.canonicalize(), directory.canonicalize()) else {
        return Err(Box::new(absent(&path.display().to_string())));
    };
    if !real.starts_with(home) {
        let message = format!(
            "{} leads out of the directory of its manifest",
            path.display()
        );
        return Err(Box::new(Diagnostic::error("bad-path", message)));
    }
    load::read_row_file(path, limits)
}

fn absent(name: &str) -> Diagnostic {
    Diagnostic::error("missing-path", format!("there is no file {name}"))
        .hint("the path starts at the directory of the manifest that names it")
}
