//! What others change at LicenseSpring: limits and notes at the platform, consumption by the licensed program.

use crate::sandbox::foreign::{Change, Table, place};

const LICENSE: &str = "licenses/*";

pub(super) static FOREIGN: Table = Table {
    places: &[
        place(
            LICENSE,
            "product_features/*/max_consumption",
            Change::Number(1, 500),
        ),
        place(
            LICENSE,
            "product_features/*/total_consumptions",
            Change::Usage,
        ),
        place(LICENSE, "product_features", Change::Removal),
        place(LICENSE, "note", Change::Text),
        place(LICENSE, "times_activated", Change::Usage),
    ],
    stamp: Some(("updated_at", |now| {
        now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    })),
};
