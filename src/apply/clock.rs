//! Reads the machine's clock; no other module does.
//!
//! Any time of the clock becomes one that can be printed and counted with: in a container, or with an empty battery,
//! it may be outside every calendar, and the run must go on. Waiting is not done here, but by tokio's clock, which
//! tests can hold.

use std::time::SystemTime;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;

/// The years 1 and 9000: dates between them can be written, moved into any time zone, and counted on from.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 221_845_392_000;

/// Returns the time now, or the nearest that can be counted with.
pub fn now() -> Timestamp {
    at(SystemTime::now())
}

/// Converts a time and moves it into the range. A clock of the year 9999 gives the first of January 9000.
fn at(time: SystemTime) -> Timestamp {
    let bound = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let (earliest, latest) = (bound(EARLIEST), bound(LATEST));
    match Timestamp::try_from(time) {
        Ok(time) => time.clamp(earliest, latest),
        Err(_) if time < SystemTime::UNIX_EPOCH => earliest,
        Err(_) => latest,
    }
}

/// Returns a unique name for a run, a UUID of version 7: sorting names sorts runs by their start.
pub fn run_id() -> String {
    id(now())
}

/// Makes the name of a run that starts at `now`. Times before 1970 count as 1970.
fn id(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
    uuid::Uuid::new_v7(time).to_string()
}

/// Converts a time for checks of certificates; `None` before 1970, when no certificate is valid.
pub fn unix(time: SystemTime) -> Option<UnixTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(UnixTime::since_unix_epoch(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, tz::TimeZone};
    use std::time::Duration;

    #[test]
    fn any_clock_shows_a_time_that_can_be_counted_with() {
        let far = Duration::from_secs(1 << 40);
        let epoch = SystemTime::UNIX_EPOCH;
        let farther = Duration::from_secs(1 << 62);
        for time in [
            epoch - far,
            epoch - farther,
            epoch,
            epoch + far,
            epoch + farther,
        ] {
            let now = at(time);
            let century = SignedDuration::from_hours(100 * 366 * 24);
            for moment in [now - century, now, now + century] {
                let text = moment.to_string();
                assert_eq!(text.parse::<Timestamp>().expect("a time"), moment);
                let there = moment.to_zoned(TimeZone::fixed(jiff::tz::offset(-12)));
                assert!(!there.strftime("%F %T").to_string().is_empty());
            }
            assert_eq!(id(now).len(), 36);
            assert_eq!(unix(time).is_some(), time >= epoch);
        }
        let usual = Duration::new(1_795_000_000, 5);
        assert_eq!(
            at(epoch + usual),
            Timestamp::new(1_795_000_000, 5).expect("a time")
        );
        assert!(id(at(epoch + usual)) < id(at(epoch + usual * 2)));
    }
}
