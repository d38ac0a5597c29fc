//! Which object of which account a record is about, however its manifest and its connection are called.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Connection, Ids};
use crate::provider::{self, canon};

/// Where a connection leads: one customer's account at one vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub base_url: String,
    /// The vendor's own id of the customer, where the connection names it.
    pub tenant: Option<String>,
}

impl Place {
    pub fn new(base_url: &str, connection: Option<&Connection>) -> Self {
        let tenant = connection.and_then(Connection::tenant);
        Self {
            base_url: base_url.to_string(),
            tenant: tenant.map(str::to_string),
        }
    }

    /// Reports whether both can be one account: older journals, and connections with a token, name no tenant.
    pub fn may_be(&self, other: &Self) -> bool {
        let one_tenant = match (&self.tenant, &other.tenant) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        address(&self.base_url) == address(&other.base_url) && one_tenant
    }
}

/// What a record is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub base_url: &'a str,
    pub tenant: Option<&'a str>,
    pub kind: &'a str,
    pub identity: &'a Ids,
}

/// An object by account, kind and identity. Half of a SHA-256, since a daemon keeps those of ten thousand objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(#[serde(with = "hex")] [u8; 16]);

impl Subject<'_> {
    pub fn key(&self) -> Key {
        self.hashed(self.tenant)
    }

    /// The key in journals that do not name the tenant.
    pub fn key_without_tenant(&self) -> Key {
        self.hashed(None)
    }

    fn hashed(&self, tenant: Option<&str>) -> Key {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        for text in [
            address(self.base_url),
            tenant.unwrap_or_default(),
            self.kind,
        ] {
            add(text);
        }
        for (name, id) in self.ids() {
            add(name);
            add(&canon::id(id));
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Key(key)
    }

    /// Where the record was made.
    pub fn place(&self) -> Place {
        Place {
            base_url: self.base_url.to_string(),
            tenant: self.tenant.map(str::to_string),
        }
    }

    /// The ids that make the object one.
    fn ids(&self) -> impl Iterator<Item = (&str, &str)> {
        let table = provider::of_kind(self.kind).map(|provider| provider.table());
        let known = move |name: &str| {
            table.is_none_or(|table| table.identity.iter().any(|id| id.name == name))
        };
        let ids = self
            .identity
            .iter()
            .map(|(name, id)| (name.as_str(), id.as_str()));
        ids.filter(move |(name, _)| known(name))
    }
}

/// An address as it is compared: a slash at its end is none.
fn address(base_url: &str) -> &str {
    base_url.trim_end_matches('/')
}

/// The kind in `Kind/name`.
pub fn kind(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}
