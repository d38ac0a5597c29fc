//! Finds fields that changed with a write though no change named them.
//!
//! In go the plan and the object before and after the write, out come lines for the report such as `seats 5 → 6`.
//! Nothing is sent and nothing fails here: a side effect is shown, and the next plan deals with it.
//!
//! For example, a write changes `edition`. Before it the object had 5 seats and the note `x`; after it, it has 10
//! seats, and the reply shows no note. The result is `seats 5 → 10` and `note "x" → not shown any more`. A `used`
//! counter that moved from 3 to 4 is left out, as it moves with use and not with writes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::model::field::find_field;
use crate::model::live::Fact;
use crate::model::{Carry, Field, FieldPath, Fields, Live, PathPart, Shape};
use crate::plan::{self, Planned, look_alike};

/// Lists the fields that changed with the write though no change names them, and those that are no longer shown.
///
/// A field below a changed element counts as asked for, so replacing an element is not reported member by member.
pub fn side_effects(
    table: &'static [Field],
    planned: &Planned,
    before: &Live,
    after: &Live,
) -> Vec<String> {
    let asked = |path: &FieldPath| {
        let mut changes = planned.changes.iter();
        changes.any(|change| path.is_within(&change.path))
    };
    let mut effects = Vec::new();
    // The risks of these changes are not used, so the time does not matter.
    for change in plan::diff::diff(table, &after.fields, before, Timestamp::UNIX_EPOCH) {
        // A field that was not shown before may have been empty then, too.
        let appears_empty = change.before.is_none() && is_nothing(change.after.as_ref());
        if asked(&change.path) || appears_empty || counts_use(table, change.path.parts()) {
            continue;
        }
        let (was, is) = (change.before.as_ref(), change.after.as_ref());
        let apart = look_alike::difference_note(was, is);
        effects.push(format!(
            "{} {} → {}{apart}",
            change.path,
            shown(was),
            shown(is)
        ));
    }
    let mut hidden = Vec::new();
    let root = FieldPath::default();
    not_shown(table, &before.fields, &after.fields, &root, &mut hidden);
    for (path, was) in hidden {
        if !asked(&path) && !counts_use(table, path.parts()) {
            effects.push(format!("{path} {was} → not shown any more"));
        }
    }
    effects.extend(unnamed(planned, before, after));
    effects
}

/// Returns a value as the report prints it; `nothing` for `None`.
fn shown(json: Option<&Json>) -> String {
    json.map_or("nothing".into(), ToString::to_string)
}

/// Reports whether a value holds nothing: absent, null, an empty text or an empty list. `0` and `false` are values.
fn is_nothing(json: Option<&Json>) -> bool {
    match json {
        None | Some(Json::Null) => true,
        Some(Json::String(text)) => text.is_empty(),
        Some(Json::Array(items)) => items.is_empty(),
        Some(Json::Bool(_) | Json::Number(_) | Json::Object(_)) => false,
    }
}

/// Collects into `hidden` the fields that had a value before and are missing now, with that value.
///
/// Elements of a keyed list are compared only if both sides have them: a removed element is a change of its own.
fn not_shown(
    table: &'static [Field],
    before: &Fields,
    after: &Fields,
    at: &FieldPath,
    hidden: &mut Vec<(FieldPath, Json)>,
) {
    for field in table {
        let Some(was) = before.get(field.name) else {
            continue;
        };
        let path = at.field(field.name);
        match (&field.shape, after.get(field.name)) {
            (Shape::Keyed(elements), Some(list)) => {
                for (key, was) in was.items() {
                    if let Some(is) = list.item(key) {
                        not_shown(elements.fields, was, is, &path.element(key.clone()), hidden);
                    }
                }
            }
            (_, Some(_)) => {}
            (shape, None) => {
                let json = shape.json(was);
                if !is_nothing(Some(&json)) {
                    hidden.push((path, json));
                }
            }
        }
    }
}

/// Lists the members of elements that no field table names and that changed.
///
/// They are facts, not fields, so no diff covers them. Numbers are left out, because they are counters that move with
/// use, and so are members of elements that the plan removes.
fn unnamed(planned: &Planned, before: &Live, after: &Live) -> Vec<String> {
    let text = |live: &Live, name: &str| match live.facts.get(name) {
        Some(Fact::Text(text)) => Some(text.clone()),
        Some(Fact::Number(_)) | None => None,
    };
    let names = before.facts.iter().chain(after.facts.iter());
    let of_elements = names.filter(|(name, _)| name.contains("]."));
    let names: BTreeSet<&str> = of_elements.map(|(name, _)| name).collect();
    let gone = |name: &str| {
        let mut removed = planned.changes.iter().filter(|c| c.after.is_none());
        removed.any(|change| name.starts_with(&format!("{}.", change.path)))
    };
    let moved = names.into_iter().filter_map(|name| {
        let (was, is) = (text(before, name), text(after, name));
        let shown = |text: Option<String>| text.unwrap_or("nothing".into());
        (was != is && !gone(name)).then(|| format!("{name} {} → {}", shown(was), shown(is)))
    });
    moved.collect()
}

