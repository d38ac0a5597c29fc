//! Change windows: when the daemon may write. Pure: the time is an argument.
//!
//! `allow 0 22 * * 1-5 for 6h in Europe/Vienna` is a schedule of cron, a length and a time zone: a window begins at
//! each moment of the schedule. As with Argo CD, writing is closed while any `deny` window is open, and outside of
//! every `allow` window if there is one. A change that comes up meanwhile is shown as waiting and written when
//! writing opens.
//!
//! # Example
//!
//! With that window and `deny 0 0 24 12 * for 72h` (in UTC):
//!
//! | moment (UTC) | state | why |
//! | --- | --- | --- |
//! | Mon 2026-11-16 20:59:59 | closed, opens at 21:00 | it is 21:59:59 in Vienna |
//! | Mon 2026-11-16 21:00:00 | open | until Tue 03:00 |
//! | Mon 2026-07-13 20:00:00 | open | in summer 22:00 in Vienna is 20:00 UTC |
//! | Thu 2026-12-24 21:30:00 | closed, opens on Mon 2026-12-28 21:00 | the denial ends on Sunday, and the next window is Monday's |

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cron::Cron;

/// The longest window. The start of a window that is still open is at most that long ago.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many minutes ahead to look for the next opening: 32 days.
const AHEAD: i64 = 32 * 24 * 60;

/// One rule of change windows, parsed: a schedule, a length and a time zone, to allow writes or deny them.
#[derive(Clone, Debug)]
pub struct ChangeWindow {
    /// The rule as the user wrote it.
    rule: String,
    allow: bool,
    cron: Cron,
    length: SignedDuration,
    zone: TimeZone,
}

/// The state of all change windows at one moment: writing is open or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowState {
    Open,
    /// `opens` is `None` if writing does not open within the next 32 days.
    Closed {
        opens: Option<Timestamp>,
    },
}

/// The windows at one moment, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowStatus {
    /// True if writing is open.
    pub open: bool,
    /// When it opens next; null if it is open, or if no opening is in sight.
    pub opens_at: Option<Timestamp>,
    pub rules: Vec<RuleStatus>,
}

/// One window at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleStatus {
    /// As it was written, for example `allow 0 22 * * 1-5 for 6h in Europe/Vienna`.
    pub rule: String,
    /// True if it is one of its times.
    pub active: bool,
    /// When that changes: the end of the time that has begun, else the beginning of the next; null if none is in sight.
    pub changes_at: Option<Timestamp>,
}

/// Describes windows at a moment.
pub fn describe_windows(windows: &[ChangeWindow], now: Timestamp) -> WindowStatus {
    let (open, opens_at) = match state_at(windows, now) {
        WindowState::Open => (true, None),
        WindowState::Closed { opens } => (false, opens),
    };
    WindowStatus {
        open,
        opens_at,
        rules: windows
            .iter()
            .map(|window| describe_rule(window, now))
            .collect(),
    }
}

/// Describes one window at a moment, whether it allows or denies.
fn describe_rule(window: &ChangeWindow, now: Timestamp) -> RuleStatus {
    let alone = ChangeWindow {
        allow: true,
        ..window.clone()
    };
    let changes_at = match state_at(std::slice::from_ref(&alone), now) {
        WindowState::Open => end_of_window(window, now),
        WindowState::Closed { opens } => opens,
    };
    RuleStatus {
        rule: window.rule.clone(),
        active: state_at(&[alone], now) == WindowState::Open,
        changes_at,
    }
}

/// Returns the end of the window that began last before a moment; `None` if none did within [`LONGEST`].
fn end_of_window(window: &ChangeWindow, now: Timestamp) -> Option<Timestamp> {
    let this = start_of_minute(now);
    let mut clock = WallClock::new(window, this - LONGEST);
    let mut end = None;
    for step in 1 - LONGEST.as_mins()..=0 {
        let at = this + SignedDuration::from_mins(step);
        if clock.advance(at) {
            end = Some(at + window.length);
        }
    }
    end
}

