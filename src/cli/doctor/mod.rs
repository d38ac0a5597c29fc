//! `entitle doctor`: says what is wrong with a set-up, and what to do about it.
//!
//! In: manifests, the environment, the store, and one login and one read for each connection. Out: a line for each part of
//! the set-up, or a JSON document, and an exit code. Nothing is written, at a vendor or here. The parts are in `local`
//! and `accounts`; how they are shown is in `checkup`.

mod accounts;
mod checkup;
mod local;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::args::{Format, Reach, Selection, StoreArgs};
use super::exit::Exit;
use super::{output, setup};
use crate::cli::error::{CommandError, CommandResult};
use crate::manifest::load::MISSING_PATH;
use crate::model::Severity;
use crate::model::wording::pluralize;
pub use checkup::DoctorDocument;
use checkup::{Checkup, Health};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle doctor\n  entitle doctor licences\n  entitle doctor examples --sandbox"
)]
pub struct Doctor {
    /// Files or directories with manifests [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    store: StoreArgs,
}

/// Looks at every part of the set-up and prints what it found.
///
/// Returns `Exit::Error` if a part is broken. A warning is about something that works and may not be meant.
pub async fn run(args: Doctor) -> CommandResult<Exit> {
    let mut checkup = Checkup::default();
    local::check_program(&mut checkup);
    local::check_git(args.paths.clone(), &mut checkup).await;
    local::check_schema(&args.paths, &mut checkup);
    local::check_store(&args.store, args.reach.sandbox.is_on(), &mut checkup).await;
    check_manifests(&args.paths, &args.reach, &mut checkup).await;
    let exit = match checkup.worst() {
        Health::Error => Exit::Error,
        Health::Ok | Health::Warning => Exit::Done,
    };
    match args.format {
        Format::Text => {
            let mut out = output::text_stdout();
            checkup.write_text(&mut out)?;
        }
        Format::Json => {
            let mut out = output::data_stdout();
            checkup.write_json(&mut out)?;
            out.flush()?;
        }
    }
    Ok(exit)
}

/// Looks at the manifests at `paths` and their accounts only, and prints what it found. `init` calls it.
pub async fn examine_accounts(paths: &[PathBuf], reach: &Reach) -> CommandResult<Exit> {
    let mut checkup = Checkup::default();
    check_manifests(paths, reach, &mut checkup).await;
    checkup.write_text(&mut output::text_stderr())?;
    Ok(match checkup.worst() {
        Health::Error => Exit::Error,
        Health::Ok | Health::Warning => Exit::Done,
    })
}

/// Checks the manifests, and the accounts that they name if they can be read.
async fn check_manifests(paths: &[PathBuf], reach: &Reach, checkup: &mut Checkup) {
    const NAME: &str = "manifests";
    const NAME_FOLDER: &str = "name the folder of your manifests, or begin with: entitle init";
    match setup::set_up(&Selection::all_of(paths), reach).await {
        Ok(setup) => accounts::check_accounts(&setup, checkup).await,
        Err(CommandError::Invalid(invalid)) => checkup.add_error(
            NAME,
            format!(
                "{}, shown above",
                pluralize(invalid.findings.count(Severity::Error), "error")
            ),
            match invalid.findings.iter().any(|it| it.code == MISSING_PATH) {
                true => NAME_FOLDER,
                false => "correct the manifests: entitle validate",
            },
        ),
        Err(error) => checkup.add_error(NAME, error.to_string(), NAME_FOLDER),
    }
}
