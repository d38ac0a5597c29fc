//! The views of the API: a licence as its organization sees it, a licence in full, and a user of an organization.
//!
//! Serialized member by member, without a JSON tree in between, which a page of a hundred licences would pay for.

use std::collections::BTreeSet;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::account::{Account, License, Organization, OrganizationUser};
use super::license_entries::is_shown_to_organization;
use super::organization_users::full_name;
use super::switches::{AbsentUser, GroupOrder, Switches};
use super::templates::creation_order;
use crate::sandbox::strict_json::JsonObject;

/// The members of an organization's licence in the order of its page, without `userGroups`, which come last.
const ORGANIZATION_LICENSE: [&str; 24] = [
    "id",
    "createdAt",
    "updatedAt",
    "key",
    "revoked",
    "suspended",
    "perpetual",
    "type",
    "validity",
    "subscriptionInterval",
    "totalActivations",
    "totalDeactivations",
    "allowedActivations",
    "allowedDeactivations",
    "allowedFloatingClients",
    "leaseDuration",
    "expiresAt",
    "effectiveDate",
    "notes",
    "metadata",
    "meterAttributes",
    "product",
    "productVersion",
    "entitlementSet",
];

/// The members of a licence in the order of the page "Retrieve a license" (2026-11-30), whose stored copy ends within
/// `organization`. Those behind it are in the order of an older client.
const LICENSE: [&str; 57] = [
    "id",
    "createdAt",
    "updatedAt",
    "key",
    "revoked",
    "suspended",
    "perpetual",
    "totalActivations",
    "totalDeactivations",
    "validity",
    "expirationStrategy",
    "subscriptionInterval",
    "subscriptionStartTrigger",
    "fingerprintMatchingStrategy",
    "allowedActivations",
    "allowedDeactivations",
    "type",
    "allowedFloatingClients",
    "serverSyncGracePeriod",
    "serverSyncInterval",
    "allowedClockOffset",
    "cryptoBindingEnabled",
    "disableClockValidation",
    "expiringSoonEventOffset",
    "leaseDuration",
    "leasingStrategy",
    "effectiveDate",
    "expiresAt",
    "activatedAt",
    "lastUsedAt",
    "allowVmActivation",
    "allowContainerActivation",
    "allowClientLeaseDuration",
    "userLocked",
    "requireAuthentication",
    "disableGeoLocation",
    "notes",
    "productId",
    "entitlementSetId",
    "productVersionId",
    "maintenancePolicyId",
    "maintenanceExpiresAt",
    "currentReleaseVersion",
    "maxAllowedReleaseVersion",
    "organizationId",
    "organization",
    "user",
    "reseller",
    "additionalUserIds",
    "allowedIpRanges",
    "allowedIpAddresses",
    "disallowedIpAddresses",
    "allowedCountries",
    "disallowedCountries",
    "metadata",
    "meterAttributes",
    "tags",
];

impl Organization {
    /// Returns a licence of this organization as its own calls show it.
    pub(super) fn license_view<'a>(
        &'a self,
        license: &'a License,
        order: GroupOrder,
    ) -> OrganizationLicenseView<'a> {
        OrganizationLicenseView {
            organization: self,
            license,
            order,
        }
    }

    /// Returns a user of this organization as the API shows one.
    pub(super) fn user_view<'a>(
        &'a self,
        user: &'a OrganizationUser,
        order: GroupOrder,
    ) -> UserView<'a> {
        UserView {
            organization: self,
            user,
            order,
        }
    }

    /// Returns some of the groups in the order that the switch `group_order` asks for.
    fn group_views(&self, ids: &BTreeSet<String>, order: GroupOrder) -> Vec<GroupView<'_>> {
        let groups = ids.iter().filter_map(|id| self.groups.get(id));
        let mut groups: Vec<_> = groups.map(GroupView).collect();
        groups.sort_by_cached_key(|group| creation_order(group.0));
        if order == GroupOrder::Reversed {
            groups.reverse();
        }
        groups
    }
}

impl Account {
    /// Returns a licence as the calls of the account's scope show it.
    pub(super) fn license_view<'a>(
        &'a self,
        license: &'a License,
        switches: &Switches,
    ) -> LicenseView<'a> {
        LicenseView {
            organization: self.organization_of(license),
            license,
            groups: switches.license_groups.then_some(switches.group_order),
            absent_user: switches.absent_user,
        }
    }
}

/// A licence as its organization sees it: without the entries that are not visible to organizations.
pub(super) struct OrganizationLicenseView<'a> {
    organization: &'a Organization,
    license: &'a License,
    order: GroupOrder,
}

impl Serialize for OrganizationLicenseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &self.license.fields;
        let mut out = serializer.serialize_map(None)?;
        for name in ORGANIZATION_LICENSE {
            match &fields[name] {
                Value::Array(entries) => {
                    let shown = entries.iter().filter(|it| is_shown_to_organization(it));
                    let shown: Vec<EntryView<'_>> = shown.map(EntryView).collect();
                    out.serialize_entry(name, &shown)?;
                }
                value => out.serialize_entry(name, value)?,
            }
        }
        let groups = self
            .organization
            .group_views(&self.license.groups, self.order);
        out.serialize_entry("userGroups", &groups)?;
        out.end()
    }
}

/// An entry of a list as an organization sees it, without its permissions.
struct EntryView<'a>(&'a Value);

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.as_object().into_iter().flatten();
        serializer.collect_map(members.filter(|(name, _)| *name != "viewPermissions"))
    }
}

/// A licence in full.
pub(super) struct LicenseView<'a> {
    organization: Option<&'a Organization>,
    license: &'a License,
    /// The order of the user groups; `None` leaves them out.
    groups: Option<GroupOrder>,
    absent_user: AbsentUser,
}

impl Serialize for LicenseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &self.license.fields;
        let owner = self.organization.map(|organization| &organization.fields);
        let mut out = serializer.serialize_map(None)?;
        for name in LICENSE {
            match name {
                "productId" => out.serialize_entry(name, &fields["product"]["id"])?,
                "organizationId" => {
                    out.serialize_entry(name, &owner.and_then(|owner| owner.get("id")))?;
                }
                "organization" => out.serialize_entry(name, &owner)?,
                "user" if fields[name].is_null() && self.absent_user == AbsentUser::Omit => {}
                name => out.serialize_entry(name, &fields[name])?,
            }
        }
        if let Some(order) = self.groups {
            let owner = self.organization;
            let groups = owner.map(|owner| owner.group_views(&self.license.groups, order));
            out.serialize_entry("userGroups", &groups.unwrap_or_default())?;
        }
        out.end()
    }
}

/// A user of an organization with the user's groups.
pub(super) struct UserView<'a> {
    organization: &'a Organization,
    user: &'a OrganizationUser,
    order: GroupOrder,
}

impl Serialize for UserView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = &self.user.fields;
        let mut out = serializer.serialize_map(None)?;
        for (name, value) in fields
            .iter()
            .filter(|(name, _)| *name != "allowCustomerPortalAccess")
        {
            if name == "firstName" {
                let whole = full_name(&fields["firstName"], &fields["lastName"]);
                out.serialize_entry("name", &whole)?;
            }
            out.serialize_entry(name, value)?;
        }
        let groups = self.organization.group_views(&self.user.groups, self.order);
        out.serialize_entry("userGroups", &groups)?;
        out.end()
    }
}

/// A user group inside another object, without `totalUsers`, which only the list of user groups shows.
struct GroupView<'a>(&'a JsonObject);

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != "totalUsers"))
    }
}
