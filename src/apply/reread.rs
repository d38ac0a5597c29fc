//! Reads objects whose step is under way, several of them together if one call of the vendor shows many.
//!
//! A read right before every write would double the calls. If a filter can name many objects, objects whose turn comes
//! in the same moment share a reading. Objects whose turn comes while a reading is under way share the next one. Every
//! step goes on as soon as its own object was seen, so that the time between its read and its write stays that of one
//! exchange.
//!
//! ```text
//!   turn of a, b, c ──► one reading ──► a, b and c are written side by side
//!   turn of d while it is under way ──► the next reading, with all others that wait by then
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, Shared, select};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::observe::{check, check_each};
use super::transport::Account;
use crate::model::{Desired, Observed};

/// How long an object waits for others whose turn comes in the same moment. It is short beside an exchange, and long
/// enough that the steps of ten replies that come together share a reading.
const MOMENT: Duration = Duration::from_millis(10);

/// The readings of one account's steps.
pub struct Rereads {
    account: Arc<Account>,
    queue: Mutex<RereadQueue>,
}

#[derive(Default)]
struct RereadQueue {
    waiting: Vec<WaitingReads>,
    /// Driven by everybody who waits for it or for the next one.
    under_way: Option<Shared<BoxFuture<'static, ()>>>,
}

struct WaitingReads {
    desired: Arc<Desired>,
    found: oneshot::Sender<Observed>,
}

impl Rereads {
    pub fn new(account: &Arc<Account>) -> Self {
        Self {
            account: Arc::clone(account),
            queue: Mutex::default(),
        }
    }

    /// Reads one object by a reading that begins after this call; `None` if the vendor's reading has a fault.
    pub async fn read(&self, desired: &Arc<Desired>) -> Option<Observed> {
        if self.account.provider.kind_of(desired).ids_per_read() == 1 {
            return check(&self.account, desired).await;
        }
        let (sender, mut found) = oneshot::channel();
        self.queue().waiting.push(WaitingReads {
            desired: Arc::clone(desired),
            found: sender,
        });
        sleep(MOMENT).await;
        loop {
            match select(found, self.reading()).await {
                Either::Left((found, _)) => return found.ok(),
                Either::Right(((), rest)) => found = rest,
            }
        }
    }

    /// The reading under way, or a new one of all that wait.
    fn reading(&self) -> Shared<BoxFuture<'static, ()>> {
        let mut queue = self.queue();
        if let Some(reading) = &queue.under_way
            && reading.peek().is_none()
        {
            return reading.clone();
        }
        let group = std::mem::take(&mut queue.waiting);
        let reading = read_all(Arc::clone(&self.account), group).boxed().shared();
        queue.under_way = Some(reading.clone());
        reading
    }

    fn queue(&self) -> MutexGuard<'_, RereadQueue> {
        // Nothing panics while it is held; a poisoned one still holds a usable queue.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a group and tells everybody what became of their object as soon as it is known.
async fn read_all(account: Arc<Account>, group: Vec<WaitingReads>) {
    let (desired, senders): (Vec<Arc<Desired>>, Vec<_>) = group
        .into_iter()
        .map(|waiting| (waiting.desired, Some(waiting.found)))
        .unzip();
    let mut senders = senders;
    let objects: Vec<&Desired> = desired.iter().map(|object| &**object).collect();
    let tell = &mut |index: usize, seen| {
        if let Some(sender) = senders.get_mut(index).and_then(Option::take) {
            // A step that gave up has dropped its receiver, so a failed send is ignored.
            let _ = sender.send(seen);
        }
    };
    check_each(&account, &objects, tell).await;
}
