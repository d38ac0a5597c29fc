//! Lowers documents to drafts: checks the members around a spec, and collects every problem.
//!
//! The caller pulls the drafts of a piece one by one ([`PieceReader::next_draft`]) and checks each before the next is
//! made, so that only one finished draft is in memory beside the trees of the documents that are still to come. For
//! example, a piece with a `Connection`, an order and a `ConfigMap` yields one draft; its [`Declarations`] then hold
//! the connection and count three documents, one of them skipped.

use std::sync::Arc;

use super::declarations::{BrokenConnection, Declarations};
use super::envelope::{self, DOCUMENT, Envelope};
use super::list::Documents;
use super::own_kind::OwnKind;
use super::piece::Piece;
use super::reader::MapReader;
use super::{
    accepted, changes, connection, edition, environment, fast_yaml, foreign, notification,
    object_set, policy, project, yaml, yaml_dialect,
};
use crate::model::dated::DatedChange;
use crate::model::diagnostic::{Source, find_nearest};
use crate::model::draft::{Draft, EditionUse, KindRow, PolicyDraft};
use crate::model::node::Entry;
use crate::model::{Address, Diagnostic, Diagnostics, Mark, NaturalKey, Node, Origin, Tree};

/// The kind of a document.
enum DocumentKind {
    /// A kind of ours, which no vendor has.
    Own(OwnKind),
    OfVendor(KindRow),
}

/// A piece of a file that is being lowered.
pub struct PieceReader<'p> {
    piece: &'p Piece,
    kinds: &'p [KindRow],
    documents: Documents<'p>,
    declarations: Declarations,
}

impl<'p> PieceReader<'p> {
    /// Parses a piece. Returns `None` if it is not valid YAML and not the whole file: the caller then reads the whole
    /// file, which gives the place and the cause. If a whole file is not valid, the declarations have the finding.
    ///
    /// A whole file of another tool is not parsed: its documents are counted and skipped, even if they are not valid.
    pub fn open(piece: &'p Piece, kinds: &'p [KindRow]) -> Option<Self> {
        let is_foreign = piece.is_whole() && foreign::is_foreign(piece.text(), kinds);
        if is_foreign {
            return Some(Self::passing_over(piece, kinds));
        }
        let parsed = Self::parse(piece, kinds)?;
        let is_broken = parsed.remaining() == 0 && !foreign::has_mark(&piece.source.text);
        Some(match is_broken {
            true => Self::passing_over(piece, kinds),
            false => parsed,
        })
    }

    /// Counts the documents of a piece as those of other tools.
    fn passing_over(piece: &'p Piece, kinds: &'p [KindRow]) -> Self {
        let skipped = foreign::count_documents(piece.text());
        let declarations = Declarations {
            documents: skipped,
            skipped,
            ..Declarations::default()
        };
        Self {
            piece,
            kinds,
            documents: Documents::new(Vec::new(), kinds),
            declarations,
        }
    }

    /// Parses a piece, even if it belongs to another tool.
    fn parse(piece: &'p Piece, kinds: &'p [KindRow]) -> Option<Self> {
        let mut declarations = Declarations::default();
        let documents = match fast_yaml::parse(piece.text(), piece.start()) {
            Some(documents) => documents,
            None => parse_with_checks(piece, &mut declarations.findings)?,
        };
        if declarations.findings.has_errors() && piece.text().contains(CONNECTION) {
            let broken = BrokenConnection::default();
            declarations.broken_connections.push(broken);
        }
        Some(Self {
            piece,
            kinds,
            documents: Documents::new(documents, kinds),
            declarations,
        })
    }

    /// Returns how many documents are left, each list of manifests counted as one.
    pub fn remaining(&self) -> usize {
        self.documents.remaining()
    }

    /// Lowers documents up to the next vendor object whose spec is in order; returns `None` at the end of the piece.
    /// An object without a usable name is returned too, so that the caller can check it for other mistakes.
    pub fn next_draft(&mut self) -> Option<Draft> {
        for document in self.documents.by_ref() {
            let all = &mut self.declarations;
            all.documents += 1;
            let broken = is_connection(&document, self.kinds)
                .then(|| BrokenConnection::of(&document, self.kinds));
            let usable = all.connections.len();
            let draft = lower_document(document, &self.piece.label, self.kinds, all);
            let broken = broken.filter(|_| all.connections.len() == usable);
            all.broken_connections.extend(broken);
            if draft.is_some() {
                return draft;
            }
        }
        None
    }

