//! What others change at Cryptlex: groups of a licence, numbers and notes at the dashboard, activations.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, place};
use crate::sandbox::wire;

const LICENSE: &str = "organizations/*/licenses/*";

pub(super) static FOREIGN: ForeignEditTable = ForeignEditTable {
    places: &[
        place(
            LICENSE,
            "userGroupIds",
            ValueEdit::Member("organizations/*/userGroups/*/id"),
        ),
        place(LICENSE, "allowedActivations", ValueEdit::Number(1, 60)),
        place(LICENSE, "notes", ValueEdit::Text),
        place(LICENSE, "totalActivations", ValueEdit::Usage),
    ],
    stamp: Some(("updatedAt", wire::seven_digits)),
};
