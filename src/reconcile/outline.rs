//! Outlines of objects: what a replica of the daemon keeps of the objects of accounts that others look after.
//!
//! An outline says which object it is and where its manifest is, and nothing of what is desired. That is enough to check
//! names, references and duplicates over all files, to show the object, and to load it again once its account is claimed
//! ([`reload_objects`]). For example the outline of an order with 40 fields keeps its name, its activation key, the name of
//! its connection, and the hash, line and column of its document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::connections::with_connection;
use super::contents::ObjectContent;
use super::load::Loading;
use crate::manifest::{self, ReadLimits, map_parallel};
use crate::model::{AccountKey, Address, Desired, Origin, Text, Vendor};

/// An object without its fields and policy.
#[derive(Clone, Debug)]
pub struct ObjectOutline {
    pub address: Address,
    pub vendor: Vendor,
    pub connection: Text,
    pub identity: Vec<(&'static str, Text)>,
    pub labels: BTreeMap<String, String>,
    pub origin: Origin,
}

impl From<&Desired> for ObjectOutline {
    fn from(desired: &Desired) -> Self {
        let Desired {
            address,
            vendor,
            connection,
            identity,
            fields: _,
            policy: _,
            labels,
            origin,
        } = desired;
        Self {
            address: address.clone(),
            vendor: *vendor,
            connection: connection.clone(),
            identity: identity.clone(),
            labels: labels.clone(),
            origin: origin.clone(),
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

/// Reads the files of some outlines once more and returns their objects. An object is missing if its file cannot be read or
/// has another text by now: whoever reads the changed file finds it there.
pub fn reload_objects(outlines: &[Arc<ObjectOutline>]) -> Vec<Arc<Desired>> {
    let mut files: BTreeMap<&str, Vec<&ObjectOutline>> = BTreeMap::new();
    for outline in outlines {
        let file = files.entry(outline.origin.source.name.as_str());
        file.or_default().push(outline);
    }
    let files: Vec<Vec<&ObjectOutline>> = files.into_values().collect();
    let limits = ReadLimits::default();
    let loading = Loading::new(&limits, None);
    let reloaded = map_parallel(&files, |outlines| reload_file(outlines, &loading));
    reloaded.into_iter().flatten().collect()
}

/// Returns the objects of the outlines of one file.
fn reload_file(outlines: &[&ObjectOutline], loading: &Loading<'_>) -> Vec<Arc<Desired>> {
    let Some(label) = outlines.first().map(|outline| &outline.origin.source) else {
        return Vec::new();
    };
    let Some(source) = manifest::reread(label) else {
        return Vec::new();
    };
    let by_start: HashMap<u32, &ObjectOutline> = outlines
        .iter()
        .filter(|outline| outline.origin.source.hash() == source.hash())
        .map(|outline| (outline.origin.mark.start, *outline))
        .collect();
    let objects = loading.lower_file(source, label).objects.into_iter();
    let reloaded = objects.filter_map(|object| {
        let outline = by_start.get(&object.origin.mark.start)?;
        let ObjectContent::Desired(mut desired) = object.content else {
            return None;
        };
        if !Arc::ptr_eq(&desired.origin.source, &outline.origin.source) {
            Arc::make_mut(&mut desired).origin = outline.origin.clone();
        }
        let desired = with_connection(desired, outline.connection.to_string());
        outline.is_of(&desired).then_some(desired)
    });
    reloaded.collect()
}
