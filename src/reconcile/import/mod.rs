//! Makes manifests of live objects: read, state, write, and read again before the text is shown.
//!
//! The input is a connection and a choice of its objects; the output is, for each object, a text or the reason why
//! there is none. Every manifest is read again by our own reader, checked against the field table and planned against
//! the object from which it was made. So a plan right after an import is empty, or the object is reported and not
//! written. The caller writes the files; `provider::statement` converts live fields to those of a manifest.

mod connections;
mod name_template;
mod names;
mod update;

use crate::model::Vendor;
use crate::reconcile::OpenError;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::check::check_among;
use super::{CheckOptions, Checked, Settings, open_account};
use crate::apply;
use crate::manifest::{Loaded, write};
use crate::model::diagnostic::Source;
use crate::model::{
    Address, ConnectionFault, Desired, Field, Fields, Kind, KindTable, Live, Mark, Need, Observed,
    Origin, OwnPolicy, PackedFields, PolicyMode, Severity, Shape,
};
use crate::plan::{self, Disposition};
pub use crate::provider::listing::Identity;
use crate::provider::listing::ListedObject;
use crate::provider::{ResourceKind, audit, statement};
pub use connections::{
    KnownConnections, NoConnection, choose_connection, choose_connections, kind_at,
};
pub use name_template::{NameTemplate, TemplateError, UnknownMember};
pub use update::{Updated, update_files};

/// Live objects of one kind at one connection.
pub struct ReadObjects {
    pub connection: String,
    pub kind: &'static dyn ResourceKind,
    pub objects: Vec<ListedObject>,
    /// Reasons why the list may be incomplete, for example a page of it that failed.
    pub failures: Vec<String>,
}

/// One imported object.
pub struct Imported {
    pub identity: Identity,
    pub name: String,
    /// The file of the manifest that describes it already.
    pub manifest_file: Option<String>,
    /// The manifest, or the reason why there is none.
    pub manifest: Result<String, ImportError>,
    /// Parts of the object that the manifest leaves out, because no manifest can state them or the read did not
    /// show them.
    pub omitted: Vec<String>,
}

/// The reason why an object, or a whole connection, is not imported.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Identity(#[from] audit::IdentityError),
    /// None of its objects can be read.
    #[error("{message}{hint}")]
    Faulty { message: String, hint: String },
    /// Everything was asked for, and the vendor has no list.
    #[error("{vendor} has no call that lists its objects: name them with --id {id}")]
    NoList { vendor: Vendor, id: String },
    /// The kind was not named, and the vendor has several.
    #[error("`{connection}` has objects of several kinds: {kinds}")]
    SeveralKinds { connection: String, kinds: String },
    /// `--id` names an object that no manifest at the connection has.
    #[error("no manifest of `{connection}` names {id}")]
    NotManaged { connection: String, id: String },
    #[error("{0} has no such object")]
    Missing(Vendor),
    /// It could not be read, for the reason in the text.
    #[error("{0}")]
    Unread(String),
    /// It could not be planned, for the reason in the text.
    #[error("{0}")]
    Unplanned(String),
    /// The manifest could not be written as YAML.
    #[error("{0}")]
    Unspelled(String),
    #[error("its manifest would not be valid: {message} ({code})")]
    Invalid { message: String, code: &'static str },
    /// The reader found no object in the text, or several.
    #[error("its manifest would not be read as one object")]
    NotOneObject,
    /// A plan of the manifest would change this field, so it does not state what is live.
    #[error("its manifest would not say what is there: `{0}` would change")]
    WouldChange(String),
}

