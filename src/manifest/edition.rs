//! Reads `Edition` documents, and the member `edition` of objects that names one.
//!
//! In goes a node, out comes an [`Edition`] or an [`EditionUse`]; what is wrong in it by itself is a finding. Whether an
//! edition that is named exists, and what it makes of an object, is settled in `compose` once all files are read.

use super::changes::{CHANGE, take_changes};
use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{KIND, NAME};
use super::values::Values;
use crate::model::draft::EditionUse;
use crate::model::edition::{Edition, Parameter, ParameterType};
use crate::model::node::Entry;
use crate::model::{Diagnostic, Mark, Node, Origin, Tree};

map_table! {
    pub EDITION "the spec of Edition":
        "Desired fields that many objects share: what they get, said once. An object names it by `spec.edition`." {
        for: Form::Text(&KIND), required: true, "The kind of the objects that may have it.";
        extends: Form::Text(&NAME), "The edition on which this one builds; its parameters are parameters of this one too.";
        parameters: Form::Named(&PARAMETER), "What each object may choose, by name.";
        desired: Form::Unread, required: true, "The fields, in the vendor's own names. `{param: NAME}` stands for the value \
            of a parameter; an element with `absent: true` takes out one of the edition below.";
        changes: Form::List(&Form::Map(&CHANGE)), "What changes on a date; `{param: NAME}` stands for a value here too.";
    }
}

map_table! {
    PARAMETER "a parameter" {
        type: Form::Choice("type", &ParameterType::NAMES), required: true, "The type of its values.";
        default: Form::Unread, "The value for objects that choose none; without it each has to choose.";
        minimum: Form::Integer, "The smallest integer.";
        maximum: Form::Integer, "The largest integer.";
    }
}

map_table! {
    pub EDITION_USE "edition": "The Edition whose fields an object has." {
        name: Form::Text(&NAME), required: true, "The name of the Edition.";
        with: Form::Unread, "Values of its parameters, by name.";
    }
    prefix: "edition."
}

/// Reads the `spec` of an `Edition`; `None`, after a finding, if a member is missing or refused.
pub fn lower(
    name: String,
    spec: &mut Node,
    origin: Origin,
    reader: &mut MapReader<'_>,
) -> Option<Edition> {
    let mut values = reader.read(&EDITION, spec)?;
    let kind: Option<String> = values.take("for");
    let extends = values.node_of("extends").map(|node| node.mark);
    let base: Option<Option<String>> = values.take_optional("extends");
    let named = values.take_named("parameters").into_iter();
    let parameters = named.map(|(entry, values)| read_parameter(entry, values, reader));
    // Each is read, so that one run shows all mistakes.
    let parameters: Vec<Option<Parameter>> = parameters.collect();
    let changes = take_changes(&mut values, reader);
    let kinds = reader.kinds;
    let row = kind.and_then(|name| kinds.iter().find(|row| row.kind.0 == name).copied());
    let desired = match spec.get_mut("desired") {
        Some(desired) if matches!(desired.tree, Tree::Map(_)) => desired.take(),
        Some(desired) => return reader.wrong_type(&"desired", "a map of fields", desired),
        None => return None,
    };
    Some(Edition {
        name,
        row: row?,
        extends: base?.zip(extends),
        parameters: parameters.into_iter().collect::<Option<_>>()?,
        desired,
        changes: changes?,
        origin,
    })
}

/// Reads one parameter; `None`, after a finding, if its type is missing or its default does not fit.
fn read_parameter(
    entry: &Entry,
    mut values: Values<'_>,
    reader: &mut MapReader<'_>,
) -> Option<Parameter> {
    let type_name: String = values.take("type")?;
    let range = (values.take("minimum"), values.take("maximum"));
    let parameter = Parameter {
        name: entry.key.clone(),
        value_type: ParameterType::named(&type_name)?,
        range,
        default: values.node_of("default").cloned(),
        mark: entry.key_mark,
    };
    let is_integer = parameter.value_type == ParameterType::Integer;
    let bounds = ["minimum", "maximum"].into_iter();
    let bound = bounds.filter_map(|name| values.node_of(name)).next();
    let fault = match (range, bound) {
        (_, Some(bound)) if !is_integer => {
            Some(("only integers have a range".to_string(), bound.mark))
        }
        ((Some(minimum), Some(maximum)), Some(bound)) if minimum > maximum => {
            Some(("no value is in this range".to_string(), bound.mark))
        }
        _ => None,
    };
    let misfit = parameter.default.as_ref().and_then(|default| {
        let misfit = parameter.misfit(default)?;
        Some((misfit, default.mark))
    });
    match fault.or(misfit) {
        Some((message, mark)) => {
            reader.report(Diagnostic::error("bad-parameter", message), mark);
            None
        }
        None => Some(parameter),
    }
}

/// Reads the member `edition` of an object; `None`, after a finding, if it names none.
pub fn read_use(node: &Node, reader: &mut MapReader<'_>) -> Option<EditionUse> {
    let mut values = reader.read(&EDITION_USE, node)?;
    let mark: Mark = values.node_of("name").map_or(node.mark, |name| name.mark);
    let with = match values.node_of("with") {
        None => Vec::new(),
        Some(Node {
            tree: Tree::Map(entries),
            ..
        }) => entries.clone(),
        Some(other) => {
            return reader.wrong_type(&"edition.with", "a map of values by parameter", other);
        }
    };
    Some(EditionUse {
        name: values.take("name")?,
        mark,
        with,
    })
}
