//! The plan report that GitLab shows in a merge request: three counts of objects.

use std::io::{self, Write};

use serde_json::json;

use super::json;
use super::view::View;

/// Objects are updated; `entitle` neither creates nor deletes any.
pub fn write(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let update = view.document.summary.update;
    json::write(out, &json!({"create": 0, "update": update, "delete": 0}))
}
