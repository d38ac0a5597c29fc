//! What the service manager is told: ready, reloading, alive, stopping, and how things stand. Without one
//! nothing happens.

use std::collections::BTreeMap;
use std::time::Duration;

use sd_notify::NotifyState;

use super::status::Status;

/// Tells the service manager; one that does not listen is nobody's trouble.
fn tell(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

/// The manifests are in force, for the first time or after a reload.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload has begun; `ready` ends it. The moment tells it from an earlier one, as `Type=notify-reload` asks.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// What `systemctl status` shows; told when it is another than before.
pub fn status(status: &Status, before: &mut String) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let now = line(status);
    if now != *before {
        tell(&[NotifyState::Status(&now)]);
        *before = now;
    }
}

/// How things stand, in one line.
fn line(status: &Status) -> String {
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

/// How often to say that we are alive: twice in the time after which we are taken for dead.
pub fn beat() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|time| time / 2)
}
