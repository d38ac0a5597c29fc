//! Holds the values that were read from a map by its table, until they are taken by name.
//!
//! The reader puts values in, and the module of a kind takes them out as the types of its own fields. Three cases are
//! kept apart for each member: left out, refused after a finding, and valid. For example `timeout: soon` is refused:
//! `take` gives `None` for it, `take_optional` gives `None` too, while a `timeout` that is left out gives
//! `Some(None)`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use super::table::MapTable;
use super::text_type::TextValue;
use crate::model::connection::Credential;
use crate::model::dated::Moment;
use crate::model::node::Entry;
use crate::model::{Mark, Node, PathPattern, SecretRef, Vendor};

/// A value that has the form its table asks for.
pub enum MemberValue<'n> {
    Boolean(bool),
    Count(u32),
    Integer(i64),
    Parsed(TextValue),
    Vendor(Vendor),
    Secret(SecretRef),
    Credential(Credential),
    List(Vec<(MemberValue<'n>, Mark)>),
    TextMap(BTreeMap<String, String>),
    Map(Values<'n>),
    /// Maps by names of the user's.
    Named(Vec<(&'n Entry, Values<'n>)>),
}

/// The members of one map that its table knows, in the order of the file.
pub struct Values<'n> {
    table: &'static MapTable,
    /// The map itself.
    pub node: &'n Node,
    members: Vec<GivenMember<'n>>,
}

/// One member as it was given, valid or not.
struct GivenMember<'n> {
    name: &'static str,
    node: &'n Node,
    /// `None` where the value was refused, or has been taken.
    value: Option<MemberValue<'n>>,
}

impl<'n> Values<'n> {
    /// Starts the values of a map, with no member yet.
    pub fn new(table: &'static MapTable, node: &'n Node) -> Self {
        Self {
            table,
            node,
            members: Vec::new(),
        }
    }

    /// Adds a member. `value` is `None` if it was refused, for which the reader has added the finding.
    pub fn push(&mut self, name: &'static str, node: &'n Node, value: Option<MemberValue<'n>>) {
        self.members.push(GivenMember { name, node, value });
    }

    /// Lists the names of the members that are given, refused ones included.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.members.iter().map(|member| member.name)
    }

    /// Reports whether a member is given, valid or refused.
    pub fn is_given(&self, name: &str) -> bool {
        self.names().any(|given| given == name)
    }

    /// Gives the node of a member; `None` where it is left out.
    pub fn node_of(&self, name: &str) -> Option<&'n Node> {
        let member = self.members.iter().find(|member| member.name == name)?;
        Some(member.node)
    }

    /// Takes the value of a member; `None` where it is left out or was refused.
    pub fn take<T: FromChecked<'n>>(&mut self, name: &str) -> Option<T> {
        let member = self.members.iter_mut().find(|member| member.name == name)?;
        let value = T::from_checked(member.value.take()?);
        debug_assert!(value.is_some(), "`{name}` has another type in its table");
        value
    }

    /// Takes the value of a member that may be left out, which gives `Some(None)`. A refused value gives `None`.
    pub fn take_optional<T: FromChecked<'n>>(&mut self, name: &str) -> Option<Option<T>> {
        if self.is_given(name) {
            self.take(name).map(Some)
        } else {
            Some(None)
        }
    }

    /// Takes the items of a list with their places. Refused items are left out of it.
    pub fn take_marked<T: FromChecked<'n>>(&mut self, name: &str) -> Vec<(T, Mark)> {
        let items: Vec<(MemberValue<'n>, Mark)> = self.take(name).unwrap_or_default();
        items
            .into_iter()
            .filter_map(|(item, mark)| Some((T::from_checked(item)?, mark)))
            .collect()
    }

    /// Takes the items of a list. Refused items are left out of it.
    pub fn take_list<T: FromChecked<'n>>(&mut self, name: &str) -> Vec<T> {
        let marked = self.take_marked(name).into_iter();
        marked.map(|(item, _)| item).collect()
    }

    /// Takes the maps of a member by the names that the user gives them. Refused ones are left out.
    pub fn take_named(&mut self, name: &str) -> Vec<(&'n Entry, Values<'n>)> {
        self.take(name).unwrap_or_default()
    }

    /// Lists the names of the members that are required and left out. What a vendor requires is for its own rules.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let required = self
            .table
            .members
            .iter()
            .filter(|member| member.required && !member.by_vendor);
        let names = required.map(|member| member.name);
        names.filter(|name| !self.is_given(name))
    }

    /// Takes every secret and every name that may be kept as one; `None` if a member was refused or is missing.
    pub fn take_credentials(&mut self) -> Option<Vec<(&'static str, Credential)>> {
        if self.missing().next().is_some() {
            return None;
        }
        let mut credentials = Vec::new();
        for member in &mut self.members {
            match member.value.take()? {
                MemberValue::Secret(secret) => {
                    credentials.push((member.name, Credential::Secret(secret)))
                }
                MemberValue::Credential(credential) => credentials.push((member.name, credential)),
                other => member.value = Some(other),
            }
        }
        Some(credentials)
    }
}

/// A type that a value of one form can be taken as.
pub trait FromChecked<'n>: Sized {
    /// Gives `None` for a value of another form.
    fn from_checked(value: MemberValue<'n>) -> Option<Self>;
}

// Each line of the call below is one type and the form of value that holds it.
macro_rules! from_checked {
    ($($type:ty: |$inner:ident| $form:pat),* $(,)?) => {$(
        impl<'n> FromChecked<'n> for $type {
            fn from_checked(value: MemberValue<'n>) -> Option<Self> {
                if let $form = value {
                    Some($inner)
                } else {
                    None
                }
            }
        }
    )*};
}

from_checked! {
    bool: |inner| MemberValue::Boolean(inner),
    u32: |inner| MemberValue::Count(inner),
    i64: |inner| MemberValue::Integer(inner),
    String: |inner| MemberValue::Parsed(TextValue::Text(inner)),
    Duration: |inner| MemberValue::Parsed(TextValue::Duration(inner)),
    Timestamp: |inner| MemberValue::Parsed(TextValue::Instant(inner)),
    Moment: |inner| MemberValue::Parsed(TextValue::Moment(inner)),
    Date: |inner| MemberValue::Parsed(TextValue::Day(inner)),
    PathPattern: |inner| MemberValue::Parsed(TextValue::FieldPath(inner)),
    Url: |inner| MemberValue::Parsed(TextValue::Url(inner)),
    Vendor: |inner| MemberValue::Vendor(inner),
    SecretRef: |inner| MemberValue::Secret(inner),
    Credential: |inner| MemberValue::Credential(inner),
    Vec<(MemberValue<'n>, Mark)>: |inner| MemberValue::List(inner),
    BTreeMap<String, String>: |inner| MemberValue::TextMap(inner),
    Values<'n>: |inner| MemberValue::Map(inner),
    Vec<(&'n Entry, Values<'n>)>: |inner| MemberValue::Named(inner),
}
