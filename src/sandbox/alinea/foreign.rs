//! What others change at Alinea: seats, groups, contacts, the pause.

use crate::sandbox::foreign::{Change, Table, place};

const LICENSE: &str = "licenses/*";

pub(super) static FOREIGN: Table = Table {
    places: &[
        place(LICENSE, "AvailableSeats", Change::Number(1, 500)),
        place(LICENSE, "ContactPhone", Change::Text),
        place(LICENSE, "IsPaused", Change::Flag),
        place(
            LICENSE,
            "SeatUserGroupIds",
            Change::Member("seatGroups/*/Id"),
        ),
        // Not writable by the API.
        place(LICENSE, "ProductIsbns", Change::Removal),
    ],
    stamp: Some(("ModifiedAt", |now| now.to_string())),
};
