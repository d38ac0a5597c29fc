//! Prepares a field table for decoding: lookups that every row would repeat are done once.
//!
//! In: the table, and how a vendor's objects differ from it. Out: [`Columns`], which `page` and `slots` use for each
//! row. No value is read here.

use super::atom::TakeAtom;
use crate::model::field::Elements;
use crate::model::{Field, Need, Shape};

/// Says where the fields of a table stand in an object, sorted by name as `Fields` holds them.
pub struct Columns(Box<[Column]>);

/// Says where one field stands in an object.
pub(super) struct Column {
    pub field: &'static Field,
    /// The index of the field in the table. Of several faults, the one with the lowest rank is reported.
    pub rank: usize,
    /// The member to read, and the one inside it that has the value.
    pub member: &'static str,
    pub inside: Option<&'static str>,
    /// True if the value may as well stand in the place of the object.
    pub or_itself: bool,
    pub items: Option<ItemColumns>,
}

/// Says where the fields of the elements of a keyed list stand.
pub(super) struct ItemColumns {
    pub elements: &'static Elements,
    /// The member that has the text of a key that is an object.
    pub inside: Option<&'static str>,
    pub columns: Columns,
    /// Members that no write names. An element has those that are set among its fields.
    pub unnamed: &'static [&'static str],
}

impl Columns {
    /// Expects every field under its own name.
    pub fn of(table: &'static [Field]) -> Self {
        let columns = table.iter().enumerate();
        let mut columns = Vec::from_iter(columns.map(|(rank, field)| Column::of(field, rank)));
        columns.sort_by_key(|column| column.field.name);
        Self(columns.into())
    }

    /// Expects `field` in the member `name` of the object in `member`.
    pub fn inside(mut self, field: &str, member: &'static str, name: &'static str) -> Self {
        for column in self
            .0
            .iter_mut()
            .filter(|column| column.field.name == field)
        {
            (column.member, column.inside) = (member, Some(name));
        }
        self
    }

    /// Expects `field` as it is, or as the object whose member `name` has the value.
    pub fn or_inside(mut self, field: &str, name: &'static str) -> Self {
        let columns = self.0.iter_mut();
        for column in columns.filter(|column| column.field.name == field) {
            (column.inside, column.or_itself) = (Some(name), true);
        }
        self
    }

    /// Expects the keys of a keyed list as objects; `name` is their member that has the text.
    pub fn key_inside(mut self, list: &str, name: &'static str) -> Self {
        let lists = self.0.iter_mut().filter(|column| column.field.name == list);
        for items in lists.filter_map(|column| column.items.as_mut()) {
            items.inside = Some(name);
        }
        self
    }

    /// Reads members of a keyed list's elements that the write call cannot name. Those that are set are added as texts
    /// to the fields of their element, and the caller takes them out.
    pub fn unnamed(mut self, list: &str, names: &'static [&'static str]) -> Self {
        let lists = self.0.iter_mut().filter(|column| column.field.name == list);
        for items in lists.filter_map(|column| column.items.as_mut()) {
            items.unnamed = names;
        }
        self
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Column> {
        self.0.iter()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Column> {
        self.0.get(at)
    }

    /// Reports whether a column is read from a member of another object.
    pub(super) fn is_inside(&self, at: usize) -> bool {
        self.get(at).is_some_and(|column| column.inside.is_some())
    }

    /// Returns the name of the object that a column is a member of by its table; `None` for any other column.
    pub(super) fn record_of(&self, at: usize) -> Option<&'static str> {
        let column = self.get(at).filter(|column| column.inside.is_some())?;
        let (record, _) = column.field.record_member()?;
        Some(record)
    }

    /// Returns the index of the column of a member of the object `record`; `None` if no field is there.
    pub(super) fn find_in_record(&self, record: &str, name: &str) -> Option<usize> {
        let is_it = |column: &Column| column.member == record && column.inside == Some(name);
        self.0.iter().position(is_it)
    }

    /// Returns the index of the first column that is read from this member; `None` if no field is.
    pub(super) fn find(&self, member: &str) -> Option<usize> {
        self.0.iter().position(|column| column.member == member)
    }
}

impl Column {
    pub fn of(field: &'static Field, rank: usize) -> Self {
        let items = match &field.shape {
            Shape::Keyed(elements) => Some(ItemColumns::of(elements)),
            _ => None,
        };
        let (member, inside) = match field.record_member() {
            Some((record, name)) => (record, Some(name)),
            None => (field.name, None),
        };
        Self {
            field,
            rank,
            member,
            inside,
            or_itself: false,
            items,
        }
    }

    /// Reports whether a reply without the field is an error. A list that is left out may be empty or unknown, and the
    /// plan decides what that means.
    pub fn required(&self) -> bool {
        self.field.need == Need::Required && !self.field.is_list()
    }

    /// Returns the path of the value for an error about a missing one.
    pub fn location(&self) -> String {
        match self.inside {
            Some(name) => format!("{}.{name}", self.member),
            None => self.field.name.to_string(),
        }
    }
}

impl ItemColumns {
    pub fn of(elements: &'static Elements) -> Self {
        Self {
            elements,
            inside: None,
            columns: Columns::of(elements.fields),
            unnamed: &[],
        }
    }

    /// Says how the parts of a key are read.
    pub fn key(&self) -> TakeAtom {
        self.inside.map_or(TakeAtom::Itself, TakeAtom::Inside)
    }
}
