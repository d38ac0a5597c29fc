//! The labels of an object as the status keeps them: small, since there are ten thousand objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Labels by name, in one text, separated by NUL. A tree of two labels takes half a kilobyte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(Option<Box<str>>);

impl Labels {
    pub fn new(labels: &BTreeMap<String, String>) -> Self {
        let lines: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Self((!lines.is_empty()).then(|| lines.join("\0").into()))
    }

    /// Returns each label as `name=value`, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|lines| lines.split('\0'))
    }

    /// Reports whether one of the labels is this, written as `name=value`.
    pub fn contains(&self, label: &str) -> bool {
        self.iter().any(|known| known == label)
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.iter().filter_map(|label| label.split_once('=')))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(|labels| Self::new(&labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_map_in_json() {
        let given = [("team", "sales"), ("env", "a=b")]
            .map(|(name, value)| (name.to_string(), value.to_string()));
        let labels = Labels::new(&given.into());
        let json = serde_json::to_string(&labels).unwrap();
        assert_eq!(json, r#"{"env":"a=b","team":"sales"}"#);
        assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
        assert!(labels.contains("env=a=b") && !labels.contains("env=a"));
        assert_eq!(Labels::default().iter().count(), 0);
        assert_eq!(serde_json::to_string(&Labels::default()).unwrap(), "{}");
    }
}
