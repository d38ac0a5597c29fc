//! The comparison of two environments as text.

use std::io::{self, Write};

use serde_json::Value as Json;

use super::safe::make_visible;
use crate::model::wording::pluralize;
use crate::plan::comparison::{ComparedField, ComparisonDocument};

/// Writes the objects that differ, each with its fields.
///
/// ```text
/// LacLicenseOrder/rivers
///   activations_allowed: 5 in staging, 50 in production
/// LacLicenseOrder/brooks: only in staging
/// 12 objects are the same in staging and production, 2 differ.
/// ```
pub fn write_comparison(out: &mut impl Write, document: &ComparisonDocument) -> io::Result<()> {
    let (left, right) = (&document.left, &document.right);
    for object in &document.objects {
        match &object.only_in {
            Some(name) => writeln!(out, "{}: only in {name}", object.address)?,
            None => writeln!(out, "{}", object.address)?,
        }
        for ComparedField {
            field,
            left: one,
            right: other,
        } in &object.fields
        {
            let (one, other) = (shown(field, one.as_ref()), shown(field, other.as_ref()));
            let line = format!("  {field}: {one} in {left}, {other} in {right}");
            writeln!(out, "{}", make_visible(&line))?;
        }
    }
    let same = pluralize(document.same, "object");
    let are = if document.same == 1 { "is" } else { "are" };
    let differing = match document.objects.len() {
        0 => "none differs".to_string(),
        1 => "1 differs".to_string(),
        count => format!("{count} differ"),
    };
    writeln!(
        out,
        "{same} {are} the same in {left} and {right}, {differing}."
    )
}

fn shown(field: &str, value: Option<&Json>) -> String {
    match value {
        Some(value) => value.to_string(),
        None if field.ends_with(']') => "not there".into(),
        None => "not managed".into(),
    }
}
