//! The commands there are, as clap knows them, with what can be said of every argument at once: the project's
//! defaults, how variables are read, and what a shell may complete. Only the program itself asks for them: a
//! command knows its own arguments, and what is in `args`.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, Resettable};
use clap::{Arg, ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use super::flag_groups::{HelpPage, arrange_flags};
use super::project::FoundProject;
use super::{
    apply, calendar, compare, complete, completions, doctor, drift, explain, fmt, help, history,
    import, init, plan, render, sandbox, schema, status, store, suspend, undo, unmanaged, validate,
    version, watch_args, why,
};

/// GitOps for software licences
///
/// Keeps licences, editions, limits and features at Cryptlex, Informatica, LicenseSpring, Alinea and LAC as the
/// YAML files in your repository say: shows a plan, then makes it so with the fewest calls.
#[derive(Parser)]
#[command(
    name = "entitle",
    version = version::describe_version(),
    disable_help_subcommand = true,
    after_help = "Try it without any account: entitle plan examples --sandbox\n\n\
                  Flags of a command: entitle COMMAND -h, all of them: --help.\n\
                  The manual by topics: entitle help."
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
    /// Make live objects as manifests say, or carry out a saved plan
    Apply(apply::Apply),
    /// Tell apart what you and what others changed; writes nothing
    Drift(drift::Drift),
    /// List what happens by date: changes, expiries, ends of suspensions
    Calendar(calendar::Calendar),
    /// Show where the values of an object come from
    Why(why::Why),
    /// Print manifests with editions, sets, values and dates resolved
    Render(render::Render),
    /// Compare what the manifests say of two environments
    Diff(compare::Diff),
    /// Show a saved plan, offline
    Show(plan::Show),
    /// List past applies, or show what one of them did
    History(history::History),
    /// Plan and apply the inverse of a past apply
    Undo(undo::Undo),
    /// Write manifests of live objects, or update existing ones
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
    /// Write the JSON Schemas of manifests, plans and other documents
    Schema(schema::Schema),
    /// Explain a kind or a field of it
    Explain(explain::Explain),
    /// Keep the live objects as the manifests say, until told to stop
    Watch(Box<watch_args::Watch>),
    /// Show what a running daemon sees, as on its page
    Status(status::StatusArgs),
    /// Serve simulators of the five vendors on loopback
    Sandbox(sandbox::Sandbox),
    /// Look after the store in which runs remember
    Store(store::StoreCommand),
    /// Print the completions of a shell
    Completions(completions::Completions),
    /// Print the manual page, or write one per command
    Man(completions::Man),
    /// Show the version, the commit and the features of this program
    Version(version::Version),
    /// Show the manual by topics, or the help of a command
    Help(help::Help),
}

/// The commands that people type every day, which stand first in the help.
const MAIN: [&str; 10] = [
    "init", "doctor", "import", "validate", "plan", "apply", "drift", "watch", "history", "undo",
];

/// Returns all commands, with the defaults of `project` if there is one, and texts for this page of help.
pub fn build_command(project: Option<&FoundProject>, page: HelpPage) -> clap::Command {
    let program = prepare_command(Cli::command(), &|command| {
        let command = command.mut_args(|argument| prepare_argument(argument, project));
        arrange_flags(command, page)
    });
    let commands = list_commands(&program);
    program.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{commands}{{after-help}}"
    ))
}

/// Returns all commands for the completion of a line in which these manifest paths were typed.
pub fn build_completing_command(paths: &[PathBuf]) -> clap::Command {
    prepare_command(Cli::command(), &|command| {
        command.mut_args(|argument| add_candidates(prepare_argument(argument, None), paths))
    })
}

/// Prepares a command and its subcommands.
fn prepare_command(
    command: clap::Command,
    prepare: &dyn Fn(clap::Command) -> clap::Command,
) -> clap::Command {
    prepare(command).mut_subcommands(|command| prepare_command(command, prepare))
}

/// Returns the commands as the help of the program lists them: those of every day, then the others.
fn list_commands(program: &clap::Command) -> String {
    let style = program.get_styles();
    let (header, literal) = (style.get_header(), style.get_literal());
    let line = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        format!("  {literal}{:<12}{literal:#} {about}\n", command.get_name())
    };
    let main = MAIN.iter().filter_map(|name| program.find_subcommand(name));
    let main: String = main.map(line).collect();
    let others = program.get_subcommands();
    let others = others.filter(|command| !MAIN.contains(&command.get_name()));
    let others: String = others.map(line).collect();
    let others = others.trim_end();
    format!("{header}Main commands:{header:#}\n{main}\n{header}Other commands:{header:#}\n{others}")
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
        "kind" => argument.add(ArgValueCandidates::new(complete::complete_object_kinds)),
        "run" => argument.add(ArgValueCandidates::new(complete::complete_runs)),
        // That of `watch` is a directory.
        "path" if argument.is_positional() => {
            argument.add(ArgValueCandidates::new(complete::complete_kinds))
        }
        "words" => argument.add(ArgValueCandidates::new(help::complete_topics)),
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
