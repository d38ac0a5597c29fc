//! Reads rows: tables from which sets make objects, in a manifest, a CSV file or a JSON file.
//!
//! In goes the text of a file, out comes [`Rows`], of which each row and each cell knows its place. A cell of a CSV file is
//! a text without a type; the place where it is used gives it one. Findings are about the file alone.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::load::{self, ReadOutcome};
use super::lower::read_drafts;
use super::walk::ReadLimits;
use super::yaml;
use crate::model::diagnostic::Source;
use crate::model::draft::KindRow;
use crate::model::object_set::{RowFile, RowSource};
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree};

mod csv;

use csv::CsvRecord;

/// The rows of a set.
pub struct RowTable {
    pub source: Arc<Source>,
    table: Table,
}

enum Table {
    /// The maps of a manifest or of a JSON file.
    Maps(Vec<Node>),
    Records {
        columns: Vec<String>,
        records: Vec<CsvRecord>,
    },
}

/// One row of a table.
#[derive(Clone, Copy)]
pub struct TableRow<'r> {
    rows: &'r RowTable,
    index: usize,
}

/// The value of a row in one column.
pub enum Cell<'r> {
    /// A text whose type is that of the place where it is used; empty if the cell is.
    Untyped {
        text: &'r str,
        mark: Mark,
    },
    Typed(&'r Node),
}

impl RowTable {
    /// Takes rows that stand in a manifest.
    pub fn here(source: Arc<Source>, maps: Vec<Node>) -> Self {
        Self {
            source,
            table: Table::Maps(maps),
        }
    }

    /// Reads the text of a row file; `None` after a finding.
    pub fn parse(source: &Arc<Source>, file: &RowFile, findings: &mut Diagnostics) -> Option<Self> {
        let is_json = Path::new(&file.path)
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        let table = match is_json {
            true => Table::Maps(parse_json(source, findings)?),
            false => {
                let (columns, records) = csv::parse(source, file.delimiter, findings)?;
                Table::Records { columns, records }
            }
        };
        Some(Self {
            source: source.label(),
            table,
        })
    }

    pub fn len(&self) -> usize {
        match &self.table {
            Table::Maps(maps) => maps.len(),
            Table::Records { records, .. } => records.len(),
        }
    }

    /// Lists the rows in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = TableRow<'_>> {
        (0..self.len()).map(|index| TableRow { rows: self, index })
    }

    /// Lists the columns that have a name, sorted.
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match &self.table {
            Table::Maps(maps) => maps
                .iter()
                .flat_map(Node::entries)
                .map(|entry| entry.key.as_str())
                .collect(),
            Table::Records { columns, .. } => columns.iter().map(String::as_str).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl<'r> TableRow<'r> {
    /// The place at which the row begins.
    pub fn mark(self) -> Mark {
        match &self.rows.table {
            Table::Maps(maps) => maps[self.index].mark,
            Table::Records { records, .. } => records[self.index].mark(),
        }
    }

    /// Returns the value in a column; `None` if the row has none there.
    pub fn cell(self, column: &str) -> Option<Cell<'r>> {
        match &self.rows.table {
            Table::Maps(maps) => maps[self.index].get(column).map(Cell::Typed),
            Table::Records { columns, records } => {
                let index = columns.iter().position(|name| name == column)?;
                let (text, mark) = records[self.index].cell(index)?;
                Some(Cell::Untyped { text, mark })
            }
        }
    }
}

/// Reads a JSON file, which has to be a list of maps; `None` after a finding.
fn parse_json(source: &Arc<Source>, findings: &mut Diagnostics) -> Option<Vec<Node>> {
    let mut found = Diagnostics::default();
    let mut documents = yaml::parse(source, &mut found);
    let is_broken = found.has_errors();
    findings.extend(found);
    let document = documents
        .pop()
        .filter(|_| !is_broken && documents.is_empty());
    match document.map(|document| (document.tree, document.mark)) {
        Some((Tree::List(rows), _)) if rows.iter().all(|row| matches!(row.tree, Tree::Map(_))) => {
            Some(rows)
        }
        _ if is_broken => None,
        Some((_, mark)) => {
            findings.push(not_rows().at(source, mark));
            None
        }
        None => {
            findings.push(not_rows().at(source, Mark::at(&source.text, 0)));
            None
        }
    }
}

fn not_rows() -> Diagnostic {
    Diagnostic::error(
        "bad-rows",
        "a JSON file of rows must be one list of maps from column to value",
    )
}

/// Reports whether a file has the name of one with rows.
pub fn is_row_file(name: impl AsRef<Path>) -> bool {
    let ending = name.as_ref().extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| {
        ["csv", "json"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// The texts of row files, by their path as shown. Files on this machine are read when they are asked for.
#[derive(Clone, Debug, Default)]
pub struct RowFiles {
    /// Those of a commit.
    given: HashMap<String, ReadOutcome>,
}

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
