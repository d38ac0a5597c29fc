//! The members of the bodies that make and change orders, as the pages "Create Order" and "Update Order" print them.

use super::request_body::{COUNT, PERIODS};
use crate::sandbox::body_schema::{MemberRule, TEXT, ValueType};

const NUMBER: ValueType = ValueType::Integer(1, i64::MAX);
const FLAG: ValueType = ValueType::Flag;
const TYPE: ValueType =
    ValueType::OneOf(&["perpetual", "time-limited", "subscription", "consumption"]);

/// The members of a creation.
pub(super) static CREATE: [MemberRule; 12] = [
    MemberRule::required("id", ValueType::Text(1, 255)),
    MemberRule::required("items", ValueType::List(&ValueType::Record(&ITEM))),
    MemberRule::optional("append", FLAG),
    MemberRule::optional("is_test", FLAG),
    MemberRule::optional("order_type", ValueType::OneOf(&["normal"])),
    MemberRule::optional("language", TEXT),
    MemberRule::optional("campaign_params", TEXT),
    MemberRule::optional("download_id", TEXT),
    MemberRule::optional("prevent_vm", FLAG),
    MemberRule::optional("metadata", TEXT),
    MemberRule::optional("customer_account_id", NUMBER),
    MemberRule::optional("add_to_customer_account", FLAG),
];
static ITEM: [MemberRule; 3] = [
    MemberRule::required("product_code", ValueType::Text(1, 255)),
    MemberRule::optional("note", TEXT),
    MemberRule::optional("licenses", ValueType::List(&ValueType::Record(&LICENSE))),
];
static LICENSE: [MemberRule; 33] = [
    MemberRule::optional("users", ValueType::List(&ValueType::Record(&USER))),
    MemberRule::optional("policy_code", TEXT),
    MemberRule::optional("license_type", TYPE),
    MemberRule::optional("valid_duration", TEXT),
    MemberRule::optional("enabled", FLAG),
    MemberRule::optional("is_trial", FLAG),
    MemberRule::optional("max_activations", COUNT),
    MemberRule::optional("allow_unlimited_activations", FLAG),
    MemberRule::optional("max_license_users", COUNT),
    MemberRule::optional("max_transfers", ValueType::Integer(-1, i32::MAX as i64)),
    MemberRule::optional("max_consumptions", COUNT),
    MemberRule::optional("allow_unlimited_consumptions", FLAG),
    MemberRule::optional("allow_negative_consumptions", FLAG),
    MemberRule::optional("allow_overages", FLAG),
    MemberRule::optional("max_overages", COUNT),
    MemberRule::optional("reset_consumption", FLAG),
    MemberRule::optional("consumption_period", ValueType::OneOf(&PERIODS)),
    MemberRule::optional("enable_maintenance_period", FLAG),
    MemberRule::optional("maintenance_duration", TEXT),
    MemberRule::optional("maintenance_period", ValueType::Day),
    MemberRule::optional("is_floating", FLAG),
    MemberRule::optional("is_floating_cloud", FLAG),
    MemberRule::optional("floating_users", COUNT),
    MemberRule::optional("floating_timeout", COUNT),
    MemberRule::optional("prevent_vm", FLAG),
    MemberRule::optional("is_air_gapped", FLAG),
    MemberRule::optional("can_borrow", FLAG),
    MemberRule::optional("max_borrow_time", COUNT),
    MemberRule::optional("is_hardware_key_auth", FLAG),
    MemberRule::optional("allow_grace_period", FLAG),
    MemberRule::optional("grace_period", COUNT),
    MemberRule::optional(
        "product_features",
        ValueType::List(&ValueType::Record(&FEATURE)),
    ),
    MemberRule::optional(
        "custom_fields",
        ValueType::List(&ValueType::Record(&CUSTOM_FIELD)),
    ),
];
static USER: [MemberRule; 3] = [
    MemberRule::required("email", ValueType::Text(1, 255)),
    MemberRule::optional("is_manager", FLAG),
    MemberRule::optional("max_activations", COUNT),
];
static FEATURE: [MemberRule; 2] = [
    MemberRule::required("code", TEXT),
    MemberRule::optional("max_consumption", COUNT),
];
static CUSTOM_FIELD: [MemberRule; 2] = [
    MemberRule::required("name", TEXT),
    MemberRule::required("value", TEXT),
];
/// The members of an update.
pub(super) static UPDATE: [MemberRule; 10] = [
    MemberRule::optional("store_id", ValueType::Text(1, 255)),
    MemberRule::optional("type", ValueType::OneOf(&["normal"])),
    MemberRule::optional("is_test", FLAG),
    MemberRule::optional("is_trial", FLAG),
    MemberRule::optional("download_id", TEXT),
    MemberRule::optional("language", TEXT),
    MemberRule::optional("campaign_params", TEXT),
    MemberRule::optional("customer", NUMBER),
    MemberRule::optional("customer_account", NUMBER),
    MemberRule::optional("metadata", ValueType::Object),
];
