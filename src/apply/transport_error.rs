//! Defines the errors of exchanges, and what each failure means for a write.
//!
//! Errors of the HTTP client come in and leave as variants, each of which answers two questions: may the vendor have
//! seen the call, and would another try help. Texts are for people; no decision is read from them.

use std::error::Error;
use std::time::Duration;

use super::cause::Cause;
use super::login_failure::LoginFailure;
use super::store::LeaseLost;
use crate::model::{ConnectionFault, FaultKind, ReadFailure, with_causes};

/// The reason for which an exchange brought no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// There was no session to send it with.
    #[error(transparent)]
    Login(#[from] LoginFailure),
    /// A run that was cut off from its lease must not write into the work of the one that has it now.
    #[error("locked out: the lease is not ours any more ({0}), so nothing was sent")]
    LockedOut(LeaseLost),
    /// The credential cannot be sent, and another try would have the same one.
    #[error("the credential has characters that no header can carry")]
    UnusableCredential,
    /// The run ended before the call's turn came.
    #[error("the time for the whole run is over")]
    NoTurn,
    /// The run ended while the reply was waited for.
    #[error("the time for the whole run is over")]
    RunOver,
    /// The client refused the request before it opened a connection.
    #[error("cannot build the request to {host}")]
    Unbuildable {
        host: String,
        #[source]
        cause: Cause,
    },
    /// No connection came about, so the vendor has not seen the call.
    #[error("cannot connect to {host}")]
    Unconnected {
        host: String,
        #[source]
        cause: Cause,
    },
    /// The connection took longer than its time, in seconds, so the vendor has not seen the call.
    #[error("no answer from {host} within {seconds} s")]
    ConnectTimeout { host: String, seconds: f32 },
    /// The call was sent and the reply took too long, in seconds: a write may have been carried out.
    #[error("no answer from {host} within {seconds} s")]
    ReplyTimeout { host: String, seconds: f32 },
    /// The reply's compression is broken: a write was carried out or refused, and its result is unknown.
    #[error("the reply of {host} cannot be unpacked")]
    Undecodable {
        host: String,
        #[source]
        cause: Cause,
    },
    /// The reply is beyond the limit of the transport, as every further try's would be.
    #[error("the reply is larger than {mebibytes} MiB")]
    TooLarge { mebibytes: usize },
    /// The connection ended before the reply was complete.
    #[error("the exchange with {host} broke off")]
    BrokenOff {
        host: String,
        #[source]
        cause: Cause,
    },
}

impl TransportError {
    /// Reports whether the vendor may have seen the call: a write that was lost may have been carried out.
    ///
    /// `false` makes another try of a write safe. `true` means that the object must be read first.
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            Self::Login(_)
            | Self::LockedOut(_)
            | Self::UnusableCredential
            | Self::NoTurn
            | Self::Unbuildable { .. }
            | Self::Unconnected { .. }
            | Self::ConnectTimeout { .. } => false,
            Self::RunOver
            | Self::ReplyTimeout { .. }
            | Self::Undecodable { .. }
            | Self::TooLarge { .. }
            | Self::BrokenOff { .. } => true,
        }
    }

    /// Returns the reason without the server, which a line about a retry has no room for.
    pub fn short_reason(&self) -> String {
        match self {
            Self::Unconnected { cause, .. } => cause.to_string(),
            other => with_causes(other),
        }
    }

    /// Returns the kind of problem that a connection has if a read fails like this; `None` if only the call has one.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        match self {
            Self::Unconnected { cause, .. } => Some(cause.kind()),
            Self::ConnectTimeout { .. } | Self::ReplyTimeout { .. } | Self::BrokenOff { .. } => {
                Some(FaultKind::Unreachable)
            }
            Self::UnusableCredential => Some(FaultKind::UnusableSecret),
            Self::NoTurn | Self::RunOver => Some(FaultKind::OutOfTime),
            Self::Undecodable { .. } | Self::TooLarge { .. } => Some(FaultKind::UnreadableReply),
            Self::Login(_) | Self::LockedOut(_) | Self::Unbuildable { .. } => None,
        }
    }

    /// Reports whether another try would fail in the same way; the caller then makes none.
    pub fn is_lasting(&self) -> bool {
        match self {
            // A server does not replace its certificate from one second to the next.
            Self::Unconnected { cause, .. } => cause.kind() == FaultKind::UnsafeConnection,
            Self::LockedOut(_) | Self::UnusableCredential | Self::TooLarge { .. } => true,
            Self::Login(_)
            | Self::NoTurn
            | Self::RunOver
            | Self::Unbuildable { .. }
            | Self::ConnectTimeout { .. }
            | Self::ReplyTimeout { .. }
            | Self::Undecodable { .. }
            | Self::BrokenOff { .. } => false,
        }
    }
}

/// A call that brought no reply after all of its tries.
#[derive(Clone, Debug)]
pub struct CallError {
    /// The call as messages name it; `None` if it was never made for want of a session or a lease.
    call: Option<String>,
    pub error: TransportError,
    /// The failure of an earlier try.
    earlier: Option<String>,
    /// How often it was tried and for how long, if more than once.
    tries: Option<Tries>,
}

