//! The marker by which a manifest names an order: LAC makes the keys of orders and knows no name of the caller's.
//!
//! A marker stands in the description, in brackets, so that one is never a part of another: `Floating [rivers-1]` has the
//! marker `rivers-1` and not `rivers`. No list filters by descriptions, so the customer's orders are read.

use super::fields;
use crate::model::{Desired, Diagnostic, Diagnostics, Fields, Live, Mark, Value};
use crate::provider::listing::Identity;

/// The customer and the marker by which a manifest names its order; `None` if it gives the activation key.
pub fn marker_of(desired: &Desired) -> Option<(i64, &str)> {
    let customer = desired.id(fields::CUSTOMER_ID).parse().ok()?;
    Some((customer, desired.id(fields::MARKER)))
}

/// The marker by which a manifest names its order, whether or not the customer is known.
fn stated_marker(desired: &Desired) -> Option<&str> {
    Some(desired.id(fields::MARKER)).filter(|marker| !marker.is_empty())
}

/// Returns the markers in a description.
fn markers_in(description: &str) -> impl Iterator<Item = &str> {
    let after = description.split('[').skip(1);
    after.filter_map(|text| text.split_once(']').map(|(marker, _)| marker))
}

/// Reports whether an order has a marker.
pub fn has_marker(live: &Live, marker: &str) -> bool {
    match live.fields.get(fields::DESCRIPTION) {
        Some(Value::Text(text)) => markers_in(text).any(|found| found == marker),
        _ => false,
    }
}

/// Returns the keys by which a manifest may name an order: its customer with each marker of its description.
pub fn natural_keys(live: &Live) -> Vec<Identity> {
    let customer = live.fields.get(fields::CUSTOMER_ID);
    let description = live.fields.get(fields::DESCRIPTION);
    let (Some(Value::Integer(customer)), Some(Value::Text(text))) = (customer, description) else {
        return Vec::new();
    };
    let key = |marker: &str| {
        vec![
            (fields::CUSTOMER_ID, customer.to_string().into()),
            (fields::MARKER, marker.into()),
        ]
    };
    markers_in(text).map(key).collect()
}

/// Returns the customer and the description that a creation gives an order, where its manifest states none.
pub fn key_fields(desired: &Desired) -> Fields {
    let mut fields = Fields::new();
    if let Some(marker) = stated_marker(desired) {
        let description = format!("[{marker}]");
        // A customer that is yet to be created has no number.
        let customer = desired.id(fields::CUSTOMER_ID);
        let customer = match customer.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(customer.into()),
        };
        fields.insert(fields::CUSTOMER_ID, customer);
        fields.insert(fields::DESCRIPTION, Value::Text(description.into()));
    }
    fields
}

/// Refuses what would hide an order from the next run: a description without the marker.
pub fn audit(desired: &Desired, location: &dyn Fn(&str) -> Mark, findings: &mut Diagnostics) {
    let Some(marker) = stated_marker(desired) else {
        return;
    };
    let source = &desired.origin.source;
    let mut report = |field: &str, message: String, hint: &str| {
        let finding = Diagnostic::error("bad-choice", message);
        findings.push(finding.at(source, location(field)).hint(hint.to_string()));
    };
    if marker.contains(['[', ']']) {
        let message = format!("the marker {marker:?} has a bracket, and brackets end a marker");
        report(fields::MARKER, message, "use letters, digits and hyphens");
    }
    if let Some(Value::Text(text)) = desired.fields.get(fields::DESCRIPTION)
        && !markers_in(&text).any(|found| found == marker)
    {
        let message =
            format!("the order is named by the marker {marker:?}, which `description` lacks");
        let hint = format!("add `[{marker}]` to the description, or leave the description out");
        report(fields::DESCRIPTION, message, &hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_whole_text_in_brackets() {
        let markers = |text| markers_in(text).collect::<Vec<_>>();
        assert_eq!(
            markers("Floating [rivers-1] of [2026]"),
            ["rivers-1", "2026"]
        );
        assert_eq!(markers("no [end"), [""; 0]);
        assert_eq!(markers("a] b [[c] d"), ["c"]);
        assert_eq!(markers(""), [""; 0]);
    }
}
