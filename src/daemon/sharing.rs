//! The accounts that this replica looks after: claims that are kept from pass to pass.
//!
//! A claim is a lease ([`super::share::claim_key`]) of its own. It records which replica looks after an account
//! and gives no right to write. The lease to write is taken for each pass, as without replicas. So `entitle apply`
//! and other repositories get their turn, and a replica that has lost a claim without knowing it writes nothing.
//!
//! In each round the replica renews its entry in the store's roster, reads the others' entries, claims
//! accounts while it has too few, and releases some if it has too many. [`super::share`] decides, this module acts,
//! and the loop waits.
//!
//! # Timing
//!
//! | event | after |
//! | --- | --- |
//! | a round while nothing changes | 10 s |
//! | a round after something changed, or while accounts are missing | 2 s |
//! | a replica that died is no longer counted, and its claims run out | 30 s |
//! | its accounts are looked after again | 30 s, and at most one more round |

mod round;

use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::pass_context::PassContext;
use super::share::{LiveReplica, ReplicaNote, ShareInput, account_name};
use super::status::{AccountKeeper, Replicas};
use super::tracked_object::Now;
use crate::apply::store::{Hint, Lease, Store, StoreError};
use crate::model::AccountKey;
use crate::reconcile::Checked;
use round::RoundInput;
pub use round::RoundResult;

/// How long a replica counts as alive, and a claim as valid, without being renewed: three rounds, so that one or two
/// may fail.
pub const TERM: Duration = Duration::from_secs(30);

/// The time between two rounds. The store then executes one statement every few seconds.
pub const ROUND: Duration = Duration::from_secs(10);

/// The time until the next round if something changed or accounts are missing.
pub const SOON: Duration = Duration::from_secs(2);

/// How long a replica that ends waits for the store.
const LEAVE: Duration = Duration::from_secs(5);

/// The claims of this replica, and what it knows of the others.
pub struct Sharing {
    id: String,
    name: String,
    group: String,
    claims: BTreeMap<AccountKey, HeldClaim>,
    /// Accounts that are released once the pass at them has ended.
    releasing: BTreeSet<AccountKey>,
    live: Vec<LiveReplica>,
    problem: Option<String>,
    next: Instant,
    round: Option<BoxFuture<'static, Result<RoundResult, StoreError>>>,
    hint: Option<BoxFuture<'static, Hint>>,
    /// True if anything changed since [`Self::take_changed`] was last called.
    has_changed: bool,
}

/// A claim on one account.
struct HeldClaim {
    lease: Box<dyn Lease>,
    since: Timestamp,
}

/// Something that happened between replicas.
pub enum SharingEvent {
    Round(Box<Result<RoundResult, StoreError>>),
    Hint(Hint),
}

impl Sharing {
    /// `id` is unique to the process and grows with its start; `name` is for people. Replicas of one `group` follow
    /// the same manifests in the same mode.
    pub fn new(id: String, name: String, group: String) -> Self {
        Self {
            id,
            name,
            group,
            claims: BTreeMap::new(),
            releasing: BTreeSet::new(),
            live: Vec::new(),
            problem: None,
            next: Instant::now(),
            round: None,
            hint: None,
            has_changed: true,
        }
    }

    /// Returns when the next round is due; `None` while one is under way.
    pub fn next_round(&self) -> Option<Instant> {
        self.round.is_none().then_some(self.next)
    }

    /// Makes the next round due now, since other manifests are in force and may have other accounts.
    pub fn expedite_round(&mut self, now: Instant) {
        self.next = self.next.min(now);
        self.has_changed = true;
    }

    /// Starts a round if it is due.
    pub fn start_round(&mut self, context: &Arc<PassContext>, checked: &Checked, now: Instant) {
        if self.hint.is_none() {
            let context = Arc::clone(context);
            self.hint = Some(async move { next_hint(&**context.queue.store()).await }.boxed());
        }
        if self.round.is_some() || now < self.next {
            return;
        }
        let asked = RoundInput {
            this_replica: self.own_entry(),
            group: self.group.clone(),
            accounts: accounts_of(checked),
            claimed: self.claims.keys().cloned().collect(),
        };
        let context = Arc::clone(context);
        self.round = Some(round::run_round(context, asked).boxed());
    }

    /// Returns this replica's entry for the roster. Accounts that are being released are left out.
    fn own_entry(&self) -> LiveReplica {
        let kept = self.claims.iter();
        let kept = kept.filter(|(account, _)| !self.releasing.contains(*account));
        let accounts = kept.map(|(account, claims)| (account_name(account), claims.since));
        LiveReplica {
            id: self.id.clone(),
            note: ReplicaNote {
                name: self.name.clone(),
                group: self.group.clone(),
                accounts: accounts.collect(),
            },
        }
    }

    /// Waits for the end of a round or for a hint. Cancel-safe: both futures are kept and polled again by the next
    /// call.
    pub async fn next_event(&mut self) -> SharingEvent {
        let (round, hint) = (&mut self.round, &mut self.hint);
        let event = tokio::select! {
            round = wait_for_some(round) => SharingEvent::Round(Box::new(round)),
            hint = wait_for_some(hint) => SharingEvent::Hint(hint),
        };
        match event {
            SharingEvent::Round(_) => self.round = None,
            SharingEvent::Hint(_) => self.hint = None,
        }
        event
    }

