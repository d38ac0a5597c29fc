//! One message on its way: the secrets it needs, its form, its signature.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use url::Url;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::mail::Mailer;
use super::{Deliver, Notice, format};
use crate::apply::Secrets;
use crate::apply::http::post;
use crate::daemon::hooks::signature;
use crate::manifest::is_loopback;
use crate::model::connection::Credential;
use crate::model::notification::{Channel, Email};
use crate::model::{Notification, SecretRef};

/// Sends to one receiver. Secrets are looked up for every message, so that one that was replaced counts.
pub struct Sender<'a> {
    pub notification: &'a Notification,
    pub secrets: &'a Secrets,
    pub page: Option<&'a Url>,
    pub clock: fn() -> Timestamp,
}

impl Deliver for Sender<'_> {
    async fn deliver(&self, notices: &[Notice]) -> Result<(), String> {
        match &self.notification.channel {
            Channel::Webhook { url, secret } => {
                let url = match url {
                    Credential::Plain(text) => text.clone(),
                    Credential::Secret(kept) => self.secret(kept).await?,
                };
                let key = match secret {
                    Some(kept) => Some(self.secret(kept).await?),
                    None => None,
                };
                let now = (self.clock)();
                let body = format::webhook(notices, self.page, now).to_string();
                let id = id(&self.notification.name, notices);
                let headers = key.map_or_else(Vec::new, |key| signed(&key, &id, now, &body));
                self.post(&url, &headers, body).await
            }
            Channel::Slack { url } => {
                let url = self.secret(url).await?;
                self.json(&url, &format::slack(notices, self.page)).await
            }
            Channel::Teams { url } => {
                let url = self.secret(url).await?;
                self.json(&url, &format::teams(notices, self.page)).await
            }
            Channel::Email(email) => self.mail(email, notices).await,
        }
    }
}

impl Sender<'_> {
    async fn secret(&self, kept: &SecretRef) -> Result<String, String> {
        let found = self.secrets.resolve(kept).await?;
        Ok(found.expose_secret().to_string())
    }

    async fn json(&self, url: &str, body: &Json) -> Result<(), String> {
        self.post(url, &[], body.to_string()).await
    }

    async fn post(
        &self,
        address: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(), String> {
        // The address may be a secret and is in no message.
        let url =
            Url::parse(address).map_err(|_| "the address to post to is not a URL".to_string())?;
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err("notices go to https addresses only".into());
        }
        if let Some(refusal) = self.secrets.trust.refusal(&url) {
            return Err(refusal);
        }
        post(url, headers, body).await
    }

    async fn mail(&self, email: &Email, notices: &[Notice]) -> Result<(), String> {
        if let Some(refusal) = self.secrets.trust.refusal(&email.server) {
            return Err(refusal);
        }
        let login = match &email.login {
            None => None,
            Some((user, password)) => {
                let user = match user {
                    Credential::Plain(name) => name.clone(),
                    Credential::Secret(kept) => self.secret(kept).await?,
                };
                Some((user, self.secret(password).await?))
            }
        };
        let mailer = Mailer::new(email, login)?;
        let text = format::letter(notices, self.page);
        mailer.send(&format::subject(notices), text).await
    }
}

/// The same for the same turns, so that a receiver knows a message that it was sent twice.
fn id(name: &str, notices: &[Notice]) -> String {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([0]);
    hash.update(serde_json::to_vec(notices).unwrap_or_default());
    let digest: [u8; 32] = hash.finalize().into();
    format!("msg_{}", &signature::hex(&digest)[..32])
}

/// The headers of Standard Webhooks, which the git hook here and libraries in every language verify.
fn signed(secret: &str, id: &str, now: Timestamp, body: &str) -> Vec<(&'static str, String)> {
    let time = now.as_second().to_string();
    let key = signature::standard_key(secret.as_bytes());
    let parts = [id, ".", &time, ".", body].map(str::as_bytes);
    let code = BASE64.encode(signature::sign(&key, &parts));
    vec![
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", time),
        ("webhook-signature", format!("v1,{code}")),
    ]
}

#[cfg(test)]
mod tests;
