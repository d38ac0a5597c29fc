//! Every format of a run: golden files of one rich example, budgets at 5,000 changed objects, and names and
//! values that would like to be more than text.

use std::path::PathBuf;

use entitle::plan::document::PlanDocument;
use entitle::render::report::{self, Format};
use entitle::render::safe::visible;
use entitle::render::view::{Stage, View};
use entitle::render::{github, markdown};
use serde_json::{Value as Json, json};

use super::support::golden;

fn dir() -> PathBuf {
    golden::tests_dir().join("reports")
}

fn example(name: &str) -> PlanDocument {
    let text = std::fs::read_to_string(dir().join(format!("{name}.json"))).expect("readable");
    serde_json::from_str(&text).expect("a plan document")
}

fn rendered(format: Format, stage: Stage, document: &PlanDocument) -> String {
    let view = View {
        stage,
        document,
        base: "",
    };
    let mut out = anstream::StripStream::new(Vec::new());
    report::write(&mut out, format, &view).expect("memory takes it all");
    String::from_utf8(out.into_inner()).expect("UTF-8")
}

const STAGES: [(&str, Stage); 3] = [
    ("validate", Stage::Checked),
    ("plan", Stage::Planned),
    ("apply", Stage::Applied),
];

#[test]
fn one_example_in_every_format() {
    let mut faults = Vec::new();
    for (name, stage) in STAGES {
        let document = example(name);
        for format in Format::ALL {
            if format.suits(stage) {
                let path = dir().join(format!("{name}.{}.golden", format.name()));
                faults.extend(golden::compare(&path, &rendered(format, stage, &document)).err());
            }
        }
    }
    golden::all_well(faults);
}

fn assert_sarif(text: &str) -> Json {
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
        let sarif = assert_sarif(&rendered(Format::Sarif, stage, &example(name)));
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
    let comment = rendered(Format::Markdown, Stage::Planned, &document);
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
        let view = View {
            stage: Stage::Planned,
            document: &document,
            base: "",
        };
        let comment = markdown::comment(&view, budget);
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
    let view = View {
        stage: Stage::Planned,
        document: &document,
        base: "",
    };
    for written in [0, 100_000, 1_000_000, 1_046_000, 2_000_000] {
        let page = github::summary(&view, written).len();
        let fits = page as u64 + written < 1 << 20;
        assert!(page == 0 || fits, "{page} after {written}");
        assert_eq!(page == 0, written > 1_042_000, "{page} after {written}");
    }
}

#[test]
fn annotations_are_at_most_nine_and_one_that_counts_the_rest() {
    let text = rendered(Format::Github, Stage::Planned, &large(5_000));
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
    let gitlab = rendered(Format::Gitlab, Stage::Planned, &document);
    let counts: Json = serde_json::from_str(&gitlab).expect("JSON");
    assert_eq!(counts, json!({"create": 0, "update": 5000, "delete": 0}));
    let sarif = rendered(Format::Sarif, Stage::Planned, &document);
    assert!(sarif.len() < 10 << 20, "{} bytes", sarif.len());
    let sarif = assert_sarif(&sarif);
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 5_000);
    assert_eq!(
        results[4_999]["message"]["text"],
        "5002 more results not shown here."
    );
    let junit = rendered(Format::Junit, Stage::Planned, &document);
    assert!(junit.len() < 20 << 20, "{} bytes", junit.len());
    assert_eq!(junit.matches("<testcase ").count(), 5_001);
    let html = rendered(Format::Html, Stage::Planned, &document);
    assert!(html.len() < 30 << 20, "{} bytes", html.len());
}

const HOSTILE: [&str; 14] = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert(1)</script>",
    "</pre></details></code><h1>Approved</h1>",
    "`@octo/team` | @octo/team ` | `` ``` @octo/team",
    "\\`@octo/team\\| @octo/team",
    "```\n@octo/team\n~~~\n# Approved",
    "<!-- entitle:plan -->\n-->\n<!--",
    "\n::error file=x::hello\r\n::set-output name=has_changes::false",
    "::stop-commands::x",
    "##[set-output name=has_changes]false",
    "a%0A::error::b%25",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m",
    "abc\u{202e}\u{2066}gnp.exe\u{200b}",
    "]]>&lt;\u{0}\u{fffe}",
];

/// The example with one text wherever a manifest or a vendor could have put it.
fn hostile(name: &str, text: &str) -> PlanDocument {
    let mut document = example(name);
    let put = |place: &mut String| *place = text.to_string();
    for finding in &mut document.diagnostics {
        put(&mut finding.message);
        finding.file = Some(text.into());
        finding.hint = Some(text.into());
    }
    for object in &mut document.objects {
        put(&mut object.address);
        put(&mut object.vendor);
        put(&mut object.connection);
        put(&mut object.origin.file);
        object.message = Some(text.into());
        object.side_effects = vec![text.into()];
        object.calls.iter_mut().for_each(|call| put(&mut call.path));
        for change in &mut object.changes {
            change.path = format!("Features[{text}].x");
            change.note = Some(text.into());
            change.before = json!(text);
            change.after = json!({text: text, "long": format!("{text} ").repeat(40)});
        }
    }
    document.source.commit = Some(text.into());
    document.digest = text.into();
    document
}

