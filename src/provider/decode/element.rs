//! One element of a keyed list: its key and its fields.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::atom::{Atom, AtomReader, Take};
use super::columns::Items;
use super::reader::{Any, Named, Reader, drain, kind};
use super::slots::Slots;
use super::{Decoded, Fault};
use crate::model::{ElementKey, Fields, Text, Value};
use crate::provider::canon::Scalar;

/// The most parts that a key of any table has; held by a test.
pub(super) const MOST_PARTS: usize = 2;

/// Reads an element. A fault has its place below the list.
#[derive(Clone, Copy)]
pub(super) struct ElementReader<'c>(pub &'c Items);

fn odd<T>(kind: &str) -> Decoded<T> {
    Err(Fault::new("", format!("has an element that is {kind}")))
}

/// What a member of an element is.
enum Member {
    Part(usize),
    Field(usize),
    Unnamed(&'static str),
    Other,
}

impl ElementReader<'_> {
    fn member(self, name: &str) -> Member {
        if let Some(part) = self.0.elements.key.iter().position(|known| *known == name) {
            return Member::Part(part);
        }
        if let Some(field) = self.0.columns.find(name) {
            return Member::Field(field);
        }
        let unnamed = self.0.unnamed.iter().find(|known| **known == name);
        unnamed.map_or(Member::Other, |name| Member::Unnamed(name))
    }

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

impl<'de> Reader<'de> for ElementReader<'_> {
    type Value = Decoded<(ElementKey, Fields)>;

    fn scalar(self, given: Scalar<'_>) -> Self::Value {
        odd(kind(given))
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        drain(&mut access)?;
        Ok(odd("a list"))
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut parts: [Atom<'de>; MOST_PARTS] = Default::default();
        let mut slots = Slots::new(&self.0.columns);
        let mut unnamed = Vec::new();
        while let Some(member) = access.next_key_seed(Named(|name: &str| self.member(name)))? {
            match member {
                Member::Part(part) => {
                    let atom = access.next_value_seed(Any(AtomReader(self.0.key())))?;
                    if let Some(slot) = parts.get_mut(part) {
                        *slot = atom;
                    }
                }
                Member::Field(at) => slots.read(at, &mut access)?,
                Member::Unnamed(name) => {
                    let atom = access.next_value_seed(Any(AtomReader(Take::Itself)))?;
                    unnamed.extend(atom.set().map(|text| (name, Value::Text(text.into()))));
                }
                Member::Other => {
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
