//! Where output goes: data to stdout, everything else to stderr, colour only where it is wanted.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::args::Format;
use crate::model::Diagnostics;
use crate::plan::document::PlanDocument;
use crate::render;

pub const DANGER: Style = AnsiColor::Red.on_default().bold();

/// Standard output, without colour unless it is a terminal that shows it.
pub fn stdout() -> anstream::AutoStream<io::StdoutLock<'static>> {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// Shows findings on stderr.
pub fn findings(findings: &Diagnostics) -> io::Result<()> {
    let stderr = io::stderr();
    let colour = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
    let mut out = anstream::AutoStream::auto(stderr.lock());
    render::diagnostics::write(&mut out, findings, colour)
}

/// Prints a plan.
pub fn plan(document: &PlanDocument, format: Format) -> io::Result<()> {
    let mut out = io::BufWriter::new(stdout());
    match format {
        Format::Text => render::text::plan(&mut out, document)?,
        Format::Json => render::json::write(&mut out, document)?,
    }
    out.flush()
}

/// Prints what became of an apply. As text the plan has been shown before.
pub fn outcome(document: &PlanDocument, format: Format) -> io::Result<()> {
    let mut out = io::BufWriter::new(stdout());
    match format {
        Format::Text => render::text::outcome(&mut out, document)?,
        Format::Json => render::json::write(&mut out, document)?,
    }
    out.flush()
}
