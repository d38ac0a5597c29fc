//! Fields of a license: its feature set, as the page "Update License Product Features" lists it, its settings, as the page
//! "Update License" lists them (both checked 2026-11-30), and whether it is enabled, for which there are two calls.
//!
//! Left out, though the call takes them: `allow_unlimited_activation`, `allow_grace_period`, `grace_period` and
//! `installation_file`, which no page shows in a license that is read, so that no write of them could be verified; `order`,
//! which moves the license to another order; and `total_consumptions`, which falsifies what was used.
//!
//! Left out too: `POST …/apply_policy/`. A license shows its policy (`license_template`), but no page says what the call does
//! to features and custom fields that the license has and the policy has not, and no member of the call can keep them. A
//! plan could neither show nor limit that (2026-11-30). Values of custom fields are a kind of their own.
//!
//! No page says that null can be written, except for a feature's members; a setting that is null in a reply is empty.

use crate::model::field::{Elements, IdentityField, Shown};
use crate::model::{
    Carry, Clearing, Echo, Field, Kind, KindTable, Lifecycle, RiskRule, Shape, WriteCall, WriteMode,
};

/// The member of the write call.
pub const FEATURES: &str = "product_features";
/// The key of its elements.
const CODE: &str = "product_feature";
/// The counter of use that stands on every row, and on the license.
pub const USED: &str = "total_consumptions";
/// The devices that the license is bound to: none while it is inactive ("License Types", 2026-11-30).
pub const ACTIVATED: &str = "times_activated";
/// The devices that use a floating license at present.
pub const FLOATING: &str = "floating_in_use_devices";
/// Whether the license is enabled; its value chooses the call.
pub const ENABLED: &str = "enabled";

/// Lengths of time, as the page writes them: 35d, 4m, 2y.
pub const SPANS: [&str; 2] = ["valid_duration", "maintenance_duration"];

/// The index of the call that sets the settings.
pub const SETTINGS: usize = 1;
/// The index of the calls that enable and disable.
pub const SWITCH: usize = 2;
/// The index of the call that writes one row.
pub const ROW: usize = 3;

