//! The scope of commands that need no manifests otherwise, such as `entitle history`.
//!
//! In: the store and the environment that were typed. Out: the store with the scope in force. Commands that read
//! manifests have it from [`Setup::store_args`](super::setup::Setup::store_args).

use super::args::{Selection, StoreArgs, Time};
use super::error::{CommandResult, bail};
use super::{project, setup};
use crate::reconcile::CheckOptions;

/// Returns the store in the scope of the environment, if none was typed.
///
/// The environment is looked for in the manifests of the project; without a project file only if it is named, since the
/// current directory may be any. Where there are several environments and none is named, the store has no scope. Faults
/// of manifests are no matter of the past, and are left to other commands. Returns `Err` for an environment that is not there.
pub fn in_environment(
    args: &StoreArgs,
    environment: Option<&str>,
    time: Time,
) -> CommandResult<StoreArgs> {
    let paths = project::default_paths();
    if args.scope.is_some() || (environment.is_none() && paths.is_empty()) {
        return Ok(args.clone());
    }
    let selection = Selection {
        environment: environment.map(str::to_string),
        ..Selection::all_of(&paths)
    };
    let checked = setup::check_selection(&selection, &CheckOptions::default(), time)?;
    if let (Some(name), None) = (environment, &checked.environment) {
        bail!("there is no environment `{name}` in the manifests here");
    }
    Ok(StoreArgs {
        scope: checked.store_scope(None),
        ..args.clone()
    })
}
