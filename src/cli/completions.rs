//! `entitle completions` and `entitle man`, both made from the same definition as the arguments.
//!
//! The script of a shell asks the program itself what fits, by a variable: one engine for all shells, which
//! also knows the names in the manifests. A script written out by clap alone would know the flags only, and
//! names would have to be patched into the text of each shell's script.

use std::io::Write;

use clap_complete::env::{CompleteEnv, Shells};

use super::args::{Completions, Man};
use super::exit::Exit;
use super::{command, output};

/// Set by the scripts when a shell asks.
const VARIABLE: &str = "ENTITLE_COMPLETE";

pub fn run(args: &Completions) -> anyhow::Result<Exit> {
    let shell = args.shell.to_string();
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&shell) else {
        anyhow::bail!("there are no completions for {shell}");
    };
    let mut out = output::stdout();
    shell.write_registration(VARIABLE, "entitle", "entitle", "entitle", &mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Answers a shell that asks, and ends the program; does nothing otherwise.
pub fn answer() {
    CompleteEnv::with_factory(|| command::command(None))
        .var(VARIABLE)
        .complete();
}

pub fn man(args: &Man) -> anyhow::Result<Exit> {
    let command = command::command(None);
    match &args.out {
        None => clap_mangen::Man::new(command).render(&mut output::stdout())?,
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            clap_mangen::generate_to(command, dir)?;
        }
    }
    Ok(Exit::Done)
}
