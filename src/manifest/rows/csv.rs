//! Reads CSV files as spreadsheets write them: with or without a byte order mark, with either end of line, with commas,
//! semicolons or tabs, and with quotes as in RFC 4180.
//!
//! The parser is that of `csv-core`, which reports how many bytes each cell took, so that each has its place in the file.

use std::collections::HashMap;
use std::sync::Arc;

use compact_str::CompactString;
use csv_core::{ReadFieldResult, ReaderBuilder};

use crate::model::diagnostic::Source;
use crate::model::{Diagnostic, Diagnostics, Mark};

/// One line of a table; a cell in quotes may hold further lines.
pub struct CsvRecord {
    cells: Vec<(CompactString, Mark)>,
}

impl CsvRecord {
    /// The place of the first cell.
    pub fn mark(&self) -> Mark {
        self.cells
            .first()
            .map_or_else(Mark::default, |(_, mark)| *mark)
    }

    /// Returns the text of a cell, without blanks around it, and its place.
    pub fn cell(&self, index: usize) -> Option<(&str, Mark)> {
        self.cells
            .get(index)
            .map(|(text, mark)| (text.trim(), *mark))
    }

    /// Reports whether no cell has a value: spreadsheets leave such lines below a table.
    fn is_blank(&self) -> bool {
        self.cells.iter().all(|(text, _)| text.trim().is_empty())
    }
}

/// The most findings about one file. A wrong delimiter makes one of each line.
const MAX_FINDINGS: usize = 20;

/// Reads a file: the names of its columns, and its records. `None` after a finding.
pub fn parse(
    source: &Arc<Source>,
    delimiter: Option<u8>,
    findings: &mut Diagnostics,
) -> Option<(Vec<String>, Vec<CsvRecord>)> {
    let begins = if source.text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let delimiter = delimiter.unwrap_or_else(|| guess_delimiter(&source.text[begins..]));
    let mut reader = RecordReader::new(source, begins, delimiter);
    let mut report = |finding: Diagnostic, mark: Mark| findings.push(finding.at(source, mark));
    let Some(header) = reader.next_record() else {
        report(
            Diagnostic::error(
                "bad-rows",
                "the file has no line with the names of its columns",
            ),
            Mark::at(&source.text, 0),
        );
        return None;
    };
    let columns: Vec<String> = header
        .cells
        .iter()
        .map(|(name, _)| name.trim().to_string())
        .collect();
    let (mut records, mut faults) = (Vec::new(), 0);
    let mut seen = HashMap::new();
    for (name, mark) in &header.cells {
        let name = name.trim();
        if !name.is_empty() && seen.insert(name, ()).is_some() {
            faults += 1;
            report(
                Diagnostic::error("bad-rows", format!("two columns are called `{name}`")),
                *mark,
            );
        }
    }
    while let Some(record) = reader.next_record() {
        if record.is_blank() {
            continue;
        }
        let fault = fault_of(&record, columns.len());
        if let Some((finding, mark)) = fault {
            faults += 1;
            if faults <= MAX_FINDINGS {
                report(finding, mark);
            }
            continue;
        }
        records.push(record);
    }
    if let Some(mark) = reader.open_quote {
        faults += 1;
        report(
            Diagnostic::error("bad-rows", "the cell has no quote at its end"),
            mark,
        );
    }
    (faults == 0).then_some((columns, records))
}

/// Returns what is wrong with a record: another number of cells than the table has columns, or a formula.
fn fault_of(record: &CsvRecord, columns: usize) -> Option<(Diagnostic, Mark)> {
    let cells = record.cells.len();
    if cells != columns {
        let message = format!("the line has {cells} cells, and the table has {columns} columns");
        let hint = "put a cell with the delimiter in it into quotes";
        return Some((
            Diagnostic::error("bad-rows", message).hint(hint),
            record.mark(),
        ));
    }
    let (text, mark) = record
        .cells
        .iter()
        .find(|(text, _)| text.starts_with('='))?;
    let message = format!("the cell holds a formula, {text:?}, and not its result");
    let hint = "export the values of the table";
    Some((Diagnostic::error("bad-rows", message).hint(hint), *mark))
}

/// Returns the character that is most frequent in the first line, among those that spreadsheets use.
fn guess_delimiter(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| line.bytes().filter(|byte| byte == delimiter).count();
    // Of equally frequent ones the last counts, which is the comma.
    *[b'\t', b';', b',']
        .iter()
        .max_by_key(|delimiter| count(delimiter))
        .unwrap_or(&b',')
}

/// Reads records one by one and keeps count of lines.
struct RecordReader<'s> {
    text: &'s str,
    reader: csv_core::Reader,
    /// The offset of the next byte.
    at: usize,
    line: u32,
    /// The offset at which the line began.
    line_start: usize,
    /// The place of a cell whose quote is never closed.
    open_quote: Option<Mark>,
}

impl<'s> RecordReader<'s> {
    fn new(source: &'s Source, begins: usize, delimiter: u8) -> Self {
        Self {
            text: &source.text,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            at: begins,
            line: 1,
            line_start: begins,
            open_quote: None,
        }
    }

    /// Returns the next record that is no empty line; `None` at the end.
    fn next_record(&mut self) -> Option<CsvRecord> {
        let mut cells = Vec::new();
        self.skip_line_ends();
        loop {
            let start = self.at;
            let mark = self.mark();
            let (text, is_last) = match self.next_cell()? {
                Some(cell) => cell,
                None if cells.is_empty() => return None,
                None => return Some(CsvRecord { cells }),
            };
            let raw = self.text[start..self.at].trim_end();
            if raw.starts_with('"') && self.at == self.text.len() && !closes(raw) {
                self.open_quote = Some(mark);
            }
            let end = u32::try_from(start + text.len()).unwrap_or(u32::MAX);
            cells.push((
                text,
                Mark {
                    end: end.max(mark.start),
                    ..mark
                },
            ));
            if is_last {
                return Some(CsvRecord { cells });
            }
        }
    }

    /// Reads one cell, and whether it ends its record; `Some(None)` at the end of the text. `None` for bytes that are no
    /// text, which a source never has.
    fn next_cell(&mut self) -> Option<Option<(CompactString, bool)>> {
        let bytes = self.text.as_bytes();
        let (mut value, mut chunk) = (Vec::new(), [0; 256]);
        loop {
            let (result, read, written) = self.reader.read_field(&bytes[self.at..], &mut chunk);
            self.advance(read);
            value.extend_from_slice(&chunk[..written]);
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    return Some(Some((CompactString::from_utf8(value).ok()?, record_end)));
                }
                ReadFieldResult::End => return Some(None),
            }
        }
    }

    fn advance(&mut self, read: usize) {
        for (offset, _) in self.text.as_bytes()[self.at..self.at + read]
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
        {
            self.line += 1;
            self.line_start = self.at + offset + 1;
        }
        self.at += read;
    }

    fn skip_line_ends(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.advance(ends);
    }

    /// The place of the next byte.
    fn mark(&self) -> Mark {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let column = self.text[self.line_start..self.at].chars().count() + 1;
        Mark {
            line: self.line,
            column: number(column),
            start: number(self.at),
            end: number(self.at),
        }
    }
}

/// Reports whether a cell that begins with a quote ends with one.
fn closes(raw: &str) -> bool {
    let quotes = raw.bytes().filter(|byte| *byte == b'"').count();
    quotes % 2 == 0
}
