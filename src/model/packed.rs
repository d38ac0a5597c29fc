//! Packs the desired fields of an object into one run of bytes while they are not in use.
//!
//! An order of fourteen fields and two lists takes a kilobyte in four allocations as [`Fields`], and a hundred bytes in
//! one allocation when packed. Objects are unpacked one by one when they are planned: the desired fields of a hundred
//! thousand objects are unused for nearly all of a run, and in a daemon for days.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::field::{Elements, Field, Shape};
use super::path::ElementKey;
use super::text::Text;
use super::value::{Fields, Value};

/// Initial capacity of the buffer in bytes: the fields of nearly all objects fit into it.
const USUAL: usize = 256;

/// Maximum depth of free-form JSON. Manifests have less, and reading bytes that claim more could overflow the stack.
const DEEPEST: usize = 128;

/// Packed fields of one table. Each field is stored under its index in the table, so only a program with the same
/// table can read the bytes.
#[derive(Clone)]
pub struct PackedFields {
    table: &'static [Field],
    /// Places and values one after the other: what holds others comes last, and otherwise they are in the order of
    /// the names. They are made here or have been read whole once, so they can be read.
    bytes: Box<[u8]>,
}

impl PackedFields {
    /// Packs `fields`, each of which must be in `table`.
    ///
    /// For example, with a table of `name`, `seats` and `term`, the field `seats: 5` becomes three bytes: its place 1
    /// in the table, the tag of an integer, and 5 in zigzag form, which is 10.
    pub fn new(table: &'static [Field], fields: &Fields) -> Self {
        let mut packer = Packer(Vec::with_capacity(USUAL));
        packer.fields(table, fields);
        // Copies into an allocation of the exact size: shrinking the first one would leave a small unusable gap in
        // memory beside every object.
        let bytes = packer.0.as_slice().into();
        Self { table, bytes }
    }

    /// Accepts bytes packed by a program with the same layout. Returns `None` if they cannot be read to their end.
    pub fn of_bytes(table: &'static [Field], bytes: &[u8]) -> Option<Self> {
        let mut rest = Unpacker(bytes);
        while !rest.0.is_empty() {
            rest.field(table)?;
        }
        let bytes = bytes.into();
        Some(Self { table, bytes })
    }

    /// Describes the meaning of bytes of a table. Bytes may be exchanged between programs with equal layouts only.
    pub fn layout(table: &[Field]) -> String {
        let fields = table.iter().map(|field| {
            let inner = match &field.shape {
                Shape::Keyed(elements) => {
                    let (key, fold) = (elements.key.join(" "), elements.fold);
                    format!("[{key} {fold}: {}]", Self::layout(elements.fields))
                }
                other => format!("{:?}", std::mem::discriminant(other)),
            };
            format!("{} {inner}", field.name)
        });
        fields.collect::<Vec<_>>().join(", ")
    }

    /// Returns the packed bytes, for a program with the same layout.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Unpacks every field.
    pub fn unpack(&self) -> Fields {
        let mut fields = Fields::with_capacity(self.table.len());
        fields.extend(self.iter());
        fields
    }

    /// Unpacks one field; `None` if it is not set. Fields before it are unpacked too, so those with large values come
    /// last.
    pub fn get(&self, name: &str) -> Option<Value> {
        let (_, value) = self.iter().find(|(known, _)| *known == name)?;
        Some(value)
    }

    /// Reports whether a field is set.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let mut rest = Unpacker(&self.bytes);
        std::iter::from_fn(move || {
            let more = !rest.0.is_empty();
            more.then(|| expect_sound(rest.field(self.table).ok_or("they say nothing")))
        })
    }
}

impl Extend<(&'static str, Value)> for PackedFields {
    fn extend<I: IntoIterator<Item = (&'static str, Value)>>(&mut self, pairs: I) {
        let mut all = self.unpack();
        all.extend(pairs);
        *self = Self::new(self.table, &all);
    }
}

