//! What others change at Informatica: limits, editions and licences of an organization.

use crate::sandbox::foreign::{Change, Table, place};

const ORG: &str = "organizations/*";

pub(super) static FOREIGN: Table = Table {
    places: &[
        place(ORG, "customLimits/*/value", Change::Number(0, 100)),
        place(ORG, "assignedEditions/*/expirationDate", Change::Later),
        place(ORG, "customLicenses", Change::Removal),
        place(ORG, "customLimits", Change::Removal),
    ],
    stamp: None,
};
