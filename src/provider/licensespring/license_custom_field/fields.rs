//! The field of a license custom field, as the pages "Create License Custom Field" and "Update License Custom Field" print
//! it (checked 2026-11-30).

use crate::model::field::IdentityField;
use crate::model::{
    CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, Shape, WriteCall, WriteMode,
};

/// The vendor's number of a license custom field.
pub const ID: &str = "licenseCustomFieldId";
/// The members of the key, which the creation has as well.
pub const LICENSE: &str = "license";
pub const FIELD: &str = "product_custom_field";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringLicenseCustomField"),
    vendor: super::super::VENDOR,
    about: "The value of a custom field on one license in LicenseSpring. Without it the license has the default value of its product.",
    identity: &[IdentityField {
        name: ID,
        about: "Number of the license custom field.",
        shape: NUMBER,
        example: "83",
        refers_to: None,
    }],
    // What a value means is between the vendor and its program: any may be more or less than another.
    desired: &[Field::new(
        "value",
        Shape::TEXT,
        "Value of the custom field on this license.",
    )
    .optional()],
    calls: &[WriteCall {
        name: "PATCH /api/v1/license-custom-fields/{licenseCustomFieldId}/",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "licenseCustomField",
            about: "The license custom field by its license and the custom field of the product, in place of its number.",
            fields: &[
                IdentityField {
                    name: LICENSE,
                    about: "Number of the license.",
                    shape: NUMBER,
                    example: "1609234933166159",
                    refers_to: None,
                },
                IdentityField {
                    name: FIELD,
                    about: "Number of the custom field of the product.",
                    shape: NUMBER,
                    example: "51",
                    refers_to: None,
                },
            ],
        }),
        create: Some(CreateCall {
            name: "POST /api/v1/license-custom-fields/",
            required: &["value"],
            excluded: &[],
            only: &[],
        }),
        remove: Some("DELETE /api/v1/license-custom-fields/{licenseCustomFieldId}/"),
        off: "",
    },
};

const NUMBER: Shape = Shape::Integer {
    min: 1,
    max: i64::MAX,
    digits: true,
};
