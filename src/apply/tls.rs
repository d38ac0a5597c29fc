//! The TLS configuration of a run: the certificates of the system, read once for all its accounts.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;
use url::Url;

use super::clock;

/// The TLS configuration of a run, read when it is first needed. A daemon has a new one with each pass, so an account
/// that is opened later trusts what the system trusts then.
#[derive(Clone, Default)]
pub struct Tls(Arc<OnceLock<Result<ClientConfig, TlsError>>>);

/// The reason for which no client can speak TLS.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TlsError {
    /// The system has no certificates. The advice comes last, so this shows its cause itself.
    #[error(
        "cannot set up TLS: {0}; install ca-certificates, or name a file of them in SSL_CERT_FILE"
    )]
    NoCertificates(String),
    #[error("cannot set up TLS")]
    Client(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl TlsError {
    /// Takes the error of an HTTP client that could not be built.
    pub fn client(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Client(Arc::new(error))
    }
}

impl Tls {
    /// The configuration, with the system's certificates. Reading these takes as long as a fast vendor's answer, so
    /// a run asks for it beforehand, while its manifests are read.
    pub fn config(&self) -> Result<ClientConfig, TlsError> {
        self.0.get_or_init(read).clone()
    }

    /// The configuration for an account. One that is reached in the clear, as the simulators are, needs no
    /// certificates, and a bare container has none.
    pub fn config_for(&self, base: &Url) -> Result<ClientConfig, TlsError> {
        let nobody = |error| (base.scheme() == "http").then(trusting_nobody).ok_or(error);
        self.config().or_else(nobody)
    }
}

fn read() -> Result<ClientConfig, TlsError> {
    provide_crypto();
    let mut config = ClientConfig::with_platform_verifier()
        .map_err(|error| TlsError::NoCertificates(error.to_string()))?;
    config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    config.time_provider = Arc::new(Clock);
    Ok(config)
}

fn trusting_nobody() -> ClientConfig {
    let mut config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.time_provider = Arc::new(Clock);
    config
}

/// The library's own clock ends the program where the machine's is before 1970.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        clock::unix(SystemTime::now())
    }
}

/// reqwest is built without cryptography of its own; giving it ours a second time changes nothing.
pub fn provide_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
