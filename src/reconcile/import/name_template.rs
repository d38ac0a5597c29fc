//! Templates for the names of imported objects: `{customer}-{product}`.
//!
//! Input is a text with members of the live object in braces, output the text with their values. Whether the result is
//! a valid name, and an only one, is looked after in `names`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::ReadObjects;
use crate::model::live::Fact;
use crate::model::{Observed, Value};
use crate::provider::listing::ListedObject;

/// A template as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate(Vec<TemplatePart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Member(String),
}

/// The reason for which a text is no template of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("a brace without its counterpart: write members in braces, such as {{customer}}")]
    Unbalanced,
    #[error(
        "name at least one member in braces, such as {{customer}}: without one, all objects would have the same name"
    )]
    NoMember,
}

/// A template names a member that no object has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--name: no object has the member {{{member}}}; there are {}", known.join(", "))]
pub struct UnknownMember {
    pub member: String,
    pub known: Vec<String>,
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (member, after) = after.split_once('}').ok_or(TemplateError::Unbalanced)?;
            parts.push(TemplatePart::Text(before.to_string()));
            parts.push(TemplatePart::Member(member.trim().to_string()));
            rest = after;
        }
        parts.push(TemplatePart::Text(rest.to_string()));
        let is_member = |part: &TemplatePart| matches!(part, TemplatePart::Member(_));
        let is_torn = |part: &TemplatePart| match part {
            TemplatePart::Text(text) => text.contains('}'),
            TemplatePart::Member(member) => member.contains('{'),
        };
        match (parts.iter().any(is_torn), parts.iter().any(is_member)) {
            (true, _) => Err(TemplateError::Unbalanced),
            (false, false) => Err(TemplateError::NoMember),
            (false, true) => Ok(Self(parts)),
        }
    }
}

impl NameTemplate {
    /// Returns `Err` for a member that none of the objects can have.
    ///
    /// Known are the ids and the fields of the kinds, and what the vendor shows of the objects beside them, such as the
    /// names of the customer and the product template of LAC's orders. One object need not have all of them: a member without a value is empty.
    pub fn check(&self, reads: &[ReadObjects]) -> Result<(), UnknownMember> {
        let mut known: BTreeSet<&str> = BTreeSet::from(OF_CONNECTION);
        for read in reads {
            let table = read.kind.table();
            known.extend(table.identity.iter().map(|id| id.name));
            let plain = table.desired.iter().filter(|field| !field.is_list());
            known.extend(plain.map(|field| field.name));
            let live = read
                .objects
                .iter()
                .filter_map(|object| match &object.observed {
                    Observed::Live(live) => Some(live),
                    Observed::Missing | Observed::Creatable(_) | Observed::Unread(_) => None,
                });
            let facts = live.flat_map(|live| live.facts.iter().map(|(name, _)| name));
            known.extend(facts.filter(|name| !name.contains('[')));
        }
        let mut members = self.0.iter().filter_map(|part| match part {
            TemplatePart::Member(member) => Some(member),
            TemplatePart::Text(_) => None,
        });
        match members.find(|member| !known.contains(member.as_str())) {
            None => Ok(()),
            Some(unknown) => Err(UnknownMember {
                member: unknown.clone(),
                known: known.into_iter().map(str::to_string).collect(),
            }),
        }
    }

    /// Returns the text for one object. Members without a value are empty.
    pub fn fill(&self, read: &ReadObjects, object: &ListedObject) -> String {
        let values = values_of(read, object);
        let parts = self.0.iter().map(|part| match part {
            TemplatePart::Text(text) => text.as_str(),
            TemplatePart::Member(member) => values.get(member.as_str()).map_or("", String::as_str),
        });
        parts.collect()
    }
}

/// Members that every object has.
const OF_CONNECTION: [&str; 3] = ["connection", "kind", "vendor"];

/// Returns the values of an object that a name may hold, by member.
fn values_of<'a>(read: &'a ReadObjects, object: &'a ListedObject) -> BTreeMap<&'a str, String> {
    let table = read.kind.table();
    let of_connection = [read.connection.as_str(), table.kind.0, table.vendor.0];
    let of_connection = OF_CONNECTION
        .into_iter()
        .zip(of_connection.map(str::to_string));
    let mut values: BTreeMap<&str, String> = of_connection.collect();
    if let Observed::Live(live) = &object.observed {
        let facts = live.facts.iter().map(|(name, fact)| match fact {
            Fact::Number(number) => (name, number.to_string()),
            Fact::Text(text) => (name, text.clone()),
        });
        values.extend(facts);
        let fields = live.fields.iter();
        values.extend(fields.filter_map(|(name, value)| Some((name, show_scalar(value)?))));
    }
    values.extend(
        object
            .identity
            .iter()
            .map(|(name, id)| (*name, id.to_string())),
    );
    values
}

/// Returns a value in a name; `None` for lists and objects, and for nothing.
fn show_scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.to_string()),
        Value::Null | Value::Json(_) | Value::Set(_) | Value::Items(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_braces() {
        let parsed = |text: &str| text.parse::<NameTemplate>();
        let parts = [
            TemplatePart::Text("lac-".into()),
            TemplatePart::Member("customer".into()),
            TemplatePart::Text("-".into()),
            TemplatePart::Member("description".into()),
            TemplatePart::Text(String::new()),
        ];
        let template = NameTemplate(parts.into());
        assert_eq!(parsed("lac-{customer}-{ description }"), Ok(template));
        for text in ["{a", "a}", "{a}}", "{{a}}"] {
            assert_eq!(parsed(text), Err(TemplateError::Unbalanced), "{text}");
        }
        for text in ["", "plain"] {
            assert_eq!(parsed(text), Err(TemplateError::NoMember), "{text}");
        }
    }
}
