//! Reads parts of a vendor request: query values, credentials, media type, JSON body.
//!
//! Used by Alinea, Cryptlex and LicenseSpring. Each turns a [`JsonBodyError`] into an error reply of its own.

use serde_json::Value;

use super::simulator::HttpRequest;

/// Returns the last value of a query parameter, as Django takes it; `None` if absent.
pub fn last_query_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let pair = request.query.iter().rev().find(|(key, _)| key == name)?;
    Some(&pair.1)
}

/// Returns what follows a scheme (`Bearer`, `Api-Key`) in the `Authorization` header.
///
/// `None` without the header or with another scheme. The scheme is compared without case.
pub fn authorization_value<'a>(request: &'a HttpRequest, scheme: &str) -> Option<&'a str> {
    let (given, value) = request.headers.get("authorization")?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then_some(value.trim())
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
    use super::*;

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
