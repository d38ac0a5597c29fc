//! The plan report that GitLab shows in a merge request: three counts of objects.

use std::io::{self, Write};

use serde_json::json;

use super::json;
use super::view::RunView;

/// Writes how many objects change; `entitle` neither creates nor deletes any.
pub fn write_counts(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let update = view.document.summary.update;
    json::write_document(out, &json!({"create": 0, "update": update, "delete": 0}))
}
