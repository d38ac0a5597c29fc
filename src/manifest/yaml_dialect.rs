//! Warns where other YAML tools read a manifest differently, after reading it with libyaml as a second reader.
//!
//! Manifests are also read by editors, kustomize and yq, most of them built on libyaml. A value that two readers
//! understand differently is a trap even if ours is right. For example `n: 0X1F` is the number 31 to one of them and
//! text to the other. The text has passed the budget of the first reader by now, which bounds the cost of the second.

use std::fmt;

use serde::de::value::EnumAccessDeserializer;
use serde::de::{Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::piece::Piece;
use super::yaml;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Tree};

/// Reports whether the readers could differ at all. Most files need not be read twice.
///
/// Over 61 spellings of scalars they differed only on numbers that are no 64-bit integers and on the prefixes `0X` and
/// `0O`. Structures may differ at anchors, tags, directives and tabs.
pub fn may_differ(text: &str, documents: &[Node]) -> bool {
    text.contains(['&', '*', '!', '%', '\t', '?'])
        || text.contains("0X")
        || text.contains("0O")
        || documents.iter().any(contains_number)
}

/// Reports whether a number that is no 64-bit integer stands anywhere in a node.
fn contains_number(node: &Node) -> bool {
    match &node.tree {
        Tree::Number(_) => true,
        Tree::List(items) => items.iter().any(contains_number),
        Tree::Map(entries) => entries.iter().any(|entry| contains_number(&entry.value)),
        Tree::Null | Tree::Bool(_) | Tree::Integer(_) | Tree::Text(_) => false,
    }
}

/// Compares the documents that libyaml reads in a piece with `documents`, and warns about the first difference in
/// each.
///
/// Empty documents are left out on both sides, so the rest pairs up by index. Merge keys (`<<`) are applied to the
/// values of libyaml first. Text that libyaml cannot read at all is one warning at its
/// place.
pub fn warn_of_differences(piece: &Piece, documents: &[Node], findings: &mut Diagnostics) {
    let (source, text) = (&piece.source, piece.text());
    let mut theirs = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        match Lenient::deserialize(document) {
            Ok(Lenient(serde_yaml::Value::Null)) => {}
            Ok(Lenient(mut value)) => {
                if value.apply_merge().is_err() {
                    return;
                }
                theirs.push(value);
            }
            Err(error) => {
                // Lines end at more characters to libyaml than to us, so only its offset is used.
                let offset = error.location().map_or(0, |location| location.index());
                let location = piece.to_file_mark(Mark::at(text, offset));
                let hint = match source.line_at(location).contains('\t') {
                    true => "write spaces in place of tabs",
                    false => "write the value in quotes, or in plain decimal digits",
                };
                let message = "other YAML tools cannot read this";
                let finding = Diagnostic::warning("yaml-dialect", message).hint(hint);
                findings.push(yaml::hide_if_secret(
                    finding.at(source, location),
                    source,
                    location,
                ));
                return;
            }
        }
    }
    for (ours, theirs) in documents.iter().zip(&theirs) {
        if let Some(node) = find_difference(ours, theirs) {
            let finding = Diagnostic::warning(
                "yaml-dialect",
                format!("other YAML tools do not read this as {}", node.describe()),
            );
            let mut finding =
                yaml::hide_if_secret(finding.at(source, node.mark), source, node.mark);
            if finding.hidden {
                finding.message = "other YAML tools read this differently".into();
            }
            let hint = "write the value in quotes, or in plain decimal digits";
            findings.push(finding.hint(hint));
        }
    }
}

/// Returns the first of our nodes that the other reader understands differently; `None` if they agree.
fn find_difference<'a>(ours: &'a Node, theirs: &serde_yaml::Value) -> Option<&'a Node> {
    use serde_yaml::Value;
    let is_equal = match (&ours.tree, theirs) {
        (Tree::Null, Value::Null) => true,
        (Tree::Bool(a), Value::Bool(b)) => a == b,
        (Tree::Integer(a), Value::Number(b)) => b.as_i64() == Some(*a),
        // Infinity is a number to both.
        (Tree::Number(raw), Value::Number(b)) => {
            raw.parse::<f64>().map_or(true, |a| Some(a) == b.as_f64())
        }
        (Tree::Text(a), Value::String(b)) => a == b,
        (Tree::List(a), Value::Sequence(b)) => {
            return if a.len() == b.len() {
                a.iter().zip(b).find_map(|(x, y)| find_difference(x, y))
            } else {
                Some(ours)
            };
        }
        (Tree::Map(entries), Value::Mapping(map)) => {
            return entries
                .iter()
                .find_map(|entry| match map.get(entry.key.as_str()) {
                    Some(value) => find_difference(&entry.value, value),
                    // A key that is no string to the other reader, such as `1:`, is not ours to judge.
                    None => None,
                });
        }
        _ => false,
    };
    (!is_equal).then_some(ours)
}

/// A value as the other reader gives it. An integer beyond 64 bits, which other tools on libyaml read, becomes the
/// nearest floating-point number, by which it is compared: `serde_yaml::Value` cannot hold it.
struct Lenient(serde_yaml::Value);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DialectValue).map(Self)
    }
}

/// The visitor of [`Lenient`]: what `serde_yaml` itself does, and floating-point numbers for large integers.
struct DialectValue;

impl<'de> Visitor<'de> for DialectValue {
    type Value = serde_yaml::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(serde_yaml::Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Self::Value, E> {
        Ok((value as f64).into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Self::Value, E> {
        Ok((value as f64).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Lenient(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(serde_yaml::Value::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = serde_yaml::Mapping::new();
        while let Some((Lenient(key), Lenient(value))) = access.next_entry()? {
            members.insert(key, value);
        }
        Ok(serde_yaml::Value::Mapping(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        serde_yaml::Value::deserialize(EnumAccessDeserializer::new(access))
    }
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
        warn_of_differences(&Piece::whole(source), &documents, &mut findings);
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
    fn a_number_in_decimal_digits_is_read_by_all() {
        for number in [
            "18446744073709551616",
            "12345678901234567890123",
            "-170141183460469231731687303715884105729",
            "9999999999999999999999999999999999999999999",
            "1e300",
            ".5",
            "+1.5",
            "6.",
            "01.5",
            "1.e3",
        ] {
            assert_eq!(findings(&format!("n: {number}\n")), [""; 0], "{number}");
        }
        assert_eq!(
            findings("n: 1e400\n"),
            ["yaml-dialect"],
            "infinite to most readers"
        );
    }
}