pub static TABLE: KindTable = KindTable {
    kind: Kind("LicenseSpringLicense"),
    vendor: super::super::VENDOR,
    about: "A license in LicenseSpring: the product features that it grants, its settings, and whether it is enabled.",
    identity: &[IdentityField {
        name: "licenseId",
        about: "Number of the license, up to 19 digits.",
        shape: Shape::Integer {
            min: 1,
            max: i64::MAX,
            digits: true,
        },
        example: "1593781720493289",
        refers_to: None,
    }],
    desired: &[
        Field::new(
            FEATURES,
            Shape::Keyed(&ITEMS),
            "Product features of the license.",
        )
        .risk(RiskRule::Members { used: Some(USED) }),
        amount("max_activations", "Devices that the license may be activated on.", Some(ACTIVATED)),
        amount("max_consumptions", "Uses allowed in all, or in one period.", Some(USED)),
        switch("allow_overages", "Whether use may go beyond `max_consumptions`.")
            .risk(RiskRule::ReducesAt(false)),
        amount("max_overages", "Uses allowed beyond `max_consumptions`.", None),
        switch("reset_consumption", "Whether the count of uses starts again every period.")
            .risk(RiskRule::ReducesAt(false)),
        // A longer period gives the same uses less often.
        setting(
            "consumption_period",
            PERIOD,
            "When the count starts again, at 00:00 UTC: each day, Monday, first of the month, 1 January.",
        )
        .null(EXAMPLE)
        .risk(RiskRule::Ladder(&["annually", "monthly", "weekly", "daily"])),
        // A perpetual license that becomes a trial gets an end ("License Types", 2026-11-30).
        switch("is_trial", "Whether the license is a trial.").risk(RiskRule::ReducesAt(true)),
        amount("trial_days", "Days of a trial.", None).sent_with("is_trial"),
        setting(
            "valid_duration",
            SPAN,
            "How long the license is valid from its first activation: 35d, 4m or 2y.",
        )
        .null(EXAMPLE)
        .sent_with("is_trial")
        .excludes("validity_period")
        .risk(RiskRule::Span),
        setting("validity_period", Shape::Date, "Last day of the license.")
            .null(EXAMPLE)
            .sent_with("is_trial")
            .risk(RiskRule::End),
        // Without it the license says nothing of updates, with it they end: either can be less than before.
        switch("enable_maintenance_period", "Whether updates are allowed for a time of their own.")
            .risk(RiskRule::Reassign),
        setting(
            "maintenance_duration",
            SPAN,
            "How long updates are allowed from the first activation: 35d, 4m or 2y.",
        )
        .null(EXAMPLE)
        .sent_with("enable_maintenance_period")
        .risk(RiskRule::Span),
        setting("maintenance_period", Shape::Date, "Last day on which updates are allowed.")
            .null(EXAMPLE)
            .sent_with("enable_maintenance_period")
            .risk(RiskRule::End),
        // From floating to bound to devices and back, other limits count.
        switch("is_floating", "Whether the license floats, on premises.").risk(RiskRule::Reassign),
        switch("is_floating_cloud", "Whether the license floats, in the cloud.")
            .risk(RiskRule::Reassign),
        amount("floating_users", "Devices at the same time.", Some(FLOATING)),
        setting(
            "floating_timeout",
            Shape::COUNT,
            "Minutes until an unused floating seat is free again.",
        )
        .null(EXAMPLE),
        switch("prevent_vm", "Whether the license does not run in a virtual machine.")
            .risk(RiskRule::ReducesAt(true)),
        setting("note", Shape::TEXT, "Note on the license.")
            .clearing(Clearing::Empty)
            .null(EXAMPLE),
        setting("max_license_users", Shape::COUNT, "Users of the license; 0 is no limit.")
            .risk(RiskRule::Quota),
        setting(
            "max_transfers",
            Shape::Integer {
                min: -1,
                max: i32::MAX as i64,
                digits: false,
            },
            "Moves from one device to another; 0 is no limit, -1 forbids them.",
        )
        .risk(RiskRule::Quota),
        setting("metadata", Shape::Object, "Free data of your own; {} is none."),
        switch(ENABLED, "Whether the license is enabled; false stops its use.")
            .risk(RiskRule::StopsAt(false))
            .call(SWITCH),
    ],
    calls: &[
        WriteCall {
            name: "POST /api/v1/licenses/{licenseId}/update_features/",
            mode: WriteMode::Overwrite,
            echo: Echo::Whole,
        },
        WriteCall {
            name: "PATCH /api/v1/licenses/{licenseId}/",
            mode: WriteMode::Merge,
            echo: Echo::Whole,
        },
        // The reply has a message alone.
        WriteCall {
            name: "POST /api/v1/licenses/{licenseId}/enable/ or /disable/",
            mode: WriteMode::Bodiless,
            echo: Echo::Nothing,
        },
        // In place of the first call where that could lose something. The reply is the row alone.
        WriteCall {
            name: "PATCH /api/v1/license-product-features/{id}/",
            mode: WriteMode::Element,
            echo: Echo::Nothing,
        },
    ],
    // Not created: a license comes with an order. Its `DELETE` cannot be undone, and nothing asks for it here.
    lifecycle: Lifecycle {
        off: "`enabled: false` stops its use",
        ..Lifecycle::NONE
    },
};

/// A member of the call for settings.
const fn setting(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field::new(name, shape, about).optional().call(SETTINGS)
}

/// A number of which more allows more.
const fn amount(name: &'static str, about: &'static str, used: Option<&'static str>) -> Field {
    setting(name, Shape::COUNT, about).risk(RiskRule::Amount { used })
}

const fn switch(name: &'static str, about: &'static str) -> Field {
    setting(name, Shape::Boolean, about)
}

/// A length of time; its form is checked by `audit`.
const SPAN: Shape = Shape::Text { max: Some(16) };

/// Members of a row that the list write does not name, and other calls set. It is not documented whether a written row
/// keeps them; the ids in the page's example hint that rows are made anew (2026-11-29). No page shows how a row names
/// its pool; this is the name of the resource.
pub const UNNAMED: &[&str] = &[
    "allow_unlimited_consumptions",
    "allow_negative_consumptions",
    "valid_duration",
    "consumption_pool",
];

/// What is read of a row beside its fields: the above, and its id.
pub const BESIDE: &[&str] = &[UNNAMED[0], UNNAMED[1], UNNAMED[2], UNNAMED[3], ROW_ID];
/// The id of a row, which may change with every write of the list.
pub const ROW_ID: &str = "id";

/// The members of a row that the call for one row names as well ("Update License Product Feature", 2026-11-29). It leaves
/// the others as they are, and those that have no name here. `floating_users` is in the newest text only.
pub const ROW_MEMBERS: [&str; 10] = [
    "max_consumption",
    "expiry_date",
    "allow_overages",
    "consumption_period",
    "max_overages",
    "reset_consumption",
    "metadata",
    "floating_timeout",
    "is_floating",
    "is_floating_cloud",
];

/// None of the members is required: what a new row leaves out gets the vendor's default.
pub static ITEMS: Elements = Elements {
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
