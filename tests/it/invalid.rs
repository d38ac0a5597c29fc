//! Bad manifests: `tests/invalid/<name>/manifest.yaml` (and more files beside it) must give exactly the
//! findings in `diagnostics.txt`. Every code that the program can report has a sample.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use entitle::manifest;
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
    let sampled: BTreeSet<&str> = golden::folders(&golden::tests_dir().join("invalid"))
        .iter()
        .flat_map(|case| findings(case).1)
        .collect();
    // Only the environment can cause the first three, and the file system the next five; the next needs more findings than a sample should have;
    // then two about live objects, in the transcript of `drift`; the last is how a run that ended early shows
    // itself in reports.
    // No kind refers back to one that refers to it, so circles are shown by unit tests alone.
    let elsewhere = [
        "reference-circle",
        "empty-variable",
        "no-trust-hosts",
        "unknown-variable",
        "missing-path",
        "unreadable",
        "too-large",
        "no-manifests",
        "link-leads-out",
        "more-findings",
        "accepted-expired",
        "accepted-unmatched",
        "stopped",
    ];
    let missing: Vec<String> = codes_in_source()
        .into_iter()
        .filter(|code| !sampled.contains(code.as_str()) && !elsewhere.contains(&code.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "codes without a sample under tests/invalid: {missing:?}"
    );
}

/// Every code that the source gives to a diagnostic or a misfit.
fn codes_in_source() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for text in super::architecture::sources().into_values() {
        for opening in [
            "Diagnostic::error(",
            "Diagnostic::warning(",
            "Misfit::new(",
            "expect_known(",
            "code: ",
        ] {
            for (at, _) in text.match_indices(opening) {
                let rest = text[at + opening.len()..].trim_start();
                if let Some(code) = rest
                    .strip_prefix('"')
                    .and_then(|rest| rest.split('"').next())
                {
                    codes.insert(code.to_string());
                }
            }
        }
    }
    codes
}
