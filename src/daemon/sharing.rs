//! The accounts that this replica looks after: claims that are kept from pass to pass.
//!
//! A claim is a lease ([`super::share::claim_on`]) of its own. It says who looks after an account and gives no right to write: the
//! lease to write is taken for each pass, as without replicas, so that `entitle apply` and other repositories get their
//! turn, and so that a replica which has lost a claim without knowing writes nothing either.
//!
//! In rounds the replica attends, reads who else does, claims what it misses and gives back what is too much. What
//! [`super::share`] decides is done here; the loop waits.

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

use super::share::{Attendance, Note, Situation, name_of};
use super::shell::Shell;
use super::status::{Keeper, Replicas};
use super::track::Now;
use crate::apply::store::{Hint, Lease, Store, StoreError};
use crate::model::AccountKey;
use crate::reconcile::Checked;
use round::Asked;
pub use round::Round;

/// How long a replica counts as alive, and a claim as its own, without a word from it: three rounds, so that one or two
/// may fail. The accounts of a replica that died are looked at after this and one more round.
pub const TERM: Duration = Duration::from_secs(30);

/// Between two rounds: what a store is asked for every few seconds is one statement.
pub const ROUND: Duration = Duration::from_secs(10);

/// Until the next round where something moved or is missing.
pub const SOON: Duration = Duration::from_secs(2);

/// How long a replica that ends waits for the store to know.
const LEAVE: Duration = Duration::from_secs(5);

pub struct Sharing {
    id: String,
    name: String,
    group: String,
    held: BTreeMap<AccountKey, Held>,
    /// Accounts that are given back once the pass under way has ended.
    leaving: BTreeSet<AccountKey>,
    live: Vec<Attendance>,
    problem: Option<String>,
    next: Instant,
    round: Option<BoxFuture<'static, Result<Round, StoreError>>>,
    hint: Option<BoxFuture<'static, Hint>>,
    /// Whether who has what is other than it was last told.
    has_changed: bool,
}

struct Held {
    lease: Box<dyn Lease>,
    since: Timestamp,
}

/// What happened between replicas.
pub enum Event {
    Round(Box<Result<Round, StoreError>>),
    Hint(Hint),
}

impl Sharing {
    /// `id` is unique to the process and grows with its start, `name` is for people. Replicas of one `group` follow the
    /// same manifests in the same mode.
    pub fn new(id: String, name: String, group: String) -> Self {
        Self {
            id,
            name,
            group,
            held: BTreeMap::new(),
            leaving: BTreeSet::new(),
            live: Vec::new(),
            problem: None,
            next: Instant::now(),
            round: None,
            hint: None,
            has_changed: true,
        }
    }

    /// When something is to be done without anything happening. `None` while a round is under way.
    pub fn next(&self) -> Option<Instant> {
        self.round.is_none().then_some(self.next)
    }

    /// Other manifests are in force: their accounts may be others.
    pub fn hurry(&mut self, now: Instant) {
        self.next = self.next.min(now);
        self.has_changed = true;
    }

    /// Begins a round if it is due.
    pub fn start(&mut self, shell: &Arc<Shell>, checked: &Checked, now: Instant) {
        if self.hint.is_none() {
            let shell = Arc::clone(shell);
            self.hint = Some(async move { next_hint(&**shell.queue.store()).await }.boxed());
        }
        if self.round.is_some() || now < self.next {
            return;
        }
        let asked = Asked {
            own: self.attendance(),
            group: self.group.clone(),
            accounts: accounts_of(checked),
            held: self.held.keys().cloned().collect(),
        };
        let shell = Arc::clone(shell);
        self.round = Some(round::run(shell, asked).boxed());
    }

    fn attendance(&self) -> Attendance {
        let kept = self.held.iter();
        let kept = kept.filter(|(account, _)| !self.leaving.contains(*account));
        let accounts = kept.map(|(account, held)| (name_of(account), held.since));
        Attendance {
            id: self.id.clone(),
            note: Note {
                name: self.name.clone(),
                group: self.group.clone(),
                accounts: accounts.collect(),
            },
        }
    }

