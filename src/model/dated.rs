//! Changes with a date: when each begins, and what an object is from then on.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::node::{Mark, Node};
use super::origin::Origin;
use super::packed::PackedFields;
use super::resource::{Desired, References};

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

/// What an object is from a moment on that lies ahead.
#[derive(Clone, Debug)]
pub struct ComingState {
    pub from: Timestamp,
    /// The moment as it was written.
    pub written: Moment,
    /// Where it was written.
    pub origin: Origin,
    pub fields: PackedFields,
    pub references: References,
}

/// Compares what is asked for: the texts of references stand in the fields.
impl PartialEq for ComingState {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from && self.fields == other.fields
    }
}

/// The states of an object that lie ahead, in the order of time. Few objects have any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComingStates(Option<Arc<Vec<ComingState>>>);

impl ComingStates {
    pub fn new(states: Vec<ComingState>) -> Self {
        Self((!states.is_empty()).then(|| Arc::new(states)))
    }

    pub fn iter(&self) -> impl Iterator<Item = &ComingState> {
        self.0.iter().flat_map(|states| states.iter())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the moment at which the next one begins.
    pub fn next(&self) -> Option<Timestamp> {
        self.iter().next().map(|state| state.from)
    }
}

/// Returns an object as it is at a time, see [`Desired::at_time`].
pub fn bring_to(object: Arc<Desired>, time: Timestamp) -> Arc<Desired> {
    let begun = match object.at_time(time) {
        Cow::Owned(begun) => Some(Arc::new(begun)),
        Cow::Borrowed(_) => None,
    };
    begun.unwrap_or(object)
}

impl Desired {
    /// Returns the object as it is at a time: with the last state that has begun, and those that lie ahead.
    ///
    /// For example an object with 25 seats, 40 from July on and 60 from October on, is in August one with 40 seats and 60
    /// from October on. A time that has passed changes nothing.
    pub fn at_time(&self, time: Timestamp) -> Cow<'_, Self> {
        if self.coming.next().is_none_or(|next| next > time) {
            return Cow::Borrowed(self);
        }
        let mut object = self.clone();
        let (begun, ahead): (Vec<_>, Vec<_>) = self
            .coming
            .iter()
            .cloned()
            .partition(|state| state.from <= time);
        if let Some(state) = begun.into_iter().next_back() {
            (object.fields, object.references) = (state.fields, state.references);
        }
        object.coming = ComingStates::new(ahead);
        Cow::Owned(object)
    }
}
