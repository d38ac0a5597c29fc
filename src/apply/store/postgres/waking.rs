//! Waking those who wait for a lease, and hints from one replica of a daemon to another. Listening only makes it faster:
//! without it, as behind a pooler, leases are looked at each second, and objects when their time has come.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::sync::{Mutex, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::connection::{ANSWERING, Connector, Fault};
use super::roster;
use crate::apply::store::Hint;

/// How long nobody looks for a lease that nobody said was free.
const LOOKING: Duration = Duration::from_secs(1);

/// How long to wait before a connection that broke is made anew.
const LISTENING_AGAIN: Duration = Duration::from_secs(5);

/// Notices of leases that were given back.
pub struct Waking {
    connector: Arc<Connector>,
    notices: Notices,
    hints: Mutex<Receiver<Hint>>,
    listener: OnceLock<AbortHandle>,
}

/// Where notices go.
#[derive(Clone)]
struct Notices {
    free: Sender<String>,
    hints: Sender<Hint>,
}

impl Waking {
    pub fn new(connector: Arc<Connector>) -> Self {
        let (hints, of_others) = broadcast::channel(1024);
        Self {
            connector,
            notices: Notices {
                free: broadcast::channel(64).0,
                hints,
            },
            hints: Mutex::new(of_others),
            listener: OnceLock::new(),
        }
    }

    fn listen(&self) {
        self.listener.get_or_init(|| {
            let listening = listen(Arc::clone(&self.connector), self.notices.clone());
            tokio::spawn(listening).abort_handle()
        });
    }

    /// Waits for the next hint of another replica.
    pub async fn next_hint(&self) -> Hint {
        self.listen();
        let mut hints = self.hints.lock().await;
        loop {
            match hints.recv().await {
                Ok(hint) => return hint,
                // Too many came at once; what they were about is looked at in its time.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }

    /// Waits until a lease was given back, or for a second.
    pub async fn wait(&self, key: &str) {
        let mut free = self.notices.free.subscribe();
        self.listen();
        let given_back = async {
            loop {
                match free.recv().await {
                    Ok(freed) if !key.starts_with(&freed) => {}
                    // Some were missed; it may have been this one.
                    Ok(_) | Err(_) => return,
                }
            }
        };
        let _ = timeout(LOOKING, given_back).await;
    }
}

impl Drop for Waking {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

async fn listen(connector: Arc<Connector>, notices: Notices) {
    loop {
        if let Err(fault) = listen_once(&connector, &notices).await {
            tracing::debug!("nobody tells of free leases and hints: {fault:?}");
        }
        sleep(LISTENING_AGAIN).await;
    }
}

/// Sends on what is told until the connection ends.
async fn listen_once(connector: &Connector, notices: &Notices) -> Result<(), Fault> {
    let (sender, mut told) = mpsc::unbounded_channel();
    let client = connector.connect_and_tell(Some(sender)).await?;
    let listening = client.batch_execute("LISTEN entitle_free; LISTEN entitle_hint");
    let silent = |_| Fault::Lost("it does not answer".into());
    timeout(ANSWERING, listening).await.map_err(silent)??;
    while let Some(notice) = told.recv().await {
        // Nobody may wait just now.
        match notice.channel() {
            "entitle_free" => drop(notices.free.send(notice.payload().to_string())),
            _ => {
                let hint = roster::hint(notice.payload());
                drop(hint.map(|hint| notices.hints.send(hint)));
            }
        }
    }
    Ok(())
}