/// What of a comment is left when its code is taken out: that may format, link and call names.
fn live(comment: &str) -> String {
    let mut left = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim() == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                left += line;
                left.push('\n');
            }
        }
    }
    assert_eq!(fence, None, "a block of code is not closed: {comment}");
    outside_code(&left)
}

/// Text without its code spans, which are read from the left as a browser's renderer reads them.
fn outside_code(mut text: &str) -> String {
    let mut left = String::new();
    while let Some(at) = text.find(['`', '<']) {
        left += &text[..at];
        text = &text[at..];
        if let Some(rest) = text.strip_prefix("<code>") {
            let (inner, rest) = rest.split_once("</code>").expect("closed");
            assert!(!inner.contains(['<', '`', '@', '|', '\n']), "{inner}");
            text = rest;
        } else if text.starts_with('<') {
            left.push('<');
            text = &text[1..];
        } else {
            let fence: String = text.chars().take_while(|c| *c == '`').collect();
            let mut rest = &text[fence.len()..];
            loop {
                let start = rest
                    .find('`')
                    .unwrap_or_else(|| panic!("an open code span: {text}"));
                let run = rest[start..].chars().take_while(|c| *c == '`').count();
                assert!(
                    !rest[..start].contains(['|', '\n']),
                    "a span over cells: {text}"
                );
                rest = &rest[start + run..];
                if run == fence.len() {
                    break;
                }
            }
            text = rest;
        }
    }
    left + text
}

#[test]
fn nothing_that_stands_in_a_name_or_a_value_is_more_than_text() {
    for text in HOSTILE {
        for (name, stage) in STAGES {
            let document = hostile(name, text);
            for format in Format::ALL.into_iter().filter(|format| format.suits(stage)) {
                let out = rendered(format, stage, &document);
                let said = format!("{text:?} in {} of {name}:\n{out}", format.name());
                let odd = |c: char| c.is_control() && c != '\n';
                assert!(!out.contains(odd), "a control in {said}");
                let reorders = ['\u{202e}', '\u{2066}', '\u{200b}'];
                assert!(!out.contains(reorders), "{said}");
                assert!(!out.contains("##["), "an old command in {said}");
                if format != Format::Github {
                    let command = |line: &str| line.trim_start().starts_with("::");
                    assert!(!out.lines().any(command), "a command in {said}");
                }
                match format {
                    Format::Text => {}
                    Format::Json | Format::Gitlab => {
                        serde_json::from_str::<Json>(&out).expect("JSON");
                    }
                    Format::Markdown => {
                        let live = live(&out);
                        for word in ["@", "Approved", "img", "script", "set-output", "alert"] {
                            assert!(!live.contains(word), "{word} lives in {said}");
                        }
                        assert_eq!(live.matches("<!--").count(), 1, "{said}");
                        assert!(out.starts_with("<!-- entitle:"), "{said}");
                    }
                    Format::Github => annotations_hold(&out, &said),
                    Format::Sarif => drop(assert_sarif(&out)),
                    Format::Junit => {
                        let report = quick_junit::Report::deserialize_from_str(&out);
                        report.unwrap_or_else(|error| panic!("{error}: {said}"));
                    }
                    Format::Html => {
                        assert_eq!(out.matches("<script").count(), 1, "{said}");
                        assert!(
                            !out.contains("<img") && !out.contains("<h1>Approved"),
                            "{said}"
                        );
                        assert!(!out.contains("<!--"), "{said}");
                    }
                }
            }
        }
    }
}

/// Reads annotations as the runner does: nothing of a text has become a property or another command.
fn annotations_hold(out: &str, said: &str) {
    for line in out.lines() {
        let (head, _) = line[2..]
            .split_once("::")
            .unwrap_or_else(|| panic!("no command: {said}"));
        let (command, properties) = head.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&command), "{said}");
        for property in properties.split(',') {
            let (name, value) = property
                .split_once('=')
                .unwrap_or_else(|| panic!("{property} in {said}"));
            assert!(
                ["file", "line", "col", "title"].contains(&name),
                "{name} in {said}"
            );
            assert!(!value.contains(':'), "{said}");
        }
    }
}

#[test]
fn outputs_hold_whatever_a_plan_file_says() {
    for text in HOSTILE {
        let document = hostile("plan", text);
        let view = View {
            stage: Stage::Planned,
            document: &document,
            base: "",
        };
        let mut out = Vec::new();
        github::outputs(&mut out, &view, "entitle-1").expect("memory takes it all");
        let out = String::from_utf8(out).expect("UTF-8");
        let wanted = format!(
            "has_changes<<entitle-1\ntrue\nentitle-1\nplan_digest<<entitle-1\n{}\nentitle-1\n",
            visible(text)
        );
        assert_eq!(out, wanted);
        assert_eq!(out.lines().count(), 6);
    }
}

#[test]
fn annotations_and_results_name_files_from_the_top_of_the_repository() {
    let document = example("validate");
    let view = View {
        stage: Stage::Checked,
        document: &document,
        base: "deploy/licences",
    };
    let text = |format| {
        let mut out = Vec::new();
        report::write(&mut out, format, &view).expect("memory takes it all");
        String::from_utf8(out).expect("UTF-8")
    };
    assert!(
        text(Format::Github)
            .starts_with("::error file=deploy/licences/licences/lac.yaml,line=9,col=5,")
    );
    assert!(text(Format::Sarif).contains("\"uri\": \"deploy/licences/licences/lac.yaml\""));
}
