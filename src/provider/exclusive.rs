//! Finds fields that the vendor refuses in one body.
//!
//! In: the table, whose `excludes` pairs them, and the fields of an object. Out: the pairs of which both hold something.
//! A manifest with both is refused, since a change of both could not be sent.

use crate::model::{Field, Fields, Value};

/// Returns each field that holds something beside a field that it excludes, with that field.
pub fn find_exclusive(
    table: &'static [Field],
    fields: &Fields,
) -> Vec<(&'static str, &'static str)> {
    let holds = |name: &str| fields.get(name).is_some_and(|value| *value != Value::Null);
    let pairs = table
        .iter()
        .filter_map(|field| Some((field.name, field.excludes?)));
    pairs
        .filter(|(field, other)| holds(field) && holds(other))
        .collect()
}

/// Describes a pair.
pub fn describe(field: &str, other: &str) -> String {
    format!("`{field}` and `{other}` exclude each other: the vendor takes one of them in a call")
}
