//! `entitle history`: shows what past applies did, from the journal.
//!
//! In: the records of a store, and filters. Out: text or JSON on standard output. Records are read twice
//! and never held in memory as a whole. How a record is worded is defined in `render::history`.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::args::{Format, StoreArgs};
use super::command_run::Access;
use super::duration::parse_duration;
use super::exit::Exit;
use super::scope::Pattern;
use super::{output, stores};
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

/// Reads the journal once for an index, then once more to print.
///
/// The first line to show may depend on the last record, so that a single reading would have to keep
/// everything. Damage is reported once, after the output. Returns `Err` for an `--object` that no record
/// in the time range matches.
pub async fn run(args: History) -> CommandResult<Exit> {
    let filter = Filter::new(&args)?;
    let store = stores::open_store(&args.store, Access::Read).await?;
    // Read twice, and never held in memory as a whole: the first line to show may depend on the last
    // record.
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

/// Reads the records again and prints those that the filter lets through.
///
/// `older` tells that there are earlier runs than `--since` shows. After the first failed write, such as
/// to a pager that was closed, the remaining records are read but not printed, and the error is
/// returned.
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

/// The conditions on records: time, object and scope. A condition that is `None` lets every record
/// through.
struct Filter {
    since: Option<Timestamp>,
    object: Option<Pattern>,
    scope: Option<String>,
}

impl Filter {
    /// Builds the filter. Returns `Err` for an `--object` that is no glob.
    ///
    /// A duration beyond the calendar means "from the beginning".
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

    /// Reports whether a record passes all conditions.
    fn is_of(&self, record: &Record) -> bool {
        self.is_of_scope(record) && self.is_since(record) && self.is_of_object(record)
    }

    /// Reports whether a record is of the scope that was asked for.
    fn is_of_scope(&self, record: &Record) -> bool {
        self.scope.is_none() || record.scope == self.scope
    }

    /// Reports whether a record is recent enough. A record with an unreadable time is not.
    ///
    /// Summaries are never shown: their lines were shown themselves, or are older than what is left of
    /// the journal.
    fn is_since(&self, record: &Record) -> bool {
        !record.is_summary()
            && self.since.is_none_or(|since| {
                let at = record.at.parse::<Timestamp>();
                at.is_ok_and(|at| at >= since)
            })
    }

    /// Reports whether a record is about a matching object, or about a run as a whole.
    fn is_of_object(&self, record: &Record) -> bool {
        let Some(object) = &self.object else {
            return true;
        };
        render::history::event_address(&record.event).is_none_or(|address| object.holds(address))
    }

    /// Returns `Err` if `--object` matches none of the `known` addresses. An empty journal is no fault.
    fn refuse_unmatched(&self, known: &BTreeSet<String>) -> CommandResult<()> {
        match &self.object {
            Some(object) if !known.is_empty() && !known.iter().any(|one| object.holds(one)) => {
                bail!("{}", object.unmatched("--object", known))
            }
            Some(_) | None => Ok(()),
        }
    }
}
