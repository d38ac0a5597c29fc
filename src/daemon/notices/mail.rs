//! Sends e-mail. The only file that names the mail library.

use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::{self, authentication::Credentials};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::manifest::is_local;
use crate::model::notification::Email;

/// The longest time for one command of the exchange.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a mail was not sent. Mail servers repeat what they refuse, so the caller redacts its text.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("cannot set up TLS to {host}")]
    Tls { host: String, source: smtp::Error },
    #[error("{text:?} is not an e-mail address")]
    NotAddress { text: String, source: AddressError },
    #[error("cannot write the message")]
    Unwritable(#[source] lettre::error::Error),
    #[error("the mail server did not take it")]
    Refused(#[source] smtp::Error),
}

/// A connection to a mail server, not opened yet.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mailer {
    /// Prepares the connection. `login` is the resolved user name and password. Nothing is sent without TLS except to
    /// this machine.
    pub fn new(email: &Email, login: Option<(String, String)>) -> Result<Self, MailError> {
        let host = email.server.host_str().unwrap_or_default();
        let local = is_local(&email.server);
        let builder = match (email.server.scheme(), local) {
            ("smtps", _) => AsyncSmtpTransport::<Tokio1Executor>::relay(host),
            (_, false) => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host),
            (_, true) => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(
                host,
            )),
        };
        let mut builder = builder
            .map_err(|source| MailError::Tls {
                host: host.to_string(),
                source,
            })?
            .timeout(Some(PATIENCE));
        if let Some(port) = email.server.port() {
            builder = builder.port(port);
        }
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, password));
        }
        let mailbox = |text: &String| {
            text.parse::<Mailbox>()
                .map_err(|source| MailError::NotAddress {
                    text: text.clone(),
                    source,
                })
        };
        Ok(Self {
            transport: builder.build(),
            from: mailbox(&email.from)?,
            to: email.to.iter().map(mailbox).collect::<Result<_, _>>()?,
        })
    }

    /// Sends one message. `Err` has the server's reply, which may contain secrets.
    pub async fn send(&self, subject: &str, text: String) -> Result<(), MailError> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message.body(text).map_err(MailError::Unwritable)?;
        let sent = self.transport.send(message).await;
        sent.map(|_| ()).map_err(MailError::Refused)
    }
}
