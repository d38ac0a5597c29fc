//! A field table made ready for decoding: what every row would have to look up is looked up once.

use super::atom::TakeAtom;
use crate::model::field::Elements;
use crate::model::{Field, Need, Shape};

/// Where the fields of a table stand in an object, in the order of their names, as `Fields` holds them.
pub struct Columns(Box<[Column]>);

pub(super) struct Column {
    pub field: &'static Field,
    /// The place of the field in the table: of several faults the first one there is told.
    pub rank: usize,
    /// The member to read, and the one inside it that has the value.
    pub member: &'static str,
    pub inside: Option<&'static str>,
    pub items: Option<ItemColumns>,
}

/// A keyed list.
pub(super) struct ItemColumns {
    pub elements: &'static Elements,
    /// The member that has the text of a key that is an object.
    pub inside: Option<&'static str>,
    pub columns: Columns,
    /// Members that no write names. An element has those that are set among its fields.
    pub unnamed: &'static [&'static str],
}

impl Columns {
    /// Every field under its own name.
    pub fn of(table: &'static [Field]) -> Self {
        let columns = table.iter().enumerate();
        let mut columns = Vec::from_iter(columns.map(|(rank, field)| Column::of(field, rank)));
        columns.sort_by_key(|column| column.field.name);
        Self(columns.into())
    }

    /// A field that is the member `name` of the object that `member` is.
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

    /// A keyed list with objects in place of the texts that are its keys; `name` is the member that has them.
    pub fn key_inside(mut self, list: &str, name: &'static str) -> Self {
        let lists = self.0.iter_mut().filter(|column| column.field.name == list);
        for items in lists.filter_map(|column| column.items.as_mut()) {
            items.inside = Some(name);
        }
        self
    }

    /// A keyed list whose elements have members that the write call cannot name. Those that are set are read
    /// as texts among the fields of their element, from which the caller takes them.
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

    /// The column that is read from this member.
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
        Self {
            field,
            rank,
            member: field.name,
            inside: None,
            items,
        }
    }

    /// Reports whether a reply without the field is an error. A list that is left out may be empty or not: the
    /// plan decides what that means for the object.
    pub fn required(&self) -> bool {
        self.field.need == Need::Required && !self.field.is_list()
    }

    /// How the place of the value is called when nothing is there.
    pub fn place(&self) -> String {
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

    /// How the parts of a key are read.
    pub fn key(&self) -> TakeAtom {
        self.inside.map_or(TakeAtom::Itself, TakeAtom::Inside)
    }
}
