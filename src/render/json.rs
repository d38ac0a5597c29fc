//! JSON output: one document, indented, ending in a newline.

use std::io::{self, Write};

use serde::Serialize;

pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}
