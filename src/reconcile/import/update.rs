//! Writes live values into existing manifests: each change that a plan would make at the vendor is made in the file
//! instead, the other way round.
//!
//! The input is the manifests and the objects read; the output is edited texts, and the caller writes the files. The
//! differences come from a plan, which has managed fields only, so `policy.ignore` and `policy.keepUnlisted` hold
//! here as in an apply. Comments and layout stay, because only the places that change are edited; no file is
//! generated from scratch.
//!
//! Example: the manifest has `count: 10  # as agreed`, the vendor 7. The plan would replace 7 by 10; the edit
//! sets `count` to 7, the comment stays, and a plan of the edited text is empty, or the edit is not used.

use crate::reconcile::import::ImportError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Checked, FoundId, ManagedObjects, ReadObjects, Settings, check_text, check_unchanged};
use crate::manifest::edit::{self, Edit, EditAction, EditError, EditedFile, PathStep};
use crate::manifest::rows::RowFiles;
use crate::model::diagnostic::Source;
use crate::model::field::{Elements, find_field};
use crate::model::{
    Clearing, Desired, ElementKey, Field, KindTable, Live, Node, Observed, PathPart, Severity,
    Shape, Text, Tree, Value,
};
use crate::plan::{self, Change, ChangeVerb};
use crate::provider::canon::{self, Edge, Scalar};
use crate::provider::statement;

/// One file, with the live values of its objects.
pub struct Updated {
    pub file: EditedFile,
    /// Addresses of the objects that were changed.
    pub changed: Vec<String>,
    /// Addresses of the objects that are named by the vendor's id from now on.
    pub named: Vec<(String, FoundId)>,
    /// Addresses of the objects that were left as they are, with the reason.
    pub failed: Vec<(String, UpdateError)>,
}

/// The reason why the manifest of an object is left unchanged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpdateError {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The edited text does not pass the checks; the text is the first error.
    #[error("it would not be valid: {0}")]
    Invalid(String),
    /// The edited text has no such object.
    #[error("it would be gone")]
    Gone,
    #[error(
        "`{given}` stands for `{field}`, and the vendor answers with `{field}` only: change it by hand"
    )]
    /// The field was given by a name that the vendor resolved, and an id does not lead back to a name.
    Resolved { given: String, field: String },
    /// A value that changed may be the edition's or the object's.
    #[error("its fields come from edition `{0}` too: change them by hand")]
    HasEdition(String),
    /// Its manifest is a template, and the values are in a table.
    #[error("it is a row of set `{0}`: change the row by hand")]
    IsRow(String),
    /// A value that changed may be that of `desired` or that of a change that has begun.
    #[error("its fields change by date: change them by hand")]
    HasChanges,
    #[error("a field that is not in the table")]
    UnknownField,
    /// No manifest can state the element at this path.
    #[error("`{0}` is something that no manifest can say")]
    Unsayable(String),
    /// The change is about a part of the document that is not where the table expects it.
    #[error("`{0}` is not in the file")]
    NotInFile(String),
}

/// Brings the files of the objects that were read up to date. Objects without a manifest are passed over.
///
/// Returns one entry per file, also for files in which nothing changed. A failure of one object leaves its
/// document as it is and does not affect others of the file.
pub fn update_files(checked: &Checked, reads: &[ReadObjects], settings: &Settings) -> Vec<Updated> {
    let mut files: BTreeMap<&str, Updated> = BTreeMap::new();
    for seen in reads {
        let known = ManagedObjects::of(checked, &seen.connection, seen.kind);
        for found in &seen.objects {
            let Some(desired) = known.find(found) else {
                continue;
            };
            let source = &desired.origin.source;
            let updated = files
                .entry(source.name.as_str())
                .or_insert_with(|| Updated {
                    file: EditedFile::open(source),
                    changed: Vec::new(),
                    named: Vec::new(),
                    failed: Vec::new(),
                });
            let mark = desired.origin.mark;
            let text = updated.file.document(mark);
            let text = text.map_err(UpdateError::from);
            match text.and_then(|text| {
                update_object(checked, seen, desired, &found.observed, text, settings)
            }) {
                Ok(Some((text, id))) => {
                    updated.file.replace_document(mark, text);
                    let address = desired.address.to_string();
                    updated.named.extend(id.map(|id| (address.clone(), id)));
                    updated.changed.push(address);
                }
                Ok(None) => {}
                Err(why) => updated.failed.push((desired.address.to_string(), why)),
            }
        }
    }
    files.into_values().collect()
}

