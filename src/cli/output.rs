//! Where output goes: data to stdout, everything else to stderr, colour only where it is wanted.
//!
//! A reader that goes away is no result: what it would have read is dropped, the run goes on, and its exit code is
//! that of its work. Only this file writes to the two streams, so nothing else needs to know.

use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Style};

use crate::model::Diagnostics;
use crate::render;

pub const DANGER: Style = AnsiColor::Red.on_default().bold();

/// Prints to stderr like the macro of that name in the standard library, with colour only where it is wanted. What
/// cannot be printed is dropped: there is nowhere else to say so, and a run in the middle of its writes must go on.
macro_rules! eprint {
    ($($arguments:tt)*) => {{
        use ::std::io::Write as _;
        let _ = ::std::write!($crate::cli::output::stderr(), $($arguments)*);
    }};
}

/// The same with an end of line.
macro_rules! eprintln {
    ($($arguments:tt)*) => {{
        use ::std::io::Write as _;
        let _ = ::std::writeln!($crate::cli::output::stderr(), $($arguments)*);
    }};
}

/// A stream whose reader may go away: from then on everything is dropped.
pub struct Droppable<W>(W);

impl<W: Write> Write for Droppable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

pub type Stdout = Droppable<anstream::AutoStream<io::StdoutLock<'static>>>;

/// Standard output, without colour unless it is a terminal that shows it.
pub fn stdout() -> Stdout {
    Droppable(anstream::AutoStream::auto(io::stdout().lock()))
}

/// What a pipe holds: whoever reads is woken once for as much.
const PIPE: usize = 64 << 10;

/// Standard output for much at once, without colour unless it is a terminal that shows it. It has to be flushed.
pub fn buffered() -> BufWriter<Stdout> {
    BufWriter::with_capacity(PIPE, stdout())
}

/// Standard output for data, as they are.
pub fn data() -> BufWriter<Droppable<io::StdoutLock<'static>>> {
    BufWriter::with_capacity(PIPE, Droppable(io::stdout().lock()))
}

/// Standard output for lines of data that come one by one, from any thread.
pub fn lines() -> Droppable<io::Stdout> {
    Droppable(io::stdout())
}

/// Says why standard output could not be written.
pub fn fault(written: io::Result<()>) -> Result<(), String> {
    written.map_err(|error| format!("cannot write standard output: {error}"))
}

/// Standard error, with colour where it is wanted.
pub fn stderr() -> Droppable<anstream::AutoStream<io::StderrLock<'static>>> {
    Droppable(anstream::AutoStream::auto(io::stderr().lock()))
}

/// Shows findings on stderr.
pub fn findings(findings: &Diagnostics) -> io::Result<()> {
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    render::diagnostics::write(&mut stderr(), findings, colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn only_a_reader_that_went_away_is_no_failure() {
        let mut gone = Droppable(Failing(io::ErrorKind::BrokenPipe));
        gone.write_all(b"dropped").unwrap();
        gone.flush().unwrap();
        let mut full = Droppable(Failing(io::ErrorKind::StorageFull));
        assert!(full.write_all(b"lost").is_err());
        assert!(full.flush().is_err());
    }
}
