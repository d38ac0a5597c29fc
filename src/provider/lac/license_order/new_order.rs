//! An order that is to be created, beside its product template: which values of the template the manifest leaves out.
//!
//! A template shows the members of an order under the same names, all but `settings_description` ("Get product template",
//! checked 2026-11-30). What a creation requires is in the manifest, so only optional members are left out.
//!
//! ```text
//! manifest    Features: [{name: Base, version: "1.0", …}]
//! template    "deactivations_allowed": "2",   "Features": [{"name": "Base", "version": "1.0", "options": "ha", …}]
//! text        deactivations_allowed: 2, Features[Base 1.0].options: "ha"
//! ```

use serde_json::Value as Json;

use super::LicenseOrder;
use super::fields::TABLE;
use crate::model::field::Elements;
use crate::model::live::{Fact, Facts};
use crate::model::{
    Desired, ElementKey, Field, FieldPath, Fields, Live, Malformed, Need, Observed, ReadFailure,
    Shape, Text, Value,
};
use crate::provider::ResourceKind;
use crate::provider::decode::decode_value;

/// The optional member that templates do not show.
const UNLISTED: &str = "settings_description";

/// The facts of an order that is to be created: its template's values for what the manifest leaves out, or why they are
/// not known.
const TEMPLATE_VALUES: &str = "template_values";
const TEMPLATE_UNREAD: &str = "template_unread";

/// An order that may be created.
#[derive(Clone)]
pub struct NewOrder {
    pub template: i64,
    /// The fields that the creation sends.
    fields: Fields,
}

/// An optional field that a creation leaves out, and the list and element that lack it if it is one of an element.
struct LeftOut<'a> {
    path: FieldPath,
    field: &'static Field,
    element: Option<(&'static str, &'static Elements, &'a ElementKey)>,
}

impl NewOrder {
    /// Returns the order of a manifest that may create it, if it leaves out what a template may have.
    pub fn of(desired: &Desired) -> Option<Self> {
        if !desired.policy.create {
            return None;
        }
        let mut fields = LicenseOrder.key_fields(desired);
        fields.extend(desired.fields.unpack());
        let Some(Value::Integer(template)) = fields.get("product_template_id") else {
            return None;
        };
        let order = Self {
            template: *template,
            fields,
        };
        (!order.left_out().is_empty()).then_some(order)
    }

    fn left_out(&self) -> Vec<LeftOut<'_>> {
        let is_optional = |field: &&Field| field.need == Need::Optional && field.name != UNLISTED;
        let mut all = Vec::new();
        for field in TABLE.desired {
            let path = FieldPath::default().field(field.name);
            match (self.fields.get(field.name), &field.shape) {
                (Some(Value::Items(items)), Shape::Keyed(elements)) => {
                    for (key, fields) in items {
                        let lacks = |field: &&Field| !fields.contains_key(field.name);
                        let lacking = elements.fields.iter().filter(is_optional).filter(lacks);
                        all.extend(lacking.map(|inner| LeftOut {
                            path: path.element(key.clone()).field(inner.name),
                            field: inner,
                            element: Some((field.name, elements, key)),
                        }));
                    }
                }
                (None, _) if is_optional(&field) => all.push(LeftOut {
                    path,
                    field,
                    element: None,
                }),
                _ => {}
            }
        }
        all
    }

    /// Returns the order, which the vendor does not have, with what its template was read to have.
    pub fn observed(&self, template: &Result<Json, ReadFailure>) -> Observed {
        let values = match template {
            Ok(template) if template.is_object() => {
                self.values_of(template).map_err(|fault| fault.to_string())
            }
            Ok(_) => Err("it was not answered with an object".into()),
            Err(failure) => Err(failure.text.clone()),
        };
        let named = |text: String| format!("template {}: {text}", self.template);
        match values {
            Ok(values) if values.is_empty() => Observed::Missing,
            Ok(values) => creatable(TEMPLATE_VALUES, named(values.join(", "))),
            Err(why) => creatable(TEMPLATE_UNREAD, named(why)),
        }
    }

    /// Returns the template's values for what the order leaves out, as texts.
    fn values_of(&self, template: &Json) -> Result<Vec<String>, Malformed> {
        let mut values = Vec::new();
        for left_out in self.left_out() {
            let LeftOut { path, field, .. } = &left_out;
            let json = left_out.json_in(template).filter(|json| !json.is_null());
            let value = json
                .map(|json| decode_value(field, json, path))
                .transpose()?;
            let value = value.filter(|value| *value != Value::Text("".into()));
            values.extend(value.map(|value| format!("{path}: {}", field.shape.json(&value))));
        }
        Ok(values)
    }
}

impl LeftOut<'_> {
    /// Returns what a template shows for the field; `None` if it shows nothing.
    fn json_in<'t>(&self, template: &'t Json) -> Option<&'t Json> {
        let Some((list, elements, key)) = self.element else {
            return template.get(self.field.name);
        };
        let has_key = |item: &&Json| {
            let parts = elements.key.iter();
            let parts = parts.map(|name| item.get(*name)?.as_str().map(Text::from));
            let parts: Option<Vec<Text>> = parts.collect();
            parts.is_some_and(|parts| ElementKey::new(parts, elements.fold) == *key)
        };
        let items = template.get(list)?.as_array()?;
        items.iter().find(has_key)?.get(self.field.name)
    }
}

fn creatable(fact: &'static str, text: String) -> Observed {
    let mut facts = Facts::default();
    facts.insert(fact.into(), Fact::Text(text));
    Observed::Creatable(facts)
}

/// Returns what a plan says of the template of an order that is to be created; `None` if it says nothing.
pub fn note(live: &Live) -> Option<String> {
    match (live.text(TEMPLATE_VALUES), live.text(TEMPLATE_UNREAD)) {
        (Some(values), _) => Some(format!(
            "{values}; not in the manifest and not sent; whether a new order takes it over is not documented"
        )),
        (None, Some(why)) => Some(format!("what the product template has is not known: {why}")),
        (None, None) => None,
    }
}
