//! `--events`: what happens, as JSON lines, each out before the next thing happens.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;

use super::output;
use crate::apply::Event;
use crate::apply::event::Line;
use crate::render::json;

/// What is told to whoever reads the stream.
pub type Stream = Box<dyn Fn(&Event) + Send + Sync>;

/// Opens the stream. A reader that goes away, or a disk that is full, stops the stream and nothing else.
pub fn stream(path: &Path) -> anyhow::Result<Stream> {
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(output::lines())
    } else {
        let file = File::create(path);
        let fault =
            |error| anyhow::anyhow!("cannot write the events to {}: {error}", path.display());
        Box::new(file.map_err(fault)?)
    };
    let out = Mutex::new(Some(out));
    Ok(Box::new(move |event| {
        let Ok(mut open) = out.lock() else { return };
        let Some(writer) = open.as_mut() else { return };
        let line = Line::new(event.clone(), Timestamp::now());
        if let Err(error) = write(writer, &line) {
            tracing::warn!("no more events are written: {error}");
            *open = None;
        }
    }))
}

fn write(out: &mut dyn Write, line: &Line) -> io::Result<()> {
    let mut bytes = Vec::new();
    json::line(&mut bytes, line)?;
    // One write for a line: a reader never sees half of one.
    out.write_all(&bytes)?;
    out.flush()
}
