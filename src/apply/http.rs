//! Carries one HTTP exchange, paced and bounded: the only door to reqwest.
//!
//! In goes an [`Outgoing`] request, out comes an [`Answered`] reply or a [`TransportError`]. There is one try:
//! retries, sessions and the meaning of a status are decided by callers.
//!
//! An exchange waits for a permit of this process, then for a moment of the pace shared with others, then checks its
//! lease. Only then it is sent. A run that ends during a wait makes it [`TransportError::NoTurn`], which is safe to
//! try again; one that ends later makes it [`TransportError::RunOver`], after which a write is unclear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, header};
use serde_json::Value as Json;
use tokio::time::Instant;
use tracing::Instrument;
use url::Url;

use super::cause::Cause;
use super::limiter::{Limiter, RateLeft, SharedPace, Urgency};
use super::resolver::SystemResolver;
use super::retry_after::parse_retry_after;
use super::spans;
use super::store::Lease;
use super::tls::{Tls, TlsError, provide_crypto};
use super::transport_error::{CallError, TransportError};
use crate::model::trusted_host::is_loopback;
use crate::model::{Connection, Limits, Method, Reply};

/// Largest reply that is read: a hundred pages' worth of the largest objects seen.
const MAX_REPLY: usize = 64 << 20;

/// The most bytes that are reserved for a reply before it is read.
const USUAL_REPLY: u64 = 1 << 20;

/// The mark that some editors and servers put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A request. It may hold secrets, so it has no `Debug`.
pub struct Outgoing<'a> {
    pub method: Method,
    pub url: Url,
    /// Header and value that open the account.
    pub credential: Option<(&'static str, String)>,
    pub body: Body<'a>,
    pub urgency: Urgency,
    /// The lease that covers a write; `None` for reads, and where no other run can write.
    pub lease: Option<&'a dyn Lease>,
}

/// The body of a request.
pub enum Body<'a> {
    None,
    Json(&'a Json),
    Form(&'a [(&'static str, String)]),
}

/// A reply, and the wait that the vendor asks for before the next try.
pub struct Answered {
    pub reply: Reply,
    pub after: Option<Duration>,
    /// When the vendor answered, by its own clock; `None` if it does not say.
    pub date: Option<Timestamp>,
}

/// Carries one exchange. Every run uses the network; unit tests use a wire without a socket, so that they can control
/// the clock.
pub trait Wire: Send + Sync {
    /// Sends a request once and waits for the whole reply.
    fn carry<'a>(
        &'a self,
        outgoing: &'a Outgoing<'_>,
    ) -> BoxFuture<'a, Result<Answered, TransportError>>;
}

/// Carries the exchanges of one connection: paces and counts them, and ends them with the run.
pub struct Http {
    wire: Box<dyn Wire>,
    pub limiter: Limiter,
    /// The longest time that one exchange takes.
    longest: Duration,
    /// The pace that all processes of the account keep together; `None` if they share no store.
    shared: Option<SharedPace>,
    /// When the run is over. An account that outlives a run gets a new one.
    deadline: Mutex<Instant>,
    /// Exchanges by status; 0 for those without an answer.
    answered: Mutex<BTreeMap<u16, u64>>,
    /// How far the vendor's clock was ahead of ours at its last reply with a date.
    clock_ahead: Mutex<Option<SignedDuration>>,
}

impl Http {
    /// Opens a connection over the network, with one client for all of its exchanges.
    pub fn new(
        connection: &Connection,
        limits: &Limits,
        tls: &Tls,
        deadline: Instant,
    ) -> Result<Self, TlsError> {
        let network = Network::new(connection, tls)?;
        Ok(Self {
            longest: connection.timeout,
            ..Self::over(Box::new(network), limits, deadline)
        })
    }

