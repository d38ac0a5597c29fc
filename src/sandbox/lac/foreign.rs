//! What others change at LAC: the orders' settings at its web pages, activations by the end user.

use crate::sandbox::foreign::{Change, Table, place};

const ORDER: &str = "license_orders/*";

pub(super) static FOREIGN: Table = Table {
    places: &[
        place(ORDER, "activations_allowed", Change::Number(1, 60)),
        place(ORDER, "description", Change::Text),
        place(ORDER, "enabled", Change::Flag),
        place(ORDER, "Features/*/count", Change::Number(1, 60)),
        place(ORDER, "Features", Change::Removal),
        place(ORDER, "activated_licenses_count", Change::Usage),
    ],
    stamp: None,
};
