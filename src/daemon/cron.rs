//! Five fields of cron, as crontabs have them: minute, hour, day of month, month, day of week.
//!
//! Ours, because the crates for jiff count Sunday as 1, after Quartz: `1-5` would silently be Sunday to
//! Thursday where every crontab means the working week. Here 0 and 7 are Sunday. As in crontabs a moment
//! has to match only one of the two days when both are restricted.

use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::DateTime;

/// The minutes that a schedule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether each of the two days was restricted.
    by_day: bool,
    by_weekday: bool,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Whether the minute of a local time is one of the schedule's.
    pub fn matches(&self, at: DateTime) -> bool {
        let has = |set: u64, value: i8| u8::try_from(value).is_ok_and(|bit| set >> bit & 1 == 1);
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        let on = match (self.by_day, self.by_weekday) {
            (true, true) => day || weekday,
            _ => day && weekday,
        };
        on && has(self.minutes, at.minute())
            && has(self.hours, at.hour())
            && has(self.months, at.month())
    }

    /// Whether something begins at the minute `shown` by a clock that showed `before` a minute ago. Where the clock
    /// was put forward, what would have begun in the hour that is left out begins at its end.
    pub fn begins(&self, before: DateTime, shown: DateTime) -> bool {
        let skipped = before.series(1.minute()).skip(1);
        skipped
            .take_while(|at| *at < shown)
            .any(|at| self.matches(at))
            || self.matches(shown)
    }
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "a schedule has five fields, as in `0 22 * * 1-5`, not {text:?}"
            ));
        };
        let weekdays = set(weekday, 0, 7, &WEEKDAYS, 0)?;
        Ok(Self {
            minutes: set(minute, 0, 59, &[], 0)?,
            hours: set(hour, 0, 23, &[], 0)?,
            days: set(day, 1, 31, &[], 0)?,
            months: set(month, 1, 12, &MONTHS, 1)?,
            // 7 is Sunday as well.
            weekdays: weekdays | weekdays >> 7 & 1,
            by_day: !day.starts_with('*'),
            by_weekday: !weekday.starts_with('*'),
        })
    }
}

/// The values of one field as bits. `names` stand for the values from `first` on.
fn set(field: &str, low: u32, high: u32, names: &[&str], first: u32) -> Result<u64, String> {
    let fault = || format!("`{field}` is no field of a schedule from {low} to {high}");
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name));
        let named = named
            .and_then(|at| u32::try_from(at).ok())
            .map(|at| at + first);
        let value = named.or_else(|| text.parse().ok()).ok_or_else(fault)?;
        if (low..=high).contains(&value) {
            Ok(value)
        } else {
            Err(fault())
        }
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().map_err(|_| fault())?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (value(from)?, value(to)?),
            // `5/15` starts at 5 and has no end of its own.
            None if step.is_some() => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        let step = step.unwrap_or(1);
        if from > to || step == 0 {
            return Err(fault());
        }
        for value in (from..=to).step_by(usize::try_from(step).map_err(|_| fault())?) {
            bits |= 1 << value;
        }
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(cron: &str, at: &str) -> bool {
        let cron: Cron = cron.parse().unwrap();
        cron.matches(at.parse().unwrap())
    }

    #[test]
    fn the_working_week_is_monday_to_friday() {
        // 2026-11-16 is a Monday.
        for (day, wanted) in [(15, false), (16, true), (20, true), (21, false)] {
            let at = format!("2026-11-{day}T22:00");
            assert_eq!(matches("0 22 * * 1-5", &at), wanted, "{day}");
            assert_eq!(matches("0 22 * * mon-FRI", &at), wanted, "{day}");
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
    fn what_is_no_schedule_is_refused() {
        for bad in [
            "",
            "* * * *",
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
