//! Sends one message to one receiver: resolves its secrets, writes its body, signs it.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use url::Url;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::mail::{MailError, Mailer};
use super::{Deliver, Notice, format};
use crate::apply::http::post;
use crate::apply::{Redactor, SecretError, Secrets, TrustError};
use crate::daemon::hooks::git::standard_key;
use crate::model::connection::Credential;
use crate::model::notification::{Channel, Email};
use crate::model::trusted_host::is_loopback;
use crate::model::{Notification, SecretRef, with_causes};
use crate::provider::signature;

/// Why a notice was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error(transparent)]
    Untrusted(#[from] TrustError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the address to post to is not a URL")]
    NotUrl,
    #[error("notices go to https addresses only")]
    NotHttps,
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error(transparent)]
    Mailer(#[from] MailError),
    /// The text of a failure. Its causes may repeat the address or the login, so both are removed from it.
    #[error("{0}")]
    Redacted(String),
}

/// Sends to one receiver. Secrets are resolved for every message, so that a replaced one counts at once.
pub struct Sender<'a> {
    pub notification: &'a Notification,
    pub secrets: &'a Secrets,
    pub page: Option<&'a Url>,
    pub clock: fn() -> Timestamp,
}

impl Deliver for Sender<'_> {
    async fn deliver(&self, notices: &[Notice]) -> Result<(), DeliveryError> {
        match &self.notification.channel {
            Channel::Webhook { url, secret } => {
                let to = match url {
                    Credential::Plain(text) => PostTarget::from_manifest(text.clone())?,
                    Credential::Secret(kept) => self.resolve_target(kept).await?,
                };
                let key = match secret {
                    Some(kept) => Some(self.resolve_secret(kept).await?),
                    None => None,
                };
                let now = (self.clock)();
                let body = format::webhook_body(notices, self.page, now).to_string();
                let id = message_id(&self.notification.name, notices);
                let headers =
                    key.map_or_else(Vec::new, |key| signature_headers(&key, &id, now, &body));
                self.post_body(to, &headers, body).await
            }
            Channel::Slack { url } => {
                let to = self.resolve_target(url).await?;
                let body = format::slack_body(notices, self.page).to_string();
                self.post_body(to, &[], body).await
            }
            Channel::Teams { url } => {
                let to = self.resolve_target(url).await?;
                let body = format::teams_body(notices, self.page).to_string();
                self.post_body(to, &[], body).await
            }
            Channel::Email(email) => self.send_mail(email, notices).await,
        }
    }
}

impl Sender<'_> {
    async fn resolve_secret(&self, kept: &SecretRef) -> Result<String, DeliveryError> {
        let found = self.secrets.resolve(kept).await?;
        Ok(found.expose_secret().to_string())
    }

    async fn resolve_target(&self, kept: &SecretRef) -> Result<PostTarget, DeliveryError> {
        PostTarget::from_secret(self.resolve_secret(kept).await?)
    }

    /// Posts a body over HTTPS, or over HTTP to this machine only.
    async fn post_body(
        &self,
        to: PostTarget,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(), DeliveryError> {
        if to.url.scheme() != "https" && !is_loopback(&to.url) {
            return Err(DeliveryError::NotHttps);
        }
        let redacted = |error: &(dyn Error + 'static)| {
            DeliveryError::Redacted(to.redactor.redact(&with_causes(error)))
        };
        let trusted = self.secrets.trust.check_url(&to.url);
        trusted.map_err(|error| redacted(&error))?;
        let sent = post(&to.name, to.url, headers, body).await;
        sent.map_err(|error| redacted(&error))
    }

    /// Sends an e-mail. The login may be a secret in both parts.
    async fn send_mail(&self, email: &Email, notices: &[Notice]) -> Result<(), DeliveryError> {
        self.secrets.trust.check_url(&email.server)?;
        let mut redactor = Redactor::default();
        let login = match &email.login {
            None => None,
            Some((user, password)) => {
                let user = match user {
                    Credential::Plain(name) => name.clone(),
                    Credential::Secret(kept) => {
                        let user = self.resolve_secret(kept).await?;
                        redactor.add(&user);
                        user
                    }
                };
                let password = self.resolve_secret(password).await?;
                redactor.add(&password);
                Some((user, password))
            }
        };
        let mailer = Mailer::new(email, login)?;
        let text = format::mail_text(notices, self.page);
        // Mail servers repeat what they refuse, so their replies are redacted as well.
        let sent = mailer.send(&format::mail_subject(notices), text).await;
        sent.map_err(|error| DeliveryError::Redacted(redactor.redact(&with_causes(&error))))
    }
}

/// The address to which a message is posted.
struct PostTarget {
    url: Url,
    /// The name of the receiver in error messages.
    name: String,
    redactor: Redactor,
}

impl PostTarget {
    /// Reads a URL that is written in the manifest, and may be shown.
    fn from_manifest(text: String) -> Result<Self, DeliveryError> {
        let url = Self::parse(&text)?;
        Ok(Self {
            name: url.host_str().unwrap_or_default().into(),
            url,
            redactor: Redactor::default(),
        })
    }

    /// Reads a URL that is a secret, host included: the reference may lead to anything.
    fn from_secret(text: String) -> Result<Self, DeliveryError> {
        let url = Self::parse(&text)?;
        let mut redactor = Redactor::default();
        url.host_str()
            .into_iter()
            .for_each(|host| redactor.add(host));
        redactor.add(&text);
        Ok(Self {
            url,
            name: "the receiver".into(),
            redactor,
        })
    }

    fn parse(text: &str) -> Result<Url, DeliveryError> {
        Url::parse(text).map_err(|_| DeliveryError::NotUrl)
    }
}

/// Returns the id of a message. It is the same for the same notices, so that a receiver recognises a message that it
/// was sent twice.
fn message_id(name: &str, notices: &[Notice]) -> String {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([0]);
    hash.update(serde_json::to_vec(notices).unwrap_or_default());
    let digest: [u8; 32] = hash.finalize().into();
    format!("msg_{}", &hex::encode(digest)[..32])
}

/// Returns the headers of Standard Webhooks, which the git hook here and libraries for every language verify.
fn signature_headers(
    secret: &str,
    id: &str,
    now: Timestamp,
    body: &str,
) -> Vec<(&'static str, String)> {
    let time = now.as_second().to_string();
    let key = standard_key(secret.as_bytes());
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
