//! What moved with a write though nobody asked for it.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::model::field::find;
use crate::model::{Carry, Field, FieldPath, Live, Part, Shape};
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
    let asked = |path: &FieldPath| {
        let mut changes = planned.changes.iter();
        changes.any(|change| path.is_within(&change.path))
    };
    // Nobody weighs these changes, so the time does not matter.
    plan::diff::diff(table, &after, before, Timestamp::UNIX_EPOCH)
        .into_iter()
        .filter(|change| !asked(&change.path) && !counts_use(table, change.path.parts()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fields, Items, Key, Value};
    use crate::plan::{Action, Change, ChangeVerb};
    use crate::provider;
    use crate::provider::testing::wanted;

    fn hostid(name: &str, most: i64) -> Live {
        let key = Key::new(vec![name.into()], true);
        let fields = Fields::from([("max_amount", Value::Integer(most))]);
        let hostids = Value::Items(Items::from([(key, fields)]));
        Live {
            fields: [("Hostids", hostids)].into(),
            ..Live::default()
        }
    }

    /// The changes of a plan that adds a HostID, in the manifest's spelling.
    fn planned(name: &str) -> Planned {
        let path = FieldPath::default().field("Hostids");
        let added = Change {
            path: path.element(Key::new(vec![name.into()], true)),
            verb: ChangeVerb::Add,
            before: None,
            after: None,
            risk: Default::default(),
            note: None,
        };
        let table = provider::of_kind("LacLicenseOrder").unwrap().table();
        Planned {
            desired: wanted(table, &[("activationKey", "A")]).into(),
            action: Action::Update,
            changes: vec![added],
            step: None,
            fingerprint: None,
            message: None,
        }
    }

    #[test]
    fn an_element_that_was_asked_for_is_no_side_effect_in_the_vendors_spelling() {
        let table = provider::of_kind("LacLicenseOrder")
            .unwrap()
            .table()
            .desired;
        let (none, after) = (Live::default(), hostid("Ethernet", 2));
        let effects = |asked| side_effects(table, &planned(asked), &none, &after);
        assert_eq!(effects("ethernet"), [""; 0]);
        assert_eq!(effects("hostname").len(), 1);
    }
}
