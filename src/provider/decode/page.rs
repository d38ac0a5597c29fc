//! Reads whole replies: one object, a list of objects, or an object around a list.
//!
//! In: the body of a reply and a [`Rows`], which says how a vendor's objects look. Out: rows with their ids and
//! fields. The vendor's reading decides which objects are wanted (`want`); the fields of the others are never decoded.

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};
use serde_json::{Map, Value as Json};

use super::atom::{Atom, AtomReader, AtomShape, TakeAtom};
use super::columns::Columns;
use super::odd::Odd;
use super::reader::{Any, Named, ObjectReader, skip_list, skip_object};
use super::slots::{FieldSlots, Row};
use crate::provider::canon::Scalar;

/// Describes how the objects of a vendor look in its replies.
pub struct Rows<const N: usize> {
    columns: Columns,
    spots: [AtomShape; N],
    is_id: fn(&Atom<'_>) -> bool,
}

/// A list of rows.
pub struct List<'r, 'de, const N: usize> {
    /// None of them, if any is odd: then the list is of no use.
    pub rows: Vec<Row<'r, 'de, N>>,
    pub odd: Odd,
}

/// An object around a list.
pub struct Page<'r, 'de, const N: usize, const M: usize> {
    /// `None` where the member is missing or no list.
    pub list: Option<List<'r, 'de, N>>,
    pub beside: [Atom<'de>; M],
}

impl<const N: usize, const M: usize> Default for Page<'_, '_, N, M> {
    fn default() -> Self {
        Self {
            list: None,
            beside: std::array::from_fn(|_| Atom::Missing),
        }
    }
}

/// Decides by an object's id, the first of the spots, whether its fields are decoded.
pub type Want<'w> = &'w dyn Fn(&Atom<'_>) -> bool;

impl<const N: usize> Rows<N> {
    /// Describes rows by their columns and the members beside them. Any first spot is accepted as an id.
    pub fn new(columns: Columns, spots: [AtomShape; N]) -> Self {
        Self {
            columns,
            spots,
            is_id: |_| true,
        }
    }

    /// Refuses lists in which a row has no id. `is_id` says which atoms at the first spot are ids.
    pub fn identified(self, is_id: fn(&Atom<'_>) -> bool) -> Self {
        Self { is_id, ..self }
    }

    /// Returns the names of the members that stand beside the fields.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.spots.iter().map(|spot| spot.member)
    }

    /// Reads one object; `None` if the body is JSON but no object. `Err` if it is no JSON.
    pub fn one<'r, 'de>(&'r self, body: &'de str) -> serde_json::Result<Option<Row<'r, 'de, N>>> {
        read_whole(body, self.all())
    }

    /// Reads an object that has been parsed already.
    pub fn tree<'r, 'de>(
        &'r self,
        object: &'de Map<String, Json>,
    ) -> serde_json::Result<Row<'r, 'de, N>> {
        let row = Any(self.all()).deserialize(object)?;
        row.ok_or_else(|| serde_json::Error::custom("no object"))
    }

    /// Reads a list of objects; `None` if the body is JSON but no list. `Err` if it is no JSON.
    pub fn list<'r, 'de>(
        &'r self,
        body: &'de str,
        want: Want<'_>,
    ) -> serde_json::Result<Option<List<'r, 'de, N>>> {
        read_whole(body, ListReader(RowReader { rows: self, want }))
    }

    /// Reads an object with a list in the member `list`, and the members `beside` it.
    pub fn page<'r, 'de, const M: usize>(
        &'r self,
        body: &'de str,
        list: &str,
        beside: [&str; M],
    ) -> serde_json::Result<Page<'r, 'de, N, M>> {
        let rows = ListReader(self.all());
        read_whole(body, PageReader { rows, list, beside })
    }
}

/// Reads a body from its first to its last byte. Text behind the value is an error.
fn read_whole<'de, R: ObjectReader<'de>>(
    body: &'de str,
    reader: R,
) -> serde_json::Result<R::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let value = Any(reader).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct RowReader<'r, 'w, const N: usize> {
    rows: &'r Rows<N>,
    want: Want<'w>,
}

/// What a member of a row is.
enum PageMember {
    Beside(usize),
    Field(usize),
    /// An object whose members are fields.
    Record(&'static str),
    /// An object with both: a member beside the fields, whose name is given, and the value of a field.
    Both {
        spot: usize,
        name: &'static str,
        field: usize,
    },
    Other,
}

impl<const N: usize> Rows<N> {
    /// Reads any object as one that is wanted.
    fn all(&self) -> RowReader<'_, '_, N> {
        let want = &|_: &Atom<'_>| true;
        RowReader { rows: self, want }
    }

    fn member(&self, name: &str) -> PageMember {
        let field = self.columns.find(name);
        let Some(spot) = self.spots.iter().position(|spot| spot.member == name) else {
            let record = field.and_then(|field| self.columns.record_of(field));
            return match (record, field) {
                (Some(record), _) => PageMember::Record(record),
                (None, Some(field)) => PageMember::Field(field),
                (None, None) => PageMember::Other,
            };
        };
        match (self.spots.get(spot).map(|spot| spot.take), field) {
            // The id comes first, and is never part of an object around a field.
            (Some(TakeAtom::Inside(name)), Some(field))
                if spot > 0 && self.columns.is_inside(field) =>
            {
                PageMember::Both { spot, name, field }
            }
            _ => PageMember::Beside(spot),
        }
    }
}

impl<'r, 'de, const N: usize> ObjectReader<'de> for RowReader<'r, '_, N> {
    type Value = Option<Row<'r, 'de, N>>;

    fn scalar(self, _: Scalar<'_>) -> Self::Value {
        None
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_list(&mut access)?;
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let Self { rows, want } = self;
        let mut beside: [Atom<'de>; N] = std::array::from_fn(|_| Atom::Missing);
        let mut slots = FieldSlots::new(&rows.columns);
        while let Some(member) = access.next_key_seed(Named(|name: &str| rows.member(name)))? {
            match member {
                PageMember::Beside(spot) => {
                    let take = rows
                        .spots
                        .get(spot)
                        .map_or(TakeAtom::Itself, |spot| spot.take);
                    let atom = access.next_value_seed(Any(AtomReader(take)))?;
                    let unwanted = spot == 0 && !want(&atom);
                    if let Some(slot) = beside.get_mut(spot) {
                        *slot = atom;
                    }
                    if unwanted {
                        skip_object(&mut access)?;
                        return Ok(Some(Row {
                            beside,
                            slots: None,
                        }));
                    }
                }
                PageMember::Field(at) => slots.read(at, &mut access)?,
                PageMember::Record(record) => slots.read_record(record, &mut access)?,
                PageMember::Both { spot, name, field } => {
                    let atom = slots.read_beside(field, name, &mut access)?;
                    if let Some(slot) = beside.get_mut(spot) {
                        *slot = atom;
                    }
                }
                PageMember::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        let slots = Some(slots);
        Ok(Some(Row { beside, slots }))
    }
}

#[derive(Clone, Copy)]
struct ListReader<'r, 'w, const N: usize>(RowReader<'r, 'w, N>);

impl<'r, 'de, const N: usize> ObjectReader<'de> for ListReader<'r, '_, N> {
    type Value = Option<List<'r, 'de, N>>;

    fn scalar(self, _: Scalar<'_>) -> Self::Value {
        None
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let (mut rows, mut odd) = (Vec::new(), Odd::default());
        while let Some(row) = access.next_element_seed(Any(self.0))? {
            match row {
                None => odd.add_no_object(),
                Some(row) if !row.beside.first().is_none_or(self.0.rows.is_id) => odd.add_no_id(),
                Some(row) if odd.take_row() => rows.push(row),
                Some(_) => {}
            }
            if odd.is_any() {
                // A reply may have millions of rows of a few bytes, each of which takes a thousand here.
                rows = Vec::new();
            }
        }
        Ok(Some(List { rows, odd }))
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_object(&mut access)?;
        Ok(None)
    }
}

struct PageReader<'r, 'w, const N: usize, const M: usize> {
    rows: ListReader<'r, 'w, N>,
    list: &'w str,
    beside: [&'w str; M],
}

impl<'r, 'de, const N: usize, const M: usize> ObjectReader<'de> for PageReader<'r, '_, N, M> {
    type Value = Page<'r, 'de, N, M>;

    fn scalar(self, _: Scalar<'_>) -> Self::Value {
        Page::default()
    }

    fn list<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        skip_list(&mut access)?;
        Ok(Page::default())
    }

    fn object<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let Self { rows, list, beside } = self;
        let mut page = Page::default();
        // The number behind the last stands for the list.
        let number = |name: &str| {
            let beside = beside.iter().position(|known| *known == name);
            beside.or((name == list).then_some(M))
        };
        while let Some(member) = access.next_key_seed(Named(number))? {
            match member.map(|at| page.beside.get_mut(at)) {
                Some(Some(slot)) => {
                    *slot = access.next_value_seed(Any(AtomReader(TakeAtom::Itself)))?
                }
                Some(None) => page.list = access.next_value_seed(Any(rows))?,
                None => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}
