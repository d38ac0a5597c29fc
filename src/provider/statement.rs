//! Live to manifest: what a manifest says when it wants an object just as it is.
//!
//! Only writable fields, in the order of the field table, lists in the order of their keys. What is left
//! out, since an absent field is not managed and so stays as it is:
//!
//! * "nothing": null, and the empty text where the two are one value. An empty list is not nothing, it says
//!   "none wanted"; nor is a 0 that the vendor also writes as null.
//! * counters of use, which would be rolled back, and wishes that are granted once;
//! * members that a condition makes meaningless, such as the date of an expiration that is not fixed;
//! * conveniences that stand for another field;
//! * values that a manifest cannot say: a choice that the table does not know, a number beyond its bounds.
//!   A list goes as a whole when one of its keys cannot be said, because a list that lacks an element asks
//!   for its removal. These are named in `unsaid`.

use serde_json::{Map, Value as Json};

use super::canon::{self, Edge, Scalar};
use crate::model::field::{Elements, find};
use crate::model::{
    Carry, Clearing, Field, FieldPath, Fields, Key, Live, Need, Scope, Shape, Value,
};

/// What a manifest says of a live object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statement {
    /// The members of `desired`, in the order of the table.
    pub desired: Map<String, Json>,
    /// Paths that hold something a manifest cannot say, with the reason.
    pub unsaid: Vec<String>,
}

/// States a live object.
pub fn of(table: &'static [Field], live: &Live) -> Statement {
    let mut fields = live.fields.clone();
    super::conditions::settle(table, &mut fields);
    let mut unsaid = Vec::new();
    let root = FieldPath::default();
    let mut desired = members(table, &fields, &root, &mut unsaid);
    untrigger(table, &mut desired, &root, &mut unsaid);
    untrigger_from_elements(table, &mut desired, &mut unsaid);
    Statement { desired, unsaid }
}

fn members(
    table: &'static [Field],
    fields: &Fields,
    at: &FieldPath,
    unsaid: &mut Vec<String>,
) -> Map<String, Json> {
    let mut said = Map::new();
    for field in table.iter().filter(|field| is_stated(field)) {
        let Some(value) = fields.get(field.name) else {
            continue;
        };
        let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
        if !list && field.alike(&Value::Null, value) {
            continue;
        }
        let path = at.field(field.name);
        match stated(field, value, &path, unsaid) {
            Ok(json) => {
                said.insert(field.name.to_string(), json);
            }
            Err(why) => unsaid.push(format!("{path}: {why}")),
        }
    }
    said
}

/// Whether a field may stand in an imported manifest at all.
fn is_stated(field: &Field) -> bool {
    let by_itself = match field.carry {
        Carry::Live => false,
        Carry::OnlyManaged | Carry::OneShot { .. } => true,
    };
    field.need != Need::Never && !by_itself
}

fn stated(
    field: &'static Field,
    value: &Value,
    path: &FieldPath,
    unsaid: &mut Vec<String>,
) -> Result<Json, String> {
    match (&field.shape, value) {
        (Shape::Keyed(elements), Value::Items(items)) => listed(elements, items, path, unsaid),
        (Shape::Set(inner), Value::Set(members)) => {
            for member in members {
                say(inner, Clearing::Impossible, &Value::Text(member.clone()))?;
                if member.is_empty() {
                    return Err("it has an empty member".into());
                }
            }
            Ok(field.shape.json(value))
        }
        (Shape::Object, Value::Json(json)) => Ok(sorted(json)),
        (shape, value) => {
            say(shape, field.clearing, value)?;
            Ok(shape.json(value))
        }
    }
}

/// Whether a manifest that says this value is read as this value.
fn say(shape: &Shape, clearing: Clearing, value: &Value) -> Result<(), String> {
    let scalar = match value {
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Integer(value) => Scalar::Integer(*value),
        Value::Text(text) => Scalar::Text(text),
        Value::Null | Value::Json(_) | Value::Set(_) | Value::Items(_) => Scalar::Null,
    };
    match canon::scalar(shape, clearing, scalar, Edge::Manifest) {
        Ok(read) if read == *value => Ok(()),
        Ok(_) => Err("it has no spelling of its own in a manifest".into()),
        Err(misfit) => Err(misfit.message),
    }
}

fn listed(
    elements: &'static Elements,
    items: &[(Key, Fields)],
    path: &FieldPath,
    unsaid: &mut Vec<String>,
) -> Result<Json, String> {
    let mut items: Vec<&(Key, Fields)> = items.iter().collect();
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut said = Vec::new();
    for (key, fields) in items {
        if key.shown().iter().any(|part| part.trim().is_empty()) {
            return Err("an element of it has no key, so no manifest can name it".into());
        }
        let at = path.element(key.clone());
        let mut members = members(elements.fields, fields, &at, unsaid);
        untrigger(elements.fields, &mut members, &at, unsaid);
        let keys = elements.key.iter().zip(key.shown());
        let keys = keys.map(|(name, text)| (name.to_string(), Json::from(text.as_str())));
        said.push(Json::Object(keys.chain(members).collect()));
    }
    Ok(Json::Array(said))
}

/// Takes out what demands a member that is not said: an expiration that is fixed, but on no day.
fn untrigger(
    table: &'static [Field],
    said: &mut Map<String, Json>,
    at: &FieldPath,
    unsaid: &mut Vec<String>,
) {
    for field in table {
        let Need::When {
            scope: Scope::Here,
            field: trigger,
            is,
        } = field.need
        else {
            continue;
        };
        let demanded = said.get(trigger).and_then(Json::as_str) == Some(is);
        if demanded && !said.contains_key(field.name) {
            said.shift_remove(trigger);
            if let Some(trigger) = find(table, trigger) {
                let path = at.field(trigger.name);
                unsaid.push(format!("{path}: it is {is} without `{}`", field.name));
            }
        }
    }
}

/// The same for members of elements that depend on the object.
fn untrigger_from_elements(
    table: &'static [Field],
    said: &mut Map<String, Json>,
    unsaid: &mut Vec<String>,
) {
    for list in table {
        let Shape::Keyed(elements) = &list.shape else {
            continue;
        };
        for field in elements.fields {
            let Need::When {
                scope: Scope::Object,
                field: trigger,
                is,
            } = field.need
            else {
                continue;
            };
            let items = said.get(list.name).and_then(Json::as_array);
            let lacks =
                items.is_some_and(|items| items.iter().any(|item| item.get(field.name).is_none()));
            if lacks && said.get(trigger).and_then(Json::as_str) == Some(is) {
                said.shift_remove(trigger);
                let whose = format!("{}[…].{}", list.name, field.name);
                unsaid.push(format!("{trigger}: it is {is} without every `{whose}`"));
            }
        }
    }
}

/// Free data with its members in the order of their names, whatever order the vendor has them in.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter();
            members
                .map(|(name, json)| (name.clone(), sorted(json)))
                .collect()
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}