/// Returns the document of one object with its live values, and the vendor's id if that is put in the place of a key;
/// `None` if there is nothing to change.
///
/// Three checks follow the edit: the text is valid, the object is still in it, and a plan of it changes nothing.
fn update_object(
    checked: &Checked,
    seen: &ReadObjects,
    desired: &Desired,
    observed: &Observed,
    text: &str,
    settings: &Settings,
) -> Result<Option<(String, Option<FoundId>)>, UpdateError> {
    let live = match observed {
        Observed::Live(live) => live,
        // It is yet to be created.
        Observed::Missing | Observed::Creatable(_) if desired.policy.create => return Ok(None),
        Observed::Missing | Observed::Creatable(_) => {
            return Err(ImportError::Missing(desired.vendor).into());
        }
        Observed::Unread(why) => return Err(ImportError::Unread(why.text.clone()).into()),
    };
    let shared = Arc::new(desired.clone());
    let planned = plan::plan_object(seen.kind, &shared, observed, (settings.clock)());
    let table = seen.kind.table();
    let id = FoundId::of(table, desired, live);
    if planned.changes.is_empty() && id.is_none() {
        return Ok(None);
    }
    if let Some(set) = desired.layers.set() {
        return Err(UpdateError::IsRow(set.to_string()));
    }
    let documents = edit::parse_documents(text).ok_or(EditError::InvalidFile)?;
    let document = documents
        .iter()
        .find(|document| is_manifest_of(document, desired));
    let document = document.ok_or(EditError::NoDocument)?;
    if let Some(edition) = edition_of(document) {
        return Err(UpdateError::HasEdition(edition.to_string()));
    }
    if has_changes(document) {
        return Err(UpdateError::HasChanges);
    }
    let mut edits = edits_of_changes(table, desired, live, document, &planned.changes)?;
    let of_id = id.iter().flat_map(|id| id.edits(table, desired, document));
    edits.splice(..0, of_id);
    let edited = edit::edit_text(text, &edits)?;
    let read = check_text(
        checked,
        Source::new(desired.origin.source.name.clone(), edited.clone()),
        RowFiles::default(),
    );
    if let Some(finding) = read
        .findings
        .iter()
        .find(|finding| finding.severity == Severity::Error)
    {
        return Err(UpdateError::Invalid(finding.message.clone()));
    }
    let again = read
        .desired
        .iter()
        .find(|one| one.address == desired.address);
    check_unchanged(seen.kind, again.ok_or(UpdateError::Gone)?, live, settings)?;
    Ok(Some((edited, id)))
}

/// Reports whether a document is the manifest of an object, by kind and name.
fn is_manifest_of(document: &Node, desired: &Desired) -> bool {
    let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_string);
    let name = document.get("metadata").and_then(|meta| meta.get("name"));
    text(document.get("kind")).as_deref() == Some(desired.address.kind.0)
        && text(name).as_deref() == Some(desired.address.name.as_str())
}

/// Returns the name of the edition that an object has; `None` if it has none.
fn edition_of(document: &Node) -> Option<&str> {
    document.get("spec")?.get("edition")?.get("name")?.text()
}

/// Reports whether an object has fields that begin on a date.
fn has_changes(document: &Node) -> bool {
    let changes = document.get("spec").and_then(|spec| spec.get("changes"));
    changes.is_some_and(|changes| !matches!(&changes.tree, Tree::List(items) if items.is_empty()))
}

/// One field of `desired` in the file, as the target of edits.
struct EditSpot<'a> {
    field: &'static Field,
    /// The field's own place, below `spec.desired`.
    way: Vec<PathStep>,
    /// The node that is there; `None` if the file does not mention the field.
    node: Option<&'a Node>,
}

