//! What a new order is made of: products, and for each its licenses. Only the creation takes it, and no read shows it
//! again in this form ("Create Order", checked 2026-11-30).

use crate::model::{Field, Shape};

/// Products of an order.
pub static ITEMS: [Field; 3] = [
    Field::new("product_code", Shape::TEXT, "Code of the product."),
    Field::new("note", Shape::TEXT, "Note on the item.").optional(),
    Field::new(
        "licenses",
        Shape::List(&LICENSES),
        "The licenses of this product.",
    ),
];

/// Licenses of one product. What is left out comes from the policy.
static LICENSES: [Field; 33] = [
    list(
        "users",
        &USERS,
        "The users of a license that belongs to users and has no key.",
    ),
    text(
        "policy_code",
        "Code of the license policy; the product's default one if it is left out.",
    ),
    choice(
        "license_type",
        &["perpetual", "time-limited", "subscription", "consumption"],
        "Type of the license.",
    ),
    text(
        "valid_duration",
        "How long the license is valid: 35d, 4m, 2y.",
    ),
    switch("enabled", "Whether the license can be used."),
    switch("is_trial", "Whether it is a trial license."),
    count("max_activations", "Devices allowed."),
    switch(
        "allow_unlimited_activations",
        "Whether any number of devices is allowed.",
    ),
    count("max_license_users", "Users allowed; 0 is no limit."),
    Field::new(
        "max_transfers",
        Shape::Integer {
            min: -1,
            max: i32::MAX as i64,
            digits: false,
        },
        "Moves to another device allowed; 0 is no limit, -1 forbids them.",
    )
    .optional(),
    count("max_consumptions", "Uses allowed in all, or in one period."),
    switch(
        "allow_unlimited_consumptions",
        "Whether any number of uses is allowed.",
    ),
    switch(
        "allow_negative_consumptions",
        "Whether uses can be given back.",
    ),
    switch(
        "allow_overages",
        "Whether use may go beyond `max_consumptions`.",
    ),
    count("max_overages", "Uses allowed beyond `max_consumptions`."),
    switch(
        "reset_consumption",
        "Whether the count starts again every period.",
    ),
    choice(
        "consumption_period",
        &["daily", "weekly", "monthly", "annually"],
        "When the count starts again.",
    ),
    switch("enable_maintenance_period", "Whether maintenance ends."),
    text(
        "maintenance_duration",
        "How long maintenance lasts: 35d, 4m, 2y.",
    ),
    Field::new(
        "maintenance_period",
        Shape::Date,
        "Last day of maintenance.",
    )
    .optional(),
    switch("is_floating", "Whether the license floats on premises."),
    switch(
        "is_floating_cloud",
        "Whether the license floats in the cloud.",
    ),
    count("floating_users", "Uses at the same time."),
    count(
        "floating_timeout",
        "Minutes after which an unused place is free again.",
    ),
    switch(
        "prevent_vm",
        "Whether it cannot be activated on a virtual machine.",
    ),
    switch(
        "is_air_gapped",
        "Whether it is for devices without a network.",
    ),
    switch(
        "can_borrow",
        "Whether a floating license can be taken along.",
    ),
    count("max_borrow_time", "Hours for which it can be taken along."),
    switch(
        "is_hardware_key_auth",
        "Whether a hardware key activates it.",
    ),
    switch(
        "allow_grace_period",
        "Whether it can be used for a while after its end.",
    ),
    count(
        "grace_period",
        "Hours for which it can be used after its end.",
    ),
    list(
        "product_features",
        &FEATURES,
        "Product features of the license.",
    ),
    list("custom_fields", &CUSTOM_FIELDS, "Values of custom fields."),
];

static USERS: [Field; 3] = [
    Field::new("email", Shape::TEXT, "E-mail address of the user."),
    switch("is_manager", "Whether the user manages the license."),
    count("max_activations", "Devices allowed for this user."),
];

static FEATURES: [Field; 2] = [
    Field::new("code", Shape::TEXT, "Code of the product feature."),
    count("max_consumption", "Uses allowed in all, or in one period."),
];

static CUSTOM_FIELDS: [Field; 2] = [
    Field::new("name", Shape::TEXT, "Name of the custom field."),
    Field::new("value", Shape::TEXT, "Its value."),
];

const fn list(name: &'static str, members: &'static [Field], about: &'static str) -> Field {
    Field::new(name, Shape::List(members), about).optional()
}

const fn text(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::TEXT, about).optional()
}

const fn count(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::COUNT, about).optional()
}

const fn switch(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Shape::Boolean, about).optional()
}

const fn choice(name: &'static str, values: &'static [&'static str], about: &'static str) -> Field {
    let aliases = &[];
    Field::new(name, Shape::Choice { values, aliases }, about).optional()
}
