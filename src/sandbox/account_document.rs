//! Reads account documents, the JSON form of a simulator's account, part by part.
//!
//! Used by Alinea, Cryptlex and LicenseSpring. A part is taken out of its document once it is read, so that what
//! remains at the end is unknown and can be refused. `Err` is a sentence that names the part.

use jiff::Timestamp;
use serde_json::Value;

use super::strict_json::JsonObject;

/// Returns a template with the given members in place of its own, in the template's order.
///
/// A loaded object may lack members, but not add any or change their JSON type: `Err` names the first that does, and
/// the object by `what`. A member that is `null` in the template accepts any value, and every member accepts `null`.
///
/// Example: over `{"id": null, "name": "", "seats": 0}`, the object `{"seats": 5, "id": 7}` gives `{"id": 7, "name":
/// "", "seats": 5}`; `{"seats": "5"}` is refused with `licence: seats has the wrong JSON type`.
pub fn overlay_template(
    template: &JsonObject,
    given: JsonObject,
    what: &str,
) -> Result<JsonObject, String> {
    let mut whole = template.clone();
    for (name, value) in given {
        let Some(slot) = whole.get_mut(&name) else {
            return Err(format!("{what}: unknown member {name}"));
        };
        let free = slot.is_null() || value.is_null();
        if !free && std::mem::discriminant(slot) != std::mem::discriminant(&value) {
            return Err(format!("{what}: {name} has the wrong JSON type"));
        }
        *slot = value;
    }
    Ok(whole)
}

/// Takes a list out of an account document, empty if absent; `Err` if the member is no list.
pub fn take_list(document: &mut JsonObject, name: &str) -> Result<Vec<Value>, String> {
    match document.shift_remove(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{name} must be a list")),
    }
}

/// Returns an account document or a part of it as an object; `Err` names it by `what` if it is none.
pub fn expect_object(value: Value, what: &str) -> Result<JsonObject, String> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(format!("{what} must be a JSON object")),
    }
}

/// Refuses an account document from which every known part was taken if any member is left.
pub fn expect_nothing_left(remaining: &JsonObject, what: &str) -> Result<(), String> {
    match remaining.keys().next() {
        Some(name) => Err(format!("{what}: unknown member {name}")),
        None => Ok(()),
    }
}

/// Formats a time in UTC with seven digits of the second's fraction and `Z`, as .NET prints a `DateTime`.
pub fn format_seven_digits(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_digits_are_always_printed() {
        let at: Timestamp = "2019-08-24T14:15:22.5Z".parse().unwrap();
        assert_eq!(format_seven_digits(at), "2019-08-24T14:15:22.5000000Z");
        let at: Timestamp = "2019-08-24T14:15:22Z".parse().unwrap();
        assert_eq!(format_seven_digits(at), "2019-08-24T14:15:22.0000000Z");
    }
}
