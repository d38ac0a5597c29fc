//! First signal: no new step starts, those in flight finish. Second: stop at once, unless it is SIGHUP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::mpsc;

use super::exit::Exit;
use super::{command_run, output};
use crate::daemon::task::DaemonCommand;

/// The first signal that arrived, as the exit code of the run.
#[derive(Clone, Default)]
pub struct Signals {
    /// The exit code of the run, by the custom of shells; 0 before any signal.
    code: Arc<AtomicU8>,
}

impl Signals {
    /// Listens from now on; `stop` is set by the first signal.
    pub fn listen(stop: Arc<AtomicBool>) -> Self {
        command_run::heed_signals();
        let signals = Self::default();
        let code = Arc::clone(&signals.code);
        tokio::spawn(async move {
            let mut hangup = Hangup::listen();
            loop {
                // Whichever comes first; a signal that the dropped wait has missed is caught by the next one.
                let exit = tokio::select! {
                    exit = wait_for_signal() => exit,
                    exit = hangup.next() => exit,
                };
                // A terminal that goes sends more than one of these, and asks for nothing by it.
                if exit == Exit::HungUp && stop.load(Ordering::Relaxed) {
                    continue;
                }
                if stop.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(exit.code()));
                }
                code.store(exit.code(), Ordering::Relaxed);
                output::print_note(
                    "Stopping: no new step starts, those in flight finish. Once more stops at once.",
                );
            }
        });
        signals
    }

    /// The exit of a run that was interrupted.
    pub fn exit(&self) -> Option<Exit> {
        let code = self.code.load(Ordering::Relaxed);
        let exits = [Exit::HungUp, Exit::Interrupted, Exit::Terminated];
        exits.into_iter().find(|exit| exit.code() == code)
    }
}

/// Tells the daemon: SIGHUP to reload, the first signal to end to finish. The second ends at once.
pub fn send_orders(stop: Arc<AtomicBool>, orders: mpsc::Sender<DaemonCommand>) -> Signals {
    command_run::heed_signals();
    let signals = Signals::default();
    let code = Arc::clone(&signals.code);
    tokio::spawn(send_reloads(orders.clone()));
    tokio::spawn(async move {
        loop {
            let exit = wait_for_signal().await;
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(exit.code()));
            }
            code.store(exit.code(), Ordering::Relaxed);
            // A loop that has ended needs no order.
            let _ = orders.send(DaemonCommand::Stop).await;
        }
    });
    signals
}

/// Sends a reload to the daemon for each SIGHUP, until the daemon has ended.
#[cfg(unix)]
async fn send_reloads(orders: mpsc::Sender<DaemonCommand>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangup.recv().await.is_some() && orders.send(DaemonCommand::Reload).await.is_ok() {}
}

#[cfg(not(unix))]
async fn reloads(_: mpsc::Sender<DaemonCommand>) {}

/// Waits for a signal that the command does not heed itself.
pub async fn wait_unheeded(heeds: &AtomicBool) -> Exit {
    let mut hangup = Hangup::listen();
    loop {
        // As in `Signals::listen`.
        let exit = tokio::select! {
            exit = wait_for_signal() => exit,
            exit = hangup.next() => exit,
        };
        if !heeds.load(Ordering::Relaxed) {
            return exit;
        }
    }
}

/// SIGHUP, which a terminal sends when it closes. Under `nohup` the signal is ignored.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// Listens for SIGHUP, unless the process was started with the signal ignored, as by `nohup`.
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

    /// Waits for the next SIGHUP; never returns where the signal is ignored or does not exist.
    async fn next(&mut self) -> Exit {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return Exit::HungUp;
        }
        std::future::pending().await
    }
}

/// Reports whether SIGHUP was ignored when the process started, from the text of `/proc/self/status`.
///
/// `SigIgn` is a hexadecimal mask in which bit 0 stands for signal 1, SIGHUP: `1001` ignores it, `1000`
/// does not.
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
        // Only the handler matters, and it stays for the life of the process after the listener is dropped.
        drop(signal(SignalKind::from_raw(number)));
    }
}

/// Waits for a signal that ends programs.
pub async fn wait_for_signal() -> Exit {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            // Both waits may be dropped at any time: a signal that arrives meanwhile is kept by its stream
            // or caught by the next one.
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => Exit::Interrupted,
                _ = terminate.recv() => Exit::Terminated,
            };
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    Exit::Interrupted
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
