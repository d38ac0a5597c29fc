//! The values that others change at Informatica: limits, editions and licences of an organization.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};

/// The path of every organization in the account document.
const ORG: &str = "organizations/*";

/// What others change; no member shows when.
pub(super) static FOREIGN_EDITS: ForeignEditTable = ForeignEditTable {
    values: &[
        editable_value(ORG, "customLimits/*/value", ValueEdit::Number(0, 100)),
        editable_value(ORG, "assignedEditions/*/expirationDate", ValueEdit::Later),
        editable_value(ORG, "customLicenses", ValueEdit::Removal),
        editable_value(ORG, "customLimits", ValueEdit::Removal),
    ],
    modified_member: None,
};