impl fmt::Debug for PackedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unpack().fmt(f)
    }
}

/// Compares by meaning: the order of a list does not count.
impl PartialEq for PackedFields {
    fn eq(&self, other: &Self) -> bool {
        let one_table = std::ptr::eq(self.table, other.table);
        one_table && self.bytes == other.bytes || self.unpack() == other.unpack()
    }
}

/// Unwraps a result that is `Err` only if this file has a bug: it can unpack everything that it has packed.
fn expect_sound<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|fault| unreachable!("packed fields: {fault}"))
}

/// The type of a value, written before its contents.
#[derive(Serialize, Deserialize)]
enum Tag {
    Null,
    Bool,
    Integer,
    Text,
    Json,
    Set,
    Items,
}

/// The type of a JSON value, written before its contents.
#[derive(Serialize, Deserialize)]
enum JsonTag {
    Null,
    Bool,
    Integer,
    /// Any other number, as it is written.
    Digits,
    Text,
    List,
    Map,
}

/// A buffer that values are appended to.
struct Packer(Vec<u8>);

impl Packer {
    fn put(&mut self, part: impl Serialize) {
        let bytes = std::mem::take(&mut self.0);
        self.0 = expect_sound(postcard::to_extend(&part, bytes));
    }

    fn fields(&mut self, table: &'static [Field], fields: &Fields) {
        let holds = |(_, value): &(_, &Value)| {
            matches!(value, Value::Set(_) | Value::Items(_) | Value::Json(_))
        };
        let single = fields.iter().filter(|pair| !holds(pair));
        for (name, value) in single.chain(fields.iter().filter(holds)) {
            let position = table.iter().position(|field| field.name == name);
            let position =
                expect_sound(position.ok_or_else(|| format!("the table has no field `{name}`")));
            self.put(expect_sound(u8::try_from(position)));
            self.value(&table[position].shape, value);
        }
    }

    fn value(&mut self, shape: &'static Shape, value: &Value) {
        match value {
            Value::Null => self.put(Tag::Null),
            Value::Bool(value) => self.put((Tag::Bool, value)),
            Value::Integer(value) => self.put((Tag::Integer, value)),
            Value::Text(text) => self.put((Tag::Text, text.as_str())),
            Value::Json(json) => {
                self.put(Tag::Json);
                self.json(json);
            }
            Value::Set(members) => {
                self.put((Tag::Set, members.len()));
                members.iter().for_each(|member| self.put(member.as_str()));
            }
            Value::Items(items) => {
                let table: &'static [Field] = match shape {
                    Shape::Keyed(elements) => elements.fields,
                    _ => &[],
                };
                self.put((Tag::Items, items.len()));
                for (key, fields) in items {
                    self.put(key.shown().len());
                    key.shown().iter().for_each(|part| self.put(part.as_str()));
                    self.put(fields.len());
                    self.fields(table, fields);
                }
            }
        }
    }

    fn json(&mut self, json: &Json) {
        match json {
            Json::Null => self.put(JsonTag::Null),
            Json::Bool(value) => self.put((JsonTag::Bool, value)),
            Json::Number(number) => match number.as_i64() {
                Some(value) if number.as_str() != "-0" => self.put((JsonTag::Integer, value)),
                Some(_) | None => self.put((JsonTag::Digits, number.as_str())),
            },
            Json::String(text) => self.put((JsonTag::Text, text)),
            Json::Array(items) => {
                self.put((JsonTag::List, items.len()));
                items.iter().for_each(|item| self.json(item));
            }
            Json::Object(members) => {
                self.put((JsonTag::Map, members.len()));
                for (name, value) in members {
                    self.put(name);
                    self.json(value);
                }
            }
        }
    }
}

