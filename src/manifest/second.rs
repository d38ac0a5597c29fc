//! The second reader: warns where other YAML tools read a manifest differently.
//!
//! Manifests are also read by editors, kustomize and yq, most of them on libyaml. A value that two
//! readers understand differently is a trap even if ours is right. The file has passed the first
//! reader's budget by the time it comes here, which bounds what this one can be made to do.

use serde::Deserialize;

use super::piece::Piece;
use super::yaml;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Tree};

/// Whether the readers could differ at all. Over 61 spellings of scalars they did only on numbers that are
/// no 64-bit integers and on the prefixes `0X` and `0O`; anchors, tags, directives and tabs are where
/// structures may differ. Most files have none of these and need not be read twice.
pub fn may_differ(text: &str, documents: &[Node]) -> bool {
    text.contains(['&', '*', '!', '%', '\t', '?'])
        || text.contains("0X")
        || text.contains("0O")
        || documents.iter().any(has_number)
}

fn has_number(node: &Node) -> bool {
    match &node.tree {
        Tree::Number(_) => true,
        Tree::List(items) => items.iter().any(has_number),
        Tree::Map(entries) => entries.iter().any(|entry| has_number(&entry.value)),
        Tree::Null | Tree::Bool(_) | Tree::Integer(_) | Tree::Text(_) => false,
    }
}

/// Compares what libyaml makes of a piece of a file with its `documents`, and warns about the first difference
/// in each.
pub fn compare(piece: &Piece, documents: &[Node], findings: &mut Diagnostics) {
    let (source, text) = (&piece.source, piece.text());
    let mut others = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match serde_yaml::Value::deserialize(document) {
            Ok(serde_yaml::Value::Null) => {}
            Ok(mut value) => {
                if value.apply_merge().is_err() {
                    return;
                }
                others.push(value);
            }
            Err(error) => {
                // Its lines end at more characters than ours, so only its offset is used.
                let offset = error.location().map_or(0, |place| place.index());
                let place = piece.in_file(Mark::at(text, offset));
                let finding =
                    Diagnostic::warning("yaml-dialect", "other YAML tools cannot read this")
                        .hint("write the value in quotes, or in plain decimal digits");
                findings.push(yaml::about(finding.at(source, place), source, place));
                return;
            }
        }
    }
    for (ours, theirs) in documents.iter().zip(&others) {
        if let Some(node) = difference(ours, theirs) {
            let finding = Diagnostic::warning(
                "yaml-dialect",
                format!("other YAML tools do not read this as {}", node.describe()),
            );
            let mut finding = yaml::about(finding.at(source, node.mark), source, node.mark);
            if finding.hidden {
                finding.message = "other YAML tools read this differently".into();
            }
            let hint = "write the value in quotes, or in plain decimal digits";
            findings.push(finding.hint(hint));
        }
    }
}

/// The first of our nodes that the other reader understands differently.
fn difference<'a>(ours: &'a Node, theirs: &serde_yaml::Value) -> Option<&'a Node> {
    use serde_yaml::Value;
    let same = match (&ours.tree, theirs) {
        (Tree::Null, Value::Null) => true,
        (Tree::Bool(a), Value::Bool(b)) => a == b,
        (Tree::Integer(a), Value::Number(b)) => b.as_i64() == Some(*a),
        (Tree::Number(raw), Value::Number(b)) => raw.parse::<f64>().ok() == b.as_f64(),
        (Tree::Text(a), Value::String(b)) => a == b,
        (Tree::List(a), Value::Sequence(b)) => {
            return if a.len() == b.len() {
                a.iter().zip(b).find_map(|(x, y)| difference(x, y))
            } else {
                Some(ours)
            };
        }
        (Tree::Map(entries), Value::Mapping(map)) => {
            return entries
                .iter()
                .find_map(|entry| match map.get(entry.key.as_str()) {
                    Some(value) => difference(&entry.value, value),
                    // A key that is no string to the other reader, such as `1:`, is not ours to judge.
                    None => None,
                });
        }
        _ => false,
    };
    (!same).then_some(ours)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::diagnostic::Source;

    fn findings(text: &str) -> Vec<String> {
        let source = Arc::new(Source::new("t.yaml".into(), text.into()));
        let mut findings = Diagnostics::default();
        let documents = super::super::yaml::parse(&source, &mut findings);
        compare(&Piece::whole(&source), &documents, &mut findings);
        findings
            .iter()
            .map(|finding| finding.code.to_string())
            .collect()
    }

    #[test]
    fn readers_that_agree_are_silent() {
        assert!(
            findings("a: no\nb: 012\nc: 1.5\nd: [x, 1, null]\ne: &e {x: 1}\nf: {<<: *e}\n")
                .is_empty()
        );
    }

    #[test]
    fn a_number_beyond_64_bits_is_a_warning() {
        assert_eq!(findings("a: 18446744073709551616\n"), ["yaml-dialect"]);
    }
}
