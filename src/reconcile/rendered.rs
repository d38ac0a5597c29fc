//! Writes manifests with everything resolved, for `render`.

use super::written::{WrittenDocument, WrittenManifests};
use crate::manifest::write::{self, Unwritable};

/// Returns all documents as one text. Those that are plain stand as they were written, byte for byte; the text of one file
/// with plain documents is that file.
pub fn render_manifests(manifests: &WrittenManifests) -> Result<String, Unwritable> {
    let mut text = String::new();
    for document in &manifests.documents {
        if manifests.is_plain(document) {
            add_document(&mut text, document.piece.text());
            continue;
        }
        for value in resolved_documents(manifests, document) {
            add_document(&mut text, &write::yaml(&value)?);
        }
    }
    Ok(text)
}

fn resolved_documents(
    manifests: &WrittenManifests,
    document: &WrittenDocument,
) -> Vec<serde_json::Value> {
    let objects = manifests.objects_of(document);
    let objects = objects.iter().map(|object| manifests.render(object));
    document.others().into_iter().chain(objects).collect()
}

/// Adds a document behind others, so that it stays one by itself.
fn add_document(text: &mut String, document: &str) {
    if text.is_empty() {
        *text = document.to_string();
        return;
    }
    // The mark of a file's encoding stands at the beginning of a text only.
    let document = document.trim_start_matches('\u{feff}');
    if document.is_empty() {
        return;
    }
    if !text.ends_with(['\n', '\r']) {
        text.push('\n');
    }
    // Directives such as `%YAML` are only read behind the end of a document.
    if document.starts_with('%') || document.contains("\n%") {
        text.push_str("...\n");
    } else if !document.starts_with("---") {
        text.push_str("---\n");
    }
    text.push_str(document);
}
