//! What three of the simulators need of a request and of time: tokens, query members, JSON bodies, switches.
//!
//! Nothing here knows a vendor; each vendor words its own refusals.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::simulator::HttpRequest;
use crate::sandbox::strict_json::JsonObject;

/// The last value of a query member.
pub fn last_query_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let pair = request.query.iter().rev().find(|(key, _)| key == name)?;
    Some(&pair.1)
}

/// What follows an authentication scheme (`Bearer`, `Api-Key`) in the `authorization` header.
pub fn authorization_value<'a>(request: &'a HttpRequest, scheme: &str) -> Option<&'a str> {
    let (given, remaining) = request.headers.get("authorization")?.split_once(' ')?;
    given
        .eq_ignore_ascii_case(scheme)
        .then_some(remaining.trim())
}

/// The media type of the body without its parameters, in lower case; empty when none was sent.
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
    MediaType(String),
    Empty,
    Malformed(String),
}

/// The JSON body of a write.
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

/// Switches with some of them changed; an unknown name or a value that does not fit is an error.
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

/// A serialisable struct as a JSON object; empty for anything that is none.
pub fn to_json_object<T: Serialize>(of: &T) -> JsonObject {
    match serde_json::to_value(of) {
        Ok(Value::Object(map)) => map,
        _ => JsonObject::new(),
    }
}

/// The template with the given members laid over it, in the template's order.
///
/// A loaded document may leave members out, but not invent them or change their JSON type; a member that
/// is `null` in the template may hold anything, and every member may be `null`.
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

/// Takes a member that must be a list out of a state document; absent means empty.
pub fn take_list(document: &mut JsonObject, name: &str) -> Result<Vec<Value>, String> {
    match document.shift_remove(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{name} must be a list")),
    }
}

/// A state document or one of its parts as an object.
pub fn expect_object(value: Value, what: &str) -> Result<JsonObject, String> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(format!("{what} must be a JSON object")),
    }
}

/// Refuses what is left over after every known part was taken out.
pub fn expect_nothing_left(remaining: &JsonObject, what: &str) -> Result<(), String> {
    match remaining.keys().next() {
        Some(name) => Err(format!("{what}: unknown member {name}")),
        None => Ok(()),
    }
}

/// UTC with seven fraction digits and `Z`, as .NET writes a `DateTime`.
pub fn format_seven_digits(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string()
}

/// Tokens that were issued, and the fixed one that never ages.
#[derive(Clone)]
pub struct AccessTokens {
    fixed_token: &'static str,
    issued: BTreeMap<String, Timestamp>,
}

impl AccessTokens {
    pub fn new(fixed_token: &'static str) -> Self {
        Self {
            fixed_token,
            issued: BTreeMap::new(),
        }
    }

    /// A new token; the numbers make the sandbox repeatable where a vendor's token is random.
    pub fn issue(&mut self, now: Timestamp) -> String {
        let token = format!("{}-{}", self.fixed_token, self.issued.len() + 1);
        self.issued.insert(token.clone(), now);
        token
    }

    /// Ends the life of an issued token. It stays in the list, from whose length new tokens are numbered.
    pub fn expire(&mut self, token: &str) -> bool {
        let issued = self.issued.get_mut(token);
        issued.map(|issued| *issued = Timestamp::MIN).is_some()
    }

    /// Whether a token is good; its life is an argument so that changing it ages tokens already out.
    pub fn is_valid(&self, token: &str, now: Timestamp, life_seconds: u32) -> bool {
        let life = SignedDuration::from_secs(i64::from(life_seconds));
        match self.issued.get(token) {
            Some(issued) => now.duration_since(*issued) < life,
            None => token == self.fixed_token,
        }
    }
}

/// A request as the tests of the simulators write it: `target` may carry a query, which is taken as it is.
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

/// The JSON body of a reply; `null` when it has none.
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
