//! `entitle completions` and `entitle man`, both made from the same definition as the arguments.
//!
//! The script of a shell asks the program itself what fits, by a variable: one engine for all shells, which
//! also knows the names in the manifests. A script written out by clap alone would know the flags only, and
//! names would have to be patched into the text of each shell's script.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::env::{CompleteEnv, Shells};

use super::exit::Exit;
use super::{complete, output};
use crate::cli::error::{CommandResult, bail};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  source <(entitle completions bash)\n  source <(entitle completions zsh)\n  entitle completions fish | source\n  entitle completions powershell | Out-String | Invoke-Expression"
)]
pub struct Completions {
    /// The shell that is to complete
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Set by the scripts when a shell asks.
const VARIABLE: &str = "ENTITLE_COMPLETE";

/// Prints the script by which a shell asks this program for completions.
pub fn run(args: &Completions) -> CommandResult<Exit> {
    let shell = args.shell.to_string();
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&shell) else {
        bail!("there are no completions for {shell}");
    };
    let mut out = output::data_stdout();
    shell.write_registration(VARIABLE, "entitle", "entitle", "entitle", &mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Answers a shell that asks, and ends the program; does nothing otherwise.
///
/// A shell passes the line that was typed behind `--`. `commands` makes the commands for the manifest paths in it.
pub fn answer_shell(plain: fn() -> Command, commands: fn(&[PathBuf]) -> Command) {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    let line = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let home = std::env::home_dir();
    let paths = complete::find_typed_paths(plain(), line, home);
    let commands = || commands(&paths);
    CompleteEnv::with_factory(commands).var(VARIABLE).complete();
}

#[derive(Args)]
#[command(after_help = "Examples:\n  entitle man | man -l -\n  entitle man --out man/man1")]
pub struct Man {
    /// Write a page per command into this directory instead
    #[arg(long, value_name = "DIR", env = "ENTITLE_MAN_OUT")]
    out: Option<PathBuf>,
}

/// Prints the man page of the program, or writes one page per command into `--out`.
pub fn print_man_page(args: &Man, command: Command) -> CommandResult<Exit> {
    match &args.out {
        None => {
            let mut out = output::data_stdout();
            clap_mangen::Man::new(command).render(&mut out)?;
            out.flush()?;
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            clap_mangen::generate_to(command, dir)?;
        }
    }
    Ok(Exit::Done)
}
