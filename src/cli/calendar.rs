//! `entitle calendar`: lists what happens by date: changes that begin, dates that pass, suspensions and accepted drift that
//! end.
//!
//! In: manifests. Out: the events on standard output, as text, JSON or iCalendar. It is offline and reads no secret, unless
//! `--live` asks for the dates that only the vendors have.

use std::io::Write;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::{AtTime, Reach, Selection};
use super::duration::parse_duration;
use super::exit::Exit;
use super::setup::{self, Files};
use super::{findings, output, project};
use crate::cli::error::CommandResult;
use crate::model::dated::{Moment, ReadingTime};
use crate::model::wording::pluralize;
use crate::model::{Address, Fields};
use crate::plan::calendar::{CalendarDocument, Period};
use crate::reconcile::{self, CheckOptions, Checked};
use crate::render;
use crate::render::calendar::{write_calendar, write_ics};
use crate::render::mass_change::describe_mass_change;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle calendar\n  entitle calendar licences --until 365d\n  entitle calendar --at 2027-07-01 --until 30d\n  entitle calendar --format ics > licences.ics\n  entitle calendar --live --until 60d\n\nJSON has every event; text and iCalendar show equal ones of many objects as one."
)]
pub struct Calendar {
    #[command(flatten)]
    selection: Selection,
    /// How far to look ahead: a duration such as 90d, or a day or moment
    #[arg(
        long,
        value_name = "WHEN",
        env = "ENTITLE_CALENDAR_UNTIL",
        default_value = "90d"
    )]
    until: Horizon,
    #[command(flatten)]
    at: AtTime,
    /// What to print
    #[arg(
        long,
        value_enum,
        env = "ENTITLE_CALENDAR_FORMAT",
        default_value = "text"
    )]
    format: CalendarFormat,
    /// Also list dates that only the vendors have, such as the end of a licence that its manifest leaves alone
    #[arg(long, env = "ENTITLE_CALENDAR_LIVE")]
    live: bool,
    /// Show each event by itself; without it those that say the same of five objects or more are one
    #[arg(long, env = "ENTITLE_FULL")]
    full: bool,
    #[command(flatten)]
    reach: Reach,
}

/// What the events are printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CalendarFormat {
    Text,
    Json,
    Ics,
}

/// How far a calendar looks ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Horizon {
    After(Duration),
    At(Moment),
}

impl FromStr for Horizon {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let moment = || text.parse().map(Self::At);
        let horizon = parse_duration(text).map(Self::After).or_else(|_| moment());
        horizon.map_err(|_| "write a duration such as 90d, or a day such as 2027-07-01".into())
    }
}

impl Horizon {
    /// Returns the last moment, counted from a time.
    fn from(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::After(length) => now.saturating_add(length).unwrap_or(Timestamp::MAX),
            Self::At(moment) => moment.in_zone(zone),
        }
    }
}

/// Checks the manifests and prints the events. Returns `Exit::Error` for manifests with errors, whose findings are printed.
pub async fn run(args: Calendar) -> CommandResult<Exit> {
    let options = CheckOptions {
        time: setup::reading_time(args.at.at),
        ..CheckOptions::default()
    };
    let accepted = project::accepted_drift_file(None)?;
    let files = accepted.as_deref().map_or(Files::Named, Files::And);
    if args.live {
        return run_live(&args, files, options.time).await;
    }
    let checked = setup::check_selected(&args.selection, &options, files, args.reach.time)?;
    // Warnings are of no concern to who looks at dates, such as that there is no connection.
    if checked.findings.has_errors() {
        findings::print_manifest_findings(&checked.findings, &args.selection.paths)?;
        return Ok(Exit::Error);
    }
    let calendar = make_calendar(&args, &checked, &options.time, &|_| None);
    print_calendar(&calendar, &args)?;
    Ok(Exit::Done)
}

/// Reads the live objects too. Returns `Exit::Error` if some cannot be read: the dates of the manifests are printed, and which
/// objects lack those of the vendor.
async fn run_live(args: &Calendar, files: Files<'_>, time: ReadingTime) -> CommandResult<Exit> {
    let setup = setup::set_up_at(&args.selection, &args.reach, files, time.clone()).await?;
    setup.tell_unset_variables()?;
    let read = reconcile::read_live_fields(&setup.checked, &setup.settings).await;
    let live = |address: &Address| read.fields.get(address);
    let calendar = make_calendar(args, &setup.checked, &time, &live);
    print_calendar(&calendar, args)?;
    let Some((first, why)) = read.unread.first() else {
        return Ok(Exit::Done);
    };
    let objects = pluralize(read.unread.len(), "object");
    output::print_warning(&format!(
        "{objects} could not be read, and only their manifests are listed: {first}: {why}"
    ));
    Ok(Exit::Error)
}

/// Lists the events of the period that was asked for.
fn make_calendar<'a>(
    args: &Calendar,
    checked: &'a Checked,
    time: &ReadingTime,
    live: &dyn Fn(&Address) -> Option<&'a Fields>,
) -> CalendarDocument {
    let (zone, now) = (time.zone.clone(), time.instant());
    // Whole seconds: a fraction is of no use to a reader, and iCalendar has none.
    let from = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let period = Period {
        from,
        until: args.until.from(from, &zone),
        zone,
    };
    let objects = checked.desired.iter().map(|object| &**object);
    CalendarDocument::new(objects, &checked.accepted, live, &period)
}

fn print_calendar(calendar: &CalendarDocument, args: &Calendar) -> std::io::Result<()> {
    match args.format {
        CalendarFormat::Text => {
            let mut out = output::buffered_stdout();
            write_calendar(&mut out, calendar, args.full)?;
            out.flush()?;
            for mass in &calendar.mass_changes {
                output::print_note(&describe_mass_change(mass));
            }
            let events = pluralize(calendar.events.len(), "event");
            let (from, until) = (&calendar.from, &calendar.until);
            output::print_note(&format!("{events} after {from} and until {until}"));
            Ok(())
        }
        CalendarFormat::Json => {
            let mut out = output::data_stdout();
            render::json::write_document(&mut out, calendar)?;
            out.flush()
        }
        CalendarFormat::Ics => {
            let mut out = output::data_stdout();
            write_ics(&mut out, calendar, args.full)?;
            out.flush()
        }
    }
}
