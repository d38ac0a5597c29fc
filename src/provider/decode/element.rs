//! Reads one element of a keyed list: its key, its fields, and set members that no write can name.
//!
//! In: an object of the reply. Out: the key and the fields, or a `Fault` with its place below the list, for example
//! `[].name is missing`. Duplicate keys are found in `value`, which sees the whole list.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::atom::{Atom, AtomReader, TakeAtom};
use super::columns::ItemColumns;
use super::reader::{Any, Named, ObjectReader, scalar_kind, skip_list};
use super::slots::FieldSlots;
use super::{Decoded, Fault};
use crate::model::{ElementKey, Fields, Text, Value};
use crate::provider::canon::Scalar;

/// The most parts that a key of any table has; held by a test.
pub(super) const MOST_PARTS: usize = 2;

/// Reads an element. A fault has its place below the list.
#[derive(Clone, Copy)]
pub(super) struct ElementReader<'c>(pub &'c ItemColumns);

/// Makes the fault of an element that is no object; `kind` says what it is instead.
fn odd_element<T>(kind: &str) -> Decoded<T> {
    Err(Fault::new("", format!("has an element that is {kind}")))
}

/// Classifies a member of an element: a part of the key, a field, a member no write can name, or none of these.
enum ElementMember {
    Part(usize),
    Field(usize),
    Unnamed(&'static str),
    Other,
}

impl ElementReader<'_> {
    /// Classifies a member by its name. The indices are those of the key part and of the column.
    fn member(self, name: &str) -> ElementMember {
        if let Some(part) = self.0.elements.key.iter().position(|known| *known == name) {
            return ElementMember::Part(part);
        }
        if let Some(field) = self.0.columns.find(name) {
            return ElementMember::Field(field);
        }
        let unnamed = self.0.unnamed.iter().find(|known| **known == name);
        unnamed.map_or(ElementMember::Other, |name| ElementMember::Unnamed(name))
    }

    /// Makes the key of its parts. `Err` names the first part that is missing or no text.
    fn key(self, parts: &[Atom<'_>]) -> Decoded<ElementKey> {
        let mut texts = Vec::with_capacity(parts.len());
        for (name, part) in self.0.elements.key.iter().zip(parts) {
            let wrong = match (part, self.0.inside) {
                (Atom::Text(text), _) => {
                    texts.push(Text::from(&**text));
                    continue;
                }
                (_, Some(inside)) => Fault::new(format!("[].{name}.{inside}"), "is no text"),
                (Atom::Missing, None) => Fault::new(format!("[].{name}"), "is missing"),
                (other, None) => {
                    let words = format!("must be text, not {}", other.kind());
                    Fault::new(format!("[].{name}"), words)
                }
            };
            return Err(wrong);
        }
        Ok(ElementKey::new(texts, self.0.elements.fold))
    }
}

impl<'de> ObjectReader<'de> for ElementReader<'_> {
    type Value = Decoded<(ElementKey, Fields)>;

    fn scalar(self, given: Scalar<'_>) -> Self::Value {
        odd_element(scalar_kind(given))
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_list(&mut access)?;
        Ok(odd_element("a list"))
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut parts: [Atom<'de>; MOST_PARTS] = Default::default();
        let mut slots = FieldSlots::new(&self.0.columns);
        let mut unnamed = Vec::new();
        while let Some(member) = access.next_key_seed(Named(|name: &str| self.member(name)))? {
            match member {
                ElementMember::Part(part) => {
                    let atom = access.next_value_seed(Any(AtomReader(self.0.key())))?;
                    if let Some(slot) = parts.get_mut(part) {
                        *slot = atom;
                    }
                }
                ElementMember::Field(at) => slots.read(at, &mut access)?,
                ElementMember::Unnamed(name) => {
                    let atom = access.next_value_seed(Any(AtomReader(TakeAtom::Itself)))?;
                    unnamed.extend(atom.set().map(|text| (name, Value::Text(text.into()))));
                }
                ElementMember::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        let decoded = self.key(&parts).and_then(|key| match slots.finish() {
            Ok(mut fields) => {
                fields.extend(unnamed);
                Ok((key, fields))
            }
            Err(fault) => Err(fault.below(format_args!("[{key}]."))),
        });
        Ok(decoded)
    }
}
