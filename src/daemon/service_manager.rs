//! Tells the service manager (systemd) that the daemon is ready, reloading, alive or stopping, and its status in one
//! line. Without a service manager nothing happens.

use std::collections::BTreeMap;
use std::time::Duration;

use sd_notify::NotifyState;

use super::status::Status;

/// Sends states to the service manager, and ignores one that does not listen.
fn notify_manager(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

/// Says that manifests are in force, for the first time or after a reload.
pub fn notify_ready() {
    notify_manager(&[NotifyState::Ready]);
}

/// Says that a reload has begun; [`notify_ready`] ends it. The moment tells it from an earlier reload, as
/// `Type=notify-reload` demands.
pub fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify_manager(&[NotifyState::Reloading, now]),
        Err(_) => notify_manager(&[NotifyState::Reloading]),
    }
}

/// Resets the watchdog.
pub fn notify_alive() {
    notify_manager(&[NotifyState::Watchdog]);
}

/// Says that the daemon is stopping.
pub fn notify_stopping() {
    notify_manager(&[NotifyState::Stopping]);
}

/// Sends the line that `systemctl status` shows, if it is not the same as `before`.
pub fn notify_status(status: &Status, before: &mut String) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let now = status_line(status);
    if now != *before {
        notify_manager(&[NotifyState::Status(&now)]);
        *before = now;
    }
}

/// Returns the status in one line, such as `2 differs, 118 in_sync`.
fn status_line(status: &Status) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &status.objects {
        *states.entry(object.state.name()).or_default() += 1;
    }
    let mut parts: Vec<String> = states
        .into_iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    if parts.is_empty() {
        parts.push("no objects".into());
    }
    if status.source.problem.is_some() {
        parts.push("the source cannot be read".into());
    }
    if status.source.unfollowed.is_some() {
        parts.push("the source is not followed".into());
    }
    if status.brake.engaged {
        parts.push("the brake is on".into());
    }
    parts.join(", ")
}

/// Returns how often to reset the watchdog: twice in the time after which it considers the process dead. `None` if
/// there is no watchdog.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|time| time / 2)
}
