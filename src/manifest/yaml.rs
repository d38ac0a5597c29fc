//! Parses text to documents: the only door to serde-saphyr, with our options and budget.
//!
//! serde-saphyr stops alias bombs by its budget and knows the position of every scalar. Readers of the libyaml family
//! accept a 260 kB file that unfolds to 3.8 GB, and silently keep the last of two equal keys (measured 2026-11-21).
//!
//! The input is a piece of a file; the output is nodes with the line, column and byte range of each value. This module
//! knows nothing of kinds and members. For example `seats: 5` gives a map with one entry: its key is at bytes 0 to 5,
//! its value `Integer(5)` at bytes 7 to 8.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, NonFiniteFloatPolicy, Options, Spanned};

use super::piece::Piece;
use crate::model::diagnostic::Source;
use crate::model::json::json_number;
use crate::model::node::Entry;
use crate::model::{Diagnostic, Diagnostics, Mark, Node, Origin, Tree, secret};

/// Largest manifest file that is read.
pub const MAX_FILE_BYTES: u64 = 128 << 20;

/// Most values in one file: room for tens of thousands of objects, and few enough that a hostile file takes no more
/// than about 600 MB (measured 2026-11-21).
const MAX_NODES: usize = 2_000_000;

/// Most values that anchors and aliases may stand for in one file: far more than any manifest repeats, and soon
/// reached by an alias bomb.
const MAX_ALIASED: usize = 200_000;

/// The code of the finding about text that is not valid YAML.
const SYNTAX: &str = "yaml-syntax";

/// Returns the options of every parse: the budget, and the spellings that stay text.
///
/// `yes` and `no` are text, as in YAML 1.2, and so are `007` and `1_000`: other readers disagree on their number.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_documents: 250_000,
            max_recorded_anchor_events: MAX_ALIASED,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED },
        // Duplicates are passed on so that the finding can show both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // A number too large for floating point keeps its digits and its position, which the finding about it shows.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// Parses every document of a file. Returns no documents, after a finding, if the file is not valid. Skips empty
/// documents, as YAML tools do.
pub fn parse(source: &Arc<Source>, findings: &mut Diagnostics) -> Vec<Node> {
    parse_piece(&Piece::whole(Arc::clone(source)), findings).unwrap_or_else(|error| {
        findings.push(explain_error(source, &error));
        Vec::new()
    })
}

/// Parses the documents of a piece of a file. `Err` if the piece is not valid by itself; the caller then parses the
/// whole file, which finds the place.
pub fn parse_piece(
    piece: &Piece,
    findings: &mut Diagnostics,
) -> Result<Vec<Node>, Box<serde_saphyr::Error>> {
    let raw = serde_saphyr::from_multiple_with_options::<Raw>(piece.text(), options())?;
    let mut builder = TreeBuilder { piece, findings };
    Ok(raw.into_iter().map(|raw| builder.build(raw)).collect())
}

/// Returns the finding about a file that is not valid.
fn explain_error(source: &Arc<Source>, error: &serde_saphyr::Error) -> Diagnostic {
    use serde_saphyr::Error;
    let mut cause = error.without_snippet();
    while let Error::AliasError { error, .. } = cause {
        cause = error;
    }
    let aliases = matches!(
        cause,
        Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. }
    );
    let text = cause.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let too_deep = text.contains("recursion limit");
    let finding = if aliases || too_deep || matches!(cause, Error::Budget { .. }) {
        Diagnostic::error(
            "yaml-budget",
            "the file is too large or too deep to be a manifest",
        )
        .hint("split the file, or remove the aliases that multiply it")
    } else {
        // The place is shown by the finding itself.
        let text = text
            .split(" at line ")
            .next()
            .unwrap_or(&text)
            .trim_end_matches([':', ' ']);
        Diagnostic::error(SYNTAX, format!("not valid YAML: {text}"))
    };
    if finding.code == SYNTAX
        && let Some(mark) = find_conflict_marker(&source.text)
    {
        let finding = Diagnostic::error(
            "conflict-markers",
            "the file has conflict markers of git, so it is not valid YAML",
        );
        let finding = finding.hint("keep one side or merge both, then remove the markers");
        return hide_if_secret(finding.at(source, mark), source, mark);
    }
    let mark = match error.location() {
        Some(location) if location.span().byte_offset().is_some_and(|at| at > 0) => {
            mark_of(location)
        }
        // Errors of the scanner come without offsets.
        Some(location) => Mark::near(
            &source.text,
            location.line() as usize,
            location.column() as usize,
        ),
        None => Mark::at(&source.text, 0),
    };
    hide_if_secret(finding.at(source, mark), source, mark)
}

/// Returns the place of the first conflict marker; `None` unless lines of the text begin with those of both sides.
fn find_conflict_marker(text: &str) -> Option<Mark> {
    const OURS: &str = "<<<<<<< ";
    let begins = |marker: &str| text.starts_with(marker) || text.contains(&format!("\n{marker}"));
    let at = match text.starts_with(OURS) {
        true => 0,
        false => text.find(&format!("\n{OURS}"))? + 1,
    };
    let both = begins("=======") && begins(">>>>>>> ");
    both.then(|| Mark {
        end: u32::try_from(at + OURS.trim_end().len()).unwrap_or(u32::MAX),
        ..Mark::at(text, at)
    })
}

