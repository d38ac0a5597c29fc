//! Filters of the list calls, `field[op]=value`, and the values that they look at.
//!
//! Operators from the vendor's client types, checked 2026-11-21: `eq ne sw ew cn nc in nin` on text,
//! `eq ne gt gte lt lte` on numbers and dates; `field=value` means `eq`.

use serde_json::{Map, Value};

use super::account::License;
use super::{Refusal, refusal};
use crate::sandbox::{schema, wire};

/// What a field holds, which decides its operators.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Holds {
    Text,
    Number,
    Date,
    Flag,
}

/// A field that can be filtered and sorted by.
pub(super) type Field = (&'static str, Holds);

/// A value as filters see it; the order of the variants puts nulls first when sorting.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen<'a> {
    Null,
    Flag(bool),
    Number(i64),
    Text(&'a str),
}

impl<'a> From<&'a Value> for Seen<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(flag) => Seen::Flag(*flag),
            Value::Number(number) => number.as_i64().map_or(Seen::Null, Seen::Number),
            Value::String(text) => Seen::Text(text),
            Value::Null | Value::Array(_) | Value::Object(_) => Seen::Null,
        }
    }
}

/// Something in a list.
pub(super) trait Listed {
    /// The values of a field; some fields, such as the groups of a licence, have several.
    fn seen(&self, field: &str, now: &str) -> Vec<Seen<'_>>;
    /// Where `search` looks.
    fn searched(&self) -> &'static [&'static str];
}

impl Listed for &Map<String, Value> {
    fn seen(&self, field: &str, _now: &str) -> Vec<Seen<'_>> {
        self.get(field).map(Seen::from).into_iter().collect()
    }

    fn searched(&self) -> &'static [&'static str] {
        &["name", "email", "description"]
    }
}

impl Listed for &License {
    fn seen(&self, field: &str, now: &str) -> Vec<Seen<'_>> {
        match field {
            "userGroupId" => self.groups.iter().map(|id| Seen::Text(id)).collect(),
            "expired" => {
                let expires = self.fields["expiresAt"].as_str();
                vec![Seen::Flag(expires.is_some_and(|at| at <= now))]
            }
            "metadata.key" | "metadata.value" => {
                let member = field.trim_start_matches("metadata.");
                let entries = self.fields["metadata"].as_array().into_iter().flatten();
                entries.map(|entry| Seen::from(&entry[member])).collect()
            }
            _ => self.fields.get(field).map(Seen::from).into_iter().collect(),
        }
    }

    fn searched(&self) -> &'static [&'static str] {
        &["key", "notes", "metadata.value"]
    }
}

/// Operators; which of them a field takes depends on what it holds.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Op {
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

impl Op {
    fn parse(text: &str, holds: Holds) -> Option<Self> {
        let text_only = holds == Holds::Text;
        let ordered = matches!(holds, Holds::Number | Holds::Date);
        Some(match text {
            "eq" => Op::Eq,
            "ne" => Op::Ne,
            "sw" if text_only => Op::StartsWith,
            "ew" if text_only => Op::EndsWith,
            "cn" if text_only => Op::Contains,
            "nc" if text_only => Op::ContainsNot,
            "in" if text_only => Op::In,
            "nin" if text_only => Op::NotIn,
            "gt" if ordered => Op::Gt,
            "gte" if ordered => Op::Gte,
            "lt" if ordered => Op::Lt,
            "lte" if ordered => Op::Lte,
            _ => return None,
        })
    }
}

/// One filter, its value already in the form of the field.
pub(super) struct Filter {
    pub(super) field: &'static str,
    pub(super) op: Op,
    pub(super) wanted: Wanted,
}

pub(super) enum Wanted {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl Filter {
    pub(super) fn parse(name: &str, text: &str, fields: &[Field]) -> Result<Option<Self>, Refusal> {
        let (name, op) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, op)) => (name, op),
            None => (name, "eq"),
        };
        let Some((field, holds)) = fields.iter().find(|(field, _)| *field == name) else {
            return Ok(None);
        };
        let Some(op) = Op::parse(op, *holds) else {
            let message = format!("{name}[{op}]: the operator is not valid for this field");
            return Err(refusal(400, message));
        };
        let wanted = match holds {
            Holds::Text => Some(Wanted::Text(text.to_owned())),
            Holds::Number => text.parse().ok().map(Wanted::Number),
            Holds::Flag => text.parse().ok().map(Wanted::Flag),
            // Dates compare as text once they have seven digits, as all stored ones have.
            Holds::Date => schema::instant(text).map(|at| Wanted::Text(wire::seven_digits(at))),
        };
        match wanted {
            Some(wanted) => Ok(Some(Self { field, op, wanted })),
            None => Err(refusal(400, format!("{name}: {text:?} is not valid"))),
        }
    }

    pub(super) fn admits(&self, seen: &[Seen<'_>]) -> bool {
        let wanted = match &self.wanted {
            Wanted::Text(text) => Seen::Text(text),
            Wanted::Number(number) => Seen::Number(*number),
            Wanted::Flag(flag) => Seen::Flag(*flag),
        };
        let any = |test: &dyn Fn(&Seen<'_>) -> bool| seen.iter().any(test);
        let text = |test: &dyn Fn(&str, &str) -> bool| {
            any(&|value| match (value, &wanted) {
                (Seen::Text(value), Seen::Text(wanted)) => test(value, wanted),
                _ => false,
            })
        };
        let not_null = |value: &Seen<'_>| *value != Seen::Null;
        let listed = |value: &str, wanted: &str| wanted.split(',').any(|one| one == value);
        match self.op {
            Op::Eq => any(&|value| *value == wanted),
            Op::Ne => !any(&|value| *value == wanted),
            Op::StartsWith => text(&|value, wanted| value.starts_with(wanted)),
            Op::EndsWith => text(&|value, wanted| value.ends_with(wanted)),
            Op::Contains => text(&|value, wanted| value.contains(wanted)),
            Op::ContainsNot => !text(&|value, wanted| value.contains(wanted)),
            Op::In => text(&listed),
            Op::NotIn => !text(&listed),
            Op::Gt => any(&|value| not_null(value) && *value > wanted),
            Op::Gte => any(&|value| not_null(value) && *value >= wanted),
            Op::Lt => any(&|value| not_null(value) && *value < wanted),
            Op::Lte => any(&|value| not_null(value) && *value <= wanted),
        }
    }
}
