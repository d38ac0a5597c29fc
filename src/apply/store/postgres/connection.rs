//! One connection to the database, made when it is needed and made anew after it broke.
//!
//! No state is kept in a session: a statement is sent whole, with its parameters, and may go through a pooler that
//! gives every transaction another session.

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

use super::address::{Address, CONNECTING};
use crate::apply::tls::Tls;

/// Time for a statement to be answered, or for the next row of its answer.
pub const ANSWERING: Duration = Duration::from_secs(10);

/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Parameters of a statement with their types, so that nothing has to be asked beforehand.
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// Why a statement was not carried out.
#[derive(Debug)]
pub enum Fault {
    /// There is no answer. It may have been carried out.
    Lost(String),
    /// The server said no.
    Refused(tokio_postgres::Error),
}

impl Fault {
    fn silent(what: &str, time: Duration) -> Self {
        Self::Lost(format!("{what} within {} s", time.as_secs()))
    }

    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if !is_passing(code) => Self::Refused(error),
            Some(_) | None => Self::Lost(describe(&error)),
        }
    }
}

/// Reports whether the server may do later what it refused now: it starts, stops, is full, or chose another transaction.
fn is_passing(code: &SqlState) -> bool {
    let code = code.code();
    let classes = ["08", "40", "53", "57", "58"];
    // A statement that somebody cancelled, and a disk that is full, are for people.
    !matches!(code, "57014" | "53100") && classes.iter().any(|class| code.starts_with(class))
}

/// An error with its causes, in one line. The driver's errors do not have the password.
pub fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return match error.detail() {
            Some(detail) => format!("{}: {detail}", error.message()),
            None => error.message().to_string(),
        };
    }
    with_causes(error)
}

/// How connections are made: where to, and whom to trust.
pub struct Connector {
    pub address: Address,
    pub tls: Tls,
}

impl Connector {
    /// Makes a connection and drives it in the background for as long as its client lives.
    pub async fn connect(&self) -> Result<Client, Fault> {
        self.connect_and_tell(None).await
    }

    /// The same, and sends on what notices the server gives.
    pub async fn connect_and_tell(&self, notices: Option<Notices>) -> Result<Client, Fault> {
        let config = self.address.config();
        let connecting = async {
            if !self.address.uses_tls() {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive(connection, notices));
                return Ok(client);
            }
            let mut tls = self
                .tls
                .config()
                .map_err(|error| Fault::Lost(with_causes(&error)))?;
            tls.alpn_protocols = vec![b"postgresql".to_vec()];
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
            tokio::spawn(drive(connection, notices));
            Ok(client)
        };
        match timeout(CONNECTING, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Fault::silent("it lets nobody in", CONNECTING)),
        }
    }
}

/// Where notices go.
pub type Notices = UnboundedSender<Notification>;

/// Moves what comes and goes over a connection until it ends. Whoever waits for an answer then is told why.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: Option<Notices>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notification(notice), Some(notices)) = (message, &notices) {
            let _ = notices.send(notice);
        }
    }
}

/// A connection for one purpose, shared by those who need it.
pub struct Link {
    connector: Arc<Connector>,
    client: Mutex<Option<Arc<Client>>>,
}

impl Link {
    pub fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            client: Mutex::default(),
        }
    }

    /// The connection, made anew if there is none. Others may be making it, and it may take them long.
    async fn client(&self) -> Result<Arc<Client>, Fault> {
        match timeout(CONNECTING, self.open_client()).await {
            Ok(client) => client,
            Err(_) => Err(Fault::silent("it lets nobody in", CONNECTING)),
        }
    }

    async fn open_client(&self) -> Result<Arc<Client>, Fault> {
        let mut held = self.client.lock().await;
        match &*held {
            Some(client) if !client.is_closed() => Ok(Arc::clone(client)),
            _ => {
                let client = Arc::new(self.connector.connect().await?);
                *held = Some(Arc::clone(&client));
                Ok(client)
            }
        }
    }

    /// Gives a connection up that did not answer: what comes over it later is nobody's.
    async fn give_up(&self, client: &Arc<Client>) {
        let mut held = self.client.lock().await;
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, client)) {
            *held = None;
        }
    }

    /// Carries out a statement once.
    pub async fn query(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, Fault> {
        let client = self.client().await?;
        let answered = timeout(ANSWERING, client.query_typed(sql, parameters)).await;
        let answered = match answered {
            Ok(answered) => answered.map_err(Fault::from),
            Err(_) => Err(Fault::silent("it does not answer", ANSWERING)),
        };
        if matches!(answered, Err(Fault::Lost(_))) {
            self.give_up(&client).await;
        }
        answered
    }

    /// Carries out a statement that may be carried out twice, again and again while the connection breaks.
    pub async fn query_again(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Fault> {
        let mut retry = Retry::new();
        loop {
            match self.query(sql, parameters).await {
                Err(fault) => retry.after(fault).await?,
                answered => return answered,
            }
        }
    }

    /// Carries out a statement and hands its rows over as they come, without keeping them.
    pub async fn each(
        &self,
        sql: &str,
        parameters: Parameters<'_>,
        take: &mut (dyn FnMut(Row) -> Result<(), Fault> + Send),
    ) -> Result<(), Fault> {
        let client = self.client().await?;
        let streamed = stream(&client, sql, parameters, take).await;
        if matches!(streamed, Err(Fault::Lost(_))) {
            self.give_up(&client).await;
        }
        streamed
    }
}

async fn stream(
    client: &Client,
    sql: &str,
    parameters: Parameters<'_>,
    take: &mut (dyn FnMut(Row) -> Result<(), Fault> + Send),
) -> Result<(), Fault> {
    let silent = |_| Fault::silent("it does not answer", ANSWERING);
    let parameters = parameters
        .iter()
        .map(|(value, kind)| (*value, kind.clone()));
    let rows = timeout(ANSWERING, client.query_typed_raw(sql, parameters));
    let mut rows = pin!(rows.await.map_err(silent)??);
    while let Some(row) = timeout(ANSWERING, rows.try_next())
        .await
        .map_err(silent)??
    {
        take(row)?;
    }
    Ok(())
}

/// When to try again, and when to give up.
pub struct Retry {
    until: Instant,
    pause: Duration,
}

impl Retry {
    pub fn new() -> Self {
        Self {
            until: Instant::now() + ANSWERING,
            pause: FIRST_PAUSE,
        }
    }

    /// Waits before another try. The fault comes back if none is worth it, or if it took too long already.
    pub async fn after(&mut self, fault: Fault) -> Result<(), Fault> {
        if !fault.is_lost() || Instant::now() + self.pause > self.until {
            return Err(fault);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