    /// Returns the findings so far. The caller adds those about the draft that was returned last.
    pub fn findings(&mut self) -> &mut Diagnostics {
        &mut self.declarations.findings
    }

    /// Returns everything in the piece that is not a draft. The findings get copies of the source lines that they
    /// show, because the text is dropped now.
    pub fn finish(mut self) -> Declarations {
        let source = std::slice::from_ref(&self.piece.source);
        self.declarations.findings.show(source);
        self.declarations
    }
}

/// Reads every draft of a file at once, for callers that check none of them. The file must be small: all of its trees
/// are in memory together. The caller knows that the file is a manifest, so it is parsed even if nothing in it looks
/// like ours.
pub fn read_drafts(source: &Arc<Source>, kinds: &[KindRow]) -> (Vec<Draft>, Declarations) {
    let whole = Piece::whole(Arc::clone(source));
    let Some(mut reader) = PieceReader::parse(&whole, kinds) else {
        return Default::default();
    };
    let drafts = std::iter::from_fn(|| reader.next_draft());
    let drafts = drafts.filter(Draft::is_named).collect();
    (drafts, reader.finish())
}

/// Parses a piece with the general reader, and with a second one where the two may differ. Returns `None` if the
/// piece is not valid and not the whole file.
fn parse_with_checks(piece: &Piece, findings: &mut Diagnostics) -> Option<Vec<Node>> {
    let documents = if piece.is_whole() {
        yaml::parse(&piece.source, findings)
    } else {
        yaml::parse_piece(piece, findings).ok()?
    };
    // A piece without values has nothing that two readers could read differently.
    let differs = !documents.is_empty() && yaml_dialect::may_differ(piece.text(), &documents);
    if !findings.has_errors() && differs {
        yaml_dialect::warn_of_differences(piece, &documents, findings);
    }
    Some(documents)
}

/// Checks the envelope of a document. Adds a document of our own kinds to the declarations, and returns a vendor's
/// object as a draft; returns `None` for all other documents and for an object whose envelope is not in order.
fn lower_document(
    mut document: Node,
    source: &Arc<Source>,
    kinds: &[KindRow],
    all: &mut Declarations,
) -> Option<Draft> {
    let mut reader = MapReader {
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
    match kind {
        DocumentKind::Own(kind) => {
            let metadata = envelope::read_metadata(&document, &mut reader);
            let origin = reader.origin(document.mark);
            let Some(spec) = document.get_mut("spec") else {
                reader.missing(&DOCUMENT.title, "spec", origin.mark);
                return None;
            };
            let name = metadata.map(|(name, _)| name);
            lower_own_kind(kind, name, spec, origin, kinds, all);
            None
        }
        DocumentKind::OfVendor(row) => lower_vendor_object(row, &mut document, &mut reader),
    }
}

/// Checks what is around the fields of a vendor's object, in a document whose kind is known; `None`, after a finding, if it
/// is not in order.
pub(super) fn lower_vendor_object(
    row: KindRow,
    document: &mut Node,
    reader: &mut MapReader<'_>,
) -> Option<Draft> {
    let metadata = envelope::read_metadata(document, reader);
    let origin = reader.origin(document.mark);
    let Some(spec) = document.get_mut("spec") else {
        reader.missing(&DOCUMENT.title, "spec", origin.mark);
        return None;
    };
    let parts = lower_object(row, spec, reader)?;
    let (name, labels) = metadata.unwrap_or_default();
    Some(Draft {
        row,
        address: Address {
            kind: row.kind,
            name,
        },
        labels,
        connection: parts.connection,
        identity: parts.identity,
        is_keyed: parts.is_keyed,
        policy: parts.policy,
        absent: parts.absent,
        edition: parts.edition,
        desired: parts.desired,
        changes: parts.changes,
        origin,
    })
}

/// Returns the kind of a document. `None` if there is no such kind, after a finding.
fn kind_of(kind: &Node, kinds: &[KindRow], reader: &mut MapReader<'_>) -> Option<DocumentKind> {
    let text = reader.text(&"kind", kind)?;
    let row = kinds.iter().find(|row| row.kind.0 == text);
    let found = row
        .map(|row| DocumentKind::OfVendor(*row))
        .or_else(|| OwnKind::of(text).map(DocumentKind::Own));
    if found.is_none() {
        let names = all_kinds(kinds);
        let finding = Diagnostic::error("unknown-kind", format!("unknown kind `{text}`"))
            .hint(format!("one of {}", names.join(", ")))
            .suggest(text, names);
        reader.report(finding, kind.mark);
    }
    found
}

/// Lists the kinds of documents: those of the vendors, then our own.
fn all_kinds(kinds: &[KindRow]) -> Vec<&'static str> {
    let own_kinds = OwnKind::ALL.map(OwnKind::name);
    kinds
        .iter()
        .map(|row| row.kind.0)
        .chain(own_kinds)
        .collect()
}

