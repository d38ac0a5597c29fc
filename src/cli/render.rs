//! `entitle render`: prints the manifests with everything resolved.
//!
//! In: manifests. Out: the same documents on standard output, where an object with an edition, values of the environment or
//! dated changes is written out, and a set is its objects. Documents that need nothing of this are printed as they stand. It
//! is offline.

use std::io::Write;

use clap::Args;

use super::args::{ResolvedManifests, Time};
use super::exit::Exit;
use super::{findings, output, setup};
use crate::cli::error::{CommandError, CommandResult};
use crate::manifest::{self, Loaded};
use crate::reconcile::rendered::render_manifests;
use crate::reconcile::written::WrittenManifests;
use crate::reconcile::{self, CheckOptions};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle render --env staging\n  entitle render licences --env production --at 2027-07-01 > july.yaml"
)]
pub struct Render {
    #[command(flatten)]
    manifests: ResolvedManifests,
    #[command(flatten)]
    time: Time,
}

/// Prints the documents. Returns `Exit::Error` for manifests with errors, whose findings are printed.
pub fn run(args: &Render) -> CommandResult<Exit> {
    let selection = args.manifests.selection();
    let limits = setup::read_limits(Some(args.time.timeout));
    let loaded = manifest::load(&selection.paths, &mut std::io::stdin(), &limits);
    let options = CheckOptions {
        time: setup::reading_time(args.manifests.at.at),
        environment: selection.environment_choice(),
        ..CheckOptions::default()
    };
    let copy = Loaded {
        sources: loaded.sources.clone(),
        row_files: loaded.row_files.clone(),
        ..Loaded::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    findings::print_manifest_findings(&checked.findings, &selection.paths)?;
    if checked.findings.has_errors() {
        return Ok(Exit::Error);
    }
    let text = render_manifests(&WrittenManifests::of(&copy, &options))
        .map_err(|why| CommandError::caused_by("cannot write a manifest", why))?;
    let mut out = output::data_stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}