/// Reports whether the path ends in a counter that moves with use, independent of writes.
fn counts_use(table: &'static [Field], parts: &[PathPart]) -> bool {
    let (Some(PathPart::Field(name)), rest) = (parts.first(), parts.get(1..).unwrap_or(&[])) else {
        return false;
    };
    match find_field(table, name) {
        Some(field) => match (&field.shape, rest) {
            (Shape::Keyed(elements), [_, rest @ ..]) => counts_use(elements.fields, rest),
            _ => field.carry == Carry::OnlyManaged,
        },
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ElementKey, Risk, Value};
    use crate::plan::{Change, ChangeVerb, Disposition};
    use crate::provider::{self, testing};

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn features(feature: Fields) -> Fields {
        let key = ElementKey::new(vec!["A".into(), "1".into()], false);
        Fields::from([("Features", Value::Items([(key, feature)].into()))])
    }

    /// Returns the lines that are reported for a write that was to change `asked`.
    fn describe(asked: Option<FieldPath>, before: Fields, after: Fields) -> Vec<String> {
        let table = provider::find_kind("LacLicenseOrder").unwrap().table();
        let live = |fields| Live {
            fields,
            ..Live::default()
        };
        let change = |path| Change {
            path,
            verb: ChangeVerb::Replace,
            before: None,
            after: None,
            risk: Risk::Safe,
            note: None,
            users: None,
        };
        let planned = Planned {
            fault: None,
            after: Vec::new(),
            desired: Arc::new(testing::desired_object(table, &[])),
            action: Disposition::Update,
            changes: asked.map(change).into_iter().collect(),
            step: None,
            fingerprint: None,
            message: None,
            findings: Vec::new(),
            resolved: Vec::new(),
        };
        side_effects(table.desired, &planned, &live(before), &live(after))
    }

    #[test]
    fn what_is_not_shown_any_more_is_told() {
        let before = features([("comment", text("c"))].into());
        let gone = describe(None, before.clone(), Fields::new());
        let list = r#"Features [{"name":"A","version":"1","comment":"c"}] → not shown any more"#;
        assert_eq!(gone, [list]);
        let gone = describe(None, before.clone(), features(Fields::new()));
        assert_eq!(gone, [r#"Features[A 1].comment "c" → not shown any more"#]);
        let element = FieldPath::default().field("Features");
        assert_eq!(
            describe(Some(element), before, features(Fields::new())),
            [""; 0]
        );
        for nothing in [Value::Null, text("")] {
            let before = features([("comment", nothing)].into());
            assert_eq!(describe(None, before, features(Fields::new())), [""; 0]);
        }
        let empty = Fields::from([("Features", Value::Items(Default::default()))]);
        assert_eq!(describe(None, empty, Fields::new()), [""; 0]);
    }

    #[test]
    fn what_shows_for_the_first_time_is_told_where_it_holds_something() {
        let description = |value| Fields::from([("description", value)]);
        let told_of = |value| describe(None, Fields::new(), description(value));
        assert_eq!(told_of(text("x")), [r#"description nothing → "x""#]);
        assert_eq!(told_of(text("")), [""; 0]);
        assert_eq!(told_of(Value::Null), [""; 0]);
    }

    #[test]
    fn a_member_without_a_meaning_that_goes_is_told() {
        let feature = |date: Value| {
            let kind = ("expiration_type", text("no_expiration"));
            features([kind, ("expiration_date", date)].into())
        };
        let describe = describe(None, feature(text("2027-01-01")), feature(Value::Null));
        assert_eq!(
            describe,
            [r#"Features[A 1].expiration_date "2027-01-01" → null"#]
        );
    }

    fn hostid(name: &str, most: i64) -> Live {
        let key = ElementKey::new(vec![name.into()], true);
        let fields = Fields::from([("max_amount", Value::Integer(most))]);
        let hostids = Value::Items(crate::model::Items::from([(key, fields)]));
        Live {
            fields: [("Hostids", hostids)].into(),
            ..Live::default()
        }
    }

    /// The changes of a plan that adds a HostID, in the manifest's spelling.
    fn planned(name: &str) -> Planned {
        let path = FieldPath::default().field("Hostids");
        let added = Change {
            path: path.element(ElementKey::new(vec![name.into()], true)),
            verb: ChangeVerb::Add,
            before: None,
            after: None,
            risk: Default::default(),
            note: None,
            users: None,
        };
        let table = provider::find_kind("LacLicenseOrder").unwrap().table();
        Planned {
            fault: None,
            after: Vec::new(),
            desired: testing::desired_object(table, &[("activationKey", "A")]).into(),
            action: Disposition::Update,
            changes: vec![added],
            step: None,
            fingerprint: None,
            message: None,
            findings: Vec::new(),
            resolved: Vec::new(),
        }
    }

    #[test]
    fn an_element_that_was_asked_for_is_no_side_effect_in_the_vendors_spelling() {
        let table = provider::find_kind("LacLicenseOrder")
            .unwrap()
            .table()
            .desired;
        let (none, after) = (Live::default(), hostid("Ethernet", 2));
        let effects = |asked| side_effects(table, &planned(asked), &none, &after);
        assert_eq!(effects("ethernet"), [""; 0]);
        assert_eq!(effects("hostname").len(), 1);
    }
}