/// The objects of a connection that are asked for.
pub enum Ask {
    /// All that the vendor lists.
    Everything,
    /// Identities as `--id` takes them.
    Ids(Vec<String>),
    /// Objects that manifests name: all, or those with these identities.
    Managed(Vec<String>),
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
    let account = open_account(checked, connection, settings)?;
    let table = kind.table();
    let mut seen = ReadObjects {
        connection: connection.to_string(),
        kind,
        objects: Vec::new(),
        failures: Vec::new(),
    };
    match ask {
        Ask::Everything => {
            let listing = kind.listing().ok_or_else(|| no_list(table))?;
            let listed = apply::list(&account, listing).await;
            (seen.objects, seen.failures) = (listed.objects, listed.failures);
        }
        Ask::Ids(ids) => {
            let mut selected = BTreeMap::new();
            for id in ids {
                let identity = audit::identity_of(table, id)?;
                selected.insert(
                    identity.clone(),
                    object_to_read(table, connection, identity),
                );
            }
            let objects: Vec<&Desired> = selected.values().collect();
            let observed = apply::observe(&account, &objects).await;
            let found = selected.keys().cloned().zip(observed);
            seen.objects = found
                .map(|(identity, observed)| ListedObject { identity, observed })
                .collect();
        }
        Ask::Managed(ids) => {
            let selected = managed_to_read(checked, table, connection, ids)?;
            let observed = apply::observe(&account, &selected).await;
            let found = selected.iter().zip(observed);
            seen.objects = found
                .map(|(desired, observed)| ListedObject {
                    identity: desired.identity.clone(),
                    observed,
                })
                .collect();
        }
    }
    match common_fault(&seen.objects) {
        Some(fault) => Err(ImportError::Faulty {
            message: fault.message.clone(),
            hint: fault
                .hint
                .as_ref()
                .map_or(String::new(), |hint| format!("; {hint}")),
        }),
        None => Ok(seen),
    }
}

/// Returns the problem of a connection if it is why none of its objects could be read; it is then reported once.
fn common_fault(objects: &[ListedObject]) -> Option<&ConnectionFault> {
    let fault = |object: &ListedObject| match &object.observed {
        Observed::Unread(failure) => failure.fault.as_ref().map(|fault| fault.kind),
        Observed::Live(_) | Observed::Missing => None,
    };
    let first = objects.first()?;
    let kind = fault(first)?;
    let is_common = objects.iter().all(|object| fault(object) == Some(kind));
    match &first.observed {
        Observed::Unread(failure) if is_common => failure.fault.as_deref(),
        Observed::Unread(_) | Observed::Live(_) | Observed::Missing => None,
    }
}

/// Returns the managed objects of a connection: all but suspended ones, or those with the identities `ids`.
fn managed_to_read<'a>(
    checked: &'a Checked,
    table: &KindTable,
    connection: &str,
    ids: &[String],
) -> Result<Vec<&'a Desired>, ImportError> {
    let known = managed_objects(checked, connection, table.kind);
    if ids.is_empty() {
        let read = known.into_values();
        return Ok(read
            .filter(|desired| desired.policy.mode != PolicyMode::Suspend)
            .collect());
    }
    let named = ids.iter().map(|id| {
        let identity = audit::identity_of(table, id)?;
        let desired = known.get(&identity).copied();
        desired.ok_or_else(|| ImportError::NotManaged {
            connection: connection.to_string(),
            id: id.clone(),
        })
    });
    named.collect()
}

/// Makes the error for a vendor without a list, with the identity as `--id` takes it.
fn no_list(table: &KindTable) -> ImportError {
    let names: Vec<&str> = table.identity.iter().map(|id| id.name).collect();
    ImportError::NoList {
        vendor: table.vendor,
        id: names.join("/"),
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
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source: Arc::default(),
            mark: Mark::default(),
        },
    }
}

/// Formats an identity as `--id` takes it: its parts joined by `/`.
pub fn show_identity(identity: &Identity) -> String {
    let ids: Vec<&str> = identity.iter().map(|(_, id)| id.as_str()).collect();
    ids.join("/")
}

/// Returns the objects of one kind that manifests describe at a connection, by identity.
pub fn managed_objects<'a>(
    checked: &'a Checked,
    connection: &str,
    kind: Kind,
) -> BTreeMap<&'a Identity, &'a Desired> {
    let managed = checked
        .desired
        .iter()
        .filter(|d| d.connection == connection && d.address.kind == kind);
    managed
        .map(|desired| (&desired.identity, desired.as_ref()))
        .collect()
}

