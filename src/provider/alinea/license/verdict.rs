//! What the reply to a write means: the status and the envelope `{Errors: [{PropertyName, Message}], IsValid}`
//! have a say each (help page "PUT api/licenses/{id}", checked 2026-11-21).

use serde_json::Value as Json;

use super::fields::TABLE;
use crate::model::{Reply, Verdict};
use crate::provider::error_text;
use crate::provider::kind::judge_status;

/// A refusal may have status 200 or 400; which one is not documented.
///
/// A 2xx without the envelope says that something answered, not that the application took the licence: a
/// proxy's page and a reply cut short look like that too. Taking it for a refusal would be as wrong, for
/// the licence may have been replaced; so it is unclear, and the shell looks before it does anything else.
pub fn judge(reply: &Reply) -> Verdict {
    match (judge_status(reply), envelope(&reply.body)) {
        (Verdict::Accepted | Verdict::Rejected { .. }, Some(envelope)) if !envelope.valid => {
            envelope.refusal()
        }
        (Verdict::Accepted, None) => Verdict::Unclear(format!(
            "{} without the vendor's word on the write: {}",
            reply.status,
            error_text::describe_reply(reply)
        )),
        (verdict, _) => verdict,
    }
}

struct Envelope {
    valid: bool,
    /// Property and message.
    errors: Vec<(String, String)>,
}

impl Envelope {
    fn refusal(self) -> Verdict {
        let messages: Vec<String> = self.errors.iter().map(in_words).collect();
        let words = if messages.is_empty() {
            "`IsValid` is false, without a reason".into()
        } else {
            messages.join("; ")
        };
        Verdict::Rejected {
            words,
            fields: self.errors,
        }
    }
}

fn in_words((property, message): &(String, String)) -> String {
    if property.is_empty() {
        message.clone()
    } else {
        format!("{property}: {message}")
    }
}

/// The envelope, if it is one. `IsValid` must say true for an acceptance; without it, errors alone refuse.
fn envelope(body: &str) -> Option<Envelope> {
    let json: Json = serde_json::from_str(body).ok()?;
    let errors: Vec<(String, String)> = match json.get("Errors") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(errors)) => errors.iter().map(error).collect(),
        Some(_) => return None,
    };
    let valid = match json.get("IsValid") {
        Some(Json::Bool(valid)) => *valid && errors.is_empty(),
        None if !errors.is_empty() => false,
        _ => return None,
    };
    Some(Envelope { valid, errors })
}

/// One error; the vendor's other envelope has plain texts.
fn error(json: &Json) -> (String, String) {
    let property = json.get("PropertyName").and_then(Json::as_str);
    let message = error_text::from_error_json(json).unwrap_or_else(|| "no further words".into());
    (property.map(member).unwrap_or_default(), message)
}

/// The member that a property speaks of, for its place in the manifest: `request.SeatUserGroupIds[0]` is
/// `SeatUserGroupIds`. Other names stay as the vendor wrote them.
fn member(property: &str) -> String {
    let last = property.rsplit('.').next().unwrap_or(property);
    let name = last.split('[').next().unwrap_or(last);
    TABLE
        .desired
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))
        .map_or(property, |field| field.name)
        .to_string()
}
