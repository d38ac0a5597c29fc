//! The fields that each list call can filter and sort by, as its page names them.
//!
//! Checked 2026-11-21 and 2026-11-30. Left out are filters by activations and by what is about to expire.

use super::filter::{FieldType, FilterField};

/// The fields of organizations that the list page names.
pub(super) const ORGANIZATION_FIELDS: [FilterField; 6] = [
    ("id", FieldType::Text),
    ("name", FieldType::Text),
    ("email", FieldType::Text),
    ("resellerId", FieldType::Text),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
/// The fields of user groups that the list page names.
pub(super) const GROUP_FIELDS: [FilterField; 4] = [
    ("id", FieldType::Text),
    ("name", FieldType::Text),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
/// The fields of an organization's licences that the list page names.
pub(super) const ORGANIZATION_LICENSE_FIELDS: [FilterField; 21] = [
    ("id", FieldType::Text),
    ("key", FieldType::Text),
    ("userGroupId", FieldType::Text),
    ("revoked", FieldType::Flag),
    ("suspended", FieldType::Flag),
    ("perpetual", FieldType::Flag),
    ("expired", FieldType::Flag),
    ("type", FieldType::Text),
    ("validity", FieldType::Number),
    ("subscriptionInterval", FieldType::Text),
    ("allowedActivations", FieldType::Number),
    ("allowedDeactivations", FieldType::Number),
    ("totalActivations", FieldType::Number),
    ("totalDeactivations", FieldType::Number),
    ("notes", FieldType::Text),
    ("metadata.key", FieldType::Text),
    ("metadata.value", FieldType::Text),
    ("entitlementSetId", FieldType::Text),
    ("expiresAt", FieldType::Date),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
/// The fields of the account's licences that the list page names. Its stored copy ends at `key`; what follows is taken
/// from the list of an organization's licences.
pub(super) const LICENSE_FIELDS: [FilterField; 36] = [
    ("userId", FieldType::Text),
    ("organizationId", FieldType::Text),
    ("productId", FieldType::Text),
    ("productVersionId", FieldType::Text),
    ("resellerId", FieldType::Text),
    ("user.email", FieldType::Text),
    ("user.company", FieldType::Text),
    ("organization.name", FieldType::Text),
    ("allowVmActivation", FieldType::Flag),
    ("userLocked", FieldType::Flag),
    ("expirationStrategy", FieldType::Text),
    ("subscriptionStartTrigger", FieldType::Text),
    ("tags", FieldType::Text),
    ("maintenanceExpiresAt", FieldType::Date),
    ("activatedAt", FieldType::Date),
    ("lastUsedAt", FieldType::Date),
    ("key", FieldType::Text),
    ("id", FieldType::Text),
    ("revoked", FieldType::Flag),
    ("suspended", FieldType::Flag),
    ("perpetual", FieldType::Flag),
    ("expired", FieldType::Flag),
    ("type", FieldType::Text),
    ("validity", FieldType::Number),
    ("subscriptionInterval", FieldType::Text),
    ("allowedActivations", FieldType::Number),
    ("allowedDeactivations", FieldType::Number),
    ("totalActivations", FieldType::Number),
    ("totalDeactivations", FieldType::Number),
    ("notes", FieldType::Text),
    ("metadata.key", FieldType::Text),
    ("metadata.value", FieldType::Text),
    ("entitlementSetId", FieldType::Text),
    ("expiresAt", FieldType::Date),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
/// The fields of an organization's users that the list page names, without those that no row shows.
pub(super) const USER_FIELDS: [FilterField; 7] = [
    ("id", FieldType::Text),
    ("userGroupId", FieldType::Text),
    ("role", FieldType::Text),
    ("email", FieldType::Text),
    ("name", FieldType::Text),
    ("createdAt", FieldType::Date),
    ("updatedAt", FieldType::Date),
];
