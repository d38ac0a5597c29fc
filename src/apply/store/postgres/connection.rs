//! Connections to the database, made on demand and made again after they broke.
//!
//! No state is kept in a session: a statement is sent whole, with its parameters, so it works through a pooler that
//! gives each transaction another session.

use crate::model::with_causes;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Notification, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::database_url::{CONNECT_TIMEOUT, DatabaseUrl};
use crate::apply::tls::Tls;

/// How long the server may take to answer a statement, and to send the next row.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Parameters of a statement with their types, which saves a request to the server for the types.
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// Why a statement has no result.
#[derive(Debug)]
pub enum QueryError {
    /// There is no answer: the statement may or may not have been carried out.
    Lost(String),
    /// The server refused it.
    Refused(tokio_postgres::Error),
}

impl QueryError {
    /// Creates the error for a task `what` that did not end within `time`.
    fn timed_out(what: &str, time: Duration) -> Self {
        Self::Lost(format!("{what} within {} s", time.as_secs()))
    }

    /// Reports whether there was no answer, so that trying again may help.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

impl From<tokio_postgres::Error> for QueryError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if !is_transient(code) => Self::Refused(error),
            Some(_) | None => Self::Lost(describe_error(&error)),
        }
    }
}

/// Reports whether the server may accept later what it refused now: it is starting, stopping or full, or it aborted
/// this transaction for another one.
fn is_transient(code: &SqlState) -> bool {
    let code = code.code();
    let classes = ["08", "40", "53", "57", "58"];
    // A person must deal with a cancelled statement and a full disk.
    !matches!(code, "57014" | "53100") && classes.iter().any(|class| code.starts_with(class))
}

/// Formats an error with its causes in one line. The driver's errors do not contain the password.
pub fn describe_error(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return match error.detail() {
            Some(detail) => format!("{}: {detail}", error.message()),
            None => error.message().to_string(),
        };
    }
    with_causes(error)
}

/// How to connect: the address, and the certificates to trust.
pub struct PostgresConnector {
    pub address: DatabaseUrl,
    pub tls: Tls,
}

impl PostgresConnector {
    /// Makes a connection and drives it in the background for as long as its client lives.
    pub async fn connect(&self) -> Result<Client, QueryError> {
        self.connect_with_notifications(None).await
    }

    /// Makes a connection and sends the server's notifications to `notices`, if given.
    pub async fn connect_with_notifications(
        &self,
        notices: Option<NotificationSender>,
    ) -> Result<Client, QueryError> {
        let config = self.address.config();
        let connecting = async {
            if !self.address.uses_tls() {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive_connection(connection, notices));
                return Ok(client);
            }
            let mut tls = self
                .tls
                .config()
                .map_err(|error| QueryError::Lost(with_causes(&error)))?;
            tls.alpn_protocols = vec![b"postgresql".to_vec()];
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
            tokio::spawn(drive_connection(connection, notices));
            Ok(client)
        };
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(QueryError::timed_out(
                "it accepts no connections",
                CONNECT_TIMEOUT,
            )),
        }
    }
}

/// Where the notifications of a connection are sent.
pub type NotificationSender = UnboundedSender<Notification>;

/// Drives a connection until it ends. Pending statements then fail with its error.
async fn drive_connection<S, T>(
    mut connection: Connection<S, T>,
    notices: Option<NotificationSender>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notification(notice), Some(notices)) = (message, &notices) {
            let _ = notices.send(notice);
        }
    }
}

/// A connection for one purpose, shared by all that need it and made again after it broke.
pub struct ReconnectingClient {
    connector: Arc<PostgresConnector>,
    client: Mutex<Option<Arc<Client>>>,
}

impl ReconnectingClient {
    /// Creates the client without connecting.
    pub fn new(connector: Arc<PostgresConnector>) -> Self {
        Self {
            connector,
            client: Mutex::default(),
        }
    }

