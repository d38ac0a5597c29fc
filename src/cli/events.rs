//! `--events`: writes what happens as JSON lines, each one before the next thing happens.
//!
//! In: the `Event`s of a run. Out: one line per event, in a file or on standard output. A stream that
//! fails ends by itself and is reported at the end; it must never stop a run that is writing to vendors.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::{output, work_tree};
use crate::apply::Event;
use crate::apply::clock;
use crate::apply::event::Line;
use crate::cli::error::{CommandError, CommandResult};
use crate::files::stream::{self, StreamStart};
use crate::render::json;

/// An open stream of events, which several tasks may write to.
pub struct Stream {
    /// The name of the destination in messages.
    name: String,
    open: Mutex<Open>,
}

/// The writer, until it fails, and the fault after that.
struct Open {
    out: Option<Box<dyn Write + Send>>,
    /// The error that ended the stream; `None` while it works, and after it was reported.
    fault: Option<io::Error>,
}

impl Stream {
    /// Opens the stream; `-` is standard output. A file is truncated first. Returns `Err` if it cannot
    /// be opened.
    pub fn open(path: &Path) -> CommandResult<Self> {
        let (name, out): (_, Box<dyn Write + Send>) = if path == Path::new("-") {
            ("standard output".into(), Box::new(output::line_stdout()))
        } else {
            let name = path.display().to_string();
            let file = stream::open_stream(path, StreamStart::Truncate, &work_tree::link_policy());
            let fault = |error| {
                CommandError::caused_by(format_args!("cannot write the events to {name}"), error)
            };
            let file = file.map_err(fault)?;
            (name, Box::new(file))
        };
        Ok(Self::to(name, out))
    }

    /// Builds a stream to any writer, for the tests as well.
    fn to(name: String, out: Box<dyn Write + Send>) -> Self {
        let open = Open {
            out: Some(out),
            fault: None,
        };
        Self {
            name,
            open: Mutex::new(open),
        }
    }

    /// Writes an event. A full disk or a reader that went away ends the stream, and not the run.
    pub fn hear(&self, event: &Event) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(out) = open.out.as_mut() else { return };
        let line = Line::new(event.clone(), clock::now());
        if let Err(error) = write_line(out, &line) {
            open.out = None;
            open.fault = Some(error);
        }
    }

    /// Returns the fault that ended the stream early as `Err`, once; `Ok` if no event was lost.
    pub fn end(&self) -> CommandResult<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.fault.take() {
            None => Ok(()),
            Some(error) => {
                let name = &self.name;
                let message = format_args!("events are missing in {name}");
                Err(CommandError::caused_by(message, error))
            }
        }
    }
}

/// Writes a line in a single call and flushes it, so that a reader never sees a part of a line.
fn write_line(out: &mut dyn Write, line: &Line) -> io::Result<()> {
    let mut bytes = Vec::new();
    json::write_line(&mut bytes, line)?;
    // One write for a line: a reader never sees half of one.
    out.write_all(&bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn events_that_were_lost_are_told_once() {
        let whole = Stream::to("sink".into(), Box::new(io::sink()));
        whole.hear(&Event::version("r"));
        whole.end().expect("nothing was lost");
        let stream = Stream::to("events.jsonl".into(), Box::new(Full));
        stream.hear(&Event::version("r"));
        stream.hear(&Event::version("r"));
        let why = stream.end().unwrap_err();
        assert!(
            why.to_string()
                .starts_with("events are missing in events.jsonl: "),
            "{why}"
        );
        stream.end().expect("nothing was lost");
    }
}