/// Returns the beginning of a minute.
fn start_of_minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// Returns whether writing is open at a moment, and if not when it opens next.
///
/// Walks once over the minutes from 7 days before `now` (the length of the longest window) to 32 days after it, and
/// keeps the end of each window. Each schedule is evaluated only once for each of its beginnings.
pub fn state_at(windows: &[ChangeWindow], now: Timestamp) -> WindowState {
    if windows.is_empty() {
        return WindowState::Open;
    }
    let this = start_of_minute(now);
    let mut ends: Vec<Option<Timestamp>> = vec![None; windows.len()];
    let clocks = windows.iter().map(|w| WallClock::new(w, this - LONGEST));
    let mut clocks: Vec<WallClock> = clocks.collect();
    // A window that began exactly 7 days ago is over, since no window is longer.
    for step in 1 - LONGEST.as_mins()..=AHEAD {
        let at = this + SignedDuration::from_mins(step);
        for (clock, end) in clocks.iter_mut().zip(&mut ends) {
            if clock.advance(at) {
                *end = Some(at + clock.window.length);
            }
        }
        // For `now` the seconds count; later moments are whole minutes.
        let asked = if step == 0 { now } else { at };
        if step < 0 || !is_open(windows, &ends, asked) {
            continue;
        }
        return match step {
            0 => WindowState::Open,
            _ => WindowState::Closed { opens: Some(at) },
        };
    }
    WindowState::Closed { opens: None }
}

/// The wall clock in the time zone of a window, which the search moves on minute by minute.
struct WallClock<'a> {
    window: &'a ChangeWindow,
    shows: DateTime,
    /// The first beginning of the window after the time that the clock shows; `None` if there is none.
    next: Option<DateTime>,
}

impl<'a> WallClock<'a> {
    fn new(window: &'a ChangeWindow, at: Timestamp) -> Self {
        let shows = window.zone.to_datetime(at);
        let next = window.cron.next_after(shows);
        Self {
            window,
            shows,
            next,
        }
    }

    /// Moves on to the next minute, `at`, and returns whether the window begins in it.
    ///
    /// When clocks are put forward, a window that would begin in the skipped hour begins at the end of that hour: with
    /// a beginning at 02:30, the window begins when the clock jumps from 01:59 to 03:00. When clocks are put back, from
    /// 02:59 to 02:00, the window begins at 02:30 for a second time.
    fn advance(&mut self, at: Timestamp) -> bool {
        let before = std::mem::replace(&mut self.shows, self.window.zone.to_datetime(at));
        if self.shows <= before {
            self.next = self.window.cron.next_after(self.shows - 1.minute());
        }
        let begins = self.next.is_some_and(|next| next <= self.shows);
        if begins {
            self.next = self.window.cron.next_after(self.shows);
        }
        begins
    }
}

/// Reports whether writing is open at a moment, given when each window ends.
fn is_open(windows: &[ChangeWindow], ends: &[Option<Timestamp>], at: Timestamp) -> bool {
    let on = |allow: bool| {
        let mut ends = windows.iter().zip(ends);
        ends.any(|(window, end)| window.allow == allow && end.is_some_and(|end| at < end))
    };
    let restricted = windows.iter().any(|window| window.allow);
    !on(false) && (!restricted || on(true))
}

/// Returns the wait until a moment: zero if it has passed, for ever if it is `None`.
pub fn time_until(opens: Option<Timestamp>, now: Timestamp) -> Duration {
    opens.map_or(Duration::MAX, |opens| {
        Duration::try_from(opens.duration_since(now)).unwrap_or(Duration::ZERO)
    })
}

impl FromStr for ChangeWindow {
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
            rule: text.trim().to_string(),
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

    fn door_at(windows: &[&str], at: &str) -> WindowState {
        let windows: Vec<ChangeWindow> = windows.iter().map(|text| text.parse().unwrap()).collect();
        state_at(&windows, at.parse().unwrap())
    }

    fn opens(at: &str) -> WindowState {
        let opens = Some(at.parse().unwrap());
        WindowState::Closed { opens }
    }

    const NIGHT: &str = "allow 0 22 * * 1-5 for 6h in Europe/Vienna";

