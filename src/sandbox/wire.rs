//! Shared parts of the simulators: access tokens, query values, JSON bodies, account documents, switches.
//!
//! No vendor's rule or wording may be here; each vendor turns an error into a reply of its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::simulator::HttpRequest;
use crate::sandbox::strict_json::JsonObject;

/// Returns the last value of a query parameter, as Django takes it; `None` if absent.
pub fn last_query_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let pair = request.query.iter().rev().find(|(key, _)| key == name)?;
    Some(&pair.1)
}

/// Returns what follows a scheme (`Bearer`, `Api-Key`) in the `Authorization` header.
///
/// `None` without the header or with another scheme. The scheme is compared without case.
pub fn authorization_value<'a>(request: &'a HttpRequest, scheme: &str) -> Option<&'a str> {
    let (given, remaining) = request.headers.get("authorization")?.split_once(' ')?;
    given
        .eq_ignore_ascii_case(scheme)
        .then_some(remaining.trim())
}

/// Returns the media type of the body without its parameters, in lower case; empty if none was sent.
pub fn media_type(request: &HttpRequest) -> String {
    let header = request
        .headers
        .get("content-type")
        .map_or("", String::as_str);
    let bare = header.split(';').next().unwrap_or("");
    bare.trim().to_ascii_lowercase()
}

/// Why a body is no JSON document.
#[derive(Debug, PartialEq)]
pub enum JsonBodyError {
    /// The media type is not accepted.
    MediaType(String),
    /// There is no body.
    Empty,
    /// The body is not JSON, in the parser's words.
    Malformed(String),
}

/// Parses the JSON body of a write, whose media type must be one of `accepted`.
pub fn parse_json_body(request: &HttpRequest, accepted: &[&str]) -> Result<Value, JsonBodyError> {
    // Without a body there is nothing whose media type could be wrong.
    if request.body.is_empty() {
        return Err(JsonBodyError::Empty);
    }
    let media = media_type(request);
    if !accepted.contains(&media.as_str()) {
        return Err(JsonBodyError::MediaType(media));
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| JsonBodyError::Malformed(error.to_string()))
}

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

/// Returns a struct as a JSON object; empty for a value that is none in JSON.
pub fn to_json_object<T: Serialize>(of: &T) -> JsonObject {
    match serde_json::to_value(of) {
        Ok(Value::Object(map)) => map,
        _ => JsonObject::new(),
    }
}

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

/// The access tokens of a simulator: those that were issued, and a fixed one that never expires.
#[derive(Clone)]
pub struct AccessTokens {
    fixed_token: &'static str,
    issued: BTreeMap<String, Timestamp>,
}

impl AccessTokens {
    /// Returns a store in which only the fixed token is valid.
    pub fn new(fixed_token: &'static str) -> Self {
        Self {
            fixed_token,
            issued: BTreeMap::new(),
        }
    }

    /// Issues a new token; numbered, not random, so that every run issues the same ones.
    pub fn issue(&mut self, now: Timestamp) -> String {
        let token = format!("{}-{}", self.fixed_token, self.issued.len() + 1);
        self.issued.insert(token.clone(), now);
        token
    }

    /// Makes an issued token invalid; `false` if it was never issued.
    ///
    /// It stays in the map, from whose size new tokens are numbered.
    pub fn expire(&mut self, token: &str) -> bool {
        let issued = self.issued.get_mut(token);
        issued.map(|issued| *issued = Timestamp::MIN).is_some()
    }

    /// Returns whether a token is valid `life_seconds` after its issue.
    ///
    /// The life is an argument so that a changed switch also affects tokens issued before.
    pub fn is_valid(&self, token: &str, now: Timestamp, life_seconds: u32) -> bool {
        let life = SignedDuration::from_secs(i64::from(life_seconds));
        match self.issued.get(token) {
            Some(issued) => now.duration_since(*issued) < life,
            None => token == self.fixed_token,
        }
    }
}

/// Returns a request for tests; a query in `target` is taken as it is, without decoding.
#[cfg(test)]
pub fn test_request(
    method: &str,
    target: &str,
    authorization: &str,
    body: Option<&Value>,
) -> HttpRequest {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.rsplit_once('='));
    let mut request = HttpRequest {
        method: method.into(),
        path: path.into(),
        query: pairs.map(|(k, v)| (k.into(), v.into())).collect(),
        base_url: "http://127.0.0.1:9/vendor".into(),
        ..HttpRequest::default()
    };
    let headers = &mut request.headers;
    if !authorization.is_empty() {
        headers.insert("authorization".into(), authorization.into());
    }
    if let Some(body) = body {
        headers.insert("content-type".into(), "application/json".into());
        request.body = body.to_string().into_bytes();
    }
    request
}

/// Returns the JSON body of a reply, `null` if it has none.
#[cfg(test)]
pub fn reply_json(answer: &super::simulator::HttpReply) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Some2 {
        size: u32,
        loud: bool,
    }

    #[test]
    fn switches_change_one_by_one_and_unknown_names_are_refused() {
        let now = Some2 {
            size: 1,
            loud: false,
        };
        let next = change_switches(&now, json!({"loud": true}));
        assert_eq!(
            next,
            Ok(Some2 {
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

    #[test]
    fn seven_digits_are_always_printed() {
        let at: Timestamp = "2019-08-24T14:15:22.5Z".parse().unwrap();
        assert_eq!(format_seven_digits(at), "2019-08-24T14:15:22.5000000Z");
        let at: Timestamp = "2019-08-24T14:15:22Z".parse().unwrap();
        assert_eq!(format_seven_digits(at), "2019-08-24T14:15:22.0000000Z");
    }

    #[test]
    fn issued_tokens_age_and_the_fixed_one_does_not() {
        let mut tokens = AccessTokens::new("fixed");
        let start: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let token = tokens.issue(start);
        let later = start + SignedDuration::from_secs(60);
        assert!(tokens.is_valid(&token, later, 61));
        assert!(!tokens.is_valid(&token, later, 60));
        assert!(tokens.is_valid("fixed", later, 0));
        assert!(!tokens.is_valid("other", later, 60));
        assert!(tokens.expire(&token) && !tokens.expire("fixed"));
        assert!(!tokens.is_valid(&token, start, 61));
        assert_ne!(tokens.issue(start), token);
    }

    #[test]
    fn credentials_are_found_behind_their_scheme_only() {
        let mut request = HttpRequest::default();
        assert_eq!(authorization_value(&request, "Bearer"), None);
        request
            .headers
            .insert("authorization".into(), "bearer abc".into());
        assert_eq!(authorization_value(&request, "Bearer"), Some("abc"));
        assert_eq!(authorization_value(&request, "Api-Key"), None);
    }
}
