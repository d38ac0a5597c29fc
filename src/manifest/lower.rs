//! Documents to drafts: the envelope, names and references checked, all problems collected.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::members::Reader;
use super::policy;
use super::project::Project;
use super::{accepted, connection, notification, project, second, yaml};
use crate::model::address::name_fault;
use crate::model::diagnostic::Source;
use crate::model::draft::{Draft, KindRow, PolicyDraft};
use crate::model::node::Entry;
use crate::model::{
    AcceptedDrift, Address, Connection, Diagnostic, Diagnostics, Mark, Node, Notification, Origin,
    Tree, Vendor,
};

/// The format this version reads.
pub const API_VERSION: &str = "entitle.dev/v1";

/// Kinds that no vendor has.
pub const OWN_KINDS: [&str; 4] = ["AcceptedDrift", "Connection", "Notification", "Project"];

/// Everything the manifests of a run say.
#[derive(Default)]
pub struct Manifests {
    pub drafts: Vec<Draft>,
    pub connections: Vec<Connection>,
    pub accepted: Vec<AcceptedDrift>,
    pub projects: Vec<Project>,
    /// Who is told by the daemon, with the places for findings about their names.
    pub notifications: Vec<(Notification, Origin)>,
    pub files: usize,
    pub documents: usize,
    /// Documents that belong to other tools.
    pub skipped: usize,
    pub findings: Diagnostics,
}

/// Stack of a thread that reads files: without optimisation the deepest tree that the reader lets through
/// needs more than the 2 MiB that a thread has by default.
const STACK: usize = 16 << 20;

/// Reads the sources and checks every envelope. Files are read side by side and joined in their order.
pub fn lower(sources: &[Arc<Source>], kinds: &[KindRow]) -> Manifests {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // A thread costs about as much as a few small files.
    let share = sources.len().div_ceil(workers).max(16);
    let parts: Vec<Manifests> = std::thread::scope(|scope| {
        let threads: Vec<_> = sources
            .chunks(share)
            .map(|chunk| {
                let thread = std::thread::Builder::new().stack_size(STACK);
                let started = thread.spawn_scoped(scope, || sources_of(chunk, kinds));
                (chunk, started)
            })
            .collect();
        threads
            .into_iter()
            .map(|(chunk, started)| match started {
                // A panic in a worker is a panic here.
                Ok(thread) => thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // A machine that has no thread to spare reads here.
                Err(_) => sources_of(chunk, kinds),
            })
            .collect()
    });
    let mut all = Manifests {
        files: sources.len(),
        ..Manifests::default()
    };
    for part in parts {
        all.drafts.extend(part.drafts);
        all.connections.extend(part.connections);
        all.accepted.extend(part.accepted);
        all.projects.extend(part.projects);
        all.notifications.extend(part.notifications);
        all.documents += part.documents;
        all.skipped += part.skipped;
        all.findings.extend(part.findings);
    }
    refuse_equal_names(&mut all);
    all
}

fn sources_of(sources: &[Arc<Source>], kinds: &[KindRow]) -> Manifests {
    let mut all = Manifests::default();
    for source in sources {
        let mut own = Diagnostics::default();
        let documents = yaml::parse(source, &mut own);
        if !own.has_errors() && second::may_differ(source, &documents) {
            second::compare(source, &documents, &mut own);
        }
        all.findings.extend(own);
        for document in &documents {
            all.documents += 1;
            document_of(document, source, kinds, &mut all);
        }
    }
    all
}

