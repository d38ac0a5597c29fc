//! Reads live objects of some kinds at one connection: all that the vendor lists, or those that are named.
//!
//! In: the kinds, and which of their objects are asked for. Out: for each kind, its objects or the reason why there are
//! none. All kinds are read together, so that a list that shows objects of several is read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ImportError, ManagedObjects, NoList, show_identity};
use crate::apply::{self, Account};
use crate::model::resource::ComingStates;
use crate::model::{
    Address, ConnectionFault, CreationFields, Desired, Fields, KindTable, LayerNames, Mark,
    Observed, Origin, OwnPolicy, PackedFields, PolicyMode, References,
};
use crate::provider::listing::{Identity, ListedObject};
use crate::provider::{ResourceKind, audit};
use crate::reconcile::{Checked, Settings, open_account};

/// The objects of a connection that are asked for.
pub enum Ask {
    /// All that the vendor lists.
    Everything,
    /// Identities of one kind as `--id` takes them.
    Ids(Vec<String>),
    /// Objects that manifests name: all, or those with these identities.
    Managed(Vec<String>),
}

/// Live objects of one kind at one connection.
pub struct ReadObjects {
    pub connection: String,
    pub kind: &'static dyn ResourceKind,
    pub objects: Vec<ListedObject>,
    /// Reasons why the list may be incomplete, for example a page of it that failed.
    pub failures: Vec<String>,
}

/// What came of reading the objects of one kind.
pub struct KindRead {
    pub kind: &'static dyn ResourceKind,
    /// `Err` if the vendor has no list of them, or if all of them have one reason not to be read.
    pub read: Result<ReadObjects, ImportError>,
}

/// Reads objects of one kind at one connection.
///
/// `Err` if the account cannot be opened, an identity is not valid, or the objects cannot be listed. An object
/// that is missing or unreadable is no error: it is in the result with that observation.
pub async fn read_objects(
    checked: &Checked,
    connection: &str,
    kind: &'static dyn ResourceKind,
    ask: &Ask,
    settings: &Settings,
) -> Result<ReadObjects, ImportError> {
    let reads = read_kinds(checked, connection, &[kind], ask, settings).await?;
    let mut reads = reads.into_iter().map(|one| one.read);
    reads.next().unwrap_or_else(|| Err(NoList::of(kind).into()))
}

