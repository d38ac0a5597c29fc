//! The values that others change at Alinea: seats, seat groups, contacts, the pause, products.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, editable_value};

/// The path of every licence in the account document.
const LICENSE: &str = "licenses/*";

/// What others change, and the member that shows when.
pub(super) static FOREIGN_EDITS: ForeignEditTable = ForeignEditTable {
    values: &[
        editable_value(LICENSE, "AvailableSeats", ValueEdit::Number(1, 500)),
        editable_value(LICENSE, "ContactPhone", ValueEdit::Text),
        editable_value(LICENSE, "IsPaused", ValueEdit::Flag),
        editable_value(
            LICENSE,
            "SeatUserGroupIds",
            ValueEdit::Member("seatGroups/*/Id"),
        ),
        // Not writable by the API.
        editable_value(LICENSE, "ProductIsbns", ValueEdit::Removal),
    ],
    modified_member: Some(("ModifiedAt", |now| now.to_string())),
};
