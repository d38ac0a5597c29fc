//! Change windows: when the daemon may write, and when it may not.
//!
//! `allow 0 22 * * 1-5 for 6h in Europe/Vienna`: from each moment of the schedule on, so long. As with
//! Argo CD, writing is closed while any `deny` is on, and outside every `allow` once there is one. What
//! comes up meanwhile is shown as waiting and written when the window opens. Pure: the time is an argument.

use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;

/// The longest window: that far back its beginning is looked for.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How far ahead the next opening is looked for.
const AHEAD: i64 = 32 * 24 * 60;

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    allow: bool,
    cron: Cron,
    length: SignedDuration,
    zone: TimeZone,
}

/// Whether writing is open, and when it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    /// `opens` is nothing when no opening is in sight.
    Closed {
        opens: Option<Timestamp>,
    },
}

/// The beginning of a minute.
fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// Whether writing is open at a moment, and when it opens next.
///
/// One walk over the minutes from before the longest window until far ahead, with the end of each window
/// as it goes: no minute is matched twice.
pub fn door(windows: &[Window], now: Timestamp) -> Door {
    if windows.is_empty() {
        return Door::Open;
    }
    let this = minute(now);
    let mut ends: Vec<Option<Timestamp>> = vec![None; windows.len()];
    for step in -LONGEST.as_mins()..=AHEAD {
        let at = this + SignedDuration::from_mins(step);
        for (window, end) in windows.iter().zip(&mut ends) {
            if window.cron.matches(window.zone.to_datetime(at)) {
                *end = Some(at + window.length);
            }
        }
        // The present is asked about to the second, what comes to the minute.
        let asked = if step == 0 { now } else { at };
        if step < 0 || !open(windows, &ends, asked) {
            continue;
        }
        return match step {
            0 => Door::Open,
            _ => Door::Closed { opens: Some(at) },
        };
    }
    Door::Closed { opens: None }
}

fn open(windows: &[Window], ends: &[Option<Timestamp>], at: Timestamp) -> bool {
    let on = |allow: bool| {
        let mut ends = windows.iter().zip(ends);
        ends.any(|(window, end)| window.allow == allow && end.is_some_and(|end| at < end))
    };
    let restricted = windows.iter().any(|window| window.allow);
    !on(false) && (!restricted || on(true))
}

/// The wait until a door opens.
pub fn wait(opens: Option<Timestamp>, now: Timestamp) -> Duration {
    opens
        .and_then(|opens| Duration::try_from(opens.duration_since(now)).ok())
        .unwrap_or(Duration::MAX)
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write a window such as `allow 0 22 * * 1-5 for 6h in Europe/Vienna`";
        let (kind, rest) = text.trim().split_once(' ').ok_or(FORM)?;
        let allow = match kind {
            "allow" => true,
            "deny" => false,
            _ => return Err(FORM.into()),
        };
        let (cron, rest) = rest.split_once(" for ").ok_or(FORM)?;
        let (length, zone) = rest.split_once(" in ").unwrap_or((rest, "UTC"));
        let span: SignedDuration = length
            .trim()
            .parse()
            .map_err(|_| format!("{length:?} is no length of time such as 6h"))?;
        if !span.is_positive() || span > LONGEST {
            return Err("a window is longer than nothing and at most 168h".into());
        }
        let zone = TimeZone::get(zone.trim())
            .map_err(|_| format!("{zone:?} is no time zone such as Europe/Vienna"))?;
        Ok(Self {
            allow,
            cron: cron.parse()?,
            length: span,
            zone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door_at(windows: &[&str], at: &str) -> Door {
        let windows: Vec<Window> = windows.iter().map(|text| text.parse().unwrap()).collect();
        door(&windows, at.parse().unwrap())
    }

    fn opens(at: &str) -> Door {
        let opens = Some(at.parse().unwrap());
        Door::Closed { opens }
    }

    const NIGHT: &str = "allow 0 22 * * 1-5 for 6h in Europe/Vienna";

    #[test]
    fn without_windows_the_door_is_open() {
        assert_eq!(door_at(&[], "2026-11-16T12:00:00Z"), Door::Open);
    }

    #[test]
    fn a_window_opens_and_closes_by_the_clock_on_its_wall() {
        assert_eq!(
            door_at(&[NIGHT], "2026-11-16T20:59:59Z"),
            opens("2026-11-16T21:00:00Z")
        );
        assert_eq!(door_at(&[NIGHT], "2026-11-16T21:00:00Z"), Door::Open);
        assert_eq!(door_at(&[NIGHT], "2026-11-17T02:59:59Z"), Door::Open);
        assert_eq!(
            door_at(&[NIGHT], "2026-11-17T03:00:00Z"),
            opens("2026-11-17T21:00:00Z")
        );
        // In summer the same wall clock is an hour earlier elsewhere.
        assert_eq!(door_at(&[NIGHT], "2026-07-13T20:00:00Z"), Door::Open);
    }

    #[test]
    fn a_denial_wins() {
        let freeze = "deny 0 0 24 12 * for 72h";
        assert_eq!(door_at(&[freeze], "2026-12-23T23:59:00Z"), Door::Open);
        assert_eq!(
            door_at(&[freeze], "2026-12-24T21:30:00Z"),
            opens("2026-12-27T00:00:00Z")
        );
        let both = door_at(&[NIGHT, freeze], "2026-12-24T21:30:00Z");
        assert_eq!(both, opens("2026-12-28T21:00:00Z"));
    }

    #[test]
    fn what_never_opens_says_so() {
        let never = door_at(&["allow 0 0 30 2 * for 1h"], "2026-11-16T12:00:00Z");
        assert_eq!(never, Door::Closed { opens: None });
        assert_eq!(wait(None, Timestamp::UNIX_EPOCH), Duration::MAX);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "allow",
            "open 0 0 * * * for 1h",
            "allow 0 0 * * * for 0s",
            "allow 0 0 * * * for 1h in Nowhere",
            "deny 0 0 * * * for 999h",
        ] {
            assert!(bad.parse::<Window>().is_err(), "{bad}");
        }
    }
}
