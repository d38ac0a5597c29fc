//! Renders the plan report that GitLab shows in a merge request: three counts of objects.
//!
//! GitLab reads `create`, `update` and `delete` from the artifact `reports: terraform`. Names, values and risks
//! have no place in it; they are in the comment that [`super::markdown`] renders.

use std::io::{self, Write};

use serde_json::json;

use super::json;
use super::view::RunView;

/// Writes how many objects change; `entitle` neither creates nor deletes any.
pub fn write_counts(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let update = view.document.summary.update;
    json::write_document(out, &json!({"create": 0, "update": update, "delete": 0}))
}