/// Turns the changes of a plan into edits of the document, in an order in which they can be made one by one.
///
/// Items are addressed by index, so removals come last and from the end. To remove items 1 and 3 of a list and
/// add one: first the new item is pushed, then 3 goes, then 1. In another order index 3 would be a different
/// item.
fn edits_of_changes(
    table: &'static KindTable,
    desired: &Desired,
    live: &Live,
    document: &Node,
    changes: &[Change],
) -> Result<Vec<Edit>, UpdateError> {
    let root = document.get("spec").and_then(|spec| spec.get("desired"));
    let stated = statement::state_object(table.desired, live).desired;
    let mut edits = Vec::new();
    for change in changes {
        let Some(PathPart::Field(name)) = change.path.parts().first() else {
            continue;
        };
        if let Some(by) = live
            .resolved
            .iter()
            .find(|resolved| resolved.field == *name)
        {
            return Err(UpdateError::Resolved {
                given: by.given.to_string(),
                field: name.to_string(),
            });
        }
        let field = find_field(table.desired, name).ok_or(UpdateError::UnknownField)?;
        let names = name.split('.');
        let way = ["spec", "desired"].into_iter().chain(names.clone());
        let spot = EditSpot {
            field,
            way: way.map(|part| PathStep::Member(part.to_string())).collect(),
            node: names.fold(root, |node, name| node.and_then(|node| node.get(name))),
        };
        let keeps = desired.policy.keep_unlisted.iter().any(|list| list == name);
        edit_change(&spot, change, live, &stated, keeps, &mut edits)?;
    }
    // The index of an item must be right when it is used, so removals come last, the highest index first.
    let (mut removals, mut rest): (Vec<Edit>, Vec<Edit>) = edits
        .into_iter()
        .partition(|edit| edit.action == EditAction::Remove);
    // Sorted by the whole path: a member inside an item is removed before the items with lower indexes.
    removals.sort_by(|one, other| other.path.cmp(&one.path));
    rest.extend(removals);
    Ok(rest)
}

/// Turns one change into edits: of a set, of a scalar, or of an element of a keyed list or a field in it.
///
/// `said` is the object as an import would state it, from which new elements are taken. `keeps` is set if the
/// list's unlisted members are left alone.
fn edit_change(
    spot: &EditSpot<'_>,
    change: &Change,
    live: &Live,
    stated: &Map<String, Json>,
    keeps: bool,
    edits: &mut Vec<Edit>,
) -> Result<(), UpdateError> {
    match (change.path.parts(), &spot.field.shape) {
        ([_], Shape::Set(inner)) => {
            let current = live.fields.get(spot.field.name);
            edit_set(spot, inner, current, keeps, edits);
        }
        ([_], _) => edit_scalar(spot, change, edits),
        ([_, PathPart::Element(key), rest @ ..], Shape::Keyed(elements)) => {
            let index = spot.node.and_then(|node| index_of(node, elements, key));
            match (rest, index) {
                ([], Some(index)) => edits.push(Edit {
                    path: extend_path(&spot.way, PathStep::Item(index)),
                    action: EditAction::Remove,
                }),
                ([], None) => {
                    let element = stated
                        .get(spot.field.name)
                        .and_then(|list| stated_element(list, elements, key));
                    let element =
                        element.ok_or_else(|| UpdateError::Unsayable(change.path.to_string()))?;
                    let edit = add_element(spot, element, edits);
                    edits.push(edit);
                }
                ([PathPart::Field(name)], Some(index)) => {
                    let field =
                        find_field(elements.fields, name).ok_or(UpdateError::UnknownField)?;
                    let way = extend_path(&spot.way, PathStep::Item(index));
                    let spot = EditSpot {
                        field,
                        way: extend_path(&way, PathStep::Member((*name).to_string())),
                        node: None,
                    };
                    edit_scalar(&spot, change, edits);
                }
                // This change follows from another one: the file does not mention the element.
                ([PathPart::Field(_)], None) => {}
                _ => return Err(UpdateError::NotInFile(change.path.to_string())),
            }
        }
        _ => return Err(UpdateError::NotInFile(change.path.to_string())),
    }
    Ok(())
}

