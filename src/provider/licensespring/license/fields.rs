//! Fields of a license's feature set, as the page "Update License Product Features" lists them. The stored
//! page has lost its underscores; the names stand whole on another page of the same vendor (2026-11-21).

use crate::model::field::{Elements, IdentityField, Shown};
use crate::model::{
    Carry, Clearing, Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

/// The member of the write call.
pub const FEATURES: &str = "product_features";
/// The key of its elements.
const CODE: &str = "product_feature";
/// The counter of use that stands on every row.
pub const USED: &str = "total_consumptions";

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringLicense"),
    vendor: super::super::VENDOR,
    about: "A license in LicenseSpring and the product features that it grants.",
    identity: &[IdentityField {
        name: "licenseId",
        about: "Number of the license, up to 19 digits.",
        shape: Shape::Integer {
            min: 1,
            max: i64::MAX,
            digits: true,
        },
        example: "1593781720493289",
    }],
    desired: &[Field::new(
        FEATURES,
        Shape::Keyed(&ITEMS),
        "Product features of the license.",
    )
    .risk(RiskRule::Members { used: Some(USED) })],
    calls: &[WriteCall {
        name: "POST /api/v1/licenses/{licenseId}/update_features/",
        mode: WriteMode::Overwrite,
        echo: Echo::Whole,
    }],
    lifecycle: Lifecycle::NONE,
};

/// Members of a row that the list write does not name, and other calls set. It is not documented whether a written row
/// keeps them; the ids in the page's example hint that rows are made anew (2026-11-29). No page shows how a row names
/// its pool; this is the name of the resource.
pub const UNNAMED: &[&str] = &[
    "allow_unlimited_consumptions",
    "allow_negative_consumptions",
    "valid_duration",
    "consumption_pool",
];

/// None of the members is required: what a new row leaves out gets the vendor's default.
static ITEMS: Elements = Elements {
    key: &[CODE],
    key_about: &["Code of the product feature, exactly as the product has it: f2."],
    fold: false,
    fields: &[
        Field::new("max_consumption", Shape::COUNT, "Uses allowed in all, or in one period.")
            .optional()
            .risk(RiskRule::Amount { used: Some(USED) }),
        // A read-modify-write of the list would roll back what was used in between.
        Field::new(
            USED,
            Shape::COUNT,
            "Uses counted so far. The vendor counts; writing it overwrites the count.",
        )
        .optional()
        .carry(Carry::OnlyManaged)
        .risk(RiskRule::Counter),
        Field::new("expiry_date", Shape::Date, "Last day of the feature; null is never.")
            .optional()
            .clearing(Clearing::Null)
            .null(EXAMPLE)
            .risk(RiskRule::End),
        // Without overages the license ends at `max_consumption`: that lowers what may be used.
        Field::new("allow_overages", Shape::Boolean, "Whether use may go beyond `max_consumption`.")
            .optional()
            .risk(RiskRule::ReducesAt(false)),
        // Whether 0 means "no bound" is not written anywhere; a lower number is taken for less.
        Field::new("max_overages", Shape::COUNT, "Uses allowed beyond `max_consumption`.")
            .optional()
            .risk(RiskRule::Amount { used: None }),
        // Without the reset, one period's uses have to last for ever.
        Field::new("reset_consumption", Shape::Boolean, "Whether the count starts again every period.")
            .optional()
            .risk(RiskRule::ReducesAt(false)),
        // A longer period gives the same uses less often.
        Field::new(
            "consumption_period",
            PERIOD,
            "When the count starts again, at 00:00 UTC: each day, Monday, first of the month, 1 January.",
        )
        .optional()
        .clearing(Clearing::Null)
        .null(EXAMPLE)
        .risk(RiskRule::Ladder(&["annually", "monthly", "weekly", "daily"])),
        Field::new("metadata", Shape::Object, "Free data of your own; {} is none.").optional(),
        Field::new("is_floating", Shape::Boolean, "Whether the feature floats, on premises.")
            .optional()
            .shown(Shown::Newer),
        Field::new("is_floating_cloud", Shape::Boolean, "Whether the feature floats, in the cloud.")
            .optional()
            .shown(Shown::Newer),
        Field::new("floating_users", Shape::COUNT, "Users at the same time.")
            .optional()
            .shown(Shown::Newer)
            .risk(RiskRule::Amount { used: None }),
        Field::new(
            "floating_timeout",
            Shape::COUNT,
            "Minutes until an unused floating seat is free again.",
        )
        .optional()
        .shown(Shown::Newer)
        .clearing(Clearing::Null)
        .null("Floating Features, 2026-11-21"),
    ],
};

/// The page's example reply prints null for these. Its rows lack the floating members, which newer pages show.
const EXAMPLE: &str = "Update License Product Features, 2026-11-21";

/// `annualy` is how the page of the call prints it; the feature pages and three of the vendor's own SDKs
/// have `annually` (2026-11-21).
const PERIOD: Shape = Shape::Choice {
    values: &["daily", "weekly", "monthly", "annually"],
    aliases: &[("annualy", "annually")],
};
