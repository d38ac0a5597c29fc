//! `entitle history`: lists past runs and requests of people, or shows one run with all its writes, from the journal.
//!
//! In: the records of a store, and filters. Out: text or JSON on standard output. Records are read from the store and
//! never held in memory as a whole. The writes of a run are summed up in `apply::memory::history` and
//! put into words in `render::history`.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::args::{Format, StoreArgs, Time};
use super::command_run::Access;
use super::duration::parse_duration;
use super::exit::Exit;
use super::scope::Pattern;
use super::values::parse_shown_count;
use super::{output, store_scope, stores};
use crate::apply::clock;
use crate::apply::journal::{JournalEvent, Record};
use crate::apply::memory::ScopeReader;
use crate::apply::memory::history::{
    HistoryDocument, RunEntry, RunLog, RunObjects, event_address, find_named_run, is_news,
};
use crate::apply::memory::runs::Index;
use crate::apply::store::Store;
use crate::cli::error::{CommandResult, bail};
use crate::render;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle history\n  entitle history 01a22859\n  entitle history --object 'LacLicenseOrder/*' --since 7d --full"
)]
pub struct History {
    /// Show this run with all it did; the beginning of its name is enough, and `latest` is the newest run
    #[arg(value_name = "RUN|latest")]
    run: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// Only runs in the scope of this Environment [default: the only one of the project]
    #[arg(
        long = "env",
        id = "env",
        value_name = "NAME",
        env = "ENTITLE_ENVIRONMENT"
    )]
    environment: Option<String>,
    #[command(flatten)]
    time: Time,
    /// Only objects whose Kind/name matches
    #[arg(long, value_name = "GLOB", env = "ENTITLE_OBJECT")]
    object: Option<String>,
    /// Only runs of this length of time until now, for example 7d or 12h
    #[arg(long, value_name = "DURATION", env = "ENTITLE_SINCE", value_parser = parse_duration)]
    since: Option<Duration>,
    /// Show so many runs, the newest ones
    #[arg(
        long,
        value_name = "N",
        env = "ENTITLE_LIMIT",
        default_value = "20",
        value_parser = parse_shown_count,
        conflicts_with = "run"
    )]
    limit: NonZeroUsize,
    /// Show all runs
    #[arg(long, env = "ENTITLE_HISTORY_ALL", conflicts_with_all = ["run", "limit"])]
    all: bool,
    /// Show the objects and changes of each run too
    #[arg(long, env = "ENTITLE_FULL")]
    full: bool,
    /// What to print
    #[arg(long, value_enum, env = "ENTITLE_FORMAT", default_value = "text")]
    format: Format,
    /// Print a JSON document, whatever `--format` says
    #[arg(long, env = "ENTITLE_HISTORY_JSON")]
    json: bool,
}

/// The runs to show, and the number of runs that are left out.
struct ShownRuns {
    runs: Vec<RunEntry>,
    /// Number of older runs that `--limit` leaves out.
    older: usize,
    /// True if there are runs from before `--since`.
    before: bool,
}

/// Reads the journal once for a line of each run, and once more for those that are shown in full.
///
/// Damage is reported once, after the output. Returns `Err` for a run that is not in the journal, and for an
/// `--object` that no record in the time range matches.
pub async fn run(mut args: History) -> CommandResult<Exit> {
    let environment = args.environment.as_deref();
    args.store = store_scope::in_environment(&args.store, environment, args.time)?;
    let filter = Filter::new(&args)?;
    let store = stores::open_store(&args.store, Access::Read).await?;
    let (mut log, mut index) = (RunLog::default(), Index::default());
    let (mut known, mut before, mut any) = (BTreeSet::new(), false, false);
    let damage = stores::read_records(&*store, |record| {
        any = true;
        if !filter.is_of_scope(&record) {
            return;
        }
        if !filter.is_since(&record) {
            before |= is_news(&record.event);
            return;
        }
        if filter.object.is_some() {
            known.extend(event_address(&record.event).map(str::to_string));
        }
        if filter.is_of_object(&record) {
            log.add(&record);
            index.add(&record);
        }
    });
    let damage = damage.await?;
    filter.refuse_unmatched(&known)?;
    let runs = choose_runs(&args, log.end())?;
    let mut shown = ShownRuns { before, ..runs };
    if args.run.is_some() || args.full {
        read_objects(&mut shown.runs, &filter, &*store, &index).await?;
    }
    print_runs(&args, shown)?;
    damage.warn();
    if let (false, Some(elsewhere)) = (any, stores::hint_at_shared_store(&args.store)) {
        output::print_note(&format!("This is {elsewhere}."));
    }
    Ok(Exit::Done)
}