/// The kind of a connection, as manifests spell it.
const CONNECTION: &str = "Connection";

/// Reports whether a document of ours is a connection, or has a kind that looks like a misspelled `Connection`.
fn is_connection(document: &Node, kinds: &[KindRow]) -> bool {
    let text = |name: &str| document.get(name).and_then(Node::text);
    let Some(kind) = text("kind").filter(|_| text("apiVersion").is_some_and(foreign::has_mark))
    else {
        return false;
    };
    let is_of_vendor = kinds.iter().any(|row| row.kind.0 == kind);
    !is_of_vendor && find_nearest(kind, all_kinds(kinds)) == Some(CONNECTION)
}

/// Lowers a document of a kind that no vendor has into the declarations.
///
/// The spec is checked even if the name is missing, so that one run shows all of its mistakes; the document is kept
/// only with a name, where its kind needs one.
fn lower_own_kind(
    kind: OwnKind,
    name: Option<String>,
    spec: &mut Node,
    origin: Origin,
    kinds: &[KindRow],
    all: &mut Declarations,
) {
    let source = Arc::clone(&origin.source);
    let mut reader = MapReader {
        source: &source,
        kinds,
        findings: &mut all.findings,
        secretive: false,
    };
    match kind {
        // Only the project file itself has an effect, but every document is checked.
        OwnKind::Project => all.projects.push(project::lower(spec, &mut reader)),
        OwnKind::AcceptedDrift => all.accepted.extend(accepted::lower(spec, &mut reader)),
        OwnKind::Notification => {
            let lowered = notification::lower(name.unwrap_or_default(), spec, &mut reader);
            if let Some(lowered) = lowered.filter(|lowered| !lowered.name.is_empty()) {
                all.notifications.push((lowered, origin));
            }
        }
        OwnKind::Edition => {
            let given = name.clone().unwrap_or_default();
            match edition::lower(given, spec, origin, &mut reader) {
                Some(edition) => all.editions.extend(name.map(|_| edition)),
                None => all.broken_editions.extend(name),
            }
        }
        OwnKind::Environment => {
            let given = name.clone().unwrap_or_default();
            match environment::lower(given, spec, origin, &mut reader) {
                Some(environment) => all.environments.extend(name.map(|_| environment)),
                None => all.broken_environments.extend(name),
            }
        }
        OwnKind::ObjectSet => {
            let given = name.clone().unwrap_or_default();
            let lowered = object_set::lower(given, spec, origin, &mut reader);
            all.sets.extend(lowered.filter(|_| name.is_some()));
        }
        OwnKind::Connection => {
            let given = name.clone().unwrap_or_default();
            let lowered = connection::lower(given, spec, origin, &mut reader);
            all.connections.extend(lowered.filter(|_| name.is_some()));
        }
    }
}

/// The parts of a `spec`.
struct ObjectParts {
    /// The connection that it names, with its place.
    connection: Option<(String, Mark)>,
    /// The vendor's ids, or the members of the natural key.
    identity: Vec<Entry>,
    is_keyed: bool,
    policy: PolicyDraft,
    /// The place of `state: absent`.
    absent: Option<Mark>,
    edition: Option<EditionUse>,
    desired: Node,
    changes: Vec<DatedChange>,
}