    /// Waits for the end of a round or for a hint. Dropping the future loses neither.
    pub async fn happens(&mut self) -> Event {
        let (round, hint) = (&mut self.round, &mut self.hint);
        let event = tokio::select! {
            round = maybe(round) => Event::Round(Box::new(round)),
            hint = maybe(hint) => Event::Hint(hint),
        };
        match event {
            Event::Round(_) => self.round = None,
            Event::Hint(_) => self.hint = None,
        }
        event
    }

    /// Takes in what came of a round. `busy` tells which accounts a pass is at.
    pub fn take_in(
        &mut self,
        round: Result<Round, StoreError>,
        busy: &BTreeSet<AccountKey>,
        now: Now,
    ) {
        let round = match round {
            Ok(round) => round,
            Err(error) => {
                self.fail(Some(&error));
                self.next = now.instant + SOON;
                return;
            }
        };
        self.fail(round.problem.as_ref());
        self.has_changed |= self.live != round.live;
        self.live = round.live;
        let (claimed, since) = (round.taken.len(), now.time);
        for (account, lease) in round.taken {
            self.held.insert(account, Held { lease, since });
        }
        let held: BTreeSet<AccountKey> = self.held.keys().cloned().collect();
        let situation = Situation {
            accounts: &round.accounts,
            held: &held,
            id: &self.id,
            live: &self.live,
        };
        let surplus = situation.surplus(busy);
        let is_short = held.len() < situation.quota();
        self.has_changed |= claimed > 0 || surplus != self.leaving;
        if claimed > 0 || !surplus.is_empty() {
            let (accounts, replicas) = (held.len(), self.live.len());
            tracing::info!(
                claimed,
                too_many = surplus.len(),
                accounts,
                replicas,
                "accounts were shared out"
            );
        }
        self.next = now.instant + if claimed > 0 || is_short { SOON } else { ROUND };
        self.leaving = surplus;
        self.give_back(busy, now.instant);
    }

    fn fail(&mut self, error: Option<&StoreError>) {
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

    /// Gives back what was to be given back and is at rest.
    pub fn give_back(&mut self, busy: &BTreeSet<AccountKey>, now: Instant) {
        let idle: Vec<AccountKey> = self.leaving.difference(busy).cloned().collect();
        for account in idle {
            self.leaving.remove(&account);
            self.held.remove(&account);
            self.has_changed = true;
            // The others shall know.
            self.next = self.next.min(now + SOON);
        }
    }

    /// Drops the claims that are not ours any more.
    pub fn drop_lost(&mut self) {
        let before = self.held.len();
        self.held.retain(|account, held| {
            let covered = held.lease.covers(Duration::ZERO);
            if let Err(why) = &covered {
                let (account, why) = (name_of(account), why.to_string());
                tracing::warn!(account, why, "an account was lost to look after");
            }
            covered.is_ok()
        });
        self.has_changed |= self.held.len() < before;
        let held = &self.held;
        self.leaving.retain(|account| held.contains_key(account));
    }

    pub fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Reports whether who has what is other than when this was last called.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Returns what this replica looks after.
    pub fn accounts(&self) -> BTreeSet<AccountKey> {
        self.held.keys().cloned().collect()
    }

    /// Tells who looks after an account.
    pub fn keeper(&self, account: &AccountKey) -> Keeper {
        if let Some(held) = self.held.get(account) {
            return Keeper {
                replica: Some(self.name.clone()),
                own: !self.leaving.contains(account),
                since: Some(held.since),
            };
        }
        let name = name_of(account);
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let found = others
            .filter_map(|other| Some((other, *other.note.accounts.get(&name)?)))
            .next();
        Keeper {
            replica: found.map(|(other, _)| other.note.name.clone()),
            own: false,
            since: found.map(|(_, since)| since),
        }
    }

    pub fn replicas(&self) -> Replicas {
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

    /// Gives back what no pass is at, and is no replica any more. The claims on accounts that a pass is at stay until this
    /// is dropped.
    pub async fn leave(&mut self, store: &dyn Store, busy: &BTreeSet<AccountKey>) {
        (self.round, self.hint) = (None, None);
        self.held.retain(|account, _| busy.contains(account));
        let Some(roster) = store.roster() else {
            return;
        };
        // Its entry runs out by itself.
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

async fn next_hint(store: &dyn Store) -> Hint {
    match store.roster() {
        Some(roster) => roster.next_hint().await,
        None => pending().await,
    }
}

async fn maybe<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
