//! Every format of a run: golden files of one rich example, and budgets at 5,000 changed objects.

use std::path::PathBuf;

use entitle::plan::document::PlanDocument;
use entitle::render::report::{self, ReportFormat};
use entitle::render::view::{RunView, Stage};
use entitle::render::{github, markdown};
use serde_json::{Value as Json, json};

use super::support::golden;

fn dir() -> PathBuf {
    golden::tests_dir().join("reports")
}

pub fn example(name: &str) -> PlanDocument {
    let text = std::fs::read_to_string(dir().join(format!("{name}.json"))).expect("readable");
    serde_json::from_str(&text).expect("a plan document")
}

pub fn rendered(format: ReportFormat, stage: Stage, document: &PlanDocument) -> String {
    let view = RunView {
        stage,
        document,
        base: "",
    };
    let mut out = anstream::StripStream::new(Vec::new());
    report::write_report(&mut out, format, &view).expect("memory takes it all");
    String::from_utf8(out.into_inner()).expect("UTF-8")
}

pub const STAGES: [(&str, Stage); 3] = [
    ("validate", Stage::Checked),
    ("plan", Stage::Planned),
    ("apply", Stage::Applied),
];

#[test]
fn one_example_in_every_format() {
    let mut faults = Vec::new();
    for (name, stage) in STAGES {
        let document = example(name);
        for format in ReportFormat::ALL {
            if format.suits(stage) {
                let path = dir().join(format!("{name}.{}.golden", format.name()));
                faults.extend(golden::compare(&path, &rendered(format, stage, &document)).err());
            }
        }
    }
    golden::all_well(faults);
}

pub fn assert_sarif(text: &str) -> Json {
    let schema = std::fs::read_to_string(dir().join("sarif-schema-2.1.0.json")).expect("readable");
    let schema: Json = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let sarif: Json = serde_json::from_str(text).expect("JSON");
    let faults: Vec<String> = validator
        .iter_errors(&sarif)
        .take(3)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    sarif
}

#[test]
fn sarif_is_as_its_schema_says() {
    for (name, stage) in STAGES {
        let sarif = assert_sarif(&rendered(ReportFormat::Sarif, stage, &example(name)));
        let results = sarif["runs"][0]["results"].as_array().map(Vec::len);
        assert!(results > Some(0), "{name} has no result");
    }
}

/// A plan of many objects with long values, each of them risky.
fn large(objects: usize) -> PlanDocument {
    let mut document = example("plan");
    let pattern = document.objects[4].clone();
    document.objects = (0..objects)
        .map(|number| {
            let mut object = pattern.clone();
            object.address = format!("LacLicenseOrder/rivers-floating-{number:05}");
            object.message = Some("the vendor said at length why ".repeat(20));
            object
        })
        .collect();
    document.summary.objects = objects;
    document.summary.update = objects;
    document.summary.strand = objects;
    document
}

/// The number that stands before `words`.
fn number_before(text: &str, words: &str) -> usize {
    let at = text
        .find(words)
        .unwrap_or_else(|| panic!("{words:?} is not said"));
    let number = text[..at]
        .trim_end()
        .rsplit(|c: char| !c.is_ascii_digit())
        .next();
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[test]
fn a_comment_keeps_its_budget_and_counts_what_it_leaves_out() {
    let document = large(5_000);
    let comment = rendered(ReportFormat::Markdown, Stage::Planned, &document);
    assert!(
        comment.len() <= markdown::COMMENT,
        "{} bytes",
        comment.len()
    );
    assert!(
        comment.len() > markdown::COMMENT / 2,
        "{} bytes",
        comment.len()
    );
    let rows = comment.matches("| update |").count();
    assert!(rows > 50);
    assert_eq!(
        rows + number_before(&comment, "more objects not shown here"),
        5_000
    );
    let folded = comment.matches("<details>").count();
    assert_eq!(comment.matches("</details>").count(), folded);
    assert!(folded > 10);
    assert_eq!(
        folded + number_before(&comment, "more folded lists not shown here"),
        rows
    );
    for budget in [0, 1_000, 3_000, 20_000] {
        let view = RunView {
            stage: Stage::Planned,
            document: &document,
            base: "",
        };
        let comment = markdown::render_comment(&view, budget);
        assert!(
            comment.len() <= budget.max(1_000),
            "{} of {budget}",
            comment.len()
        );
    }
}

#[test]
fn a_step_summary_stays_under_a_mebibyte_with_what_stands_there_already() {
    let document = large(20_000);
    let view = RunView {
        stage: Stage::Planned,
        document: &document,
        base: "",
    };
    for written in [0, 100_000, 1_000_000, 1_046_000, 2_000_000] {
        let page = github::step_summary(&view, written).len();
        let fits = page as u64 + written < 1 << 20;
        assert!(page == 0 || fits, "{page} after {written}");
        assert_eq!(page == 0, written > 1_042_000, "{page} after {written}");
    }
}

#[test]
fn annotations_are_at_most_nine_and_one_that_counts_the_rest() {
    let text = rendered(ReportFormat::Github, Stage::Planned, &large(5_000));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    // Each object has a stranding and a reducing change, and there is one warning about a spelling.
    assert_eq!(
        lines[9],
        "::warning title=entitle::9992 more: 4992 warnings, 5000 notices. All are in the log."
    );
    assert!(text.len() < 16 << 10, "{} bytes", text.len());
}

#[test]
fn the_other_formats_of_ci_keep_to_what_their_readers_take() {
    let document = large(5_000);
    let gitlab = rendered(ReportFormat::Gitlab, Stage::Planned, &document);
    let counts: Json = serde_json::from_str(&gitlab).expect("JSON");
    assert_eq!(counts, json!({"create": 0, "update": 5000, "delete": 0}));
    let sarif = rendered(ReportFormat::Sarif, Stage::Planned, &document);
    assert!(sarif.len() < 10 << 20, "{} bytes", sarif.len());
    let sarif = assert_sarif(&sarif);
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 5_000);
    assert_eq!(
        results[4_999]["message"]["text"],
        "5002 more results not shown here."
    );
    let junit = rendered(ReportFormat::Junit, Stage::Planned, &document);
    assert!(junit.len() < 20 << 20, "{} bytes", junit.len());
    assert_eq!(junit.matches("<testcase ").count(), 5_001);
    let html = rendered(ReportFormat::Html, Stage::Planned, &document);
    assert!(html.len() < 30 << 20, "{} bytes", html.len());
}

#[test]
fn annotations_and_results_name_files_from_the_top_of_the_repository() {
    let document = example("validate");
    let view = RunView {
        stage: Stage::Checked,
        document: &document,
        base: "deploy/licences",
    };
    let text = |format| {
        let mut out = Vec::new();
        report::write_report(&mut out, format, &view).expect("memory takes it all");
        String::from_utf8(out).expect("UTF-8")
    };
    assert!(
        text(ReportFormat::Github)
            .starts_with("::error file=deploy/licences/licences/lac.yaml,line=9,col=5,")
    );
    assert!(text(ReportFormat::Sarif).contains("\"uri\": \"deploy/licences/licences/lac.yaml\""));
}
