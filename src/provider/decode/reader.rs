//! Provides what all readers of JSON values share: they accept every type of value, and read it to its end.
//!
//! In: a deserializer of serde, over text or a tree. Out: calls of [`ObjectReader`], with numbers as serde_json's
//! arbitrary precision writes them. What a value means is decided by the readers in `atom`, `value`, `element` and
//! `page`.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::provider::canon::Scalar;

/// Makes a result of any JSON value, and reads the value to its end in any case.
pub(super) trait ObjectReader<'de>: Sized {
    type Value;

    fn scalar(self, given: Scalar<'_>) -> Self::Value;

    /// Takes a text without escapes, borrowed from what is read.
    fn text(self, text: &'de str) -> Self::Value {
        self.scalar(Scalar::Text(text))
    }

    fn list<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error>;

    fn object<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error>;
}

/// Adapts a reader to serde, as a seed and as a visitor.
#[derive(Clone, Copy)]
pub(super) struct Any<R>(pub R);

impl<'de, R: ObjectReader<'de>> DeserializeSeed<'de> for Any<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: ObjectReader<'de>> Visitor<'de> for Any<R> {
    type Value = R::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<R::Value, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => self.0.scalar(Scalar::Integer(value)),
            Err(_) => self.0.scalar(Scalar::Number(&value.to_string())),
        })
    }

    // Large numbers and fractions come like this from trees only.
    fn visit_u128<E>(self, value: u128) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Number(&value.to_string())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Number(&value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Number(&value.to_string())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<R::Value, E> {
        Ok(self.0.text(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<R::Value, E> {
        Ok(self.0.scalar(Scalar::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<R::Value, A::Error> {
        self.0.list(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<R::Value, A::Error> {
        match first_key(access)? {
            FirstMember::Number(digits) => Ok(self.0.scalar(match digits.parse() {
                Ok(zero) => Scalar::Integer(zero),
                Err(_) => Scalar::Number(&digits),
            })),
            FirstMember::Member(access) => self.0.object(access),
        }
    }
}

/// The one key of the object that serde_json hands over in place of a number which is no 64-bit integer; the value
/// is the number as it is written.
const NUMBER: &str = "$serde_json::private::Number";

/// Tells whether a map is an object or a number that serde_json passes as a map.
enum FirstMember<'de, A> {
    Number(String),
    Member(Resumed<'de, A>),
}

/// An object whose first key has been read already.
struct Resumed<'de, A> {
    first: Option<Cow<'de, str>>,
    rest: A,
}

/// Reads the first key of a map and decides by it whether the map is a number.
fn first_key<'de, A: MapAccess<'de>>(mut access: A) -> Result<FirstMember<'de, A>, A::Error> {
    let first = access.next_key_seed(Key)?;
    if first.as_deref() == Some(NUMBER) {
        return access.next_value().map(FirstMember::Number);
    }
    Ok(FirstMember::Member(Resumed {
        first,
        rest: access,
    }))
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Resumed<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => seed.deserialize(CowStrDeserializer::new(key)).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

/// Reads a key, borrowed from the text where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_string()))
    }
}

/// Looks up the name of a member while it is still in the text, without a copy.
pub(super) struct Named<F>(pub F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Named<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Named<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name))
    }
}

/// Reads the member `name` of an object with a seed and skips the others; `None` if it is missing.
pub(super) fn read_member<'de, S, A>(
    name: &str,
    seed: S,
    mut access: A,
) -> Result<Option<S::Value>, A::Error>
where
    S: DeserializeSeed<'de> + Copy,
    A: MapAccess<'de>,
{
    let mut found = None;
    while let Some(matched) = access.next_key_seed(Named(|given: &str| given == name))? {
        if matched {
            found = Some(access.next_value_seed(seed)?);
        } else {
            access.next_value::<IgnoredAny>()?;
        }
    }
    Ok(found)
}

/// Reads one member of an object with a seed; `None` where the member or the object is missing.
#[derive(Clone, Copy)]
pub(super) struct Inside<S>(pub &'static str, pub S);

impl<'de, S: DeserializeSeed<'de> + Copy> ObjectReader<'de> for Inside<S> {
    type Value = Option<S::Value>;

    fn scalar(self, _: Scalar<'_>) -> Self::Value {
        None
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_list(&mut access)?;
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        read_member(self.0, self.1, access)
    }
}

/// Reads a value, or the member of an object that has it; `None` where the object does not have it.
#[derive(Clone, Copy)]
pub(super) struct ItselfOrInside<R>(pub &'static str, pub R);

impl<'de, R: ObjectReader<'de> + Copy> ObjectReader<'de> for ItselfOrInside<R> {
    type Value = Option<R::Value>;

    fn scalar(self, given: Scalar<'_>) -> Self::Value {
        Some(self.1.scalar(given))
    }

    fn list<A: SeqAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        self.1.list(access).map(Some)
    }

    fn object<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        read_member(self.0, Any(self.1), access)
    }
}

/// Reads two members of one object, each as [`Inside`] does.
#[derive(Clone, Copy)]
pub(super) struct InsideBoth<S, T> {
    pub value: Inside<S>,
    pub atom: Inside<T>,
}

impl<'de, S, T> ObjectReader<'de> for InsideBoth<S, T>
where
    S: DeserializeSeed<'de> + Copy,
    T: DeserializeSeed<'de> + Copy,
{
    type Value = (Option<S::Value>, Option<T::Value>);

    fn scalar(self, _: Scalar<'_>) -> Self::Value {
        (None, None)
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_list(&mut access)?;
        Ok((None, None))
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let (Inside(value, value_seed), Inside(atom, atom_seed)) = (self.value, self.atom);
        let (mut found_value, mut found_atom) = (None, None);
        let which = |name: &str| (name == value, name == atom);
        while let Some(member) = access.next_key_seed(Named(which))? {
            match member {
                (true, _) => found_value = Some(access.next_value_seed(value_seed)?),
                (false, true) => found_atom = Some(access.next_value_seed(atom_seed)?),
                (false, false) => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((found_value, found_atom))
    }
}

/// Reads over the rest of a list.
pub(super) fn skip_list<'de, A: SeqAccess<'de>>(access: &mut A) -> Result<(), A::Error> {
    while access.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads over the rest of an object.
pub(super) fn skip_object<'de, A: MapAccess<'de>>(access: &mut A) -> Result<(), A::Error> {
    while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Names the type of a scalar for a message.
pub(super) fn scalar_kind(given: Scalar<'_>) -> &'static str {
    match given {
        Scalar::Null => "null",
        Scalar::Bool(_) => "a boolean",
        Scalar::Integer(_) | Scalar::Number(_) => "a number",
        Scalar::Text(_) => "text",
    }
}
