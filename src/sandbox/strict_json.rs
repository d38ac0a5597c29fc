//! Strict access to JSON objects: takes a member by name and type, or says what is wrong with it.
//!
//! `Err` is always a sentence that names the member by its path, for example `Features[0].count must be an
//! integer, not a string`. The argument `at` is the path of the object, empty for the body itself. Each vendor
//! wraps the sentence in a status and an error body of its own.
//!
//! Nothing is coerced: `1.0` and `"1"` are no integers. For a check that lists all problems of a body at once see
//! `body_schema`.

use jiff::civil::Date;
use serde_json::{Map, Value};

/// A JSON object; its members keep the order in which they were inserted.
pub type JsonObject = Map<String, Value>;

/// Returns the path of a member for messages: `Features[0].count`, or the name alone if `at` is empty.
pub fn member_path(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

/// Returns the type of a JSON value with its article, for messages: `an integer`.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns the sentence for a member of the wrong type.
fn type_error(at: &str, name: &str, expected: &str, found: &Value) -> String {
    format!(
        "{} must be {expected}, not {}",
        member_path(at, name),
        type_name(found)
    )
}

/// Returns the value as an object; `what` names it in the error: `the request body`, `Features[0]`.
pub fn require_object<'a>(value: &'a Value, what: &str) -> Result<&'a JsonObject, String> {
    let refused = || format!("{what} must be an object, not {}", type_name(value));
    value.as_object().ok_or_else(refused)
}

/// Refuses an object that has members other than the known ones; the error names the first.
pub fn refuse_unknown_members(object: &JsonObject, at: &str, known: &[&str]) -> Result<(), String> {
    let unknown = object.keys().find(|name| !known.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(format!("{} is not a known member", member_path(at, name))),
        None => Ok(()),
    }
}

/// Returns a member that must be there; it may be `null`.
pub fn require_member<'a>(
    object: &'a JsonObject,
    at: &str,
    name: &str,
) -> Result<&'a Value, String> {
    let missing = || format!("{} is required", member_path(at, name));
    object.get(name).ok_or_else(missing)
}

/// Returns a required string.
pub fn require_string<'a>(object: &'a JsonObject, at: &str, name: &str) -> Result<&'a str, String> {
    let value = require_member(object, at, name)?;
    value
        .as_str()
        .ok_or_else(|| type_error(at, name, "a string", value))
}

/// Returns a string; `None` if it is absent or `null`.
pub fn optional_string<'a>(
    object: &'a JsonObject,
    at: &str,
    name: &str,
) -> Result<Option<&'a str>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => require_string(object, at, name).map(Some),
    }
}

/// Returns a required string that is one of `choices`.
pub fn require_choice<'a>(
    object: &'a JsonObject,
    at: &str,
    name: &str,
    choices: &[&str],
) -> Result<&'a str, String> {
    let value = require_string(object, at, name)?;
    if choices.contains(&value) {
        return Ok(value);
    }
    Err(format!(
        "{} must be one of {}, not {value:?}",
        member_path(at, name),
        choices.join(", ")
    ))
}

/// Returns a required integer; `1.0` and `"1"` are none.
pub fn require_integer(object: &JsonObject, at: &str, name: &str) -> Result<i64, String> {
    let value = require_member(object, at, name)?;
    value
        .as_i64()
        .ok_or_else(|| type_error(at, name, "an integer", value))
}

/// Returns a required boolean.
pub fn require_boolean(object: &JsonObject, at: &str, name: &str) -> Result<bool, String> {
    let value = require_member(object, at, name)?;
    value
        .as_bool()
        .ok_or_else(|| type_error(at, name, "a boolean", value))
}

/// Returns a required array.
pub fn require_array<'a>(
    object: &'a JsonObject,
    at: &str,
    name: &str,
) -> Result<&'a [Value], String> {
    let value = require_member(object, at, name)?;
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(type_error(at, name, "an array", value)),
    }
}

/// Parses a calendar date in exactly the form `YYYY-MM-DD`; `None` for other ISO 8601 forms.
pub fn parse_date(text: &str) -> Option<Date> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let shaped = text.len() == 10 && text.bytes().enumerate().all(shape);
    shaped.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_types_are_refused_by_path() {
        let body = json!({"count": "1", "share": 1.5, "name": 7, "kind": "big", "gone": null});
        let body = body.as_object().unwrap();
        assert_eq!(
            require_integer(body, "Features[0]", "count").unwrap_err(),
            "Features[0].count must be an integer, not a string"
        );
        assert_eq!(
            require_integer(body, "", "share").unwrap_err(),
            "share must be an integer, not a fraction"
        );
        assert_eq!(
            require_string(body, "", "name").unwrap_err(),
            "name must be a string, not an integer"
        );
        assert_eq!(
            require_string(body, "", "absent").unwrap_err(),
            "absent is required"
        );
        assert_eq!(
            require_choice(body, "", "kind", &["small"]).unwrap_err(),
            "kind must be one of small, not \"big\""
        );
        assert_eq!(optional_string(body, "", "gone"), Ok(None));
        assert_eq!(
            refuse_unknown_members(body, "", &["count", "share", "name", "kind"]).unwrap_err(),
            "gone is not a known member"
        );
    }

    #[test]
    fn dates_have_exactly_one_form() {
        assert!(parse_date("2024-02-29").is_some());
        for bad in [
            "2023-02-29",
            "20240229",
            "2024-2-29",
            "2024-02-29T00:00",
            "+02024-1-1",
            "",
        ] {
            assert!(parse_date(bad).is_none(), "{bad}");
        }
    }
}
