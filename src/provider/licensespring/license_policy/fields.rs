//! Fields of a license policy, as the pages "Create License Policy" and "Update License Policy" print them (checked
//! 2026-11-30).
//!
//! Left out, though both calls take them: the lists `license_product_feature_templates` and
//! `license_custom_field_templates`, of which no page says whether a list that is sent replaces what the policy has; and
//! `installation_file`, which no page shows in a policy that is read; and `consumption_period`, which these pages call an
//! integer where those of licenses and features have words, and which no stored page shows in a policy. A body without the lists leaves them as they are:
//! the example of the update sends `max_activations` alone, and its reply has both.
//!
//! Neither the code nor the product is a field: the update takes neither.

use crate::model::field::IdentityField;
use crate::model::{
    CreateCall, Echo, Field, Kind, KindTable, Lifecycle, NaturalKey, RiskRule, Shape, WriteCall,
    WriteMode,
};
use crate::provider::licensespring::catalogue::{CODE, PRODUCT};

/// The vendor's number of a license policy.
pub const ID: &str = "licensePolicyId";
/// Whether a policy is archived.
pub const IS_ARCHIVED: &str = "is_archived";
/// Lengths of time, as for licenses: 35d, 4m, 2y.
pub const SPANS: [&str; 2] = ["maintenance_duration", "valid_duration"];

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringLicensePolicy"),
    vendor: super::super::VENDOR,
    about: "A license policy in LicenseSpring: the template of new licenses of a product. Its features, custom fields and `consumption_period` are left as they are: the vendor does not say how they are written.",
    identity: &[IdentityField {
        name: ID,
        about: "Number of the license policy.",
        shape: NUMBER,
        example: "938",
        refers_to: None,
    }],
    // What new licenses get less of is told as a reduction, as for product features.
    desired: &[
        Field::new("name", Shape::TEXT, "Name of the policy.").optional(),
        Field::new(
            "default_license_type",
            Shape::Choice {
                values: &["perpetual", "time-limited", "subscription", "consumption"],
                aliases: &[],
            },
            "Type of the licenses. It cannot change once a license is there.",
        )
        .optional()
        .risk(RiskRule::Reassign),
        // By its name a permission, and by "License Policies" the licenses are trials: either can be less than before.
        switch("allow_trial", "Whether the licenses are trials.").risk(RiskRule::Reassign),
        amount("trial_days", "Days of a trial."),
        amount(
            "max_activations",
            "Devices that a license may be activated on.",
        ),
        switch(
            "allow_unlimited_activations",
            "Whether any number of devices is allowed.",
        )
        .risk(RiskRule::ReducesAt(false)),
        Field::new(
            "max_license_users",
            Shape::COUNT,
            "Users of a license; 0 is no limit.",
        )
        .optional()
        .risk(RiskRule::Quota),
        // From floating to bound to devices and back, other limits count.
        switch("is_floating", "Whether the licenses float, on premises.").risk(RiskRule::Reassign),
        switch(
            "is_floating_cloud",
            "Whether the licenses float, in the cloud.",
        )
        .risk(RiskRule::Reassign),
        amount("floating_users", "Devices at the same time."),
        Field::new(
            "floating_timeout",
            Shape::COUNT,
            "Minutes until an unused floating seat is free again.",
        )
        .optional(),
        // Without it a license says nothing of updates, with it they end: either can be less than before.
        switch(
            "enable_maintenance_period",
            "Whether updates are allowed for a time of their own.",
        )
        .risk(RiskRule::Reassign),
        Field::new(
            "maintenance_duration",
            SPAN,
            "How long updates are allowed: 35d, 4m or 2y.",
        )
        .optional()
        .risk(RiskRule::Span),
        switch(
            "prevent_vm",
            "Whether the licenses do not run in a virtual machine.",
        )
        .risk(RiskRule::ReducesAt(true)),
        Field::new(
            "valid_duration",
            SPAN,
            "How long a license is valid from its first activation: 35d, 4m or 2y.",
        )
        .optional()
        .risk(RiskRule::Span),
        switch(
            "allow_grace_period",
            "Whether a license that ended goes on for a while.",
        )
        .risk(RiskRule::ReducesAt(false)),
        amount("grace_period", "How long it goes on."),
        amount("max_consumptions", "Uses allowed in all, or in one period."),
        switch(
            "allow_unlimited_consumptions",
            "Whether any number of uses is allowed.",
        )
        .risk(RiskRule::ReducesAt(false)),
        switch(
            "allow_overages",
            "Whether use may go beyond `max_consumptions`.",
        )
        .risk(RiskRule::ReducesAt(false)),
        amount("max_overages", "Uses allowed beyond `max_consumptions`."),
        switch(
            "reset_consumption",
            "Whether the count of uses starts again every period.",
        )
        .risk(RiskRule::ReducesAt(false)),
        Field::new(
            "max_transfers",
            Shape::Integer {
                min: -1,
                max: i32::MAX as i64,
                digits: false,
            },
            "Moves of a license from one device to another; 0 is no limit, -1 forbids them.",
        )
        .optional()
        .risk(RiskRule::Quota),
        switch(
            "is_air_gapped",
            "Whether the licenses are for devices without a network.",
        )
        .risk(RiskRule::Reassign),
        switch("can_borrow", "Whether floating seats can be borrowed.")
            .risk(RiskRule::ReducesAt(false)),
        amount("max_borrow_time", "How long a seat can be borrowed."),
        switch(
            "is_hardware_key_auth",
            "Whether the licenses are bound to a hardware key.",
        )
        .risk(RiskRule::Reassign),
        switch(
            "is_sku",
            "Whether the policy is a SKU, which can be applied to a license that is there.",
        )
        .risk(RiskRule::ReducesAt(false)),
        amount(
            "user_max_activations",
            "Devices that each user of a license may activate.",
        ),
        Field::new(
            "metadata",
            Shape::Object,
            "Free data of your own; {} is none.",
        )
        .optional(),
        switch(
            IS_ARCHIVED,
            "Whether the policy is archived, so that no new license is made with it.",
        )
        .risk(RiskRule::ReducesAt(true)),
    ],
    calls: &[WriteCall {
        name: "PATCH /api/v1/license-templates/{licensePolicyId}/",
        mode: WriteMode::Merge,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ID,
            member: "licensePolicy",
            about: "The license policy by its code and its product, in place of its number.",
            fields: &[
                IdentityField {
                    name: CODE,
                    about: "Code of the policy, exactly as it is. It cannot be changed.",
                    shape: Shape::TEXT,
                    example: "example_code",
                    refers_to: None,
                },
                IdentityField {
                    name: PRODUCT,
                    about: "Number of the product that has the policy.",
                    shape: NUMBER,
                    example: "1584723961091260",
                    refers_to: None,
                },
            ],
        }),
        // The pages mark nothing as required; "License Policies" does so with these, and with the code.
        create: Some(CreateCall {
            name: "POST /api/v1/license-templates/",
            required: &["name", "default_license_type"],
            excluded: &[],
            only: &[],
        }),
        remove: Some("DELETE /api/v1/license-templates/{licensePolicyId}/"),
        off: "`is_archived: true` keeps it, and no new license is made with it",
    },
};

const NUMBER: Shape = Shape::Integer {
    min: 1,
    max: i64::MAX,
    digits: true,
};

/// A length of time; its form is checked by `audit`.
const SPAN: Shape = Shape::Text { max: Some(16) };

/// A number of which more allows more.
const fn amount(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::COUNT, about)
        .optional()
        .risk(RiskRule::Amount { used: None })
}

const fn switch(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::Boolean, about).optional()
}
