//! `entitle completions` and `entitle man`, both made from the same definition as the arguments.

use clap::CommandFactory;

use super::args::{Cli, Completions};
use super::exit::Exit;

pub fn run(args: &Completions) -> anyhow::Result<Exit> {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "entitle",
        &mut super::output::stdout(),
    );
    Ok(Exit::Done)
}

pub fn man() -> anyhow::Result<Exit> {
    clap_mangen::Man::new(Cli::command()).render(&mut super::output::stdout())?;
    Ok(Exit::Done)
}
