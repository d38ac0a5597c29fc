//! E-mail. The only file that names the mail library.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::manifest::is_local;
use crate::model::notification::Email;

/// Longest time for one command of the exchange.
const PATIENCE: Duration = Duration::from_secs(15);

/// A way to a mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mailer {
    /// `login` is the resolved user name and password. Nothing is sent in the open but to this machine.
    pub fn new(email: &Email, login: Option<(String, String)>) -> Result<Self, String> {
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
            .map_err(|error| format!("cannot set up TLS to {host}: {error}"))?
            .timeout(Some(PATIENCE));
        if let Some(port) = email.server.port() {
            builder = builder.port(port);
        }
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, password));
        }
        let mailbox = |text: &String| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("{text:?} is not an e-mail address: {error}"))
        };
        Ok(Self {
            transport: builder.build(),
            from: mailbox(&email.from)?,
            to: email.to.iter().map(mailbox).collect::<Result<_, _>>()?,
        })
    }

    pub async fn send(&self, subject: &str, text: String) -> Result<(), String> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message
            .body(text)
            .map_err(|error| format!("cannot write the message: {error}"))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the mail server did not take it: {error}")),
        }
    }
}
