//! Writes values as YAML: the only door to serde-saphyr's serializer.
//!
//! We use serde-saphyr because the libyaml family writes `no`, `1_000` and `12:30:45` without quotes, and other
//! readers then read something else than text (measured 2026-11-21).

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Number, Value as Json, json};
use serde_saphyr::DoubleQuoted;

use super::envelope::API_VERSION;
use crate::model::Kind;
use crate::model::unseen::{is_visible, mark_unseen};

/// The error of the serializer for a value. The value is already valid JSON, so no user can cause or fix this error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value has no YAML form: {0}")]
pub struct Unwritable(String);

/// Returns the first line of a manifest file, by which editors find the schema.
pub fn modeline(schema: &str) -> String {
    format!("# yaml-language-server: $schema={schema}\n")
}

/// Builds the document of an object. `identity` are the members of `spec` that hold its ids at the vendor.
pub fn object(
    kind: Kind,
    name: &str,
    connection: &str,
    identity: &[(&'static str, Json)],
    desired: Json,
) -> Json {
    let mut spec = serde_json::Map::new();
    spec.insert("connection".into(), Json::from(connection));
    for (name, id) in identity {
        spec.insert((*name).into(), id.clone());
    }
    spec.insert("desired".into(), desired);
    json!({
        "apiVersion": API_VERSION,
        "kind": kind.0,
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// Writes a value as a YAML document: members in their order, texts of several lines as blocks, numbers with the
/// digits that they have.
///
/// Two sorts of text are written with escapes: those with invisible characters, and those that a CI runner would take
/// for a command when the document is printed into its log, such as `::add-mask::` at the start of a line.
///
/// The serializer cannot choose the style of a single text. So each such text is replaced by a placeholder first:
/// `{note: "::stop"}` becomes `note: entitle-escaped-0-`, and then the placeholder becomes the quoted text. The stem
/// of the placeholders grows by `-` until the value does not contain it.
pub fn yaml(value: &Json) -> Result<String, Unwritable> {
    let mut texts = BTreeSet::new();
    collect_hazards(value, &mut texts);
    if texts.is_empty() {
        return plain_yaml(value);
    }
    // The serializer cannot set the style of a single text, so it writes placeholders, which are replaced below.
    let plain = value.to_string();
    let mut stem = "entitle-escaped".to_string();
    while plain.contains(&stem) {
        stem.push('-');
    }
    let names: BTreeMap<String, String> = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| (text, format!("{stem}-{number}-")))
        .collect();
    let mut text = plain_yaml(&renamed(value, &names))?;
    for (hazard, name) in &names {
        text = text.replace(name, &quoted(hazard));
    }
    Ok(text)
}

/// Reports whether a text needs escapes: it has an invisible character, or a line that a CI runner would take for a
/// command (`::…` or `##…`).
pub fn needs_escapes(text: &str) -> bool {
    let seen = |line: &str| is_visible(line) && !line.trim_start().starts_with("::");
    text.contains("##") || !text.split(['\n', '\t']).all(seen)
}

/// Collects the names of members and the texts that need escapes, at any depth.
fn collect_hazards(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if needs_escapes(text) => {
            found.insert(text.clone());
        }
        Json::Array(items) => items.iter().for_each(|item| collect_hazards(item, found)),
        Json::Object(members) => {
            found.extend(members.keys().filter(|name| needs_escapes(name)).cloned());
            members
                .values()
                .for_each(|value| collect_hazards(value, found));
        }
        _ => {}
    }
}

/// Returns a value with every such text replaced by its placeholder in `names`.
fn renamed(value: &Json, names: &BTreeMap<String, String>) -> Json {
    let name = |text: &String| names.get(text).unwrap_or(text).clone();
    match value {
        Json::String(text) => Json::String(name(text)),
        Json::Array(items) => items.iter().map(|item| renamed(item, names)).collect(),
        Json::Object(members) => {
            let members = members.iter();
            members
                .map(|(key, value)| (name(key), renamed(value, names)))
                .collect()
        }
        other => other.clone(),
    }
}

/// Returns a text in double quotes with every invisible character as an escape.
///
/// For example `a`, a zero-width space and `b` become `"a\U0000200Bb"`. Of `##` the second `#` becomes `\x23`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut last = ' ';
    for (c, unseen) in mark_unseen(text) {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '#' if last == '#' => out.push_str("\\x23"),
            c if unseen => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
        last = c;
    }
    out.push('"');
    out
}

/// Writes a value that has no text to be escaped. Numbers are written here, so that each keeps its digits.
fn plain_yaml(value: &Json) -> Result<String, Unwritable> {
    match value {
        Json::Object(members) if !members.is_empty() => {
            let members = members.iter().map(|(name, value)| member(name, value));
            members.collect()
        }
        Json::Array(items) if !items.is_empty() => items.iter().map(item).collect(),
        Json::Number(number) => Ok(digits(number) + "\n"),
        value => by_itself(value),
    }
}

/// Writes one member: its value on the same line, or below it two columns further in.
fn member(name: &str, value: &Json) -> Result<String, Unwritable> {
    // The serializer quotes names and values each in its place.
    let one = |value: &Json| by_itself(&json!({ name: value }));
    let named = |end: &str, value: String| {
        let name = one(&Json::Null)?;
        let name = name.strip_suffix("null\n").ok_or_else(unexpected)?;
        Ok(format!("{}{end}{value}", name.trim_end_matches(' ')))
    };
    match value {
        Json::Number(number) => named(" ", digits(number) + "\n"),
        value if is_empty(value) => one(value),
        value => named("\n", indented(&plain_yaml(value)?, true)),
    }
}

/// Writes one item of a list behind `- `, with its further lines two columns further in.
fn item(value: &Json) -> Result<String, Unwritable> {
    if is_empty(value) && !value.is_number() {
        return by_itself(&Json::from_iter([value.clone()]));
    }
    Ok(format!("- {}", indented(&plain_yaml(value)?, false)))
}

/// Reports whether a value is a scalar, an empty map or an empty list: no members or items stand below it.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Object(members) => members.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
    }
}

