//! Sessions and stores end with the command that opened them, however it ends.
//!
//! A command that writes heeds signals itself. Any other may simply end, as programs do, as long as no account is
//! open that is to be logged out; from then on a signal logs out first.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::exit::Exit;
use super::stores::Access;
use super::{output, signals};
use crate::apply::Opened;
use crate::apply::store::StoreAdmin;
use crate::cli::error::CommandResult;

/// Time that a command has to notice its end. One that waits for a terminal or a full pipe does not
/// notice it.
const NOTICED: Duration = Duration::from_millis(100);

/// The accounts and stores that a command has opened, and who handles its signals.
#[derive(Clone, Default)]
struct CommandRun {
    opened: Opened,
    stores: Arc<Mutex<Vec<OpenStore>>>,
    /// True once the command handles signals itself.
    heeds: Arc<AtomicBool>,
}

tokio::task_local! {
    /// Set around every such command, since a command may fail anywhere.
    static RUN: CommandRun;
}

/// The accounts of the command that runs; a list of its own outside of one.
pub fn opened_accounts() -> Opened {
    RUN.try_with(|run| run.opened.clone()).unwrap_or_default()
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

/// From now on the command that runs heeds signals itself.
pub fn heed_signals() {
    // Outside of a command nobody else heeds them.
    let _ = RUN.try_with(|run| run.heeds.store(true, Ordering::Relaxed));
}

/// Runs a command, then logs out of the accounts that it opened.
pub async fn closed_after(
    command: impl Future<Output = CommandResult<Exit>>,
) -> CommandResult<Exit> {
    let run = CommandRun::default();
    let (tell, answer) = oneshot::channel();
    let (gone, is_gone) = oneshot::channel();
    tokio::spawn(end_by_signal(run.clone(), tell, is_gone));
    let outcome = {
        let command = pin!(RUN.scope(run.clone(), command));
        // The command may be dropped anywhere, as the signal would end it anywhere.
        tokio::select! {
            biased;
            outcome = command => outcome,
            Ok(exit) = answer => Ok(exit),
        }
    };
    drop(gone);
    run.opened.log_out().await;
    let stores = std::mem::take(&mut *lock_stores(&run));
    join_all(stores.iter().map(|open| open.store.close())).await;
    outcome
}

/// Waits for a signal to a command that does not heed it itself, and has it end. A second one ends at once.
async fn end_by_signal(run: CommandRun, tell: oneshot::Sender<Exit>, gone: oneshot::Receiver<()>) {
    run.opened.added().await;
    let exit = signals::wait_unheeded(&run.heeds).await;
    output::print_note("Stopping: logging out. Once more stops at once.");
    let _ = tell.send(exit);
    let log_out = async {
        if timeout(NOTICED, gone).await.is_ok() {
            return std::future::pending().await;
        }
        run.opened.log_out().await;
        exit
    };
    let exit = tokio::select! {
        exit = log_out => exit,
        exit = signals::wait_for_signal() => exit,
    };
    std::process::exit(i32::from(exit.code()));
}
