//! The commands: each file is the arguments of one command and a thin function over the pass.

mod apply;
mod args;
mod carry_out;
mod completions;
mod events;
mod exit;
mod explain;
mod github;
mod history;
mod output;
mod outputs;
mod plan;
mod populated;
mod progress;
mod report_file;
mod sandbox;
mod schema;
mod scope;
mod setup;
mod signals;
pub mod simulators;
mod state;
mod undo;
mod validate;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

pub use args::Cli;
use args::Command;
use exit::Exit;

use crate::render::safe::visible_lines;

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap would exit with 2 on bad usage, which here means "there are changes".
            let asked = !error.use_stderr();
            let _ = error.print();
            return if asked { Exit::Done } else { Exit::Error }.into();
        }
    };
    start_logging();
    let outcome = match cli.command {
        Command::Validate(args) => validate::run(&args),
        Command::Show(args) => plan::show(&args),
        Command::History(args) => history::run(&args),
        Command::Undo(args) => with_runtime(undo::run(args)),
        Command::Schema(args) => schema::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man => completions::man(),
        Command::Plan(args) => with_runtime(plan::run(args)),
        Command::Apply(args) => with_runtime(apply::run(args)),
        Command::Sandbox(args) => with_runtime(sandbox::run(args)),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) if exit::is_closed_pipe(&error) => Exit::Done.into(),
        Err(error) if error.is::<exit::Invalid>() => Exit::Error.into(),
        Err(error) => {
            // It may repeat what a plan file or a vendor says.
            let words = visible_lines(&format!("{error:#}"));
            anstream::eprintln!("{}error:{:#} {words}", output::DANGER, output::DANGER);
            exit::of_error(&error).into()
        }
    }
}

/// Logs go to stderr and only when `ENTITLE_LOG` asks for them: data owns stdout.
fn start_logging() {
    let filter = EnvFilter::try_from_env("ENTITLE_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    let colour = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .try_init();
}

fn with_runtime(run: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run)
}
