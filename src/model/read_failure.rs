//! Why an object could not be read, and whether that is a matter of its whole connection.
//!
//! A thousand objects of a vendor that is away fail for one reason. Each has its own text, with the call that failed;
//! the [`ConnectionFault`] beside it is the same for all, so that it is reported once.

use std::fmt;

use super::origin::Origin;

/// A call without a usable reply, or an object that no reply showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadFailure {
    /// `None` if no reply came or the reply is malformed.
    pub status: Option<u16>,
    /// The call that failed, and how.
    pub text: String,
    /// `None` if it concerns this object or this call only.
    pub fault: Option<Box<ConnectionFault>>,
}

/// A problem of a connection, by which none of its calls can succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionFault {
    pub kind: FaultKind,
    /// What is wrong, without the call that showed it: `cannot connect to lac:443: connection refused`.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// The name of the connection; empty until a caller that knows it sets it.
    pub connection: String,
    /// The place of its document, or of the member that is at fault.
    pub origin: Option<Origin>,
}

/// The kinds of problems of a connection. Problems of the same kind and connection are reported together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Environment variables that hold its credentials are not set.
    UnsetVariable,
    /// A credential cannot be found or sent.
    UnusableSecret,
    /// Credentials may not go to its host.
    UntrustedHost,
    /// The vendor refuses the credentials.
    LoginRefused,
    /// The login brought no session, for another reason.
    LoginFailed,
    /// Its host has no address.
    NoSuchHost,
    /// Its host does not answer.
    Unreachable,
    /// No safe connection to its host comes about.
    UnsafeConnection,
    /// The credentials may not read.
    Forbidden,
    /// What answers is not the vendor's API.
    WrongBaseUrl,
    /// The vendor points elsewhere.
    Redirected,
    /// The vendor wants no more calls for now.
    RateLimited,
    /// The vendor has a fault of its own.
    VendorFailure,
    /// The vendor's replies are not what its page says.
    UnreadableReply,
    /// The time for the run was over.
    OutOfTime,
}

impl FaultKind {
    /// Returns the stable name that reports show.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnsetVariable => "unset-variable",
            Self::UnusableSecret => "unusable-secret",
            Self::UntrustedHost => "untrusted-host",
            Self::LoginRefused => "login-refused",
            Self::LoginFailed => "login-failed",
            Self::NoSuchHost => "no-such-host",
            Self::Unreachable => "unreachable",
            Self::UnsafeConnection => "unsafe-connection",
            Self::Forbidden => "forbidden",
            Self::WrongBaseUrl => "wrong-base-url",
            Self::Redirected => "redirected",
            Self::RateLimited => "rate-limited",
            Self::VendorFailure => "vendor-failure",
            Self::UnreadableReply => "unreadable-reply",
            Self::OutOfTime => "out-of-time",
        }
    }
}

impl FaultKind {
    /// Reports whether a single call can have the problem while others succeed. It is one of the connection then only if
    /// all of its objects have it.
    pub fn is_of_calls(self) -> bool {
        match self {
            Self::Forbidden
            | Self::WrongBaseUrl
            | Self::Redirected
            | Self::VendorFailure
            | Self::UnreadableReply => true,
            Self::UnsetVariable
            | Self::UnusableSecret
            | Self::UntrustedHost
            | Self::LoginRefused
            | Self::LoginFailed
            | Self::NoSuchHost
            | Self::Unreachable
            | Self::UnsafeConnection
            | Self::RateLimited
            | Self::OutOfTime => false,
        }
    }
}

impl ConnectionFault {
    /// Makes a fault of a connection that is still to be named.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            connection: String::new(),
            origin: None,
        }
    }

    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl ReadFailure {
    /// Makes the failure of a reply that came and is not as documented, or of an object that no reply showed.
    pub fn odd(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Adds the fault of the connection that it comes from.
    pub fn with_fault(self, fault: Option<ConnectionFault>) -> Self {
        Self {
            fault: fault.map(Box::new),
            ..self
        }
    }
}

impl From<String> for ReadFailure {
    fn from(text: String) -> Self {
        Self::odd(text)
    }
}

impl From<&str> for ReadFailure {
    fn from(text: &str) -> Self {
        Self::odd(text)
    }
}

impl fmt::Display for ReadFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}
