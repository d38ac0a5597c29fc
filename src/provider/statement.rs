//! Turns a live object into the manifest that keeps the object exactly as it is.
//!
//! The manifest has only writable fields, in the order of the field table, and lists in the order of their keys. An
//! absent field is not managed and so stays unchanged, which is why these are left out:
//!
//! * null, and the empty text in fields where it means the same as null. An empty list is kept, since it says that the
//!   object has no element; so is a 0 that the vendor also writes as null;
//! * usage counters, which would be rolled back, and one-shot fields, whose value takes effect only once;
//! * members that a condition makes meaningless, such as the date of an expiration that is not fixed;
//! * convenience fields that stand for another field;
//! * an end date before its start date, which a manifest must not state, and of two fields that exclude each other the
//!   one that says so in the table;
//! * values that a manifest cannot state: a choice that the table does not know, a number beyond its bounds. If one
//!   key of a list cannot be stated, the whole list is left out, because a list without the element would ask for the
//!   element's removal. These values are named in `omitted`.

use serde_json::{Map, Value as Json};

use super::canon::{self, Edge, Scalar};
use super::codec;
use crate::model::field::{Elements, find_field};
use crate::model::{
    Carry, Clearing, ConditionScope, ElementKey, Field, FieldPath, Fields, Live, Need, PathPart,
    Shape, Value,
};

/// Holds what a manifest states that wants a live object exactly as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// The members of `desired`, in the order of the table.
    pub desired: Map<String, Json>,
    /// Paths that hold something a manifest cannot say, with the reason.
    pub omitted: Vec<String>,
}

/// Returns the statement of a live object. It never fails: what cannot be stated is named in `omitted`.
pub fn state_object(table: &'static [Field], live: &Live) -> Statement {
    let mut fields = live.fields.clone();
    super::conditions::drop_meaningless(table, &mut fields, &Fields::new());
    let mut omitted = Vec::new();
    for reversed in super::dates::find_reversed(table, &fields) {
        take_out(&mut fields, &reversed.end);
        omitted.push(format!("{}: {}", reversed.end, reversed.words()));
    }
    for (field, _) in super::exclusive::find_exclusive(table, &fields) {
        fields.remove(field);
    }
    let root = FieldPath::default();
    let mut desired = state_members(table, &fields, &root, &mut omitted);
    drop_triggers(table, &mut desired, &root, &mut omitted);
    untrigger_from_elements(table, &mut desired, &mut omitted);
    Statement { desired, omitted }
}

/// Removes a member from an object, or from an element of one of its lists. Other paths are left alone.
fn take_out(fields: &mut Fields, path: &FieldPath) {
    match path.parts() {
        [PathPart::Field(name)] => {
            fields.remove(name);
        }
        [
            PathPart::Field(list),
            PathPart::Element(key),
            PathPart::Field(name),
        ] => {
            if let Some(Value::Items(items)) = fields.get_mut(list) {
                let item = items.iter_mut().find(|(other, _)| **other == *key);
                item.map(|(_, element)| element.remove(name));
            }
        }
        _ => {}
    }
}

/// States the members of an object or element in the order of the table. Values that mean nothing are skipped, and
/// values that a manifest cannot spell go to `omitted` with their path.
fn state_members(
    table: &'static [Field],
    fields: &Fields,
    at: &FieldPath,
    omitted: &mut Vec<String>,
) -> Map<String, Json> {
    let mut stated = Map::new();
    for field in table.iter().filter(|field| is_stated(field)) {
        let Some(value) = fields.get(field.name) else {
            continue;
        };
        let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
        if !list && field.alike(&Value::Null, value) {
            continue;
        }
        let path = at.field(field.name);
        match state_value(field, value, &path, omitted) {
            Ok(json) => codec::insert_member(&mut stated, field, json),
            Err(why) => omitted.push(format!("{path}: {why}")),
        }
    }
    stated
}

