//! Values of custom fields on licenses of LicenseSpring: what a license has in place of the default value of its product.
//!
//! * Write: `PATCH /api/v1/license-custom-fields/{id}/` with `value`. The reply is the object.
//! * Creation: `POST /api/v1/license-custom-fields/`, 201. Whether a second value of one field on one license is refused is
//!   not said, so those of the license are read right before.
//! * Removal: `DELETE`, 204. The license has the default value of its product from then on.
//! * Read: the list with the filter `license`, or all of it, or one by its number; see `catalogue::narrow_reading`.
//!
//! Sources: the five pages of "Custom Fields" below "License" in the Management API, and "Custom Fields" in "License
//! Entitlements", checked 2026-11-30.

mod fields;

use std::sync::LazyLock;

use crate::provider::Omissions;
use crate::provider::decode::Columns;
use crate::provider::licensespring::catalogue::{
    Catalogue, CatalogueKind, KeyForm, Search, encode, rows,
};

/// The value of a custom field on a license.
pub static LICENSE_CUSTOM_FIELD: CatalogueKind = CatalogueKind(&CATALOGUE);

static CATALOGUE: Catalogue = Catalogue {
    table: &fields::TABLE,
    noun: "license custom field",
    nouns: "license custom fields",
    list: "/api/v1/license-custom-fields/",
    unlisted: None,
    has_single: true,
    rows: LazyLock::new(|| {
        rows(
            Columns::of(fields::TABLE.desired),
            fields::LICENSE,
            fields::FIELD,
        )
    }),
    key_names: [fields::LICENSE, fields::FIELD],
    key_form: KeyForm::TwoNumbers,
    search: Search::Narrow,
    spans: &[],
    encode,
    omissions: Omissions::NONE,
    // Nothing has one: it is a value of one license.
    describe_holders: |_| String::new(),
};

#[cfg(test)]
mod tests;
