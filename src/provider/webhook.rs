//! Checks webhook deliveries: who signed one, and which object its event is about.
//!
//! In: headers and raw body. Out: the signed time or text, and a target to read. The signature is checked over the raw
//! body before it is parsed. An event is only a hint to read: what it states about an object is not used. Replays,
//! rates and routes belong to the daemon; a vendor's own rules are in `webhook.rs` of its folder.

use jiff::Timestamp;
use serde_json::Value as Json;

/// The webhooks of one vendor.
pub trait Webhook: Sync {
    /// Checks that a delivery was signed with the secret. Returns what was signed beside the body, such as a time, or
    /// the empty text; together with the body it identifies the delivery.
    ///
    /// Returns `None` if the signature is missing, wrong, too old or too new. That takes as long as a check that
    /// holds.
    fn verify(&self, secret: &[u8], delivery: &Delivery<'_>) -> Option<String>;

    /// Returns where the event in a body says to look, or `None` if it cannot concern what manifests describe. A
    /// body that is not as documented means the whole account.
    fn target(&self, body: &[u8]) -> Option<Target>;
}

/// Holds a delivery as it came in.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    pub headers: &'a Headers,
    pub body: &'a [u8],
    pub received: Timestamp,
}

/// Names what to read after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything of the account: the event does not say which object it is about.
    Account,
    /// One object, by any of its identity members.
    Object(String),
}

/// The headers of a delivery by lower-case name. One that is given twice counts the first time.
#[derive(Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Returns the value of a header, whose name is given in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(all: I) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.to_string());
        Self(all.into_iter().map(owned).collect())
    }
}

/// Longest id that is passed on; vendors' ids are GUIDs and numbers.
pub const LONGEST_ID: usize = 128;

/// Targets the object with the id in an event, or the account where that is no id.
pub fn target_of_id(id: &Json) -> Target {
    match id {
        Json::String(text) if !text.is_empty() && text.len() <= LONGEST_ID => {
            Target::Object(text.clone())
        }
        Json::Number(number) if number.is_u64() => Target::Object(number.to_string()),
        _ => Target::Account,
    }
}
