//! Writes events as iCalendar, RFC 5545: lines that end in CRLF and are folded at 75 octets.
//!
//! By hand, since it is four properties of one component: the crate `icalendar` brings another library of times, and
//! `ics` has had no release for years.
//!
//! A day is an event of the whole day; a moment is one without length, in UTC. The UID of an event follows from object,
//! kind, date and field, so that a calendar that reads the file again updates its events and doubles none.

use std::io::{self, Write};

use jiff::Timestamp;

use super::group::{EventGroup, group_events};
use crate::model::dated::Moment;
use crate::plan::calendar::CalendarDocument;
use crate::plan::document::OriginEntry;
use crate::plan::fingerprint::json_digest;
use crate::render::safe::make_visible;

/// The most octets of a line, without its end.
const LONGEST: usize = 75;

/// The most objects of a group that its description names.
const NAMED: usize = 20;

/// Writes a calendar with one event for each entry, or for each group of equal ones unless `full`.
pub fn write_ics(out: &mut dyn Write, calendar: &CalendarDocument, full: bool) -> io::Result<()> {
    write_line(out, "BEGIN:VCALENDAR")?;
    write_line(out, "VERSION:2.0")?;
    write_line(out, "PRODID:-//entitle//entitle//EN")?;
    write_line(out, "CALSCALE:GREGORIAN")?;
    for group in group_events(&calendar.events, full) {
        write_event(out, &group, &calendar.from)?;
    }
    write_line(out, "END:VCALENDAR")
}

/// Writes one event. `stamp` is when the file was made, in UTC.
fn write_event(out: &mut dyn Write, group: &EventGroup<'_>, stamp: &str) -> io::Result<()> {
    let (event, what) = (group.first(), group.describe());
    let start = match event.date.parse() {
        Ok(Moment::Day(day)) => format!(";VALUE=DATE:{}", day.strftime("%Y%m%d")),
        _ => format!(":{}", in_utc(&event.at)),
    };
    let places = group.events.iter().take(NAMED).map(|event| {
        let OriginEntry { file, line } = &event.origin;
        match group.is_many() {
            true => format!("{} ({file}:{line})", event.object),
            false => format!("{file}:{line}"),
        }
    });
    let more = group.events.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    let lines: Vec<String> = [what.clone()]
        .into_iter()
        .chain(places)
        .chain(more)
        .collect();
    let description = lines.join("\n");
    write_line(out, "BEGIN:VEVENT")?;
    write_line(out, &format!("UID:{}", uid_of(group)))?;
    write_line(out, &format!("DTSTAMP:{}", in_utc(stamp)))?;
    write_line(out, &format!("DTSTART{start}"))?;
    let summary = format!("{}: {what}", group.title());
    write_line(out, &format!("SUMMARY:{}", escape_text(&summary)))?;
    write_line(out, &format!("DESCRIPTION:{}", escape_text(&description)))?;
    // Nobody is busy because of it.
    write_line(out, "TRANSP:TRANSPARENT")?;
    write_line(out, "END:VEVENT")
}

/// Returns the same name for the same event in every run. That of a group follows from its words in place of the objects: it
/// stays the same when an object joins.
fn uid_of(group: &EventGroup<'_>) -> String {
    const LENGTH: usize = "sha256:".len() + 32;
    let event = group.first();
    let object = match group.is_many() {
        true => &group.describe(),
        false => &event.object,
    };
    let digest = json_digest(&(object, event.kind, &event.date, &event.field));
    format!("{}@entitle.dev", &digest["sha256:".len()..LENGTH])
}

/// Spells a moment as `20270701T040000Z`.
fn in_utc(time: &str) -> String {
    let time = time.parse::<Timestamp>().unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Escapes a value of type TEXT.
fn escape_text(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let line = make_visible(line).replace('\\', "\\\\");
            line.replace(';', "\\;").replace(',', "\\,")
        })
        .collect();
    lines.join("\\n")
}

/// Writes one content line. A long one is folded: each further part is a line that begins with a space.
fn write_line(out: &mut dyn Write, line: &str) -> io::Result<()> {
    let mut rest = line;
    let mut room = LONGEST;
    while rest.len() > room {
        let (head, tail) = rest.split_at(rest.floor_char_boundary(room));
        write!(out, "{head}\r\n ")?;
        (rest, room) = (tail, LONGEST - 1);
    }
    write!(out, "{rest}\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::calendar::{CalendarEvent, EventKind};

    fn event(date: &str, at: &str, reason: &str) -> CalendarEvent {
        CalendarEvent {
            at: at.into(),
            date: date.into(),
            kind: EventKind::SuspensionEnds,
            object: "LacLicenseOrder/rivers".into(),
            edition: None,
            live: false,
            field: None,
            changes: Vec::new(),
            at_vendor: false,
            reason: Some(reason.into()),
            origin: OriginEntry {
                file: "a.yaml".into(),
                line: 3,
            },
        }
    }

    fn written(events: &[CalendarEvent]) -> String {
        let calendar = CalendarDocument {
            format_version: "1.1".into(),
            from: "2027-06-01T12:00:00.5Z".into(),
            until: "2027-09-01T12:00:00Z".into(),
            events: events.to_vec(),
            mass_changes: Vec::new(),
        };
        let mut out = Vec::new();
        write_ics(&mut out, &calendar, false).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_day_is_a_whole_day_and_a_moment_is_in_utc() {
        let moment = "2027-07-01T06:00:00+02:00";
        let text = written(&[
            event("2027-07-01", "2027-06-30T22:00:00Z", "audit"),
            event(moment, "2027-07-01T04:00:00Z", "audit"),
        ]);
        let starts = text.lines().filter(|line| line.starts_with("DTSTART"));
        let starts: Vec<&str> = starts.collect();
        assert_eq!(
            starts,
            ["DTSTART;VALUE=DATE:20270701", "DTSTART:20270701T040000Z"]
        );
        assert!(text.contains("DTSTAMP:20270601T120000Z\r\n"), "{text}");
        assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"));
        assert!(text.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
    }

    #[test]
    fn every_line_is_short_and_unfolds_to_the_escaped_text() {
        let reason = format!("{}; a, b\\c\nnext", "ü€😀".repeat(40));
        let text = written(&[event("2027-07-01", "2027-07-01T00:00:00Z", &reason)]);
        for line in text.split_inclusive("\r\n") {
            let bare = line.strip_suffix("\r\n").expect("an end of a line");
            assert!(bare.len() <= LONGEST, "{} octets: {bare}", bare.len());
            assert!(!bare.contains(['\r', '\n']), "{bare}");
        }
        let unfolded = text.replace("\r\n ", "");
        let summary = unfolded.lines().find(|line| line.starts_with("SUMMARY:"));
        let expected = format!(
            "SUMMARY:LacLicenseOrder/rivers: its suspension ends ({}\\; a\\, b\\\\c\\nnext)",
            "ü€😀".repeat(40)
        );
        assert_eq!(summary, Some(expected.as_str()));
    }

    #[test]
    fn an_event_keeps_its_name_whatever_its_words_are() {
        let one = event("2027-07-01", "2027-07-01T00:00:00Z", "audit");
        let moved = event("2027-07-02", "2027-07-02T00:00:00Z", "audit");
        let reworded = event("2027-07-01", "2027-07-01T00:00:00Z", "an audit");
        let uid = |event: &CalendarEvent| {
            uid_of(&EventGroup {
                events: vec![event],
            })
        };
        assert_eq!(uid(&one), uid(&reworded));
        assert_ne!(uid(&one), uid(&moved));
    }
}
