//! `AcceptedDrift` documents: drift that somebody has looked at and lets be.
//!
//! They are documents like any other, so that one reader, one schema and one kind of finding serve them, and
//! they count wherever the manifests of a run hold one. By default `drift` also reads
//! `entitle-accepted.yaml` beside the project file: what is let be should be seen by whoever lists the
//! directory and reviews a change, which a file in a hidden directory is not. They silence `drift` and
//! nothing else: `plan` and `apply` do what the manifests say.

use super::members::Reader;
use crate::model::draft::KindRow;
use crate::model::{AcceptedDrift, Diagnostic, Node, PathPattern, Tree};

const ENTRY: [&str; 4] = ["object", "field", "reason", "until"];

pub fn lower(spec: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Vec<AcceptedDrift> {
    reader.members("the spec of AcceptedDrift", spec, &["entries"]);
    let Some(entries) = spec.get("entries") else {
        if matches!(spec.tree, Tree::Map(_)) {
            reader.missing("AcceptedDrift", "entries", spec.mark);
        }
        return Vec::new();
    };
    let Tree::List(items) = &entries.tree else {
        reader.wrong_type("entries", "a list", entries);
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| entry(item, kinds, reader))
        .collect()
}

fn entry(node: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Option<AcceptedDrift> {
    reader.members("an entry", node, &ENTRY);
    for name in ENTRY {
        if node.get(name).is_none() && matches!(node.tree, Tree::Map(_)) {
            reader.missing("an entry", name, node.mark);
        }
    }
    let object = node.get("object").and_then(|n| object(n, kinds, reader));
    let field = node.get("field").and_then(|n| field(n, reader));
    let reason = node.get("reason").and_then(|n| reader.text("reason", n));
    let until = node.get("until").and_then(|n| until(n, reader));
    Some(AcceptedDrift {
        object: object?,
        field: field?,
        reason: reason?,
        until: until?,
        origin: reader.origin(node.mark),
    })
}

fn object(node: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text("object", node)?;
    let Some((kind, _)) = text.split_once('/') else {
        let finding = Diagnostic::error(
            "bad-address",
            format!("{text:?} is not the address of an object"),
        )
        .hint("write Kind/name, for example `LacLicenseOrder/rivers-floating`");
        reader.report(finding, node.mark);
        return None;
    };
    if !kinds.iter().any(|row| row.kind.0 == kind) {
        let finding = Diagnostic::error("unknown-kind", format!("unknown kind `{kind}`"))
            .suggest(kind, kinds.iter().map(|row| row.kind.0));
        reader.report(finding, node.mark);
        return None;
    }
    Some(text)
}

fn field(node: &Node, reader: &mut Reader<'_>) -> Option<PathPattern> {
    let text = reader.text("field", node)?;
    let parsed = PathPattern::parse(&text);
    if let Err(why) = &parsed {
        let finding = Diagnostic::error("bad-path", format!("not a field path: {why}"))
            .hint("write it as drift prints it, for example `Features[*].comment`");
        reader.report(finding, node.mark);
    }
    parsed.ok()
}

fn until(node: &Node, reader: &mut Reader<'_>) -> Option<jiff::civil::Date> {
    let text = reader.text("until", node)?;
    let plain = text.len() == "2027-01-31".len();
    let date = text.parse().ok().filter(|_| plain);
    if date.is_none() {
        let finding = Diagnostic::error("wrong-type", format!("until must be a day, not {text:?}"))
            .hint("write the last day on which it is accepted as YYYY-MM-DD");
        reader.report(finding, node.mark);
    }
    date
}
