//! Changes some switches of a simulator and keeps its others.
//!
//! Two forms for two kinds of structs. [`change_switches`] words its errors itself and serves any flat struct;
//! [`merge_switches`] passes serde's on, which name the switch if the struct refuses unknown fields.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::strict_json::{self, JsonObject};

/// Returns `current` with the switches named in `changes` changed and its others kept.
///
/// `T` must be a flat struct. `Err` names an unknown switch, with the known ones, or one whose value does not fit.
pub fn change_switches<T: Serialize + DeserializeOwned>(
    current: &T,
    changes: Value,
) -> Result<T, String> {
    let Value::Object(changes) = changes else {
        return Err("switches must be a JSON object".into());
    };
    let mut all = to_json_object(current);
    for (name, value) in changes {
        if !all.contains_key(&name) {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            return Err(format!(
                "unknown switch {name}; known are {}",
                known.join(", ")
            ));
        }
        let before = all.insert(name.clone(), value);
        // One at a time, so that the error can name the switch.
        if let Err(error) = serde_json::from_value::<T>(Value::Object(all.clone())) {
            all.insert(name.clone(), before.unwrap_or_default());
            return Err(format!("switch {name}: {error}"));
        }
    }
    serde_json::from_value(Value::Object(all)).map_err(|error| error.to_string())
}

/// Returns `current` with the switches named in `changes` changed and its others kept.
///
/// `T` must be a flat struct with `deny_unknown_fields`: then the error is serde's own and names the switch.
pub fn merge_switches<T: Serialize + DeserializeOwned>(
    current: &T,
    changes: Value,
) -> Result<T, String> {
    let changes = strict_json::require_object(&changes, "the switches")?;
    let mut all = serde_json::to_value(current).map_err(|error| error.to_string())?;
    for (name, value) in changes {
        all[name] = value.clone();
    }
    serde_json::from_value(all).map_err(|error| error.to_string())
}

/// Returns a struct as a JSON object; empty for a value that is none in JSON.
fn to_json_object<T: Serialize>(of: &T) -> JsonObject {
    match serde_json::to_value(of) {
        Ok(Value::Object(map)) => map,
        _ => JsonObject::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct TestSwitches {
        size: u32,
        loud: bool,
    }

    #[test]
    fn switches_change_one_by_one_and_unknown_names_are_refused() {
        let now = TestSwitches {
            size: 1,
            loud: false,
        };
        let next = change_switches(&now, json!({"loud": true}));
        assert_eq!(
            next,
            Ok(TestSwitches {
                size: 1,
                loud: true
            })
        );
        let error = change_switches(&now, json!({"lout": true})).unwrap_err();
        assert_eq!(error, "unknown switch lout; known are size, loud");
        let error = change_switches(&now, json!({"size": "big"})).unwrap_err();
        assert!(error.starts_with("switch size: "), "{error}");
        assert!(change_switches(&now, json!([])).is_err());
    }
}
