//! One round: the replica renews its entry, reads the others', and claims what it lacks.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use tokio::time::timeout;

use super::TERM;
use crate::apply::memory::Memory;
use crate::apply::store::{Lease, LeaseClaim, Store, StoreError, Taken};
use crate::daemon::pass_context::PassContext;
use crate::daemon::share::{LiveReplica, ShareInput, claim_key};
use crate::model::AccountKey;

/// Claims at the same time: enough for hundreds of accounts per second, few enough for any store.
const AT_ONCE: usize = 8;

/// What a round starts from.
pub(super) struct RoundInput {
    pub this_replica: LiveReplica,
    pub group: String,
    /// The accounts of the manifests in force.
    pub accounts: BTreeSet<AccountKey>,
    /// The accounts that are claimed already.
    pub claimed: BTreeSet<AccountKey>,
}

/// The result of a round.
pub struct RoundResult {
    pub(super) live: Vec<LiveReplica>,
    /// Accounts that were claimed, with their leases.
    pub(super) taken: Claims,
    pub(super) accounts: BTreeSet<AccountKey>,
    /// Why no more accounts were claimed.
    pub(super) problem: Option<StoreError>,
    /// What the store remembers of the objects of the claimed accounts.
    memory: Arc<Memory>,
}

type Claims = Vec<(AccountKey, Box<dyn Lease>)>;

impl RoundResult {
    /// Returns what the store remembers of the objects of the claimed accounts; `None` if none was claimed.
    pub fn memory_of_taken(&self) -> Option<Arc<Memory>> {
        (!self.taken.is_empty()).then(|| Arc::clone(&self.memory))
    }
}

/// Makes a round, within [`TERM`]. What was claimed before a timeout is released.
pub(super) async fn run_round(
    context: Arc<PassContext>,
    input: RoundInput,
) -> Result<RoundResult, StoreError> {
    let store = context.queue.store().name();
    let no_answer = |_| StoreError::Unavailable {
        store,
        source: "it does not answer".into(),
    };
    let ended = timeout(TERM, make_round(&context, input)).await;
    ended.map_err(no_answer)?
}

async fn make_round(context: &PassContext, input: RoundInput) -> Result<RoundResult, StoreError> {
    let store = &**context.queue.store();
    let attending = match store.roster() {
        Some(roster) => {
            roster
                .heartbeat(&input.this_replica.to_entry(), TERM)
                .await?
        }
        None => Vec::new(),
    };
    let attending = attending.iter();
    let live: Vec<LiveReplica> = attending
        .filter_map(|replica| LiveReplica::from_entry(replica, &input.group))
        .collect();
    let situation = ShareInput {
        accounts: &input.accounts,
        claimed: &input.claimed,
        id: &input.this_replica.id,
        live: &live,
    };
    let (most, order) = situation.accounts_to_claim();
    let (taken, problem) = claim_accounts(store, &input, order, most).await;
    let accounts: Vec<AccountKey> = taken.iter().map(|(account, _)| account.clone()).collect();
    let memory = match accounts.is_empty() {
        true => Arc::default(),
        false => context.catch_up_memory(&accounts).await,
    };
    Ok(RoundResult {
        live,
        taken,
        accounts: input.accounts,
        problem,
        memory,
    })
}

/// Claims accounts in the given order, a few at the same time, until `most` are claimed. Returns them, and the error
/// that ended it early if there was one.
async fn claim_accounts(
    store: &dyn Store,
    input: &RoundInput,
    order: Vec<AccountKey>,
    most: usize,
) -> (Claims, Option<StoreError>) {
    let claim = LeaseClaim {
        holder: format!("the daemon on {}", input.this_replica.note.name),
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
                    .take_lease(&claim_key(&account, &input.group), claim)
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
