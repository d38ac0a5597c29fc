//! What moved with a write though nobody asked for it.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::model::field::find;
use crate::model::{Carry, Field, Live, Part, Shape};
use crate::plan::{self, Planned};
use crate::provider::conditions;

/// Fields that moved with the write though no change names them.
pub fn side_effects(
    table: &'static [Field],
    planned: &Planned,
    before: &Live,
    after: &Live,
) -> Vec<String> {
    // A field that the write makes meaningless, such as a date left over from another type, is meant to go.
    let mut after = after.fields.clone();
    conditions::settle(table, &mut after);
    let asked: Vec<String> = planned
        .changes
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    // Nobody weighs these changes, so the time does not matter.
    plan::diff::diff(table, &after, before, Timestamp::UNIX_EPOCH)
        .into_iter()
        .filter(|change| {
            let path = change.path.to_string();
            let covered = |asked: &String| path == *asked || path.starts_with(&format!("{asked}."));
            !asked.iter().any(covered) && !counts_use(table, change.path.parts())
        })
        .map(|change| {
            let show =
                |json: &Option<Json>| json.as_ref().map_or("nothing".into(), ToString::to_string);
            format!(
                "{} {} → {}",
                change.path,
                show(&change.before),
                show(&change.after)
            )
        })
        .collect()
}

/// Whether the path ends in a counter that moves with use, whoever writes.
fn counts_use(table: &'static [Field], parts: &[Part]) -> bool {
    let (Some(Part::Field(name)), rest) = (parts.first(), parts.get(1..).unwrap_or(&[])) else {
        return false;
    };
    match find(table, name) {
        Some(field) => match (&field.shape, rest) {
            (Shape::Keyed(elements), [_, rest @ ..]) => counts_use(elements.fields, rest),
            _ => field.carry == Carry::OnlyManaged,
        },
        None => false,
    }
}
