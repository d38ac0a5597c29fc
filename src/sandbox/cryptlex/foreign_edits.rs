//! What others change at Cryptlex: groups of a licence, numbers and notes at the dashboard, activations.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};
use crate::sandbox::wire;

const LICENSE: &str = "organizations/*/licenses/*";

pub(super) static FOREIGN_EDITS: ForeignEditTable = ForeignEditTable {
    values: &[
        editable_value(
            LICENSE,
            "userGroupIds",
            ValueEdit::Member("organizations/*/userGroups/*/id"),
        ),
        editable_value(LICENSE, "allowedActivations", ValueEdit::Number(1, 60)),
        editable_value(LICENSE, "notes", ValueEdit::Text),
        editable_value(LICENSE, "totalActivations", ValueEdit::Usage),
    ],
    modified_member: Some(("updatedAt", wire::format_seven_digits)),
};
