//! Reads members beside the fields of a table, such as ids and names, as scalars.
//!
//! In: an [`AtomShape`], which says where the value stands. Out: an [`Atom`], borrowed from the text where it has no
//! escapes. Lists and objects are read over and only their kind is kept. The first atom of a row is its id.

use std::borrow::Cow;

use serde::de::{MapAccess, SeqAccess};

use super::reader::{Any, ObjectReader, read_member, skip_list, skip_object};
use crate::provider::canon::{self, Scalar};

/// A member of which only scalars are kept; `Missing` if the object does not have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Atom<'de> {
    #[default]
    Missing,
    Null,
    Bool(bool),
    Integer(i64),
    /// Any other number, as it is written.
    Number(String),
    Text(Cow<'de, str>),
    List,
    /// A list of objects: of each, the member that `TakeAtom::Each` names.
    Each(Vec<Atom<'de>>),
    Object,
}

impl Atom<'_> {
    /// Returns the text; `None` for any other value, also a number.
    pub fn text(&self) -> Option<&str> {
        match self {
            Atom::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns an integer that is written as a number or as digits in a text; `None` otherwise.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Atom::Integer(number) => Some(*number),
            Atom::Number(digits) => canon::parse_integer(digits),
            Atom::Text(text) => canon::parse_integer(text),
            _ => None,
        }
    }

    /// Returns the value as text; `None` for null, false, zero and the empty text, which count as not set.
    pub fn set(&self) -> Option<String> {
        match self {
            Atom::Missing | Atom::Null | Atom::Bool(false) | Atom::Integer(0) => None,
            Atom::Text(text) if text.is_empty() => None,
            Atom::Text(text) => Some(text.to_string()),
            Atom::Bool(true) => Some("true".into()),
            Atom::Integer(number) => Some(number.to_string()),
            Atom::Number(digits) => Some(digits.clone()),
            Atom::List | Atom::Each(_) | Atom::Object => Some(self.kind().into()),
        }
    }

    /// Reports whether the member is missing or null.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Atom::Missing | Atom::Null)
    }

    /// Returns the scalar for `canon`; `Null` for everything that is no scalar.
    pub(super) fn scalar(&self) -> Scalar<'_> {
        match self {
            Atom::Bool(value) => Scalar::Bool(*value),
            Atom::Integer(number) => Scalar::Integer(*number),
            Atom::Number(digits) => Scalar::Number(digits),
            Atom::Text(text) => Scalar::Text(text),
            Atom::Missing | Atom::Null | Atom::List | Atom::Each(_) | Atom::Object => Scalar::Null,
        }
    }

    /// Names the type of the value for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Atom::Missing => "missing",
            Atom::Null => "null",
            Atom::Bool(_) => "a boolean",
            Atom::Integer(_) | Atom::Number(_) => "a number",
            Atom::Text(_) => "text",
            Atom::List | Atom::Each(_) => "a list",
            Atom::Object => "an object",
        }
    }
}

/// Says where an atom stands in an object.
#[derive(Clone, Copy, Debug)]
pub struct AtomShape {
    pub(super) member: &'static str,
    pub(super) take: TakeAtom,
}

/// Says what is read of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum TakeAtom {
    Itself,
    /// A member of the object that it is.
    Inside(&'static str),
    /// A member of every object in the list that it is.
    Each(&'static str),
}

impl AtomShape {
    /// Takes the member itself.
    pub const fn at(member: &'static str) -> Self {
        let take = TakeAtom::Itself;
        Self { member, take }
    }

    /// Takes the member `name` of the object in `member`.
    pub const fn inside(member: &'static str, name: &'static str) -> Self {
        let take = TakeAtom::Inside(name);
        Self { member, take }
    }

    /// Takes the member `name` of every object in the list in `member`.
    pub const fn each(member: &'static str, name: &'static str) -> Self {
        let take = TakeAtom::Each(name);
        Self { member, take }
    }
}

/// Reads an atom.
#[derive(Clone, Copy)]
pub(super) struct AtomReader(pub TakeAtom);

impl<'de> ObjectReader<'de> for AtomReader {
    type Value = Atom<'de>;

    fn scalar(self, given: Scalar<'_>) -> Atom<'de> {
        match (self.0, given) {
            (TakeAtom::Inside(_), _) => Atom::Missing,
            (_, Scalar::Null) => Atom::Null,
            (_, Scalar::Bool(value)) => Atom::Bool(value),
            (_, Scalar::Integer(number)) => Atom::Integer(number),
            (_, Scalar::Number(digits)) => Atom::Number(digits.to_string()),
            (_, Scalar::Text(text)) => Atom::Text(Cow::Owned(text.to_string())),
        }
    }

    fn text(self, text: &'de str) -> Atom<'de> {
        match self.0 {
            TakeAtom::Inside(_) => Atom::Missing,
            TakeAtom::Itself | TakeAtom::Each(_) => Atom::Text(Cow::Borrowed(text)),
        }
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Atom<'de>, A::Error> {
        let name = match self.0 {
            TakeAtom::Each(name) => name,
            TakeAtom::Itself | TakeAtom::Inside(_) => {
                skip_list(&mut access)?;
                return Ok(match self.0 {
                    TakeAtom::Inside(_) => Atom::Missing,
                    TakeAtom::Itself | TakeAtom::Each(_) => Atom::List,
                });
            }
        };
        let mut found = Vec::new();
        while let Some(atom) = access.next_element_seed(Any(AtomReader(TakeAtom::Inside(name))))? {
            found.push(atom);
        }
        Ok(Atom::Each(found))
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Atom<'de>, A::Error> {
        let TakeAtom::Inside(name) = self.0 else {
            skip_object(&mut access)?;
            return Ok(Atom::Object);
        };
        let inside = read_member(name, Any(AtomReader(TakeAtom::Itself)), access)?;
        Ok(inside.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_one_however_it_is_written() {
        for atom in [
            Atom::Integer(40),
            Atom::Number("40.0".into()),
            Atom::Text("4e1".into()),
        ] {
            assert_eq!(atom.integer(), Some(40), "{atom:?}");
        }
        for atom in [
            Atom::Number("40.5".into()),
            Atom::Text("forty".into()),
            Atom::Bool(true),
            Atom::Null,
        ] {
            assert_eq!(atom.integer(), None, "{atom:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_not_set() {
        for (atom, set) in [
            (Atom::Missing, None),
            (Atom::Null, None),
            (Atom::Bool(false), None),
            (Atom::Integer(0), None),
            (Atom::Text("".into()), None),
            (Atom::Text("x".into()), Some("x")),
            (Atom::Bool(true), Some("true")),
            (Atom::Integer(7), Some("7")),
            (Atom::Number("0.5".into()), Some("0.5")),
            (Atom::List, Some("a list")),
            (Atom::Object, Some("an object")),
        ] {
            assert_eq!(atom.set().as_deref(), set, "{atom:?}");
            let nothing = matches!(atom, Atom::Missing | Atom::Null);
            assert_eq!(atom.is_nothing(), nothing, "{atom:?}");
        }
    }
}
