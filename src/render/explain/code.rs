//! Writes the page of a diagnostic code: its cause and its cure, in at most 80 columns.

use std::io::{self, Write};

use super::{BOLD, wrap};
use crate::model::codes::DiagnosticCode;

/// Columns before the texts: two spaces, a word of five letters, two spaces.
const INDENT: usize = 9;

/// Writes the code, what makes the program report it, and what to do about it.
pub fn write_code(out: &mut dyn Write, entry: &DiagnosticCode) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", entry.code)?;
    for (name, text) in [("cause", entry.cause), ("cure", entry.cure)] {
        writeln!(out, "  {name:<5}  {}", wrap(INDENT, text))?;
    }
    Ok(())
}