/// Hides the line of a finding about the text itself if the document names a secret in that line or before it: in a
/// document with a broken structure, any later line may be a part of the secret.
pub fn hide_if_secret(finding: Diagnostic, source: &Arc<Source>, mark: Mark) -> Diagnostic {
    if may_be_secret(&source.text, mark) {
        finding.hide()
    } else {
        finding
    }
}

/// Reports whether the document around a place names a secret in any line up to and including that of the place.
fn may_be_secret(text: &str, mark: Mark) -> bool {
    let lines: Vec<&str> = text.lines().take(mark.line as usize).collect();
    let is_document = |line: &&str| *line == "---" || line.starts_with("--- ");
    let first = lines.iter().rposition(is_document).unwrap_or(0);
    lines[first..]
        .iter()
        .any(|line| secret::mentions_secret(line))
}

/// Converts a place of serde-saphyr to ours. Numbers beyond 32 bits become the largest: files are far smaller.
fn mark_of(location: Location) -> Mark {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let start = number(location.span().byte_offset().unwrap_or(0));
    let length = number(location.span().byte_len().unwrap_or(0));
    Mark {
        line: number(location.line()),
        column: number(location.column()),
        start,
        end: start.saturating_add(length),
    }
}

/// A value as serde-saphyr returns it.
struct Raw(Spanned<RawTree>);

