//! The HTTP client for buckets: ours, so that it trusts the same certificates as the vendors' accounts, follows no
//! redirect, and sends nothing in the clear to another machine.

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

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most characters to show of an error's text.
const MAX_ERROR_TEXT: usize = 300;

/// Makes clients for the bucket and for the services that issue its credentials.
#[derive(Debug)]
pub struct BucketConnector {
    /// The address of the bucket; `None` for the cloud's own.
    pub endpoint: Option<Url>,
    /// True if the user allowed requests in the clear.
    pub allows_http: bool,
}

impl HttpConnector for BucketConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self
            .client()
            .map_err(|error| object_store::Error::Generic {
                store: "TLS",
                source: with_causes(&error).into(),
            })?;
        Ok(HttpClient::new(BucketHttpService {
            client,
            allows_http: self.allows_http,
        }))
    }
}

impl BucketConnector {
    /// Builds the client, or fails if no certificates can be loaded.
    fn client(&self) -> Result<Client, TlsError> {
        // A bucket reached in the clear needs no certificates, and a bare container has none.
        let usual = || Url::parse("https://bucket.invalid").map_err(TlsError::client);
        let endpoint = self.endpoint.clone().map_or_else(usual, Ok)?;
        let mut builder = Client::builder()
            .user_agent(concat!("entitle/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(Tls::default().config_for(&endpoint)?);
        if is_loopback(&endpoint) {
            builder = builder.no_proxy();
        }
        builder.build().map_err(TlsError::client)
    }
}

/// Sends requests for the library, and turns responses that it does not understand into errors.
#[derive(Debug)]
struct BucketHttpService {
    client: Client,
    allows_http: bool,
}

/// A response that says that nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("{status}{words}")]
pub struct FailedResponse {
    pub status: StatusCode,
    /// The body's own text behind a colon; empty if there is none.
    words: String,
}

/// A request that was not sent because it would go in the clear.
#[derive(Debug, thiserror::Error)]
#[error(
    "{host} is named with http://, and credentials go to another machine in the clear only with AWS_ALLOW_HTTP=true \
     (AZURE_ALLOW_HTTP, GOOGLE_ALLOW_HTTP)"
)]
pub struct CleartextRefused {
    host: String,
}

impl HttpService for BucketHttpService {
    // The signature that the trait's macro makes of an async function.
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

impl BucketHttpService {
    /// Sends a request unless it would go in the clear, and returns the responses that the caller handles.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.uri().scheme_str() == Some("http") && !self.allows_http {
            let host = request.uri().host().unwrap_or_default();
            if !is_this_machine(host) {
                let host = host.to_string();
                return Err(HttpError::new(
                    HttpErrorKind::Unknown,
                    CleartextRefused { host },
                ));
            }
        }
        let response = self.client.call(request).await?;
        let status = response.status();
        // These statuses have a meaning for the caller.
        let handled = [304, 404, 409, 412];
        if status.is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.bytes().await?).into_owned();
        let is_handled = handled.contains(&status.as_u16());
        // A missing object is an answer, a missing bucket an error.
        if is_handled && !NO_BUCKET.iter().any(|code| body.contains(code)) {
            return Ok(HttpResponse::from_parts(parts, body.into()));
        }
        let words = error_text(&body);
        Err(HttpError::new(
            HttpErrorKind::Unknown,
            FailedResponse { status, words },
        ))
    }
}

/// How S3 and Google, and Azure, report a missing bucket.
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

/// Extracts the text of an error body: S3, Azure and Google all send a code and a message in XML.
fn error_text(body: &str) -> String {
    let member = |name: &str| {
        let (_, tail) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = tail.split_once(&format!("</{name}>"))?;
        let text = text.lines().next().unwrap_or_default();
        Some(text.chars().take(MAX_ERROR_TEXT).collect::<String>())
    };
    match (member("Code"), member("Message")) {
        (Some(code), Some(message)) => format!(": {code}, {message}"),
        (Some(text), None) | (None, Some(text)) => format!(": {text}"),
        (None, None) => String::new(),
    }
}

impl FailedResponse {
    /// Reports whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        self.status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&self.status)
    }
}

impl fmt::Display for BucketConnector {
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
        assert_eq!(error_text(body), ": AccessDenied, Access Denied");
        assert_eq!(error_text("<html>"), "");
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
