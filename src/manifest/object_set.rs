//! Reads `ObjectSet` documents.
//!
//! In goes the `spec` of one document, out comes an [`ObjectSet`] with its template as a tree. The rows of a file are read
//! by `rows`, and `compose` makes the objects.

use super::project;
use super::reader::MapReader;
use super::rows;
use super::table::{Form, Rule, map_table};
use super::text_type::{GivenText, KIND, TextType, TextValue};
use crate::model::object_set::{ObjectSet, RowFile, RowSource};
use crate::model::{Diagnostic, Node, Origin, Tree};

map_table! {
    pub OBJECT_SET "the spec of ObjectSet": "One object for each row of a table: of this file, or of a CSV or JSON file beside it." {
        for: Form::Text(&KIND), required: true, "The kind of the objects.";
        forEach: Form::Map(&FOR_EACH), required: true, "The rows.";
        template: Form::Map(&TEMPLATE), required: true, "The object of a row. `{column: NAME}` stands for the value of a \
            column; names and ids may also be patterns: `\"{customer}-cad\"`.";
    }
}

map_table! {
    FOR_EACH "forEach" {
        rows: Form::Unread, required: true, "A list of maps from column to value, or `{file: customers.csv}`.";
    }
    prefix: "forEach."
}

map_table! {
    ROW_FILE "forEach.rows" {
        file: Form::Text(&ROW_PATH), required: true, "A `.csv` or `.json` file, in the directory of this manifest or below.";
        delimiter: Form::Choice("delimiter", &DELIMITERS), "The character between cells; found out from the first line where \
            it is left out.";
    }
    rule: Rule::None
}

const DELIMITERS: [&str; 3] = [",", ";", "tab"];

map_table! {
    TEMPLATE "template" {
        metadata: Form::Unread, required: true, "Name and labels of the object, as in any document.";
        spec: Form::Unread, required: true, "What the object is and how it should be, as in any document.";
    }
}

/// A path that stays below the directory of its manifest.
static ROW_PATH: TextType = TextType {
    name: "path below this file's directory",
    keywords: &[],
    parse: parse_row_path,
};

fn parse_row_path(given: &GivenText<'_>) -> Result<TextValue, Box<Diagnostic>> {
    let fault = match project::leads_out(given.text) {
        Some(_) => "leads out of the directory of this file",
        None if !rows::is_row_file(given.text) => "is no `.csv` or `.json` file",
        None => return Ok(TextValue::Text(given.text.into())),
    };
    let message = format!("{:?} {fault}", given.text);
    Err(Box::new(Diagnostic::error("bad-path", message)))
}

/// Reads the `spec` of an `ObjectSet`; `None`, after a finding, if a member is missing or refused.
pub fn lower(
    name: String,
    spec: &mut Node,
    origin: Origin,
    reader: &mut MapReader<'_>,
) -> Option<ObjectSet> {
    let mut values = reader.read(&OBJECT_SET, spec)?;
    let kind: Option<String> = values.take("for");
    let kinds = reader.kinds;
    let row = kind.and_then(|name| kinds.iter().find(|row| row.kind.0 == name).copied());
    let rows = spec.get("forEach").and_then(|node| node.get("rows"));
    let rows = rows.and_then(|rows| read_rows(rows, reader));
    let template = spec.get_mut("template")?.take();
    template.get("metadata")?;
    template.get("spec")?;
    Some(ObjectSet {
        name,
        row: row?,
        rows: rows?,
        template,
        origin,
    })
}

/// Reads the rows, or the name of their file; `None` after a finding.
fn read_rows(node: &Node, reader: &mut MapReader<'_>) -> Option<RowSource> {
    match &node.tree {
        Tree::List(rows) => {
            let misfit = rows.iter().find(|row| !matches!(row.tree, Tree::Map(_)));
            match misfit {
                Some(row) => reader.wrong_type(&"a row", "a map from column to value", row),
                None => Some(RowSource::Here(rows.clone())),
            }
        }
        Tree::Map(_) => {
            let mut values = reader.read(&ROW_FILE, node)?;
            let mark = values.node_of("file").map_or(node.mark, |file| file.mark);
            let path = values.take("file")?;
            let delimiter: Option<Option<String>> = values.take_optional("delimiter");
            let delimiter = delimiter?.map(|name| match name.as_str() {
                "tab" => b'\t',
                other => other.as_bytes()[0],
            });
            Some(RowSource::File(RowFile {
                path,
                mark,
                delimiter,
            }))
        }
        _ => reader.wrong_type(&"forEach.rows", "a list of maps, or {file: PATH}", node),
    }
}