fn document_of(document: &Node, source: &Arc<Source>, kinds: &[KindRow], all: &mut Manifests) {
    let mut reader = Reader {
        source,
        findings: &mut all.findings,
        secretive: false,
    };
    match envelope_of(document, kinds, &mut reader) {
        Envelope::Ours => {}
        Envelope::Wrong => return,
        Envelope::Foreign => {
            all.skipped += 1;
            return;
        }
    }
    let entries = reader.members(
        "a document",
        document,
        &["apiVersion", "kind", "metadata", "spec"],
    );
    debug_assert!(
        !entries.is_empty(),
        "a document with an apiVersion is a map"
    );
    let Some(kind) = document.get("kind") else {
        reader.missing("a document", "kind", document.mark);
        return;
    };
    let Some(kind_text) = reader.text("kind", kind) else {
        return;
    };
    let row = kinds.iter().find(|row| row.kind.0 == kind_text);
    if row.is_none() && !OWN_KINDS.contains(&kind_text.as_str()) {
        let names = kinds.iter().map(|row| row.kind.0).chain(OWN_KINDS);
        let finding = Diagnostic::error("unknown-kind", format!("unknown kind `{kind_text}`"))
            .suggest(&kind_text, names);
        reader.report(finding, kind.mark);
        return;
    }
    let metadata = metadata(document, &mut reader);
    let Some(spec) = document.get("spec") else {
        reader.missing("a document", "spec", document.mark);
        return;
    };
    let origin = reader.origin(document.mark);
    match row {
        // Only the file that was found as the project's has an effect; any other is checked all the same.
        None if kind_text == "Project" => all.projects.push(project::lower(spec, &mut reader)),
        None if kind_text == "AcceptedDrift" => {
            let accepted = accepted::lower(spec, kinds, &mut reader);
            all.accepted.extend(accepted);
        }
        None if kind_text == "Notification" => {
            let name = metadata.map(|(name, _)| name).unwrap_or_default();
            let lowered = notification::lower(name, spec, &mut reader);
            if let Some(lowered) = lowered.filter(|lowered| !lowered.name.is_empty()) {
                all.notifications.push((lowered, origin));
            }
        }
        None => {
            let name = metadata.map(|(name, _)| name);
            let lowered = account(name.clone(), spec, kinds, origin, &mut reader);
            all.connections.extend(lowered.filter(|_| name.is_some()));
        }
        Some(row) => {
            let object = object(*row, spec, &mut reader);
            if let (Some((name, labels)), Some((connection, identity, policy, desired))) =
                (metadata, object)
            {
                let address = Address {
                    kind: row.kind,
                    name,
                };
                all.drafts.push(Draft {
                    row: *row,
                    address,
                    labels,
                    connection,
                    identity,
                    policy,
                    desired,
                    origin,
                });
            }
        }
    }
}

/// Whose a document is.
enum Envelope {
    Ours,
    /// Ours, and not as this version reads it; that has been reported.
    Wrong,
    /// Another tool's.
    Foreign,
}

