//! Fields of a customer, as the pages "Create customer" and "Update customer" list them (checked 2026-11-30).

use crate::model::field::{Elements, IdentityField};
use crate::model::{
    Clearing, CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape,
    WriteCall, WriteMode,
};

pub static TABLE: KindTable = KindTable {
    kind: Kind("LacCustomer"),
    vendor: super::super::VENDOR,
    about: "A customer in X-Formation License Activation Center (LAC), to whom license orders belong.",
    identity: &[IdentityField {
        name: super::ID,
        about: "Customer ID, a number.",
        shape: Shape::Integer {
            min: 1,
            max: i64::MAX,
            digits: true,
        },
        example: "1",
        refers_to: None,
    }],
    desired: &[
        Field::new(
            "name",
            Shape::TEXT,
            "Customer name; the licensee of orders whose licensee type is `customer`.",
        ),
        text("street", "Street."),
        text("zip_code", "Zip code."),
        text("city", "City."),
        text("state", "State or province."),
        text("country", "Country."),
        text("phone_number", "Phone number."),
        text("fax_number", "Fax number."),
        text("description", "Description."),
        Field::new(
            "Contacts",
            Shape::Keyed(&CONTACTS),
            "People at the customer.",
        )
        .optional()
        .risk(RiskRule::Members { used: None }),
        Field::new(
            TAGS,
            Shape::Keyed(&CUSTOM_TAGS),
            "Values of custom tags, which are defined at LAC's web pages.",
        )
        .optional()
        .risk(RiskRule::Members { used: None }),
    ],
    calls: &[WriteCall {
        name: "PATCH /customers/{customerId}",
        mode: WriteMode::FullPatch,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: super::ID,
            member: "customTag",
            about: "The customer by a custom tag, in place of its ID.",
            fields: &[
                IdentityField {
                    name: TAG_NAME,
                    about: "Name of the custom tag, exactly as it is defined.",
                    shape: Shape::TEXT,
                    example: "crm_id",
                    refers_to: None,
                },
                IdentityField {
                    name: TAG_VALUE,
                    about: "Value of the tag that only this customer has, such as your own number of the customer.",
                    shape: Shape::TEXT,
                    example: "C-4711",
                    refers_to: None,
                },
            ],
        }),
        create: Some(CreateCall {
            name: "POST /customers",
            required: &["name"],
            excluded: &[],
            only: &[],
        }),
        remove: None,
        off: "LAC keeps its customers; `enabled: false` in each LacLicenseOrder of one ends what it may use",
    },
};

/// The list of custom tags.
pub const TAGS: &str = "CustomTags";
/// The name of a custom tag, in its row and in the key.
pub const TAG_NAME: &str = "tag_name";
/// The value of a custom tag, in its row and in the key.
pub const TAG_VALUE: &str = "value";

/// The rows of a reply have an id that the rows of a request do not have, so the id cannot name a contact. Of the two
/// members of a request, the e-mail address is the one by which the customer list finds a contact.
static CONTACTS: Elements = Elements {
    key: &["email"],
    key_about: &["E-mail address of the contact; no two contacts of a customer may share one."],
    fold: false,
    fields: &[Field::new("name", Shape::TEXT, "Name of the contact.")
        .clearing(Clearing::Empty)
        .null(NO_TEXT)],
};

/// Tag names are unique ("Creating custom tags"), and a search must give them exactly ("FindCustomerByCustomTag").
static CUSTOM_TAGS: Elements = Elements {
    key: &[TAG_NAME],
    key_about: &["Name of the custom tag, exactly as it is defined."],
    fold: false,
    fields: &[Field::new(TAG_VALUE, Shape::TEXT, "Value of the tag.")
        .clearing(Clearing::Empty)
        .null(NO_TEXT)],
};

/// An optional text. Older replies show `""` for one without a value ("GetCustomerList"), so that is what clears it.
const fn text(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::TEXT, about)
        .optional()
        .clearing(Clearing::Empty)
        .null(NO_TEXT)
}

/// No page shows a customer without a value. This page of the same API prints both null and `""` for a text without
/// one.
const NO_TEXT: &str = "Get all product templates, 2026-11-30";
