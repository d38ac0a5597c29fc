//! Writes all output: data to stdout, everything else to stderr, with colour only where the stream should have it.
//!
//! A reader that closes the stream does not change the result: the rest of the output is dropped, the run goes on, and
//! its exit code is that of its work. Only this file writes to the two streams, so nothing else needs to know.

use std::io::{self, BufWriter, Write};

use anstyle::{AnsiColor, Style};

use super::guard::{Guard, LogRecord};
use crate::cli::error::{CommandResult, Context};
use crate::model::Diagnostics;
use crate::render;
use crate::render::finding_list::{FindingLimit, FindingList};
use crate::render::safe::{make_lines_visible, make_visible};

pub use super::guard::Spelling;

pub const DANGER: Style = AnsiColor::Red.on_default().bold();

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

/// A standard stream for text.
pub type TextStream<S> = Guard<Droppable<anstream::AutoStream<S>>>;

/// Standard output for text, without colour unless it is a terminal that shows it.
pub fn text_stdout() -> TextStream<io::StdoutLock<'static>> {
    Guard::new(Droppable(anstream::AutoStream::auto(io::stdout().lock())))
}

/// Buffer size in bytes, equal to the usual capacity of a pipe, so that a reader is woken once per
/// buffer.
const PIPE: usize = 64 << 10;

/// Returns standard output for long text, with colour only on a terminal. The caller must flush it.
pub fn buffered_stdout() -> BufWriter<TextStream<io::StdoutLock<'static>>> {
    BufWriter::with_capacity(PIPE, text_stdout())
}

/// Returns standard output for data such as JSON, which pass unchanged. The caller must flush it.
pub fn data_stdout() -> BufWriter<Droppable<io::StdoutLock<'static>>> {
    BufWriter::with_capacity(PIPE, Droppable(io::stdout().lock()))
}

/// Returns standard output, unbuffered by us, for lines of data that come one by one from any thread.
pub fn line_stdout() -> Droppable<io::Stdout> {
    Droppable(io::stdout())
}

/// Adds to an error that it was standard output that could not be written.
pub fn stdout_error(written: io::Result<()>) -> CommandResult<()> {
    written.with_context(|| "cannot write standard output")
}

/// Returns standard error for text, with colour where it is wanted.
pub fn text_stderr() -> TextStream<io::StderrLock<'static>> {
    Guard::new(Droppable(anstream::AutoStream::auto(io::stderr().lock())))
}

/// Returns a writer for one record of the log, on standard error.
pub fn log_record(spelling: Spelling) -> LogRecord<Droppable<io::Stderr>> {
    LogRecord::new(Droppable(io::stderr()), spelling)
}

/// Prints a line on standard error, with control characters made visible.
pub fn print_note(words: &str) {
    print_headed("", words);
}

/// Prints a warning as one line on standard error.
pub fn print_warning(words: &str) {
    print_headed("warning: ", words);
}

/// Prints an error as one line on standard error.
pub fn print_error(words: &str) {
    print_headed(&format!("{DANGER}error:{DANGER:#} "), words);
}

/// Prints an error of several lines on standard error.
pub fn error_lines(words: &str) {
    let _ = writeln!(
        text_stderr(),
        "{DANGER}error:{DANGER:#} {}",
        make_lines_visible(words)
    );
}

/// Prints why a guard refused a step, behind the word `refused:`.
pub fn print_refusal(words: &str) {
    print_headed(&format!("{DANGER}refused:{DANGER:#} "), words);
}

/// Prints words behind a head. A standard error that is closed is no reason to fail.
fn print_headed(head: &str, words: &str) {
    // Standard error may be closed, which is no reason to fail.
    let _ = writeln!(text_stderr(), "{head}{}", make_visible(words));
}

/// Shows a help text on standard output, or a usage error on standard error. It may repeat what a variable holds.
pub fn print_usage(text: &str, asked: bool) {
    let _ = match asked {
        true => write!(text_stdout(), "{text}"),
        false => write!(text_stderr(), "{text}"),
    };
}

/// Prints a question without a line end, so that the user types the answer on the same line.
pub fn print_question(words: &str) -> io::Result<()> {
    let mut out = text_stderr();
    write!(out, "{}", make_visible(words))?;
    out.flush()
}

/// Shows findings on standard error, few of many, and how many there are if it is an error or several.
pub fn print_findings(findings: &Diagnostics) -> io::Result<()> {
    let list = FindingList::new(findings, FindingLimit::Few);
    print_list(&list)?;
    print_total(&list);
    Ok(())
}

/// Shows the findings of a list on standard error, and where the others are.
pub fn print_list(list: &FindingList<'_>) -> io::Result<()> {
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    render::diagnostics::write_list(&mut text_stderr(), list, colour)
}

/// Prints how many findings there are. A warning that stands alone has been seen.
pub fn print_total(list: &FindingList<'_>) {
    if let Some(total) = list.total().filter(|_| list.are_worth_a_count()) {
        print_note(&format!("{total}."));
    }
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
