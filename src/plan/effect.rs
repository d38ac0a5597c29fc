//! Findings about what a manifest asks for in vain, which only the live object tells.

use crate::manifest;
use crate::model::{Desired, Diagnostic, Field};
use crate::provider::audit;
use crate::provider::conditions::Idle;

/// A warning at the manifest's line for every wish that has no effect.
pub fn findings(table: &'static [Field], desired: &Desired, idle: &[Idle]) -> Vec<Diagnostic> {
    if idle.is_empty() {
        return Vec::new();
    }
    let origin = &desired.origin;
    let document = manifest::document_at(&origin.source, origin.mark);
    let wanted = document
        .as_ref()
        .and_then(|document| document.get("spec")?.get("desired"));
    let finding = |idle: &Idle| {
        let Idle { path, trigger, is } = idle;
        let path = path.to_string();
        let mark = wanted.and_then(|wanted| audit::place(table, wanted, &path));
        let message = format!("`{path}` has no effect unless `{trigger}` is {is}");
        Diagnostic::warning("no-effect", message)
            .hint(format!(
                "the live object has another `{trigger}`: state it too, or leave this out"
            ))
            .at(&origin.source, mark.unwrap_or(origin.mark))
    };
    idle.iter().map(finding).collect()
}