/// Makes a manifest of every object that was read. New names are made by `template`, or from ids without one, and are
/// unique among all manifests.
///
/// Returns `Err` for a template with a member that none of the objects has.
pub fn import_objects(
    checked: &Checked,
    reads: &[ReadObjects],
    template: Option<&NameTemplate>,
    settings: &Settings,
) -> Result<Vec<Imported>, UnknownMember> {
    template.map_or(Ok(()), |template| template.check(reads))?;
    let names = names::name_objects(reads, checked, template);
    let mut all = Vec::new();
    for (read, names) in reads.iter().zip(names) {
        let known = managed_objects(checked, &read.connection, read.kind.table().kind);
        for (object, name) in read.objects.iter().zip(names) {
            let mut omitted = Vec::new();
            let manifest = match &object.observed {
                Observed::Live(live) => {
                    make_manifest(checked, read, object, live, &name, settings, &mut omitted)
                }
                Observed::Missing => Err(ImportError::Missing(read.kind.vendor())),
                Observed::Unread(why) => Err(ImportError::Unread(why.text.clone())),
            };
            let desired = known.get(&object.identity);
            all.push(Imported {
                identity: object.identity.clone(),
                name,
                manifest_file: desired.map(|it| it.origin.source.name.clone()),
                manifest,
                omitted,
            });
        }
    }
    Ok(all)
}

/// Makes the manifest of one object and proves it. `omitted` is filled also if the proof fails.
fn make_manifest(
    checked: &Checked,
    seen: &ReadObjects,
    found: &ListedObject,
    live: &Live,
    name: &str,
    settings: &Settings,
    omitted: &mut Vec<String>,
) -> Result<String, ImportError> {
    let table = seen.kind.table();
    // A vendor's id is checked like a user's: it becomes a part of a path.
    let identity = audit::identity_of(table, &show_identity(&found.identity))?;
    let live_statement = statement::state_object(table.desired, live);
    *omitted = live_statement.omitted;
    let stated = |field: &&Field| field.is_list() && field.need != Need::Never;
    let lists = table.desired.iter().filter(stated);
    let hidden = lists.filter(|field| !live.fields.contains_key(field.name));
    omitted.extend(hidden.map(|field| format!("{}: the read does not show it", field.name)));
    let ids: Vec<(&str, Json)> = table
        .identity
        .iter()
        .zip(&identity)
        .map(|(member, (name, id))| (*name, spell_id(&member.shape, id)))
        .collect();
    let document = write::object(
        table.kind,
        name,
        &seen.connection,
        &ids,
        Json::Object(live_statement.desired),
    );
    let text = write::yaml(&document).map_err(|error| ImportError::Unspelled(error.to_string()))?;
    prove_manifest(checked, seen, &text, live, settings)?;
    Ok(text)
}

/// Spells an id of a table's integer shape as a number, `17` and not `"17"`, as people write it.
fn spell_id(shape: &Shape, id: &str) -> Json {
    match (shape, id.parse::<u64>()) {
        (Shape::Integer { .. }, Ok(number)) => Json::from(number),
        _ => Json::from(id),
    }
}

/// Reads a manifest as any run would, and plans it against the object it was made from.
fn prove_manifest(
    checked: &Checked,
    seen: &ReadObjects,
    text: &str,
    live: &Live,
    settings: &Settings,
) -> Result<(), ImportError> {
    let source = Source::new("the imported manifest".into(), text.to_string());
    let read = check_text(checked, source);
    let mut findings = read.findings.iter();
    if let Some(finding) = findings.find(|finding| finding.severity == Severity::Error) {
        return Err(ImportError::Invalid {
            message: finding.message.clone(),
            code: finding.code,
        });
    }
    let [desired] = read.desired.as_slice() else {
        return Err(ImportError::NotOneObject);
    };
    check_unchanged(seen.kind, desired, live, settings)
}

/// Checks that a manifest differs nowhere from the object that it was made from.
fn check_unchanged(
    kind: &dyn ResourceKind,
    desired: &Arc<Desired>,
    live: &Live,
    settings: &Settings,
) -> Result<(), ImportError> {
    let observed = Observed::Live(live.clone());
    let planned = plan::plan_object(kind, desired, &observed, (settings.clock)());
    match (planned.action, planned.changes.first()) {
        (Disposition::None | Disposition::Suspend, None) => Ok(()),
        (_, Some(change)) => Err(ImportError::WouldChange(change.path.to_string())),
        (_, None) => Err(ImportError::Unplanned(planned.message.unwrap_or_default())),
    }
}

/// Checks one text by itself, with the connections of a run.
fn check_text(checked: &Checked, source: Source) -> Checked {
    let loaded = Loaded {
        sources: vec![Arc::new(source)],
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
    };
    check_among(loaded.into(), &options, &checked.connections)
}
