//! Documents to drafts: the envelope, names and references checked, all problems collected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::envelope::{self, DOCUMENT, Envelope};
pub use super::lowered::{Each, Lowered, Lowering, Manifests, Memory};
use super::own_kind::OwnKind;
use super::piece::Piece;
use super::reader::Reader;
use super::workers::side_by_side;
use super::{accepted, connection, list, notification, plain, policy, project, second, yaml};
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow, PolicyDraft};
use crate::model::node::Entry;
use crate::model::{Address, Diagnostic, Mark, Node, Origin, Tree};

/// Whose kind a document is of.
enum Kind {
    Own(OwnKind),
    OfVendor(KindRow),
}

/// Reads the sources and checks every envelope.
pub fn lower<T: Send>(
    sources: &[Arc<Source>],
    kinds: &[KindRow],
    each: &Each<'_, T>,
) -> Manifests<T> {
    let how = Lowering {
        kinds,
        each,
        memory: None,
    };
    let mut all = join(lower_files(sources.to_vec(), &how));
    all.findings.show(sources);
    all
}

/// What a small file says by itself; its objects refer to the label. Nothing comes back of a large one, whose
/// pieces are better read side by side.
pub fn lower_file<T>(
    source: &Arc<Source>,
    label: &Arc<Source>,
    how: &Lowering<'_, T>,
) -> Option<Manifests<T>> {
    let piece = Piece::only(source, label)?;
    let mut all = lower_piece(&piece, how)?;
    all.files = 1;
    Some(all)
}

/// What every source says by itself, in their order. Pieces of files are read side by side, and the text of a
/// file goes with its last piece unless somebody else holds it: all texts together are as large as all objects.
pub fn lower_files<T: Send>(sources: Vec<Arc<Source>>, how: &Lowering<'_, T>) -> Vec<Manifests<T>> {
    let (mut pieces, mut lengths) = (Vec::with_capacity(sources.len()), Vec::new());
    for source in sources {
        let own = Piece::of(source);
        lengths.push(own.len());
        pieces.extend(own.into_iter().map(|piece| Mutex::new(Some(piece))));
    }
    let lowered = side_by_side(&pieces, |piece| {
        let piece = piece
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some(lower_piece(&piece, how).ok_or(piece.source))
    });
    let mut parts = lowered.into_iter().flatten();
    let files: Vec<Result<Manifests<T>, Arc<Source>>> = lengths
        .into_iter()
        .map(|length| Vec::from_iter(parts.by_ref().take(length)))
        .map(|parts| parts.into_iter().collect::<Result<Vec<_>, _>>().map(joined))
        .collect();
    let broken: Vec<Piece> = files
        .iter()
        .filter_map(|file| file.as_ref().err())
        .map(|source| Piece::whole(Arc::clone(source)))
        .collect();
    let mut wholes = side_by_side(&broken, |piece| lower_piece(piece, how)).into_iter();
    let files = files.into_iter().map(|file| {
        let file = file.ok().or_else(|| wholes.next().flatten());
        Manifests {
            files: 1,
            ..file.unwrap_or_default()
        }
    });
    files.collect()
}

/// What all files say together.
pub fn join<T>(files: impl IntoIterator<Item = Manifests<T>>) -> Manifests<T> {
    let mut all = joined(files);
    refuse_equal_names(&mut all);
    all
}

fn joined<T>(parts: impl IntoIterator<Item = Manifests<T>>) -> Manifests<T> {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    parts.for_each(|part| all.take(part));
    all
}

