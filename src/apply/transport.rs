//! One account: session, limiter, retries. The only file that names reqwest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::{Client, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use url::Url;

use super::limiter::Limiter;
use super::secrets::Secrets;
use crate::model::connection::Credential;
use crate::model::{Auth, Call, Connection, Method, Reply};
use crate::provider::Provider;
use crate::provider::auth::{self, Session};

/// Largest reply that is read: a hundred pages' worth of the largest objects seen.
const MAX_REPLY: usize = 64 << 20;

/// Tries of one call in all.
const TRIES: usize = 6;

/// A call that brought no reply.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Lost {
    pub text: String,
    /// Whether the vendor may have seen the call: a lost write may have been carried out.
    pub sent: bool,
}

impl Lost {
    fn unsent(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            sent: false,
        }
    }
}

/// One connection in use.
pub struct Account {
    pub connection: Connection,
    pub provider: &'static dyn Provider,
    http: Client,
    limiter: Limiter,
    secrets: Secrets,
    session: Mutex<SessionState>,
    /// Whether the session was renewed and no call has been answered since: then it is not the session
    /// that the vendor refuses, and another login would only count against the account.
    renewed_in_vain: AtomicBool,
    deadline: Instant,
}

enum SessionState {
    Closed {
        /// Sessions opened so far; the next one gets the next number.
        opened: u64,
    },
    Open {
        session: Session,
        number: u64,
    },
    /// Opening it was refused; asking again would only lock the account.
    Refused(String),
}

impl Account {
    pub fn new(
        connection: Connection,
        provider: &'static dyn Provider,
        secrets: Secrets,
        deadline: Instant,
    ) -> Result<Self, String> {
        // reqwest is built without a provider of its own; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
            .timeout(connection.timeout)
            .connect_timeout(connection.timeout.min(Duration::from_secs(10)))
            // A redirect would carry a write or a credential to where nobody sent it.
            .redirect(reqwest::redirect::Policy::none());
        if crate::manifest::is_loopback(&connection.base_url) {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| format!("cannot set up TLS: {error}"))?;
        let limiter = Limiter::new(&provider.limits_for(&connection));
        let session = Mutex::new(SessionState::Closed { opened: 0 });
        Ok(Self {
            connection,
            provider,
            http,
            limiter,
            secrets,
            session,
            renewed_in_vain: AtomicBool::new(false),
            deadline,
        })
    }

    /// Calls of this account that may be out at once.
    pub fn concurrency(&self) -> usize {
        self.provider
            .limits_for(&self.connection)
            .concurrency
            .max(1)
    }

