//! How a licence reads: its groups written out, after the other members.
//!
//! Written member by member, since a page of a hundred licences would otherwise be built as a tree first.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::account::{License, Organization, creation_order};
use super::switches::GroupOrder;
use crate::sandbox::strict_json::JsonObject;

impl Organization {
    /// The licence as the API shows it.
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

/// A licence on its way out.
pub(super) struct LicenseView<'a> {
    organization: &'a Organization,
    license: &'a License,
    order: GroupOrder,
}

impl LicenseView<'_> {
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

/// A group of a licence. The count of its users belongs to the user-group list only.
struct GroupView<'a>(&'a JsonObject);

impl Serialize for GroupView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != "totalUsers"))
    }
}
