//! Where output goes: data to stdout, everything else to stderr, colour only where it is wanted.

use std::io::{self, BufWriter};

use anstyle::{AnsiColor, Style};

use crate::model::Diagnostics;
use crate::render;

pub const DANGER: Style = AnsiColor::Red.on_default().bold();

/// Standard output, without colour unless it is a terminal that shows it.
pub fn stdout() -> anstream::AutoStream<io::StdoutLock<'static>> {
    anstream::AutoStream::auto(io::stdout().lock())
}

/// What a pipe holds: whoever reads is woken once for as much.
const PIPE: usize = 64 << 10;

/// Standard output for much at once, without colour unless it is a terminal that shows it. It has to be flushed.
pub fn buffered() -> BufWriter<anstream::AutoStream<io::StdoutLock<'static>>> {
    BufWriter::with_capacity(PIPE, stdout())
}

/// Standard output for data, as they are.
pub fn data() -> BufWriter<io::StdoutLock<'static>> {
    BufWriter::with_capacity(PIPE, io::stdout().lock())
}

/// Standard error, with colour where it is wanted.
pub fn stderr() -> anstream::AutoStream<io::StderrLock<'static>> {
    anstream::AutoStream::auto(io::stderr().lock())
}

/// Shows findings on stderr.
pub fn findings(findings: &Diagnostics) -> io::Result<()> {
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    render::diagnostics::write(&mut stderr(), findings, colour)
}
