//! Fields of a product feature, as the pages "Create Product Feature" and "Update Product Feature" print them (2023-11 to
//! 2026, checked 2026-11-30).
//!
//! `allow_unlimited_consumptions` stands in each reply and is a parameter of neither call, so it is not managed. Neither
//! the code nor the product is a field: "you cannot change a product feature code" ("Product Features"), and what a move
//! to another product does to licenses is not said.

use crate::model::field::IdentityField;
use crate::model::{
    Clearing, CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape,
    WriteCall, WriteMode,
};
use crate::provider::licensespring::catalogue::{CODE, PRODUCT};

/// The vendor's number of a product feature.
pub const ID: &str = "productFeatureId";
/// Whether a feature is hidden.
pub const IS_DELETED: &str = "is_deleted";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringProductFeature"),
    vendor: super::super::VENDOR,
    about: "A product feature in LicenseSpring: what licenses of a product, or of all products, can have.",
    identity: &[IdentityField {
        name: ID,
        about: "Number of the product feature.",
        shape: NUMBER,
        example: "172",
        refers_to: None,
    }],
    desired: &[
        // "Update Product Feature" marks `name`, `code` and `feature_type` as required, though it updates in parts.
        Field::new("name", Shape::TEXT, "Name of the feature."),
        // A feature that is counted has limits that one which is only there does not have, and the other way round.
        Field::new(
            "feature_type",
            Shape::Choice {
                values: &["activation", "consumption"],
                aliases: &[],
            },
            "Whether licenses have the feature, or have so many uses of it.",
        )
        .risk(RiskRule::Reassign),
        // What a new license gets. No page says that licenses which have the feature keep what they got.
        amount("max_consumption", "Uses allowed in all, or in one period."),
        switch("allow_overages", "Whether use may go beyond `max_consumption`.")
            .risk(RiskRule::ReducesAt(false)),
        amount("max_overages", "Uses allowed beyond `max_consumption`."),
        switch("reset_consumption", "Whether the count starts again every period.")
            .risk(RiskRule::ReducesAt(false)),
        // A longer period gives the same uses less often.
        Field::new(
            "consumption_period",
            Shape::Choice {
                values: &["daily", "weekly", "monthly", "annually"],
                aliases: &[("annualy", "annually")],
            },
            "When the count starts again, at 00:00 UTC: each day, Monday, first of the month, 1 January.",
        )
        .optional()
        .clearing(Clearing::Null)
        .null(EXAMPLE)
        .risk(RiskRule::Ladder(&["annually", "monthly", "weekly", "daily"])),
        // From floating to bound to devices and back, other limits count.
        switch("is_floating", "Whether the feature floats, on premises.").risk(RiskRule::Reassign),
        switch("is_floating_cloud", "Whether the feature floats, in the cloud.")
            .risk(RiskRule::Reassign),
        amount("floating_users", "Users at the same time."),
        Field::new(
            "floating_timeout",
            Shape::COUNT,
            "Minutes until an unused floating seat is free again.",
        )
        .optional()
        .null("Retrieve License Policy, 2026-11-30"),
        Field::new("metadata", Shape::Object, "Free data of your own; {} is none.").optional(),
        // Licenses that have the feature keep it ("Delete Product Feature"); no other can get it.
        switch(IS_DELETED, "Whether the feature is hidden. Licenses that have it keep it.")
            .risk(RiskRule::ReducesAt(true)),
    ],
    calls: &[WriteCall {
        name: "PATCH /api/v1/product-features/{productFeatureId}/",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "productFeature",
            about: "The product feature by its code and its product, in place of its number.",
            fields: &[
                IdentityField {
                    name: CODE,
                    about: "Code of the feature, exactly as it is. It cannot be changed.",
                    shape: Shape::TEXT,
                    example: "f2",
                    refers_to: None,
                },
                IdentityField {
                    name: PRODUCT,
                    about: "Number of the product that has the feature; 0 for a global feature, which belongs to none.",
                    shape: Shape::Integer {
                        min: 0,
                        max: i64::MAX,
                        digits: true,
                    },
                    example: "1584723961091234",
                    refers_to: None,
                },
            ],
        }),
        create: Some(CreateCall {
            name: "POST /api/v1/product-features/",
            required: &["name", "feature_type"],
            excluded: &[IS_DELETED],
            only: &[],
        }),
        remove: Some("DELETE /api/v1/product-features/{productFeatureId}/"),
        off: "`is_deleted: true` hides it, and licenses that have it keep it",
    },
};

const NUMBER: Shape = Shape::Integer {
    min: 1,
    max: i64::MAX,
    digits: true,
};

/// Both pages send null for the period, and print it in their replies.
const EXAMPLE: &str = "Update Product Feature, 2026-11-30";

/// A number of which more allows more.
const fn amount(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::COUNT, about)
        .optional()
        .risk(RiskRule::Amount { used: None })
}

const fn switch(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::Boolean, about).optional()
}
