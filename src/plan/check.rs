//! An independent reader of finished steps: a few rules that know nothing of how steps are made.
//!
//! A broken rule is a bug of this program; the object is not written and the message says so.

use std::collections::BTreeSet;

use super::diff::{Change, ChangeVerb};
use super::step::Step;
use crate::model::{Field, FieldPath, Fields, Key, Live, Shape, Value};

/// Says which rule a step breaks.
pub fn check(
    table: &'static [Field],
    step: &Step,
    live: &Live,
    changes: &[Change],
) -> Result<(), String> {
    let fault = if changes.is_empty() {
        Some("a step without a change".to_string())
    } else if step.call.body.is_none() {
        Some("a write without a body".to_string())
    } else {
        lost_element(table, &step.sent, live, changes)
            .or_else(|| unasked_value(table, &step.sent, live, changes))
    };
    match fault {
        None => Ok(()),
        Some(fault) => Err(format!(
            "internal check failed, nothing was sent: {fault}; please report this"
        )),
    }
}

/// Every live element of a list that is sent survives, unless a change says that it goes.
fn lost_element(
    table: &'static [Field],
    sent: &Fields,
    live: &Live,
    changes: &[Change],
) -> Option<String> {
    let gone = changes.iter().filter(|c| c.verb == ChangeVerb::Remove);
    let gone: BTreeSet<&FieldPath> = gone.map(|change| &change.path).collect();
    for field in table
        .iter()
        .filter(|field| matches!(field.shape, Shape::Keyed(_)))
    {
        let Some(sent) = sent.get(field.name) else {
            continue;
        };
        let sent: BTreeSet<&Key> = sent.items().iter().map(|(key, _)| key).collect();
        for (key, _) in live.fields.get(field.name).map_or(&[][..], Value::items) {
            let path = FieldPath::default().field(field.name).element(key.clone());
            if !sent.contains(key) && !gone.contains(&path) {
                return Some(format!(
                    "{path} would vanish though the plan does not say so"
                ));
            }
        }
    }
    None
}

/// Every member that is sent is either as live has it or named by a change.
fn unasked_value(
    table: &'static [Field],
    sent: &Fields,
    live: &Live,
    changes: &[Change],
) -> Option<String> {
    table.iter().find_map(|field| {
        let value = sent.get(field.name)?;
        let same = live
            .fields
            .get(field.name)
            .is_some_and(|held| field.alike(held, value));
        if same || matches!(field.shape, Shape::Keyed(_)) {
            return None;
        }
        let path = FieldPath::default().field(field.name);
        let named = changes.iter().any(|change| change.path == path);
        let idle = *value == Value::Null && !live.fields.contains_key(field.name);
        (!named && !idle).then(|| format!("{path} would change though the plan does not say so"))
    })
}
