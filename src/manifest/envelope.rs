//! Reads what every document has around its spec: format, kind, name and labels.

use std::collections::BTreeMap;

use super::changes::CHANGE;
use super::edition::EDITION_USE;
use super::policy::POLICY;
use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{NAME, TEXT};
use crate::model::draft::KindRow;
use crate::model::field::IdentityField;
use crate::model::{Diagnostic, NaturalKey, Node};

/// The format this version reads.
pub const API_VERSION: &str = "entitle.dev/v1";

map_table! {
    pub DOCUMENT "a document": "One licence object, or one account, as entitle keeps it." {
        apiVersion: Form::Unread, required: true, "Version of the manifest format.";
        kind: Form::Unread, required: true, "What the document is about.";
        metadata: Form::Map(&METADATA), required: true, "Name and labels of a document.";
        spec: Form::Unread, required: true, "What the object is and how it should be.";
    }
}

map_table! {
    pub METADATA "metadata": "Name and labels of a document." {
        name: Form::Text(&NAME), required: true, "Name of the object, unique per kind: lower-case letters, digits, `-` \
            and `.`.";
        labels: Form::TextMap, "Labels for `--selector`.";
        annotations: Form::TextMap, "Free text for people and other tools.";
    }
    prefix: "metadata."
}

map_table! {
    /// The members that the spec of every object of a vendor has; its identity stands behind the first of them.
    pub OBJECT "the spec of an object" {
        connection: Form::Text(&TEXT), "Name of the Connection; not needed when there is exactly one of this vendor.";
        edition: Form::Map(&EDITION_USE), "The Edition whose fields it has; those under `desired` win over them.";
        state: Form::Choice("state", &["present", "absent"]), default: Some("present"), "`absent` removes the object, \
            where the vendor documents a call for that; `desired` may then be left out.";
        policy: Form::Map(&POLICY), "What may be done to the object.";
        desired: Form::Unread, required: true, "The fields that are managed, in the vendor's own names. A field left out \
            keeps its live value.";
        changes: Form::List(&Form::Map(&CHANGE)), "What changes on a date: the fields of the last change that has begun \
            win over those under `desired`.";
    }
}

/// Lists the members of an object's spec in the order in which they are written.
pub fn object_members(
    identity: &'static [IdentityField],
    key: Option<NaturalKey>,
) -> impl Iterator<Item = &'static str> {
    let identity = identity.iter().map(|identity| identity.name);
    let key = key.map(|key| key.member);
    let mut names = OBJECT.names();
    names
        .next()
        .into_iter()
        .chain(identity)
        .chain(key)
        .chain(names)
}

/// The owner of a document: entitle or another tool.
pub enum Envelope {
    Ours,
    /// Ours, and not as this version reads it; that has been reported.
    Wrong,
    /// Another tool's.
    Foreign,
}

/// Tells documents of entitle from those of other tools, by version and kind.
pub fn of(document: &Node, kinds: &[KindRow], reader: &mut MapReader<'_>) -> Envelope {
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

/// Reads the name and the labels; `None` where there is no usable name.
pub fn read_metadata(
    document: &Node,
    reader: &mut MapReader<'_>,
) -> Option<(String, BTreeMap<String, String>)> {
    let Some(metadata) = document.get("metadata") else {
        reader.missing(&DOCUMENT.title, "metadata", document.mark);
        return None;
    };
    let mut values = reader.read(&METADATA, metadata)?;
    Some((
        values.take("name")?,
        values.take("labels").unwrap_or_default(),
    ))
}
