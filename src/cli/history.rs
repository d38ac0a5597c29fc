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
use crate::apply::clock;
use crate::apply::journal::Record;
use crate::apply::memory::runs::Index;
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
    let filter = Filter::new(args)?;
    // Twice, and never all of it in memory: what is shown first may depend on what comes last.
    let ((index, known, older), damaged) = state::read_journal(&args.journal, |records| {
        let (mut index, mut known) = (Index::default(), BTreeSet::new());
        let mut older = false;
        for record in records {
            if !filter.is_since(&record) {
                older |= render::history::is_news(&record.event);
                continue;
            }
            if filter.object.is_some() {
                known.extend(render::history::address(&record.event).map(str::to_string));
            }
            if filter.is_of_object(&record) {
                index.add(&record);
            }
        }
        (index, known, older)
    })?;
    filter.refuse_unmatched(&known)?;
    let mut out = output::buffered();
    let (shown, _) = state::read_journal(&args.journal, |records| {
        let records =
            records.filter(|record| filter.is_since(record) && filter.is_of_object(record));
        match args.format {
            Format::Json => render::json::write_list(&mut out, records),
            Format::Text => render::history::text(&mut out, &index, older, records),
        }
    })?;
    shown?;
    out.flush()?;
    if let Some(damaged) = damaged {
        output::warn(&damaged);
    }
    Ok(Exit::Done)
}

/// Which records are shown.
struct Filter {
    since: Option<Timestamp>,
    object: Option<Pattern>,
}

impl Filter {
    fn new(args: &History) -> anyhow::Result<Self> {
        let since = args.since.map(SignedDuration::try_from).transpose()?;
        // A journal has nothing from before the calendar.
        let before = |span| clock::now().checked_sub(span).unwrap_or(Timestamp::MIN);
        let since = since.map(before);
        let object = args.object.as_deref().map(Pattern::new);
        Ok(Self {
            since,
            object: object.transpose()?,
        })
    }

    fn is_since(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| {
            let at = record.at.parse::<Timestamp>();
            at.is_ok_and(|at| at >= since)
        })
    }

    fn is_of_object(&self, record: &Record) -> bool {
        let Some(object) = &self.object else {
            return true;
        };
        render::history::address(&record.event).is_none_or(|address| object.holds(address))
    }

    fn refuse_unmatched(&self, known: &BTreeSet<String>) -> anyhow::Result<()> {
        match &self.object {
            Some(object) if !known.is_empty() && !known.iter().any(|one| object.holds(one)) => {
                anyhow::bail!("{}", object.unmatched("--object", known))
            }
            Some(_) | None => Ok(()),
        }
    }
}
