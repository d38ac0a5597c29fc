//! Notifies people and programs when the state of something changes.
//!
//! One notifier runs per `Notification`, and the loop never waits for one: a notifier reads the status channel like any
//! other reader. It is level-triggered: it remembers the status that its receiver was last sent, and reports the
//! differences between that status and the current one. So:
//!
//! - A change that was undone in between is not reported.
//! - A receiver that was down for an hour gets one message about the current state, and nothing is queued.
//! - No change is reported twice, unless the receiver took the message without acknowledging it; the message has the
//!   same id both times.
//! - After a restart, objects that need attention are reported once again.
//!
//! # Example
//!
//! An object fails at 12:00:00. At 12:00:05 (`SETTLE`) it still fails, so a message goes out. The object recovers at
//! 12:00:10 and fails again at 12:00:20: at 12:00:35 (`PACE`) the state is what the receiver knows, and no message
//! goes out. If the first message had been refused, it would be sent again after 10, 20, 40 … up to 600 s, each time
//! with what differs then.

pub mod format;
mod mail;
pub mod send;
pub mod transitions;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::sync::watch;
use url::Url;

pub use self::send::DeliveryError;
pub use self::transitions::{Notice, find_transitions};
use super::status::Status;
use crate::apply::Secrets;
use crate::model::{Notification, with_causes};

/// How long a change must last to be reported. A pass over a connection takes seconds, and a change
/// that it heals in that time needs no message.
const SETTLE: Duration = Duration::from_secs(5);

/// The shortest time between two messages to one receiver.
const PACE: Duration = Duration::from_secs(30);

/// The wait after a message was not delivered. It doubles up to `LAST_RETRY`.
const FIRST_RETRY: Duration = Duration::from_secs(10);
const LAST_RETRY: Duration = Duration::from_secs(600);

/// The longest time for one delivery.
const TRY: Duration = Duration::from_secs(20);
/// The longest time for the last delivery, once the daemon stops.
const LAST_TRY: Duration = Duration::from_secs(5);

/// The values that all notifiers need.
pub struct NotifierConfig {
    pub status: watch::Receiver<Arc<Status>>,
    pub notifications: Vec<Notification>,
    pub secrets: Secrets,
    /// The URL of the status page, for links.
    pub page: Option<Url>,
    /// Returns the time.
    pub clock: fn() -> Timestamp,
}

/// Runs one notifier per notification until the daemon stops. For other notifications, drop the future and call this
/// again.
pub async fn run_notifiers(telling: NotifierConfig) {
    let followers = telling.notifications.iter().map(|notification| {
        let sender = send::Sender {
            notification,
            secrets: &telling.secrets,
            page: telling.page.as_ref(),
            clock: telling.clock,
        };
        follow_status(telling.status.clone(), notification, sender)
    });
    join_all(followers).await;
}

/// Delivers one message. `Err` says why it was not delivered.
pub trait Deliver {
    fn deliver(&self, notices: &[Notice])
    -> impl Future<Output = Result<(), DeliveryError>> + Send;
}

/// Runs one notifier until the daemon stops.
async fn follow_status(
    mut status: watch::Receiver<Arc<Status>>,
    notification: &Notification,
    sender: impl Deliver,
) {
    let mut latest = Arc::clone(&status.borrow_and_update());
    loop {
        let mut over =
            status.changed().await.is_err() || !pause_unless_stopping(&mut status, SETTLE).await;
        let mut wait = FIRST_RETRY;
        loop {
            let now = Arc::clone(&status.borrow_and_update());
            let notices = select_notices(notification, find_transitions(&latest, &now));
            if notices.is_empty() {
                latest = now;
                break;
            }
            let patience = if over { LAST_TRY } else { TRY };
            let sent = tokio::time::timeout(patience, sender.deliver(&notices)).await;
            let sent = sent.unwrap_or(Err(DeliveryError::Timeout(patience)));
            let pause = match sent {
                Ok(()) => {
                    latest = now;
                    PACE
                }
                Err(error) => {
                    let (name, why) = (notification.name.as_str(), with_causes(&error));
                    tracing::warn!(notification = name, why, "a notification did not go out");
                    let pause = wait;
                    wait = (wait * 2).min(LAST_RETRY);
                    pause
                }
            };
            if over {
                break;
            }
            over = !pause_unless_stopping(&mut status, pause).await;
        }
        if over {
            return;
        }
    }
}

/// Waits for `pause`. Returns early, and `false`, if the daemon stops.
async fn pause_unless_stopping(status: &mut watch::Receiver<Arc<Status>>, pause: Duration) -> bool {
    // Cancel-safe: `wait_for` takes nothing from the channel except the mark that the value was seen.
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = status.wait_for(|status| status.stopping) => false,
    }
}

/// Keeps the notices of the events and connections that a receiver asked for. Notices about the whole daemon concern
/// every receiver of their event.
fn select_notices(notification: &Notification, mut notices: Vec<Notice>) -> Vec<Notice> {
    let (events, connections) = (&notification.events, &notification.connections);
    notices.retain(|notice| {
        let about = notice.connection.as_ref();
        (events.is_empty() || events.contains(&notice.event))
            && (connections.is_empty() || about.is_none_or(|name| connections.contains(name)))
    });
    notices
}

#[cfg(test)]
mod tests;
