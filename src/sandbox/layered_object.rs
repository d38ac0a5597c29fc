//! JSON objects that share most of their members, which are kept once.
//!
//! A hundred thousand licences made from one example differ in a few members. Each keeps those and a reference to
//! the rest, so that a large account takes tens of megabytes and is made in tenths of a second.
//!
//! Example: over the shared `{"id": 0, "name": "shared", "size": 1}`, an object that overrides `id` and `size` and
//! adds `more` reads `{"id": 7, "name": "shared", "size": 3, "more": true}`.

use std::borrow::Cow;
use std::ops::Index;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::strict_json::JsonObject;

/// A JSON object made of a shared one and its own overrides.
#[derive(Clone, Debug, Default)]
pub struct LayeredObject {
    shared: Arc<JsonObject>,
    /// Members that differ from the shared object or are not in it; few, so they are searched one by one.
    overrides: Vec<(Cow<'static, str>, Value)>,
}

impl From<JsonObject> for LayeredObject {
    fn from(object: JsonObject) -> Self {
        Self {
            shared: Arc::new(object),
            overrides: Vec::new(),
        }
    }
}

impl LayeredObject {
    /// Returns the shared object with these members on top.
    pub fn over(shared: &Arc<JsonObject>, overrides: Vec<(Cow<'static, str>, Value)>) -> Self {
        Self {
            shared: Arc::clone(shared),
            overrides,
        }
    }

    /// Returns a member; `None` if neither layer has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let overridden = self.overrides.iter().find(|(key, _)| key == name);
        overridden
            .map(|(_, value)| value)
            .or_else(|| self.shared.get(name))
    }

    /// Sets a member of this object; the shared one stays as it is.
    pub fn insert(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        let name = name.into();
        match self.overrides.iter_mut().find(|(key, _)| *key == name) {
            Some((_, slot)) => *slot = value,
            None => self.overrides.push((name, value)),
        }
    }

    /// Lists the members in the order of the shared object, then those that it lacks.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let shared = self.shared.iter().map(|(name, value)| {
            let overridden = self.overrides.iter().find(|(key, _)| key == name);
            (name.as_str(), overridden.map_or(value, |(_, value)| value))
        });
        let added = self.overrides.iter();
        let added = added.filter(|(name, _)| !self.shared.contains_key(name.as_ref()));
        shared.chain(added.map(|(name, value)| (name.as_ref(), value)))
    }

    /// Returns a plain copy of both layers together.
    pub fn to_object(&self) -> JsonObject {
        let members = self.iter();
        members
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }
}

/// A JSON object whose members can be looked up, layered or plain.
pub trait MemberLookup {
    /// Returns a member; `None` if it is not there.
    fn member(&self, name: &str) -> Option<&Value>;
}

impl MemberLookup for JsonObject {
    fn member(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

impl MemberLookup for LayeredObject {
    fn member(&self, name: &str) -> Option<&Value> {
        self.get(name)
    }
}

/// Returns `null` for a member that is not there, as indexing a JSON value does.
impl Index<&str> for LayeredObject {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl Serialize for LayeredObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn own_members_stand_in_the_place_of_shared_ones() {
        let Value::Object(shared) = json!({"id": 0, "name": "shared", "size": 1}) else {
            panic!("an object");
        };
        let shared = Arc::new(shared);
        let mut one = LayeredObject::over(&shared, vec![("id".into(), json!(7))]);
        let other = LayeredObject::over(&shared, Vec::new());
        one.insert("size", json!(2));
        one.insert("size", json!(3));
        one.insert("more", json!(true));
        assert_eq!(
            json!(one).to_string(),
            r#"{"id":7,"name":"shared","size":3,"more":true}"#
        );
        assert_eq!(one["name"], "shared");
        assert_eq!(one["nothing"], Value::Null);
        assert_eq!(other["size"], 1, "the shared object is as it was");
    }
}
