//! The command line: one file per command, and what several commands share.
//!
//! In: the process's arguments, environment and terminal. Out: an exit code, text on standard output and
//! standard error, files. A command file holds its clap arguments and one thin `run` function, which
//! sets up a pass, calls `reconcile`, `daemon` or `render`, and turns the result into an `Exit`.
//! Comparison, planning and writing must not live here: a test of those needs no process and no
//! terminal.
//!
//! Errors travel as `CommandError`; `exit` is the one place where they become exit codes and hints.

mod actor;
mod apply;
mod approval;
mod args;
mod cached;
mod calendar;
mod carry_out;
mod command;
mod command_run;
mod compare;
mod complete;
mod completions;
mod doctor;
mod drift;
mod duration;
mod endpoints;
mod environment;
mod error;
mod events;
pub mod exit;
mod explain;
mod files;
mod findings;
mod flag_groups;
mod fmt;
mod git;
mod github;
mod guard;
mod help;
mod history;
mod import;
mod import_files;
mod import_sets;
mod init;
mod left_objects;
mod logging;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod outputs;
mod page_sources;
mod plan;
mod plan_environments;
mod populated;
mod progress;
mod project;
mod read_connections;
mod render;
mod report_file;
mod retries;
mod sandbox;
mod sandbox_choice;
mod schema;
mod scope;
mod secret_flags;
mod sessions;
mod setup;
mod signals;
pub mod simulators;
mod standard_input;
mod state;
mod status;
mod store;
mod store_scope;
mod stores;
mod suspend;
mod trusted;
mod undo;
mod unmanaged;
mod validate;
mod values;
mod version;
mod watch;
mod watch_args;
mod watch_once;
mod watch_source;
mod why;
mod work_tree;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

pub use command::Cli;
use command::Command;
use exit::Exit;
pub use flag_groups::HelpPage;
pub use help::TOPICS;
use logging::trace_command;
pub use sandbox::sandbox_commands;
pub use schema::all_schemas;

use crate::model::Diagnostics;
use error::CommandResult;

/// Returns all commands with their arguments, and with the built-in defaults.
///
/// No project file is read, so that shell completions and man pages are the same in every directory.
pub fn all_commands() -> clap::Command {
    commands_for(HelpPage::Long)
}

/// Returns all commands with the texts that one page of help shows.
pub fn commands_for(page: HelpPage) -> clap::Command {
    command::build_command(None, page)
}

/// Returns the page of help that the arguments ask for: `-h` is the short one, and so is that of no arguments at all.
fn help_page() -> HelpPage {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let is_bare = arguments.peek().is_none();
    match is_bare || arguments.any(|argument| argument == "-h") {
        true => HelpPage::Short,
        false => HelpPage::Long,
    }
}

/// Runs the program on the process's own arguments and returns its exit code.
///
/// The order matters: a completion request is answered before anything else is read, and logging starts
/// before the first warning.
pub fn main() -> ExitCode {
    completions::answer_shell(all_commands, command::build_completing_command);
    let cli = match parse_arguments() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let logging = logging::start_logging(&cli.command);
    environment::warn_of_misspelt(&cli.command);
    let outcome = match cli.command {
        Command::Validate(args) => validate::run(&args),
        Command::Calendar(args) => with_runtime(calendar::run(args)),
        Command::Why(args) => with_runtime(why::run(args)),
        Command::Render(args) => render::run(&args),
        Command::Diff(args) => compare::run(&args),
        Command::Show(args) => plan::show_plan(&args),
        Command::History(args) => with_runtime(history::run(args)),
        Command::Undo(args) => with_runtime(trace_command("undo", undo::run(args))),
        Command::Store(args) => with_runtime(trace_command("store", store::run(args))),
        Command::Import(args) => with_runtime(trace_command("import", import::run(args))),
        Command::Unmanaged(args) => with_runtime(trace_command("unmanaged", unmanaged::run(args))),
        Command::Fmt(args) => fmt::run(&args),
        Command::Suspend(args) => suspend::run_suspend(&args),
        Command::Resume(args) => suspend::run_resume(&args),
        Command::Doctor(args) => with_runtime(trace_command("doctor", doctor::run(args))),
        Command::Init(args) => with_runtime(init::run(args)),
        Command::Schema(args) => schema::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::print_man_page(&args, all_commands()),
        Command::Version(args) => version::run(&args),
        Command::Help(args) => help::run(&args, commands_for),
        Command::Plan(args) => with_runtime(trace_command("plan", plan::run(args))),
        Command::Drift(args) => with_runtime(trace_command("drift", drift::run(args))),
        Command::Apply(args) => with_runtime(trace_command("apply", apply::run(args))),
        // The daemon runs for weeks, so it makes a trace per pass instead of one for the command.
        Command::Watch(args) if args.is_once() => {
            with_runtime(trace_command("watch", watch::run(*args)))
        }
        Command::Watch(args) => with_runtime(watch::run(*args)),
        Command::Sandbox(args) => with_runtime(sandbox::run(args)),
        Command::Status(args) => with_runtime(status::run(args)),
    };
    logging.end();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            let (exit, words) = exit::of_error(&error);
            if let Some(words) = words {
                // The text may repeat what a plan file or a vendor sent, so it goes through the guard.
                // They may repeat what a plan file or a vendor says.
                output::error_lines(&words);
            }
            exit.into()
        }
    }
}

/// Clap's kind of error for a command line that ends where a command is expected.
const MISSING_COMMAND: ErrorKind = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

/// Parses the arguments, with the environment and the project file as defaults.
///
/// Returns `Err` with the exit code if the program ends here: after `--help` (`Done`), or with `Error`
/// on bad usage, an empty guard variable or a broken project file. The last stops only commands with an
/// argument that a project file can set, so that `entitle explain` or `entitle schema` can still be
/// asked for help with the repair.
fn parse_arguments() -> Result<Cli, Exit> {
    let project = project::find_project();
    let command = command::build_command(project.as_ref(), help_page());
    let parsed = command.clone().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((matches, cli))
    });
    let (matches, cli) = parsed.map_err(|error| {
        // clap would exit with 2 on bad usage, which here means "there are changes".
        // No command at all is a question as well.
        let asked = !error.use_stderr() || error.kind() == MISSING_COMMAND;
        output::print_usage(&error.render().ansi().to_string(), asked);
        if asked { Exit::Done } else { Exit::Error }
    })?;
    if let Some(fault) = environment::empty_guard(&matches, |name| std::env::var_os(name)) {
        let mut findings = Diagnostics::default();
        findings.push(fault);
        let _ = output::print_findings(&findings);
        return Err(Exit::Error);
    }
    let chosen = matches.subcommand_name();
    let heeds = chosen
        .and_then(|name| command.find_subcommand(name))
        .is_some_and(command::heeds_project);
    match project.map(|found| found.findings) {
        Some(findings) if heeds && findings.has_errors() => {
            let _ = output::print_findings(&findings);
            Err(Exit::Error)
        }
        Some(_) | None => Ok(cli),
    }
}

/// Runs an asynchronous command to its end, on a runtime of two threads.
///
/// Connections to stores are closed after the command, also when it fails.
fn with_runtime(run: impl Future<Output = CommandResult<Exit>>) -> CommandResult<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        signals::survive_file_size_limit();
        sessions::closed_after(run).await
    })
}
