//! `entitle calendar`: lists what happens by date: changes that begin, dates that pass, suspensions and accepted drift that
//! end.
//!
//! In: manifests. Out: the events on standard output, as text, JSON or iCalendar. It is offline and reads no secret: what is
//! listed is what the manifests say.

use std::io::Write;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::{AtTime, Selection, Time};
use super::duration::parse_duration;
use super::exit::Exit;
use super::setup::{self, Files};
use super::{findings, output, project};
use crate::cli::error::CommandResult;
use crate::model::dated::Moment;
use crate::model::wording::pluralize;
use crate::plan::calendar::{CalendarDocument, Period};
use crate::reconcile::CheckOptions;
use crate::render;
use crate::render::calendar::{write_calendar, write_ics};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  entitle calendar\n  entitle calendar licences --until 365d\n  entitle calendar --at 2027-07-01 --until 30d\n  entitle calendar --format ics > licences.ics"
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
    #[command(flatten)]
    time: Time,
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
pub fn run(args: &Calendar) -> CommandResult<Exit> {
    let options = CheckOptions {
        time: setup::reading_time(args.at.at),
        ..CheckOptions::default()
    };
    let accepted = project::accepted_drift_file(None)?;
    let files = accepted.as_deref().map_or(Files::Named, Files::And);
    let checked = setup::check_selected(&args.selection, &options, files, args.time)?;
    // Warnings are of no concern to who looks at dates, such as that there is no connection.
    if checked.findings.has_errors() {
        findings::print_manifest_findings(&checked.findings, &args.selection.paths)?;
        return Ok(Exit::Error);
    }
    let zone = options.time.zone.clone();
    let now = options.time.instant();
    // Whole seconds: a fraction is of no use to a reader, and iCalendar has none.
    let from = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let period = Period {
        from,
        until: args.until.from(from, &zone),
        zone,
    };
    let objects = checked.desired.iter().map(|object| &**object);
    let calendar = CalendarDocument::new(objects, &checked.accepted, &period);
    print_calendar(&calendar, args.format)?;
    Ok(Exit::Done)
}

fn print_calendar(calendar: &CalendarDocument, format: CalendarFormat) -> std::io::Result<()> {
    match format {
        CalendarFormat::Text => {
            let mut out = output::buffered_stdout();
            write_calendar(&mut out, calendar)?;
            out.flush()?;
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
            write_ics(&mut out, calendar)?;
            out.flush()
        }
    }
}
