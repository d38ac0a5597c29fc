//! Words a write that the vendor refused, for people.

use crate::manifest;
use crate::model::{Desired, Field};
use crate::provider::audit;

/// The vendor's words, each with the manifest line it is about.
pub fn rejection(
    table: &'static [Field],
    desired: &Desired,
    words: &str,
    fields: &[(String, String)],
) -> String {
    if fields.is_empty() {
        return words.to_string();
    }
    let origin = &desired.origin;
    let document = manifest::document_at(&origin.source, origin.mark);
    let wanted = document
        .as_ref()
        .and_then(|it| it.get("spec")?.get("desired"));
    let place = |field: &str| audit::place(table, wanted?, field);
    let parts: Vec<String> = fields
        .iter()
        .map(|(field, said)| {
            if let Some(mark) = place(field) {
                format!(
                    "{field}: {said} ({}:{})",
                    desired.origin.source.name, mark.line
                )
            } else if field.is_empty() {
                said.clone()
            } else {
                format!("{field}: {said}")
            }
        })
        .collect();
    parts.join("; ")
}
