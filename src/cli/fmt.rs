//! x
use super::args::Fmt;
use super::exit::Exit;
pub fn run(_args: &Fmt) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
