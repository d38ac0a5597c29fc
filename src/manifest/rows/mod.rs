//! Reads rows: tables from which sets make objects, in a manifest, a CSV file or a JSON file.
//!
//! In goes the text of a file, out comes [`RowTable`], of which each row and each cell knows its place. A cell of a CSV file is
//! a text without a type; the place where it is used gives it one. Findings are about the file alone.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::yaml;
use crate::model::diagnostic::Source;
use crate::model::object_set::RowFile;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Tree};

mod csv;
pub mod csv_writer;
mod files;

use csv::CsvRecord;
pub use files::RowFiles;

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

    fn len(&self) -> usize {
        match &self.table {
            Table::Maps(maps) => maps.len(),
            Table::Records { records, .. } => records.len(),
        }
    }

    /// Lists the rows in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = TableRow<'_>> {
        (0..self.len()).map(|index| TableRow { rows: self, index })
    }

    /// Returns the row at a place; `None` if none begins there.
    pub fn find_row(&self, mark: Mark) -> Option<TableRow<'_>> {
        let row = |index| TableRow { rows: self, index };
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match row(middle).mark().start < mark.start {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let found = (low < self.len()).then(|| row(low));
        found.filter(|row| row.mark() == mark)
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
