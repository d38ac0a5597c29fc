//! `entitle render`: prints the manifests with everything resolved.
//!
//! In: manifests. Out: the same documents on standard output, where an object with an edition, values of the environment or
//! dated changes is written out, and a set is its objects. Documents that need nothing of this are printed as they stand. It
//! is offline.

use std::io::Write;

use clap::Args;

use super::args::ResolvedManifests;
use super::exit::Exit;
use super::output;
use super::why::ReadManifests;
use crate::cli::error::{CommandError, CommandResult};
use crate::reconcile::rendered::render_manifests;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle render --env staging\n  entitle render licences --env production --at 2027-07-01 > july.yaml"
)]
pub struct Render {
    #[command(flatten)]
    manifests: ResolvedManifests,
}

/// Prints the documents. Returns `Exit::Error` for manifests with errors, whose findings are printed.
pub fn run(args: &Render) -> CommandResult<Exit> {
    let manifests = &args.manifests;
    let Some(read) = ReadManifests::read(&manifests.selection(), &manifests.at, manifests.time)?
    else {
        return Ok(Exit::Error);
    };
    let text = render_manifests(&read.written)
        .map_err(|why| CommandError::caused_by("cannot write a manifest", why))?;
    let mut out = output::data_stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}
