//! `entitle explain`: what a kind or a field is, from the field tables.

use super::args::Explain;
use super::exit::Exit;
use super::output;
use crate::render::explain;

pub fn run(args: &Explain) -> anyhow::Result<Exit> {
    let mut out = output::stdout();
    match &args.path {
        None => explain::kinds(&mut out)?,
        Some(path) => explain::path(&mut out, path)?.map_err(|why| anyhow::anyhow!(why))?,
    }
    Ok(Exit::Done)
}
