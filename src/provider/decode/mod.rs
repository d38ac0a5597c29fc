//! Replies straight into canonical fields, by the field table, without a tree of everything.
//!
//! A page may hold hundreds of objects with a hundred members each, and a plan looks at a dozen of them.
//! Those go from the text into [`Fields`]; the others are read over, and what they hold (license keys,
//! passwords) is never in memory as a value. Of an object that nobody wants no more is kept than what
//! stands beside its fields, borrowed from the text, and it is read over as soon as its id is known.
//!
//! [`Rows`] say how a vendor's objects look: where the fields of the table stand ([`Columns`]) and what is
//! looked at beside them ([`AtomShape`], read as an [`Atom`]). The same code decodes text and parsed JSON. A
//! member that is given twice counts as it is given last; an object that is not as documented is an error
//! of its own and does not spoil its page. Proved against a reading of plain trees in `tests.rs`.

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

/// What is wrong with a value, and where below the place that its reader knows of.
#[derive(Debug)]
struct Fault {
    place: String,
    words: String,
}

impl Fault {
    fn new(place: impl Into<String>, words: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            place: place.into(),
            words: words.into(),
        })
    }

    fn below(mut self: Box<Self>, place: impl Display) -> Box<Self> {
        self.place = format!("{place}{}", self.place);
        self
    }
}

impl From<Box<Fault>> for Malformed {
    fn from(fault: Box<Fault>) -> Self {
        Malformed(format!("`{}` {}", fault.place, fault.words))
    }
}

/// The outcome of decoding a part of an object: the text or tree goes on behind it in either case.
type Decoded<T> = Result<T, Box<Fault>>;

/// Decodes the members that `table` names from a tree. Others are the vendor's own business and are not kept.
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

/// One value of a field as a plan or journal of this program spells it, where `null` is "nothing" also for a list;
/// `path` names it in the error.
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

/// One element of a keyed list.
pub fn decode_element(
    elements: &'static Elements,
    item: &Json,
) -> Result<(ElementKey, Fields), Malformed> {
    settled(ElementReader(&ItemColumns::of(elements)), item, &"")
}

/// A tree can always be read to its end, so the outer error is none that happens.
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

/// Whether all numbers of a tree are 64-bit integers.
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
