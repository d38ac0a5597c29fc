//! What others change at Cryptlex: groups of a licence, numbers and notes at the dashboard, activations.

use crate::sandbox::foreign::{Change, Table, place};
use crate::sandbox::wire;

const LICENSE: &str = "organizations/*/licenses/*";

pub(super) static FOREIGN: Table = Table {
    places: &[
        place(
            LICENSE,
            "userGroupIds",
            Change::Member("organizations/*/userGroups/*/id"),
        ),
        place(LICENSE, "allowedActivations", Change::Number(1, 60)),
        place(LICENSE, "notes", Change::Text),
        place(LICENSE, "totalActivations", Change::Usage),
    ],
    stamp: Some(("updatedAt", wire::seven_digits)),
};
