//! Values as the vendor stores them.

use jiff::Timestamp;
use serde_json::Value;

/// Spells a time with the microseconds that the vendor stores and shows in the reply to a write.
pub(super) fn micros(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Returns an object with the members of another on top.
pub(super) fn merged(old: &Value, new: &Value) -> Value {
    let mut all = old.as_object().cloned().unwrap_or_default();
    all.extend(new.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}
