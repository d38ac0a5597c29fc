//! Routes objects: each to the connection that it goes through, and in full or as an outline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::check::CheckOptions;
use super::connections::{resolve_connection, with_connection};
use super::contents::{LoadedObject, ObjectContent};
use super::outline::{KeptAccounts, ObjectOutline};
use crate::model::{
    Address, Connection, Desired, Diagnostic, Diagnostics, Kind, Origin, Text, Vendor,
};

/// The objects that are in order, each with its connection, in the order of their addresses.
pub(super) struct RoutedObjects {
    pub desired: Vec<Arc<Desired>>,
    pub outlines: Vec<Arc<ObjectOutline>>,
}

/// Routes the objects of all files. Those of accounts that are not `kept` become outlines.
pub(super) fn route_objects(
    objects: Vec<LoadedObject>,
    connections: &BTreeMap<String, Connection>,
    options: &CheckOptions,
    kept: &KeptAccounts,
    findings: &mut Diagnostics,
) -> RoutedObjects {
    let mut by_vendor: BTreeMap<Vendor, Vec<&str>> = BTreeMap::new();
    for connection in connections.values() {
        let names = by_vendor.entry(connection.vendor).or_default();
        names.push(&connection.name);
    }
    let elsewhere = connections.values();
    let elsewhere = elsewhere.filter(|connection| !kept.contains(&connection.account_key()));
    let elsewhere: BTreeSet<&str> = elsewhere.map(|c| c.name.as_str()).collect();
    let mut routed = Vec::with_capacity(objects.len());
    for mut object in objects {
        let content = std::mem::take(&mut object.content);
        let required = options.need_connections;
        let name = resolve_connection(&object, connections, &by_vendor, required, findings);
        let Some(name) = name else {
            continue;
        };
        let is_elsewhere = elsewhere.contains(name.as_str());
        let mut content = match content {
            ObjectContent::Invalid => continue,
            ObjectContent::Desired(desired) => {
                ObjectContent::Desired(with_connection(desired, name))
            }
            ObjectContent::Outline(outline) => {
                ObjectContent::Outline(outline_with_connection(outline, name))
            }
        };
        if is_elsewhere {
            content.forget();
        }
        routed.push(content);
    }
    refuse_duplicate_objects(&routed, findings);
    sort_routed(routed)
}

fn outline_with_connection(
    mut outline: Arc<ObjectOutline>,
    connection: String,
) -> Arc<ObjectOutline> {
    if outline.connection != connection {
        Arc::make_mut(&mut outline).connection = connection.into();
    }
    outline
}

fn sort_routed(routed: Vec<ObjectContent>) -> RoutedObjects {
    let (mut desired, mut outlines) = (Vec::with_capacity(routed.len()), Vec::new());
    for content in routed {
        match content {
            ObjectContent::Desired(object) => desired.push(object),
            ObjectContent::Outline(outline) => outlines.push(outline),
            ObjectContent::Invalid => {}
        }
    }
    desired.sort_by(|a, b| a.address.cmp(&b.address));
    outlines.sort_by(|a, b| a.address.cmp(&b.address));
    RoutedObjects { desired, outlines }
}

/// What tells one object of a vendor from all others, with its manifest.
struct Identified<'a> {
    vendor: Vendor,
    /// The kind, since two kinds of a vendor may number their objects alike; the connection; the identity.
    key: (Kind, &'a Text, &'a [(&'static str, Text)]),
    address: &'a Address,
    origin: &'a Origin,
}

impl<'a> Identified<'a> {
    fn of(content: &'a ObjectContent) -> Option<Self> {
        match content {
            ObjectContent::Invalid => None,
            ObjectContent::Desired(object) => Some(Self {
                vendor: object.vendor,
                key: (object.address.kind, &object.connection, &object.identity),
                address: &object.address,
                origin: &object.origin,
            }),
            ObjectContent::Outline(object) => Some(Self {
                vendor: object.vendor,
                key: (object.address.kind, &object.connection, &object.identity),
                address: &object.address,
                origin: &object.origin,
            }),
        }
    }
}

/// Adds an error for every object with two manifests, which would undo each other at every apply.
fn refuse_duplicate_objects(routed: &[ObjectContent], findings: &mut Diagnostics) {
    let mut first_by_key: HashMap<_, Identified<'_>> = HashMap::with_capacity(routed.len());
    for object in routed.iter().filter_map(Identified::of) {
        let Some(first) = first_by_key.get(&object.key) else {
            first_by_key.insert(object.key, object);
            continue;
        };
        let message = format!(
            "{} and {} are the same object at {}",
            first.address, object.address, object.vendor
        );
        findings.push(
            Diagnostic::error("duplicate-object", message)
                .at(&object.origin.source, object.origin.mark)
                .also(first.origin.clone(), "the other manifest of it"),
        );
    }
}
