//! What the service manager is told: ready, alive, stopping. Without one nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells the service manager; one that does not listen is nobody's trouble.
fn tell(state: &NotifyState<'_>) {
    let _ = sd_notify::notify(std::slice::from_ref(state));
}

pub fn ready() {
    tell(&NotifyState::Ready);
}

pub fn alive() {
    tell(&NotifyState::Watchdog);
}

pub fn stopping() {
    tell(&NotifyState::Stopping);
}

/// How often to say that we are alive: twice in the time after which we are taken for dead.
pub fn beat() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|time| time / 2)
}
