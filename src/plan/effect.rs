//! Warns of wishes that have no effect, which only the live object can show.
//!
//! In: the idle wishes that `carry` found. Out: warnings at the lines of the manifest. The manifest is read again for
//! this, because places are not kept in desired objects.

use std::sync::Arc;

use crate::manifest;
use crate::model::diagnostic::Source;
use crate::model::{Desired, Diagnostic, Field, Node};
use crate::provider::audit;
use crate::provider::conditions::Idle;

/// Returns a warning at the manifest's line for each wish that has no effect.
pub fn warn_of_idle(table: &'static [Field], desired: &Desired, idle: &[Idle]) -> Vec<Diagnostic> {
    if idle.is_empty() {
        return Vec::new();
    }
    let origin = &desired.origin;
    let (source, manifest) = reread_manifest(desired);
    let finding = |idle: &Idle| {
        let Idle { path, trigger, is } = idle;
        let path = path.to_string();
        let mark = manifest
            .as_ref()
            .and_then(|manifest| audit::find_mark(table, manifest, &path));
        let message = format!("`{path}` has no effect unless `{trigger}` is {is}");
        Diagnostic::warning("no-effect", message)
            .hint(format!(
                "the live object has another `{trigger}`: state it too, or leave this out"
            ))
            .at(&source, mark.unwrap_or(origin.mark))
    };
    idle.iter().map(finding).collect()
}

/// Reads an object's manifest again: the file with its text, so that a finding can show the line, and the node under
/// `desired`. The node is `None` if the file cannot be read or no longer has the object there.
pub(super) fn reread_manifest(desired: &Desired) -> (Arc<Source>, Option<Node>) {
    let origin = &desired.origin;
    let source = manifest::reread(&origin.source).unwrap_or_else(|| Arc::clone(&origin.source));
    let document = manifest::document_at(&source, origin.mark);
    let stated = document.and_then(|document| document.get("spec")?.get("desired").cloned());
    (source, stated)
}