/// A reader of packed bytes, from the first on. Every method returns `None` for bytes that no packer writes.
#[derive(Clone, Copy)]
struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let (part, rest) = postcard::take_from_bytes(self.0).ok()?;
        self.0 = rest;
        Some(part)
    }

    /// Reads a number of parts; `None` if fewer bytes are left, since each part takes at least one.
    fn count(&mut self) -> Option<usize> {
        self.take().filter(|count| *count <= self.0.len())
    }

    fn text(&mut self) -> Option<Text> {
        self.take::<&str>().map(Text::from)
    }

    fn field(&mut self, table: &'static [Field]) -> Option<(&'static str, Value)> {
        let field = table.get(usize::from(self.take::<u8>()?))?;
        Some((field.name, self.value(&field.shape)?))
    }

    fn value(&mut self, shape: &'static Shape) -> Option<Value> {
        Some(match (self.take()?, shape) {
            (Tag::Null, _) => Value::Null,
            (Tag::Bool, _) => Value::Bool(self.take()?),
            (Tag::Integer, _) => Value::Integer(self.take()?),
            (Tag::Text, _) => Value::Text(self.text()?),
            (Tag::Json, _) => Value::Json(Box::new(self.json(DEEPEST)?)),
            (Tag::Set, _) => {
                let count = self.count()?;
                let members: BTreeSet<Text> =
                    (0..count).map(|_| self.text()).collect::<Option<_>>()?;
                Value::Set(Box::new(members))
            }
            (Tag::Items, Shape::Keyed(elements)) => {
                let count = self.count()?;
                let items = (0..count).map(|_| self.item(elements));
                Value::Items(items.collect::<Option<_>>()?)
            }
            (Tag::Items, _) => return None,
        })
    }

    fn item(&mut self, elements: &'static Elements) -> Option<(ElementKey, Fields)> {
        let parts = self.count()?;
        let parts: Vec<Text> = (0..parts).map(|_| self.text()).collect::<Option<_>>()?;
        let count = self.count()?;
        let mut fields = Fields::with_capacity(count);
        for _ in 0..count {
            fields.extend([self.field(elements.fields)?]);
        }
        Some((ElementKey::new(parts, elements.fold), fields))
    }

    fn json(&mut self, depth: usize) -> Option<Json> {
        let below = depth.checked_sub(1)?;
        Some(match self.take()? {
            JsonTag::Null => Json::Null,
            JsonTag::Bool => Json::Bool(self.take()?),
            JsonTag::Integer => Json::from(self.take::<i64>()?),
            JsonTag::Digits => Json::Number(self.take::<&str>()?.parse().ok()?),
            JsonTag::Text => Json::String(self.take()?),
            JsonTag::List => {
                let count = self.count()?;
                let items = (0..count).map(|_| self.json(below));
                Json::Array(items.collect::<Option<_>>()?)
            }
            JsonTag::Map => {
                let count = self.count()?;
                let members = (0..count).map(|_| Some((self.take()?, self.json(below)?)));
                Json::Object(members.collect::<Option<_>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ELEMENTS: Elements = Elements {
        key: &["name"],
        key_about: &[""],
        fold: true,
        fields: &[Field::new("count", Shape::COUNT, "")],
    };
    static TABLE: &[Field] = &[
        Field::new("seats", Shape::COUNT, ""),
        Field::new("groups", Shape::Set(&Shape::TEXT), ""),
        Field::new("features", Shape::Keyed(&ELEMENTS), ""),
        Field::new("metadata", Shape::Object, ""),
        Field::new("note", Shape::TEXT, ""),
        Field::new("active", Shape::Boolean, ""),
    ];

    fn feature(name: &str, count: i64) -> (ElementKey, Fields) {
        let fields = [("count", Value::Integer(count))].into();
        (ElementKey::new(vec![name.into()], true), fields)
    }

    fn fields(features: &[(ElementKey, Fields)]) -> Fields {
        let json = r#"{"z": [0.10, 9007199254740993.0, 1e400, -0, -1, 18446744073709551615, null, true, "ü"],
            "a": {"b": {}}}"#;
        let json: Json = serde_json::from_str(json).expect("JSON");
        [
            ("active", Value::Bool(false)),
            ("features", Value::Items(features.to_vec().into())),
            ("groups", Value::set(["b", "a"])),
            ("metadata", Value::Json(Box::new(json))),
            ("note", Value::Null),
            ("seats", Value::Integer(i64::MIN)),
        ]
        .into()
    }

    #[test]
    fn what_is_packed_is_unpacked_as_it_was() {
        let fields = fields(&[feature("Host Name", -1), feature("b", 7)]);
        let packed = PackedFields::new(TABLE, &fields);
        assert_eq!(packed.unpack(), fields);
        assert_eq!(format!("{:?}", packed.unpack()), format!("{fields:?}"));
        for (name, value) in &fields {
            assert_eq!(packed.get(name).as_ref(), Some(value));
        }
        assert!(!packed.contains_key("count") && packed.contains_key("note"));
        let again = PackedFields::of_bytes(TABLE, packed.bytes());
        assert_eq!(again.map(|again| again.unpack()), Some(fields));
    }

    #[test]
    fn another_value_is_another_wish_and_another_order_is_not() {
        let one = PackedFields::new(TABLE, &fields(&[feature("a", 1), feature("b", 2)]));
        let turned = PackedFields::new(TABLE, &fields(&[feature("b", 2), feature("A", 1)]));
        assert!(one == turned && one.bytes() != turned.bytes());
        let mut other = one.clone();
        other.extend([("seats", Value::Integer(1))]);
        assert!(one != other && other.get("seats") == Some(Value::Integer(1)));
    }

    #[test]
    fn a_number_is_found_without_the_lists() {
        let whole = PackedFields::new(TABLE, &fields(&[feature("a", 1)]));
        let single = ["active", "note", "seats"];
        let alone = fields(&[])
            .into_iter()
            .filter(|(name, _)| single.contains(name));
        let alone = PackedFields::new(TABLE, &alone.collect());
        // One byte of the next field follows, which cannot be unpacked by itself.
        let bytes = whole.bytes()[..alone.bytes().len() + 1].into();
        let cut = PackedFields { bytes, ..whole };
        assert_eq!(cut.get("seats"), Some(Value::Integer(i64::MIN)));
        assert_eq!(cut.get("note"), Some(Value::Null));
    }

    #[test]
    fn another_table_has_another_layout() {
        let layout = PackedFields::layout;
        let turned = [
            Field::new("groups", Shape::Set(&Shape::TEXT), ""),
            Field::new("seats", Shape::COUNT, ""),
        ];
        assert_ne!(layout(&turned), layout(&TABLE[..2]));
        assert_ne!(layout(&TABLE[..5]), layout(TABLE));
        let other = [Field::new("seats", Shape::TEXT, "")];
        assert_ne!(layout(&other), layout(&TABLE[..1]));
        assert!(layout(TABLE).contains("features [name true: count "));
    }

    #[test]
    fn bytes_that_say_nothing_are_refused() {
        let packed = PackedFields::new(TABLE, &fields(&[feature("a", 1)]));
        let all = packed.bytes();
        // Bytes cut within a value, an index beyond the table, an unknown tag, and a list for a field that has none.
        assert!(PackedFields::of_bytes(TABLE, &all[..all.len() - 1]).is_none());
        let nested = |lists| [[3, 4].as_slice(), &[5, 1].repeat(lists), &[0]].concat();
        assert!(PackedFields::of_bytes(TABLE, &nested(DEEPEST - 1)).is_some());
        assert!(PackedFields::of_bytes(TABLE, &nested(DEEPEST)).is_none());
        for bytes in [[200, 0].as_slice(), &[0, 99], &[0, 6, 1, 0, 0]] {
            assert!(PackedFields::of_bytes(TABLE, bytes).is_none(), "{bytes:?}");
        }
    }
}
