//! The values that others change at LicenseSpring: limits and notes at the platform, consumption by the program.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};

/// The path of every licence in the account document.
const LICENSE: &str = "licenses/*";

/// What others change, and the member that shows when.
pub(super) static FOREIGN_EDITS: ForeignEditTable = ForeignEditTable {
    values: &[
        editable_value(
            LICENSE,
            "product_features/*/max_consumption",
            ValueEdit::Number(1, 500),
        ),
        editable_value(
            LICENSE,
            "product_features/*/total_consumptions",
            ValueEdit::Usage,
        ),
        editable_value(LICENSE, "product_features", ValueEdit::Removal),
        editable_value(LICENSE, "note", ValueEdit::Text),
        editable_value(LICENSE, "times_activated", ValueEdit::Usage),
    ],
    modified_member: Some(("updated_at", |now| {
        now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    })),
};
