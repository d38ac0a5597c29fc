//! Extracts the vendor's error message from a reply that is not a success, without quoting secrets.
//!
//! In: a `Reply`. Out: one line of at most `LONGEST` characters, and advice for some statuses. Nothing is decided by
//! these texts: whether a call is repeated depends on its status.
//!
//! A failing reply may hold the object itself, with the keys and passwords that some vendors show in clear text; a
//! gateway may cut the reply anywhere or wrap it in a page. So only members that hold an error's message are quoted. A
//! body in an unknown shape is quoted only if it is plain words, and words in it that could be a key are replaced.
//!
//! ```text
//! {"message": "No access", "code": 7}   No access (7)
//! {"max": ["Too high."]}                max: Too high.
//! {"id": 7, "license_key": "AB12-…"}    … bytes of JSON without an error's words
//! <html><title>Bad Gateway</title>…     an HTML page titled "Bad Gateway"
//! ```

use serde_json::{Map, Value as Json};

use crate::model::Reply;
use crate::model::wording::shorten;

/// The highest number of characters of a quoted message.
const LONGEST: usize = 400;

/// Replaces words that could be a secret.
pub const HIDDEN: &str = "[not shown]";

/// The advice for an account that may not do what was asked.
const RIGHTS: &str = "check the connection's credentials and their rights";

/// The advice for an answer that is not from the API but from a proxy or another part of the site.
pub(super) const BASE: &str = "check `baseUrl`: it is everything before the path of this call";

/// The advice for a reply that redirects to another address.
const REDIRECT: &str = "redirects are not followed: check `baseUrl`";

/// The advice for a reply with which a proxy demands a login of its own.
const PROXY: &str = "a proxy asks for credentials: check HTTPS_PROXY";

/// Returns the vendor's message in a reply that is not a success, with what the transport adds, and advice where the
/// status allows one.
pub fn describe_reply(reply: &Reply) -> String {
    let step = next_step(reply).map(String::from);
    let parts = [Some(vendor_message(reply)), reply.remark.clone(), step];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}

/// Returns the advice for a refusal; `None` where the status does not point to a cause.
pub(super) fn next_step(reply: &Reply) -> Option<&'static str> {
    let page = looks_like_html(reply);
    let api = reply.body.trim_start().starts_with(['{', '[']);
    match reply.status {
        500.. => None,
        300..=399 => Some(REDIRECT),
        407 => Some(PROXY),
        404 if !api => Some(BASE),
        _ if page => Some(BASE),
        401 | 403 => Some(RIGHTS),
        _ => None,
    }
}

/// Returns the name of a status, for a reply without a body.
fn status_name(status: u16) -> &'static str {
    match status {
        300 => "Multiple Choices",
        301 | 308 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "no further words",
    }
}

/// Returns the vendor's message alone, or what kind of body came instead of one.
pub fn vendor_message(reply: &Reply) -> String {
    let body = reply.body.trim();
    if body.is_empty() {
        return status_name(reply.status).into();
    }
    if let Ok(json) = serde_json::from_str::<Json>(body) {
        let words = match &json {
            Json::String(text) => Some(plain_words(text)),
            // A plain text in a list could be anything, so only objects are read, whose members have names.
            Json::Array(items) => {
                let objects: Vec<Json> = items
                    .iter()
                    .filter(|item| item.is_object())
                    .cloned()
                    .collect();
                from_error_json(&Json::Array(objects))
            }
            other => from_error_json(other),
        };
        return words
            .unwrap_or_else(|| format!("{} bytes of JSON without an error's words", body.len()));
    }
    if looks_like_html(reply) {
        page_title(body)
    } else {
        plain_words(body)
    }
}

/// Describes why a successful reply could not be read as JSON, without quoting it.
pub fn describe_unreadable(reply: &Reply, error: &serde_json::Error) -> String {
    if reply.body.trim().is_empty() {
        "the body is empty".into()
    } else if looks_like_html(reply) {
        format!("{}; {BASE}", page_title(reply.body.trim()))
    } else if error.is_eof() {
        format!(
            "the body ends in the middle, after {} bytes",
            reply.body.len()
        )
    } else if reply.body.starts_with('\u{fffd}') || reply.body.contains('\0') {
        "the body is not UTF-8 text".into()
    } else {
        // The body may be the object with its keys and passwords, so only the parser's error is shown.
        error.to_string()
    }
}

