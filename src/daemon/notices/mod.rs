//! Telling people and programs when something turns.
//!
//! One follower per `Notification`, and none of them is ever waited for: a follower looks at the status channel
//! like anybody else. It is level-triggered: it knows the moment it last told about, and tells what is different
//! now. So what turned and turned back in between is not told, a receiver that was down for an hour gets one
//! message about where things stand, nothing is queued, and nothing is told twice but what a receiver took
//! without saying so; its id is the same both times. After a restart, what needs a look is told once again.

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
pub use self::transitions::{Notice, transitions};
use super::status::Status;
use crate::apply::Secrets;
use crate::model::{Notification, with_causes};

/// How long a turn must last to be told. A pass over a connection ends in seconds, and what it heals was
/// never out of order for anybody.
const SETTLE: Duration = Duration::from_secs(5);

/// The shortest time between two messages to one receiver.
const PACE: Duration = Duration::from_secs(30);

/// After a message that did not go out: this long, then twice as long, up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(10);
const LAST_RETRY: Duration = Duration::from_secs(600);

/// Longest time for one try, and for the last one when the daemon stops.
const TRY: Duration = Duration::from_secs(20);
const LAST_TRY: Duration = Duration::from_secs(5);

/// What the followers need.
pub struct Telling {
    pub status: watch::Receiver<Arc<Status>>,
    pub notifications: Vec<Notification>,
    pub secrets: Secrets,
    /// Where people reach the status page.
    pub page: Option<Url>,
    /// The time, as an argument.
    pub clock: fn() -> Timestamp,
}

/// Follows the status until the daemon stops. For other notifications, drop this and call it again.
pub async fn run(telling: Telling) {
    let followers = telling.notifications.iter().map(|notification| {
        let sender = send::Sender {
            notification,
            secrets: &telling.secrets,
            page: telling.page.as_ref(),
            clock: telling.clock,
        };
        follow(telling.status.clone(), notification, sender)
    });
    join_all(followers).await;
}

/// Delivers one message.
pub trait Deliver {
    fn deliver(&self, notices: &[Notice])
    -> impl Future<Output = Result<(), DeliveryError>> + Send;
}

async fn follow(
    mut status: watch::Receiver<Arc<Status>>,
    notification: &Notification,
    sender: impl Deliver,
) {
    let mut told = Arc::clone(&status.borrow_and_update());
    loop {
        let mut over = status.changed().await.is_err() || !rest(&mut status, SETTLE).await;
        let mut wait = FIRST_RETRY;
        loop {
            let now = Arc::clone(&status.borrow_and_update());
            let notices = wanted(notification, transitions(&told, &now));
            if notices.is_empty() {
                told = now;
                break;
            }
            let patience = if over { LAST_TRY } else { TRY };
            let sent = tokio::time::timeout(patience, sender.deliver(&notices)).await;
            let sent = sent.unwrap_or(Err(DeliveryError::Timeout(patience)));
            let pause = match sent {
                Ok(()) => {
                    told = now;
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
            over = !rest(&mut status, pause).await;
        }
        if over {
            return;
        }
    }
}

/// Waits, but no longer than until the daemon stops; says whether it goes on.
async fn rest(status: &mut watch::Receiver<Arc<Status>>, pause: Duration) -> bool {
    // Cancel-safe: nothing is taken from the channel but that it was looked at.
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = status.wait_for(|status| status.stopping) => false,
    }
}

/// The notices that a receiver asked for.
fn wanted(notification: &Notification, mut notices: Vec<Notice>) -> Vec<Notice> {
    let (events, connections) = (&notification.events, &notification.connections);
    notices.retain(|notice| {
        let about = notice.connection.as_ref();
        (events.is_empty() || events.contains(&notice.what))
            && (connections.is_empty() || about.is_none_or(|name| connections.contains(name)))
    });
    notices
}

#[cfg(test)]
mod tests;