/// Reports whether a field may stand in an imported manifest. Counters, one-shot wishes and conveniences may not.
fn is_stated(field: &Field) -> bool {
    let by_itself = match field.carry {
        Carry::Live => false,
        Carry::OnlyManaged | Carry::OneShot { .. } => true,
    };
    field.need != Need::Never && !by_itself
}

/// Returns a value as a manifest spells it; `Err` if a manifest cannot.
fn state_value(
    field: &'static Field,
    value: &Value,
    path: &FieldPath,
    omitted: &mut Vec<String>,
) -> Result<Json, Unsayable> {
    match (&field.shape, value) {
        (Shape::Keyed(elements), Value::Items(items)) => state_list(elements, items, path, omitted),
        (Shape::Set(inner), Value::Set(members)) => {
            for member in members.iter() {
                check_sayable(inner, Clearing::Impossible, &Value::Text(member.clone()))?;
                if member.is_empty() {
                    return Err(Unsayable::EmptyMember);
                }
            }
            Ok(field.shape.json(value))
        }
        (Shape::Object, Value::Json(json)) => Ok(sort_members(json)),
        (shape, value) => {
            check_sayable(shape, field.clearing, value)?;
            Ok(shape.json(value))
        }
    }
}

/// Says why a manifest cannot spell a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Unsayable {
    #[error("it has an empty member")]
    EmptyMember,
    #[error("it has no spelling of its own in a manifest")]
    NoSpelling,
    #[error("an element of it has no key, so no manifest can name it")]
    NoKey,
    /// The manifest's reader refuses it, in its own words.
    #[error("{0}")]
    Refused(String),
}

/// Checks that a manifest with this value is read back as this value.
///
/// `Err(NoSpelling)` if it is read as another one: an empty text in a field where that means null.
fn check_sayable(shape: &Shape, clearing: Clearing, value: &Value) -> Result<(), Unsayable> {
    let scalar = match value {
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Integer(value) => Scalar::Integer(*value),
        Value::Text(text) => Scalar::Text(text),
        Value::Null | Value::Json(_) | Value::Set(_) | Value::Items(_) => Scalar::Null,
    };
    match canon::canonical_scalar(shape, clearing, scalar, Edge::Manifest) {
        Ok(read) if read == *value => Ok(()),
        Ok(_) => Err(Unsayable::NoSpelling),
        Err(misfit) => Err(Unsayable::Refused(misfit.message)),
    }
}

/// States a keyed list, with the key in front of each element. `Err` if an element has an empty key: the list then
/// goes as a whole, because a list without the element would ask for its removal.
fn state_list(
    elements: &'static Elements,
    items: &[(ElementKey, Fields)],
    path: &FieldPath,
    omitted: &mut Vec<String>,
) -> Result<Json, Unsayable> {
    let mut stated = Vec::new();
    for (key, fields) in items {
        if key.shown().iter().any(|part| part.trim().is_empty()) {
            return Err(Unsayable::NoKey);
        }
        let at = path.element(key.clone());
        let mut members = state_members(elements.fields, fields, &at, omitted);
        drop_triggers(elements.fields, &mut members, &at, omitted);
        let keys = elements.key.iter().zip(key.shown());
        let keys = keys.map(|(name, text)| (name.to_string(), Json::from(text.as_str())));
        stated.push(Json::Object(keys.chain(members).collect()));
    }
    Ok(Json::Array(stated))
}

/// Removes a member that demands another one which is not stated.
///
/// A feature has `expiration_type: fixed` and the date 0000-00-00. The date cannot be spelled, so the type goes too: a
/// manifest with `fixed` and no date would be refused.
fn drop_triggers(
    table: &'static [Field],
    stated: &mut Map<String, Json>,
    at: &FieldPath,
    omitted: &mut Vec<String>,
) {
    for field in table {
        let Need::When {
            scope: ConditionScope::Here,
            field: trigger,
            is,
        } = field.need
        else {
            continue;
        };
        let demanded = stated.get(trigger).and_then(Json::as_str) == Some(is);
        if demanded && !stated.contains_key(field.name) {
            stated.shift_remove(trigger);
            if let Some(trigger) = find_field(table, trigger) {
                let path = at.field(trigger.name);
                omitted.push(format!("{path}: it is {is} without `{}`", field.name));
            }
        }
    }
}

