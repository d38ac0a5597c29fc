//! Names what is being checked, for findings.

use std::fmt;

use crate::model::{ElementKey, FieldPath};

/// Names the field or element that is being checked. It becomes a path only in a finding: most objects have none, and
/// building a path for each field would cost more than the check.
#[derive(Clone, Copy)]
pub(super) enum AuditSpot<'a> {
    Object,
    Field(&'a AuditSpot<'a>, &'static str),
    Element(&'a AuditSpot<'a>, &'a ElementKey),
}

impl AuditSpot<'_> {
    /// Builds the path from the object down to here.
    fn path(&self) -> FieldPath {
        match self {
            AuditSpot::Object => FieldPath::default(),
            AuditSpot::Field(above, name) => above.path().field(name),
            AuditSpot::Element(above, key) => above.path().element((*key).clone()),
        }
    }
}

impl fmt::Display for AuditSpot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
}
