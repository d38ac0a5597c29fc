//! Sets: one object for each row of a table.

use super::draft::KindRow;
use super::node::{Mark, Node};
use super::origin::Origin;

/// A template, and the rows for each of which it gives an object.
#[derive(Clone)]
pub struct ObjectSet {
    pub name: String,
    /// The kind of the objects.
    pub row: KindRow,
    pub rows: RowSource,
    /// A document without `apiVersion` and `kind`, in which columns stand for values.
    pub template: Node,
    pub origin: Origin,
}

/// The place that rows are written at.
#[derive(Clone)]
pub enum RowSource {
    /// In the manifest itself, each a map.
    Here(Vec<Node>),
    File(RowFile),
}

/// A file of rows that a manifest names.
#[derive(Clone)]
pub struct RowFile {
    /// As the manifest spells it, relative to its own directory.
    pub path: String,
    pub mark: Mark,
    /// The character between the cells of a CSV file; `None` to find it out.
    pub delimiter: Option<u8>,
}
