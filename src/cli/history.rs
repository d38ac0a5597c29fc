//! `entitle history`: what past applies did, from the journal.

use std::collections::BTreeSet;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};

use super::args::{Format, History};
use super::exit::Exit;
use super::scope::Pattern;
use super::{output, state};
use crate::apply::journal;
use crate::render;

pub fn run(args: &History) -> anyhow::Result<Exit> {
    let path = state::journal(&args.journal)?;
    let mut history = journal::History::read(&path)
        .map_err(|error| anyhow::anyhow!("cannot read the journal {}: {error}", path.display()))?;
    if let Some(since) = args.since {
        let start = Timestamp::now() - SignedDuration::try_from(since)?;
        history
            .records
            .retain(|record| record.at.parse::<Timestamp>().is_ok_and(|at| at >= start));
    }
    if let Some(glob) = &args.object {
        let glob = Pattern::new(glob)?;
        let known = history
            .records
            .iter()
            .filter_map(|record| render::history::address(&record.event).map(str::to_string));
        let known: BTreeSet<String> = known.collect();
        if !known.is_empty() && !known.iter().any(|address| glob.holds(address)) {
            anyhow::bail!("{}", glob.unmatched("--object", &known));
        }
        history.records.retain(|record| {
            render::history::address(&record.event).is_none_or(|address| glob.holds(address))
        });
    }
    let mut out = output::stdout();
    match args.format {
        Format::Json => render::json::write(&mut out, &history.records)?,
        Format::Text => render::history::text(&mut out, &history)?,
    }
    out.flush()?;
    for line in &history.damaged {
        anstream::eprintln!("warning: line {line} of {} is damaged", path.display());
    }
    Ok(Exit::Done)
}
