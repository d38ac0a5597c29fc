//! `--events`: what happens, as JSON lines, each out before the next thing happens.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::{output, setup};
use crate::apply::Event;
use crate::apply::clock;
use crate::apply::event::Line;
use crate::cli::error::{CommandError, CommandResult};
use crate::files::write::{self, StreamStart};
use crate::render::json;

/// Lines of events on their way to whoever reads them.
pub struct Stream {
    /// Where they go, for people.
    name: String,
    open: Mutex<Open>,
}

struct Open {
    out: Option<Box<dyn Write + Send>>,
    /// Why no more are written.
    fault: Option<io::Error>,
}

impl Stream {
    /// Opens the stream. A file is written from its beginning.
    pub fn open(path: &Path) -> CommandResult<Self> {
        let (name, out): (_, Box<dyn Write + Send>) = if path == Path::new("-") {
            ("standard output".into(), Box::new(output::line_stdout()))
        } else {
            let name = path.display().to_string();
            let file = write::open_stream(path, StreamStart::Truncate, &setup::link_policy());
            let fault = |error| {
                CommandError::caused_by(format_args!("cannot write the events to {name}"), error)
            };
            let file = file.map_err(fault)?;
            (name, Box::new(file))
        };
        Ok(Self::to(name, out))
    }

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

    /// Writes an event. A disk that is full, or a reader that goes away, ends the stream and not the run.
    pub fn hear(&self, event: &Event) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(out) = open.out.as_mut() else { return };
        let line = Line::new(event.clone(), clock::now());
        if let Err(error) = write_line(out, &line) {
            open.out = None;
            open.fault = Some(error);
        }
    }

    /// Says why events were lost, if any were.
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
