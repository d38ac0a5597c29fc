//! The table of codes: each code of the source has an entry, and each entry is emitted.

use std::collections::BTreeSet;

use entitle::model::codes::{CODE_GROUPS, find_code};

use crate::invalid::codes_in_source;
use crate::support::program::Workspace;

#[test]
fn every_code_is_explained_and_every_entry_is_emitted() {
    let emitted = codes_in_source();
    let entries = CODE_GROUPS.iter().flat_map(|group| group.codes);
    let explained: Vec<&str> = entries.map(|entry| entry.code).collect();
    let unique: BTreeSet<String> = explained.iter().map(ToString::to_string).collect();
    assert_eq!(unique.len(), explained.len(), "a code has two entries");
    let missing: Vec<&String> = emitted.difference(&unique).collect();
    assert!(
        missing.is_empty(),
        "codes without an entry in src/model/codes.rs: {missing:?}"
    );
    let idle: Vec<&String> = unique.difference(&emitted).collect();
    assert!(idle.is_empty(), "entries that nothing emits: {idle:?}");
}

#[test]
fn entries_are_whole_sentences() {
    for entry in CODE_GROUPS.iter().flat_map(|group| group.codes) {
        for text in [entry.cause, entry.cure] {
            assert!(text.ends_with('.'), "{}: {text}", entry.code);
            assert!(!text.contains("  "), "{}: {text}", entry.code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_explained_in_the_terminal() {
    let workspace = Workspace::new().await;
    let shown = workspace.run(&["help", "unknown-edition"]);
    let entry = find_code("unknown-edition").expect("an entry");
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    assert!(
        shown
            .stdout
            .starts_with("unknown-edition\n  cause  An object"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80));
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let all = words(&shown.stdout).join(" ");
    assert!(all.contains(&words(entry.cure).join(" ")), "{all}");
    let misspelt = workspace.run(&["help", "unknown-editon"]);
    misspelt.failed(1, "did you mean `entitle help unknown-edition`?");
}
