//! Computes the accounts that a replica looks after: a fair share, which each replica computes for itself. Pure.
//!
//! Replicas write down which accounts they look after ([`LiveReplica`]), and all compute the same quotas from the
//! same list: the accounts divided by the live replicas, with the remainder going to the lowest ids. A replica with
//! too many accounts releases some, and one with too few claims accounts that no replica has written down. The
//! list is only advice. A claim is a lease, so no two replicas have one account, whatever they have read.
//!
//! # Example: five accounts A to E
//!
//! | event | quotas | what happens |
//! | --- | --- | --- |
//! | replica 1 starts alone | 5 | it claims A to E |
//! | replica 2 starts | 3, 2 | 1 releases E and D, and 2 claims them |
//! | replica 3 starts | 2, 2, 1 | 1 releases C, and 3 claims it |
//! | replica 1 dies | 2 has 3, 3 has 2 | its claims run out after 30 s; 2 claims one of A and B, 3 the other |
//!
//! Quotas depend on the ids only, so nothing moves while the same replicas are alive. Ids grow with the start of a
//! process: a replica that joins is last and takes the remainder from no other replica.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apply::store::RosterEntry;
use crate::model::AccountKey;

/// A live replica, and what it wrote about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveReplica {
    pub id: String,
    pub note: ReplicaNote,
}

/// The note that a replica writes about itself, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaNote {
    /// The name for people: a host, and a process on it.
    pub name: String,
    /// Replicas of one group follow the same manifests in the same mode. Replicas of other groups share nothing with
    /// them.
    pub group: String,
    /// The accounts it looks after, by [`account_name`], and since when.
    pub accounts: BTreeMap<String, Timestamp>,
}

impl LiveReplica {
    /// Reads what a replica wrote. `None` if another version wrote it, or it is of another group.
    pub fn from_entry(replica: &RosterEntry, group: &str) -> Option<Self> {
        let note: ReplicaNote = serde_json::from_str(&replica.note).ok()?;
        (note.group == group).then(|| Self {
            id: replica.id.clone(),
            note,
        })
    }

    /// Returns the entry for the store.
    pub fn to_entry(&self) -> RosterEntry {
        RosterEntry {
            id: self.id.clone(),
            // A struct of text and times can always be written.
            note: serde_json::to_string(&self.note).unwrap_or_default(),
        }
    }
}

/// Returns the name of an account in a note.
pub fn account_name(account: &AccountKey) -> String {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = account;
    format!("{vendor} {base_url} {account}")
}

/// Returns the key of the lease that says who looks after `account`. It differs from the lease to write, which is
/// taken for each pass, so that a person's `apply` does not have to wait for the daemon to end.
pub fn claim_key(account: &AccountKey, group: &str) -> AccountKey {
    AccountKey {
        account: format!("daemon {group}: {}", account.account),
        ..account.clone()
    }
}

/// The input of one replica's decision.
pub struct ShareInput<'a> {
    /// The accounts of the manifests in force.
    pub accounts: &'a BTreeSet<AccountKey>,
    /// The accounts that this replica looks after.
    pub claimed: &'a BTreeSet<AccountKey>,
    pub id: &'a str,
    /// All live replicas; whether this one is among them makes no difference.
    pub live: &'a [LiveReplica],
}

impl ShareInput<'_> {
    /// Returns how many accounts this replica should look after.
    pub fn quota(&self) -> usize {
        let (rank, live) = self.rank_among_live();
        let accounts = self.accounts.len();
        accounts / live + usize::from(rank < accounts % live)
    }

    /// Returns how many live replicas have lower ids, and how many there are.
    fn rank_among_live(&self) -> (usize, usize) {
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let lower = others.clone().filter(|replica| *replica.id < *self.id);
        (lower.count(), others.count() + 1)
    }

    /// Returns how many accounts to claim, and the accounts to try, in order. Replicas that start together begin with
    /// different accounts.
    pub fn accounts_to_claim(&self) -> (usize, Vec<AccountKey>) {
        let missing = self.quota().saturating_sub(self.claimed.len());
        if missing == 0 {
            return (0, Vec::new());
        }
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let taken: BTreeSet<&String> = others
            .flat_map(|replica| replica.note.accounts.keys())
            .collect();
        let free = |account: &&AccountKey| {
            !self.claimed.contains(account) && !taken.contains(&account_name(account))
        };
        let mut free: Vec<AccountKey> = self.accounts.iter().filter(free).cloned().collect();
        let (rank, live) = self.rank_among_live();
        let first = free.len() * rank / live;
        free.rotate_left(first);
        (missing, free)
    }

    /// Returns the accounts to release: those that no manifest has, and those above the quota. Accounts that a pass is
    /// working at (`busy`) are released last.
    pub fn accounts_to_release(&self, busy: &BTreeSet<AccountKey>) -> BTreeSet<AccountKey> {
        let foreign = self.claimed.difference(self.accounts);
        let mut surplus: BTreeSet<AccountKey> = foreign.cloned().collect();
        let kept = self.claimed.intersection(self.accounts);
        let (at_work, idle): (Vec<&AccountKey>, Vec<_>) =
            kept.partition(|account| busy.contains(account));
        let many = (at_work.len() + idle.len()).saturating_sub(self.quota());
        let order = idle.into_iter().rev().chain(at_work);
        surplus.extend(order.take(many).cloned());
        surplus
    }
}

#[cfg(test)]
mod tests;
