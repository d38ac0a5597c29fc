//! Makes the document of one row: fills the columns into the template of a set.
//!
//! Example: the row `rivers,25` of `customer,seats` makes of `name: "{customer}-cad"` and
//! `desired: {activations_allowed: {column: seats}}` the object `rivers-cad` with 25 activations. The cell is text; that it
//! becomes an integer follows from the field.

use std::sync::Arc;

use super::Editions;
use super::pattern::TextPattern;
use super::trace::Trace;
use crate::manifest::lower::lower_vendor_object;
use crate::manifest::reader::MapReader;
use crate::manifest::rows::{Cell, RowTable, TableRow};
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow};
use crate::model::edition::ParameterType;
use crate::model::field::find_field;
use crate::model::node::Entry;
use crate::model::object_set::ObjectSet;
use crate::model::{Diagnostic, Diagnostics, Field, Mark, Node, Shape, Tree};

/// The members of `{column: seats, default: 10}`.
const COLUMN: &str = "column";
const DEFAULT: &str = "default";
const OPTIONAL: &str = "optional";

/// A set with the rows from which objects are made.
pub struct FilledSet<'a> {
    pub set: &'a ObjectSet,
    pub rows: &'a RowTable,
    pub editions: &'a Editions,
}

/// What is expected at a place of the template: the type that an untyped cell takes there.
#[derive(Clone, Copy)]
enum Expected<'a> {
    /// A text in which columns may stand in braces.
    Pattern,
    Text,
    Parameter(ParameterType),
    Field(&'a Shape),
    /// A map, of which the members are known by name.
    Members(&'a dyn Fn(&str) -> Expected<'a>),
    /// The fields of an object or of an element.
    Fields(&'static [Field]),
}

impl FilledSet<'_> {
    /// Returns the draft of a row, with marks of the trace; `None` after a finding. Findings have marks of the trace too.
    pub fn draft_of(
        &self,
        row: TableRow<'_>,
        kinds: &[KindRow],
        trace: &mut Trace,
        findings: &mut Diagnostics,
    ) -> Option<Draft> {
        let mut document = self.document_of(row, trace, findings)?;
        let mut reader = MapReader {
            source: trace.source(),
            kinds,
            findings,
            secretive: false,
        };
        lower_vendor_object(self.set.row, &mut document, &mut reader)
    }

    /// Returns the template with the values of a row, with marks of the trace; `None` after a finding.
    pub fn document_of(
        &self,
        row: TableRow<'_>,
        trace: &mut Trace,
        findings: &mut Diagnostics,
    ) -> Option<Node> {
        let mut filler = Filler {
            source: &self.set.origin.source,
            row,
            rows: self.rows,
            trace,
            findings,
            is_whole: true,
        };
        let metadata = filler.fill(self.set.template.get("metadata")?, Expected::Pattern);
        let spec = self.set.template.get("spec")?;
        let spec = filler.fill_spec(spec, self.set.row, self.editions);
        let is_whole = filler.is_whole;
        let mark = trace.mark(&self.rows.source, row.mark());
        let member = |key: &str, value: Option<Node>| {
            Some(Entry {
                key: key.into(),
                key_mark: mark,
                value: value?,
            })
        };
        let entries = [member("metadata", metadata), member("spec", spec)];
        is_whole.then(|| Node {
            tree: Tree::Map(entries.into_iter().flatten().collect()),
            mark,
        })
    }

    /// Reports the columns that the template names and the table does not have. Returns whether there are none.
    pub fn check_columns(&self, findings: &mut Diagnostics) -> bool {
        let known = self.rows.columns();
        let mut used = Vec::new();
        columns_in(&self.set.template, false, &mut used);
        let unknown = used
            .iter()
            .filter(|(name, _)| known.binary_search(&name.as_str()).is_err());
        let mut is_in_order = true;
        for (name, mark) in unknown {
            is_in_order = false;
            let finding =
                Diagnostic::error("unknown-column", format!("no row has a column `{name}`"));
            findings.push(
                finding
                    .suggest(name, known.iter().copied())
                    .at(&self.set.origin.source, *mark),
            );
        }
        is_in_order
    }
}

/// The members of a spec in which no text is a pattern.
const LITERAL: [&str; 3] = ["desired", "policy", "with"];

