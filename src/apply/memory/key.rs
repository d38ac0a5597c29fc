//! The identity of objects in the journal, independent of the names of manifests and connections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Connection, Ids};
use crate::provider::{self, canon};

/// One customer's account at one vendor, as a connection reaches it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct VendorAccount {
    pub base_url: String,
    /// The vendor's id of the customer; `None` if the connection does not name it.
    pub tenant: Option<String>,
}

impl VendorAccount {
    /// Creates the account that a connection leads to.
    pub fn new(base_url: &str, connection: Option<&Connection>) -> Self {
        let tenant = connection.and_then(Connection::tenant);
        Self {
            base_url: base_url.to_string(),
            tenant: tenant.map(str::to_string),
        }
    }

    /// Reports whether both can be the same account: older journals, and connections with a token, name no tenant.
    pub fn may_be(&self, other: &Self) -> bool {
        let one_tenant = match (&self.tenant, &other.tenant) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        trim_base_url(&self.base_url) == trim_base_url(&other.base_url) && one_tenant
    }
}

/// The object that a record is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub base_url: &'a str,
    pub tenant: Option<&'a str>,
    pub kind: &'a str,
    pub identity: &'a Ids,
    /// Members of the identity that are ids of other objects of the manifests.
    pub references: &'a BTreeMap<String, Vec<String>>,
}

/// The key of an object: account, kind and identity, hashed. It is half of a SHA-256, since a daemon keeps those of ten
/// thousand objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(#[serde(with = "hex")] [u8; 16]);

impl Subject<'_> {
    /// Returns the key of the object.
    pub fn key(&self) -> ObjectKey {
        self.hashed(self.tenant)
    }

    /// Returns the key that the object has in journals that do not name the tenant.
    pub fn key_without_tenant(&self) -> ObjectKey {
        self.hashed(None)
    }

    fn hashed(&self, tenant: Option<&str>) -> ObjectKey {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        for text in [
            trim_base_url(self.base_url),
            tenant.unwrap_or_default(),
            self.kind,
        ] {
            add(text);
        }
        for (name, id) in self.ids() {
            add(name);
            match self.references.get(name) {
                // The id may be found late, and is found anew in every run.
                Some(referents) => referents.iter().for_each(|referent| add(referent)),
                None => add(&canon::canonical_id(id)),
            }
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        ObjectKey(key)
    }

    /// Returns the account that the record is about.
    pub fn vendor_account(&self) -> VendorAccount {
        VendorAccount {
            base_url: self.base_url.to_string(),
            tenant: self.tenant.map(str::to_string),
        }
    }

    /// Returns the ids that identify the object, or the members of its natural key, by name.
    fn ids(&self) -> impl Iterator<Item = (&str, &str)> {
        let table = provider::find_kind(self.kind).map(|provider| provider.table());
        let known = move |name: &str| {
            table.is_none_or(|table| {
                let mut members = table.naming(false).chain(table.naming(true));
                members.any(|id| id.name == name)
            })
        };
        let ids = self
            .identity
            .iter()
            .map(|(name, id)| (name.as_str(), id.as_str()));
        ids.filter(move |(name, _)| known(name))
    }
}

/// Returns a base URL without slashes at its end, for comparison.
fn trim_base_url(base_url: &str) -> &str {
    base_url.trim_end_matches('/')
}

/// Returns the kind of an address `Kind/name`.
pub fn kind_of_address(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, ids: &[(&str, &str)]) -> ObjectKey {
        referring_key(kind, ids, &[])
    }

    fn referring_key(kind: &str, ids: &[(&str, &str)], references: &[(&str, &str)]) -> ObjectKey {
        let references = references.iter();
        let references =
            references.map(|(name, of)| ((*name).to_string(), vec![(*of).to_string()]));
        let subject = Subject {
            base_url: "https://vendor.example.com/",
            tenant: None,
            kind,
            identity: &ids.iter().copied().collect(),
            references: &references.collect(),
        };
        subject.key()
    }

    /// Every kind with a natural key: two objects that differ in one member of it, or one of whose ids differs, are two.
    #[test]
    fn objects_that_are_named_by_a_key_are_told_apart_by_each_of_its_members() {
        for kind in provider::all_kinds() {
            let table = kind.table();
            for keyed in [false, true] {
                let names: Vec<&str> = table.naming(keyed).map(|member| member.name).collect();
                let named = |changed: &str| {
                    let ids = names.iter().map(|name| (*name, *name == changed));
                    let ids = ids.map(|(name, is_other)| (name, if is_other { "8" } else { "7" }));
                    key(table.kind.0, &Vec::from_iter(ids))
                };
                let one = named("");
                assert_eq!(one, named(""));
                for name in &names {
                    assert_ne!(one, named(name), "{}: {name}", table.kind);
                }
            }
        }
    }

    #[test]
    fn a_member_that_names_nothing_is_left_out() {
        let order = [("activationKey", "a")];
        let older = [("activationKey", "a"), ("customer", "7")];
        let kind = "LacLicenseOrder";
        assert_eq!(key(kind, &order), key(kind, &older));
    }

    #[test]
    fn an_object_is_known_by_what_it_refers_to_before_and_after_the_id_is_found() {
        let of = |id, customer| {
            let identity = [("customer_id", id), ("marker", "desk")];
            referring_key("LacLicenseOrder", &identity, &[("customer_id", customer)])
        };
        assert_eq!(
            of("{ref: LacCustomer/a}", "LacCustomer/a"),
            of("7", "LacCustomer/a")
        );
        assert_ne!(of("7", "LacCustomer/a"), of("7", "LacCustomer/b"));
    }
}
