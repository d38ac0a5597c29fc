//! Writes tables as CSV that comes back cell by cell: what `csv` reads, a spreadsheet opens and git shows line by line.

use crate::manifest::write::needs_escapes;

/// The characters by which a spreadsheet takes a cell for a formula, or a text such as `+49 30` for a number.
const FORMULA: [char; 4] = ['=', '+', '-', '@'];

/// Reports whether a text comes back unchanged from a cell, also after a spreadsheet has had the table.
///
/// An empty text is none, blanks around a text are not read, a formula is refused, and invisible characters cannot be
/// written with escapes as in YAML.
pub fn fits_cell(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.starts_with(FORMULA) && !needs_escapes(text)
}

/// Writes a table: a line with the names of the columns, then one for each row.
///
/// A cell with a delimiter, a quote or an end of line stands in quotes, and quotes in it are doubled, as in RFC 4180:
/// `Rivers "North", Ltd` becomes `"Rivers ""North"", Ltd"`. Lines end with a line feed alone, as all that is written here.
pub fn write_table<'t>(rows: impl IntoIterator<Item = Vec<&'t str>>) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.into_iter().map(quoted).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', ';', '\t', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::rows::{Cell, RowTable};
    use crate::model::diagnostic::Source;
    use crate::model::object_set::RowFile;
    use crate::model::{Diagnostics, Mark};

    /// Reads a table back, cell by cell.
    fn read(text: &str, columns: &[&str]) -> Vec<Vec<String>> {
        let source = Arc::new(Source::new("t.csv".into(), text.into()));
        let file = RowFile {
            path: "t.csv".into(),
            mark: Mark::default(),
            delimiter: Some(b','),
        };
        let mut findings = Diagnostics::default();
        let rows = RowTable::parse(&source, &file, &mut findings).expect("rows");
        assert!(findings.is_empty(), "{findings:?}");
        let cells = rows.iter().map(|row| {
            let cells = columns.iter().map(|column| match row.cell(column) {
                Some(Cell::Untyped { text, .. }) => text.to_string(),
                _ => panic!("no cell in {column}"),
            });
            cells.collect()
        });
        cells.collect()
    }

    #[test]
    fn quotes_as_in_rfc_4180() {
        let rows = [vec!["a", "b"], vec!["Rivers \"North\", Ltd", "two\nlines"]];
        let expected = "a,b\n\"Rivers \"\"North\"\", Ltd\",\"two\nlines\"\n";
        assert_eq!(write_table(rows), expected);
    }

    #[test]
    fn every_text_that_fits_comes_back() {
        let texts = [
            "plain",
            "a,b",
            "a;b",
            "a\tb",
            "\"",
            "\"\"",
            "\"a\"",
            "a\"b,\"c\"",
            "one\ntwo",
            "\",\n\"",
            "ü €",
            "0x=1",
            "007",
            "true",
        ];
        for one in texts {
            for other in texts {
                assert!(fits_cell(one), "{one:?}");
                let rows = [vec!["x, y", "z;"], vec![one, other], vec![other, one]];
                let expected = [[one, other], [other, one]].map(|row| row.map(str::to_string));
                let expected = expected.map(Vec::from);
                assert_eq!(read(&write_table(rows), &["x, y", "z;"]), expected);
            }
        }
    }

    #[test]
    fn a_text_that_would_not_come_back_does_not_fit() {
        for text in [
            "",
            " ",
            " a",
            "a ",
            "a\n",
            "=1+1",
            "+49 30",
            "-1",
            "@cmd",
            "a\u{200b}b",
            "a\rb",
            "\u{feff}a",
            "::stop",
            "##x",
        ] {
            assert!(!fits_cell(text), "{text:?}");
        }
    }
}
