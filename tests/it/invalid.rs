//! Bad manifests: `tests/invalid/<name>/manifest.yaml` (and more files beside it) must give exactly the
//! findings in `diagnostics.txt`. Every code that the program can report has a sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use entitle::manifest;
use entitle::manifest::row_reading::named_files;
use entitle::manifest::rows::RowFiles;
use entitle::model::codes::CODE_GROUPS;
use entitle::reconcile::{self, CheckOptions};
use entitle::render;

use super::support::{golden, pure};

fn findings(case: &Path) -> (String, Vec<&'static str>) {
    // A fixed name keeps golden files free of this checkout's place.
    let mut loaded = manifest::load(
        &[case.to_path_buf()],
        &mut std::io::empty(),
        &manifest::ReadLimits::default(),
    );
    let rename = |name: &str| {
        Path::new(name)
            .file_name()
            .map_or(name.to_string(), |name| name.to_string_lossy().into_owned())
    };
    // Nor is there a path any more that holds them.
    loaded.named.clear();
    loaded.sources = loaded
        .sources
        .iter()
        .map(|source| {
            Arc::new(entitle::model::diagnostic::Source::new(
                rename(&source.name),
                source.text.clone(),
            ))
        })
        .collect();
    let rows = named_files(&loaded.sources, &entitle::provider::kind_rows()).into_iter();
    let rows = rows.filter_map(|name| {
        let bytes = std::fs::read(case.join(&name)).ok()?;
        Some((name, bytes))
    });
    loaded.row_files = RowFiles::of_commit(rows);
    let checked = reconcile::check_manifests(
        loaded,
        &CheckOptions {
            need_connections: true,
            simulators: None,
            ..CheckOptions::default()
        },
    );
    let codes = checked
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    let text =
        pure::plain(|out| render::diagnostics::write_findings(out, &checked.findings, false));
    (text.replace(&format!("{}/", case.display()), ""), codes)
}

#[test]
fn every_sample_gives_its_findings() {
    let cases = golden::folders(&golden::tests_dir().join("invalid"));
    assert!(cases.len() >= 40, "only {} samples", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        let (text, codes) = findings(case);
        if codes.is_empty() {
            faults.push(format!("{} has no finding", case.display()));
        }
        faults.extend(golden::compare(&case.join("diagnostics.txt"), &text).err());
    }
    golden::all_well(faults);
}

#[test]
fn every_code_has_a_sample() {
    // Codes about a run, a saved plan or a whole connection; their tests are where those are tested.
    let of_runs = [
        "Saved plans, undo and drift",
        "Problems of a whole connection",
    ];
    let groups = CODE_GROUPS
        .iter()
        .filter(|group| of_runs.contains(&group.title));
    let of_runs: BTreeSet<&str> = groups
        .flat_map(|group| group.codes)
        .map(|entry| entry.code)
        .collect();
    let sampled: BTreeSet<&str> = golden::folders(&golden::tests_dir().join("invalid"))
        .iter()
        .flat_map(|case| findings(case).1)
        .collect();
    // No kind refers back to one that refers to it, so circles are shown by unit tests alone. Only the command line can name an
    // environment. Only the environment can cause the next three, and the file system and the clock the others. The
    // last two are about updates that live has.
    let elsewhere = [
        "reference-circle",
        "unknown-environment",
        "empty-variable",
        "no-trust-hosts",
        "unknown-variable",
        "missing-path",
        "unreadable",
        "too-large",
        "no-manifests",
        "link-leads-out",
        "timeout",
        "update-will-fail",
        "foreign-update",
    ];
    let missing: Vec<String> = codes_in_source()
        .into_iter()
        .filter(|code| !of_runs.contains(code.as_str()))
        .filter(|code| !sampled.contains(code.as_str()) && !elsewhere.contains(&code.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "codes without a sample under tests/invalid: {missing:?}"
    );
}

/// Every code that the source gives to a finding, a misfit or a problem of a connection: a text, or a constant with one,
/// right behind one of the words that take a code.
pub fn codes_in_source() -> BTreeSet<String> {
    const OPENINGS: [&str; 9] = [
        "Diagnostic::error(",
        "Diagnostic::warning(",
        "Misfit::new(",
        "expect_known(",
        "refuse(",
        "accept(given, ",
        "tell(",
        "leave(",
        "code: ",
    ];
    let mut codes = BTreeSet::new();
    let mut sources = super::architecture::sources();
    sources.retain(|file, _| !file.starts_with("sandbox/") && file != "model/codes.rs");
    let constant = |name: &str| {
        let found = sources.values().find_map(|text| {
            let (_, rest) = text.split_once(&format!("const {name}: &"))?;
            let (_, rest) = rest.split_once("str = \"")?;
            rest.split('"').next()
        });
        found.filter(|code| is_code(code)).map(str::to_string)
    };
    for (file, text) in &sources {
        let openings = OPENINGS.iter().flat_map(|opening| {
            let found = text.match_indices(opening);
            found.map(|(at, _)| text[at + opening.len()..].trim_start())
        });
        // Kinds of problems are a closed list with a name each.
        let problems = text.match_indices("=> \"").map(|(at, _)| &text[at + 3..]);
        let problems = problems.filter(|_| file == "model/read_failure.rs");
        for rest in openings.chain(problems) {
            let end = rest.find([',', ')', ';', '\n']).unwrap_or(rest.len());
            let name = rest[..end].trim().rsplit("::").next().unwrap_or_default();
            codes.extend(match rest.strip_prefix('"') {
                Some(rest) => rest
                    .split('"')
                    .next()
                    .map(str::to_string)
                    .filter(|code| is_code(code)),
                None => constant(name),
            });
        }
    }
    codes
}

/// Reports whether a text looks like a code, which messages and names do not.
fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
}
