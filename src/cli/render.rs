//! `entitle render`: prints the manifests with everything resolved.
//!
//! In: manifests. Out: the same documents on standard output, where an object with an edition, values of the environment or
//! dated changes is written out, and a set is its objects. Documents that need nothing of this are printed as they stand. It
//! is offline.

use std::io::Write;

use clap::Args;

use super::args::{AtTime, Selection, Time};
use super::exit::Exit;
use super::output;
use super::why::ReadManifests;
use crate::cli::error::{CommandError, CommandResult};
use crate::manifest::write;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle render --env staging\n  entitle render licences --env production --at 2027-07-01 > july.yaml"
)]
pub struct Render {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    at: AtTime,
    #[command(flatten)]
    time: Time,
}

/// Prints the documents. Returns `Exit::Error` for manifests with errors, whose findings are printed.
pub fn run(args: &Render) -> CommandResult<Exit> {
    let Some(read) = ReadManifests::read(&args.selection, &args.at, args.time)? else {
        return Ok(Exit::Error);
    };
    let manifests = &read.written;
    let mut out = output::data_stdout();
    let mut has_document = false;
    for document in &manifests.documents {
        if manifests.is_plain(document) {
            let text = document.piece.text();
            if has_document && !text.starts_with("---") {
                writeln!(out, "---")?;
            }
            has_document |= !text.is_empty();
            out.write_all(text.as_bytes())?;
            if !text.is_empty() && !text.ends_with('\n') {
                writeln!(out)?;
            }
            continue;
        }
        let objects = manifests.objects_of(document);
        let objects = objects.iter().map(|object| manifests.render(object));
        for value in document.others().into_iter().chain(objects) {
            let text = write::yaml(&value)
                .map_err(|why| CommandError::caused_by("cannot write a manifest", why))?;
            if std::mem::replace(&mut has_document, true) {
                writeln!(out, "---")?;
            }
            out.write_all(text.as_bytes())?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}
