//! `entitle explain`: describes a kind or a field, from the field tables.
//!
//! In: nothing, a kind, a kind and a field, or a vendor. Out: text on standard output. The texts are in the
//! providers' tables.

use clap::Args;

use super::exit::Exit;
use super::output;
use crate::cli::error::CommandResult;
use crate::render::explain;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle explain\n  entitle explain LacLicenseOrder\n  entitle explain LacLicenseOrder.Features.count\n  entitle explain lac"
)]
pub struct Explain {
    /// A kind or a field of it, or a vendor, whose kinds are listed; without one, all kinds are listed
    #[arg(value_name = "KIND[.FIELD]")]
    path: Option<String>,
}

/// Lists all kinds, or explains the one that is named. Returns `Err` for a name that is not known.
pub fn run(args: &Explain) -> CommandResult<Exit> {
    let mut out = output::text_stdout();
    match &args.path {
        None => explain::list_kinds(&mut out)?,
        Some(path) => explain::explain_path(&mut out, path)?,
    }
    Ok(Exit::Done)
}
