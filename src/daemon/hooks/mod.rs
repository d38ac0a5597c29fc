//! Webhooks: verifies the sender of a delivery, and finds the objects that it wakes.
//!
//! `POST /hooks/{vendor}/{connection}` for every vendor that sends webhooks, and `POST /hooks/git`. A delivery comes
//! in as headers and raw body, and a [`DeliveryResult`] goes out. No HTTP server is known here (`serve` has the
//! routes), and each vendor knows how it signs and what its events say ([`Webhook`]).
//!
//! The order of the checks, each of which can end it:
//!
//! 1. The secret of the connection is looked up. A connection that does not exist or has no secret is verified under
//!    a key that proves nothing, with the same work and the same reply as a wrong signature. So no sender learns the
//!    names of connections by asking.
//! 2. The signature is verified over the raw body, before the body is parsed: unproved.
//! 3. The event is translated into a trigger, which says where to look and is never trusted as data: ignored if it
//!    concerns nothing here.
//! 4. The digest of what was signed is compared with those of the last hour (`replay`): repeated.
//! 5. The trigger is sent into a bounded channel: busy if that is full, and taken otherwise.
//!
//! # Example
//!
//! Git hosts sign in three ways; the strongest header that is present decides alone. With the secret `hook-word`:
//!
//! | header | signed text | result |
//! | --- | --- | --- |
//! | `X-Hub-Signature-256: sha256=<64 hex digits>` | the body | HMAC-SHA256 under `hook-word` must match |
//! | `webhook-signature: v1,<base64>`, `webhook-id: msg_1`, `webhook-timestamp: 1700000000` | `msg_1.1700000000.<body>` | must match, and be at most 300 s old |
//! | `X-Gitlab-Token: hook-word` | nothing | compared in constant time |
//!
//! A push that GitHub delivers twice, because the first reply came too late, has the same body and digest: the first
//! is taken, the second repeated, and the source is read once.

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

/// The largest delivery that is read. Cryptlex sends one object. GitHub caps a push payload at 25 MB but cuts its
/// list of commits at 2048, and nothing in it except its signature matters here. A push that is too large to be read
/// is found by the next look at the remote.
pub const BODY_CAP: usize = 1 << 20;

/// The sender of a delivery.
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
            Hook::Git => git::verify_push(secret, delivery),
        }
    }

    /// Returns the trigger of a verified delivery, or `None` if it concerns nothing here.
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

/// The outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// It woke something.
    Taken,
    /// It is valid and was taken before.
    Repeated,
    /// It is valid and concerns nothing here.
    Ignored,
    /// Its signature is missing, wrong, too old or too new, or there is no secret to verify it with.
    Unproved,
    /// It is valid, and too much is waiting already; the sender should try again.
    Busy,
}

impl DeliveryResult {
    pub const ALL: [DeliveryResult; 5] = [
        DeliveryResult::Taken,
        DeliveryResult::Repeated,
        DeliveryResult::Ignored,
        DeliveryResult::Unproved,
        DeliveryResult::Busy,
    ];

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryResult::Taken => "taken",
            DeliveryResult::Repeated => "repeated",
            DeliveryResult::Ignored => "ignored",
            DeliveryResult::Unproved => "unproved",
            DeliveryResult::Busy => "busy",
        }
    }
}

/// The secrets that deliveries are signed with.
#[derive(Default)]
pub struct WebhookSecrets {
    connections: BTreeMap<(&'static str, String), SecretText>,
    git: Option<SecretText>,
}

impl WebhookSecrets {
    /// Resolves the `webhookSecret` of every connection that has one. A secret that cannot be resolved closes its
    /// hook; the reasons are returned for the log.
    pub async fn resolve<'a>(
        connections: impl IntoIterator<Item = &'a Connection>,
        git: Option<SecretText>,
        secrets: &Secrets,
    ) -> (Self, Vec<String>) {
        let mut resolved = Self {
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
                    resolved.connections.insert(key, found);
                }
                Err(why) => {
                    faults.push(format!("the hook of {} is closed: {why}", connection.name))
                }
            }
        }
        (resolved, faults)
    }

    fn find(&self, hook: Hook, connection: &str) -> Option<&SecretText> {
        match hook {
            Hook::Vendor { name, .. } => self.connections.get(&(name, connection.to_string())),
            Hook::Git => self.git.as_ref(),
        }
    }
}

/// The secrets and memories by which deliveries are judged. The server and the task that reloads the manifests share
/// them.
pub struct Hooks {
    secrets: RwLock<Arc<WebhookSecrets>>,
    replay_guard: Mutex<replay::ReplayGuard>,
    triggers: Sender<Trigger>,
}

impl Hooks {
    pub fn new(secrets: WebhookSecrets, triggers: Sender<Trigger>) -> Self {
        Self {
            secrets: RwLock::new(Arc::new(secrets)),
            replay_guard: Mutex::default(),
            triggers,
        }
    }

    /// Puts the secrets of newer manifests in force.
    pub fn replace_secrets(&self, secrets: WebhookSecrets) {
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }

    /// Judges one delivery and sends its trigger. Never waits.
    pub fn receive(
        &self,
        hook: Hook,
        connection: &str,
        headers: &Headers,
        body: &[u8],
        now: Timestamp,
    ) -> DeliveryResult {
        let secrets = Arc::clone(&self.secrets.read().unwrap_or_else(PoisonError::into_inner));
        let key = secrets.find(hook, connection);
        // Without a secret the same work is done under a key that proves nothing, so that the time of a reply does
        // not tell which connections exist.
        let bytes = key.map_or(&b"none"[..], |key| key.expose_secret().as_bytes());
        let delivery = Delivery {
            headers,
            body,
            received: now,
        };
        let (Some(_), Some(stamp)) = (key, hook.verify(bytes, &delivery)) else {
            return DeliveryResult::Unproved;
        };
        let Some(trigger) = hook.trigger(connection, &delivery) else {
            return DeliveryResult::Ignored;
        };
        let digest = delivery_digest(hook, connection, &stamp, body);
        let mut guard = self
            .replay_guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if guard.contains(&digest, now) {
            return DeliveryResult::Repeated;
        }
        // A trigger that found no room is not remembered, since the sender will send it again.
        if self.triggers.try_send(trigger).is_err() {
            return DeliveryResult::Busy;
        }
        guard.remember(digest, now);
        DeliveryResult::Taken
    }
}

/// Returns what makes two deliveries the same: everything that was signed, and nothing else.
fn delivery_digest(hook: Hook, connection: &str, stamp: &str, body: &[u8]) -> [u8; 32] {
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
