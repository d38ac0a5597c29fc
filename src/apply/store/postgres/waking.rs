//! Waking those who wait for a lease. Listening only makes it faster: without it, as behind a pooler, they look each second.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::broadcast::{self, Sender};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::connection::{ANSWERING, Connector, Fault};

/// How long nobody looks for a lease that nobody said was free.
const LOOKING: Duration = Duration::from_secs(1);

/// How long to wait before a connection that broke is made anew.
const LISTENING_AGAIN: Duration = Duration::from_secs(5);

/// Notices of leases that were given back.
pub struct Waking {
    connector: Arc<Connector>,
    free: Sender<String>,
    listener: OnceLock<AbortHandle>,
}

impl Waking {
    pub fn new(connector: Arc<Connector>) -> Self {
        Self {
            connector,
            free: broadcast::channel(64).0,
            listener: OnceLock::new(),
        }
    }

    /// Waits until a lease was given back, or for a second.
    pub async fn wait(&self, key: &str) {
        let mut free = self.free.subscribe();
        self.listener.get_or_init(|| {
            let listening = listen(Arc::clone(&self.connector), self.free.clone());
            tokio::spawn(listening).abort_handle()
        });
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

async fn listen(connector: Arc<Connector>, free: Sender<String>) {
    loop {
        if let Err(fault) = listen_once(&connector, &free).await {
            tracing::debug!("nobody tells of free leases: {fault:?}");
        }
        sleep(LISTENING_AGAIN).await;
    }
}

/// Sends on what is given back until the connection ends.
async fn listen_once(connector: &Connector, free: &Sender<String>) -> Result<(), Fault> {
    let (notices, mut freed) = mpsc::unbounded_channel();
    let client = connector.connect_and_tell(Some(notices)).await?;
    let listening = client.batch_execute("LISTEN entitle_free");
    let silent = |_| Fault::Lost("it does not answer".into());
    timeout(ANSWERING, listening).await.map_err(silent)??;
    while let Some(key) = freed.recv().await {
        // Nobody may wait just now.
        let _ = free.send(key);
    }
    Ok(())
}
