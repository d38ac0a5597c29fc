//! Decodes replies into canonical fields by the field table, without building a tree of the whole reply.
//!
//! In: the text of a reply, or parsed JSON, and [`Rows`], which say how a vendor's objects look: where the fields of
//! the table stand ([`Columns`]) and which members are read beside them ([`AtomShape`], read as an [`Atom`]). Out:
//! fields, or `Malformed`. Spelling of single values belongs to `canon`; which objects are wanted is decided by the
//! reading.
//!
//! A page may hold hundreds of objects with a hundred members each, and a plan needs a dozen of them. Those are
//! decoded from the text into [`Fields`]; the others are read over, so what they hold (license keys, passwords) never
//! becomes a value in memory. Of an unwanted object only the members beside its fields are kept, borrowed from the
//! text, and it is read over as soon as its id is known.
//!
//! The same code decodes text and parsed JSON. A member that is given twice counts as it is given last. An object that
//! is not as documented is an error of its own and does not spoil its page. `tests.rs` compares all this with a plain
//! decoder of trees.

mod atom;
mod columns;
mod element;
mod odd;
mod page;
mod reader;
mod slots;
mod value;

use std::fmt::Display;

use serde::de::DeserializeSeed;
use serde_json::{Map, Value as Json};

use super::canon;
use crate::model::field::Elements;
use crate::model::{ElementKey, Field, Fields, Malformed, Value};

pub use atom::{Atom, AtomShape};
pub use columns::Columns;
pub use page::{List, Page, Rows, Want};
pub use slots::Row;

use columns::{Column, ItemColumns};
use element::ElementReader;
use reader::{Any, ObjectReader};
use value::ValueReader;

/// Says what is wrong with a value, and where below the place that its reader knows of.
#[derive(Debug)]
struct Fault {
    location: String,
    words: String,
}

impl Fault {
    fn new(location: impl Into<String>, words: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            location: location.into(),
            words: words.into(),
        })
    }

    /// Prepends a place, so that the fault names the path from the object down.
    fn below(mut self: Box<Self>, location: impl Display) -> Box<Self> {
        self.location = format!("{location}{}", self.location);
        self
    }
}

impl From<Box<Fault>> for Malformed {
    fn from(fault: Box<Fault>) -> Self {
        Malformed(format!("`{}` {}", fault.location, fault.words))
    }
}

/// The outcome of decoding a part of an object. With `Err` too, the part has been read to its end, so that reading
/// continues behind it.
type Decoded<T> = Result<T, Box<Fault>>;

/// Decodes the members that `table` names from a tree. Other members are ignored.
pub fn decode_fields(
    table: &'static [Field],
    object: &Map<String, Json>,
) -> Result<Fields, Malformed> {
    let rows = Rows::new(Columns::of(table), []);
    let mut row = rows
        .tree(object)
        .map_err(|fault| Malformed(fault.to_string()))?;
    row.finish()
}

/// Decodes one value of a field as a plan or journal of this program spells it, where `null` is the empty value also
/// for a list. `path` names the value in the error.
pub fn decode_value(
    field: &'static Field,
    json: &Json,
    path: &dyn Display,
) -> Result<Value, Malformed> {
    if json.is_null() {
        return Ok(canon::cleared_value(&field.shape, field.clearing));
    }
    let column = Column::of(field, 0);
    settled(ValueReader(&column), json, path)
}

/// Decodes one element of a keyed list as a plan or journal spells it.
pub fn decode_element(
    elements: &'static Elements,
    item: &Json,
) -> Result<(ElementKey, Fields), Malformed> {
    settled(ElementReader(&ItemColumns::of(elements)), item, &"")
}

/// Decodes a tree with a reader. A tree can always be read to its end, so the outer error does not occur.
fn settled<T, R: for<'de> ObjectReader<'de, Value = Decoded<T>>>(
    reader: R,
    json: &Json,
    path: &dyn Display,
) -> Result<T, Malformed> {
    let decoded = if is_exact(json) {
        Any(reader).deserialize(json)
    } else {
        // serde_json reads some numbers of a tree as floating-point ones, and all of a text digit by digit.
        let text = json.to_string();
        Any(reader).deserialize(&mut serde_json::Deserializer::from_str(&text))
    };
    match decoded {
        Ok(decoded) => decoded.map_err(|fault| fault.below(path).into()),
        Err(error) => Err(Malformed(format!("`{path}` cannot be read: {error}"))),
    }
}

/// Reports whether all numbers of a tree are 64-bit integers.
fn is_exact(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.as_i64().is_some() && number.as_str() != "-0",
        Json::Array(items) => items.iter().all(is_exact),
        Json::Object(members) => members.values().all(is_exact),
        Json::Null | Json::Bool(_) | Json::String(_) => true,
    }
}

#[cfg(test)]
pub mod tests;