/// Reads a piece of a file. Nothing comes back if its text is not in order, unless it is the whole file: then
/// there are findings.
fn lower_piece<T>(piece: &Piece, how: &Lowering<'_, T>) -> Option<Manifests<T>> {
    if let Some(said) = how.memory.and_then(|memory| memory.recall(piece)) {
        return Some(said);
    }
    let mut all = Manifests::default();
    let documents = match plain::read(piece.text(), piece.begins()) {
        Some(documents) => documents,
        None => {
            let documents = if piece.is_whole() {
                yaml::parse(&piece.source, &mut all.findings)
            } else {
                yaml::parse_piece(piece, &mut all.findings).ok()?
            };
            // Where there is no value, there is none to read differently.
            let differs = !documents.is_empty() && second::may_differ(piece.text(), &documents);
            if !all.findings.has_errors() && differs {
                second::compare(piece, &documents, &mut all.findings);
            }
            documents
        }
    };
    all.objects.reserve_exact(documents.len());
    for document in documents {
        list::each_document(document, how.kinds, &mut |document| {
            all.documents += 1;
            if let Some(draft) = document_of(document, &piece.label, how.kinds, &mut all) {
                all.objects.push(Lowered {
                    address: draft.address.clone(),
                    vendor: draft.row.vendor,
                    connection: draft.connection.clone(),
                    origin: draft.origin.clone(),
                    object: (how.each)(draft, &mut all.findings),
                });
            }
        });
    }
    all.findings.show(std::slice::from_ref(&piece.source));
    if let Some(memory) = how.memory {
        memory.keep(piece, &all);
    }
    Some(all)
}

/// Checks the envelope of a document. A connection goes to the others, an object comes back.
fn document_of<T>(
    mut document: Node,
    source: &Arc<Source>,
    kinds: &[KindRow],
    all: &mut Manifests<T>,
) -> Option<Draft> {
    let mut reader = Reader {
        source,
        kinds,
        findings: &mut all.findings,
        secretive: false,
    };
    match envelope::of(&document, kinds, &mut reader) {
        Envelope::Ours => {}
        Envelope::Wrong => return None,
        Envelope::Foreign => {
            all.skipped += 1;
            return None;
        }
    }
    let entries = reader.entries(&DOCUMENT.title, &document, || DOCUMENT.names());
    debug_assert!(entries.is_some(), "a document with an apiVersion is a map");
    let Some(kind) = document.get("kind") else {
        reader.missing(&DOCUMENT.title, "kind", document.mark);
        return None;
    };
    let kind = kind_of(kind, kinds, &mut reader)?;
    let metadata = envelope::read_metadata(&document, &mut reader);
    let origin = reader.origin(document.mark);
    let Some(spec) = document.get_mut("spec") else {
        reader.missing(&DOCUMENT.title, "spec", origin.mark);
        return None;
    };
    match kind {
        Kind::Own(kind) => {
            let name = metadata.map(|(name, _)| name);
            own_kind(kind, name, spec, origin, kinds, all);
            None
        }
        Kind::OfVendor(row) => {
            let object = object(row, spec, &mut reader);
            let ((name, labels), (connection, identity, policy, desired)) = metadata.zip(object)?;
            Some(Draft {
                row,
                address: Address {
                    kind: row.kind,
                    name,
                },
                labels,
                connection,
                identity,
                policy,
                desired,
                origin,
            })
        }
    }
}

