//! What others change at Informatica: limits, editions and licences of an organization.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, place};

const ORG: &str = "organizations/*";

pub(super) static FOREIGN: ForeignEditTable = ForeignEditTable {
    places: &[
        place(ORG, "customLimits/*/value", ValueEdit::Number(0, 100)),
        place(ORG, "assignedEditions/*/expirationDate", ValueEdit::Later),
        place(ORG, "customLicenses", ValueEdit::Removal),
        place(ORG, "customLimits", ValueEdit::Removal),
    ],
    stamp: None,
};
