//! Listens to notifications: leases that were given back, and hints between replicas of a daemon.
//!
//! Notifications only save time and may be missing, as behind a pooler: a lease is then tried every second, and objects
//! are observed at their next scheduled time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::connection::{PostgresConnector, QueryError, STATEMENT_TIMEOUT};
use super::roster;
use crate::apply::store::Hint;

/// How often to try a lease without a notification.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The pause before a broken connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(5);

/// The background task that listens, started at first use, and those who wait for it.
pub struct NotificationListener {
    connector: Arc<PostgresConnector>,
    notices: NotificationChannels,
    hints: Mutex<Receiver<Hint>>,
    task: OnceLock<AbortHandle>,
}

/// The channels to which notifications are distributed.
#[derive(Clone)]
struct NotificationChannels {
    free: Sender<String>,
    hints: Sender<Hint>,
}

impl NotificationListener {
    /// Creates a listener that connects at first use.
    pub fn new(connector: Arc<PostgresConnector>) -> Self {
        let (hints, of_others) = broadcast::channel(1024);
        Self {
            connector,
            notices: NotificationChannels {
                free: broadcast::channel(64).0,
                hints,
            },
            hints: Mutex::new(of_others),
            task: OnceLock::new(),
        }
    }

    /// Starts the background task if it does not run.
    fn ensure_listening(&self) {
        self.task.get_or_init(|| {
            let listening = keep_listening(Arc::clone(&self.connector), self.notices.clone());
            tokio::spawn(listening).abort_handle()
        });
    }

    /// Waits for the next hint.
    pub async fn next_hint(&self) -> Hint {
        self.ensure_listening();
        let mut hints = self.hints.lock().await;
        loop {
            match hints.recv().await {
                Ok(hint) => return hint,
                // Too many hints came at once; the objects are observed at their scheduled time.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    /// Waits until the lease on account `key` is given back, for a second at most.
    pub async fn wait(&self, key: &str) {
        let mut free = self.notices.free.subscribe();
        self.ensure_listening();
        let given_back = async {
            loop {
                match free.recv().await {
                    Ok(freed) if !key.starts_with(&freed) => {}
                    // It is this one, or notifications were missed.
                    Ok(_) | Err(_) => return,
                }
            }
        };
        let _ = timeout(POLL_INTERVAL, given_back).await;
    }
}

impl Drop for NotificationListener {
    fn drop(&mut self) {
        if let Some(listener) = self.task.get() {
            listener.abort();
        }
    }
}

/// Listens for ever, with a new connection after each break.
async fn keep_listening(connector: Arc<PostgresConnector>, notices: NotificationChannels) {
    loop {
        if let Err(error) = listen_once(&connector, &notices).await {
            tracing::debug!("nobody tells of free leases and hints: {error:?}");
        }
        sleep(RECONNECT_PAUSE).await;
    }
}

/// Distributes notifications until the connection ends.
async fn listen_once(
    connector: &PostgresConnector,
    notices: &NotificationChannels,
) -> Result<(), QueryError> {
    let (sender, mut notifications) = mpsc::unbounded_channel();
    let client = connector.connect_with_notifications(Some(sender)).await?;
    let listening = client.batch_execute("LISTEN entitle_free; LISTEN entitle_hint");
    let silent = |_| QueryError::Lost("it does not answer".into());
    timeout(STATEMENT_TIMEOUT, listening)
        .await
        .map_err(silent)??;
    while let Some(notice) = notifications.recv().await {
        // Sending fails if no caller is waiting.
        match notice.channel() {
            "entitle_free" => drop(notices.free.send(notice.payload().to_string())),
            _ => {
                let hint = roster::parse_hint(notice.payload());
                drop(hint.map(|hint| notices.hints.send(hint)));
            }
        }
    }
    Ok(())
}