/// Lowers the spec of an object. `None`, after a finding, if it has no map of desired fields and is not to be gone.
///
/// A missing connection or id is a finding as well, but the parts are still returned: the fields are then checked in
/// the same run. `desired` is moved out of the tree and not copied, since it is nearly all of an object.
fn lower_object(row: KindRow, spec: &mut Node, reader: &mut MapReader<'_>) -> Option<ObjectParts> {
    let title = format_args!("the spec of {}", row.kind);
    let members = || envelope::object_members(row.identity, row.key);
    let entries = reader.entries(&title, spec, members)?;
    let connection = spec.get("connection").and_then(|node| {
        let name = reader.text(&"connection", node)?;
        Some((name.to_string(), node.mark))
    });
    let policy = spec
        .get("policy")
        .map(|node| policy::lower(node, reader))
        .unwrap_or_default();
    let edition = spec
        .get("edition")
        .map(|node| edition::read_use(node, reader));
    let changes = spec
        .get("changes")
        .map_or(Some(Vec::new()), |node| changes::read_changes(node, reader));
    let absent = spec.get("state").and_then(|node| read_absent(node, reader));
    let key = row.key.filter(|key| spec.get(key.member).is_some());
    let mut identity = read_ids(row, key.as_ref(), entries, spec.mark, &title, reader);
    if let Some(key) = &key {
        identity.extend(read_key(key, spec, reader));
    }
    let mark = spec.mark;
    let desired = match spec.get_mut("desired") {
        Some(desired) if matches!(desired.tree, Tree::Map(_)) => desired.take(),
        Some(desired) => return reader.wrong_type(&"desired", "a map of fields", desired),
        None if absent.is_some() || edition.is_some() => Node {
            tree: Tree::Map(Vec::new()),
            mark,
        },
        None => {
            reader.missing(&title, "desired", mark);
            return None;
        }
    };
    Some(ObjectParts {
        connection,
        identity,
        is_keyed: key.is_some(),
        policy,
        absent,
        // One that cannot be read was reported, and no object is made of what is left.
        edition: edition.map_or(Some(None), |edition| edition.map(Some))?,
        desired,
        changes: changes?,
    })
}

/// Reads `state`; the place of `absent`, and `None` for `present` and, after a finding, for anything else.
fn read_absent(node: &Node, reader: &mut MapReader<'_>) -> Option<Mark> {
    match reader.text(&"state", node)? {
        "absent" => Some(node.mark),
        "present" => None,
        other => {
            let finding = Diagnostic::error("bad-choice", format!("unknown state {other:?}"))
                .hint("`present` or `absent`");
            reader.report(finding, node.mark);
            None
        }
    }
}

/// Returns the vendor's ids among the members of a spec, and reports those that are missing. The id that `key` replaces
/// must not stand beside it.
fn read_ids(
    row: KindRow,
    key: Option<&NaturalKey>,
    entries: &[Entry],
    mark: Mark,
    title: &dyn std::fmt::Display,
    reader: &mut MapReader<'_>,
) -> Vec<Entry> {
    let mut ids = Vec::new();
    for identity in row.identity {
        let entry = entries.iter().find(|entry| entry.key == identity.name);
        let replaced = key.filter(|key| key.replaces == identity.name);
        match (entry, replaced) {
            (Some(entry), None) => ids.push(entry.clone()),
            (Some(entry), Some(key)) => {
                let message = format!("`{}` and `{}` both name the object", key.member, entry.key);
                let finding = Diagnostic::error("bad-choice", message).hint("keep one of them");
                reader.report(finding, entry.value.mark);
            }
            (None, Some(_)) => {}
            (None, None) => reader.missing(title, identity.name, mark),
        }
    }
    ids
}

/// Returns the members of a natural key, and reports those that are missing.
fn read_key(key: &NaturalKey, spec: &Node, reader: &mut MapReader<'_>) -> Vec<Entry> {
    let names = || key.fields.iter().map(|field| field.name);
    let entries = spec.get(key.member).and_then(|node| {
        let entries = reader.entries(&key.member, node, names)?;
        Some((entries.to_vec(), node.mark))
    });
    let Some((entries, mark)) = entries else {
        return Vec::new();
    };
    for name in names() {
        if !entries.iter().any(|entry| entry.key == name) {
            reader.missing(&key.member, name, mark);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::parallel::map_parallel;
    use super::*;

    #[test]
    fn the_deepest_tree_that_is_let_through_fits_the_stack() {
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let source = Arc::new(Source::new(
                "deep.yaml".into(),
                format!("{}{}", open.repeat(63), close.repeat(63)),
            ));
            let paths = [source];
            let lowered = map_parallel(&paths, |source| read_drafts(source, &[]).1);
            assert!(lowered[0].findings.is_empty(), "{:?}", lowered[0].findings);
            assert_eq!(lowered[0].skipped, 1);
        }
    }
}
