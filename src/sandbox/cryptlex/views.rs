//! The view of a Cryptlex licence: its own members, then its user groups in full.
//!
//! Serialized member by member, without a JSON tree in between, which a page of a hundred licences would pay for.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::account::{License, Organization, creation_order};
use super::switches::GroupOrder;
use crate::sandbox::strict_json::JsonObject;

impl Organization {
    /// Returns a licence of this organization as the API shows it.
    pub(super) fn license_view<'a>(
        &'a self,
        license: &'a License,
        order: GroupOrder,
    ) -> LicenseView<'a> {
        LicenseView {
            organization: self,
            license,
            order,
        }
    }
}

/// A licence as the API shows it.
pub(super) struct LicenseView<'a> {
    organization: &'a Organization,
    license: &'a License,
    order: GroupOrder,
}

impl LicenseView<'_> {
    /// Returns the groups of the licence in the order that the switch `group_order` asks for.
    fn groups(&self) -> Vec<GroupView<'_>> {
        let ids = self.license.groups.iter();
        let groups = ids.filter_map(|id| self.organization.groups.get(id));
        let mut groups: Vec<_> = groups.map(GroupView).collect();
        groups.sort_by_cached_key(|group| creation_order(group.0));
        if self.order == GroupOrder::Reversed {
            groups.reverse();
        }
        groups
    }
}

impl Serialize for LicenseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for (name, value) in self.license.fields.iter() {
            out.serialize_entry(name, value)?;
        }
        out.serialize_entry("userGroups", &self.groups())?;
        out.end()
    }
}

/// A user group inside a licence, without `totalUsers`, which only the list of user groups shows.
struct GroupView<'a>(&'a JsonObject);

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != "totalUsers"))
    }
}
