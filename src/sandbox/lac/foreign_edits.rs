//! What others change at LAC: the orders' settings at its web pages, activations by the end user.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, place};

const ORDER: &str = "license_orders/*";

pub(super) static FOREIGN: ForeignEditTable = ForeignEditTable {
    places: &[
        place(ORDER, "activations_allowed", ValueEdit::Number(1, 60)),
        place(ORDER, "description", ValueEdit::Text),
        place(ORDER, "enabled", ValueEdit::Flag),
        place(ORDER, "Features/*/count", ValueEdit::Number(1, 60)),
        place(ORDER, "Features", ValueEdit::Removal),
        place(ORDER, "activated_licenses_count", ValueEdit::Usage),
    ],
    stamp: None,
};
