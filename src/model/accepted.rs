//! Defines accepted drift: reviewed by a team, and left alone for a reason and until a day.

use jiff::civil::Date;

use super::origin::Origin;
use super::path::{FieldPath, PathPattern};
use super::resource::Desired;

/// One entry of an `AcceptedDrift` document.
#[derive(Clone, Debug)]
pub struct AcceptedDrift {
    /// `Kind/name` of the one object it is about.
    pub object: String,
    pub field: PathPattern,
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    pub origin: Origin,
}

impl AcceptedDrift {
    /// Reports whether it is about this object.
    pub fn is_about(&self, desired: &Desired) -> bool {
        self.object == desired.address.to_string()
    }

    /// Reports whether it names this path or something around it. `folds` says whether keys are labels.
    pub fn covers(&self, path: &FieldPath, folds: bool) -> bool {
        self.field.covers(path, folds)
    }
}
