//! The steps of `entitle init` after the project is written, if the user agrees: a test of the connection, and an
//! import of the objects in the account.

use std::path::PathBuf;

use super::layout::ProjectLayout;
use super::questions::ask_consent;
use super::starter::{self, Choice};
use crate::cli::args::Reach;
use crate::cli::doctor;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::exit::Exit;
use crate::cli::import::{self, Import};
use crate::cli::output;
use crate::files::write;

/// Logs in and reads once, if `--test` or the answer says so. Returns `true` if that worked; `None` if the user
/// declined or the variables are not set yet.
pub async fn try_connection(
    choice: &Choice,
    layout: &ProjectLayout,
    is_asked_for: bool,
    asks: bool,
) -> CommandResult<Option<bool>> {
    let variables = starter::credential_variables(choice);
    let unset = variables
        .iter()
        .map(|(_, name)| name.as_str())
        .filter(|name| std::env::var_os(name).is_none());
    let unset: Vec<&str> = unset.collect();
    if !unset.is_empty() && !is_asked_for {
        return Ok(None);
    }
    let question = "Test the connection now? It logs in and reads one object, and writes nothing.";
    let is_wanted = is_asked_for || (asks && ask_consent(question)?);
    if !is_wanted {
        return Ok(None);
    }
    let folder = layout.top.join(&layout.folder);
    let exit = doctor::examine_accounts(&[folder], &reach_of(choice)).await?;
    Ok(Some(exit == Exit::Done))
}

/// Writes manifests of everything in the account in place of the example, if the answer says so and the vendor has a list
/// of objects of some kind.
/// Returns whether it did.
pub async fn import_account(
    choice: &Choice,
    layout: &ProjectLayout,
    example: &str,
) -> CommandResult<bool> {
    if !starter::has_list(choice.provider) {
        return Ok(false);
    }
    let question = format!("Write manifests of what is there, in place of {example}?");
    if !ask_consent(&question)? {
        return Ok(false);
    }
    let path = layout.top.join(example);
    let fault =
        |error| CommandError::caused_by(format_args!("cannot replace {}", path.display()), error);
    let text = std::fs::read(&path).map_err(fault)?;
    // The example names an object that may be none of this account.
    std::fs::remove_file(&path).map_err(fault)?;
    let folder: PathBuf = layout.top.join(&layout.folder);
    let import = Import::of_everything(&choice.name, folder, reach_of(choice));
    match import::run(import).await {
        Ok(Exit::Done) => Ok(true),
        failed => {
            write::create_new_file(&path, &text).map_err(fault)?;
            if let Err(error) = failed {
                output::print_error(&error.to_string());
            }
            Ok(false)
        }
    }
}

/// Returns how the account of the project is reached: its credentials go to its own host only.
fn reach_of(choice: &Choice) -> Reach {
    Reach::to_host(&choice.base_url)
}
