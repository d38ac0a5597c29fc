//! The machine's clock, read here only. Whatever it shows, a run goes on: a container or a broken battery may show a
//! time that no calendar has.

use std::time::SystemTime;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;

/// The years 1 and 9000: dates between them can be written, moved into any time zone, and counted on from.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 221_845_392_000;

/// The time now, or the nearest that can be counted with.
pub fn now() -> Timestamp {
    at(SystemTime::now())
}

fn at(time: SystemTime) -> Timestamp {
    let bound = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let (earliest, latest) = (bound(EARLIEST), bound(LATEST));
    match Timestamp::try_from(time) {
        Ok(time) => time.clamp(earliest, latest),
        Err(_) if time < SystemTime::UNIX_EPOCH => earliest,
        Err(_) => latest,
    }
}

/// A name for a run that no other has; names in their order are runs in their order.
pub fn run_id() -> String {
    id(now())
}

fn id(now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
    uuid::Uuid::new_v7(time).to_string()
}

/// The time for checks of certificates; `None` before 1970, where none is valid.
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
