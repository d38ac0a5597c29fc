//! Says beforehand which dated changes a daemon will hold back, and what lets them go.

use super::safe::make_visible;
use crate::plan::mass_change::MassChange;

/// Returns a sentence for each mass change.
pub fn describe_mass_changes(masses: &[MassChange]) -> Vec<String> {
    masses.iter().map(describe_mass_change).collect()
}

/// Returns the sentence about one mass change.
pub fn describe_mass_change(mass: &MassChange) -> String {
    let MassChange {
        date,
        at: _,
        connection,
        changing,
        objects,
        limit,
    } = mass;
    let line = format!(
        "{date}: {changing} of {objects} objects of {connection} change, more than {limit}: `watch` will hold them back until `entitle apply` writes them, they are approved on its page, or its --max-changes is raised."
    );
    make_visible(&line).into_owned()
}