    /// Takes in the result of a round. `busy` are the accounts that a pass is working at.
    pub fn finish_round(
        &mut self,
        round: Result<RoundResult, StoreError>,
        busy: &BTreeSet<AccountKey>,
        now: Now,
    ) {
        let round = match round {
            Ok(round) => round,
            Err(error) => {
                self.set_problem(Some(&error));
                self.next = now.instant + SOON;
                return;
            }
        };
        self.set_problem(round.problem.as_ref());
        self.has_changed |= self.live != round.live;
        self.live = round.live;
        let (claimed, since) = (round.taken.len(), now.time);
        for (account, lease) in round.taken {
            self.claims.insert(account, HeldClaim { lease, since });
        }
        let claims: BTreeSet<AccountKey> = self.claims.keys().cloned().collect();
        let situation = ShareInput {
            accounts: &round.accounts,
            claimed: &claims,
            id: &self.id,
            live: &self.live,
        };
        let surplus = situation.accounts_to_release(busy);
        let is_short = claims.len() < situation.quota();
        self.has_changed |= claimed > 0 || surplus != self.releasing;
        if claimed > 0 || !surplus.is_empty() {
            let (accounts, replicas) = (claims.len(), self.live.len());
            tracing::info!(
                claimed,
                too_many = surplus.len(),
                accounts,
                replicas,
                "accounts were shared out"
            );
        }
        self.next = now.instant + if claimed > 0 || is_short { SOON } else { ROUND };
        self.releasing = surplus;
        self.release_idle(busy, now.instant);
    }

    /// Records why accounts cannot be shared out, and logs when that begins and ends.
    fn set_problem(&mut self, error: Option<&StoreError>) {
        let problem = error.map(|error| with_causes(error));
        if self.problem == problem {
            return;
        }
        match &problem {
            Some(problem) => tracing::error!(problem, "accounts cannot be shared out"),
            None => tracing::info!("accounts are shared out again"),
        }
        self.problem = problem;
        self.has_changed = true;
    }

    /// Releases the accounts that are to be released and that no pass is working at.
    pub fn release_idle(&mut self, busy: &BTreeSet<AccountKey>, now: Instant) {
        let idle: Vec<AccountKey> = self.releasing.difference(busy).cloned().collect();
        for account in idle {
            self.releasing.remove(&account);
            self.claims.remove(&account);
            self.has_changed = true;
            // The other replicas learn of it with the next round.
            self.next = self.next.min(now + SOON);
        }
    }

    /// Drops claims whose lease has expired or was taken by another replica.
    pub fn drop_lost(&mut self) {
        let before = self.claims.len();
        self.claims.retain(|account, claims| {
            let covered = claims.lease.covers(Duration::ZERO);
            if let Err(why) = &covered {
                let (account, why) = (account_name(account), why.to_string());
                tracing::warn!(account, why, "an account was lost to look after");
            }
            covered.is_ok()
        });
        self.has_changed |= self.claims.len() < before;
        let claims = &self.claims;
        self.releasing
            .retain(|account| claims.contains_key(account));
    }

    /// Reports whether accounts wait to be released.
    pub fn is_releasing(&self) -> bool {
        !self.releasing.is_empty()
    }

    /// Reports whether anything changed since this was last called.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Returns the accounts that this replica looks after.
    pub fn held_accounts(&self) -> BTreeSet<AccountKey> {
        self.claims.keys().cloned().collect()
    }

    /// Returns which replica looks after an account.
    pub fn keeper_of(&self, account: &AccountKey) -> AccountKeeper {
        if let Some(claims) = self.claims.get(account) {
            return AccountKeeper {
                replica: Some(self.name.clone()),
                is_own: !self.releasing.contains(account),
                since: Some(claims.since),
            };
        }
        let name = account_name(account);
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let found = others
            .filter_map(|other| Some((other, *other.note.accounts.get(&name)?)))
            .next();
        AccountKeeper {
            replica: found.map(|(other, _)| other.note.name.clone()),
            is_own: false,
            since: found.map(|(_, since)| since),
        }
    }

    /// Returns the replicas for the status.
    pub fn replica_status(&self) -> Replicas {
        let mut live: Vec<String> = self
            .live
            .iter()
            .map(|other| other.note.name.clone())
            .collect();
        live.sort();
        Replicas {
            name: self.name.clone(),
            live,
            problem: self.problem.clone(),
        }
    }

    /// Releases the accounts that no pass is working at, and removes this replica from the roster. The other claims
    /// last until this value is dropped.
    pub async fn leave(&mut self, store: &dyn Store, busy: &BTreeSet<AccountKey>) {
        (self.round, self.hint) = (None, None);
        self.claims.retain(|account, _| busy.contains(account));
        let Some(roster) = store.roster() else {
            return;
        };
        // Without this its entry expires by itself.
        if let Ok(Err(error)) = timeout(LEAVE, roster.leave(&self.id)).await {
            let error = with_causes(&error);
            tracing::warn!(
                error,
                "the other replicas learn late that this one has ended"
            );
        }
    }
}

/// Returns the accounts of all connections.
fn accounts_of(checked: &Checked) -> BTreeSet<AccountKey> {
    let connections = checked.connections.values();
    connections
        .map(|connection| connection.account_key())
        .collect()
}

/// Waits for the next hint of another replica, or for ever if the store has no roster.
async fn next_hint(store: &dyn Store) -> Hint {
    match store.roster() {
        Some(roster) => roster.next_hint().await,
        None => pending().await,
    }
}

/// Waits for the future, or for ever if there is none.
pub(super) async fn wait_for_some<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
