//! Filters of the list calls, `field[op]=value`, and the values that they look at.
//!
//! Operators from the vendor's client types, checked 2026-11-21: `eq ne sw ew cn nc in nin` on text,
//! `eq ne gt gte lt lte` on numbers and dates; `field=value` means `eq`.

use serde_json::Value;

use super::account::License;
use super::{Refusal, new_refusal};
use crate::sandbox::strict_json::JsonObject;
use crate::sandbox::{body_schema, wire};

/// What a field holds, which decides its operators.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum FieldType {
    Text,
    Number,
    Date,
    Flag,
}

/// A field that can be filtered and sorted by.
pub(super) type FilterField = (&'static str, FieldType);

/// A value as filters see it; the order of the variants puts nulls first when sorting.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FilterValue<'a> {
    Null,
    Flag(bool),
    Number(i64),
    Text(&'a str),
}

impl<'a> From<&'a Value> for FilterValue<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(flag) => FilterValue::Flag(*flag),
            Value::Number(number) => number
                .as_i64()
                .map_or(FilterValue::Null, FilterValue::Number),
            Value::String(text) => FilterValue::Text(text),
            Value::Null | Value::Array(_) | Value::Object(_) => FilterValue::Null,
        }
    }
}

/// Something in a list.
pub(super) trait Filterable {
    /// The values of a field; some fields, such as the groups of a licence, have several.
    fn field_values(&self, field: &str, now: &str) -> Vec<FilterValue<'_>>;
    /// Where `search` looks.
    fn search_fields(&self) -> &'static [&'static str];
}

impl Filterable for &JsonObject {
    fn field_values(&self, field: &str, _now: &str) -> Vec<FilterValue<'_>> {
        self.get(field).map(FilterValue::from).into_iter().collect()
    }

    fn search_fields(&self) -> &'static [&'static str] {
        &["name", "email", "description"]
    }
}

impl Filterable for &License {
    fn field_values(&self, field: &str, now: &str) -> Vec<FilterValue<'_>> {
        match field {
            "userGroupId" => self.groups.iter().map(|id| FilterValue::Text(id)).collect(),
            "expired" => {
                let expires = self.fields["expiresAt"].as_str();
                vec![FilterValue::Flag(expires.is_some_and(|at| at <= now))]
            }
            "metadata.key" | "metadata.value" => {
                let member = field.trim_start_matches("metadata.");
                let entries = self.fields["metadata"].as_array().into_iter().flatten();
                entries
                    .map(|entry| FilterValue::from(&entry[member]))
                    .collect()
            }
            _ => self
                .fields
                .get(field)
                .map(FilterValue::from)
                .into_iter()
                .collect(),
        }
    }

    fn search_fields(&self) -> &'static [&'static str] {
        &["key", "notes", "metadata.value"]
    }
}

/// Operators; which of them a field takes depends on what it holds.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Eq,
    Ne,
    StartsWith,
    EndsWith,
    Contains,
    ContainsNot,
    In,
    NotIn,
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Operator {
    fn parse(text: &str, holds: FieldType) -> Option<Self> {
        let text_only = holds == FieldType::Text;
        let ordered = matches!(holds, FieldType::Number | FieldType::Date);
        Some(match text {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "sw" if text_only => Operator::StartsWith,
            "ew" if text_only => Operator::EndsWith,
            "cn" if text_only => Operator::Contains,
            "nc" if text_only => Operator::ContainsNot,
            "in" if text_only => Operator::In,
            "nin" if text_only => Operator::NotIn,
            "gt" if ordered => Operator::Gt,
            "gte" if ordered => Operator::Gte,
            "lt" if ordered => Operator::Lt,
            "lte" if ordered => Operator::Lte,
            _ => return None,
        })
    }
}

/// One filter, its value already in the form of the field.
pub(super) struct Filter {
    pub(super) field: &'static str,
    pub(super) operator: Operator,
    pub(super) operand: FilterOperand,
}

pub(super) enum FilterOperand {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Filter {
    pub(super) fn parse(
        name: &str,
        text: &str,
        fields: &[FilterField],
    ) -> Result<Option<Self>, Refusal> {
        let (name, operator) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, operator)) => (name, operator),
            None => (name, "eq"),
        };
        let Some((field, holds)) = fields.iter().find(|(field, _)| *field == name) else {
            return Ok(None);
        };
        let Some(operator) = Operator::parse(operator, *holds) else {
            let message = format!("{name}[{operator}]: the operator is not valid for this field");
            return Err(new_refusal(400, message));
        };
        let operand = match holds {
            FieldType::Text => Some(FilterOperand::Text(text.to_owned())),
            FieldType::Number => text.parse().ok().map(FilterOperand::Number),
            FieldType::Flag => text.parse().ok().map(FilterOperand::Flag),
            // Dates compare as text once they have seven digits, as all stored ones have.
            FieldType::Date => body_schema::parse_instant(text)
                .map(|at| FilterOperand::Text(wire::format_seven_digits(at))),
        };
        match operand {
            Some(operand) => Ok(Some(Self {
                field,
                operator,
                operand,
            })),
            None => Err(new_refusal(400, format!("{name}: {text:?} is not valid"))),
        }
    }

    pub(super) fn matches(&self, values: &[FilterValue<'_>]) -> bool {
        let operand = match &self.operand {
            FilterOperand::Text(text) => FilterValue::Text(text),
            FilterOperand::Number(number) => FilterValue::Number(*number),
            FilterOperand::Flag(flag) => FilterValue::Flag(*flag),
        };
        let any = |test: &dyn Fn(&FilterValue<'_>) -> bool| values.iter().any(test);
        let text = |test: &dyn Fn(&str, &str) -> bool| {
            any(&|value| match (value, &operand) {
                (FilterValue::Text(value), FilterValue::Text(operand)) => test(value, operand),
                _ => false,
            })
        };
        let not_null = |value: &FilterValue<'_>| *value != FilterValue::Null;
        let listed = |value: &str, operand: &str| operand.split(',').any(|option| option == value);
        match self.operator {
            Operator::Eq => any(&|value| *value == operand),
            Operator::Ne => !any(&|value| *value == operand),
            Operator::StartsWith => text(&|value, operand| value.starts_with(operand)),
            Operator::EndsWith => text(&|value, operand| value.ends_with(operand)),
            Operator::Contains => text(&|value, operand| value.contains(operand)),
            Operator::ContainsNot => !text(&|value, operand| value.contains(operand)),
            Operator::In => text(&listed),
            Operator::NotIn => !text(&listed),
            Operator::Gt => any(&|value| not_null(value) && *value > operand),
            Operator::Gte => any(&|value| not_null(value) && *value >= operand),
            Operator::Lt => any(&|value| not_null(value) && *value < operand),
            Operator::Lte => any(&|value| not_null(value) && *value <= operand),
        }
    }
}
