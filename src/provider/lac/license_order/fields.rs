//! Fields of a license order, as the pages "Update license order" (checked 2026-11-21) and "Create license order"
//! (checked 2026-11-29) list them.

use crate::model::field::{Elements, IdentityField};
use crate::model::{
    Carry, Clearing, ConditionScope, CreateCall, Echo, Field, Kind, KindTable, Lifecycle,
    NaturalKey, Need, RiskRule, Shape, WriteCall, WriteMode,
};

/// The fact that a removal was asked for once, with the time of the request or its confirmation.
pub const REMOVAL_ASKED: &str = "removal_asked";

/// The customer that an order belongs to: no reply gives it.
pub const CUSTOMER_ID: &str = "customer_id";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LacLicenseOrder"),
    vendor: super::super::VENDOR,
    about: "A license order in X-Formation License Activation Center (LAC).",
    identity: &[IdentityField {
        name: ACTIVATION_KEY,
        about: "Activation key of the order.",
        shape: Shape::TEXT,
        example: "II1HP-TX8EQ-R1QXZ-7LYXF",
        refers_to: None,
    }],
    desired: &[
        Field::new(CUSTOMER_ID, Shape::Integer { min: 1, max: i64::MAX, digits: false }, "Customer ID.")
            .need(Need::InManifest)
            .refers_to(Kind("LacCustomer"))
            .risk(RiskRule::Reassign),
        Field::new(
            "product_template_id",
            Shape::Integer { min: 1, max: i64::MAX, digits: false },
            "Product template ID.",
        ),
        Field::new(
            "license_type",
            Shape::Choice { values: &["local", "network"], aliases: &[] },
            "License type.",
        )
        .risk(RiskRule::Ladder(&["local", "network"])),
        Field::new(
            "licensee_type",
            Shape::Choice { values: &["fixed", "customer", "not_specified"], aliases: &[] },
            "Licensee type; `customer` makes the customer's name the licensee.",
        ),
        Field::new("licensee", Shape::TEXT, "Licensee. Required if the licensee type is fixed.")
            .need(Need::When { scope: ConditionScope::Here, field: "licensee_type", is: "fixed" })
            .clearing(Clearing::Empty)
            .null(EXAMPLE),
        Field::new(
            "hostid_match_rate",
            Shape::Integer { min: 0, max: 100, digits: false },
            "HostID match rate in percent.",
        ),
        Field::new("min_hostids", Shape::COUNT, "HostIDs needed at activation, at least."),
        Field::new("activations_allowed", Shape::COUNT, "Activations allowed at the same time.")
            .risk(RiskRule::Amount { used: Some("activated_licenses_count") }),
        Field::new(
            "enabled",
            Shape::Boolean,
            "Whether the order is enabled; false blocks activation and download.",
        )
        .risk(RiskRule::StopsAt(false)),
        Field::new(DESCRIPTION, Shape::TEXT, "Description.")
            .optional()
            .clearing(Clearing::Empty)
            .null(EXAMPLE),
        Field::new("settings_description", Shape::TEXT, "Settings description.")
            .optional()
            .clearing(Clearing::Empty)
            .null(EXAMPLE),
        Field::new(
            "removal",
            Shape::Boolean,
            "Whether the license should be removed from its host. A request: it is sent once, and the \
             server clears it when the host has confirmed.",
        )
        .risk(RiskRule::StopsAt(true))
        .carry(Carry::OneShot { spent: REMOVAL_ASKED }),
        Field::new("deactivations_allowed", Shape::COUNT, "Deactivations that end users may make.")
            .optional()
            .risk(RiskRule::Amount { used: Some("deactivations_used") }),
        Field::new("Hostids", Shape::Keyed(&HOSTIDS), "HostIDs that activations are bound to.")
            .risk(RiskRule::Members { used: None }),
        Field::new("Features", Shape::Keyed(&FEATURES), "Licensed features.")
            .risk(RiskRule::Members { used: None }),
    ],
    calls: &[WriteCall {
        name: "PATCH /license-orders/{activationKey}",
        mode: WriteMode::FullPatch,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle {
        key: Some(NaturalKey {
            replaces: ACTIVATION_KEY,
            member: "order",
            about: "The order by a marker of your own in its description, in place of its activation key, which LAC makes.",
            fields: &[
                IdentityField {
                    name: CUSTOMER_ID,
                    about: "Customer ID of the customer that the order belongs to.",
                    shape: Shape::Integer { min: 1, max: i64::MAX, digits: false },
                    example: "7",
                    refers_to: Some(Kind("LacCustomer")),
                },
                IdentityField {
                    name: MARKER,
                    about: "Marker that the description of this order alone has, in brackets: `[floating-2026]`.",
                    shape: Shape::TEXT,
                    example: "floating-2026",
                    refers_to: None,
                },
            ],
        }),
        create: Some(CreateCall {
            name: "POST /license-orders",
            // What the page "Create license order" marks as required; unlike an update it requires `enabled` of features.
            required: &[
                "product_template_id",
                "license_type",
                "licensee_type",
                "hostid_match_rate",
                "min_hostids",
                "activations_allowed",
                "enabled",
                "removal",
                "Hostids",
                "Features",
                "Features.enabled",
            ],
            excluded: &[],
            only: &[],
        }),
        remove: None,
        off: "`enabled: false` blocks activation and download",
    },
};

/// The server's key of an order.
pub const ACTIVATION_KEY: &str = "activationKey";
/// The text in the description by which a manifest may name an order.
pub const MARKER: &str = "marker";
/// The field that has the marker.
pub const DESCRIPTION: &str = "description";

static HOSTIDS: Elements = Elements {
    key: &["name"],
    key_about: &["HostID name, compared as a label: `hostname` is `Hostname`."],
    fold: true,
    fields: &[
        Field::new("min_amount", AMOUNT, "Minimum required."),
        Field::new("max_amount", AMOUNT, "Maximum allowed.").risk(RiskRule::Amount { used: None }),
    ],
};

/// The user interface offers up to 16 HostIDs of a kind; the API page gives no bound, so none is set.
const AMOUNT: Shape = Shape::COUNT;

static FEATURES: Elements = Elements {
    key: &["name", "version"],
    key_about: &["Feature name.", "Version, as text: \"6.0\"."],
    fold: false,
    fields: &[
        Field::new(
            "expiration_type",
            Shape::Choice { values: &["fixed", "days_from_activation", "no_expiration"], aliases: &[] },
            "Expiration type.",
        )
        .risk(RiskRule::Ladder(&["days_from_activation", "fixed", "no_expiration"])),
        Field::new("expiration_date", Shape::Date, "Expiration date. Required if the expiration type is fixed.")
            .need(Need::When { scope: ConditionScope::Here, field: "expiration_type", is: "fixed" })
            .not_before("issued_date")
            .null(EXAMPLE)
            .risk(RiskRule::End),
        Field::new(
            "days_from_activation",
            DAYS,
            "Expiration in days from activation. Required if the expiration type is days_from_activation.",
        )
        .need(Need::When { scope: ConditionScope::Here, field: "expiration_type", is: "days_from_activation" })
            .null(EXAMPLE)
        .risk(RiskRule::Amount { used: None }),
        Field::new(
            "issued_type",
            Shape::Choice { values: &["fixed", "not_issued", "activation_time"], aliases: &[] },
            "Issued type.",
        ),
        Field::new("issued_date", Shape::Date, "Issued date. Required if the issued type is fixed.")
            .need(Need::When { scope: ConditionScope::Here, field: "issued_type", is: "fixed" })
            .null(EXAMPLE),
        Field::new("options", LINE, "Options.").optional().clearing(Clearing::Empty).null(EXAMPLE),
        Field::new("additional_settings", Shape::TEXT, "Additional settings: XML for the license generator.")
            .optional()
            .clearing(Clearing::Empty)
            .null(EXAMPLE),
        Field::new("enabled", Shape::Boolean, "Whether the feature is enabled.")
            .optional()
            .risk(RiskRule::StopsAt(false)),
        Field::new("count", Shape::COUNT, "Licenses of this feature. Required if the license type is network.")
            .need(Need::When { scope: ConditionScope::Object, field: "license_type", is: "network" })
            .null(EXAMPLE)
            .risk(RiskRule::Amount { used: None }),
        Field::new(
            "maintenance_type",
            Shape::Choice { values: &["fixed", "days_from_activation", "no_maintenance"], aliases: &[] },
            "Maintenance type.",
        ),
        // A feature may be issued anew after its maintenance has ended, for the releases until then.
        Field::new("maintenance_date", Shape::Date, "Maintenance date. Required if the maintenance type is fixed.")
            .need(Need::When { scope: ConditionScope::Here, field: "maintenance_type", is: "fixed" })
            .null(EXAMPLE)
            .risk(RiskRule::End),
        Field::new(
            "maintenance_days_from_activation",
            DAYS,
            "Maintenance in days from activation. Required if the maintenance type is days_from_activation.",
        )
        .need(Need::When { scope: ConditionScope::Here, field: "maintenance_type", is: "days_from_activation" })
            .null(EXAMPLE)
        .risk(RiskRule::Amount { used: None }),
        Field::new("comment", LINE, "Comment.").optional().clearing(Clearing::Empty).null(EXAMPLE),
    ],
};

/// The example replies print null for an optional member without a value, and for one that its type makes
/// meaningless.
const EXAMPLE: &str = "Update license order, 2026-11-21";

/// The table of the page says string, its example sends a number: both are read, the number is sent.
const DAYS: Shape = Shape::Integer {
    min: 0,
    max: i32::MAX as i64,
    digits: true,
};

/// LM-X cuts these at 1024 characters ("Specifying feature settings").
const LINE: Shape = Shape::Text { max: Some(1024) };