/// Returns the named run, or the newest ones up to the limit. Returns `Err` if the name stands for no run.
fn choose_runs(args: &History, mut runs: Vec<RunEntry>) -> CommandResult<ShownRuns> {
    let mut older = 0;
    if let Some(name) = args.run.as_deref().filter(|name| *name != "latest") {
        let names: BTreeSet<&str> = runs.iter().map(|run| run.run.as_str()).collect();
        let found = find_named_run(name, &names);
        let found = found.map_err(|error| stores::explain_run_name(&args.store, error))?;
        let found = found.to_string();
        runs.retain(|run| run.run == found);
    } else if args.run.is_some() {
        // Requests of people are no runs that one would look for by this name.
        runs.retain(|run| run.request.is_none());
        runs.truncate(1);
    } else if !args.all {
        older = runs.len().saturating_sub(args.limit.get());
        runs.truncate(args.limit.get());
    }
    Ok(ShownRuns {
        runs,
        older,
        before: false,
    })
}

/// Reads the records again, and adds to each run its writes to each object.
async fn read_objects(
    runs: &mut [RunEntry],
    filter: &Filter,
    store: &dyn Store,
    index: &Index,
) -> CommandResult<()> {
    let mut objects = RunObjects::new(index, runs.iter().map(|run| run.run.as_str()));
    let read = stores::read_records(store, |record| {
        if filter.is_of(&record) {
            objects.add(&record);
        }
    });
    // Damaged lines are reported by the first reading.
    read.await?.known();
    objects.fill(runs);
    Ok(())
}

/// Prints the runs on standard output, and a note on standard error if there are more.
fn print_runs(args: &History, shown: ShownRuns) -> CommandResult<()> {
    let ShownRuns {
        runs,
        older,
        before,
    } = shown;
    if args.json || args.format == Format::Json {
        let mut out = output::data_stdout();
        render::json::write_document(&mut out, &HistoryDocument::new(runs, older))?;
        return Ok(out.flush()?);
    }
    let (mut out, now) = (output::buffered_stdout(), clock::now());
    let is_full = args.run.is_some() || args.full;
    match runs.as_slice() {
        [] if before => writeln!(
            out,
            "Nothing was applied in that time; there are older runs."
        )?,
        [] => writeln!(out, "There are no runs yet.")?,
        runs if is_full => {
            for (place, run) in runs.iter().enumerate() {
                if place > 0 {
                    writeln!(out)?;
                }
                render::history::write_run(&mut out, run, args.object.as_deref(), now)?;
            }
        }
        runs => render::history::write_list(&mut out, runs, now)?,
    }
    out.flush()?;
    if older > 0 {
        let all = older + runs.len();
        output::print_note(&format!(
            "The newest {} of {all} runs; --limit N or --all shows more.",
            runs.len()
        ));
    }
    Ok(())
}

/// The conditions on records: time, object and scope. A condition that is `None` lets every record
/// through.
struct Filter {
    since: Option<Timestamp>,
    object: Option<Pattern>,
    reader: ScopeReader,
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
            reader: args.store.reader(),
        })
    }

    /// Reports whether a record passes all conditions.
    fn is_of(&self, record: &Record) -> bool {
        self.is_of_scope(record) && self.is_since(record) && self.is_of_object(record)
    }

    /// Reports whether a record is of the scope that was asked for.
    fn is_of_scope(&self, record: &Record) -> bool {
        self.reader.owns(record.scope.as_deref())
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
        match (event_address(&record.event), &record.event) {
            (Some(address), _) => object.holds(address),
            // A request about a whole connection is about no object.
            (None, JournalEvent::Started(started)) => started.request.is_none(),
            (None, _) => true,
        }
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