    #[test]
    fn without_windows_the_door_is_open() {
        assert_eq!(door_at(&[], "2026-11-16T12:00:00Z"), WindowState::Open);
    }

    #[test]
    fn a_window_opens_and_closes_by_the_clock_on_its_wall() {
        assert_eq!(
            door_at(&[NIGHT], "2026-11-16T20:59:59Z"),
            opens("2026-11-16T21:00:00Z")
        );
        assert_eq!(door_at(&[NIGHT], "2026-11-16T21:00:00Z"), WindowState::Open);
        assert_eq!(door_at(&[NIGHT], "2026-11-17T02:59:59Z"), WindowState::Open);
        assert_eq!(
            door_at(&[NIGHT], "2026-11-17T03:00:00Z"),
            opens("2026-11-17T21:00:00Z")
        );
        // In summer the same time in Vienna is one hour earlier in UTC.
        assert_eq!(door_at(&[NIGHT], "2026-07-13T20:00:00Z"), WindowState::Open);
    }

    #[test]
    fn a_denial_wins() {
        let freeze = "deny 0 0 24 12 * for 72h";
        assert_eq!(
            door_at(&[freeze], "2026-12-23T23:59:00Z"),
            WindowState::Open
        );
        assert_eq!(
            door_at(&[freeze], "2026-12-24T21:30:00Z"),
            opens("2026-12-27T00:00:00Z")
        );
        let both = door_at(&[NIGHT, freeze], "2026-12-24T21:30:00Z");
        assert_eq!(both, opens("2026-12-28T21:00:00Z"));
    }

    #[test]
    fn a_window_ends_to_the_second_and_opens_to_the_minute() {
        let half = "allow * * * * * for 30s";
        assert_eq!(door_at(&[half], "2026-11-16T12:00:29Z"), WindowState::Open);
        assert_eq!(
            door_at(&[half], "2026-11-16T12:00:30Z"),
            opens("2026-11-16T12:01:00Z")
        );
    }

    #[test]
    fn the_longest_window_is_open_to_its_last_second() {
        let week = "allow 0 0 1 11 * for 168h";
        assert_eq!(door_at(&[week], "2026-11-07T23:59:59Z"), WindowState::Open);
        let ended = door_at(&[week], "2026-11-08T00:00:00Z");
        assert_eq!(ended, WindowState::Closed { opens: None });
        // The clock jumps over the beginning, so the window begins at the jump: at 01:00 UTC.
        let week = "allow 30 2 29 3 * for 168h in Europe/Vienna";
        assert_eq!(door_at(&[week], "2026-04-05T00:59:59Z"), WindowState::Open);
        let ended = door_at(&[week], "2026-04-05T01:00:00Z");
        assert_eq!(ended, WindowState::Closed { opens: None });
    }

    #[test]
    fn an_opening_is_looked_for_32_days_ahead() {
        let from = |cron: &str| door_at(&[&format!("allow {cron} for 1h")], "2026-11-16T12:00:00Z");
        assert_eq!(from("0 12 18 12 *"), opens("2026-12-18T12:00:00Z"));
        assert_eq!(from("1 12 18 12 *"), WindowState::Closed { opens: None });
    }

    #[test]
    fn a_beginning_that_the_clock_jumps_over_is_at_the_end_of_the_jump() {
        // On 29 March 2026 at 02:00 the clocks of Vienna show 03:00: it is 01:00 UTC.
        let freeze = "deny 30 2 * * * for 1h in Europe/Vienna";
        assert_eq!(
            door_at(&[freeze], "2026-03-29T00:59:59Z"),
            WindowState::Open
        );
        for closed in ["2026-03-29T01:00:00Z", "2026-03-29T01:59:59Z"] {
            assert_eq!(door_at(&[freeze], closed), opens("2026-03-29T02:00:00Z"));
        }
        let night = "allow 0 2 * * * for 1h in Europe/Vienna";
        assert_eq!(door_at(&[night], "2026-03-29T01:00:00Z"), WindowState::Open);
        // The minute after the jump begins what is due then, and what was due before it has begun.
        let three = "allow 0 3 * * * for 1h in Europe/Vienna";
        assert_eq!(door_at(&[three], "2026-03-29T01:00:00Z"), WindowState::Open);
        let one = "allow 59 1 * * * for 1m in Europe/Vienna";
        assert_eq!(door_at(&[one], "2026-03-29T00:59:30Z"), WindowState::Open);
        assert_eq!(
            door_at(&[one], "2026-03-29T01:00:00Z"),
            opens("2026-03-29T23:59:00Z")
        );
    }

