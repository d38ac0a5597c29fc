//! What is written and edited as YAML, on random values and texts: both readers read it back the same, and
//! nothing but what was meant changes.

use std::sync::Arc;

use entitle::manifest::edit::{
    self, Edit, EditAction, EditError, EditedFile, PathStep, same_values,
};
use entitle::manifest::{fmt, write};
use entitle::model::diagnostic::Source;
use entitle::model::json::{json_number, same_json};
use entitle::model::{Mark, Node};
use entitle::provider;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Texts that YAML readers like to take for something else, and any others.
fn text() -> impl Strategy<Value = String> {
    const AWKWARD: &[&str] = &[
        "",
        "no",
        "on",
        "~",
        "null",
        "1_000",
        "012",
        "0x1F",
        "1e3",
        "12:30:45",
        "2027-01-01",
        "=",
        "<<",
        "- a",
        "a: b",
        "# no comment",
        " lead",
        "trail ",
        "two\nlines",
        "two\nlines\n",
        "\n",
        "\tx",
        "a\u{7}b",
        "\r\n",
        "'",
        "\"",
        "\\",
        "%",
        "@x",
        "`x",
        "!tag",
        "&a",
        "*a",
        "|",
        ">",
        "?",
        "[",
        "{",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "...",
        "---",
        "a\n  b\n c",
        "\tx\ny",
        "\n\tx",
        "\t\n",
        " \tx\ny",
        "a #b",
        "é",
        "18446744073709551616",
    ];
    prop_oneof![
        proptest::sample::select(AWKWARD).prop_map(str::to_string),
        "[ -~\n]{0,24}",
        "\\PC{0,12}",
        "[\t\n x]{0,8}",
        any::<String>(),
        "[a-z ]{90,120}",
    ]
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1000i32..1000).prop_map(|n| json!(f64::from(n) / 8.0)),
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?(e-?[1-9][0-9]?)?"
            .prop_map(|digits| digits.parse().expect("JSON")),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map(text(), inner, 0..4).prop_map(Json::from_iter),
        ]
    })
}

/// A value as our reader gives it.
fn json_of(node: &Node) -> Json {
    use entitle::model::Tree;
    match &node.tree {
        Tree::Null => Json::Null,
        Tree::Bool(value) => json!(value),
        Tree::Integer(value) => json!(value),
        Tree::Number(raw) => json_number(raw).map_or_else(|| json!(raw), Json::Number),
        Tree::Text(text) => json!(text),
        Tree::List(items) => items.iter().map(json_of).collect(),
        Tree::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), json_of(&entry.value)))
            .collect(),
    }
}

/// Numbers as numbers: 2.0 and 2 are two spellings to one reader and one to another.
fn equal(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(a), Json::Number(b)) => same_json(one, other) || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            let found = |(name, a): (&String, &Json)| b.get(name).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(found)
        }
        (a, b) => a == b,
    }
}

/// Lines of a manifest in an order of their own, with what people put between them.
fn manifest() -> impl Strategy<Value = String> {
    let noise = proptest::sample::select(
        &[
            "",
            "",
            "",
            "# a comment\n",
            "\n",
            "# two\n# lines\n",
            "   # odd\n",
            "\n# after a gap\n",
        ][..],
    );
    let spec = prop_oneof![
        Just(
            "spec:\n  # wanted\n  desired:\n    a: |\n      text\n      # no comment\n    b: &x [1, 2]\n  # id\n  activationKey: k\n"
        ),
        Just(
            "spec:\n    policy: {}\n    desired: {a: 1}   # tail\n    activationKey: \"k\"\n    connection: c\n"
        ),
        Just("spec: {desired: {}, activationKey: k}\n"),
        Just("spec:\n  activationKey: k\n  desired:\n  - odd\n"),
        Just("spec:\n  desired: &d\n    x: 1\n  policy: *d\n  activationKey: k\n"),
        Just("spec: {\n  desired: {},\n  activationKey: k }\n"),
        Just("spec:\n  desired: >-\n    folded\n    text\n\n  activationKey: 'it''s'\n"),
        Just("? spec\n: {desired: {}, activationKey: k}\n"),
    ];
    let metadata = prop_oneof![
        Just("metadata: {labels: {a: b}, name: n}\n"),
        Just("metadata:\n  annotations: {x: y}\n  # the name\n  name: n\n"),
        Just("metadata:\n  name: n\n"),
    ];
    let version = prop_oneof![
        4 => Just("apiVersion: entitle.dev/v1\n"),
        1 => Just("apiVersion: apps/v1\n"),
    ];
    let kind = prop_oneof![
        Just("kind: LacLicenseOrder\n"),
        Just("kind: Connection # x\n")
    ];
    let parts = (version, kind, metadata, spec).prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    (parts.prop_shuffle(), proptest::collection::vec(noise, 5)).prop_map(|(parts, noise)| {
        let mut text = String::new();
        for (part, noise) in parts.iter().zip(&noise) {
            text.push_str(noise);
            text.push_str(part);
        }
        text + noise[4]
    })
}

