//! What others change at Alinea: seats, groups, contacts, the pause.

use crate::sandbox::foreign_edits::{ForeignEditTable, ValueEdit, place};

const LICENSE: &str = "licenses/*";

pub(super) static FOREIGN: ForeignEditTable = ForeignEditTable {
    places: &[
        place(LICENSE, "AvailableSeats", ValueEdit::Number(1, 500)),
        place(LICENSE, "ContactPhone", ValueEdit::Text),
        place(LICENSE, "IsPaused", ValueEdit::Flag),
        place(
            LICENSE,
            "SeatUserGroupIds",
            ValueEdit::Member("seatGroups/*/Id"),
        ),
        // Not writable by the API.
        place(LICENSE, "ProductIsbns", ValueEdit::Removal),
    ],
    stamp: Some(("ModifiedAt", |now| now.to_string())),
};