    #[test]
    fn a_beginning_that_the_clock_shows_twice_is_one_window_that_begins_again() {
        // On 25 October 2026 at 03:00 the clocks of Vienna show 02:00: 02:30 is at 00:30 and at 01:30 UTC.
        let night = "allow 30 2 * * * for 90m in Europe/Vienna";
        assert_eq!(
            door_at(&[night], "2026-10-25T00:29:59Z"),
            opens("2026-10-25T00:30:00Z")
        );
        assert_eq!(door_at(&[night], "2026-10-25T00:30:00Z"), WindowState::Open);
        assert_eq!(door_at(&[night], "2026-10-25T02:59:59Z"), WindowState::Open);
        assert_eq!(
            door_at(&[night], "2026-10-25T03:00:00Z"),
            opens("2026-10-26T01:30:00Z")
        );
    }

    #[test]
    fn a_wait_ends_at_its_moment_and_is_none_after_it() {
        let now = Timestamp::from_second(1_000).unwrap();
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        assert_eq!(time_until(at(1_090), now), Duration::from_secs(90));
        assert_eq!(time_until(at(1_000), now), Duration::ZERO);
        assert_eq!(time_until(at(999), now), Duration::ZERO);
        assert_eq!(time_until(None, now), Duration::MAX);
    }

    #[test]
    fn what_never_opens_says_so() {
        let never = door_at(&["allow 0 0 30 2 * for 1h"], "2026-11-16T12:00:00Z");
        assert_eq!(never, WindowState::Closed { opens: None });
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for bad in [
            "",
            "allow",
            "open 0 0 * * * for 1h",
            "allow 0 0 * * * for 0s",
            "allow 0 0 * * * for 1h in Nowhere",
            "allow 0 0 * * * for -1h",
            "allow 0 0 * * * for soon",
            "allow 0 0 * * for 1h",
            "deny 0 0 * * * for 999h",
            "deny 0 0 * * * for 169h",
        ] {
            assert!(bad.parse::<ChangeWindow>().is_err(), "{bad}");
        }
        assert!("deny 0 0 * * * for 168h".parse::<ChangeWindow>().is_ok());
    }

    #[test]
    fn a_window_is_described_with_its_next_change() {
        let windows: Vec<ChangeWindow> = [NIGHT, "deny 0 0 24 12 * for 72h"]
            .map(|text| text.parse().unwrap())
            .into();
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let closed = describe_windows(&windows, at("2026-11-16T20:59:59Z"));
        assert!(!closed.open);
        assert_eq!(closed.opens_at, Some(at("2026-11-16T21:00:00Z")));
        assert_eq!(closed.rules[0].rule, NIGHT);
        assert_eq!(
            (closed.rules[0].active, closed.rules[0].changes_at),
            (false, closed.opens_at)
        );
        assert_eq!(
            closed.rules[1].changes_at, None,
            "it is more than 32 days ahead"
        );
        let open = describe_windows(&windows, at("2026-11-17T01:00:00Z"));
        assert_eq!((open.open, open.opens_at), (true, None));
        assert_eq!(open.rules[0].changes_at, Some(at("2026-11-17T03:00:00Z")));
        let denied = describe_windows(&windows, at("2026-12-24T21:30:00Z"));
        assert_eq!(denied.rules[1].changes_at, Some(at("2026-12-27T00:00:00Z")));
        assert!(denied.rules.iter().all(|rule| rule.active));
        assert!(describe_windows(&[], at("2026-11-16T20:59:59Z")).open);
    }
}
