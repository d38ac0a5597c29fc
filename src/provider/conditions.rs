//! Conditional members: required exactly when another field has one value, meaningless otherwise.
//!
//! Used twice: on manifests, where a condition that is stated must be met by what is stated, and on the
//! finished body of a write, where the condition may come from live.

use crate::model::{Diagnostic, Field, Fields, Need, Scope, Shape, Value};

type Report<'a> = dyn FnMut(&str, Diagnostic) + 'a;

/// Checks a manifest. A member whose condition is stated and not met has no effect: it is reported and
/// taken out, since the vendor would answer with null and the object would never converge.
pub fn audit(table: &'static [Field], fields: &mut Fields, report: &mut Report<'_>) {
    let object = fields.clone();
    level(table, fields, &object, "", report);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        if let Some(Value::Items(items)) = fields.get_mut(field.name) {
            for (key, element) in items {
                let place = format!("{}[{key}]", field.name);
                level(elements.fields, element, &object, &place, report);
            }
        }
    }
}

fn level(
    table: &'static [Field],
    fields: &mut Fields,
    object: &Fields,
    place: &str,
    report: &mut Report<'_>,
) {
    let here = fields.clone();
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
        let path = if place.is_empty() {
            field.name.to_string()
        } else {
            format!("{place}.{}", field.name)
        };
        if stated == is && !given {
            let message = format!("`{path}` is required when `{trigger}` is {is}");
            let beside = if scope == Scope::Here && place.is_empty() {
                trigger.to_string()
            } else {
                place.into()
            };
            let beside = if scope == Scope::Here && !place.is_empty() {
                format!("{place}.{trigger}")
            } else {
                beside
            };
            report(&beside, Diagnostic::error("missing-field", message));
        } else if stated != is && given {
            let message = format!("`{path}` has no effect unless `{trigger}` is {is}");
            report(&path, Diagnostic::warning("no-effect", message));
            fields.remove(field.name);
        }
    }
}

/// Drops from a finished object what its conditions make meaningless, so that a date left over from an
/// earlier type is not sent.
pub fn settle(table: &'static [Field], fields: &mut Fields) {
    let object = fields.clone();
    let drop = |table: &'static [Field], fields: &mut Fields| {
        let here = fields.clone();
        for field in table {
            if let Need::When {
                scope,
                field: trigger,
                is,
            } = field.need
            {
                let source = if scope == Scope::Here { &here } else { &object };
                if let Some(Value::Text(stated)) = source.get(trigger)
                    && stated != is
                {
                    fields.remove(field.name);
                }
            }
        }
    };
    drop(table, fields);
    for field in table {
        let Shape::Keyed(elements) = &field.shape else {
            continue;
        };
        if let Some(Value::Items(items)) = fields.get_mut(field.name) {
            for (_, element) in items {
                drop(elements.fields, element);
            }
        }
    }
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
