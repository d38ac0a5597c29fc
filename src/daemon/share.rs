//! Which accounts a replica looks after: a fair share of them, decided by each replica for itself.
//!
//! Replicas write down what they have ([`Attendance`]), and each computes the same quotas from the same list: the
//! accounts divided by the live replicas, the remainder going to those with the lowest ids. For example 5 accounts and
//! 3 replicas: 2, 2, 1. Who has more gives back, who has less claims what nobody has written down. That list is only
//! advice; a claim is a lease, so that no two replicas have one account whatever they have read.
//!
//! Quotas depend on nothing but the ids, so nothing moves while the same replicas are alive. Ids grow with the start of
//! a process: a replica that joins comes last and takes the remainder from nobody. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apply::store::RosterEntry;
use crate::model::AccountKey;

/// A live replica, and what it said that it looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendance {
    pub id: String,
    pub note: Note,
}

/// What a replica writes about itself, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// What people call it: a host, and a process on it.
    pub name: String,
    /// Replicas of one group follow the same manifests in the same mode. Others share nothing with it.
    pub group: String,
    /// What it looks after, by [`name_of`], and since when.
    pub accounts: BTreeMap<String, Timestamp>,
}

impl Attendance {
    /// Reads what a replica wrote. `None` if it is another version's or of another group.
    pub fn read(replica: &RosterEntry, group: &str) -> Option<Self> {
        let note: Note = serde_json::from_str(&replica.note).ok()?;
        (note.group == group).then(|| Self {
            id: replica.id.clone(),
            note,
        })
    }

    /// Writes it down for the store.
    pub fn write(&self) -> RosterEntry {
        RosterEntry {
            id: self.id.clone(),
            // A struct of text and times can always be written.
            note: serde_json::to_string(&self.note).unwrap_or_default(),
        }
    }
}

/// Returns the name of an account in a note.
pub fn name_of(account: &AccountKey) -> String {
    let AccountKey {
        vendor,
        base_url,
        account,
    } = account;
    format!("{vendor} {base_url} {account}")
}

/// Returns the account whose lease says who looks after `account`. It is another one than the lease to write, which is
/// taken for each pass, so that a person's `apply` need not wait for the daemon to end.
pub fn claim_on(account: &AccountKey, group: &str) -> AccountKey {
    AccountKey {
        account: format!("daemon {group}: {}", account.account),
        ..account.clone()
    }
}

/// What one replica knows when it decides.
pub struct Situation<'a> {
    /// The accounts of the manifests in force.
    pub accounts: &'a BTreeSet<AccountKey>,
    pub held: &'a BTreeSet<AccountKey>,
    pub id: &'a str,
    pub live: &'a [Attendance],
}

impl Situation<'_> {
    /// Returns how many accounts this replica is to look after.
    pub fn quota(&self) -> usize {
        let (rank, live) = self.rank();
        let accounts = self.accounts.len();
        accounts / live + usize::from(rank < accounts % live)
    }

    /// Returns the number of live replicas with lower ids, and of all.
    fn rank(&self) -> (usize, usize) {
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let lower = others.clone().filter(|replica| *replica.id < *self.id);
        (lower.count(), others.count() + 1)
    }

    /// Returns how many accounts to claim, and which to try in which order. Replicas that start together begin at
    /// different accounts.
    pub fn claims(&self) -> (usize, Vec<AccountKey>) {
        let missing = self.quota().saturating_sub(self.held.len());
        if missing == 0 {
            return (0, Vec::new());
        }
        let others = self.live.iter().filter(|replica| replica.id != self.id);
        let taken: BTreeSet<&String> = others
            .flat_map(|replica| replica.note.accounts.keys())
            .collect();
        let free = |account: &&AccountKey| {
            !self.held.contains(account) && !taken.contains(&name_of(account))
        };
        let mut free: Vec<AccountKey> = self.accounts.iter().filter(free).cloned().collect();
        let (rank, live) = self.rank();
        let first = free.len() * rank / live;
        free.rotate_left(first);
        (missing, free)
    }

    /// Returns what to give back: accounts of no manifest, and as many as are too many, `busy` ones last.
    pub fn surplus(&self, busy: &BTreeSet<AccountKey>) -> BTreeSet<AccountKey> {
        let foreign = self.held.difference(self.accounts);
        let mut surplus: BTreeSet<AccountKey> = foreign.cloned().collect();
        let kept = self.held.intersection(self.accounts);
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