    /// Returns the present connection or makes one. The wait is limited, because another task may be making it, which
    /// may take long.
    async fn client(&self) -> Result<Arc<Client>, QueryError> {
        match timeout(CONNECT_TIMEOUT, self.open_client()).await {
            Ok(client) => client,
            Err(_) => Err(QueryError::timed_out(
                "it accepts no connections",
                CONNECT_TIMEOUT,
            )),
        }
    }

    /// Returns the present connection or makes one.
    async fn open_client(&self) -> Result<Arc<Client>, QueryError> {
        let mut slot = self.client.lock().await;
        match &*slot {
            Some(client) if !client.is_closed() => Ok(Arc::clone(client)),
            _ => {
                let client = Arc::new(self.connector.connect().await?);
                *slot = Some(Arc::clone(&client));
                Ok(client)
            }
        }
    }

    /// Drops a connection that did not answer; a late answer is ignored.
    async fn discard_client(&self, client: &Arc<Client>) {
        let mut slot = self.client.lock().await;
        if slot.as_ref().is_some_and(|slot| Arc::ptr_eq(slot, client)) {
            *slot = None;
        }
    }

    /// Carries out a statement once.
    pub async fn query(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, QueryError> {
        let client = self.client().await?;
        let answered = timeout(STATEMENT_TIMEOUT, client.query_typed(sql, parameters)).await;
        let answered = match answered {
            Ok(answered) => answered.map_err(QueryError::from),
            Err(_) => Err(QueryError::timed_out(
                "it does not answer",
                STATEMENT_TIMEOUT,
            )),
        };
        if matches!(answered, Err(QueryError::Lost(_))) {
            self.discard_client(&client).await;
        }
        answered
    }

    /// Carries out a statement and repeats it while the connection breaks. The statement must be safe to repeat.
    pub async fn query_with_retry(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, QueryError> {
        let mut retry = RetryPause::new();
        loop {
            match self.query(sql, parameters).await {
                Err(error) => retry.wait_after(error).await?,
                answered => return answered,
            }
        }
    }

    /// Carries out a statement and passes its rows to `take` as they arrive, without keeping them.
    pub async fn for_each_row(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
        take: &mut (dyn FnMut(Row) -> Result<(), QueryError> + Send),
    ) -> Result<(), QueryError> {
        let client = self.client().await?;
        let streamed = stream_rows(&client, sql, parameters, take).await;
        if matches!(streamed, Err(QueryError::Lost(_))) {
            self.discard_client(&client).await;
        }
        streamed
    }
}

/// Passes the rows of a statement to `take`, with a limit on the time for each.
async fn stream_rows(
    client: &Client,
    sql: &str,
    parameters: Parameters<'_>,
    take: &mut (dyn FnMut(Row) -> Result<(), QueryError> + Send),
) -> Result<(), QueryError> {
    let silent = |_| QueryError::timed_out("it does not answer", STATEMENT_TIMEOUT);
    let parameters = parameters
        .iter()
        .map(|(value, kind)| (*value, kind.clone()));
    let rows = timeout(STATEMENT_TIMEOUT, client.query_typed_raw(sql, parameters));
    let mut rows = pin!(rows.await.map_err(silent)??);
    while let Some(row) = timeout(STATEMENT_TIMEOUT, rows.try_next())
        .await
        .map_err(silent)??
    {
        take(row)?;
    }
    Ok(())
}

/// Decides when to try again, and when to give up: after pauses of 50, 100, 200 ms … up to 1 s, for 10 s in all.
pub struct RetryPause {
    until: Instant,
    pause: Duration,
}

impl RetryPause {
    /// Starts the limit now.
    pub fn new() -> Self {
        Self {
            until: Instant::now() + STATEMENT_TIMEOUT,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits before the next try. `Err` returns the error if trying again is useless or the limit has passed.
    pub async fn wait_after(&mut self, error: QueryError) -> Result<(), QueryError> {
        if !error.is_lost() || Instant::now() + self.pause > self.until {
            return Err(error);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