    /// Sends a call until it is answered or nothing more can be done. Reads are sent again after any
    /// passing failure; writes only when the vendor cannot have carried them out.
    pub async fn send(&self, call: &Call) -> Result<Reply, Lost> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        let mut renewed = false;
        loop {
            let (session, number) = self.session().await.map_err(Lost::unsent)?;
            let tried = self.once(call, &session).await;
            if let Ok((reply, _)) = &tried {
                if !self.session_lost(reply) {
                    self.renewed_in_vain.store(false, Ordering::Relaxed);
                } else if !renewed && self.close(number).await {
                    renewed = true;
                    continue;
                }
            }
            let asked = match &tried {
                Ok((reply, after)) if !passing(reply.status) => {
                    tracing::debug!(call = call.name(), status = reply.status, "answered");
                    let _ = after;
                    return tried.map(|(reply, _)| reply);
                }
                Ok((_, after)) => *after,
                Err(_) => None,
            };
            let may_repeat = match &tried {
                Ok((reply, _)) => call.method == Method::Get || untouched(reply.status),
                Err(lost) => call.method == Method::Get || !lost.sent,
            };
            let wait = waits.next().map(|wait| asked.unwrap_or(wait));
            match wait.filter(|wait| may_repeat && Instant::now() + *wait < self.deadline) {
                Some(wait) => {
                    tracing::debug!(call = call.name(), ?wait, "trying again");
                    if asked.is_some() {
                        self.limiter.pause(wait);
                    } else {
                        sleep(wait).await;
                    }
                }
                None => return tried.map(|(reply, _)| reply),
            }
        }
    }

    fn session_lost(&self, reply: &Reply) -> bool {
        let renewable = !auth::members(&self.connection.auth).is_empty();
        renewable && self.provider.auth().lost == Some(reply.status)
    }

    /// One attempt. The second value is the wait that the vendor asks for.
    async fn once(
        &self,
        call: &Call,
        session: &Session,
    ) -> Result<(Reply, Option<Duration>), Lost> {
        let name = call.shown();
        let base = session.base.as_ref().unwrap_or(&self.connection.base_url);
        let url = join(base, &call.path);
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
        };
        let rules = self.provider.auth();
        let mut credential =
            header::HeaderValue::from_str(&format!("{}{}", rules.prefix, session.token)).map_err(
                |_| Lost::unsent("the credential has characters that no header can carry"),
            )?;
        credential.set_sensitive(true);
        let mut request = self
            .http
            .request(method, url)
            .header(header::ACCEPT, "application/json")
            .header(rules.header, credential);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let (mut reply, after) = self.exchange(&name, request).await?;
        // What a read shows is left as it is: it may become part of a write.
        if !reply.is_success() || call.method != Method::Get {
            reply.body = without(&reply.body, &session.token);
        }
        Ok((reply, after))
    }

    async fn exchange(
        &self,
        name: &str,
        request: RequestBuilder,
    ) -> Result<(Reply, Option<Duration>), Lost> {
        let turn = self.limiter.turn().await;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let exchange = async {
            let mut response = request.send().await?;
            let after = retry_after(response.headers());
            let status = response.status().as_u16();
            let content_type = response
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_string();
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                if bytes.len() + chunk.len() > MAX_REPLY {
                    break;
                }
                bytes.extend_from_slice(&chunk);
            }
            let body = String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            Ok::<_, reqwest::Error>((
                Reply {
                    status,
                    body,
                    content_type,
                },
                after,
            ))
        };
        match tokio::time::timeout(left, exchange).await {
            Ok(Ok(answer)) => {
                if matches!(answer.0.status, 429 | 503) {
                    turn.too_much();
                } else {
                    turn.fine();
                }
                Ok(answer)
            }
            Ok(Err(error)) => {
                let sent = !(error.is_connect() || error.is_builder());
                Err(Lost {
                    text: format!("{name}: {}", why(&error, &self.connection)),
                    sent,
                })
            }
            Err(_) => Err(Lost {
                text: format!("{name}: the time for the whole run is over"),
                sent: true,
            }),
        }
    }

    /// The open session, opening it if need be. Everybody waits for one login.
    async fn session(&self) -> Result<(Session, u64), String> {
        let mut state = self.session.lock().await;
        let number = match &*state {
            SessionState::Open { session, number } => return Ok((session.clone(), *number)),
            SessionState::Refused(why) => return Err(why.clone()),
            SessionState::Closed { opened } => *opened,
        };
        match self.open().await {
            Ok(session) => {
                *state = SessionState::Open {
                    session: session.clone(),
                    number: number + 1,
                };
                Ok((session, number + 1))
            }
            Err(why) => {
                *state = SessionState::Refused(why.clone());
                Err(why)
            }
        }
    }

    /// Forgets the session with this number; a newer one stays. Says whether another try makes sense.
    async fn close(&self, number: u64) -> bool {
        let mut state = self.session.lock().await;
        match &*state {
            SessionState::Open { number: open, .. } if *open == number => {
                if self.renewed_in_vain.swap(true, Ordering::Relaxed) {
                    return false;
                }
                *state = SessionState::Closed { opened: number };
                true
            }
            SessionState::Open { .. } | SessionState::Closed { .. } => true,
            SessionState::Refused(_) => false,
        }
    }

    async fn open(&self) -> Result<Session, String> {
        self.trusted(&self.connection.base_url)?;
        let session = match &self.connection.auth {
            Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => {
                let token = self
                    .secrets
                    .resolve(secret)
                    .await?
                    .expose_secret()
                    .to_string();
                Session { token, base: None }
            }
            Auth::Login(members) => {
                let Some(login) = self.provider.auth().login else {
                    return Err(format!("{} has no login", self.connection.vendor));
                };
                let members = self.resolved(members).await?;
                let plain: Vec<(&'static str, String)> = members
                    .iter()
                    .map(|(name, text)| (*name, text.expose_secret().into()))
                    .collect();
                let call = login(&plain);
                let url = join(&self.connection.base_url, call.path);
                self.login(&url, &members, |client| client.json(&call.body))
                    .await?
            }
            Auth::ClientCredentials { token_url, members } => {
                self.trusted(token_url)?;
                let members = self.resolved(members).await?;
                let mut form = vec![("grant_type", "client_credentials".to_string())];
                for (name, text) in &members {
                    let name = match *name {
                        "clientId" => "client_id",
                        "clientSecret" => "client_secret",
                        other => other,
                    };
                    form.push((name, text.expose_secret().into()));
                }
                self.login(token_url, &members, |client| client.form(&form))
                    .await?
            }
        };
        if let Some(base) = &session.base {
            self.trusted(base)?;
            let plain = base.scheme() != "https" && !crate::manifest::is_loopback(base);
            if plain && !self.connection.allow_insecure_http {
                return Err(format!("the login points to {base}, which is not https"));
            }
        }
        Ok(session)
    }

    fn trusted(&self, url: &Url) -> Result<(), String> {
        self.secrets.trust.refusal(url).map_or(Ok(()), Err)
    }

    async fn resolved(
        &self,
        members: &[(&'static str, Credential)],
    ) -> Result<Vec<(&'static str, SecretString)>, String> {
        let mut found = Vec::new();
        for (name, credential) in members {
            let text = match credential {
                Credential::Plain(text) => SecretString::from(text.as_str()),
                Credential::Secret(secret) => self.secrets.resolve(secret).await?,
            };
            found.push((*name, text));
        }
        Ok(found)
    }

    /// Opens a session. What was refused is not asked twice: the account could be locked for it.
    async fn login(
        &self,
        url: &Url,
        members: &[(&'static str, SecretString)],
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Session, String> {
        let name = format!(
            "login at {}{}",
            url.host_str().unwrap_or_default(),
            url.path()
        );
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_jitter()
            .build();
        loop {
            let request =
                fill(self.http.post(url.clone())).header(header::ACCEPT, "application/json");
            let (failure, asked) = match self.exchange(&name, request).await {
                Ok((reply, _)) if reply.is_success() => {
                    // The reply holds the session: neither it nor a parser's excerpt of it is shown.
                    let json = serde_json::from_str(&reply.body)
                        .map_err(|_| format!("{name} did not answer with JSON"))?;
                    return (self.provider.auth().session)(&json)
                        .map_err(|why| format!("{name}: {why}"));
                }
                Ok((mut reply, _)) if auth::refused(&reply) => {
                    // Some servers repeat what they refuse. Names of users and accounts may stay.
                    let secret = |name: &str| matches!(name, "password" | "clientSecret");
                    for (_, secret) in members.iter().filter(|(name, _)| secret(name)) {
                        reply.body = without(&reply.body, secret.expose_secret());
                    }
                    let words = crate::provider::words::of(&reply);
                    return Err(format!(
                        "{name}: credentials refused ({}: {words})",
                        reply.status
                    ));
                }
                Ok((reply, _)) if !passing(reply.status) => {
                    return Err(format!("{name} answered {}", reply.status));
                }
                Ok((reply, after)) => (format!("{name} answered {}", reply.status), after),
                Err(lost) => (lost.text, None),
            };
            match waits
                .next()
                .map(|wait| asked.unwrap_or(wait))
                .filter(|wait| Instant::now() + *wait < self.deadline)
            {
                Some(wait) => sleep(wait).await,
                None => return Err(failure),
            }
        }
    }
}

/// A text without a secret, plain or as JSON and forms spell it. Very short ones are left: they say nothing,
/// and would be cut out of other words.
fn without(text: &str, secret: &str) -> String {
    if secret.len() < 4 {
        return text.to_string();
    }
    let json = serde_json::Value::from(secret).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    text.replace(secret, "[secret]")
        .replace(json.trim_matches('"'), "[secret]")
        .replace(&form, "[secret]")
}

/// The base and what follows it, with exactly one slash between.
fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let prefix = base.path().trim_end_matches('/').to_string();
    url.set_path(&format!("{prefix}/{}", path.trim_start_matches('/')));
    url.set_query(query);
    url
}

/// Statuses that may pass by themselves.
fn passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// Statuses after which a write was surely not carried out.
fn untouched(status: u16) -> bool {
    matches!(status, 425 | 429)
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(date.duration_since(jiff::Timestamp::now())).ok()
}

/// Why an exchange failed, from the outermost to the innermost cause, without the URL.
fn why(error: &reqwest::Error, connection: &Connection) -> String {
    let host = connection.base_url.host_str().unwrap_or_default();
    if error.is_timeout() {
        return format!(
            "no answer from {host} within {} s",
            connection.timeout.as_secs_f32()
        );
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_connect() {
        format!("cannot connect to {host}: {innermost}")
    } else {
        format!("the exchange with {host} broke off: {innermost}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_cut_out_in_every_spelling() {
        let secret = r#"p"a ss/ü"#;
        for spelled in [secret, r#"p\"a ss/ü"#, "p%22a+ss%2F%C3%BC"] {
            assert_eq!(without(&format!("<{spelled}>"), secret), "<[secret]>");
        }
        assert_eq!(without("abc", "abc"), "abc");
    }

    #[test]
    fn base_and_path_are_joined_with_one_slash() {
        let joined = |base: &str, path: &str| join(&base.parse().expect("a URL"), path).to_string();
        assert_eq!(
            joined("https://a.example", "/v3/x"),
            "https://a.example/v3/x"
        );
        assert_eq!(
            joined("https://a.example/pre/", "/v3/x?a=%2C"),
            "https://a.example/pre/v3/x?a=%2C"
        );
        assert_eq!(
            joined("https://a.example/saas", "/p/a%2Fb"),
            "https://a.example/saas/p/a%2Fb"
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let headers = |value: &str| {
            let mut map = header::HeaderMap::new();
            map.insert(header::RETRY_AFTER, value.parse().expect("a header"));
            map
        };
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        let long = retry_after(&headers("Fri, 31 Dec 2100 23:59:59 GMT")).expect("a date");
        assert!(long > Duration::from_secs(3600));
        assert_eq!(retry_after(&headers("soon")), None);
    }
}