/// A tree before its numbers got their spelling from the source.
enum RawTree {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number whose spelling is still to be taken from the source. `Some` holds the decimal digits of an integer,
    /// which count if the source has it in another base.
    Number(Option<String>),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<RawTree>::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// A visitor that accepts every type to which the parser can resolve a scalar.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = RawTree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawTree, E> {
        Ok(RawTree::Null)
    }

    fn visit_none<E>(self) -> Result<RawTree, E> {
        Ok(RawTree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawTree, E> {
        Ok(RawTree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawTree, E> {
        Ok(RawTree::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawTree, E> {
        Ok(integer_tree(value))
    }

    fn visit_i128<E>(self, value: i128) -> Result<RawTree, E> {
        Ok(integer_tree(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<RawTree, E> {
        Ok(integer_tree(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawTree, E> {
        Ok(RawTree::Number(None))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawTree, E> {
        Ok(RawTree::Text(value.to_string()))
    }

    fn visit_string<E>(self, value: String) -> Result<RawTree, E> {
        Ok(RawTree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawTree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(RawTree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawTree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(RawTree::Map(entries))
    }
}

/// Returns an integer if the value fits into a signed 64-bit one, otherwise a number with its decimal digits.
fn integer_tree<T: TryInto<i64> + fmt::Display + Copy>(value: T) -> RawTree {
    match value.try_into() {
        Ok(value) => RawTree::Integer(value),
        Err(_) => RawTree::Number(Some(value.to_string())),
    }
}

/// Converts a number of YAML's core schema in a base other than ten: to decimal digits if it fits into 128 bits,
/// otherwise unchanged. Returns `None` for any other text. For example `0x1F` gives `31`.
fn decimal_of_other_base(text: &str) -> Option<String> {
    let (digits, base) = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => (digits, 16),
        (None, digits) => (digits?, 8),
    };
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    let decimal = |number: u128| number.to_string();
    is_number.then(|| u128::from_str_radix(digits, base).map_or_else(|_| text.to_string(), decimal))
}

/// Builds trees: numbers get their spelling and values their place in the file; keys that occur twice are reported.
struct TreeBuilder<'a> {
    piece: &'a Piece,
    findings: &'a mut Diagnostics,
}

impl TreeBuilder<'_> {
    /// Converts one value and everything below it.
    ///
    /// The position of an alias is the line that uses it, not the line of its anchor: the finding is about the use.
    fn build(&mut self, raw: Raw) -> Node {
        let tree = match raw.0.value {
            RawTree::Null => Tree::Null,
            RawTree::Bool(value) => Tree::Bool(value),
            RawTree::Integer(value) => Tree::Integer(value),
            RawTree::Number(integer) => {
                let text = self.source_text(raw.0.defined);
                Tree::Number(match integer {
                    Some(digits) if json_number(text).is_none() => digits,
                    Some(_) | None => text.to_string(),
                })
            }
            // The parser returns a number as text if none of its types is large enough.
            RawTree::Text(text) => match decimal_of_other_base(&text) {
                Some(number) if self.source_text(raw.0.defined) == text => Tree::Number(number),
                Some(_) | None => Tree::Text(text),
            },
            RawTree::List(items) => {
                Tree::List(items.into_iter().map(|item| self.build(item)).collect())
            }
            RawTree::Map(entries) => Tree::Map(self.build_map(entries)),
        };
        let mark = self.piece.to_file_mark(mark_of(raw.0.referenced));
        Node { tree, mark }
    }

    /// Returns a scalar as it is spelled in the source.
    fn source_text(&self, at: Location) -> &str {
        let text = self.piece.text().get(mark_of(at).range());
        text.unwrap_or_default().trim()
    }

    /// Converts the entries of a map. A key that occurs twice becomes a finding with both positions, and the first
    /// value is kept.
    fn build_map(&mut self, raw: Vec<(Spanned<String>, Raw)>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
        let mut first_places = std::collections::HashMap::with_capacity(raw.len());
        for (key, value) in raw {
            let key_mark = self.piece.to_file_mark(mark_of(key.referenced));
            if let Some(first) = first_places.insert(key.value.clone(), key_mark) {
                let source = &self.piece.source;
                let message = format!("the key `{}` stands twice in one map", key.value);
                let first = Origin {
                    source: Arc::clone(source),
                    mark: first,
                };
                let finding = Diagnostic::error("duplicate-key", message)
                    .at(source, key_mark)
                    .also(first, "it stands here first");
                self.findings.push(finding);
                continue;
            }
            let value = self.build(value);
            entries.push(Entry {
                key: key.value,
                key_mark,
                value,
            });
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
        let source = Arc::new(Source::new("t.yaml".into(), text.into()));
        let mut findings = Diagnostics::default();
        let nodes = parse(&source, &mut findings);
        (nodes, findings.iter().cloned().collect())
    }

    #[test]
    fn scalars_keep_their_meaning_and_place() {
        let (nodes, findings) =
            read("a: no\nb: 012\nc: 1_000\nd: 6.0\ne: 18446744073709551616\nf: true\ng: -7\n");
        assert!(findings.is_empty(), "{findings:?}");
        let doc = &nodes[0];
        assert_eq!(doc.get("a").unwrap().text(), Some("no"));
        assert_eq!(doc.get("b").unwrap().text(), Some("012"));
        assert_eq!(doc.get("c").unwrap().text(), Some("1_000"));
        assert_eq!(doc.get("d").unwrap().tree, Tree::Number("6.0".into()));
        assert_eq!(
            doc.get("e").unwrap().tree,
            Tree::Number("18446744073709551616".into())
        );
        assert_eq!(doc.get("f").unwrap().tree, Tree::Bool(true));
        assert_eq!(doc.get("g").unwrap().tree, Tree::Integer(-7));
        let mark = doc.get("d").unwrap().mark;
        assert_eq!((mark.line, mark.column), (4, 4));
    }

    #[test]
    fn a_number_is_a_number_whatever_its_size_and_base() {
        let number = |text: &str| {
            let (nodes, findings) = read(&format!("n: {text}\n"));
            assert!(findings.is_empty(), "{findings:?}");
            nodes[0].get("n").unwrap().tree.clone()
        };
        for (text, tree) in [
            ("12345678901234567890123", "12345678901234567890123"),
            ("0xffffffffffffffff", "18446744073709551615"),
            ("0xffffffffffffffffff", "4722366482869645213695"),
            ("0o7777777777777777777777777", "37778931862957161709567"),
            (".5", ".5"),
            ("+1.5", "+1.5"),
            ("6.", "6."),
            ("01.5", "01.5"),
            ("1.e3", "1.e3"),
            ("1e400", "1e400"),
            (".inf", ".inf"),
            ("0.10", "0.10"),
        ] {
            assert_eq!(number(text), Tree::Number(tree.into()), "{text}");
        }
        let long = format!("0x{}", "f".repeat(40));
        assert_eq!(number(&long), Tree::Number(long.clone()));
        assert_eq!(number(&format!("'{long}'")), Tree::Text(long));
        for (text, integer) in [("0x1F", 31), ("0o17", 15), ("+12", 12), ("-0", 0)] {
            assert_eq!(number(text), Tree::Integer(integer), "{text}");
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_found_with_both_places() {
        let (_, findings) = read("spec:\n  a: 1\n  b: 2\n  a: 3\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].code, "duplicate-key");
        assert_eq!(findings[0].origin.as_ref().unwrap().mark.line, 4);
        assert_eq!(findings[0].related.as_ref().unwrap().0.mark.line, 2);
    }

    #[test]
    fn bombs_and_depth_are_stopped() {
        let deep = "[".repeat(20_000);
        let mut quadratic = format!("a: &a \"{}\"\nb:\n", "x".repeat(200_000));
        quadratic.push_str(&"- *a\n".repeat(20_000));
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let alias = format!("*a{},", level - 1).repeat(10);
            laughs.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
        }
        for text in [deep, quadratic, laughs] {
            let (nodes, findings) = read(&text);
            assert!(nodes.is_empty());
            assert_eq!(findings.len(), 1);
            assert!(
                ["yaml-budget", "yaml-syntax"].contains(&findings[0].code),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn merge_keys_and_aliases_are_read() {
        let (nodes, findings) = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n");
        assert!(findings.is_empty(), "{findings:?}");
        let used = nodes[0].get("use").unwrap();
        assert_eq!(used.get("x").unwrap().tree, Tree::Integer(1));
        assert_eq!(used.get("y").unwrap().tree, Tree::Integer(3));
    }
}