    /// Opens a connection over any wire. Leases then need not cover a timeout, as `longest` is zero.
    pub fn over(wire: Box<dyn Wire>, limits: &Limits, deadline: Instant) -> Self {
        Self {
            wire,
            limiter: Limiter::new(limits),
            longest: Duration::ZERO,
            shared: None,
            deadline: Mutex::new(deadline),
            answered: Mutex::default(),
            clock_ahead: Mutex::default(),
        }
    }

    /// Adds the pace that is shared with other processes of the account.
    pub fn sharing(self, shared: Option<SharedPace>) -> Self {
        Self { shared, ..self }
    }

    /// Stops every call of the account for a while, because the vendor asked for it.
    pub async fn pause(&self, length: Duration) {
        self.limiter.pause(length);
        if let Some(shared) = &self.shared {
            shared.pause(length).await;
        }
    }

    /// Returns the moment at which the run is over.
    pub fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the moment at which the run is over. A wait that has begun keeps the old one.
    pub fn set_deadline(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// Returns how much of each of the vendor's rates this process has left.
    pub fn rates_left(&self) -> Vec<RateLeft> {
        self.limiter.rates_left()
    }

    /// Takes the counts by status since the last time.
    pub fn take_answered(&self) -> BTreeMap<u16, u64> {
        std::mem::take(&mut self.answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how far the vendor's clock is ahead of ours, to the second; `None` if no reply had a date.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        *self
            .clock_ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the date of a reply.
    fn note_date(&self, date: Timestamp) {
        let ahead = date.duration_since(super::clock::now());
        let mut noted = self
            .clock_ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *noted = Some(ahead);
    }

    /// Counts an exchange by its status; 0 for one without an answer.
    fn count(&self, status: u16) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered.entry(status).or_default() += 1;
    }

    /// Sends a request once, under its permit. `name` is the name of the exchange in messages.
    pub async fn exchange(
        &self,
        name: &str,
        outgoing: &Outgoing<'_>,
    ) -> Result<Answered, CallError> {
        let host = outgoing.url.host_str().unwrap_or_default();
        let span = spans::request(outgoing.method, host);
        let ended = self.send_in_turn(outgoing).instrument(span.clone()).await;
        let status = ended.as_ref().ok().map(|answered| answered.reply.status);
        spans::answered(&span, status);
        ended.map_err(|error| CallError::new(name, error))
    }

    /// Waits for the turn of a request and sends it.
    ///
    /// A reply 429 or 503 makes the limiter slower, any other reply a little faster, and a failure changes nothing.
    async fn send_in_turn(&self, outgoing: &Outgoing<'_>) -> Result<Answered, TransportError> {
        // A turn may be an hour away; the run ends before that.
        let permit = self.limiter.acquire(outgoing.urgency);
        let Ok(permit) = tokio::time::timeout_at(self.deadline(), permit).await else {
            return Err(TransportError::NoTurn);
        };
        if let Some(shared) = &self.shared {
            let start = shared.start(outgoing.urgency);
            if tokio::time::timeout_at(self.deadline(), start)
                .await
                .is_err()
            {
                return Err(TransportError::NoTurn);
            }
        }
        // The turn may have taken a while, or the machine slept, so the lease is checked right before sending.
        if let Some(Err(why)) = outgoing.lease.map(|lease| lease.covers(self.longest)) {
            return Err(TransportError::LockedOut(why));
        }
        let received = tokio::time::timeout_at(self.deadline(), self.wire.carry(outgoing)).await;
        let received = received.unwrap_or(Err(TransportError::RunOver));
        self.count(received.as_ref().map_or(0, |it| it.reply.status));
        if let Some(date) = received.as_ref().ok().and_then(|answered| answered.date) {
            self.note_date(date);
        }
        match &received {
            Ok(answered) if matches!(answered.reply.status, 429 | 503) => permit.throttled(),
            Ok(_) => permit.succeeded(),
            Err(_) => {}
        }
        received
    }
}

/// The one HTTP client of a connection: it keeps connections open and speaks HTTP/2 to servers that support it.
struct Network {
    client: Client,
    timeout: Duration,
}

impl Network {
    fn new(connection: &Connection, tls: &Tls) -> Result<Self, TlsError> {
        let mut builder = Client::builder()
            .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
            .timeout(connection.timeout)
            .connect_timeout(connection.timeout.min(Duration::from_secs(10)))
            // A redirect would carry a write or a credential to a server that the manifest does not name.
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(SystemResolver))
            .tls_backend_preconfigured(tls.config_for(&connection.base_url)?);
        if is_loopback(&connection.base_url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(TlsError::client)?;
        Ok(Self {
            client,
            timeout: connection.timeout,
        })
    }

    /// Sends a request and reads its reply, up to 64 MiB. Bytes that are not UTF-8 are replaced, so that an error page
    /// can be shown.
    async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Answered, TransportError> {
        let request = self.request(outgoing)?;
        let failed = |error| self.explain(&outgoing.url, error);
        let mut response = request.send().await.map_err(failed)?;
        let after = retry_after(response.headers());
        let date = reply_date(response.headers());
        let status = response.status().as_u16();
        let remark = points_to(&outgoing.url, response.headers())
            .filter(|_| response.status().is_redirection());
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_string();
        // The server states the length, so no more than a usual page is reserved for it.
        let length = response.content_length().unwrap_or(0).min(USUAL_REPLY);
        let mut bytes: Vec<u8> = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > MAX_REPLY {
                let mebibytes = MAX_REPLY >> 20;
                return Err(TransportError::TooLarge { mebibytes });
            }
            bytes.extend_from_slice(&chunk);
        }
        // Servers in .NET begin a body with a byte order mark, which JSON has no place for.
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        let body = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Answered {
            reply: Reply {
                status,
                body,
                content_type,
                remark,
            },
            after,
            date,
        })
    }

