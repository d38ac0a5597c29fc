//! Values of custom fields on licenses of LicenseSpring: what a license has in place of the default value of its product.
//!
//! * Write: `PATCH /api/v1/license-custom-fields/{id}/` with `value`. The reply is the object.
//! * Creation: `POST /api/v1/license-custom-fields/`, 201. Whether a second value of one field on one license is refused is
//!   not said, so those of the license are read right before.
//! * Removal: `DELETE`, 204. The license has the default value of its product from then on.
//! * Read: the list with the filter `license`, or all of it, or one by its number; see `reading`.
//!
//! Sources: the five pages of "Custom Fields" below "License" in the Management API, and "Custom Fields" in "License
//! Entitlements", checked 2026-11-30.

mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Reply, Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::decode::{AtomShape, Columns, Rows};
use crate::provider::licensespring::catalogue::{Catalogue, CatalogueListing, KeyForm};
use crate::provider::licensespring::envelope::is_id;
use crate::provider::licensespring::refusal;
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write};

/// The value of a custom field on a license.
pub struct LicenseCustomField;

impl ResourceKind for LicenseCustomField {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::CustomFieldReading::new(&CATALOGUE, desired))
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(CatalogueListing::new(&CATALOGUE)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let one = CATALOGUE.path_of(&write.id(fields::ID));
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        match write.purpose {
            WritePurpose::Update(_) => Call::write(Method::Patch, one, Json::Object(body)),
            WritePurpose::Remove => Call::delete(one),
            WritePurpose::Create => CATALOGUE.create_call(write, body),
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        refusal::judge(fields::TABLE.desired, reply)
    }

    fn echo(&self, desired: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        CATALOGUE.echo(desired, before, reply)
    }
}

static CATALOGUE: Catalogue = Catalogue {
    noun: "license custom field",
    nouns: "license custom fields",
    id: fields::ID,
    list: "/api/v1/license-custom-fields/",
    unlisted: "",
    may_be_unlisted: |_| false,
    has_single: true,
    rows: || &VALUES,
    key_names: [fields::LICENSE, fields::FIELD],
    key_form: KeyForm::TwoNumbers,
};

static VALUES: LazyLock<Rows<3>> = LazyLock::new(|| {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(fields::LICENSE),
        AtomShape::at(fields::FIELD),
    ];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(is_id)
});

#[cfg(test)]
mod tests;
