//! Changes with a date: when each begins, and for which time a run reads the manifests.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::node::{Mark, Node};

/// Desired fields from a moment on: an element of `changes`.
#[derive(Clone)]
pub struct DatedChange {
    pub from: Moment,
    /// The place of `from`.
    pub mark: Mark,
    /// The fields as they were written; those left out stay as they are.
    pub desired: Node,
}

/// A moment as a manifest has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The beginning of a day, in the zone of the run.
    Day(Date),
    Instant(Timestamp),
}

impl Moment {
    /// Returns the instant in a zone: a day begins at midnight, or right after a gap in which midnight lies.
    pub fn in_zone(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            // The last day of all has no midnight in some zones, and so never begins.
            Self::Day(day) => day
                .to_zoned(zone.clone())
                .map_or(Timestamp::MAX, |zoned| zoned.timestamp()),
        }
    }
}

/// Error about a text that is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a day as 2027-07-01, or a moment with a time and a zone as 2027-07-01T06:00:00Z")]
pub struct MomentError;

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        // A longer text has a time in it, of which the parser would take the day.
        let moment = match text.len() == "2027-07-01".len() {
            true => text.parse().ok().map(Self::Day),
            false => text.parse().ok().map(Self::Instant),
        };
        moment.ok_or(MomentError)
    }
}

/// Writes it as manifests do.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Instant(instant) => instant.fmt(f),
        }
    }
}

/// The time for which a run reads the manifests, and the zone in which its days begin.
///
/// By default it is the first moment of all, at which no change has begun, in UTC.
#[derive(Clone, Debug)]
pub struct ReadingTime {
    pub at: Moment,
    pub zone: TimeZone,
    /// Set if the user named the time; otherwise it is that of the run.
    pub is_named: bool,
}

impl ReadingTime {
    /// The time of the run, in UTC.
    pub fn now(at: Timestamp) -> Self {
        Self {
            at: Moment::Instant(at),
            zone: TimeZone::UTC,
            is_named: false,
        }
    }

    /// A time that the user named, in UTC.
    pub fn named(at: Moment) -> Self {
        Self {
            at,
            zone: TimeZone::UTC,
            is_named: true,
        }
    }

    /// Returns the instant of the time.
    pub fn instant(&self) -> Timestamp {
        self.at.in_zone(&self.zone)
    }

    /// Returns another time in the same zone.
    pub fn moved_to(&self, at: Timestamp) -> Self {
        Self {
            at: Moment::Instant(at),
            ..self.clone()
        }
    }
}

impl Default for ReadingTime {
    fn default() -> Self {
        Self::now(Timestamp::MIN)
    }
}
