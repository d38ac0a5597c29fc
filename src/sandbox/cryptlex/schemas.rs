//! The bodies of the write calls, member by member, with the limits that the vendor's pages print.
//!
//! From the reference pages of each call and, for members of a licence that lie beyond the stored part of its page,
//! the vendor's client types (checked 2026-11-21, 2026-11-29 and 2026-11-30).

use crate::sandbox::body_schema::{MemberRule, TEXT, ValueType};

/// The largest number of the type `int32`.
const MOST: i64 = i32::MAX as i64;
/// A name, an id or an e-mail address.
const NAME: ValueType = ValueType::Text(1, 256);
/// A text of at most 256 characters.
const LINE: ValueType = ValueType::Text(0, 256);
/// A number of which −1 is "unlimited".
const LIMIT: ValueType = ValueType::Integer(-1, MOST);
/// A list of ids or words.
const TEXTS: ValueType = ValueType::List(&TEXT);

pub(super) static LOGIN: [MemberRule; 4] = [
    MemberRule::optional("accountId", TEXT),
    MemberRule::optional("accountAlias", TEXT),
    MemberRule::required("email", TEXT),
    MemberRule::required("password", TEXT),
];

pub(super) static ORGANIZATION_LICENSE_UPDATE: [MemberRule; 1] =
    [MemberRule::required("userGroupIds", TEXTS)];

pub(super) static GROUP_CREATE: [MemberRule; 2] = [
    MemberRule::required("name", NAME),
    MemberRule::optional("description", LINE),
];
pub(super) static GROUP_UPDATE: [MemberRule; 2] = [
    MemberRule::optional("name", NAME),
    MemberRule::optional("description", LINE),
];

pub(super) static USER_UPDATE: [MemberRule; 6] = [
    MemberRule::optional("firstName", NAME),
    MemberRule::optional("lastName", LINE),
    MemberRule::optional("email", NAME),
    MemberRule::optional("role", NAME),
    MemberRule::optional("userGroupIds", TEXTS),
    MemberRule::optional("allowCustomerPortalAccess", ValueType::Flag),
];

static ADDRESS: [MemberRule; 6] = [
    MemberRule::optional("addressLine1", LINE),
    MemberRule::optional("addressLine2", LINE),
    MemberRule::optional("city", LINE),
    MemberRule::optional("state", LINE),
    MemberRule::optional("country", LINE),
    MemberRule::optional("postalCode", LINE),
];
/// The page of the create call is not stored; this is the body of its twin for resellers.
pub(super) static ORGANIZATION_CREATE: [MemberRule; 6] = [
    MemberRule::required("name", NAME),
    MemberRule::required("email", NAME),
    MemberRule::required("allowedUsers", LIMIT),
    MemberRule::optional("description", LINE),
    MemberRule::optional("address", ValueType::Record(&ADDRESS)),
    MemberRule::optional("resellerId", LINE),
];
pub(super) static ORGANIZATION_UPDATE: [MemberRule; 6] = [
    MemberRule::optional("name", NAME),
    MemberRule::optional("email", NAME),
    MemberRule::optional("description", LINE),
    MemberRule::optional("allowedUsers", LIMIT),
    MemberRule::optional("address", ValueType::Record(&ADDRESS)),
    MemberRule::optional("resellerId", LINE),
];

/// The views that may show a metadata entry or a meter attribute.
const PERMISSIONS: ValueType = ValueType::List(&ValueType::OneOf(&[
    "activation",
    "user",
    "organization",
    "reseller",
]));
static METADATA: [MemberRule; 3] = [
    MemberRule::required("key", NAME),
    MemberRule::required("value", TEXT),
    MemberRule::optional("viewPermissions", PERMISSIONS),
];
static METER_ATTRIBUTE: [MemberRule; 4] = [
    MemberRule::required("name", NAME),
    MemberRule::optional("allowedUses", ValueType::Integer(-1, i64::MAX)),
    MemberRule::optional("floating", ValueType::Flag),
    MemberRule::optional("viewPermissions", PERMISSIONS),
];