fn kind_of(kind: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Option<Kind> {
    let text = reader.text(&"kind", kind)?;
    let row = kinds.iter().find(|row| row.kind.0 == text);
    let found = row
        .map(|row| Kind::OfVendor(*row))
        .or_else(|| OwnKind::of(text).map(Kind::Own));
    if found.is_none() {
        let own = OwnKind::ALL.map(OwnKind::name);
        let names = kinds.iter().map(|row| row.kind.0).chain(own);
        let finding = Diagnostic::error("unknown-kind", format!("unknown kind `{text}`"))
            .suggest(text, names);
        reader.report(finding, kind.mark);
    }
    found
}

/// A document of a kind that no vendor has.
fn own_kind<T>(
    kind: OwnKind,
    name: Option<String>,
    spec: &Node,
    origin: Origin,
    kinds: &[KindRow],
    all: &mut Manifests<T>,
) {
    let source = Arc::clone(&origin.source);
    let mut reader = Reader {
        source: &source,
        kinds,
        findings: &mut all.findings,
        secretive: false,
    };
    match kind {
        // Only the file that was found as the project's has an effect; any other is checked all the same.
        OwnKind::Project => all.projects.push(project::lower(spec, &mut reader)),
        OwnKind::AcceptedDrift => all.accepted.extend(accepted::lower(spec, &mut reader)),
        OwnKind::Notification => {
            let lowered = notification::lower(name.unwrap_or_default(), spec, &mut reader);
            if let Some(lowered) = lowered.filter(|lowered| !lowered.name.is_empty()) {
                all.notifications.push((lowered, origin));
            }
        }
        OwnKind::Connection => {
            let own = name.clone().unwrap_or_default();
            let lowered = connection::lower(own, spec, origin, &mut reader);
            all.connections.extend(lowered.filter(|_| name.is_some()));
        }
    }
}

type ObjectParts = (Option<(String, Mark)>, Vec<Entry>, PolicyDraft, Node);

fn object(row: KindRow, spec: &mut Node, reader: &mut Reader<'_>) -> Option<ObjectParts> {
    let title = format_args!("the spec of {}", row.kind);
    let entries = reader.entries(&title, spec, || envelope::object_members(row.identity))?;
    let identity_names = || row.identity.iter().map(|identity| identity.name);
    for name in identity_names() {
        if spec.get(name).is_none() {
            reader.missing(&title, name, spec.mark);
        }
    }
    let connection = spec.get("connection").and_then(|node| {
        let name = reader.text(&"connection", node)?;
        Some((name.to_string(), node.mark))
    });
    let policy = spec
        .get("policy")
        .map(|node| policy::lower(node, reader))
        .unwrap_or_default();
    let identity = entries
        .iter()
        .filter(|entry| identity_names().any(|name| name == entry.key))
        .cloned()
        .collect();
    let mark = spec.mark;
    let Some(desired) = spec.get_mut("desired") else {
        reader.missing(&title, "desired", mark);
        return None;
    };
    if !matches!(desired.tree, Tree::Map(_)) {
        return reader.wrong_type(&"desired", "a map of fields", desired);
    }
    Some((connection, identity, policy, desired.take()))
}

fn refuse_equal_names<T>(all: &mut Manifests<T>) {
    let mut objects: HashMap<&Address, &Origin> = HashMap::with_capacity(all.objects.len());
    let mut twice = Vec::new();
    for object in &all.objects {
        match objects.get(&object.address) {
            Some(first) => twice.push((object.address.to_string(), *first, &object.origin)),
            None => drop(objects.insert(&object.address, &object.origin)),
        }
    }
    let connections = all
        .connections
        .iter()
        .map(|c| ("Connection", &c.name, &c.origin));
    let notifications = all
        .notifications
        .iter()
        .map(|(told, origin)| ("Notification", &told.name, origin));
    let mut own: HashMap<(&str, &str), &Origin> = HashMap::new();
    for (kind, name, origin) in connections.chain(notifications) {
        match own.get(&(kind, name.as_str())) {
            Some(first) => twice.push((format!("{kind}/{name}"), *first, origin)),
            None => drop(own.insert((kind, name.as_str()), origin)),
        }
    }
    for (name, first, origin) in twice {
        let finding = Diagnostic::error("duplicate-name", format!("{name} is defined twice"))
            .at(&origin.source, origin.mark)
            .also(first.clone(), "it is defined here first");
        all.findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_tree_that_is_let_through_fits_the_stack() {
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let source = Arc::new(Source::new(
                "deep.yaml".into(),
                format!("{}{}", open.repeat(63), close.repeat(63)),
            ));
            let all = lower(&[source], &[], &|_, _| Some(()));
            assert!(all.findings.is_empty(), "{:?}", all.findings);
            assert_eq!(all.skipped, 1);
        }
    }
}
