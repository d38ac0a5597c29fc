//! One kind of object as data: how it is named, its fields, and the calls that write, create and remove it.

use super::address::{Kind, Vendor};
use super::field::{Field, IdentityField, find_field};
use super::lifecycle::{Lifecycle, WritePurpose};
use super::path::{FieldPath, PathPart};
use super::write_call::{Echo, WriteCall, WriteMode};

/// One kind of object: its identity, its fields and the calls that write them.
pub struct KindTable {
    pub kind: Kind,
    pub vendor: Vendor,
    /// One sentence for `explain` and the schema.
    pub about: &'static str,
    pub identity: &'static [IdentityField],
    /// The fields, in the order of the calls that they belong to.
    pub desired: &'static [Field],
    /// The calls that write the fields, in the order in which they are sent.
    pub calls: &'static [WriteCall],
    pub lifecycle: Lifecycle,
}

impl KindTable {
    /// Returns the fields of the call at `index`; none for an index that the kind does not have.
    ///
    /// For calls of two, three and one fields, the second is `desired[2..5]`.
    pub fn fields_of(&self, index: usize) -> &'static [Field] {
        let begin = self.desired.partition_point(|field| field.call < index);
        let end = self.desired.partition_point(|field| field.call <= index);
        &self.desired[begin..end]
    }

    /// Returns what the call of a write carries and shows. A creation and a removal concern the whole object, which is
    /// read right before and right after.
    pub fn call_for(&self, purpose: WritePurpose) -> WriteCall {
        let whole = |name| WriteCall {
            name,
            mode: WriteMode::Overwrite,
            echo: Echo::Nothing,
        };
        match purpose {
            WritePurpose::Update(index) => self.calls[index],
            WritePurpose::Create => whole(self.lifecycle.create.map_or("", |call| call.name)),
            WritePurpose::Remove => whole(self.lifecycle.remove.unwrap_or_default()),
            // What somebody else scheduled meanwhile must not be lost, so the object is read right before.
            WritePurpose::Schedule => whole(""),
        }
    }

    /// Returns the name of the object's own id, beside the ids of what it belongs to: `userGroupId` and not
    /// `organizationId`.
    pub fn id_member(&self) -> &'static str {
        let last = self.identity.last().map_or("", |id| id.name);
        self.lifecycle.key.map_or(last, |key| key.replaces)
    }

    /// Returns the members by which a manifest names an object: the ids, of which the natural key replaces one if `keyed`.
    pub fn naming(&self, keyed: bool) -> impl Iterator<Item = &'static IdentityField> {
        let key = self.lifecycle.key.filter(|_| keyed);
        let stays = move |id: &&IdentityField| key.is_none_or(|key| key.replaces != id.name);
        let fields = key.map_or(&[][..], |key| key.fields);
        self.identity.iter().filter(stays).chain(fields)
    }

    /// Returns the index of the call that writes the field at `path`; 0 for a path that the table does not have.
    pub fn call_of(&self, path: &FieldPath) -> usize {
        let name = match path.parts().first() {
            Some(PathPart::Field(name)) => *name,
            Some(PathPart::Element(_)) | None => return 0,
        };
        find_field(self.desired, name).map_or(0, |field| field.call)
    }
}