/// Makes the edit that adds an element to a list.
///
/// A list in the file gets the element pushed. Otherwise the field is missing or `null`, and the edit sets a
/// whole list, which also takes over elements that `edits` would have set there before: two additions become one
/// list of two.
fn add_element(spot: &EditSpot<'_>, element: Json, edits: &mut Vec<Edit>) -> Edit {
    let way = spot.way.clone();
    if matches!(spot.node.map(|node| &node.tree), Some(Tree::List(_))) {
        let action = EditAction::Push(element);
        return Edit { path: way, action };
    }
    let begun = edits.iter().position(|edit| edit.path == way);
    let mut items = match begun.map(|index| edits.remove(index).action) {
        Some(EditAction::Set(Json::Array(items))) => items,
        _ => Vec::new(),
    };
    items.push(element);
    let action = EditAction::Set(Json::Array(items));
    Edit { path: way, action }
}

/// Returns a path with one more step.
fn extend_path(way: &[PathStep], mark: PathStep) -> Vec<PathStep> {
    let mut way = way.to_vec();
    way.push(mark);
    way
}

/// Sets a scalar to the value before the change, which is the live one.
///
/// A value that the vendor does not show is cleared by `null` where the field can be cleared; elsewhere the
/// field is removed from the manifest and no longer managed.
fn edit_scalar(spot: &EditSpot<'_>, change: &Change, edits: &mut Vec<Edit>) {
    let clearable = spot.field.clearing != Clearing::Impossible;
    let action = match (&change.before, change.verb) {
        (Some(before), ChangeVerb::Add | ChangeVerb::Replace | ChangeVerb::Remove) => {
            if before.is_null() && !clearable {
                EditAction::Remove
            } else {
                EditAction::Set(before.clone())
            }
        }
        (None, _) if clearable => EditAction::Set(Json::Null),
        (None, _) => EditAction::Remove,
    };
    edits.push(Edit {
        path: spot.way.clone(),
        action,
    });
}

/// Edits a set member by member, so that those which stay keep their comments.
///
/// With `[a, b]` in the file and `{b, c}` live, item 0 is removed and `c` is pushed; with `keeps` only the
/// first, because the manifest does not manage unlisted members. Members compare in canonical form.
fn edit_set(
    spot: &EditSpot<'_>,
    inner: &'static Shape,
    current: Option<&Value>,
    keeps: bool,
    edits: &mut Vec<Edit>,
) {
    let Some(Value::Set(current)) = current else {
        return;
    };
    let canonical = |node: &Node| match &node.tree {
        Tree::Text(text) => canon::canonical_scalar(
            inner,
            Clearing::Impossible,
            Scalar::Text(text),
            Edge::Manifest,
        )
        .ok(),
        _ => None,
    };
    let Some(Node {
        tree: Tree::List(items),
        ..
    }) = spot.node
    else {
        // `null` stands for the empty list.
        edits.push(Edit {
            path: spot.way.clone(),
            action: EditAction::Set(Json::from_iter(current.iter().map(Text::as_str))),
        });
        return;
    };
    let mut listed = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        match canonical(item) {
            Some(Value::Text(text)) if current.contains(&text) => {
                listed.insert(text);
            }
            _ => edits.push(Edit {
                path: extend_path(&spot.way, PathStep::Item(index)),
                action: EditAction::Remove,
            }),
        }
    }
    for member in current
        .iter()
        .filter(|member| !keeps && !listed.contains(*member))
    {
        edits.push(Edit {
            path: spot.way.clone(),
            action: EditAction::Push(Json::from(member.as_str())),
        });
    }
}

/// Returns the index of the element with this key in a list of the file; `None` if it has none.
fn index_of(list: &Node, elements: &Elements, key: &ElementKey) -> Option<usize> {
    let Tree::List(items) = &list.tree else {
        return None;
    };
    items.iter().position(|item| {
        let parts = elements
            .key
            .iter()
            .map(|name| item.get(name)?.text().map(Text::from));
        let parts: Option<Vec<Text>> = parts.collect();
        parts.is_some_and(|parts| ElementKey::new(parts, elements.fold) == *key)
    })
}

/// Returns the element with this key as an import would state it; `None` if the statement lacks it.
fn stated_element(list: &Json, elements: &Elements, key: &ElementKey) -> Option<Json> {
    let has = |item: &&Json| {
        let parts = elements
            .key
            .iter()
            .map(|name| item.get(*name)?.as_str().map(Text::from));
        let parts: Option<Vec<Text>> = parts.collect();
        parts.is_some_and(|parts| ElementKey::new(parts, elements.fold) == *key)
    };
    list.as_array()?.iter().find(has).cloned()
}
