//! `entitle history`: what past applies did, from the journal.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::args::{Format, JournalFile};
use super::duration::duration;
use super::exit::Exit;
use super::scope::Pattern;
use super::{output, state};
use crate::apply::journal;
use crate::render;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle history\n  entitle history --object 'LacLicenseOrder/*' --since 7d"
)]
pub struct History {
    #[command(flatten)]
    journal: JournalFile,
    /// Only objects whose Kind/name matches
    #[arg(long, value_name = "GLOB", env = "ENTITLE_OBJECT")]
    object: Option<String>,
    /// Only runs of this length of time until now, for example 7d or 12h
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SINCE", value_parser = duration)]
    since: Option<Duration>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
}

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
        eprintln!("warning: line {line} of {} is damaged", path.display());
    }
    Ok(Exit::Done)
}
