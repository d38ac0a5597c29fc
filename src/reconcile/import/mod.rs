//! Makes manifests of live objects: read, state, write, and read again before the text is shown.
//!
//! The input is a connection and a choice of its objects; the output is, for each object, a text or the reason why
//! there is none. Every manifest is read again by our own reader, checked against the field table and planned against
//! the object from which it was made. So a plan right after an import is empty, or the object is reported and not
//! written. The caller writes the files; `provider::statement` converts live fields to those of a manifest.

mod connections;
mod error;
mod found_id;
mod managed;
mod name_template;
mod names;
mod prove_sets;
mod read;
mod sets;
mod update;

use std::sync::Arc;

use serde_json::Value as Json;

use super::check::check_among;
use super::{CheckOptions, Checked, EnvironmentChoice, Settings};
use crate::manifest::rows::RowFiles;
use crate::manifest::{Loaded, write};
use crate::model::dated::ReadingTime;
use crate::model::diagnostic::Source;
use crate::model::{Desired, Field, Kind, Live, Need, Observed, Severity, Shape};
use crate::plan::{self, Disposition};
pub use crate::provider::listing::Identity;
use crate::provider::listing::ListedObject;
use crate::provider::{ResourceKind, audit, statement};
pub use connections::{
    KnownConnections, NoConnection, choose_connection, choose_connections, kinds_at,
};
pub use error::{ImportError, NoList};
pub use found_id::FoundId;
pub use managed::ManagedObjects;
pub use name_template::{NameTemplate, TemplateError, UnknownMember};
pub use prove_sets::{ProvenSet, prove_sets};
pub use read::{Ask, KindRead, ReadObjects, read_kinds, read_kinds_in, read_objects};
pub use sets::{FoundSet, StatedObject, find_sets};
pub use update::{Updated, update_files};

/// One imported object.
pub struct Imported {
    pub kind: Kind,
    pub identity: Identity,
    pub name: String,
    /// The file of the manifest that describes it already.
    pub manifest_file: Option<String>,
    /// The manifest, or the reason why there is none.
    pub manifest: Result<String, ImportError>,
    /// What the manifest states; `None` if there is none.
    pub stated: Option<StatedObject>,
    /// Parts of the object that the manifest leaves out, because no manifest can state them or the read did not
    /// show them.
    pub omitted: Vec<String>,
}

/// Formats an identity as `--id` takes it: its parts joined by `/`.
pub fn show_identity(identity: &Identity) -> String {
    let ids: Vec<&str> = identity.iter().map(|(_, id)| id.as_str()).collect();
    ids.join("/")
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
        let known = ManagedObjects::of(checked, &read.connection, read.kind);
        for (object, name) in read.objects.iter().zip(names) {
            let mut omitted = Vec::new();
            let manifest = match &object.observed {
                Observed::Live(live) => {
                    make_manifest(checked, read, object, live, &name, settings, &mut omitted)
                }
                Observed::Missing | Observed::Creatable(_) => {
                    Err(ImportError::Missing(read.kind.vendor()))
                }
                Observed::Unread(why) => Err(ImportError::Unread(why.text.clone())),
            };
            let desired = known.find(object);
            let (manifest, stated) = match manifest {
                Ok((text, stated)) => (Ok(text), Some(stated)),
                Err(error) => (Err(error), None),
            };
            all.push(Imported {
                kind: read.kind.table().kind,
                identity: object.identity.clone(),
                name,
                manifest_file: desired.map(|it| it.origin.source.name.clone()),
                manifest,
                stated,
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
) -> Result<(String, StatedObject), ImportError> {
    let table = seen.kind.table();
    // A vendor's id is checked like a user's: it becomes a part of a path.
    let identity = audit::identity_of(table, &show_identity(&found.identity))?;
    let live_statement = statement::state_object(table.desired, live);
    *omitted = live_statement.omitted;
    let stated = |field: &&Field| field.is_list() && field.need != Need::Never;
    let lists = table.desired.iter().filter(stated);
    let hidden = lists.filter(|field| !live.fields.contains_key(field.name));
    omitted.extend(hidden.map(|field| format!("{}: the read does not show it", field.name)));
    let ids: Vec<(&'static str, Json)> = table
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
        Json::Object(live_statement.desired.clone()),
    );
    let text = write::yaml(&document).map_err(|error| ImportError::Unspelled(error.to_string()))?;
    prove_manifest(checked, seen, &text, live, settings)?;
    let stated = StatedObject {
        table,
        name: name.to_string(),
        connection: seen.connection.clone(),
        ids,
        desired: live_statement.desired,
    };
    Ok((text, stated))
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
    let read = check_text(checked, source, RowFiles::default());
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

/// Checks one text by itself, with the connections of a run and the rows that it names.
fn check_text(checked: &Checked, source: Source, row_files: RowFiles) -> Checked {
    let loaded = Loaded {
        sources: vec![Arc::new(source)],
        row_files,
        ..Loaded::default()
    };
    let options = CheckOptions {
        need_connections: true,
        simulators: None,
        environment: EnvironmentChoice::Any,
        // What an import writes has no changes.
        time: ReadingTime::default(),
    };
    check_among(loaded.into(), &options, &checked.connections)
}
