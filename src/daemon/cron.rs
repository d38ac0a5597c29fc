//! Schedules of five fields, as crontabs have them: minute, hour, day of month, month, day of week.
//!
//! [`cronexpr`] reads and matches them. 0 and 7 are Sunday; as in Vixie's cron a moment has to match only one of the
//! two days when both are restricted. Its `L`, `15W` and `5#3` may be written too.
//!
//! A schedule is about what a clock on a wall shows. The crate takes moments, so it is given what the clock shows as if
//! that were UTC, which shows every minute once. [`super::window`] knows the zone, and when its clocks are put
//! forward and back.

use std::str::FromStr;

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The minutes that a schedule names.
#[derive(Clone, Debug)]
pub struct Cron(Crontab);

impl Cron {
    /// Returns the first minute after `wall` that the schedule names; `None` if none comes within four years.
    ///
    /// `0 22 * * 1-5` after Friday 2026-11-20T22:00 is Monday 2026-11-23T22:00.
    pub fn next_after(&self, wall: DateTime) -> Option<DateTime> {
        let as_utc = TimeZone::UTC.to_timestamp(wall).ok()?;
        let next = self.0.find_next(MakeTimestamp(as_utc)).ok()?;
        Some(next.datetime())
    }
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The crate would take a sixth one for a time zone.
        if text.split_whitespace().count() != 5 {
            return Err(format!(
                "a schedule has five fields, as in `0 22 * * 1-5`, not {text:?}"
            ));
        }
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let crontab = cronexpr::parse_crontab_with(text, options);
        crontab.map(Self).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn matches(cron: &str, at: &str) -> bool {
        let cron: Cron = cron.parse().unwrap();
        let at: DateTime = at.parse().unwrap();
        cron.next_after(at - 1.minute()) == Some(at)
    }

    #[test]
    fn the_working_week_is_monday_to_friday() {
        // 2026-11-16 is a Monday.
        for (day, expected) in [(15, false), (16, true), (20, true), (21, false)] {
            let at = format!("2026-11-{day}T22:00");
            assert_eq!(matches("0 22 * * 1-5", &at), expected, "{day}");
            assert_eq!(matches("0 22 * * mon-FRI", &at), expected, "{day}");
        }
        assert!(matches("0 22 * * 0", "2026-11-15T22:00"));
        assert!(matches("0 22 * * 7", "2026-11-15T22:00"));
    }

    #[test]
    fn lists_ranges_and_steps() {
        assert!(matches("*/15 8-17 * jan,nov *", "2026-11-02T17:45"));
        assert!(!matches("*/15 8-17 * jan,nov *", "2026-11-02T17:46"));
        assert!(!matches("*/15 8-17 * jan,nov *", "2026-12-02T17:45"));
        assert!(matches("5/15 * * * *", "2026-12-02T17:50"));
    }

    #[test]
    fn one_of_two_restricted_days_is_enough() {
        assert!(matches("0 0 1 * 1", "2026-12-01T00:00"));
        assert!(matches("0 0 1 * 1", "2026-11-16T00:00"));
        assert!(!matches("0 0 1 * 1", "2026-11-17T00:00"));
        assert!(!matches("0 0 1 * *", "2026-11-16T00:00"));
    }

    #[test]
    fn a_day_that_no_month_has_never_comes() {
        let cron: Cron = "0 0 30 2 *".parse().unwrap();
        assert_eq!(cron.next_after("2026-11-16T12:00".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for bad in [
            "",
            "* * * *",
            "* * * * * UTC",
            "*/60 * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 32 * *",
            "* * * 0 *",
            "* * * 13 *",
            "* * * * 8",
            "* * 0 * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "x * * * *",
        ] {
            assert!(bad.parse::<Cron>().is_err(), "{bad}");
        }
        for good in ["0 0 1 1 0", "59 23 31 12 7"] {
            assert!(good.parse::<Cron>().is_ok(), "{good}");
        }
    }
}
