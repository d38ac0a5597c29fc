//! The faster ways to read manifests give out what the general reader gives out for the whole file: the same
//! documents, at the same places, or nothing.

use std::sync::Arc;

use entitle::manifest::{Piece, fast_yaml, yaml};
use entitle::model::diagnostic::Source;
use entitle::model::{Diagnostics, Node};

use super::support::mutate::{self, Dice};
use super::support::seeds;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("m.yaml".into(), text.into()))
}

/// Runs a test with the stack that manifests are read with: the general reader needs it for deep trees.
fn deep(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let run = thread.spawn(test).expect("a thread").join();
    run.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// What the general reader makes of a text, if nothing is wrong with it.
fn generally(source: &Arc<Source>) -> Option<Vec<Node>> {
    let mut findings = Diagnostics::default();
    let documents = yaml::parse(source, &mut findings);
    findings.is_empty().then_some(documents)
}

/// Whether the plain reader took a text, after a look at what it made of it.
fn plain(text: &str) -> bool {
    let source = source(text);
    let whole = Piece::whole(Arc::clone(&source));
    let Some(documents) = fast_yaml::parse(whole.text(), whole.start()) else {
        return false;
    };
    assert_eq!(Some(documents), generally(&source), "of:\n{text}");
    true
}

fn pieces(text: &str) {
    let source = source(text);
    for size in [1, 40, 300] {
        let mut findings = Diagnostics::default();
        let cut = Piece::cut_by(Arc::clone(&source), size).into_iter();
        let parsed = cut.map(|piece| yaml::parse_piece(&piece, &mut findings).ok());
        let parsed: Option<Vec<Vec<Node>>> = parsed.collect();
        let Some(documents) = parsed.map(|parsed| parsed.concat()) else {
            continue;
        };
        let mut expected = Diagnostics::default();
        assert_eq!(documents, yaml::parse(&source, &mut expected), "{text}");
        let places = |findings: Diagnostics| {
            let location =
                |f: &entitle::model::Diagnostic| (f.code, f.origin.clone().map(|o| o.mark));
            findings.iter().map(location).collect::<Vec<_>>()
        };
        assert_eq!(places(findings), places(expected), "{text}");
    }
}

#[test]
fn the_examples_are_plain_or_read_the_same() {
    let seeds = seeds::manifests();
    let taken = seeds
        .iter()
        .filter_map(|seed| std::str::from_utf8(seed).ok())
        .filter(|text| plain(text))
        .count();
    assert!(3 * taken > 2 * seeds.len(), "{taken} of {}", seeds.len());
}

#[test]
fn damaged_manifests_read_the_same_or_not_plainly() {
    deep(|| {
        let seeds = seeds::manifests();
        let mut dice = Dice::new(7);
        for _ in 0..3 {
            for seed in &seeds {
                let other: &Vec<u8> = dice.one_of(&seeds);
                let damaged = mutate::bytes(seed, other, &mut dice);
                if let Ok(text) = String::from_utf8(damaged) {
                    plain(&text);
                    pieces(&text);
                }
            }
        }
    });
}

/// Scalars, as values and in lists: those that are taken for what they seem, and those that are not.
const SCALARS: &[&str] = &[
    "x",
    "ab",
    "a b",
    "a-b",
    "a#b",
    "a #b",
    "a: b",
    "a:b",
    "12",
    "-12",
    "0",
    "-0",
    "012",
    "1_000",
    "1.0",
    "1e3",
    "1e-5",
    "12e",
    "0x1F",
    "0o7",
    "0b1",
    "0x1-2",
    "1-2",
    "2027-12-31",
    "2027-01-01T00:00:00Z",
    "30s",
    "1h 30m",
    "5d0e3c52-8a44",
    "123456789012345678",
    "1234567890123456789",
    "true",
    "True",
    "no",
    "No",
    "y",
    "n",
    "on",
    "null",
    "Null",
    "~",
    "",
    ".inf",
    ".nan",
    "inf",
    "nan",
    "Infinity",
    "+1",
    "+x",
    "-x",
    "- x",
    "--x",
    "?x",
    "? x",
    ":x",
    "@x",
    "`x",
    "%x",
    "!x",
    "&x",
    "*x",
    "|",
    ">",
    "'it''s'",
    "'a'",
    "'a' b",
    "\"a\"",
    "\"a\\n\"",
    "\"a: #b\"",
    "\"\"",
    "''",
    "'a\\b'",
    "\"ü\"",
    "ü",
    "üx: y",
    "{}",
    "[]",
    "{a: b}",
    "{a: b, c: [d, 1, true]}",
    "{a: b,c: d}",
    "{a:b}",
    "{a}",
    "[a: b]",
    "[a,]",
    "[a,b]",
    "[,]",
    "{\"a\":b}",
    "{\"a\": b}",
    "{a: {b: {}}}",
    "[[1], [x y, z]]",
    "{a: b} x",
    "[a] # c",
    "[a]# c",
    "{<<: a}",
    "<<",
    "a\u{85}b",
    "a\u{a0}",
    "a\u{2028}b",
    "a\tb",
    "(a)",
    "/a/b",
    "a, b",
    "a]",
    "a}",
    "{a: x]}",
    "[x:y]",
    "http://x.y",
    "[http://x.y]",
    "{a: http://x.y}",
    "a  ",
    "a   # c",
    "\"a\"#b",
    "0.5",
    "10.0.0.1",
    "1,2",
];

/// Where a scalar may stand.
const FRAMES: &[&str] = &[
    "a: $\n",
    "a: $",
    "a:   $\nb: 1\n",
    "a:\n  b: $\n  cd: $\n",
    "a:\n- $\n- $\nb: x\n",
    "a:\n  - $\n  - - $\n    - $\n",
    "a:\n  - k: $\n    l: $\n  -\n    m: $\n",
    "a:\n-   k: $\n    l: x\n",
    "# c\n---\n# d\na: $ # e\n\n  # f\nb: x\n---\n---\nc: $\n",
    "a: {k: $}\nb: [$, $]\n",
    "$: x\n",
    "a: $\n b: x\n",
    "a:\n   b: $\n  c: x\n",
    "a: $\na: x\n",
    "a: $\n...\n---\nb: x\n",
    "--- $\n",
    "ü: {k: $, l: x}\n",
    "a:\n# c\n    # d\n  b: $\n#e\n",
    "- $\n- b: $\n",
    "a: $\n\n\n  \n---   \nb: x",
];

#[test]
fn every_scalar_reads_the_same_wherever_it_stands() {
    let mut taken = 0;
    for scalar in SCALARS {
        for frame in FRAMES {
            let text = frame.replace('$', scalar);
            taken += usize::from(plain(&text));
            // An empty block scalar stands where the general reader stopped looking for its text, which in a
            // piece is sooner.
            if !matches!(*scalar, "|" | ">") {
                pieces(&text);
            }
        }
    }
    assert!(taken > SCALARS.len() * FRAMES.len() / 4, "only {taken}");
}

#[test]
fn what_the_other_reader_would_warn_of_is_not_plain() {
    for text in [
        "a: 18446744073709551616\n",
        "a: 1.5\n",
        "a: 0X1F\n",
        "a: !x y\n",
        "a: &x y\nb: *x\n",
        "a:\tb\n",
        "? a\n: b\n",
        "{a?b: c}\n",
        "%FOO\n---\na: b\n",
        "a: .inf\n",
    ] {
        assert!(!plain(text), "{text}");
    }
}