    /// Builds the request of the client. The credential is marked as sensitive, so that the client does not log it.
    fn request(&self, outgoing: &Outgoing<'_>) -> Result<reqwest::RequestBuilder, TransportError> {
        let method = match outgoing.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self
            .client
            .request(method, outgoing.url.clone())
            .header(header::ACCEPT, "application/json");
        if let Some((name, value)) = &outgoing.credential {
            let mut value = header::HeaderValue::from_str(value)
                .map_err(|_| TransportError::UnusableCredential)?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        Ok(match outgoing.body {
            Body::None => request,
            Body::Json(json) => request.json(json),
            Body::Form(form) => request.form(form),
        })
    }

    /// Converts an error of the client by how far the exchange came: a timeout while connecting leaves the vendor
    /// untouched, one after that does not.
    fn explain(&self, url: &Url, error: reqwest::Error) -> TransportError {
        let (host, seconds) = (host_and_port(url), self.timeout.as_secs_f32());
        let (is_timeout, is_decode) = (error.is_timeout(), error.is_decode());
        let (is_connect, is_builder) = (error.is_connect(), error.is_builder());
        let cause = Cause::new(error.without_url());
        let is_decode = is_decode && !cause.is_broken_off();
        match (is_timeout, is_connect) {
            (true, true) => TransportError::ConnectTimeout { host, seconds },
            (true, false) => TransportError::ReplyTimeout { host, seconds },
            (false, true) => TransportError::Unconnected { host, cause },
            (false, false) if is_decode => TransportError::Undecodable { host, cause },
            (false, false) if is_builder => TransportError::Unbuildable { host, cause },
            (false, false) => TransportError::BrokenOff { host, cause },
        }
    }
}

impl Wire for Network {
    fn carry<'a>(
        &'a self,
        outgoing: &'a Outgoing<'_>,
    ) -> BoxFuture<'a, Result<Answered, TransportError>> {
        Box::pin(self.send(outgoing))
    }
}

/// Names a server by host and port: a refused connection is often a wrong port.
fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    }
}

/// The longest time for sending a notice: a run does not wait for a slow receiver.
const NOTICE_TIME: Duration = Duration::from_secs(15);

