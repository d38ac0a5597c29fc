//! Fields of a customer account, as the pages "Create Customer Account" and "Update Customer Account" print them (checked
//! 2026-11-30). The code is no field: the update does not take it.

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, Shape, WriteCall,
    WriteMode,
};
use crate::provider::licensespring::catalogue::CODE;

/// The vendor's number of a customer account.
pub const ID: &str = "customerAccountId";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringCustomerAccount"),
    vendor: super::super::VENDOR,
    about: "A customer account in LicenseSpring: a group of customers, such as the departments of one company.",
    identity: &[IdentityField {
        name: ID,
        about: "Number of the customer account.",
        shape: Shape::Integer {
            min: 1,
            max: i64::MAX,
            digits: true,
        },
        example: "818",
        refers_to: None,
    }],
    desired: &[
        text("name", "Name of the account."),
        text("description", "Description of the account."),
        text("phone", "Telephone number of the account."),
        text("address", "Postal address of the account."),
        text("email", "E-mail address of the account."),
    ],
    calls: &[WriteCall {
        name: "PATCH /api/v1/customer-accounts/{customerAccountId}/",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "customerAccount",
            about: "The customer account by its code, in place of its number.",
            fields: &[IdentityField {
                name: CODE,
                about: "Code of the account, exactly as it is. It is unique, and cannot be changed.",
                shape: Shape::TEXT,
                example: "tc6",
                refers_to: None,
            }],
        }),
        create: Some(CreateCall {
            name: "POST /api/v1/customer-accounts/",
            required: &[],
            // This page alone prints it as `Phone`; the update, and all replies, have it in lower case.
            excluded: &["phone"],
            only: &[],
        }),
        remove: Some("DELETE /api/v1/customer-accounts/{customerAccountId}/"),
        off: "",
    },
};

/// A text, of which a reply shows "" for none ("Update Customer Account").
const fn text(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::TEXT, about)
        .optional()
        .clearing(Clearing::Empty)
}
