//! How objects of a kind come and go, as facts: the key by which an object is found, and the calls that create and remove it.

use super::field::{Field, IdentityField};
use super::value::Value;

/// How objects of a kind come and go.
#[derive(Clone, Copy)]
pub struct Lifecycle {
    /// A key of the user's own; `None` where only the vendor's ids name an object.
    pub key: Option<NaturalKey>,
    /// `None` where no documented call creates an object.
    pub create: Option<CreateCall>,
    /// The call that removes an object, as the vendor prints it; `None` where none is documented.
    pub remove: Option<&'static str>,
    /// What a manifest can say in place of a removal: "`enabled: false` ends it". Empty if nothing comes near.
    pub off: &'static str,
}

impl Lifecycle {
    /// A kind whose objects are neither created nor removed.
    pub const NONE: Self = Self {
        key: None,
        create: None,
        remove: None,
        off: "",
    };

    /// Returns the fields that only a creation takes.
    pub fn creation_fields(&self) -> &'static [Field] {
        self.create.map_or(&[], |create| create.only)
    }
}

/// A key that the user chooses, by which the vendor filters or lists: the name of a user group.
///
/// The manifest may give it in place of the vendor's id: `userGroup: {name: Sales}` for `userGroupId`. Ids of what the
/// object belongs to, such as `organizationId`, stand beside either.
#[derive(Clone, Copy)]
pub struct NaturalKey {
    /// The id in whose place it may stand: `userGroupId`.
    pub replaces: &'static str,
    /// The member of `spec` that holds it: `userGroup`.
    pub member: &'static str,
    pub about: &'static str,
    /// The members of the key; their names differ from those of the ids. One with the name of a field is that field, which a
    /// manifest need not state again.
    pub fields: &'static [IdentityField],
}

impl NaturalKey {
    /// Reports whether a member of the key has this name, which may be that of a field.
    pub fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|member| member.name == name)
    }
}

/// The call that creates an object.
#[derive(Clone, Copy)]
pub struct CreateCall {
    /// The call as the vendor prints it: `POST /v3/user-groups`.
    pub name: &'static str,
    /// Fields that the manifest must state so that the object can be created; `Features.enabled` is a member that every
    /// element of a list must state.
    pub required: &'static [&'static str],
    /// Fields that the call does not take. They are written by their own calls once the object is there.
    pub excluded: &'static [&'static str],
    /// Fields that this call alone takes and no read shows: the licenses of a new order. They stand among the others in a
    /// manifest, and are used once: nothing compares them with the object that is there.
    pub only: &'static [Field],
}

impl CreateCall {
    /// Returns which required fields are not among those that are stated, as paths: `name`, `Features[Base 1.0].enabled`.
    pub fn missing<'f>(&self, stated: &dyn Fn(&str) -> Option<&'f Value>) -> Vec<String> {
        let lacking = |path: &&'static str| -> Vec<String> {
            let (name, member) = match path.split_once('.') {
                Some((name, member)) => (name, Some(member)),
                None => (*path, None),
            };
            match (stated(name), member) {
                (None, None) => vec![name.to_string()],
                (Some(list), Some(member)) => {
                    let elements = list.items().iter();
                    let elements = elements.filter(|(_, element)| !element.contains_key(member));
                    let paths = elements.map(|(key, _)| format!("{name}[{key}].{member}"));
                    paths.collect()
                }
                (Some(_), None) | (None, Some(_)) => Vec::new(),
            }
        };
        self.required.iter().flat_map(lacking).collect()
    }
}

/// What a write does: it changes an object by one of its calls, creates it, removes it, or changes what
/// its vendor has scheduled for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WritePurpose {
    /// The index of the call, among those of the kind.
    Update(usize),
    Create,
    Remove,
    /// It changes what the vendor is to do at a moment.
    Schedule,
}
