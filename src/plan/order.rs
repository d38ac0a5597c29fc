//! Dates whose order only the live object tells: an end in the manifest against a beginning that live has, or the
//! other way round.

use crate::manifest;
use crate::model::{Desired, Diagnostic, Field, Fields, Live};
use crate::provider::{audit, dates};

/// Returns an error at the manifest's line if the object as it should be ends before it begins. What live has in
/// that order already is live's own matter: another change of the object is not held up by it.
pub fn refuse_reversed(
    table: &'static [Field],
    desired: &Desired,
    live: &Live,
    next: &Fields,
) -> Result<(), Box<Diagnostic>> {
    let found = dates::reversed(table, next);
    let live = if found.is_empty() {
        Vec::new()
    } else {
        dates::reversed(table, &live.fields)
    };
    let Some(reversed) = found.into_iter().find(|found| !live.contains(found)) else {
        return Ok(());
    };
    let origin = &desired.origin;
    let document = manifest::document_at(&origin.source, origin.mark);
    let stated = document.as_ref().and_then(|document| {
        let stated = document.get("spec")?.get("desired")?;
        let place = |path: &dyn ToString| audit::place(table, stated, &path.to_string());
        place(&reversed.end).or_else(|| place(&reversed.begin))
    });
    let message = format!("{}: nothing is sent", reversed.words());
    let finding = Diagnostic::error("end-before-begin", message)
        .hint("one of the two is what the live object has: state both")
        .at(&origin.source, stated.unwrap_or(origin.mark));
    Err(Box::new(finding))
}
