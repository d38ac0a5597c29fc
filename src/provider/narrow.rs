//! Rows of a list as JSON, of which only the members that are asked for are kept.
//!
//! A page may hold a hundred objects with a hundred members each, and a plan looks at a dozen of them. The
//! others are read over, and what they hold (license keys, passwords) is never in memory as a value.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// The member that holds the rows where a page is an object.
const ROWS: &str = "results";

/// A page as JSON: a list of rows, or an object with the rows in `results`. Of every row only the members
/// that `keep` names are there. What is no page comes back as it is, for others to complain about.
pub fn page(body: &str, keep: &[&str]) -> serde_json::Result<Json> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let page = Level::Page(keep).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(page)
}

#[derive(Clone, Copy)]
enum Level<'k> {
    Page(&'k [&'k str]),
    Rows(&'k [&'k str]),
    Row(&'k [&'k str]),
    Whole,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        match self {
            Level::Whole => serde::Deserialize::deserialize(deserializer),
            Level::Page(_) | Level::Rows(_) | Level::Row(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let item = match self {
            Level::Page(keep) | Level::Rows(keep) => Level::Row(keep),
            Level::Row(_) | Level::Whole => Level::Whole,
        };
        let mut items = Vec::new();
        while let Some(value) = access.next_element_seed(item)? {
            items.push(value);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let member = match self {
                Level::Row(keep) if !keep.contains(&name.as_str()) => {
                    access.next_value::<IgnoredAny>()?;
                    continue;
                }
                Level::Page(keep) if name == ROWS => Level::Rows(keep),
                Level::Page(_) | Level::Rows(_) | Level::Row(_) | Level::Whole => Level::Whole,
            };
            let value = access.next_value_seed(member)?;
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_keep_what_is_asked_for() {
        let rows = json!([{"id": 1, "secret": {"a": [1]}, "list": [{"secret": 2}]}, 7, null]);
        let kept = json!([{"id": 1, "list": [{"secret": 2}]}, 7, null]);
        let keep = ["id", "list"];
        assert_eq!(page(&rows.to_string(), &keep).unwrap(), kept);
        let whole = json!({"count": 3, "secret": {"x": 1}, "results": rows});
        let narrow = json!({"count": 3, "secret": {"x": 1}, "results": kept});
        assert_eq!(page(&whole.to_string(), &keep).unwrap(), narrow);
    }

    #[test]
    fn what_is_no_page_comes_back_as_it_is() {
        for json in [
            json!("text"),
            json!(1.5),
            json!({"error": {"id": [1, {"x": 2}]}}),
        ] {
            assert_eq!(page(&json.to_string(), &[]).unwrap(), json);
        }
        for bad in ["", "[1", "[{\"a\": }]", "[] []", "<html>"] {
            assert!(page(bad, &["a"]).is_err(), "{bad}");
        }
    }
}