/// The tries of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tries {
    pub count: usize,
    pub spent: Duration,
}

impl std::fmt::Display for Tries {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, spent } = self;
        write!(out, "tried {count} times in {:.1} s", spent.as_secs_f64())
    }
}

impl CallError {
    /// Makes the error of a call. The call is not named after a lost lease, since that concerns every call of the run.
    pub fn new(call: &str, error: TransportError) -> Self {
        let is_locked_out = matches!(error, TransportError::LockedOut(_));
        Self {
            call: (!is_locked_out).then(|| call.to_string()),
            error,
            earlier: None,
            tries: None,
        }
    }

    /// Adds the failure of an earlier try, which is often the real reason.
    pub fn with_earlier(self, earlier: Option<String>) -> Self {
        Self { earlier, ..self }
    }

    /// Adds how often the call was tried; `None` if once.
    pub fn with_tries(self, tries: Option<Tries>) -> Self {
        Self { tries, ..self }
    }

    /// Returns the error, its causes, the failure of an earlier try and the number of tries in one line.
    ///
    /// For example `GET /orders: no answer from lac.example.com within 30 s; before that: 503; tried 6 times in 9.8 s`.
    /// An earlier failure that the text contains already is not repeated.
    pub fn text(&self) -> String {
        self.complete(with_causes(self))
    }

    fn complete(&self, text: String) -> String {
        let earlier = self.earlier.as_ref();
        let earlier = earlier.filter(|earlier| !text.contains(*earlier));
        let earlier = earlier.map_or(String::new(), |earlier| format!("; before that: {earlier}"));
        let tries = self
            .tries
            .map_or(String::new(), |tries| format!("; {tries}"));
        format!("{text}{earlier}{tries}")
    }

    /// Converts a lost read to what is known of the object that it was for.
    pub fn into_read_failure(self) -> ReadFailure {
        let fault = match &self.error {
            TransportError::Login(failure) => failure.fault.clone().map(|fault| *fault),
            error => error
                .fault_kind()
                .map(|kind| ConnectionFault::new(kind, self.complete(with_causes(error)))),
        };
        ReadFailure::odd(self.text()).with_fault(fault)
    }
}

impl From<LoginFailure> for CallError {
    fn from(failure: LoginFailure) -> Self {
        Self {
            call: None,
            error: failure.into(),
            earlier: None,
            tries: None,
        }
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(call) = &self.call {
            write!(out, "{call}: ")?;
        }
        write!(out, "{}", self.error)
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_cannot_have_left_is_unsent_and_only_some_failures_last() {
        let (host, seconds) = (|| "lac:443".to_string(), 1.0);
        let cause = || Cause::new("reset");
        let cases = [
            (TransportError::LockedOut(LeaseLost::Expired), false, true),
            (TransportError::UnusableCredential, false, true),
            (TransportError::NoTurn, false, false),
            (
                TransportError::Unbuildable {
                    host: host(),
                    cause: cause(),
                },
                false,
                false,
            ),
            (
                TransportError::Unconnected {
                    host: host(),
                    cause: cause(),
                },
                false,
                false,
            ),
            (
                TransportError::ConnectTimeout {
                    host: host(),
                    seconds,
                },
                false,
                false,
            ),
            (TransportError::RunOver, true, false),
            (
                TransportError::ReplyTimeout {
                    host: host(),
                    seconds,
                },
                true,
                false,
            ),
            (
                TransportError::Undecodable {
                    host: host(),
                    cause: cause(),
                },
                true,
                false,
            ),
            (TransportError::TooLarge { mebibytes: 64 }, true, true),
            (
                TransportError::BrokenOff {
                    host: host(),
                    cause: cause(),
                },
                true,
                false,
            ),
        ];
        for (error, sent, lasting) in cases {
            assert_eq!(error.may_have_been_sent(), sent, "{error}");
            assert_eq!(error.is_lasting(), lasting, "{error}");
        }
    }

    #[test]
    fn a_call_is_named_before_its_causes_and_the_earlier_try_comes_last() {
        let error = TransportError::Unconnected {
            host: "lac:443".into(),
            cause: Cause::new("refused"),
        };
        let error = CallError::new("GET /x", error);
        assert_eq!(error.to_string(), "GET /x: cannot connect to lac:443");
        assert_eq!(error.text(), "GET /x: cannot connect to lac:443: refused");
        let error = error.with_earlier(Some("answered 503".into()));
        let text = "GET /x: cannot connect to lac:443: refused; before that: answered 503";
        assert_eq!(error.text(), text);
        let error = error.with_earlier(Some("cannot connect to lac:443: refused".into()));
        assert!(!error.text().contains("before that"), "{}", error.text());
        let tries = Tries {
            count: 6,
            spent: Duration::from_millis(9_812),
        };
        let failure = error.with_tries(Some(tries)).into_read_failure();
        let words = "cannot connect to lac:443: refused; tried 6 times in 9.8 s";
        assert_eq!(failure.text, format!("GET /x: {words}"));
        let fault = failure.fault.expect("the host is away");
        assert_eq!(fault.kind, FaultKind::Unreachable);
        assert_eq!(fault.message, words);
    }
}
