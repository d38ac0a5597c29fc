//! Every format of a run: golden files of one rich example, and budgets at 5,000 changed objects.

use std::path::PathBuf;

use entitle::model::Risk;
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
    let view = RunView::new(stage, document);
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

/// A plan of 18 orders, of which 12 and 4 change the same and 2 strand another number of users each, and of 1 object that
/// is missing.
fn grouped() -> PlanDocument {
    let mut document = example("plan");
    let pattern = document.objects[4].clone();
    let order = |number: usize, after: i64, note: Option<&str>| {
        let mut object = pattern.clone();
        object.address = format!("LacLicenseOrder/order-{number}");
        object.origin.line = u32::try_from(number).expect("a line");
        object.message = Some(format!("{number} activated licenses keep their terms"));
        object.changes.truncate(1);
        let change = &mut object.changes[0];
        (change.after, change.note) = (after.into(), note.map(Into::into));
        change.risk = match note {
            Some(_) => Risk::Strand,
            None => Risk::Reduce,
        };
        object
    };
    let mut objects: Vec<_> = (1..=12).map(|number| order(number, 3, None)).collect();
    objects.extend((30..34).map(|number| order(number, 4, None)));
    objects.push(order(334, 3, Some("3 allowed, 7 in use")));
    objects.push(order(34, 3, Some("3 allowed, 9 in use")));
    objects.push(document.objects[2].clone());
    objects.sort_by(|one, other| one.address.cmp(&other.address));
    document.objects = objects;
    let summary = &mut document.summary;
    (summary.objects, summary.update, summary.requests) = (19, 18, 18);
    (summary.in_sync, summary.observe_only, summary.failed) = (0, 0, 1);
    (summary.reduce, summary.strand) = (16, 2);
    document
}

#[test]
fn equal_changes_are_one_entry_and_the_worst_comes_first() {
    let document = grouped();
    let mut faults = Vec::new();
    let formats = [
        ReportFormat::Text,
        ReportFormat::Markdown,
        ReportFormat::Html,
    ];
    for format in formats {
        let path = dir().join(format!("grouped.{}.golden", format.name()));
        let text = rendered(format, Stage::Planned, &document);
        faults.extend(golden::compare(&path, &text).err());
    }
    golden::all_well(faults);
    // Whoever wants each by itself says so, and what programs read is never grouped.
    let view = RunView {
        full: true,
        ..RunView::new(Stage::Planned, &document)
    };
    let mut out = anstream::StripStream::new(Vec::new());
    report::write_report(&mut out, ReportFormat::Text, &view).expect("memory takes it all");
    let full = String::from_utf8(out.into_inner()).expect("UTF-8");
    let headings = full.lines().filter(|line| line.starts_with(['~', '✗']));
    assert_eq!(headings.count(), 19, "{full}");
    let json = rendered(ReportFormat::Json, Stage::Planned, &document);
    let json: Json = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["objects"].as_array().map(Vec::len), Some(19));
    let addresses = json["objects"].as_array().expect("objects").iter();
    let addresses: Vec<&str> = addresses
        .filter_map(|one| one["address"].as_str())
        .collect();
    assert!(
        addresses.is_sorted(),
        "by the bytes of the address: {addresses:?}"
    );
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
            // Equal changes would be one entry.
            object.changes[0].before = (number + 10).into();
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
        let view = RunView::new(Stage::Planned, &document);
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
    let view = RunView::new(Stage::Planned, &document);
    for written in [0, 100_000, 1_000_000, 1_046_000, 2_000_000] {
        let page = github::step_summary(|room| markdown::render_comment(&view, room), written);
        let page = page.len();
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
        base: "deploy/licences",
        ..RunView::new(Stage::Checked, &document)
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
