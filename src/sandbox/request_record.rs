//! The record: which requests came in, how they ended, and nothing of their credentials.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

/// One request that was answered, without its credentials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordedRequest {
    pub method: String,
    /// Path and query as sent, with the vendor's prefix; the value of a secret parameter is `-`.
    pub path: String,
    /// The status that the client was sent; 0 when its connection was dropped before there was one.
    pub status: u16,
    /// The request body, if it was JSON and held no credential.
    pub body: Option<Value>,
    /// The name of the fault that was applied.
    pub fault: Option<String>,
    /// Whether the vendor carried the request out, whatever the client got to see of it: a simulator
    /// answered, with a status below 400. A refusal inside a 200 counts as carried out.
    pub carried_out: bool,
}

impl RecordedRequest {
    /// A request that nobody has answered yet; its path is without secrets.
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

/// What another admin or a licensee changed in an account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForeignEdit {
    pub vendor: String,
    /// Method and path of the call just before which it happened, as the record shows them.
    pub before: String,
    /// `{"object", "field", "before", "after", "usage"}`: the id of the licence or order, the path in it,
    /// the values, and whether it is a counter that use moved. Of a list, the element that came or went.
    pub change: Value,
}

/// How many are kept, so that a sandbox left running does not grow without bound.
const MAX_KEPT: usize = 100_000;

/// The newest of many, the oldest of them first.
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
    pub(super) fn push(&mut self, entry: T) {
        if self.kept.len() == MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(entry);
        self.count += 1;
    }

    pub(super) fn to_vec(&self) -> Vec<T> {
        self.kept.iter().cloned().collect()
    }

    /// How many there were, kept or not.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Whether a member or parameter of this name holds a credential.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    ["password", "secret", "token", "apikey", "sessionid"]
        .iter()
        .any(|word| name.contains(word))
}

/// A target as the record shows it: the value of a secret parameter is `-`. `path` is it without the query.
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

/// The body as JSON unless it holds a credential: logins and token requests are known by their members, so
/// that one sent to a wrong path is not recorded either.
fn redact_body(body: &[u8]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let holds_secret = match &body {
        Value::Object(members) => members.keys().any(|name| is_secret_name(name)),
        _ => false,
    };
    (!holds_secret).then_some(body)
}
