//! What the unit tests of this folder share.

use crate::model::draft::KindRow;
use crate::model::field::IdentityField;
use crate::model::{Kind, Shape, Vendor};

static IDENTITY: [IdentityField; 1] = [IdentityField {
    name: "id",
    about: "",
    shape: Shape::TEXT,
    example: "",
    refers_to: None,
}];

/// The only kind there is.
pub fn kinds() -> [KindRow; 1] {
    [KindRow {
        kind: Kind("Order"),
        vendor: Vendor("lac"),
        identity: &IDENTITY,
        key: None,
        desired: &[],
    }]
}
