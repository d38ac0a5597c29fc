//! How a licence reads: its groups written out, after the other members.
//!
//! Written member by member, since a page of a hundred licences would otherwise be built as a tree first.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::account::{License, Organization, creation};
use super::switches::GroupOrder;

impl Organization {
    /// The licence as the API shows it.
    pub(super) fn reading<'a>(&'a self, license: &'a License, order: GroupOrder) -> Reading<'a> {
        Reading {
            organization: self,
            license,
            order,
        }
    }
}

/// A licence on its way out.
pub(super) struct Reading<'a> {
    organization: &'a Organization,
    license: &'a License,
    order: GroupOrder,
}

impl Reading<'_> {
    fn groups(&self) -> Vec<Group<'_>> {
        let ids = self.license.groups.iter();
        let groups = ids.filter_map(|id| self.organization.groups.get(id));
        let mut groups: Vec<_> = groups.map(Group).collect();
        groups.sort_by_cached_key(|group| creation(group.0));
        if self.order == GroupOrder::Reversed {
            groups.reverse();
        }
        groups
    }
}

impl Serialize for Reading<'_> {
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
struct Group<'a>(&'a Map<String, Value>);

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != "totalUsers"))
    }
}
