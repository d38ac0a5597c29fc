//! What a vendor says when it refuses: found in every error shape the pages show, else in the text itself.

use serde_json::Value as Json;

use crate::model::Reply;

const LONGEST: usize = 400;

/// The vendor's words in a reply that is not a success.
pub fn of(reply: &Reply) -> String {
    let trimmed = reply.body.trim();
    if trimmed.is_empty() {
        return "no further words".into();
    }
    if let Ok(json) = serde_json::from_str::<Json>(trimmed) {
        return cut(&from_json(&json).unwrap_or_else(|| trimmed.to_string()));
    }
    if looks_like_html(reply) {
        return html(trimmed);
    }
    cut(trimmed)
}

/// Why a successful reply could not be read as JSON.
pub fn unreadable(reply: &Reply, error: &serde_json::Error) -> String {
    if reply.body.trim().is_empty() {
        "the body is empty".into()
    } else if looks_like_html(reply) {
        html(reply.body.trim())
    } else if error.is_eof() {
        format!(
            "the body ends in the middle, after {} bytes",
            reply.body.len()
        )
    } else {
        // The text itself may be the object with its keys and passwords, so none of it is quoted.
        error.to_string()
    }
}

/// The words in a part of a reply, on one line.
pub fn of_json(json: &Json) -> Option<String> {
    from_json(json).map(|words| cut(&words))
}

/// Error bodies of the five vendors: `{message, code}` (Cryptlex, LAC), `{error: {code, message}}` and flat
/// (Informatica), `{detail}`, `{field: [words]}` (LicenseSpring), `{Message}` (Alinea, ASP.NET). Checked 2026-11-21.
fn from_json(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Array(items) => {
            let words: Vec<String> = items.iter().filter_map(from_json).collect();
            (!words.is_empty()).then(|| words.join("; "))
        }
        Json::Object(object) => {
            if let Some(inner) = object.get("error").filter(|inner| inner.is_object()) {
                return from_json(inner);
            }
            let text = |names: &[&str]| {
                names
                    .iter()
                    .find_map(|name| object.get(*name)?.as_str())
                    .filter(|text| !text.is_empty())
            };
            let main = text(&[
                "message",
                "Message",
                "detail",
                "description",
                "error_description",
                "error",
            ]);
            let code = match object.get("code") {
                Some(Json::String(code)) if !code.is_empty() => Some(code.clone()),
                Some(Json::Number(code)) => Some(code.to_string()),
                _ => None,
            };
            match (main, code) {
                (Some(main), Some(code)) => Some(format!("{main} ({code})")),
                (Some(main), None) => Some(with_state(main, object)),
                (None, code) => members(object).or(code),
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => None,
    }
}

/// ASP.NET says which member it could not bind in `ModelState`.
fn with_state(main: &str, object: &serde_json::Map<String, Json>) -> String {
    let state = object
        .get("ModelState")
        .or_else(|| object.get("MessageDetail"))
        .and_then(from_json);
    state.map_or_else(|| main.to_string(), |state| format!("{main} {state}"))
}

/// `{"max_consumption": ["A valid integer is required."]}`.
fn members(object: &serde_json::Map<String, Json>) -> Option<String> {
    let words: Vec<String> = object
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}: {}", from_json(value)?)))
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn looks_like_html(reply: &Reply) -> bool {
    reply.content_type.contains("text/html") || reply.body.trim_start().starts_with('<')
}

fn html(body: &str) -> String {
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let end = lower[start..].find("</title>")? + start;
        body.get(start + "<title>".len()..end)
    });
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("an HTML page titled {:?}", cut(title)),
        None => "an HTML page".into(),
    }
}

/// One line, not too long, without control characters.
fn cut(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= LONGEST {
        return words;
    }
    let head: String = words.chars().take(LONGEST).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> String {
        of(&Reply {
            status: 400,
            body: body.into(),
            content_type: String::new(),
        })
    }

    #[test]
    fn every_documented_error_shape_gives_its_words() {
        for (body, said) in [
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
            ("", "no further words"),
            (
                "<html><head><title>502 Bad</title></head>",
                "an HTML page titled \"502 Bad\"",
            ),
        ] {
            assert_eq!(words(body), said, "{body}");
        }
    }
}