/// Lists the members that the create and the update call of a licence share, after those given.
macro_rules! license_members {
    ($($added:expr),* $(,)?) => { [
        $($added,)*
        MemberRule::optional("key", ValueType::Text(16, 256)),
        MemberRule::optional("revoked", ValueType::Flag),
        MemberRule::optional("suspended", ValueType::Flag),
        MemberRule::optional("fingerprintMatchingStrategy", STRATEGY),
        MemberRule::optional("allowedActivations", LIMIT),
        MemberRule::optional("allowedDeactivations", LIMIT),
        MemberRule::optional("leaseDuration", LIMIT),
        MemberRule::optional("allowClientLeaseDuration", ValueType::Flag),
        MemberRule::optional("allowedFloatingClients", ValueType::Integer(0, MOST)),
        MemberRule::optional("serverSyncGracePeriod", LIMIT),
        MemberRule::optional("serverSyncInterval", ValueType::Integer(180, MOST)),
        MemberRule::optional("allowedClockOffset", LIMIT),
        MemberRule::optional("cryptoBindingEnabled", ValueType::Flag),
        MemberRule::optional("expiringSoonEventOffset", ValueType::Integer(0, MOST)),
        MemberRule::optional("allowVmActivation", ValueType::Flag),
        MemberRule::optional("allowContainerActivation", ValueType::Flag),
        MemberRule::optional("requireAuthentication", ValueType::Flag),
        MemberRule::optional("disableGeoLocation", ValueType::Flag),
        MemberRule::optional("notes", TEXT),
        MemberRule::optional("allowedIpRanges", TEXTS),
        MemberRule::optional("allowedCountries", TEXTS),
        MemberRule::optional("disallowedCountries", TEXTS),
        MemberRule::optional("allowedIpAddresses", TEXTS),
        MemberRule::optional("disallowedIpAddresses", TEXTS),
        MemberRule::optional("userId", LINE),
        MemberRule::optional("resellerId", LINE),
        MemberRule::optional("additionalUserIds", TEXTS),
        MemberRule::optional("productVersionId", LINE),
        MemberRule::optional("maintenancePolicyId", LINE),
        MemberRule::optional("maxAllowedReleaseVersion", TEXT),
        MemberRule::optional("tags", TEXTS),
        MemberRule::optional("metadata", ValueType::List(&ValueType::Record(&METADATA))),
        MemberRule::optional(
            "meterAttributes",
            ValueType::List(&ValueType::Record(&METER_ATTRIBUTE)),
        ),
    ] };
}
const STRATEGY: ValueType = ValueType::OneOf(&["fuzzy", "exact", "loose"]);

/// The most items that a list of a licence may have.
pub(super) const LONGEST_LISTS: [(&str, usize); 7] = [
    ("allowedIpRanges", 20),
    ("allowedCountries", 256),
    ("disallowedCountries", 256),
    ("allowedIpAddresses", 256),
    ("disallowedIpAddresses", 256),
    ("tags", 5),
    ("metadata", 50),
];

pub(super) static LICENSE_UPDATE: [MemberRule; 33] = license_members![];

pub(super) static LICENSE_CREATE: [MemberRule; 41] = license_members![
    MemberRule::required("productId", NAME),
    MemberRule::optional("licenseTemplateId", NAME),
    MemberRule::optional("entitlementSetId", NAME).or_null(),
    MemberRule::optional("subscriptionInterval", LINE),
    MemberRule::optional("subscriptionStartTrigger", TRIGGER),
    MemberRule::optional("type", LICENSE_TYPE),
    MemberRule::optional("leasingStrategy", LEASING),
    MemberRule::optional("userLocked", ValueType::Flag),
];
const TRIGGER: ValueType = ValueType::OneOf(&["creation", "activation"]);
const LICENSE_TYPE: ValueType =
    ValueType::OneOf(&["node-locked", "hosted-floating", "on-premise-floating"]);
const LEASING: ValueType = ValueType::OneOf(&["per-machine", "per-instance"]);

/// Whether the expiry can be taken away by `null` is a switch.
pub(super) static EXPIRY_UPDATE: [MemberRule; 1] =
    [MemberRule::required("expiresAt", ValueType::Instant).or_null()];
