//! Defines why an account has no session, in words that may be shown.

use std::sync::Arc;

use crate::model::ConnectionFault;

/// The reason for which no session could be opened, with nothing secret in its text.
///
/// It has no `source()`: a cause may repeat what was sent, and only this text was redacted.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct LoginFailure {
    pub text: Arc<str>,
    /// Set if the vendor refused the credentials themselves: another try would only count against the account.
    pub are_credentials_refused: bool,
    /// The same as a problem of the connection.
    pub fault: Option<Box<ConnectionFault>>,
}
