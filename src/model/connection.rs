//! One account at one vendor.

use std::time::Duration;

use url::Url;

use super::address::Vendor;
use super::origin::Origin;
use super::secret::SecretRef;

/// A `Connection` document, checked. Secrets are still references.
#[derive(Clone, Debug)]
pub struct Connection {
    pub name: String,
    pub vendor: Vendor,
    /// Everything before the path that the vendor's page prints, without a trailing slash.
    pub base_url: Url,
    pub auth: Auth,
    pub limits: Limits,
    /// Longest time for one call.
    pub timeout: Duration,
    pub webhook_secret: Option<SecretRef>,
    pub allow_insecure_http: bool,
    pub origin: Origin,
}

/// The credentials of a connection. The provider knows which forms its vendor takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Auth {
    Token(SecretRef),
    ApiKey(SecretRef),
    /// A session that another program opened.
    Session(SecretRef),
    /// Members of the vendor's login body.
    Login(Vec<(&'static str, Credential)>),
    ClientCredentials {
        token_url: Url,
        members: Vec<(&'static str, Credential)>,
    },
}

/// One member of a login: a name may stand in a manifest, a password may not.
#[derive(Clone, Debug, PartialEq)]
pub enum Credential {
    Plain(String),
    Secret(SecretRef),
}

impl Auth {
    /// The name of the form as manifests spell it.
    pub fn form(&self) -> &'static str {
        match self {
            Auth::Token(_) => "token",
            Auth::ApiKey(_) => "apiKey",
            Auth::Session(_) => "session",
            Auth::Login(_) => "login",
            Auth::ClientCredentials { .. } => "clientCredentials",
        }
    }
}

/// The load that an account may be put under, at once and over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub concurrency: usize,
    pub rates: Vec<RateLimit>,
}

/// At most `requests` in any window of length `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub requests: u32,
    pub per: Duration,
}
