//! Fields of an order, as the pages "Create Order", "Update Order" and "List Orders" print them (checked 2026-11-30).
//!
//! Left out: `type`, of which one value is known; and what the creation alone takes of a new customer, which is personal,
//! the key of a license, which is a secret and made by the vendor if it is not given, and the bundle, `created` and the
//! start of a license, whose forms no stored page shows.

use crate::model::field::IdentityField;
use crate::model::{
    CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape, WriteCall,
    WriteMode,
};

use super::items::ITEMS;

/// The vendor's number of an order.
pub const ID: &str = "orderId";
/// The id of the order in the books of its maker, which the creation calls `id`.
pub const STORE_ID: &str = "store_id";
/// The account of the customer, which the creation calls `customer_account_id`.
pub const CUSTOMER_ACCOUNT: &str = "customer_account";
pub const CUSTOMER: &str = "customer";
/// What somebody else wants to know of the order, which the creation takes as a text.
pub const METADATA: &str = "metadata";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringOrder"),
    vendor: super::super::VENDOR,
    about: "An order in LicenseSpring, which makes the licenses that its creation names. They are changed as LicenseSpringLicense.",
    identity: &[IdentityField {
        name: ID,
        about: "Number of the order.",
        shape: NUMBER,
        example: "1593781720493279",
        refers_to: None,
    }],
    desired: &[
        Field::new(STORE_ID, Shape::TEXT, "Id of the order in your own books.").optional(),
        Field::new("is_test", Shape::Boolean, "Whether it is a test order.").optional(),
        Field::new(
            "is_trial",
            Shape::Boolean,
            "Whether it is an order of trial licenses.",
        )
        .optional(),
        // "List Orders" and "Update Order" show null for what an order does not have; no page shows that it can be written.
        text("download_id", "Id of a download."),
        text("language", "Short code of the language of the order."),
        text(
            "campaign_params",
            "Parameters of the campaign that led to the order.",
        ),
        // Whoever has an order sees its licenses.
        number(CUSTOMER, "Number of the customer.").risk(RiskRule::Reassign),
        number(CUSTOMER_ACCOUNT, "Number of the customer account.")
            .refers_to(Kind("LicenseSpringCustomerAccount"))
            .risk(RiskRule::Reassign),
        Field::new(METADATA, Shape::Object, "Free members.").optional(),
    ],
    calls: &[WriteCall {
        name: "PATCH /api/v1/orders/{orderId}/",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "order",
            about: "The order by its id in your own books, in place of its number.",
            fields: &[IdentityField {
                name: STORE_ID,
                about: "Id of the order in your own books, exactly as it is. A company has it once.",
                shape: Shape::TEXT,
                example: "d2d2dce02c844d4492c9d48758aa143a",
                refers_to: None,
            }],
        }),
        create: Some(CreateCall {
            name: "POST /api/v1/orders/create_order/",
            required: &["items"],
            // The creation has no `is_trial`, and its `customer` is the data of a person and not a number.
            excluded: &["is_trial", CUSTOMER],
            only: &[
                Field::new(
                    "items",
                    Shape::List(&ITEMS),
                    "The products of the order, each with its licenses.",
                ),
                Field::new(
                    "prevent_vm",
                    Shape::Boolean,
                    "Whether none of the licenses can be activated on a virtual machine.",
                )
                .optional(),
            ],
        }),
        remove: None,
        off: "",
    },
};

const NUMBER: Shape = Shape::Integer {
    min: 1,
    max: i64::MAX,
    digits: true,
};

/// A text that an order may not have.
const fn text(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::TEXT, about)
        .optional()
        .null("List Orders, Update Order, 2026-11-30")
}

/// The number of something that an order may not belong to.
const fn number(name: &'static str, about: &'static str) -> Field {
    const ID: Shape = Shape::Integer {
        min: 1,
        max: i64::MAX,
        digits: false,
    };
    Field::new(name, ID, about)
        .optional()
        .null("List Orders, Update Order, 2026-11-30")
}
