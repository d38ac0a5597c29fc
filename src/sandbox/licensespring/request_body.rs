//! Bodies of writes: their schemas checked, their problems in the form of the Django REST Framework.
//!
//! In: a request and the members that its call takes. Out: the body, or the 400 that lists every problem as
//! `{"field": […]}`. What a value means is decided by each call.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::{AcceptedSpelling, MetadataWrite, UnknownPolicy};
use super::values::{merged, micros};
use super::{LicenseSpring, Refusal, detail_refusal};
use crate::sandbox::body_schema::{
    self, BodyProblem, MemberRule, SchemaStep, ValueType, Violation,
};
use crate::sandbox::request_parts::{self, JsonBodyError};
use crate::sandbox::simulator::HttpRequest;
use crate::sandbox::strict_json::JsonObject;

/// A count: not negative, and a PostgreSQL integer. The pages only say "integer".
pub(super) const COUNT: ValueType = ValueType::Integer(0, i32::MAX as i64);
/// The values of `consumption_period`, the yearly one in both spellings.
pub(super) const PERIODS: [&str; 5] = ["daily", "weekly", "monthly", "annually", "annualy"];

impl LicenseSpring {
    /// Parses a body and checks it against its members.
    pub(super) fn parse_body(
        &self,
        request: &HttpRequest,
        members: &'static [MemberRule],
    ) -> Result<Value, Refusal> {
        // The framework reads no body at all as an empty object.
        let body = match request_parts::parse_json_body(request, &["application/json"]) {
            Ok(body) => body,
            Err(JsonBodyError::Empty) => json!({}),
            Err(JsonBodyError::MediaType(media)) => {
                let words = format!("Unsupported media type \"{media}\" in request.");
                return Err(detail_refusal(415, words));
            }
            Err(JsonBodyError::Malformed(why)) => {
                return Err(detail_refusal(400, format!("JSON parse error - {why}")));
            }
        };
        let unknown_allowed = self.switches.unknown_members == UnknownPolicy::Ignore;
        let problems = body_schema::check_body(&body, members, unknown_allowed);
        match problems.is_empty() {
            true => Ok(body),
            false => Err(invalid_body(&problems)),
        }
    }

    /// Sets those members of an object that a checked body has, and the time of the write.
    pub(super) fn merge_members(
        &self,
        object: &mut JsonObject,
        body: &Value,
        members: &[MemberRule],
        now: Timestamp,
    ) {
        for (name, value) in body.as_object().into_iter().flatten() {
            // Members that the schema lacks are here only if they are to be ignored.
            if !members.iter().any(|member| member.name == name) {
                continue;
            }
            let merges = name == "metadata" && self.switches.metadata_write == MetadataWrite::Merge;
            let value = match merges {
                true => merged(&object[name.as_str()], value),
                false => value.clone(),
            };
            object.insert(name.clone(), value);
        }
        object.insert("updated_at".into(), json!(micros(now)));
    }

    /// Returns why a `consumption_period` is refused, by the switch `period_accepted`; `None` if it is not.
    pub(super) fn refuse_period(&self, period: &Value) -> Option<String> {
        let refused = match self.switches.period_accepted {
            AcceptedSpelling::Both => return None,
            AcceptedSpelling::Annualy => "annually",
            AcceptedSpelling::Annually => "annualy",
        };
        (period == refused).then(|| format!("\"{refused}\" is not a valid choice."))
    }
}

/// Returns a 400 for one member.
pub(super) fn member_error(name: &str, words: impl Into<String>) -> Refusal {
    Refusal {
        status: 400,
        body: json!({ name: [words.into()] }),
    }
}

/// Returns all problems of a body in the framework's form.
fn invalid_body(problems: &[BodyProblem]) -> Refusal {
    let mut body = JsonObject::new();
    for problem in problems {
        let words = violation_sentence(&problem.violation);
        match problem.path.as_slice() {
            [] => add_error(&mut body, "non_field_errors", words),
            [
                SchemaStep::Member(list),
                SchemaStep::Index(index),
                tail @ ..,
            ] => {
                let items = body.entry(list.clone()).or_insert(json!([]));
                if let Value::Array(items) = items {
                    while items.len() <= *index {
                        items.push(json!({}));
                    }
                    let name = match tail {
                        [SchemaStep::Member(name), ..] => name,
                        _ => "non_field_errors",
                    };
                    if let Value::Object(item) = &mut items[*index] {
                        add_error(item, name, words);
                    }
                }
            }
            [SchemaStep::Member(name), ..] => add_error(&mut body, name, words),
            [SchemaStep::Index(_), ..] => add_error(&mut body, "non_field_errors", words),
        }
    }
    Refusal {
        status: 400,
        body: Value::Object(body),
    }
}

/// Adds a sentence to the list of errors of a member.
fn add_error(to: &mut JsonObject, name: &str, words: String) {
    let list = to.entry(name).or_insert(json!([]));
    if let Value::Array(list) = list {
        list.push(json!(words));
    }
}

/// Returns the sentence for a violation, the framework's own where it has one.
fn violation_sentence(violation: &Violation) -> String {
    match violation {
        Violation::Unknown => "This field is not known.".into(),
        Violation::Missing => "This field is required.".into(),
        Violation::Null => "This field may not be null.".into(),
        Violation::Not(ValueType::Integer(min, max)) => {
            format!("A valid integer from {min} to {max} is required.")
        }
        Violation::Not(ValueType::Flag) => "Must be a valid boolean.".into(),
        Violation::Not(ValueType::Day) => {
            "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.".into()
        }
        Violation::Not(ValueType::OneOf(words)) => {
            format!("Not a valid choice; choose one of {}.", words.join(", "))
        }
        Violation::Not(ValueType::List(_)) => "Expected a list of items.".into(),
        Violation::Not(kind) => format!("Invalid data: expected {kind}."),
    }
}
