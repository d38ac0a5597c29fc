//! The commands there are, as clap knows them, with what can be said of every argument at once: the project's
//! defaults, how variables are read, and what a shell may complete. Only the program itself asks for them: a
//! command knows its own arguments, and what is in `args`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, Resettable};
use clap::{Arg, ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use super::project::FoundProject;
use super::{
    apply, complete, completions, doctor, drift, explain, fmt, history, import, init, plan, sandbox,
    schema, store, suspend, undo, unmanaged, validate, version, watch_args,
};

/// GitOps for software licences
///
/// Keeps licences, editions, limits and features at Cryptlex, Informatica, LicenseSpring, Alinea and LAC as the
/// YAML files in your repository say: shows a plan, then makes it so with the fewest calls.
#[derive(Parser)]
#[command(
    name = "entitle",
    version = version::describe_version(),
    after_help = "Exit codes: 0 done, 1 error, 2 changes (plan --detailed-exitcode) or drift, 3 applied in part, \
                  4 refused by a guard, 5 stale, 6 locked, 7 did not converge, 130 and 143 interrupted.\n\n\
                  Try it without any account:\n  entitle plan examples --sandbox"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Check manifests offline
    Validate(validate::Validate),
    /// Show what an apply would change
    Plan(plan::Plan),
    /// Make the live objects as the manifests say; the first PATH may be a saved plan
    Apply(apply::Apply),
    /// Tell apart what you and what others changed; writes nothing
    Drift(drift::Drift),
    /// Show a saved plan, offline
    Show(plan::Show),
    /// List past applies, or show what one of them did
    History(history::History),
    /// Plan and apply the inverse of a past apply
    Undo(undo::Undo),
    /// Write manifests of live objects, or bring existing ones up to date
    Import(import::Import),
    /// List live objects that no manifest names
    Unmanaged(unmanaged::Unmanaged),
    /// Put manifests into their usual form, with comments kept
    Fmt(fmt::Fmt),
    /// Leave objects alone for a while, by a word in their manifests
    Suspend(suspend::Suspend),
    /// End the suspension of objects
    Resume(suspend::Resume),
    /// Write a starter project
    Init(init::Init),
    /// Say what is wrong with a set-up
    Doctor(doctor::Doctor),
    /// Write the JSON Schemas of manifests, plans, drift, events and history
    Schema(schema::Schema),
    /// Explain a kind or a field of it
    Explain(explain::Explain),
    /// Keep the live objects as the manifests say, until told to stop
    Watch(Box<watch_args::Watch>),
    /// Serve simulators of the five vendors on loopback
    Sandbox(sandbox::Sandbox),
    /// Look after the store that runs remember in: check, show, unlock, compact, prune, export, import
    Store(store::StoreCommand),
    /// Print the completions of a shell
    Completions(completions::Completions),
    /// Print the manual page, or write one per command
    Man(completions::Man),
    /// Show the version, the commit and the features of this program
    Version(version::Version),
}

/// Returns all commands, with the defaults of `project` if there is one.
pub fn build_command(project: Option<&FoundProject>) -> clap::Command {
    prepare_command(Cli::command(), &|argument| {
        prepare_argument(argument, project)
    })
}

/// Returns all commands for the completion of a line in which these manifest paths were typed.
pub fn build_completing_command(paths: &[PathBuf]) -> clap::Command {
    prepare_command(build_command(None), &|argument| {
        add_candidates(argument, paths)
    })
}

/// Prepares the arguments of a command and of its subcommands.
fn prepare_command(command: clap::Command, prepare: &dyn Fn(Arg) -> Arg) -> clap::Command {
    command
        .mut_args(prepare)
        .mut_subcommands(|command| prepare_command(command, prepare))
}

/// Prepares an argument: its variable and its default from the project.
///
/// The project's default replaces the built-in one, and the words `[default: …]` are removed from the
/// help, because clap prints the value in force.
fn prepare_argument(mut argument: Arg, project: Option<&FoundProject>) -> Arg {
    // `ENTITLE_TARGET=` in a workflow means that there is none, not one of no characters.
    let set = argument
        .get_env()
        .map(|name| (name.to_owned(), std::env::var_os(name)));
    if let Some((_, Some(value))) = &set
        && value.is_empty()
    {
        argument = argument.env(Resettable::<clap::builder::OsStr>::Reset);
    }
    // Everybody writes 1 for a switch; clap would take `true` only.
    if set.is_some() && matches!(argument.get_action(), ArgAction::SetTrue) {
        argument = argument.value_parser(FalseyValueParser::new());
    }
    let defaults = project.map(|found| found.default_of(argument.get_id().as_str()));
    if let Some(defaults) = defaults.filter(|defaults| !defaults.is_empty()) {
        // Some helps name a default in words, which is not the one any more.
        let help = argument.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let copied = help
            .split(" [default: ")
            .next()
            .unwrap_or_default()
            .to_string();
        argument = argument.help(copied).default_values(defaults);
    }
    argument
}

/// Adds what a shell may complete to an argument. Names come from the manifests at `paths`, or from the project's
/// without any.
fn add_candidates(argument: Arg, paths: &[PathBuf]) -> Arg {
    let from_paths = |complete: fn(&[PathBuf], &OsStr) -> Vec<CompletionCandidate>| {
        let paths = paths.to_vec();
        ArgValueCompleter::new(move |typed: &OsStr| complete(&paths, typed))
    };
    match argument.get_id().as_str() {
        "target" | "exclude" | "object" => argument.add(from_paths(complete::complete_objects)),
        "objects" => argument.add(from_paths(complete::complete_objects_and_names)),
        "connection" => argument.add(from_paths(complete::complete_connections)),
        "vendor" => argument.add(ArgValueCandidates::new(complete::complete_vendors)),
        "run" => argument.add(ArgValueCandidates::new(complete::complete_runs)),
        "path" => argument.add(ArgValueCandidates::new(complete::complete_kinds)),
        _ => argument,
    }
}

/// Reports whether a project file can set an argument of a command. A broken file stops only such
/// commands.
pub fn heeds_project(command: &clap::Command) -> bool {
    command
        .get_arguments()
        .any(|argument| FoundProject::knows(argument.get_id().as_str()))
}
