//! Parsers for the durations and moments that are typed as arguments.
//!
//! In: a text, and for a moment the current time. Out: a value, or the sentence that clap prints. Pure:
//! the clock is an argument.

use std::time::Duration;

use jiff::{Timestamp, Unit, Zoned};

/// Parses a duration such as `30s`, `1m 30s` or `7d`.
///
/// A day is 24 hours, so `7d` is 604,800 s, also across a change to summer time. Returns `Err` for
/// months and years, which are not of one length, for a negative duration, and for a number without a
/// unit.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let span: jiff::Span = text
        .parse()
        .map_err(|_| "write a duration such as 30s, 10m or 250ms".to_string())?;
    let length = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years are not of one length: write days".to_string())?;
    Duration::try_from(length).map_err(|_| "a duration cannot be negative".into())
}

/// Parses a moment in the future: a duration from `now`, or a date with a time and a zone.
///
/// A duration is rounded to the second: `4h` at 12:00:00.7 is 16:00:01, since the result is written into
/// a manifest. Returns `Err` for a moment that has passed, and for a date without a time or a zone,
/// which would mean something else on every machine.
pub fn parse_moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let fault = || {
        "write a duration such as 4h or 7d, or a moment such as 2026-12-24T18:00:00Z".to_string()
    };
    if let Ok(length) = parse_duration(text) {
        let end = now.checked_add(length).map_err(|_| fault())?;
        // Rounded to seconds: a fraction of a second is never meant, and would stand in the file.
        return end.round(Unit::Second).map_err(|_| fault());
    }
    let zoned = |_| text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    let moment = text.parse::<Timestamp>().or_else(zoned);
    let moment = moment.map_err(|_| fault())?;
    if moment <= now {
        return Err(format!(
            "{moment} has passed: name a later moment, or a duration such as 4h"
        ));
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_a_wait_or_as_a_date() {
        let now: Timestamp = "2026-11-21T12:00:00.7Z".parse().unwrap();
        for (text, desired) in [
            ("4h", "2026-11-21T16:00:01Z"),
            ("7d", "2026-11-28T12:00:01Z"),
            ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
            ("2026-12-24T18:00+01:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00[Europe/Vienna]", "2026-12-24T17:00:00Z"),
        ] {
            let read = parse_moment(text, now).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), Ok(desired), "{text}");
        }
        // A day alone ends when? Neither the reader nor the vendor could say.
        for bad in ["", "soon", "-5s", "2026-12-24", "2026-12-24T18:00"] {
            assert!(parse_moment(bad, now).is_err(), "{bad}");
        }
        let past = parse_moment("2026-11-21T11:00:00Z", now);
        assert_eq!(
            past,
            Err(
                "2026-11-21T11:00:00Z has passed: name a later moment, or a duration such as 4h"
                    .into()
            )
        );
    }

    #[test]
    fn durations_are_read_as_help_and_people_write_them() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("1m 30s", 90.0),
            ("7d", 604_800.0),
            ("250ms", 0.25),
        ] {
            let read = parse_duration(text).map(|length| length.as_secs_f64());
            assert_eq!(read, Ok(seconds), "{text}");
        }
        for bad in ["", "soon", "-5s", "1mo", "7"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
