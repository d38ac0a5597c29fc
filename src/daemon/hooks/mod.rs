//! Webhooks: who may knock, and what a knock wakes.
//!
//! `POST /hooks/{vendor}/{connection}` for every vendor that sends webhooks, and `POST /hooks/git`. A delivery
//! goes in as headers and raw body, an [`Answer`] comes out; no HTTP server is known here (`serve` has
//! the routes), and what a vendor signs and says is its own business ([`Webhook`]). The signature is checked over
//! the raw body before the body is parsed, and an event is a hint to look, never data to trust. A connection that does not exist, or has no secret, is answered like one
//! whose secret is another, after as much work, so that nobody learns names by asking.

pub mod git;
mod rate;
mod replay;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use super::trigger::Trigger;
use crate::apply::Secrets;
use crate::model::{Connection, SecretText};
use crate::provider;
pub use crate::provider::webhook::Headers;
use crate::provider::webhook::{Delivery, Target, Webhook};
pub use rate::{PeerLimiter, peer_network};

/// The largest delivery that is read. Cryptlex sends one object; GitHub caps a push payload at 25 MB but cuts
/// its list of commits at 2048, and nothing in it beyond its signature matters here. A push too large to be
/// read here is found by the next look at the remote.
pub const BODY_CAP: usize = 1 << 20;

/// Who knocks.
#[derive(Clone, Copy)]
pub enum Hook {
    Vendor {
        name: &'static str,
        webhook: &'static dyn Webhook,
    },
    Git,
}

impl Hook {
    /// Every hook, vendors first.
    pub fn all() -> impl Iterator<Item = Hook> {
        let vendors = provider::ALL.iter().filter_map(|provider| {
            Some(Hook::Vendor {
                name: provider.vendor().0,
                webhook: provider.webhook()?,
            })
        });
        vendors.chain([Hook::Git])
    }

    /// Returns the hook of a vendor, or `None` if it sends no webhooks.
    pub fn of_vendor(vendor: &str) -> Option<Hook> {
        let vendors = Hook::all().filter(|hook| matches!(hook, Hook::Vendor { .. }));
        { vendors }.find(|hook| hook.name() == vendor)
    }

    /// The name in paths, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Vendor { name, .. } => name,
            Hook::Git => "git",
        }
    }

    /// Checks the signature of a delivery. Returns what was signed beside the body.
    fn verify(self, secret: &[u8], delivery: &Delivery<'_>) -> Option<String> {
        match self {
            Hook::Vendor { webhook, .. } => webhook.verify(secret, delivery),
            Hook::Git => git::verify(secret, delivery),
        }
    }

    /// Returns what a delivery that holds wakes, or `None` if it concerns nothing here.
    fn trigger(self, connection: &str, delivery: &Delivery<'_>) -> Option<Trigger> {
        let Hook::Vendor { webhook, .. } = self else {
            return git::is_push(delivery.headers).then_some(Trigger::Source);
        };
        let connection = connection.to_string();
        Some(match webhook.target(delivery.body)? {
            Target::Account => Trigger::Connection(connection),
            Target::Object(id) => Trigger::Object { connection, id },
        })
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
            Hook::Vendor { name, .. } => self.connections.get(&(name, connection.to_string())),
            Hook::Git => self.git.as_ref(),
        }
    }
}

/// Everything that deliveries are judged by. Shared by the server and by whoever reloads the manifests.
pub struct Hooks {
    keys: RwLock<Arc<Keys>>,
    seen: Mutex<replay::ReplayGuard>,
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
        let delivery = Delivery {
            headers,
            body,
            received: now,
        };
        let (Some(_), Some(stamp)) = (key, hook.verify(bytes, &delivery)) else {
            return Answer::Unproved;
        };
        let Some(trigger) = hook.trigger(connection, &delivery) else {
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