/// Lists the columns that a template names, with their places.
fn columns_in(node: &Node, is_literal: bool, found: &mut Vec<(String, Mark)>) {
    if let Some(column) = column_in(node) {
        return found.push((column.name.to_string(), column.mark));
    }
    match &node.tree {
        Tree::Map(entries) => {
            for entry in entries {
                let is_literal = is_literal || LITERAL.contains(&entry.key.as_str());
                columns_in(&entry.value, is_literal, found);
            }
        }
        Tree::List(items) => {
            for item in items {
                columns_in(item, is_literal, found);
            }
        }
        Tree::Text(text) if !is_literal => {
            let pattern = TextPattern::parse(text);
            found.extend(pattern.columns().map(|name| (name.to_string(), node.mark)));
        }
        _ => {}
    }
}

/// A column in value position.
struct ColumnName<'n> {
    name: &'n str,
    mark: Mark,
    default: Option<&'n Node>,
    is_optional: bool,
}

/// Returns the column that a node stands for: a map with `column`, and nothing but what belongs to it.
fn column_in(node: &Node) -> Option<ColumnName<'_>> {
    let name = node.get(COLUMN)?;
    let known = [COLUMN, DEFAULT, OPTIONAL];
    let is_column = node
        .entries()
        .iter()
        .all(|entry| known.contains(&entry.key.as_str()));
    is_column.then_some(())?;
    Some(ColumnName {
        name: name.text()?,
        mark: name.mark,
        default: node.get(DEFAULT),
        is_optional: node
            .get(OPTIONAL)
            .is_some_and(|value| value.tree == Tree::Bool(true)),
    })
}

/// Copies a template for one row.
struct Filler<'a> {
    source: &'a Arc<Source>,
    row: TableRow<'a>,
    rows: &'a RowTable,
    trace: &'a mut Trace,
    findings: &'a mut Diagnostics,
    is_whole: bool,
}

impl Filler<'_> {
    fn fill_spec(&mut self, spec: &Node, row: KindRow, editions: &Editions) -> Option<Node> {
        let edition = spec.get("edition").and_then(|edition| edition.get("name"));
        let edition = edition.and_then(|name| self.fill(name, Expected::Pattern));
        let parameters = edition
            .as_ref()
            .and_then(Node::text)
            .map(|name| editions.parameters_of(name));
        let parameters = parameters.unwrap_or_default();
        let parameter = |name: &str| match parameters.get(name) {
            Some(value_type) => Expected::Parameter(*value_type),
            None => Expected::Text,
        };
        let edition = |name: &str| match name {
            "with" => Expected::Members(&parameter),
            _ => Expected::Pattern,
        };
        let fields = Expected::Fields(row.desired);
        let change = |name: &str| match name {
            "desired" => fields,
            _ => Expected::Text,
        };
        let member = |name: &str| match name {
            "edition" => Expected::Members(&edition),
            "desired" => fields,
            "changes" => Expected::Members(&change),
            "policy" => Expected::Text,
            _ => match row.identity.iter().find(|identity| identity.name == name) {
                Some(identity) => identity_expectation(&identity.shape),
                None => Expected::Pattern,
            },
        };
        self.fill(spec, Expected::Members(&member))
    }

    /// Copies a node; `None` if it is a column that is left out.
    fn fill(&mut self, node: &Node, expected: Expected<'_>) -> Option<Node> {
        if let Some(column) = column_in(node) {
            return self.fill_column(&column, expected);
        }
        let tree = match &node.tree {
            Tree::Map(entries) => {
                let filled = entries.iter().filter_map(|entry| {
                    Some(Entry {
                        value: self.fill(&entry.value, expected.member(&entry.key))?,
                        key: entry.key.clone(),
                        key_mark: self.trace.mark(self.source, entry.key_mark),
                    })
                });
                Tree::Map(filled.collect())
            }
            Tree::List(items) => {
                let filled = items
                    .iter()
                    .filter_map(|item| self.fill(item, expected.element()));
                Tree::List(filled.collect())
            }
            Tree::Text(text) if expected.is_pattern() => return self.fill_pattern(text, node),
            scalar => scalar.clone(),
        };
        Some(Node {
            tree,
            mark: self.trace.mark(self.source, node.mark),
        })
    }

    fn fill_column(&mut self, column: &ColumnName<'_>, expected: Expected<'_>) -> Option<Node> {
        let cell = self.row.cell(column.name);
        let (tree, written) = match cell {
            Some(Cell::Typed(node)) => {
                let copy = self.trace.copy(&self.rows.source, node);
                (copy.tree, copy.mark)
            }
            Some(Cell::Untyped { text, mark }) if !text.is_empty() => {
                let written = self.trace.mark(&self.rows.source, mark);
                match expected.typed(text) {
                    Ok(tree) => (tree, written),
                    Err(expectation) => {
                        let name = self.trace.mark_of_name(self.source, column.mark, written);
                        let message =
                            format!("column `{}`: {text:?} is {expectation}", column.name);
                        return self.refuse(Diagnostic::error("bad-cell", message), name);
                    }
                }
            }
            empty => match column.default {
                Some(default) => return Some(self.trace.copy(self.source, default)),
                None if column.is_optional => return None,
                None => {
                    let mark = match empty {
                        Some(Cell::Untyped { mark, .. }) => mark,
                        _ => self.row.mark(),
                    };
                    let written = self.trace.mark(&self.rows.source, mark);
                    let name = self.trace.mark_of_name(self.source, column.mark, written);
                    let finding =
                        Diagnostic::error("bad-cell", format!("column `{}` is empty", column.name));
                    let hint = "where it may be empty, write {column: …, default: VALUE} or {column: …, optional: true}";
                    return self.refuse(finding.hint(hint), name);
                }
            },
        };
        Some(Node {
            tree,
            mark: self.trace.mark_of_name(self.source, column.mark, written),
        })
    }

    fn fill_pattern(&mut self, text: &str, node: &Node) -> Option<Node> {
        let pattern = TextPattern::parse(text);
        let mut filled = String::new();
        let mut written = None;
        for part in pattern.parts() {
            let column = match part {
                Ok(literal) => {
                    filled.push_str(literal);
                    continue;
                }
                Err(column) => column,
            };
            let (value, mark) = match self.row.cell(column) {
                Some(Cell::Untyped { text, mark }) => (text.to_string(), mark),
                Some(Cell::Typed(node)) => (text_of(node).unwrap_or_default(), node.mark),
                None => (String::new(), self.row.mark()),
            };
            let mark = self.trace.mark(&self.rows.source, mark);
            if value.is_empty() {
                let name = self.trace.mark_of_name(self.source, node.mark, mark);
                let finding =
                    Diagnostic::error("bad-cell", format!("column `{column}` has no text"));
                return self.refuse(finding, name);
            }
            written = Some(mark);
            filled.push_str(&value);
        }
        let mark = match written {
            Some(written) => self.trace.mark_of_name(self.source, node.mark, written),
            None => self.trace.mark(self.source, node.mark),
        };
        Some(Node {
            tree: Tree::Text(filled),
            mark,
        })
    }

    fn refuse(&mut self, finding: Diagnostic, mark: Mark) -> Option<Node> {
        self.is_whole = false;
        self.findings.push(finding.at(self.trace.source(), mark));
        None
    }
}

