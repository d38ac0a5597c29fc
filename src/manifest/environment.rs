//! Reads `Environment` documents.
//!
//! In goes the `spec` of one document, out comes an [`EnvironmentSpec`]. Which one is in force, and what its values make of an
//! object, is settled in `compose`.

use jiff::tz::TimeZone;

use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{GivenText, TEXT, TextType, TextValue};
use crate::model::environment::{EnvironmentSpec, MappedConnection};
use crate::model::{Diagnostic, Node, Origin, Tree};

map_table! {
    pub ENVIRONMENT "the spec of Environment": "What differs between staging and production: values, and which accounts are \
        meant. `--env` chooses one." {
        values: Form::Unread, "Values in groups; `{value: seats.floor}` stands for one of them where a value stands.";
        connections: Form::TextMap, "Names of connections that objects use, each with the Connection that is meant here: \
            `account: account-staging`.";
        scope: Form::Text(&TEXT), "Name of the environment's runs in a store that several share, where `--scope` gives none.";
        timeZone: Form::Text(&TIME_ZONE), default: Some("UTC"), "Time zone of dates without a time, for example `Europe/Berlin`.";
    }
}

/// The name of a time zone in the IANA database.
static TIME_ZONE: TextType = TextType {
    name: "time zone",
    keywords: &[],
    parse: parse_time_zone,
};

fn parse_time_zone(given: &GivenText<'_>) -> Result<TextValue, Box<Diagnostic>> {
    match TimeZone::get(given.text) {
        Ok(_) => Ok(TextValue::Text(given.text.into())),
        Err(_) => {
            let message = format!("there is no time zone {:?}", given.text);
            let finding = Diagnostic::error("bad-time-zone", message);
            Err(Box::new(
                finding.hint("a name such as `Europe/Berlin` or `UTC`"),
            ))
        }
    }
}

/// Reads the `spec` of an `Environment`; `None`, after a finding, if a member is refused.
pub fn lower(
    name: String,
    spec: &mut Node,
    origin: Origin,
    reader: &mut MapReader<'_>,
) -> Option<EnvironmentSpec> {
    let mut read = reader.read(&ENVIRONMENT, spec)?;
    let scope: Option<Option<String>> = read.take_optional("scope");
    let time_zone: Option<Option<String>> = read.take_optional("timeZone");
    let connections = read.node_of("connections").map(Node::entries);
    let mapped = connections.unwrap_or_default().iter().filter_map(|entry| {
        Some(MappedConnection {
            name: entry.key.clone(),
            stands_for: entry.value.text()?.to_string(),
            mark: entry.value.mark,
        })
    });
    let connections = mapped.collect();
    let values = match spec.get_mut("values") {
        Some(values) if matches!(values.tree, Tree::Map(_)) => values.take(),
        Some(values) => return reader.wrong_type(&"values", "a map of values", values),
        None => Node {
            tree: Tree::Map(Vec::new()),
            mark: spec.mark,
        },
    };
    Some(EnvironmentSpec {
        name,
        values,
        connections,
        scope: scope?,
        time_zone: time_zone?.and_then(|name| TimeZone::get(&name).ok()),
        origin,
    })
}
