//! One round: the replica attends, learns who else does, and claims what it misses.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use tokio::time::timeout;

use super::TERM;
use crate::apply::memory::Memory;
use crate::apply::store::{Lease, LeaseClaim, Store, StoreError, Taken};
use crate::daemon::share::{Attendance, Situation, claim_on};
use crate::daemon::shell::Shell;
use crate::model::AccountKey;

/// Claims at the same time: enough for hundreds of accounts in a second, few enough for any store.
const AT_ONCE: usize = 8;

/// What a round goes out from.
pub(super) struct Asked {
    pub own: Attendance,
    pub group: String,
    /// The accounts of the manifests in force, and those of them that are held.
    pub accounts: BTreeSet<AccountKey>,
    pub held: BTreeSet<AccountKey>,
}

/// What came of a round.
pub struct Round {
    pub(super) live: Vec<Attendance>,
    /// Accounts that were claimed, with the leases that say so.
    pub(super) taken: Claims,
    pub(super) accounts: BTreeSet<AccountKey>,
    /// Why no more were taken.
    pub(super) problem: Option<StoreError>,
    /// What is known of the objects of the accounts that were taken.
    memory: Arc<Memory>,
}

type Claims = Vec<(AccountKey, Box<dyn Lease>)>;

impl Round {
    /// Returns what is known of the objects of accounts that were taken over; `None` if none was.
    pub fn taken_over(&self) -> Option<Arc<Memory>> {
        (!self.taken.is_empty()).then(|| Arc::clone(&self.memory))
    }
}

/// Makes a round. It does not wait for ever for a store that says nothing; what was claimed by then is given back.
pub(super) async fn run(shell: Arc<Shell>, asked: Asked) -> Result<Round, StoreError> {
    let store = shell.queue.store().name();
    let no_answer = |_| StoreError::Unavailable {
        store,
        source: "it does not answer".into(),
    };
    let ended = timeout(TERM, make(&shell, asked)).await;
    ended.map_err(no_answer)?
}

async fn make(shell: &Shell, asked: Asked) -> Result<Round, StoreError> {
    let store = &**shell.queue.store();
    let attending = match store.roster() {
        Some(roster) => roster.heartbeat(&asked.own.write(), TERM).await?,
        None => Vec::new(),
    };
    let attending = attending.iter();
    let live: Vec<Attendance> = attending
        .filter_map(|replica| Attendance::read(replica, &asked.group))
        .collect();
    let situation = Situation {
        accounts: &asked.accounts,
        held: &asked.held,
        id: &asked.own.id,
        live: &live,
    };
    let (most, order) = situation.claims();
    let (taken, problem) = claim(store, &asked, order, most).await;
    let accounts: Vec<AccountKey> = taken.iter().map(|(account, _)| account.clone()).collect();
    let memory = match accounts.is_empty() {
        true => Arc::default(),
        false => shell.memory(&accounts).await,
    };
    Ok(Round {
        live,
        taken,
        accounts: asked.accounts,
        problem,
        memory,
    })
}

/// Tries to claim one account after the other, a few at the same time, until it has as many as it needs.
async fn claim(
    store: &dyn Store,
    asked: &Asked,
    order: Vec<AccountKey>,
    most: usize,
) -> (Claims, Option<StoreError>) {
    let claim = LeaseClaim {
        holder: format!("the daemon on {}", asked.own.note.name),
        term: TERM,
    };
    let claim = &claim;
    let mut taken = Claims::new();
    let mut order = order.into_iter();
    while taken.len() < most {
        let several = order.by_ref().take(AT_ONCE.min(most - taken.len()));
        let tried: Vec<_> = several
            .map(|account| async move {
                let taken = store
                    .take_lease(&claim_on(&account, &asked.group), claim)
                    .await;
                (account, taken)
            })
            .collect();
        if tried.is_empty() {
            break;
        }
        for (account, tried) in join_all(tried).await {
            match tried {
                Ok(Taken::Held(lease)) => taken.push((account, lease)),
                Ok(Taken::Busy(_)) => {}
                Err(error) => return (taken, Some(error)),
            }
        }
    }
    (taken, None)
}