/// Removes a member of the object that demands a member of every element, if one element lacks it: `license_type:
/// network` goes where a feature has no `count`.
fn untrigger_from_elements(
    table: &'static [Field],
    stated: &mut Map<String, Json>,
    omitted: &mut Vec<String>,
) {
    for list in table {
        let Shape::Keyed(elements) = &list.shape else {
            continue;
        };
        for field in elements.fields {
            let Need::When {
                scope: ConditionScope::Object,
                field: trigger,
                is,
            } = field.need
            else {
                continue;
            };
            let items = stated.get(list.name).and_then(Json::as_array);
            let lacks =
                items.is_some_and(|items| items.iter().any(|item| item.get(field.name).is_none()));
            if lacks && stated.get(trigger).and_then(Json::as_str) == Some(is) {
                stated.shift_remove(trigger);
                let whose = format!("{}[…].{}", list.name, field.name);
                omitted.push(format!("{trigger}: it is {is} without every `{whose}`"));
            }
        }
    }
}

/// Returns free data with its members sorted by name, so that an import does not depend on the order of a reply.
fn sort_members(json: &Json) -> Json {
    match json {
        Json::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter();
            members
                .map(|(name, json)| (name.clone(), sort_members(json)))
                .collect()
        }
        Json::Array(items) => items.iter().map(sort_members).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Need;

    const WHEN: Need = Need::When {
        scope: ConditionScope::Here,
        field: "type",
        is: "fixed",
    };

    static ELEMENTS: Elements = Elements {
        key: &["name"],
        key_about: &[""],
        fold: false,
        fields: &[
            Field::new("count", Shape::COUNT, "").need(Need::When {
                scope: ConditionScope::Object,
                field: "kind",
                is: "network",
            }),
            Field::new("used", Shape::COUNT, "").carry(Carry::OnlyManaged),
        ],
    };

    const CHOICE: Shape = Shape::Choice {
        values: &["fixed", "none", "network"],
        aliases: &[],
    };

    static TABLE: [Field; 9] = [
        Field::new("z", Shape::TEXT, "").clearing(Clearing::Empty),
        Field::new(
            "a",
            Shape::Integer {
                min: 0,
                max: 9,
                digits: false,
            },
            "",
        )
        .clearing(Clearing::Zero),
        Field::new("type", CHOICE, ""),
        Field::new("date", Shape::Date, "").need(WHEN),
        Field::new("kind", CHOICE, ""),
        Field::new("list", Shape::Keyed(&ELEMENTS), ""),
        Field::new("ids", Shape::Set(&Shape::TEXT), ""),
        Field::new("once", Shape::Boolean, "").carry(Carry::OneShot { spent: "x" }),
        Field::new("free", Shape::Object, ""),
    ];

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn stated(fields: &[(&'static str, Value)]) -> (String, Vec<String>) {
        let live = Live {
            fields: fields.iter().cloned().collect(),
            ..Live::default()
        };
        let statement = state_object(&TABLE, &live);
        (
            Json::Object(statement.desired).to_string(),
            statement.omitted,
        )
    }

    fn item(name: &str, fields: &[(&'static str, Value)]) -> (ElementKey, Fields) {
        let key = ElementKey::new(vec![name.into()], false);
        (key, fields.iter().cloned().collect())
    }

    #[test]
    fn members_stand_in_the_order_of_the_table_and_nothing_is_left_out() {
        let free = serde_json::json!({"b": {"d": 1, "c": 2}, "a": []});
        let all = [
            ("a", Value::Integer(0)),
            ("free", Value::Json(Box::new(free))),
            ("ids", Value::Set(Default::default())),
            ("z", text("x")),
        ];
        let expected = r#"{"z":"x","a":0,"ids":[],"free":{"a":[],"b":{"c":2,"d":1}}}"#;
        assert_eq!(stated(&all), (expected.to_string(), Vec::new()));
    }

    #[test]
    fn nothing_counters_and_wishes_are_left_out_without_a_word() {
        let items = vec![
            item("b", &[("used", Value::Integer(7))]),
            item("a", &[("count", Value::Null)]),
        ];
        let all = [
            ("z", text("")),
            ("once", Value::Bool(true)),
            ("type", text("none")),
            ("date", text("2027-01-01")),
            ("list", Value::Items(items.into())),
        ];
        let expected = r#"{"type":"none","list":[{"name":"a"},{"name":"b"}]}"#;
        assert_eq!(stated(&all), (expected.to_string(), Vec::new()));
    }

    #[test]
    fn what_no_manifest_can_say_is_left_out_and_named() {
        let items = vec![item(" ", &[])];
        let all = [
            ("a", Value::Integer(12)),
            ("type", text("fixed")),
            ("date", text("0000-00-00")),
            ("kind", text("new")),
            ("list", Value::Items(items.into())),
        ];
        let (desired, omitted) = stated(&all);
        assert_eq!(desired, "{}");
        let paths: Vec<&str> = omitted
            .iter()
            .filter_map(|one| one.split(':').next())
            .collect();
        assert_eq!(paths, ["a", "date", "kind", "list", "type"], "{omitted:?}");
    }

    #[test]
    fn an_object_is_not_said_to_demand_what_its_elements_lack() {
        let items = vec![item("a", &[("count", Value::Null)])];
        let all = [
            ("kind", text("network")),
            ("list", Value::Items(items.into())),
        ];
        let (desired, omitted) = stated(&all);
        assert_eq!(desired, r#"{"list":[{"name":"a"}]}"#);
        assert_eq!(omitted.len(), 1, "{omitted:?}");
    }

    #[test]
    fn an_end_before_its_beginning_is_left_out_and_named() {
        let dates = |end: &'static str, until: &str, begin: &'static str, from: &str| {
            Fields::from([(end, text(until)), (begin, text(from))])
        };
        let (early, late) = ("2026-01-01", "2027-01-01");
        let features = [("A", early, late), ("B", late, early), ("C", early, late)];
        let features = features.map(|(name, until, from)| {
            let mut fields = dates("expiration_date", until, "issued_date", from);
            fields.insert("expiration_type", text("fixed"));
            fields.insert("issued_type", text("fixed"));
            (
                ElementKey::new(vec![name.into(), "1".into()], false),
                fields,
            )
        });
        let stated = |kind: &str, fields: Fields| {
            let table = crate::provider::find_kind(kind).unwrap().table().desired;
            let live = Live {
                fields,
                ..Live::default()
            };
            let Statement { desired, omitted } = state_object(table, &live);
            let omitted = omitted.iter().filter(|words| words.contains("is before"));
            let omitted: Vec<_> = omitted.map(|words| words.split(':').next()).collect();
            (Json::Object(desired), format!("{omitted:?}"))
        };
        let order = Fields::from([("Features", Value::Items(features.into()))]);
        let (desired, omitted) = stated("LacLicenseOrder", order);
        let ends = [0, 1, 2].map(|at| desired["Features"][at]["expiration_date"].as_str());
        assert_eq!(ends, [None, Some(late), None]);
        assert_eq!(
            omitted,
            r#"[Some("Features[A 1].expiration_date"), Some("Features[C 1].expiration_date")]"#
        );
        let (early, late) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let license = dates("EndDate", early, "StartDate", late);
        let (desired, omitted) = stated("AlineaLicense", license);
        assert_eq!(desired, serde_json::json!({"StartDate": late}));
        assert_eq!(omitted, r#"[Some("EndDate")]"#);
    }

    #[test]
    fn a_value_that_a_manifest_would_spell_otherwise_is_not_said() {
        let stated =
            |moment: &str| check_sayable(&Shape::Instant, Clearing::Impossible, &text(moment));
        assert_eq!(stated("2027-01-01T00:00:00Z"), Ok(()));
        assert!(stated("2027-01-01T00:00:00.5Z").is_err());
    }
}
