//! Renders the plan report that GitLab shows in a merge request: three counts of objects.
//!
//! GitLab reads `create`, `update` and `delete` from the artifact `reports: terraform`. Names, values and risks
//! have no place in it; they are in the comment that [`super::markdown`] renders.

use std::io::{self, Write};

use serde_json::json;

use super::json;
use super::view::RunView;

/// Writes how many objects are created, changed and removed.
pub fn write_counts(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let summary = &view.document.summary;
    let (create, update, delete) = (summary.create, summary.update, summary.remove);
    json::write_document(
        out,
        &json!({"create": create, "update": update, "delete": delete}),
    )
}
