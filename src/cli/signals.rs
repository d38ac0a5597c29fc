//! First signal: no new step starts, those in flight finish. Second: stop at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::mpsc;

use super::exit::Exit;
use crate::daemon::task::Order;

/// What the signals have said so far.
#[derive(Clone, Default)]
pub struct Signals {
    code: Arc<AtomicU8>,
}

impl Signals {
    /// Listens from now on; `stop` is set by the first signal.
    pub fn listen(stop: Arc<AtomicBool>) -> Self {
        let signals = Self::default();
        let code = Arc::clone(&signals.code);
        tokio::spawn(async move {
            loop {
                let exit = next().await;
                if stop.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(exit));
                }
                code.store(exit, Ordering::Relaxed);
                eprintln!(
                    "Stopping: no new step starts, those in flight finish. Once more stops at once."
                );
            }
        });
        signals
    }

    /// The exit of a run that was interrupted.
    pub fn exit(&self) -> Option<Exit> {
        match self.code.load(Ordering::Relaxed) {
            130 => Some(Exit::Interrupted),
            143 => Some(Exit::Terminated),
            _ => None,
        }
    }
}

/// Tells the daemon: SIGHUP to reload, the first signal to end to finish. The second ends at once.
pub fn order(stop: Arc<AtomicBool>, orders: mpsc::Sender<Order>) -> Signals {
    let signals = Signals::default();
    let code = Arc::clone(&signals.code);
    tokio::spawn(reloads(orders.clone()));
    tokio::spawn(async move {
        loop {
            let exit = next().await;
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(exit));
            }
            code.store(exit, Ordering::Relaxed);
            // A loop that has ended needs no order.
            let _ = orders.send(Order::Stop).await;
        }
    });
    signals
}

#[cfg(unix)]
async fn reloads(orders: mpsc::Sender<Order>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangup.recv().await.is_some() && orders.send(Order::Reload).await.is_ok() {}
}

#[cfg(not(unix))]
async fn reloads(_: mpsc::Sender<Order>) {}

/// Waits for a signal; its exit code by the custom of shells.
async fn next() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            // Both waits may be dropped at any time: a signal that arrives meanwhile is kept by its stream
            // or caught by the next one.
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => 130,
                _ = terminate.recv() => 143,
            };
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    130
}
