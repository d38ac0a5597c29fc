//! What others change at LicenseSpring: limits and notes at the platform, consumption by the licensed program.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, place};

const LICENSE: &str = "licenses/*";

pub(super) static FOREIGN: ForeignEditTable = ForeignEditTable {
    places: &[
        place(
            LICENSE,
            "product_features/*/max_consumption",
            ValueEdit::Number(1, 500),
        ),
        place(
            LICENSE,
            "product_features/*/total_consumptions",
            ValueEdit::Usage,
        ),
        place(LICENSE, "product_features", ValueEdit::Removal),
        place(LICENSE, "note", ValueEdit::Text),
        place(LICENSE, "times_activated", ValueEdit::Usage),
    ],
    stamp: Some(("updated_at", |now| {
        now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    })),
};
