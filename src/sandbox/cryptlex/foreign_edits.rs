//! The values that others change at Cryptlex: groups of a licence, numbers, notes, activations.

use crate::sandbox::account_document;
use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};

/// The path of every licence in the account document.
const LICENSE: &str = "organizations/*/licenses/*";

/// What others change, and the member that shows when.
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
    modified_member: Some(("updatedAt", account_document::format_seven_digits)),
};
