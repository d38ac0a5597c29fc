//! Routes objects: each to the connection that it goes through, and in full or as an outline.
//!
//! Input are the objects of all files and the connections of the run; output are the objects in order, sorted by
//! address. Objects without a usable connection, and second manifests of one object, are findings. Fields are
//! not looked at here: they were audited when their file was lowered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::connections::{
    CheckOptions, DeclaredConnections, LackingObjects, refuse_lacking, resolve_connection,
    with_connection,
};
use super::contents::{LoadedObject, ObjectContent};
use super::counted_findings::CountedFindings;
use super::outline::{KeptAccounts, ObjectOutline};
use crate::model::{Address, Desired, Diagnostic, Diagnostics, Kind, Origin, Text, Vendor};

/// The valid objects, each with its connection, sorted by address.
pub(super) struct RoutedObjects {
    /// Objects of kept accounts, in full.
    pub desired: Vec<Arc<Desired>>,
    /// Objects of accounts that other replicas look after.
    pub outlines: Vec<Arc<ObjectOutline>>,
}

/// Routes the objects of all files. Those of accounts that are not `kept` become outlines.
///
/// Steps for each object: find its connection, note it in the object, forget the fields if the account is not
/// kept. With connections `eu` and `us` of one vendor and only the account of `eu` kept, 3 objects of `eu` and 2
/// of `us` come out as 3 objects and 2 outlines. Invalid objects drop out after their connection was checked, so
/// that a wrong field does not hide a wrong connection.
pub(super) fn route_objects(
    objects: Vec<LoadedObject>,
    declared: &DeclaredConnections<'_>,
    options: &CheckOptions,
    kept: &KeptAccounts,
    findings: &mut Diagnostics,
) -> RoutedObjects {
    let connections = declared.usable();
    let elsewhere = connections.values();
    let elsewhere = elsewhere.filter(|connection| !kept.contains(&connection.account_key()));
    let elsewhere: BTreeSet<&str> = elsewhere.map(|c| c.name.as_str()).collect();
    let mut routed = Vec::with_capacity(objects.len());
    let mut lacking = BTreeMap::new();
    let mut of_rows = CountedFindings::default();
    for mut object in objects {
        let content = std::mem::take(&mut object.content);
        let is_lacking = object.connection.is_none() && declared.lacks(object.vendor);
        let name = match is_lacking {
            false => {
                let mut found = Diagnostics::default();
                let name = resolve_connection(&object, declared, &mut found);
                match object.template {
                    Some(_) => of_rows.add(found),
                    None => findings.extend(found),
                }
                name
            }
            true => {
                note_lacking(&mut lacking, &object);
                (!options.need_connections).then(String::new)
            }
        };
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
            let composed = content.desired().filter(|_| object.is_composed).cloned();
            content.forget();
            if let ObjectContent::Outline(outline) = &mut content
                && composed.is_some()
            {
                Arc::make_mut(outline).composed = composed;
            }
        }
        routed.push(content);
    }
    findings.extend(of_rows.end());
    refuse_lacking(lacking, options.need_connections, findings);
    refuse_duplicate_objects(&routed, findings);
    sort_routed(routed)
}

/// Counts an object among those of its vendor that have no connection to go through.
fn note_lacking(lacking: &mut BTreeMap<Vendor, LackingObjects>, object: &LoadedObject) {
    let entry = lacking.entry(object.vendor);
    let first = || LackingObjects {
        first: object.address.clone(),
        origin: object.origin.clone(),
        count: 0,
    };
    entry.or_insert_with(first).count += 1;
}

/// Returns the outline with the name of its connection. It is copied only if it had another.
fn outline_with_connection(
    mut outline: Arc<ObjectOutline>,
    connection: String,
) -> Arc<ObjectOutline> {
    if outline.connection != connection {
        Arc::make_mut(&mut outline).connection = connection.into();
    }
    outline
}

/// Sorts objects and outlines by address, which is the order of every plan.
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

/// The identity of an object at its vendor, with its manifest.
struct Identified<'a> {
    vendor: Vendor,
    /// Kind, connection and identity. The kind is part of it because two kinds of a vendor may number their
    /// objects alike.
    key: (Kind, &'a Text, &'a [(&'static str, Text)]),
    address: &'a Address,
    origin: &'a Origin,
}

impl<'a> Identified<'a> {
    /// Returns the identity of an object or outline; `None` for an invalid one.
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
///
/// The second and each later manifest gets the error and points at the first: three manifests of one object are
/// two errors. Outlines count too, so that every replica refuses the same manifests, whichever accounts it looks
/// after.
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
