//! Reads `AcceptedDrift` documents: drift that a team has reviewed and accepts.
//!
//! They are documents like any other, so that one reader, one schema and one kind of finding serve them, and
//! they count wherever the manifests of a run hold one. By default `drift` also reads
//! `entitle-accepted.yaml` beside the project file: what is let be should be seen by whoever lists the
//! directory and reviews a change, which a file in a hidden directory is not. They silence `drift` and
//! nothing else: `plan` and `apply` do what the manifests say.

use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::{ADDRESS, DAY, DRIFT_PATH, TEXT};
use super::values::Values;
use crate::model::{AcceptedDrift, Node};

map_table! {
    pub ACCEPTED_DRIFT "the spec of AcceptedDrift":
        "Drift that was reviewed and is accepted. Only `entitle drift` heeds it." {
        entries: Form::List(&Form::Map(&ENTRY)), required: true, "What is let be, field by field.";
    }
}

map_table! {
    ENTRY "an entry" {
        object: Form::Text(&ADDRESS), required: true, "The object as Kind/name.";
        field: Form::Text(&DRIFT_PATH), required: true, "Field path as drift prints it; `[*]` stands for every element, and \
            what lies below is meant too.";
        reason: Form::Text(&TEXT), required: true, "Why it is let be.";
        until: Form::Text(&DAY), required: true, "The last day on which it is accepted, in UTC.";
    }
}

pub fn lower(spec: &Node, reader: &mut MapReader<'_>) -> Vec<AcceptedDrift> {
    let Some(mut values) = reader.read(&ACCEPTED_DRIFT, spec) else {
        return Vec::new();
    };
    let entries = values.take_list("entries").into_iter();
    entries
        .filter_map(|mut entry: Values<'_>| {
            Some(AcceptedDrift {
                object: entry.take("object")?,
                field: entry.take("field")?,
                reason: entry.take("reason")?,
                until: entry.take("until")?,
                origin: reader.origin(entry.node.mark),
            })
        })
        .collect()
}
