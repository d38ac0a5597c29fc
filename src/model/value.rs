//! The canonical values that manifests and live objects are compared in.
//!
//! Spelling is gone by the time a `Value` exists: digit strings are integers, instants are whole
//! seconds with `Z`, GUIDs are lower case, sets have no order. Two values mean the same exactly when
//! they are equal, so nothing later in the program has to know a vendor's habits.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Key;

/// The fields of an object or of a list element, by the vendor's names. An absent field is not managed
/// (in desired) or not known (in live).
pub type Fields = BTreeMap<&'static str, Value>;

/// One canonical value.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
    /// Free-form JSON, compared as a whole.
    Json(serde_json::Value),
    /// Members without order.
    Set(BTreeSet<String>),
    /// Elements matched by key. The order is that of the source and carries no meaning.
    Items(Vec<(Key, Fields)>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => a == b,
            (Value::Set(a), Value::Set(b)) => a == b,
            (Value::Items(a), Value::Items(b)) => {
                let sorted =
                    |items: &[(Key, Fields)]| items.iter().cloned().collect::<BTreeMap<_, _>>();
                a.len() == b.len() && sorted(a) == sorted(b)
            }
            _ => false,
        }
    }
}

impl Value {
    /// The element of a keyed list with this key.
    pub fn item(&self, key: &Key) -> Option<&Fields> {
        self.items()
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, fields)| fields)
    }

    /// The elements of a keyed list; none for other values.
    pub fn items(&self) -> &[(Key, Fields)] {
        if let Value::Items(items) = self {
            items
        } else {
            &[]
        }
    }
}
