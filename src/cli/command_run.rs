//! Records what the running command has opened, and if it handles signals itself.
//!
//! Commands note here what they open; `sessions` logs out and closes it when the command ends, however it ends. Outside
//! of a command nothing is noted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;

use crate::apply::Opened;
use crate::apply::store::StoreAdmin;

/// The accounts and stores that a command has opened, and who handles its signals.
#[derive(Clone, Default)]
pub struct CommandRun {
    pub opened: Opened,
    stores: Arc<Mutex<Vec<OpenStore>>>,
    /// True once the command handles signals itself.
    pub heeds: Arc<AtomicBool>,
}

tokio::task_local! {
    /// Set around every such command, since a command may fail anywhere.
    static RUN: CommandRun;
}

impl CommandRun {
    /// Runs a command that opens accounts and stores of this list.
    pub async fn scope<C: Future>(&self, command: C) -> C::Output {
        RUN.scope(self.clone(), command).await
    }

    /// Closes the stores that the command has opened.
    pub async fn close_stores(&self) {
        let stores = std::mem::take(&mut *lock_stores(self));
        join_all(stores.iter().map(|open| open.store.close())).await;
    }
}

/// The accounts of the command that runs; a list of its own outside of one.
pub fn opened_accounts() -> Opened {
    RUN.try_with(|run| run.opened.clone()).unwrap_or_default()
}

/// The use that a command makes of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads lines and nothing else.
    Read,
    Write,
}

/// A store that the command that runs has opened.
struct OpenStore {
    url: String,
    access: Access,
    store: Arc<dyn StoreAdmin>,
}

/// Returns a store that the command that runs has opened before.
pub fn find_store(url: &str, access: Access) -> Option<Arc<dyn StoreAdmin>> {
    let find = |run: &CommandRun| {
        let stores = lock_stores(run);
        let mut same = stores
            .iter()
            .filter(|open| open.url == url && open.access == access);
        same.next().map(|open| Arc::clone(&open.store))
    };
    RUN.try_with(find).ok().flatten()
}

/// Closes a store when the command that runs is over, so that its leases are given back.
pub fn close_later(url: &str, access: Access, store: &Arc<dyn StoreAdmin>) {
    let open = OpenStore {
        url: url.to_string(),
        access,
        store: Arc::clone(store),
    };
    let _ = RUN.try_with(|run| lock_stores(run).push(open));
}

/// Locks the list of open stores.
fn lock_stores(run: &CommandRun) -> MutexGuard<'_, Vec<OpenStore>> {
    run.stores.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records that the running command handles signals itself from now on.
pub fn heed_signals() {
    // Outside of a command no other code handles signals, so there is nothing to record.
    let _ = RUN.try_with(|run| run.heeds.store(true, Ordering::Relaxed));
}
