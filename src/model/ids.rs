//! The vendor's ids of an object by their names, as documents and the journal have them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Text;

/// Names and ids in the order of the names. There is one or there are two of them, and a tree takes half a
/// kilobyte for each of a hundred thousand objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids(Box<[(Text, Text)]>);

impl Ids {
    pub fn get(&self, name: &str) -> Option<&Text> {
        let (_, id) = self.0.iter().find(|(known, _)| known == name)?;
        Some(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Text)> {
        self.0.iter().map(|(name, id)| (name, id))
    }

    pub fn values(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(_, id)| id)
    }
}

impl<N: Into<Text>, I: Into<Text>> FromIterator<(N, I)> for Ids {
    fn from_iter<T: IntoIterator<Item = (N, I)>>(pairs: T) -> Self {
        let pairs = pairs.into_iter().map(|(name, id)| (name.into(), id.into()));
        let mut pairs: Vec<(Text, Text)> = pairs.collect();
        pairs.sort();
        Self(pairs.into())
    }
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A map keeps the last of two equal names, as it does wherever documents are read.
        BTreeMap::<Text, Text>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl JsonSchema for Ids {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        BTreeMap::<String, String>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, String>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        BTreeMap::<String, String>::inline_schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_map_in_the_order_of_their_names() {
        let ids = Ids::from_iter([("organizationId", "o"), ("licenseId", "l")]);
        let json = serde_json::to_string(&ids).unwrap();
        assert_eq!(json, r#"{"licenseId":"l","organizationId":"o"}"#);
        assert_eq!(serde_json::from_str::<Ids>(&json).unwrap(), ids);
        assert_eq!(ids.get("licenseId").unwrap(), "l");
        assert_eq!(ids.get("orgId"), None);
    }
}
