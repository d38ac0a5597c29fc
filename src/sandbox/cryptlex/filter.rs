//! The filter language of Cryptlex's list calls: `field[operator]=value`, and `field=value` for `eq`.
//!
//! Operators are from the vendor's client types, checked 2026-11-21:
//!
//! | operator | on | matches a field that |
//! | --- | --- | --- |
//! | `eq`, `ne` | all | equals the value; does not |
//! | `sw`, `ew`, `cn`, `nc` | text | starts with, ends with, contains, does not contain it |
//! | `in`, `nin` | text | is one of the comma-separated values; is none of them |
//! | `gt`, `gte`, `lt`, `lte` | numbers, dates | is greater, at least, less, at most |
//!
//! A field may have several values, such as the groups of a licence. A positive operator then matches if any value
//! fits, a negative one (`ne`, `nc`, `nin`) if none does. Null is neither greater nor less than anything.
//!
//! # Worked example
//!
//! `userGroupId[in]=g1,g2&allowedActivations[gte]=10` matches a licence with the groups g2 and g7 and 60 allowed
//! activations: g2 is in the list, and 60 is at least 10. `userGroupId[ne]=g2` does not match it, since one of its
//! groups is g2. `notes[gt]=a` is refused with 400: text has no order here.

use std::collections::BTreeSet;

use serde_json::Value;

use super::account::{License, Organization, OrganizationUser};
use super::refusal::{Refusal, new_refusal};
use crate::sandbox::account_document;
use crate::sandbox::body_schema;
use crate::sandbox::strict_json::JsonObject;

/// The type of a field, which decides its operators.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum FieldType {
    Text,
    Number,
    Date,
    Flag,
}

/// The name and type of a field that lists can be filtered and sorted by.
pub(super) type FilterField = (&'static str, FieldType);

/// A value of a field; the order of the variants puts nulls first when sorting.
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

/// An object that lists can filter, search and sort.
pub(super) trait Filterable {
    /// Returns the values of a field, none if it is absent; `now` decides whether a licence is expired.
    fn field_values(&self, field: &str, now: &str) -> Vec<FilterValue<'_>>;
    /// Lists the fields that the query parameter `search` looks at.
    fn search_fields(&self) -> &'static [&'static str];
}

impl Filterable for &JsonObject {
    fn field_values(&self, field: &str, _now: &str) -> Vec<FilterValue<'_>> {
        one_value(self.get(field))
    }

    fn search_fields(&self) -> &'static [&'static str] {
        &["name", "email", "description"]
    }
}

/// A licence with its organization, by both of which lists filter.
#[derive(Clone, Copy)]
pub(super) struct LicenseRow<'a> {
    pub(super) license: &'a License,
    pub(super) organization: Option<&'a Organization>,
}

impl Filterable for LicenseRow<'_> {
    fn field_values(&self, field: &str, now: &str) -> Vec<FilterValue<'_>> {
        let fields = &self.license.fields;
        match field {
            "userGroupId" => texts(&self.license.groups),
            "expired" => {
                let expires = fields["expiresAt"].as_str();
                vec![FilterValue::Flag(expires.is_some_and(|at| at <= now))]
            }
            "metadata.key" | "metadata.value" => {
                let member = field.trim_start_matches("metadata.");
                let entries = fields["metadata"].as_array().into_iter().flatten();
                entries
                    .map(|entry| FilterValue::from(&entry[member]))
                    .collect()
            }
            "tags" => {
                let tags = fields["tags"].as_array().into_iter().flatten();
                tags.map(FilterValue::from).collect()
            }
            "organizationId" | "organization.name" => {
                let member = match field {
                    "organizationId" => "id",
                    _ => "name",
                };
                one_value(self.organization.and_then(|it| it.fields.get(member)))
            }
            "productId" => one_value(fields["product"].get("id")),
            "resellerId" => one_value(fields["reseller"].get("id")),
            "userId" | "user.email" | "user.company" => {
                let member = match field {
                    "userId" => "id",
                    _ => field.trim_start_matches("user."),
                };
                one_value(fields["user"].get(member))
            }
            _ => one_value(fields.get(field)),
        }
    }

    fn search_fields(&self) -> &'static [&'static str] {
        &["key", "notes", "metadata.value"]
    }
}

/// A user of an organization.
impl Filterable for &OrganizationUser {
    fn field_values(&self, field: &str, _now: &str) -> Vec<FilterValue<'_>> {
        match field {
            "userGroupId" => texts(&self.groups),
            // Whoever looks for a name may mean either part of it.
            "name" => ["firstName", "lastName"]
                .iter()
                .filter_map(|part| self.fields.get(*part))
                .map(FilterValue::from)
                .collect(),
            _ => one_value(self.fields.get(field)),
        }
    }

    fn search_fields(&self) -> &'static [&'static str] {
        &["name", "email"]
    }
}

/// Returns the value of a member as that of a field; none if the member is absent.
fn one_value(member: Option<&Value>) -> Vec<FilterValue<'_>> {
    member.map(FilterValue::from).into_iter().collect()
}

/// Returns ids as values of a field.
fn texts(ids: &BTreeSet<String>) -> Vec<FilterValue<'_>> {
    ids.iter().map(|id| FilterValue::Text(id)).collect()
}

/// An operator; the type of a field decides which it accepts.
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
    /// Parses an operator; `None` if it is unknown or does not fit the type of the field.
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

/// One filter of a call.
pub(super) struct Filter {
    pub(super) field: &'static str,
    pub(super) operator: Operator,
    pub(super) operand: FilterOperand,
}

/// The value to compare with, in the type of the field; dates are text of seven digits.
pub(super) enum FilterOperand {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Filter {
    /// Parses a query pair as a filter; `None` if its name is no field.
    ///
    /// `Err` is a 400: the operator does not fit the field, or the value does not parse.
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
            // With seven digits, which all stored dates have, dates compare as text.
            FieldType::Date => body_schema::parse_instant(text)
                .map(|at| FilterOperand::Text(account_document::format_seven_digits(at))),
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

    /// Returns whether the values of a field match, by the rules in the module documentation.
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