fn envelope_of(document: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Envelope {
    let kind_text = document.get("kind").and_then(Node::text);
    match document.get("apiVersion").and_then(Node::text) {
        Some(API_VERSION) => Envelope::Ours,
        Some(version) if version.starts_with("entitle.") => {
            let mark = document
                .get("apiVersion")
                .map_or(document.mark, |node| node.mark);
            let message = format!("unknown version {version:?}");
            let finding = Diagnostic::error("unknown-version", message)
                .hint(format!("this version of entitle reads `{API_VERSION}`"));
            reader.report(finding, mark);
            Envelope::Wrong
        }
        _ if kind_text.is_some_and(|kind| kinds.iter().any(|row| row.kind.0 == kind)) => {
            let finding =
                Diagnostic::error("missing-field", "a document needs the field `apiVersion`")
                    .hint(format!("add `apiVersion: {API_VERSION}`"));
            reader.report(finding, document.mark);
            Envelope::Wrong
        }
        _ => Envelope::Foreign,
    }
}

fn account(
    name: Option<String>,
    spec: &Node,
    kinds: &[KindRow],
    origin: Origin,
    reader: &mut Reader<'_>,
) -> Option<Connection> {
    let vendors: Vec<Vendor> = kinds.iter().map(|row| row.vendor).collect();
    connection::lower(name.unwrap_or_default(), spec, &vendors, origin, reader)
}

fn metadata(
    document: &Node,
    reader: &mut Reader<'_>,
) -> Option<(String, BTreeMap<String, String>)> {
    let Some(metadata) = document.get("metadata") else {
        reader.missing("a document", "metadata", document.mark);
        return None;
    };
    let entries = reader.members("metadata", metadata, &["name", "labels", "annotations"]);
    let mut labels = BTreeMap::new();
    for entry in entries {
        if entry.key == "labels" || entry.key == "annotations" {
            let texts = text_map(&entry.key, &entry.value, reader);
            if entry.key == "labels" {
                labels = texts;
            }
        }
    }
    let Some(node) = metadata.get("name") else {
        reader.missing("metadata", "name", metadata.mark);
        return None;
    };
    let name = reader.text("metadata.name", node)?;
    if let Some(fault) = name_fault(&name) {
        reader.report(
            Diagnostic::error("bad-name", format!("the name {name:?} {fault}")),
            node.mark,
        );
        return None;
    }
    Some((name, labels))
}

fn text_map(what: &str, node: &Node, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    if node.tree == Tree::Null {
        return texts;
    }
    if !matches!(node.tree, Tree::Map(_)) {
        reader.wrong_type(what, "a map of texts", node);
    }
    for entry in node.entries() {
        match &entry.value.tree {
            Tree::Text(text) => {
                texts.insert(entry.key.clone(), text.clone());
            }
            _ => reader.wrong_type(&format!("{what}.{}", entry.key), "text", &entry.value),
        }
    }
    texts
}

type ObjectParts = (Option<(String, Mark)>, Vec<Entry>, PolicyDraft, Node);

fn object(row: KindRow, spec: &Node, reader: &mut Reader<'_>) -> Option<ObjectParts> {
    let identity_names: Vec<&str> = row.identity.iter().map(|identity| identity.name).collect();
    let mut known = vec!["connection", "policy", "desired"];
    known.extend(&identity_names);
    let what = format!("the spec of {}", row.kind);
    let entries = reader.members(&what, spec, &known);
    for name in &identity_names {
        if spec.get(name).is_none() && matches!(spec.tree, Tree::Map(_)) {
            reader.missing(&what, name, spec.mark);
        }
    }
    let connection = match spec.get("connection") {
        Some(node) => reader
            .text("connection", node)
            .map(|name| (name, node.mark)),
        None => None,
    };
    let policy = spec
        .get("policy")
        .map(|node| policy::lower(node, reader))
        .unwrap_or_default();
    let identity = entries
        .iter()
        .filter(|entry| identity_names.contains(&entry.key.as_str()))
        .cloned()
        .collect();
    let Some(desired) = spec.get("desired") else {
        if matches!(spec.tree, Tree::Map(_)) {
            reader.missing(&what, "desired", spec.mark);
        }
        return None;
    };
    if !matches!(desired.tree, Tree::Map(_)) {
        reader.wrong_type("desired", "a map of fields", desired);
        return None;
    }
    Some((connection, identity, policy, desired.clone()))
}

fn refuse_equal_names(all: &mut Manifests) {
    let drafts = all
        .drafts
        .iter()
        .map(|draft| (draft.address.to_string(), &draft.origin));
    let connections = all
        .connections
        .iter()
        .map(|c| (format!("Connection/{}", c.name), &c.origin));
    let notifications = all
        .notifications
        .iter()
        .map(|(told, origin)| (format!("Notification/{}", told.name), origin));
    let mut seen: BTreeMap<String, &Origin> = BTreeMap::new();
    let mut findings = Diagnostics::default();
    for (address, origin) in drafts.chain(connections).chain(notifications) {
        if let Some(first) = seen.get(&address) {
            findings.push(
                Diagnostic::error("duplicate-name", format!("{address} is defined twice"))
                    .at(&origin.source, origin.mark)
                    .also((*first).clone(), "it is defined here first"),
            );
        } else {
            seen.insert(address, origin);
        }
    }
    all.findings.extend(findings);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_tree_that_is_let_through_fits_the_stack() {
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let source = Arc::new(Source {
                name: "deep.yaml".into(),
                text: format!("{}{}", open.repeat(63), close.repeat(63)),
            });
            let all = lower(&[source], &[]);
            assert!(all.findings.is_empty(), "{:?}", all.findings);
            assert_eq!(all.skipped, 1);
        }
    }
}
