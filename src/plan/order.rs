//! Refuses dates whose order only the live object shows: an end in the manifest before a beginning in live, or the
//! reverse.

use super::effect;
use crate::model::{Desired, Diagnostic, Field, Fields, Live};
use crate::provider::{audit, dates};

/// Returns `Err` with a finding at the manifest's line if the finished object ends before it begins.
///
/// A pair that is reversed in live already is accepted, so that it does not prevent other changes of the object.
pub fn refuse_reversed(
    table: &'static [Field],
    desired: &Desired,
    live: &Live,
    next: &Fields,
) -> Result<(), Box<Diagnostic>> {
    let found = dates::find_reversed(table, next);
    let live = if found.is_empty() {
        Vec::new()
    } else {
        dates::find_reversed(table, &live.fields)
    };
    let Some(reversed) = found.into_iter().find(|found| !live.contains(found)) else {
        return Ok(());
    };
    let origin = &desired.origin;
    let (source, stated) = effect::reread_manifest(desired);
    let location = stated.as_ref().and_then(|stated| {
        let location = |path: &dyn ToString| audit::find_mark(table, stated, &path.to_string());
        location(&reversed.end).or_else(|| location(&reversed.begin))
    });
    let message = format!("{}: nothing is sent", reversed.words());
    // The error belongs to the object; this warning shows which line of the manifest causes it.
    let finding = Diagnostic::warning("end-before-begin", message)
        .hint("the other date is what the live object has: change it as well, or leave this one")
        .at(&source, location.unwrap_or(origin.mark));
    Err(Box::new(finding))
}
