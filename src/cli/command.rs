//! The commands as clap knows them, with what can be said of every argument at once: the project's defaults,
//! how variables are read, and what a shell may complete.

use clap::builder::{FalseyValueParser, OsStr, Resettable};
use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_complete::engine::ArgValueCandidates;

use super::args::Cli;
use super::{complete, project::Found};

/// All commands, with the defaults of the project where there is one.
pub fn command(project: Option<&Found>) -> Command {
    prepared(Cli::command(), project)
}

fn prepared(command: Command, project: Option<&Found>) -> Command {
    command
        .mut_args(|argument| self::argument(argument, project))
        .mut_subcommands(|command| prepared(command, project))
}

fn argument(mut argument: Arg, project: Option<&Found>) -> Arg {
    // `ENTITLE_TARGET=` in a workflow means that there is none, not one of no characters.
    let set = argument
        .get_env()
        .map(|name| (name.to_owned(), std::env::var_os(name)));
    if let Some((_, Some(value))) = &set
        && value.is_empty()
    {
        argument = argument.env(Resettable::<OsStr>::Reset);
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
        let own = help
            .split(" [default: ")
            .next()
            .unwrap_or_default()
            .to_string();
        argument = argument.help(own).default_values(defaults);
    }
    match argument.get_id().as_str() {
        "target" | "exclude" | "object" | "objects" => {
            argument.add(ArgValueCandidates::new(complete::objects))
        }
        "run" => argument.add(ArgValueCandidates::new(complete::runs)),
        "path" => argument.add(ArgValueCandidates::new(complete::kinds)),
        _ => argument,
    }
}

/// Whether a project file has a say in a command, so that a broken one must stop it.
pub fn heeds_project(command: &Command) -> bool {
    command
        .get_arguments()
        .any(|argument| Found::knows(argument.get_id().as_str()))
}