/// The reason for which a notice was not delivered. It names the receiver and not its address, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("no answer from {receiver} within {} s", NOTICE_TIME.as_secs())]
    Timeout { receiver: String },
    #[error("{receiver} cannot be reached")]
    Unreachable {
        receiver: String,
        source: reqwest::Error,
    },
    #[error("{receiver} answered {status}")]
    Answered { receiver: String, status: u16 },
}

/// Posts JSON to a receiver of notices. The error shows nothing of the body.
pub async fn post(
    receiver: &str,
    url: Url,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<(), PostError> {
    provide_crypto();
    let mut builder = Client::builder()
        .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
        .timeout(NOTICE_TIME)
        .redirect(reqwest::redirect::Policy::none());
    if is_loopback(&url) {
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(TlsError::client)?;
    let mut request = client.post(url).body(body);
    request = request.header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let receiver = receiver.to_string();
    let reply = match request.send().await {
        Ok(reply) => reply,
        Err(error) if error.is_timeout() => return Err(PostError::Timeout { receiver }),
        Err(error) => {
            let source = error.without_url();
            return Err(PostError::Unreachable { receiver, source });
        }
    };
    match reply.status() {
        status if status.is_success() => Ok(()),
        status => Err(PostError::Answered {
            receiver,
            status: status.as_u16(),
        }),
    }
}

/// Joins the base and the path that follows it, with exactly one slash between.
pub fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    let prefix = base.path().trim_end_matches('/').to_string();
    url.set_path(&format!("{prefix}/{}", path.trim_start_matches('/')));
    url.set_query(query);
    url
}

/// Reads `Retry-After`; `None` if there is none that can be read.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(text, super::clock::now().into())
}

/// Returns the target of a redirect; `None` if the reply names none. The query is left out, as it may hold a token.
fn points_to(url: &Url, headers: &header::HeaderMap) -> Option<String> {
    let mut target = url
        .join(headers.get(header::LOCATION)?.to_str().ok()?)
        .ok()?;
    target.set_query(None);
    target.set_fragment(None);
    // These calls cannot fail for an address that has a host.
    let _ = target.set_username("");
    let _ = target.set_password(None);
    Some(format!("it points to {target}"))
}

/// Reads the date of a reply; `None` if it is missing or no date.
fn reply_date(headers: &header::HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?.trim();
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::connection;

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
    fn a_redirect_is_told_without_its_query() {
        let url = "https://a.example/v1/orders?key=x".parse().expect("a URL");
        let remark = |location: &str| {
            let mut headers = header::HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().expect("a header"));
            points_to(&url, &headers)
        };
        let absolute = remark("https://me:pass@b.example/v2?token=s3cret#x");
        assert_eq!(
            absolute.as_deref(),
            Some("it points to https://b.example/v2")
        );
        let relative = remark("/v2/orders?token=s3cret");
        let expected = "it points to https://a.example/v2/orders";
        assert_eq!(relative.as_deref(), Some(expected));
        assert_eq!(remark("https://"), None);
        assert_eq!(points_to(&url, &header::HeaderMap::new()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_far_off_does_not_outlast_the_run() {
        let connection = connection();
        let hourly = Limits {
            concurrency: 1,
            rates: vec![crate::model::RateLimit {
                requests: 1,
                per: Duration::from_secs(3600),
            }],
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        let http = Http::new(&connection, &hourly, &Tls::default(), deadline).expect("a client");
        drop(http.limiter.acquire(Urgency::Read).await);
        let outgoing = Outgoing {
            method: Method::Get,
            url: connection.base_url.clone(),
            credential: None,
            body: Body::None,
            urgency: Urgency::Read,
            lease: None,
        };
        let lost = match http.exchange("GET /", &outgoing).await {
            Ok(_) => panic!("there was no turn"),
            Err(lost) => lost,
        };
        assert!(matches!(lost.error, TransportError::NoTurn), "{lost:?}");
    }
}
