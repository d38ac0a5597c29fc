//! Outlines of objects: what a replica of the daemon keeps of the objects of accounts that others look after.
//!
//! An outline says which object it is and where its manifest is, and nothing of what is desired. That is enough to check
//! names, references and duplicates over all files, to show the object, and to load it again once its account is claimed
//! ([`reload_objects`](super::reload_objects)). For example the outline of an order with 40 fields keeps its name, its activation key, the name of
//! its connection, and the hash, line and column of its document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{AccountKey, Address, Desired, Origin, References, Text, Vendor};

/// An object without its fields and policy.
#[derive(Clone, Debug)]
pub struct ObjectOutline {
    pub address: Address,
    pub vendor: Vendor,
    pub connection: Text,
    pub identity: Vec<(&'static str, Text)>,
    pub labels: BTreeMap<String, String>,
    pub origin: Origin,
    /// The object itself if it is composed: its fields come from several files or depend on the time, so its own file does
    /// not give them again.
    pub composed: Option<Arc<Desired>>,
    pub references: References,
    /// Whether the object is to be gone.
    pub is_absent: bool,
}

impl From<&Desired> for ObjectOutline {
    fn from(desired: &Desired) -> Self {
        let Desired {
            address,
            vendor,
            connection,
            identity,
            fields: _,
            creation: _,
            policy,
            labels,
            origin,
            references,
            layers: _,
            coming: _,
        } = desired;
        Self {
            address: address.clone(),
            vendor: *vendor,
            connection: connection.clone(),
            identity: identity.clone(),
            labels: labels.clone(),
            origin: origin.clone(),
            composed: None,
            references: references.clone(),
            is_absent: policy.absent,
        }
    }
}

impl ObjectOutline {
    /// Reports whether `desired` is the object of this outline with nothing changed: what is desired follows from the text
    /// of its file alone, so equal hashes and places are equal objects.
    pub fn is_of(&self, desired: &Desired) -> bool {
        let (before, other) = (&self.origin, &desired.origin);
        before.mark == other.mark
            && before.source.hash() == other.source.hash()
            && before.source.name == other.source.name
            && self.address == desired.address
            && self.connection == desired.connection
            && self.identity == desired.identity
    }
}

/// The accounts whose objects are kept in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptAccounts {
    #[default]
    All,
    Only(BTreeSet<AccountKey>),
}

impl KeptAccounts {
    pub fn contains(&self, account: &AccountKey) -> bool {
        match self {
            Self::All => true,
            Self::Only(accounts) => accounts.contains(account),
        }
    }

    /// Reports whether the objects of no account are kept.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(accounts) if accounts.is_empty())
    }
}