/// Returns the messages in JSON that is known to describe an error, on one line; `None` if it has none.
pub fn from_error_json(json: &Json) -> Option<String> {
    from_json(json).map(|words| one_line(&words))
}

/// Returns the messages in an error body of any of the five vendors; `None` if it has none.
///
/// The shapes are `{message, code}` (Cryptlex, LAC), `{error: {code, message}}` and the same without `error`
/// (Informatica), `{detail}` and `{field: [words]}` (LicenseSpring), `{Message}` (Alinea, ASP.NET). Checked 2026-11-21.
fn from_json(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(without_values(text, TextTrust::Words)),
        Json::Array(items) => {
            let words: Vec<String> = items.iter().filter_map(from_json).collect();
            (!words.is_empty()).then(|| words.join("; "))
        }
        Json::Object(object) => from_object(object),
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}

/// Returns the message of an error object, with its code in parentheses; `None` if the object is no error.
///
/// If the object has a nested `error` object, that is read instead. An object without message and code is read by
/// `member_errors`.
fn from_object(object: &Map<String, Json>) -> Option<String> {
    if let Some(inner) = object.get("error").filter(|inner| inner.is_object()) {
        return from_json(inner);
    }
    let text = |names: &[&str]| {
        let text = names.iter().find_map(|name| object.get(*name)?.as_str());
        let text = text.filter(|text| !text.is_empty())?;
        Some(without_values(text, TextTrust::Words))
    };
    let main = text(&["message", "Message", "detail", "error_description", "error"]);
    let code = match object.get("code") {
        Some(Json::String(code)) if !code.is_empty() => {
            Some(without_values(code, TextTrust::Words))
        }
        Some(Json::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    match (main, code) {
        (Some(main), Some(code)) => Some(format!("{main} ({code})")),
        (Some(main), None) => Some(with_state(main, object)),
        // A licence has a `description` too; only beside a `code` is it the description of an error.
        (None, Some(code)) => Some(match text(&["description"]) {
            Some(main) => format!("{main} ({code})"),
            None => code,
        }),
        (None, None) => member_errors(object),
    }
}

/// Appends ASP.NET's messages about members that it could not bind, from `ModelState` or `MessageDetail`.
fn with_state(main: String, object: &Map<String, Json>) -> String {
    let state = match (object.get("ModelState"), object.get("MessageDetail")) {
        (Some(Json::Object(state)), _) => member_errors(state),
        (_, Some(detail)) => from_json(detail),
        _ => None,
    };
    match state {
        Some(state) => format!("{main} {state}"),
        None => main,
    }
}

/// Returns the messages of an object like `{"max_consumption": ["A valid integer is required."]}`.
///
/// `None` for an object with any other kind of value, since it may be a licence.
fn member_errors(object: &Map<String, Json>) -> Option<String> {
    if !object.values().all(is_about_an_error) {
        return None;
    }
    let words: Vec<String> = object
        .iter()
        .filter_map(|(name, value)| {
            let words = from_json(value)?;
            // If the list holds the member's value instead of a message, the value is a single word.
            let secret = sounds_secret(name) && !words.contains(' ');
            let words = if secret { HIDDEN } else { &words };
            Some(format!("{name}: {words}"))
        })
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Reports whether a value consists of lists of messages only, at any depth.
fn is_about_an_error(value: &Json) -> bool {
    match value {
        Json::Array(items) => items
            .iter()
            .all(|item| item.is_string() || item.is_object() && is_about_an_error(item)),
        Json::Object(object) => object.values().all(is_about_an_error),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// Reports whether a reply is a web page, by its content type or its first character.
pub(super) fn looks_like_html(reply: &Reply) -> bool {
    reply.content_type.contains("text/html") || reply.body.trim_start().starts_with('<')
}

/// Names an HTML page by its title. No other text of the page is quoted.
fn page_title(body: &str) -> String {
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let end = lower[start..].find("</title>")? + start;
        body.get(start + "<title>".len()..end)
    });
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("an HTML page titled {:?}", plain_words(title)),
        None => "an HTML page".into(),
    }
}

/// Quotes a text of unknown structure if it is plain words; otherwise returns only its length.
fn plain_words(text: &str) -> String {
    let piece = |c: char| "{}[]<>\"\\=&\u{fffd}".contains(c);
    if text.contains(piece) || text.chars().count() > LONGEST {
        return format!("{} bytes of text", text.len());
    }
    one_line(&without_values(text, TextTrust::Nothing))
}

/// Says how far a text is trusted to be a message.
#[derive(Clone, Copy, PartialEq)]
enum TextTrust {
    /// The text is in a member for error messages: only values that it names as secrets are replaced.
    Words,
    /// The text could be anything: words that look like a key are replaced as well.
    Nothing,
}

/// Replaces values that a text names as a key, a token or a password: `password=x` becomes
/// `password: [not shown]`.
///
/// With `TextTrust::Nothing`, single words that could be a key are replaced as well.
fn without_values(text: &str, trust: TextTrust) -> String {
    let mut named = false;
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() {
            return word.to_string();
        }
        if std::mem::take(&mut named) || trust == TextTrust::Nothing && could_be_a_key(bare) {
            return HIDDEN.to_string();
        }
        // Matches `password=x` and `"token":"x"`. If nothing follows the sign, the next word is the value.
        match word.split_once([':', '=']) {
            Some((name, value)) if sounds_secret(name) => {
                named = !value.contains(char::is_alphanumeric);
                let value = if named { value } else { HIDDEN };
                format!("{name}: {value}").trim_end().to_string()
            }
            _ => word.to_string(),
        }
    });
    words.collect::<Vec<String>>().join(" ")
}

