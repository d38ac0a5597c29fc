//! The canonical values by which manifests and live objects are compared.
//!
//! A `Value` no longer depends on spelling: digit strings are integers, instants are whole
//! seconds with `Z`, GUIDs are lower case, sets have no order. Two values mean the same exactly when
//! they are equal, so nothing later in the program has to know a vendor's habits.

use std::collections::BTreeSet;

use super::json::same_json;
use super::path::ElementKey;
use super::text::Text;

/// The fields of an object or of a list element, by the vendor's names. An absent field is not managed
/// (in desired) or not known (in live).
///
/// This is a list sorted by name: objects have about a dozen fields, there may be a hundred thousand objects, and an
/// empty tree for each would take half a kilobyte already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty list with room for exactly `fields` fields.
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Takes pairs that are sorted by name already and have each name once.
    pub fn from_sorted(pairs: Vec<(&'static str, Value)>) -> Self {
        debug_assert!(pairs.is_sorted_by(|(a, _), (b, _)| a < b));
        Self(pairs)
    }

    /// Finds the index of a field; `Err` is the index at which it would be inserted. Names nearly always come from the
    /// table by which the fields were read: they are then the same text in memory, and comparing addresses is enough.
    fn find(&self, name: &str) -> Result<usize, usize> {
        let same = |(known, _): &(&'static str, Value)| std::ptr::eq(*known, name);
        if let Some(at) = self.0.iter().position(same) {
            return Ok(at);
        }
        self.0.binary_search_by(|(known, _)| (*known).cmp(name))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.find(name).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let at = self.find(name).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a field and returns its previous value, if any.
    pub fn insert(&mut self, name: &'static str, value: Value) -> Option<Value> {
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            self.0.push((name, value));
            return None;
        }
        match self.find(name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.find(name).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Indexing panics for a name that is missing, as in any map; only tests use it.
impl std::ops::Index<&str> for Fields {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        let at = self.find(name).unwrap_or(self.0.len());
        &self.0[at].1
    }
}

impl Extend<(&'static str, Value)> for Fields {
    fn extend<I: IntoIterator<Item = (&'static str, Value)>>(&mut self, pairs: I) {
        for (name, value) in pairs {
            self.insert(name, value);
        }
    }
}

impl FromIterator<(&'static str, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(pairs: I) -> Self {
        let mut fields = Self::new();
        fields.extend(pairs);
        fields
    }
}

impl<const N: usize> From<[(&'static str, Value); N]> for Fields {
    fn from(pairs: [(&'static str, Value); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'static str, &'a Value);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (&'static str, Value)>,
        fn(&'a (&'static str, Value)) -> Self::Item,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

impl IntoIterator for Fields {
    type Item = (&'static str, Value);
    type IntoIter = std::vec::IntoIter<(&'static str, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// One canonical value.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Text),
    /// Free-form JSON, compared by value and kept with the digits of its numbers. Boxed, because it is rare and would
    /// otherwise make every value larger.
    Json(Box<serde_json::Value>),
    /// Members without order.
    Set(Box<BTreeSet<Text>>),
    /// Elements matched by key, in the order of their keys.
    Items(Items),
}

/// The elements of a keyed list, always in the order of their keys: the order of a manifest or of a vendor's reply
/// means nothing, so it is lost here and reaches no body, plan, fingerprint or journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items(Box<[(ElementKey, Fields)]>);

impl Items {
    /// Keys and fields, of which only the fields can be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&ElementKey, &mut Fields)> {
        self.0.iter_mut().map(|(key, fields)| (&*key, fields))
    }
}

impl From<Vec<(ElementKey, Fields)>> for Items {
    fn from(mut items: Vec<(ElementKey, Fields)>) -> Self {
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(items.into())
    }
}

impl<const N: usize> From<[(ElementKey, Fields); N]> for Items {
    fn from(items: [(ElementKey, Fields); N]) -> Self {
        Vec::from(items).into()
    }
}

impl FromIterator<(ElementKey, Fields)> for Items {
    fn from_iter<I: IntoIterator<Item = (ElementKey, Fields)>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl std::ops::Deref for Items {
    type Target = [(ElementKey, Fields)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> IntoIterator for &'a Items {
    type Item = &'a (ElementKey, Fields);
    type IntoIter = std::slice::Iter<'a, (ElementKey, Fields)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

// A hundred thousand objects have millions of values, so the size of one counts.
const _: () = assert!(size_of::<Value>() == 24);

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => same_json(a, b),
            (Value::Set(a), Value::Set(b)) => a == b,
            (Value::Items(a), Value::Items(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// Members without order.
    pub fn set(members: impl IntoIterator<Item: Into<Text>>) -> Self {
        Value::Set(Box::new(members.into_iter().map(Into::into).collect()))
    }

    /// The element of a keyed list with this key.
    pub fn item(&self, key: &ElementKey) -> Option<&Fields> {
        self.items()
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, fields)| fields)
    }

    /// The elements of a keyed list; none for other values.
    pub fn items(&self) -> &[(ElementKey, Fields)] {
        if let Value::Items(items) = self {
            items
        } else {
            &[]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_the_order_of_their_keys_whatever_order_they_came_in() {
        let element = |name: &str| (ElementKey::new(vec![name.into()], true), Fields::new());
        let items = Items::from(["b", "A", "C"].map(element));
        let names: Vec<&str> = items.iter().map(|(key, _)| &*key.shown()[0]).collect();
        assert_eq!(names, ["A", "b", "C"]);
        let other: Items = ["C", "b", "a"].map(element).into_iter().collect();
        assert_eq!(Value::Items(items), Value::Items(other));
    }
}