/// Reads objects of several kinds at one connection. Returns one entry for each of `kinds`, in their order.
///
/// `Err` if the account cannot be opened, an identity is not valid, or it is not clear which kind an identity is of.
pub async fn read_kinds(
    checked: &Checked,
    connection: &str,
    kinds: &[&'static dyn ResourceKind],
    ask: &Ask,
    settings: &Settings,
) -> Result<Vec<KindRead>, ImportError> {
    let account = open_account(checked, connection, settings)?;
    read_kinds_in(&account, checked, connection, kinds, ask).await
}

/// Reads like [`read_kinds`], in an account that is open.
pub async fn read_kinds_in(
    account: &Account,
    checked: &Checked,
    connection: &str,
    kinds: &[&'static dyn ResourceKind],
    ask: &Ask,
) -> Result<Vec<KindRead>, ImportError> {
    match ask {
        Ask::Everything => Ok(list_kinds(account, connection, kinds).await),
        Ask::Ids(ids) => {
            let selected = objects_with_ids(connection, kinds, ids)?;
            let selected: Vec<&Desired> = selected.values().collect();
            Ok(observe_kinds(account, connection, kinds, &selected).await)
        }
        Ask::Managed(ids) => {
            let selected = managed_to_read(checked, kinds, connection, ids)?;
            Ok(observe_kinds(account, connection, kinds, &selected).await)
        }
    }
}

/// Lists everything of the kinds that the vendor has a list of.
async fn list_kinds(
    account: &Account,
    connection: &str,
    kinds: &[&'static dyn ResourceKind],
) -> Vec<KindRead> {
    let listings: Vec<_> = kinds.iter().map(|kind| kind.listing()).collect();
    let is_listed: Vec<bool> = listings.iter().map(Option::is_some).collect();
    let listings = listings.into_iter().flatten().collect();
    let mut listed = apply::list(account, listings).await.into_iter();
    let reads = kinds.iter().zip(is_listed).map(|(kind, is_listed)| {
        let listed = is_listed.then(|| listed.next()).flatten();
        let objects = listed.map(|listed| (listed.objects, listed.failures));
        let read = objects.map(|(objects, failures)| ReadObjects {
            connection: connection.to_string(),
            kind: *kind,
            objects,
            failures,
        });
        KindRead {
            kind: *kind,
            read: read.map_or_else(|| Err(NoList::of(*kind).into()), refuse_common_fault),
        }
    });
    reads.collect()
}

/// Reads the given objects, which are of these kinds.
async fn observe_kinds(
    account: &Account,
    connection: &str,
    kinds: &[&'static dyn ResourceKind],
    selected: &[&Desired],
) -> Vec<KindRead> {
    let mut by_kind: BTreeMap<_, Vec<ListedObject>> = BTreeMap::new();
    let observed = apply::observe(account, selected).await;
    for (desired, observed) in selected.iter().zip(observed) {
        let identity = desired.identity.clone();
        let objects = by_kind.entry(desired.address.kind).or_default();
        objects.push(ListedObject { identity, observed });
    }
    let reads = kinds.iter().map(|kind| KindRead {
        kind: *kind,
        read: refuse_common_fault(ReadObjects {
            connection: connection.to_string(),
            kind: *kind,
            objects: by_kind.remove(&kind.table().kind).unwrap_or_default(),
            failures: Vec::new(),
        }),
    });
    reads.collect()
}

/// Returns `Err` if there is one reason why none of the objects could be read; it is then reported once.
fn refuse_common_fault(read: ReadObjects) -> Result<ReadObjects, ImportError> {
    match common_fault(&read.objects) {
        Some(fault) => Err(ImportError::Faulty {
            message: fault.message.clone(),
            hint: fault
                .hint
                .as_ref()
                .map_or(String::new(), |hint| format!("; {hint}")),
        }),
        None => Ok(read),
    }
}

/// Returns the problem of a connection if it is why none of its objects could be read.
fn common_fault(objects: &[ListedObject]) -> Option<&ConnectionFault> {
    let fault = |object: &ListedObject| match &object.observed {
        Observed::Unread(failure) => failure.fault.as_ref().map(|fault| fault.kind),
        Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => None,
    };
    let first = objects.first()?;
    let kind = fault(first)?;
    let is_common = objects.iter().all(|object| fault(object) == Some(kind));
    match &first.observed {
        Observed::Unread(failure) if is_common => failure.fault.as_deref(),
        Observed::Unread(_) | Observed::Live(_) | Observed::Missing | Observed::Creatable(_) => {
            None
        }
    }
}

/// Returns objects with these identities, in their order. `Err` if they could be of several kinds.
fn objects_with_ids(
    connection: &str,
    kinds: &[&'static dyn ResourceKind],
    ids: &[String],
) -> Result<BTreeMap<Identity, Desired>, ImportError> {
    let [kind] = kinds else {
        return Err(several_kinds(connection, kinds));
    };
    let table = kind.table();
    let mut selected = BTreeMap::new();
    for id in ids {
        let identity = audit::identity_of(table, id)?;
        let object = object_to_read(table, connection, identity.clone());
        selected.insert(identity, object);
    }
    Ok(selected)
}

fn several_kinds(connection: &str, kinds: &[&'static dyn ResourceKind]) -> ImportError {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.table().kind.0).collect();
    ImportError::SeveralKinds {
        connection: connection.to_string(),
        kinds: names.join(", "),
    }
}

/// Returns the managed objects of a connection that are of these kinds: those with the identities `ids`, or all but
/// suspended ones and those that are to be gone, whose manifests have nothing to bring up to date.
fn managed_to_read<'a>(
    checked: &'a Checked,
    kinds: &[&'static dyn ResourceKind],
    connection: &str,
    ids: &[String],
) -> Result<Vec<&'a Desired>, ImportError> {
    if ids.is_empty() {
        let is_read = |desired: &&Desired| {
            desired.policy.mode != PolicyMode::Suspend && !desired.policy.absent
        };
        let managed = kinds.iter().flat_map(|kind| {
            let managed = ManagedObjects::of(checked, connection, *kind);
            managed.iter().filter(is_read).collect::<Vec<_>>()
        });
        return Ok(managed.collect());
    }
    let named = ids
        .iter()
        .map(|id| find_managed(checked, kinds, connection, id));
    named.collect()
}

/// Finds the object that `--id` means among those with a manifest. `Err` if there is none, or one of each of several
/// kinds.
fn find_managed<'a>(
    checked: &'a Checked,
    kinds: &[&'static dyn ResourceKind],
    connection: &str,
    id: &str,
) -> Result<&'a Desired, ImportError> {
    let mut found: Vec<(&'static dyn ResourceKind, &Desired)> = Vec::new();
    for kind in kinds {
        let known = ManagedObjects::of(checked, connection, *kind);
        let by_text = known.iter().find(|it| show_identity(&it.identity) == id);
        let desired = match (by_text, audit::identity_of(kind.table(), id)) {
            (Some(desired), _) => Some(desired),
            (None, Ok(identity)) => known.find_identity(&identity),
            // What is no id of this kind may be one of another.
            (None, Err(_)) if kinds.len() > 1 => None,
            (None, Err(error)) => return Err(error.into()),
        };
        found.extend(desired.map(|desired| (*kind, desired)));
    }
    match &found[..] {
        [] => Err(ImportError::NotManaged {
            connection: connection.to_string(),
            id: id.to_string(),
        }),
        [(_, only)] => Ok(only),
        several => {
            let kinds: Vec<_> = several.iter().map(|(kind, _)| *kind).collect();
            Err(several_kinds(connection, &kinds))
        }
    }
}

/// Makes an object that is only to be read: it has an identity and no fields.
fn object_to_read(table: &KindTable, connection: &str, identity: Identity) -> Desired {
    Desired {
        address: Address {
            kind: table.kind,
            name: show_identity(&identity),
        },
        vendor: table.vendor,
        connection: connection.into(),
        identity,
        fields: PackedFields::new(table.desired, &Fields::new()),
        creation: CreationFields::default(),
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source: Arc::default(),
            mark: Mark::default(),
        },
        references: References::default(),
        layers: LayerNames::default(),
        coming: ComingStates::default(),
    }
}
