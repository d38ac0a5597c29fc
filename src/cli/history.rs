//! `entitle history`: what past applies did, from the journal.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::args::{Format, StoreArgs};
use super::duration::parse_duration;
use super::exit::Exit;
use super::output;
use super::scope::Pattern;
use super::stores::{self, Access};
use crate::apply::clock;
use crate::apply::journal::Record;
use crate::apply::memory::runs::Index;
use crate::apply::store::Store;
use crate::cli::error::{CommandResult, bail};
use crate::render;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle history\n  entitle history --object 'LacLicenseOrder/*' --since 7d"
)]
pub struct History {
    #[command(flatten)]
    store: StoreArgs,
    /// Only objects whose Kind/name matches
    #[arg(long, value_name = "GLOB", env = "ENTITLE_OBJECT")]
    object: Option<String>,
    /// Only runs of this length of time until now, for example 7d or 12h
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SINCE", value_parser = parse_duration)]
    since: Option<Duration>,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
}

pub async fn run(args: History) -> CommandResult<Exit> {
    let filter = Filter::new(&args)?;
    let store = stores::open_store(&args.store, Access::Read).await?;
    // Twice, and never all of it in memory: what is shown first may depend on what comes last.
    let (mut index, mut known) = (Index::default(), BTreeSet::new());
    let (mut older, mut any) = (false, false);
    let damage = stores::read_records(&*store, |record| {
        any = true;
        if !filter.is_of_scope(&record) {
            return;
        }
        if !filter.is_since(&record) {
            older |= render::history::is_news(&record.event);
            return;
        }
        if filter.object.is_some() {
            known.extend(render::history::event_address(&record.event).map(str::to_string));
        }
        if filter.is_of_object(&record) {
            index.add(&record);
        }
    });
    let damage = damage.await?;
    filter.refuse_unmatched(&known)?;
    show_records(&args, &filter, &*store, &index, older).await?;
    damage.warn();
    if let (false, Some(elsewhere)) = (any, stores::hint_at_shared_store(&args.store)) {
        output::print_note(&format!("This is {elsewhere}."));
    }
    Ok(Exit::Done)
}

/// Reads the records again and shows those that were asked for.
async fn show_records(
    args: &History,
    filter: &Filter,
    store: &dyn Store,
    index: &Index,
    older: bool,
) -> CommandResult<()> {
    let mut out = output::shared_stdout();
    let mut shown = Ok(());
    let read = match args.format {
        Format::Json => {
            let mut list = render::json::JsonList::new(&mut out);
            let read = stores::read_records(store, |record| {
                if shown.is_ok() && filter.is_of(&record) {
                    shown = list.add(&record);
                }
            });
            let read = read.await;
            shown = shown.and(list.end());
            read
        }
        Format::Text => {
            let mut text = render::history::HistoryWriter::new(&mut out, index);
            let read = stores::read_records(store, |record| {
                if shown.is_ok() && filter.is_of(&record) {
                    shown = text.add(&record);
                }
            });
            let read = read.await;
            shown = shown.and(text.end(older));
            read
        }
    };
    read?.known();
    shown?;
    Ok(out.flush()?)
}

/// Which records are shown.
struct Filter {
    since: Option<Timestamp>,
    object: Option<Pattern>,
    scope: Option<String>,
}

impl Filter {
    fn new(args: &History) -> CommandResult<Self> {
        let since = args.since.map(SignedDuration::try_from).transpose()?;
        // A journal has nothing from before the calendar.
        let before = |span| clock::now().checked_sub(span).unwrap_or(Timestamp::MIN);
        let since = since.map(before);
        let object = args.object.as_deref().map(Pattern::new);
        Ok(Self {
            since,
            object: object.transpose()?,
            scope: args.store.scope.clone(),
        })
    }

    fn is_of(&self, record: &Record) -> bool {
        self.is_of_scope(record) && self.is_since(record) && self.is_of_object(record)
    }

    fn is_of_scope(&self, record: &Record) -> bool {
        self.scope.is_none() || record.scope == self.scope
    }

    /// What earlier lines were summed up to was told by them, or is older than what is left of the journal.
    fn is_since(&self, record: &Record) -> bool {
        !record.is_summary()
            && self.since.is_none_or(|since| {
                let at = record.at.parse::<Timestamp>();
                at.is_ok_and(|at| at >= since)
            })
    }

    fn is_of_object(&self, record: &Record) -> bool {
        let Some(object) = &self.object else {
            return true;
        };
        render::history::event_address(&record.event).is_none_or(|address| object.holds(address))
    }

    fn refuse_unmatched(&self, known: &BTreeSet<String>) -> CommandResult<()> {
        match &self.object {
            Some(object) if !known.is_empty() && !known.iter().any(|one| object.holds(one)) => {
                bail!("{}", object.unmatched("--object", known))
            }
            Some(_) | None => Ok(()),
        }
    }
}
