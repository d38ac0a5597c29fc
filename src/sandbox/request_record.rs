//! The request record: which requests were answered and how, without their credentials.
//!
//! Secrets are recognised by the name of a query parameter or a body member, never by path, so that a login sent
//! to a wrong path is redacted too. Header values are never recorded.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

/// One answered request, without its credentials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedRequest {
    /// The HTTP method as sent.
    pub method: String,
    /// Path and query as sent, with the vendor's prefix; the value of a secret parameter is `-`.
    pub path: String,
    /// The status sent to the client; 0 if its connection was dropped before one was sent.
    pub status: u16,
    /// The request body; `None` if it was not JSON or contained a credential.
    pub body: Option<Value>,
    /// The name of the fault that was applied; `None` if the call went well.
    pub fault: Option<String>,
    /// True if the vendor carried the request out, that is, its simulator answered with a status below 400. The
    /// reply that the client got may differ. A refusal inside a 200 counts as carried out.
    pub carried_out: bool,
}

impl RecordedRequest {
    /// Returns the record of a request that is not answered yet, with status 404 until then.
    ///
    /// `shown_path` must come from [`redact_target`]; the body is redacted here.
    pub(super) fn new(method: &str, shown_path: String, body: &[u8]) -> Self {
        Self {
            method: method.to_owned(),
            path: shown_path,
            status: 404,
            body: redact_body(body),
            fault: None,
            carried_out: false,
        }
    }
}

/// A change that another admin or a licensee made in an account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForeignEdit {
    /// The prefix of the vendor.
    pub vendor: String,
    /// Method and path of the call just before which it happened, as the record shows them.
    pub before: String,
    /// `{"object", "field", "before", "after", "usage"}`: the id of the licence or order, the path in it, the
    /// values, and whether it is a usage counter. For a list, the values are the element added or removed.
    pub change: Value,
}

/// The most entries kept, so that a sandbox left running does not grow without bound.
const MAX_KEPT: usize = 100_000;

/// A log that keeps its newest entries, oldest first, and counts all of them.
#[derive(Debug)]
pub(super) struct BoundedLog<T> {
    kept: VecDeque<T>,
    count: u64,
}

impl<T> Default for BoundedLog<T> {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            count: 0,
        }
    }
}

impl<T: Clone> BoundedLog<T> {
    /// Appends an entry; the oldest is dropped if the log is full.
    pub(super) fn push(&mut self, entry: T) {
        if self.kept.len() == MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(entry);
        self.count += 1;
    }

    /// Returns copies of the entries kept, oldest first.
    pub(super) fn to_vec(&self) -> Vec<T> {
        self.kept.iter().cloned().collect()
    }

    /// Returns how many entries were pushed since the start or the last clear, kept or not.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Forgets all entries and the count.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Returns whether a member or parameter of this name holds a credential.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    ["password", "secret", "token", "apikey", "sessionid"]
        .iter()
        .any(|word| name.contains(word))
}

/// Returns a request target with `-` for the values of secret parameters, unchanged if there are none.
///
/// `path` is the target without its query, `query` its decoded pairs.
pub(super) fn redact_target(path: &str, query: &[(String, String)], target: &str) -> String {
    if !query.iter().any(|(name, _)| is_secret_name(name)) {
        return target.to_owned();
    }
    let shown = query.iter().map(|(name, value)| {
        let value = if is_secret_name(name) { "-" } else { value };
        (name, value)
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(shown)
        .finish();
    format!("{path}?{query}")
}

/// Parses a body as JSON; `None` if it is not JSON or one of its members is named like a credential.
fn redact_body(body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let holds_secret = match &body {
        Value::Object(members) => members.keys().any(|name| is_secret_name(name)),
        _ => false,
    };
    (!holds_secret).then_some(body)
}