/// Indents a block by two columns: from its first line on if `first`, otherwise from the second. Empty lines stay
/// empty.
fn indented(block: &str, first: bool) -> String {
    let mut text = String::with_capacity(block.len() * 2);
    for (number, line) in block.split_inclusive('\n').enumerate() {
        if line != "\n" && (first || number > 0) {
            text.push_str("  ");
        }
        text.push_str(line);
    }
    text
}

/// Spells a number so that readers of YAML 1.1 take it for one: `1e-7` is text to them and becomes `1.0e-7`, `2E5`
/// becomes `2.0e+5`. Every digit stays.
fn digits(number: &Number) -> String {
    let text = number.as_str();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text.to_string();
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let plus = if exponent.starts_with(['-', '+']) {
        ""
    } else {
        "+"
    };
    format!("{mantissa}{point}e{plus}{exponent}")
}

/// Returns the error for a serializer that no longer writes `null`, from which the name of a member is cut.
fn unexpected() -> Unwritable {
    Unwritable("null is spelled in another way".into())
}

/// Writes a scalar that is no number, or a map or list of one, with the serializer itself.
fn by_itself(value: &Json) -> Result<String, Unwritable> {
    let options = serde_saphyr::ser_options! {
        // A folded text shows every change of a word as a change of many lines.
        folded_wrap_chars: usize::MAX,
        // As in the examples: items stand further in than the name of their list.
        compact_list_indent: false,
    };
    let mut text = serde_saphyr::to_string_with_options(&Quoting(value), options)
        .map_err(|error| Unwritable(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Serializes a value, with quotes around texts whose block form libyaml cannot read.
struct Quoting<'a>(&'a Json);

impl Serialize for Quoting<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::String(text) if begins_with_tab(text) => {
                DoubleQuoted(text.as_str()).serialize(serializer)
            }
            Json::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, &Quoting(value))?;
                }
                map.end()
            }
            Json::Array(items) => serializer.collect_seq(items.iter().map(Quoting)),
            value => value.serialize(serializer),
        }
    }
}

/// Reports whether the first line that is not empty begins with a tab. libyaml takes a tab at the start of a block for
/// an indentation.
fn begins_with_tab(text: &str) -> bool {
    text.contains('\n') && text.trim_start_matches('\n').starts_with('\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_lines_that_begins_with_a_tab_is_quoted() {
        let written = |text: &str| yaml(&json!({"a": {"b": text}})).expect("YAML");
        assert_eq!(written("\tx\ny"), "a:\n  b: \"\\tx\\ny\"\n");
        assert_eq!(written("\n\tx"), "a:\n  b: \"\\n\\tx\"\n");
        assert_eq!(written("x\n\ty"), "a:\n  b: |-\n    x\n    \ty\n");
        assert_eq!(written("\tx"), "a:\n  b: \"\\tx\"\n");
    }

    #[test]
    fn numbers_keep_their_digits_and_are_numbers_to_older_readers() {
        for (digits, spelled) in [
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.10", "0.10"),
            ("1e-7", "1.0e-7"),
            ("1.5E300", "1.5e+300"),
        ] {
            let number: Json = serde_json::from_str(digits).expect("JSON");
            let document = json!({"x": number, "list": [number, {"m": number}]});
            let expected = format!("x: {spelled}\nlist:\n  - {spelled}\n  - m: {spelled}\n");
            assert_eq!(yaml(&document).expect("YAML"), expected);
        }
    }

    /// Values without numbers are laid out as the serializer lays them out.
    #[test]
    fn the_layout_is_that_of_the_serializer() {
        let document = json!({
            "a": {"b": "x", "c": [], "d": {}, "e": null, "no": true, "": "two\nlines\n"},
            "f": ["y", ["z", ["w"]], [], {"g": "more\n\n lines", "h": {"i": "j"}}, {}, null, " \n"],
            "k: l": "m: n"
        });
        let whole = by_itself(&document).expect("YAML");
        assert_eq!(yaml(&document).expect("YAML"), whole);
    }

    #[test]
    fn nothing_in_a_document_hides_or_commands_and_every_value_is_kept() {
        let value = json!({
            "plain": "license",
            "bidi": "abc\u{202e}cba \"q\" \\ ü",
            "control": "a\u{1b}[2Jb\u{9b}\u{85}",
            "soft": "lic\u{ad}ense",
            "block": "one\n  ::error::x\nthree\n",
            "azure": "x ###vso[task.setvariable]y",
            "name\u{200b}": ["::a", "entitle-escaped", "\u{10ffff}"],
            "lines": "one\ntwo\n",
        });
        let text = yaml(&value).expect("written");
        let seen = text
            .lines()
            .all(|line| is_visible(line) && !line.trim_start().starts_with("::"));
        assert!(seen && !text.contains("##"), "{text}");
        assert!(
            text.contains("plain: license\n") && text.contains("lines: |"),
            "{text}"
        );
        let read: Json = serde_json::to_value(
            serde_yaml::from_str::<serde_yaml::Value>(&text).expect("another reader reads it"),
        )
        .expect("JSON");
        assert_eq!(read, value, "{text}");
    }
}