/// Returns the text of a scalar as it stands in a name.
fn text_of(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Text(text) => Some(text.clone()),
        Tree::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An id that is a number takes a cell; one that is a text may be a pattern.
fn identity_expectation(shape: &Shape) -> Expected<'_> {
    match shape {
        Shape::Integer { .. } => Expected::Field(shape),
        _ => Expected::Pattern,
    }
}

impl<'a> Expected<'a> {
    fn member(self, name: &str) -> Expected<'a> {
        match self {
            Self::Members(member) => member(name),
            Self::Fields(fields) => match find_field(fields, name) {
                Some(field) => Self::Field(&field.shape),
                None => Self::Text,
            },
            Self::Field(Shape::Keyed(elements)) => Self::Fields(elements.fields),
            other => other,
        }
    }

    fn element(self) -> Expected<'a> {
        match self {
            Self::Field(Shape::Set(inner)) => Self::Field(inner),
            Self::Field(Shape::Keyed(elements)) => Self::Fields(elements.fields),
            other => other,
        }
    }

    fn is_pattern(self) -> bool {
        matches!(self, Self::Pattern)
    }

    /// Gives the text of a cell the type that is expected. `Err` says what the text is not.
    fn typed(self, text: &str) -> Result<Tree, &'static str> {
        let integer = || text.parse().map(Tree::Integer).map_err(|_| "no integer");
        let boolean = || match text {
            _ if text.eq_ignore_ascii_case("true") => Ok(Tree::Bool(true)),
            _ if text.eq_ignore_ascii_case("false") => Ok(Tree::Bool(false)),
            _ => Err("neither true nor false"),
        };
        match self {
            Self::Parameter(ParameterType::Integer) | Self::Field(Shape::Integer { .. }) => {
                integer()
            }
            Self::Parameter(ParameterType::Boolean) | Self::Field(Shape::Boolean) => boolean(),
            Self::Field(Shape::Set(_) | Shape::Keyed(_)) => {
                Err("no list: write its elements in the template")
            }
            Self::Field(Shape::Object) => Err("no map: write its members in the template"),
            _ => Ok(Tree::Text(text.into())),
        }
    }
}
