//! One account at one vendor.

use std::time::Duration;

use url::Url;

use super::address::Vendor;
use super::node::Mark;
use super::origin::Origin;
use super::read_failure::FaultKind;
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
    pub marks: MemberMarks,
}

/// Where a connection has the members that most problems are about; those of a built-in one are nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MemberMarks {
    pub base_url: Mark,
    pub auth: Mark,
}

impl Connection {
    /// Returns where the member is that a kind of problem is about.
    pub fn origin_of(&self, fault: FaultKind) -> Origin {
        let mark = match fault {
            FaultKind::UnsetVariable
            | FaultKind::UnusableSecret
            | FaultKind::LoginRefused
            | FaultKind::LoginFailed
            | FaultKind::Forbidden => self.marks.auth,
            FaultKind::UntrustedHost
            | FaultKind::NoSuchHost
            | FaultKind::Unreachable
            | FaultKind::UnsafeConnection
            | FaultKind::WrongBaseUrl
            | FaultKind::Redirected
            | FaultKind::RateLimited
            | FaultKind::VendorFailure
            | FaultKind::UnreadableReply
            | FaultKind::OutOfTime => self.marks.base_url,
        };
        let is_known = mark != Mark::default();
        Origin {
            mark: if is_known { mark } else { self.origin.mark },
            ..self.origin.clone()
        }
    }
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
    /// Lists the references to secrets, in the order in which they are resolved.
    pub fn secrets(&self) -> Vec<&SecretRef> {
        match self {
            Auth::Token(secret) | Auth::ApiKey(secret) | Auth::Session(secret) => vec![secret],
            Auth::Login(members) | Auth::ClientCredentials { members, .. } => members
                .iter()
                .filter_map(|(_, credential)| match credential {
                    Credential::Plain(_) => None,
                    Credential::Secret(secret) => Some(secret),
                })
                .collect(),
        }
    }

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
