//! The HTTP client of a bucket: ours, so that it trusts what the vendors' accounts trust, follows no redirect and
//! sends nothing in the clear to another machine.

use crate::apply::TlsError;
use crate::model::with_causes;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::{Client, StatusCode};
use url::Url;

use crate::apply::tls::Tls;
use crate::model::trusted_host::is_loopback;

const CONNECTING: Duration = Duration::from_secs(5);

/// Bytes of an answer's words that are shown.
const WORDS: usize = 300;

/// Makes clients for the bucket and for whoever gives out its credentials.
#[derive(Debug)]
pub struct Connector {
    /// Where the bucket is, if that was named.
    pub endpoint: Option<Url>,
    /// Whether it was spelled out that requests may go in the clear.
    pub allows_http: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self
            .client()
            .map_err(|error| object_store::Error::Generic {
                store: "TLS",
                source: with_causes(&error).into(),
            })?;
        Ok(HttpClient::new(Service {
            client,
            allows_http: self.allows_http,
        }))
    }
}

impl Connector {
    fn client(&self) -> Result<Client, TlsError> {
        // A store that is reached in the clear needs no certificates, and a bare container has none.
        let usual = || Url::parse("https://bucket.invalid").map_err(TlsError::client);
        let endpoint = self.endpoint.clone().map_or_else(usual, Ok)?;
        let mut builder = Client::builder()
            .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECTING)
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(Tls::default().config_for(&endpoint)?);
        if is_loopback(&endpoint) {
            builder = builder.no_proxy();
        }
        builder.build().map_err(TlsError::client)
    }
}

#[derive(Debug)]
struct Service {
    client: Client,
    allows_http: bool,
}

/// An answer by which nothing was done, in words.
#[derive(Debug, thiserror::Error)]
#[error("{status}{words}")]
pub struct Answer {
    pub status: StatusCode,
    /// What the body says of it, behind a colon.
    words: String,
}

/// A request that was not sent.
#[derive(Debug, thiserror::Error)]
#[error(
    "{host} is named with http://, and credentials go to another machine in the clear only with AWS_ALLOW_HTTP=true \
     (AZURE_ALLOW_HTTP, GOOGLE_ALLOW_HTTP)"
)]
pub struct InTheClear {
    host: String,
}

impl HttpService for Service {
    // The signature that the trait's own macro makes of an async function.
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.send(request))
    }
}

impl Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.uri().scheme_str() == Some("http") && !self.allows_http {
            let host = request.uri().host().unwrap_or_default();
            if !is_this_machine(host) {
                let host = host.to_string();
                return Err(HttpError::new(HttpErrorKind::Unknown, InTheClear { host }));
            }
        }
        let response = self.client.call(request).await?;
        let status = response.status();
        // The answers that mean something to the caller.
        let known = [304, 404, 409, 412];
        if status.is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.bytes().await?).into_owned();
        let is_known = known.contains(&status.as_u16());
        // An object that is not there is an answer, a bucket that is not there is none.
        if is_known && !NO_BUCKET.iter().any(|code| body.contains(code)) {
            return Ok(HttpResponse::from_parts(parts, body.into()));
        }
        let words = words(&body);
        Err(HttpError::new(
            HttpErrorKind::Unknown,
            Answer { status, words },
        ))
    }
}

/// How S3 and Google, and how Azure, say that there is no such bucket.
const NO_BUCKET: [&str; 2] = ["<Code>NoSuchBucket<", "<Code>ContainerNotFound<"];

/// Reports whether a host is this machine, or the address at which a cloud gives its machines credentials.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    match address {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        // The prefix of Amazon's metadata service.
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments()[0] == 0xfd00,
        Err(_) => {
            let names = ["localhost", "metadata", "metadata.google.internal"];
            names.contains(&host) || host.ends_with(".localhost")
        }
    }
}

/// Returns what the body of an error says: S3, Azure and Google all have a code and a message in XML.
fn words(body: &str) -> String {
    let member = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        let text = text.lines().next().unwrap_or_default();
        Some(text.chars().take(WORDS).collect::<String>())
    };
    match (member("Code"), member("Message")) {
        (Some(code), Some(message)) => format!(": {code}, {message}"),
        (Some(text), None) | (None, Some(text)) => format!(": {text}"),
        (None, None) => String::new(),
    }
}

impl Answer {
    /// Reports whether the same request may go well later.
    pub fn is_passing(&self) -> bool {
        self.status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&self.status)
    }
}

impl fmt::Display for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("entitle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_by_its_code_and_message() {
        let body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
                    <AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(words(body), ": AccessDenied, Access Denied");
        assert_eq!(words("<html>"), "");
    }

    #[test]
    fn what_goes_in_the_clear_stays_on_this_machine() {
        for host in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "169.254.169.254",
            "metadata.google.internal",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "minio.example.com",
            "10.0.0.7",
            "localhost.example.com",
            "[2001:db8::1]",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
