//! Conditional members: required exactly when another field has one value, meaningless otherwise.
//!
//! Used twice: on manifests, where a condition that is stated must be met by what is stated, and on the
//! finished body of a write, where the condition may come from live.

use crate::model::{Diagnostic, Field, Fields, Need, Scope, Shape, Value};

type Report<'a> = dyn FnMut(&str, Diagnostic) + 'a;

/// Checks a manifest. A member whose condition is stated and not met has no effect: it is reported and
/// taken out, since the vendor would answer with null and the object would never converge.
pub fn audit(table: &'static [Field], fields: &mut Fields, report: &mut Report<'_>) {
    let idle = level(table, fields, fields, &String::new, report);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let Some(Value::Items(mut items)) = taken(fields, field.name) else {
            continue;
        };
        for (key, element) in items.iter_mut() {
            let place = || format!("{}[{key}]", field.name);
            for name in level(elements.fields, element, fields, &place, report) {
                element.remove(name);
            }
        }
        fields.insert(field.name, Value::Items(items));
    }
    for name in idle {
        fields.remove(name);
    }
}

/// A keyed list taken out of its object, so that its elements can change while the object is looked at: no
/// condition is about a list.
fn taken(fields: &mut Fields, name: &'static str) -> Option<Value> {
    let value = fields.get_mut(name)?;
    matches!(value, Value::Items(_)).then(|| std::mem::replace(value, Value::Null))
}

/// Reports what is wrong among the members of an object or element, and names those that have no effect.
fn level(
    table: &'static [Field],
    here: &Fields,
    object: &Fields,
    place: &dyn Fn() -> String,
    report: &mut Report<'_>,
) -> Vec<&'static str> {
    let mut idle = Vec::new();
    for field in table {
        let Need::When {
            scope,
            field: trigger,
            is,
        } = field.need
        else {
            continue;
        };
        let stated = match scope {
            Scope::Here => here.get(trigger),
            Scope::Object => object.get(trigger),
        };
        let Some(Value::Text(stated)) = stated else {
            continue;
        };
        let given = here
            .get(field.name)
            .is_some_and(|value| *value != Value::Null);
        if (stated == is) == given {
            continue;
        }
        let place = place();
        let member = |name: &str| match place.as_str() {
            "" => name.to_string(),
            place => format!("{place}.{name}"),
        };
        let path = member(field.name);
        if !given {
            let message = format!("`{path}` is required when `{trigger}` is {is}");
            let beside = match scope {
                Scope::Here => member(trigger),
                Scope::Object => place,
            };
            report(&beside, Diagnostic::error("missing-field", message));
        } else {
            let message = format!("`{path}` has no effect unless `{trigger}` is {is}");
            report(&path, Diagnostic::warning("no-effect", message));
            idle.push(field.name);
        }
    }
    idle
}

/// Drops from a finished object what its conditions make meaningless, so that a date left over from an
/// earlier type is not sent.
pub fn settle(table: &'static [Field], fields: &mut Fields) {
    let idle = meaningless(table, fields, fields);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        let Some(Value::Items(mut items)) = taken(fields, field.name) else {
            continue;
        };
        for (_, element) in items.iter_mut() {
            for name in meaningless(elements.fields, element, fields) {
                element.remove(name);
            }
        }
        fields.insert(field.name, Value::Items(items));
    }
    for name in idle {
        fields.remove(name);
    }
}

fn meaningless(table: &'static [Field], here: &Fields, object: &Fields) -> Vec<&'static str> {
    let idle = |field: &&Field| {
        let Need::When {
            scope,
            field: trigger,
            is,
        } = field.need
        else {
            return false;
        };
        let source = if scope == Scope::Here { here } else { object };
        matches!(source.get(trigger), Some(Value::Text(stated)) if stated != is)
    };
    let held = table.iter().filter(|field| here.contains_key(field.name));
    held.filter(idle).map(|field| field.name).collect()
}

/// The members that a finished object still lacks, by path.
pub fn missing(table: &'static [Field], fields: &Fields) -> Vec<String> {
    let mut lacking = Vec::new();
    lacking_at(table, fields, fields, "", &mut lacking);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        for (key, element) in fields.get(field.name).map_or(&[][..], Value::items) {
            let place = format!("{}[{key}].", field.name);
            lacking_at(elements.fields, element, fields, &place, &mut lacking);
        }
    }
    lacking
}

fn lacking_at(
    table: &'static [Field],
    fields: &Fields,
    object: &Fields,
    place: &str,
    lacking: &mut Vec<String>,
) {
    for field in table {
        let needed = match field.need {
            Need::Required | Need::InManifest => true,
            Need::Optional | Need::Never => false,
            Need::When {
                scope,
                field: trigger,
                is,
            } => {
                let source = if scope == Scope::Here { fields } else { object };
                matches!(source.get(trigger), Some(Value::Text(stated)) if stated == is)
            }
        };
        let held = fields
            .get(field.name)
            .is_some_and(|value| *value != Value::Null || !matches!(field.need, Need::When { .. }));
        if needed && !held {
            lacking.push(format!("{place}{}", field.name));
        }
    }
}
