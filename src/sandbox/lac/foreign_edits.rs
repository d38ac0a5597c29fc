//! The values that others change at LAC: the orders' settings at its web pages, activations by the end user.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};

/// The path of every order in the account document.
const ORDER: &str = "license_orders/*";

/// What others change; no member shows when.
pub(super) static FOREIGN_EDITS: ForeignEditTable = ForeignEditTable {
    values: &[
        editable_value(ORDER, "activations_allowed", ValueEdit::Number(1, 60)),
        editable_value(ORDER, "description", ValueEdit::Text),
        editable_value(ORDER, "enabled", ValueEdit::Flag),
        editable_value(ORDER, "Features/*/count", ValueEdit::Number(1, 60)),
        editable_value(ORDER, "Features", ValueEdit::Removal),
        editable_value(ORDER, "activated_licenses_count", ValueEdit::Usage),
    ],
    modified_member: None,
};
