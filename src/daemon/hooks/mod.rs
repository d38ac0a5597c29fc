//! Webhooks: who may knock, and what a knock wakes.
//!
//! `POST /hooks/cryptlex/{connection}`, `POST /hooks/licensespring/{connection}` and `POST /hooks/git`. A delivery
//! goes in as headers and raw body, an [`Answer`] comes out; no HTTP server is known here (`serve` has
//! the routes). The signature is checked over the raw body before the body is parsed, and an event is a hint to
//! look, never data to trust. A connection that does not exist, or has no secret, is answered like one
//! whose secret is another, after as much work, so that nobody learns names by asking.

mod hint;
mod rate;
mod replay;
pub mod signature;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use super::trigger::Trigger;
use crate::apply::Secrets;
use crate::model::{Connection, SecretText};
pub use rate::{Rate, network};

/// The largest delivery that is read. Cryptlex sends one object; GitHub caps a push payload at 25 MB but cuts
/// its list of commits at 2048, and nothing in it beyond its signature matters here. A push too large to be
/// read here is found by the next look at the remote.
pub const BODY_CAP: usize = 1 << 20;

/// Who knocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Cryptlex,
    Licensespring,
    Git,
}

impl Hook {
    pub const ALL: [Hook; 3] = [Hook::Cryptlex, Hook::Licensespring, Hook::Git];

    /// The name in paths, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Cryptlex => "cryptlex",
            Hook::Licensespring => "licensespring",
            Hook::Git => "git",
        }
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It woke something.
    Taken,
    /// It is right and was taken before.
    Repeated,
    /// It is right and concerns nothing here.
    Ignored,
    /// Its signature is missing, wrong, too old or too new, or there is no secret to check it with.
    Unproved,
    /// It is right, and too much is waiting already; the sender shall try again.
    Busy,
}

impl Answer {
    pub const ALL: [Answer; 5] = [
        Answer::Taken,
        Answer::Repeated,
        Answer::Ignored,
        Answer::Unproved,
        Answer::Busy,
    ];

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Answer::Taken => "taken",
            Answer::Repeated => "repeated",
            Answer::Ignored => "ignored",
            Answer::Unproved => "unproved",
            Answer::Busy => "busy",
        }
    }
}

/// The headers of a delivery by lower-case name. One that is given twice counts the first time.
#[derive(Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
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

/// The secrets that deliveries are signed with.
#[derive(Default)]
pub struct Keys {
    connections: BTreeMap<(&'static str, String), SecretText>,
    git: Option<SecretText>,
}

impl Keys {
    /// Finds the `webhookSecret` of every connection that has one. A secret that is not found closes its hook;
    /// why comes back, for the log.
    pub async fn resolve<'a>(
        connections: impl IntoIterator<Item = &'a Connection>,
        git: Option<SecretText>,
        secrets: &Secrets,
    ) -> (Self, Vec<String>) {
        let mut keys = Self {
            git,
            ..Self::default()
        };
        let mut faults = Vec::new();
        for connection in connections {
            let Some(secret) = &connection.webhook_secret else {
                continue;
            };
            match secrets.resolve(secret).await {
                Ok(found) => {
                    let key = (connection.vendor.0, connection.name.clone());
                    keys.connections.insert(key, found);
                }
                Err(why) => {
                    faults.push(format!("the hook of {} is closed: {why}", connection.name))
                }
            }
        }
        (keys, faults)
    }

    fn of(&self, hook: Hook, connection: &str) -> Option<&SecretText> {
        match hook {
            Hook::Cryptlex | Hook::Licensespring => {
                self.connections.get(&(hook.name(), connection.to_string()))
            }
            Hook::Git => self.git.as_ref(),
        }
    }
}

/// Everything that deliveries are judged by. Shared by the server and by whoever reloads the manifests.
pub struct Hooks {
    keys: RwLock<Arc<Keys>>,
    seen: Mutex<replay::Seen>,
    triggers: Sender<Trigger>,
}

impl Hooks {
    pub fn new(keys: Keys, triggers: Sender<Trigger>) -> Self {
        Self {
            keys: RwLock::new(Arc::new(keys)),
            seen: Mutex::default(),
            triggers,
        }
    }

    /// Puts the secrets of newer manifests in force.
    pub fn replace(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Judges one delivery and wakes what it concerns. Never waits.
    pub fn receive(
        &self,
        hook: Hook,
        connection: &str,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> Answer {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let key = keys.of(hook, connection);
        // Without a secret the same work is done under a key that proves nothing.
        let bytes = key.map_or(&b"none"[..], |key| key.expose_secret().as_bytes());
        let signed = match hook {
            Hook::Cryptlex => signature::cryptlex(bytes, headers, body),
            Hook::Licensespring => signature::licensespring(bytes, headers, body, now),
            Hook::Git => signature::git(bytes, headers, body, now),
        };
        let (Some(_), Some(stamp)) = (key, signed) else {
            return Answer::Unproved;
        };
        let trigger = match hook {
            Hook::Cryptlex => hint::cryptlex(connection, body),
            Hook::Licensespring => hint::licensespring(connection, body),
            Hook::Git => {
                let event = headers.get("x-github-event");
                hint::git(event.or_else(|| headers.get("x-gitlab-event")))
            }
        };
        let Some(trigger) = trigger else {
            return Answer::Ignored;
        };
        let digest = digest(hook, connection, &stamp, body);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(&digest, now) {
            return Answer::Repeated;
        }
        // What found no room is not remembered: the sender will bring it again.
        if self.triggers.try_send(trigger).is_err() {
            return Answer::Busy;
        }
        seen.remember(digest, now);
        Answer::Taken
    }
}

/// What makes two deliveries the same: everything that was signed, and nothing that was not.
fn digest(hook: Hook, connection: &str, stamp: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [hook.name(), connection, stamp] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
