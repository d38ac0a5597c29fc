//! Reads what an error of the HTTP client comes from: its kind for the program, its words for people.
//!
//! The client wraps an error several times, and each layer repeats the URL, whose query may be secret. So only the
//! innermost error is ever shown, in plain words where it is a common one: `connection refused` in place of
//! `Connection refused (os error 111)`.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::{CertificateError, InvalidMessage};

use super::resolver::NoSuchHost;
use crate::model::FaultKind;

/// The cause of a failed exchange.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    /// Takes an error of the HTTP client.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// Reports whether the connection ended in the middle of a body, which the client calls a fault of its decoding.
    pub fn is_broken_off(&self) -> bool {
        self.find::<hyper::Error>().is_some()
    }

    /// Returns the kind of problem that a connection has for this cause.
    pub fn kind(&self) -> FaultKind {
        if self.find::<NoSuchHost>().is_some() {
            FaultKind::NoSuchHost
        } else if self.find::<rustls::Error>().is_some() {
            FaultKind::UnsafeConnection
        } else {
            FaultKind::Unreachable
        }
    }

    /// Returns the first error of a type, from the outermost on.
    fn find<T: Error + 'static>(&self) -> Option<&T> {
        let mut error: Option<&(dyn Error + 'static)> = Some(&*self.0);
        while let Some(current) = error {
            if let Some(found) = current.downcast_ref() {
                return Some(found);
            }
            error = source_of(current);
        }
        None
    }

    fn innermost(&self) -> &(dyn Error + 'static) {
        let mut innermost: &(dyn Error + 'static) = &*self.0;
        while let Some(source) = source_of(innermost) {
            innermost = source;
        }
        innermost
    }
}

/// Returns the error below an error. An error of the system that wraps another names the source of that one as its own.
fn source_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let innermost = self.innermost();
        if let Some(error) = innermost.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => out.write_str("connection refused"),
                io::ErrorKind::ConnectionReset => out.write_str("the connection was reset"),
                io::ErrorKind::HostUnreachable => out.write_str("there is no route to it"),
                io::ErrorKind::NetworkUnreachable => out.write_str("the network cannot be reached"),
                _ => write!(out, "{error}"),
            };
        }
        match self.find::<rustls::Error>() {
            Some(error) => out.write_str(&describe_tls(error)),
            None => write!(out, "{innermost}"),
        }
    }
}

impl Error for Cause {}

/// Describes why no safe connection came about.
fn describe_tls(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return match error {
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
                "it does not speak TLS on this port; is it meant to be reached by http://?".into()
            }
            other => other.to_string(),
        };
    };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is the clock of this machine right?".into()
        }
        CertificateError::Revoked => "its certificate was revoked".into(),
        CertificateError::UnknownIssuer => "nobody whom this machine trusts has signed its \
            certificate; name a file of certificates to trust in SSL_CERT_FILE"
            .into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host".into()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_a_kind_and_plain_words() {
        let wrapped = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        let tls = |fault| wrapped(rustls::Error::InvalidCertificate(fault));
        let plain = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        let cases: [(io::Error, FaultKind, &str); 5] = [
            (
                io::Error::from_raw_os_error(111),
                FaultKind::Unreachable,
                "connection refused",
            ),
            (
                wrapped(plain),
                FaultKind::UnsafeConnection,
                "it does not speak TLS on this port; is it meant to be reached by http://?",
            ),
            (
                tls(CertificateError::Expired),
                FaultKind::UnsafeConnection,
                "its certificate has expired",
            ),
            (
                tls(CertificateError::NotValidForName),
                FaultKind::UnsafeConnection,
                "its certificate is for another host",
            ),
            (io::Error::other("odd"), FaultKind::Unreachable, "odd"),
        ];
        for (error, kind, words) in cases {
            let cause = Cause::new(error);
            assert_eq!((cause.kind(), cause.to_string().as_str()), (kind, words));
        }
    }
}
