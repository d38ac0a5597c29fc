//! x
use super::args::Init;
use super::exit::Exit;
pub fn run(_args: &Init) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