fn file() -> impl Strategy<Value = String> {
    let documents = proptest::collection::vec(manifest(), 1..4);
    (documents, 0..4u8, any::<bool>(), any::<bool>()).prop_map(|(documents, style, bom, cut)| {
        let mut text = documents.join("---\n");
        if cut {
            text.truncate(text.trim_end().len());
        }
        if style == 0 {
            text = text.replace('\n', "\r\n");
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        text
    })
}

fn comments(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> = text
        .lines()
        .filter_map(|line| line.find('#').map(|at| line[at..].trim_end()))
        .collect();
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_both_readers_read_back(value in value()) {
        let document = json!({"a": value, "z": [value]});
        let text = write::yaml(&document).expect("JSON has a YAML form");
        let read = edit::parse_documents(&text);
        prop_assert!(read.is_some(), "unreadable:\n{text}");
        let ours = json_of(&read.expect("some")[0]);
        prop_assert!(same_json(&ours, &document), "{ours}\n{document}\n{text}");
        // The other reader takes a key "<<" for a merge even in quotes; ours reads it as it is meant.
        if !text.contains("<<") {
            let theirs: Result<Json, _> = serde_yaml::from_str(&text);
            prop_assert!(theirs.as_ref().is_ok_and(|theirs| equal(theirs, &document)), "{theirs:?}\n{text}");
        }
    }

    #[test]
    fn formatting_is_idempotent_and_keeps_values_and_comments(text in file()) {
        let kinds = provider::kind_rows();
        let Some(before) = edit::parse_documents(&text) else {
            prop_assert_eq!(fmt::format(&text, &kinds), None);
            return Ok(());
        };
        let once = fmt::format(&text, &kinds).expect("readable");
        let after = edit::parse_documents(&once.text).expect("readable");
        prop_assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(same_values(before, after), "{text}\n=====\n{}", once.text);
        }
        prop_assert_eq!(comments(&text), comments(&once.text));
        prop_assert_eq!(text.starts_with('\u{feff}'), once.text.starts_with('\u{feff}'));
        let twice = fmt::format(&once.text, &kinds).expect("readable");
        prop_assert_eq!(&twice.text, &once.text);
    }

    #[test]
    fn an_edit_makes_its_change_or_none(text in file(), value in value(), what in 0..5usize) {
        let ways: [&[&str]; 5] = [&["metadata", "name"], &["spec", "desired", "a"], &["spec", "desired"],
            &["spec", "activationKey"], &["spec", "desired", "new"]];
        let way = ways[what].iter().map(|name| PathStep::Member(name.to_string())).collect();
        let Some(before) = edit::parse_documents(&text) else { return Ok(()) };
        let change = Edit { path: way, action: EditAction::Set(value.clone()) };
        let parts = edit::split_documents(&text);
        prop_assert_eq!(parts.concat(), text.as_str());
        if let Ok(edited) = edit::edit_text(parts[0], &[change]) {
            let after = edit::parse_documents(&edited).expect("readable");
            let mut node = &after[0];
            for name in ways[what] {
                node = node.get(name).expect("it is there");
            }
            prop_assert!(equal(&json_of(node), &value), "{value}\n{edited}");
            let whole = edit::parse_documents(&(edited + &parts[1..].concat())).expect("readable");
            prop_assert_eq!(before.len(), whole.len());
            for (before, after) in before.iter().zip(&whole).skip(1) {
                prop_assert!(same_values(before, after));
            }
        }
    }
}

/// How often the editor must refuse: not on the files that people write.
#[test]
fn plain_files_are_formatted_and_edited() {
    let text = "# yaml-language-server: $schema=x\n#\n# About.\nspec: # s\n  desired:\n    Features:\n      - name: A # a\n        version: \"1\"\n      # b\n      - {name: B, version: '2'}\n  activationKey: k\nkind: LacLicenseOrder\napiVersion: entitle.dev/v1\n\nmetadata:\n  name: n\n";
    let done = fmt::format(text, &provider::kind_rows()).expect("readable");
    assert_eq!(done.left, []);
    assert!(
        done.text
            .starts_with("# yaml-language-server: $schema=x\n#\n# About.\napiVersion")
    );
    let item = |index, name: &str| {
        let way = ["spec", "desired", "Features"].map(|name| PathStep::Member(name.into()));
        let mut way = way.to_vec();
        way.extend([PathStep::Item(index), PathStep::Member(name.into())]);
        way
    };
    let set = |index, name: &str, value: Json| Edit {
        path: item(index, name),
        action: EditAction::Set(value),
    };
    let edits = [set(0, "version", json!("3.0")), set(1, "count", json!(5))];
    let edited = edit::edit_text(text, &edits).expect("an edit");
    let expected = text
        .replace("\"1\"", "\"3.0\"")
        .replace("version: '2'}", "version: '2', count: 5}");
    assert_eq!(edited, expected);
}

#[test]
fn an_edit_that_would_reach_further_is_refused() {
    let text = "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n";
    let set = |way: &[&str]| Edit {
        path: way
            .iter()
            .map(|name| PathStep::Member(name.to_string()))
            .collect(),
        action: EditAction::Set(json!(7)),
    };
    for way in [&["a", "b"][..], &["c", "b"]] {
        assert!(edit::edit_text(text, &[set(way)]).is_err(), "{way:?}");
    }
    // A member of its own wins over a merged one, and nothing else moves.
    let edited = edit::edit_text(text, &[set(&["d", "e"])]).expect("an edit");
    assert_eq!(edited, text.replace("e: 2", "e: 7"));
}

#[test]
fn a_file_is_changed_at_one_document_and_not_at_all_once_it_is_another() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("two.yaml");
    let text = "a: 1\n---\na: 2\n";
    std::fs::write(&path, text).expect("written");
    let label = Arc::new(Source::of_file(path.display().to_string(), text.into())).label();
    let second = edit::parse_documents(text).expect("readable")[1].mark;

    let mut file = EditedFile::open(&label);
    let longer = format!("{}b: 3\n", file.document(second).expect("found"));
    assert!(!file.is_changed());
    file.replace_document(second, longer);
    assert!(file.is_changed());
    assert_eq!(file.text(), "a: 1\n---\na: 2\nb: 3\n");

    std::fs::write(&path, "a: 7\n").expect("written");
    let other = EditedFile::open(&label);
    let refused = other.document(Mark::default()).expect_err("refused");
    assert!(matches!(refused, EditError::FileChanged));
}
