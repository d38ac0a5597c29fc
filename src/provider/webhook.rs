//! Webhooks: who signed a delivery, and where its event says to look.
//!
//! A delivery goes in as headers and raw body. The signature is checked over the raw body before anybody parses it,
//! and an event is a hint to look, never data: what it says of an object is not believed. Routes, replays and rates
//! belong to the daemon; a vendor has its own rules in `webhook.rs` of its folder.

use jiff::Timestamp;
use serde_json::Value as Json;

/// The webhooks of one vendor.
pub trait Webhook: Sync {
    /// Checks that a delivery was signed by somebody who knows the secret. Returns what was signed beside the body,
    /// such as a time, or the empty text: with the body it tells one delivery from another. Returns `None` if the
    /// signature is missing, wrong, too old or too new; that takes as long as a check that holds.
    fn verify(&self, secret: &[u8], delivery: &Delivery<'_>) -> Option<String>;

    /// Returns where the event in a body says to look, or `None` if it cannot concern what manifests describe. A
    /// body that is not as documented means the whole account.
    fn target(&self, body: &[u8]) -> Option<Target>;
}

/// A delivery as it came in.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    pub headers: &'a Headers,
    pub body: &'a [u8],
    pub received: Timestamp,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// At everything of the account: the event does not say which object it is about.
    Account,
    /// At one object, by any of its identity members.
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
