//! First signal: no new step starts, those in flight finish. Second: stop at once, unless it is SIGHUP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::mpsc;

use super::exit::Exit;
use super::output;
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
            let mut hangup = Hangup::listen();
            loop {
                // Whichever comes first; a signal that the dropped wait has missed is caught by the next one.
                let exit = tokio::select! {
                    exit = next() => exit,
                    () = hangup.next() => HUNG_UP,
                };
                // A terminal that goes sends more than one of these, and asks for nothing by it.
                if exit == HUNG_UP && stop.load(Ordering::Relaxed) {
                    continue;
                }
                if stop.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(exit));
                }
                code.store(exit, Ordering::Relaxed);
                output::say(
                    "Stopping: no new step starts, those in flight finish. Once more stops at once.",
                );
            }
        });
        signals
    }

    /// The exit of a run that was interrupted.
    pub fn exit(&self) -> Option<Exit> {
        match self.code.load(Ordering::Relaxed) {
            HUNG_UP => Some(Exit::HungUp),
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

/// The exit code of a run that lost its terminal.
const HUNG_UP: u8 = 129;

/// SIGHUP, which a terminal sends when it goes. Under `nohup` nobody hears it.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let heard =
                !is_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
            let signal = heard.then(|| signal(SignalKind::hangup()).ok()).flatten();
            Self { signal }
        }
        #[cfg(not(unix))]
        Self {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Whether the status of a process in Linux says that SIGHUP, which is the first signal, was ignored at its start.
#[cfg(unix)]
fn is_ignored(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Makes a file that grows beyond the limit of the process an error of that file, as a full disk is one, and not the
/// end of the process in the middle of its writes. Needs a runtime.
pub fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let number = rustix::process::Signal::XFSZ.as_raw();
        // That somebody listens is what matters, and lasts as long as the process.
        drop(signal(SignalKind::from_raw(number)));
    }
}

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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_seen_in_the_status_of_the_process() {
        assert!(is_ignored(
            "Name:\tentitle\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"
        ));
        assert!(!is_ignored("SigIgn:\t0000000000001000\nSigCgt:\t1\n"));
        assert!(!is_ignored(""));
    }
}