/// Reports whether a word could be a key: it mixes letters and digits, has more than 6 digits, is at least 8 capitals
/// in groups, or has more than 24 characters.
fn could_be_a_key(word: &str) -> bool {
    let has = |what: fn(char) -> bool| word.contains(what);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let capitals = has(|c| c == '-' || c == '_') && !has(char::is_lowercase) && word.len() >= 8;
    has(char::is_alphabetic) && digits > 0 || digits > 6 || capitals || word.chars().count() > 24
}

/// Reports whether the value of something with this name must not be shown.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    const SECRETS: [&str; 6] = [
        "password",
        "passwd",
        "secret",
        "token",
        "credential",
        "authorization",
    ];
    name.ends_with("key") || SECRETS.iter().any(|secret| name.contains(secret))
}

/// Joins a text to one line without control characters and shortens it.
fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&words, LONGEST).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> String {
        vendor_message(&Reply {
            status: 400,
            body: body.into(),
            content_type: String::new(),
            ..Reply::default()
        })
    }

    #[test]
    fn every_documented_error_shape_gives_its_words() {
        for (body, expected) in [
            (r#"{"message":"Not found.","code":null}"#, "Not found."),
            (
                r#"{"code":108,"message":"Invalid data."}"#,
                "Invalid data. (108)",
            ),
            (
                r#"{"error":{"code":"IDS_085","message":"No.","requestId":"x"}}"#,
                "No. (IDS_085)",
            ),
            (
                r#"{"code":"IDS_085","message":"No.","requestId":"x"}"#,
                "No. (IDS_085)",
            ),
            (r#"{"detail":"Invalid key."}"#, "Invalid key."),
            (
                r#"{"max_consumption":["Not an integer.","Really."]}"#,
                "max_consumption: Not an integer.; Really.",
            ),
            (r#"{"Message":"Denied."}"#, "Denied."),
            (
                r#"{"Message":"Bad.","ModelState":{"r.Buffer":["Not an int."]}}"#,
                "Bad. r.Buffer: Not an int.",
            ),
            ("plain\nwords", "plain words"),
            ("", "Bad Request"),
            (
                "<html><head><title>502 Bad</title></head>",
                "an HTML page titled \"502 Bad\"",
            ),
        ] {
            assert_eq!(words(body), expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_look_at() {
        let describe = |status, body: &str| {
            describe_reply(&Reply {
                status,
                body: body.into(),
                content_type: String::new(),
                ..Reply::default()
            })
        };
        let page = "<title>Sign in</title>";
        for (status, body, step) in [
            (401, r#"{"message":"No."}"#, RIGHTS),
            (403, "", RIGHTS),
            (403, page, BASE),
            (404, page, BASE),
            (404, "not found", BASE),
            (404, r#"{"message":"No such licence."}"#, ""),
            (400, r#"{"message":"No."}"#, ""),
            (400, page, BASE),
            (502, page, ""),
        ] {
            let words = describe(status, body);
            let expected = [RIGHTS, BASE].map(|one| one == step);
            let found = [RIGHTS, BASE].map(|one| words.ends_with(one));
            assert_eq!(found, expected, "{status}: {words}");
        }
    }

    #[test]
    fn of_a_body_in_no_known_shape_nothing_is_quoted() {
        for (body, expected) in [
            (
                r#"{"license_key":"SECRET","initial_password":"x"}"#,
                "47 bytes of JSON without an error's words",
            ),
            (
                r#"{"id":1,"description":"SECRET","groups":["SECRET"]}"#,
                "51 bytes of JSON without an error's words",
            ),
            (r#"["SECRET"]"#, "10 bytes of JSON without an error's words"),
            (r#"{"message":"No.","initial_pass"#, "30 bytes of text"),
            (
                "licence AAAA-BBBB-CCCC is gone",
                "licence [not shown] is gone",
            ),
            ("password: swordfish", "password: [not shown]"),
            ("503 Service Unavailable", "503 Service Unavailable"),
            (
                "<title>Key II1HP-TX8EQ of Jane</title>",
                "an HTML page titled \"Key [not shown] of Jane\"",
            ),
        ] {
            assert_eq!(words(body), expected, "{body}");
        }
    }

    #[test]
    fn what_an_error_calls_a_secret_is_cut_out_of_its_words() {
        for (body, expected) in [
            (
                r#"{"message":"Bad {\"initial_password\": \"swordfish\"} sent"}"#,
                "Bad {\"initial_password\": [not shown] sent",
            ),
            (
                r#"{"detail":"token=swordfish was refused"}"#,
                "token: [not shown] was refused",
            ),
            (
                r#"{"license_key":["Not a valid key."],"initial_password":["swordfish"]}"#,
                "license_key: Not a valid key.; initial_password: [not shown]",
            ),
            (
                r#"{"message":"User group a4f8d1b0-1111 was not found."}"#,
                "User group a4f8d1b0-1111 was not found.",
            ),
        ] {
            assert_eq!(words(body), expected, "{body}");
        }
    }

    #[test]
    fn words_that_are_empty_or_plain_are_neither_shown_nor_hidden() {
        for (body, expected) in [
            (r#"{"message":"No.","code":""}"#, "No."),
            (r#"{"message":"No.","code":"E1"}"#, "No. (E1)"),
            (
                r#"{"Message":"No.","MessageDetail":"No route."}"#,
                "No. No route.",
            ),
            (
                r#"{"message":"Try again at 10:30."}"#,
                "Try again at 10:30.",
            ),
            (r#"{"count":["Required."]}"#, "count: Required."),
            (
                r#"{"orders":[{"message":"SECRET","id":1}]}"#,
                "40 bytes of JSON without an error's words",
            ),
        ] {
            assert_eq!(words(body), expected, "{body}");
        }
        let (most, more) = ("no ".repeat(133), "no ".repeat(134));
        assert_eq!(words(&format!("{most}!")), format!("{most}!"));
        assert_eq!(words(&format!("{more}!")), "403 bytes of text");
    }

    #[test]
    fn a_key_is_told_from_words_by_its_looks() {
        for word in [
            "a1",
            "II1HP",
            "1234567",
            "ABCD-EFG",
            "ABCD_EFG",
            "abcdefghijklmnopqrstuvwxy",
        ] {
            assert!(could_be_a_key(word), "{word}");
        }
        for word in [
            "503",
            "123456",
            "ABC-DEF",
            "ABCDEFGH",
            "well-known",
            "Not-Found",
            "abcdefghijklmnopqrstuvwx",
        ] {
            assert!(!could_be_a_key(word), "{word}");
        }
    }
}
