//! Drift in a file: golden files of one rich example, a budget, hostile words, and runs that end early.

use entitle::plan::drift::document::{Applied, BaseEntry, DriftDocument};
use entitle::render::report::{self, ReportFormat};
use entitle::render::source_host::{SourceHost, SourceLinks};
use entitle::render::{drift, json};
use serde_json::{Value as Json, json};

use super::cli::lac_workspace;
use super::hostile_reports::{HOSTILE, live};
use super::reports::assert_sarif;
use super::support::golden;

fn example() -> DriftDocument {
    let path = golden::tests_dir().join("reports/drift.json");
    let text = std::fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).expect("a drift document")
}

fn markdown(document: &DriftDocument) -> String {
    drift::markdown::render_page(document, drift::markdown::COMMENT)
}

fn text(document: &DriftDocument) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    drift::write_report(&mut out, document).expect("memory takes it all");
    String::from_utf8(out.into_inner()).expect("UTF-8")
}

fn rendered(format: ReportFormat, document: &DriftDocument) -> String {
    let host = SourceHost::parse("git@github.com:acme/licences.git");
    let links = SourceLinks {
        host: host.as_ref(),
        commit: document.source.commit.as_deref(),
        base: "deploy",
    };
    let mut out = anstream::StripStream::new(Vec::new());
    report::write_drift_report(&mut out, format, document, &links).expect("memory takes it all");
    String::from_utf8(out.into_inner()).expect("UTF-8")
}

#[test]
fn one_example_in_every_format() {
    let dir = golden::tests_dir().join("reports");
    let document = example();
    let formats = ReportFormat::of_drift().filter(|format| *format != ReportFormat::Json);
    let faults = formats.map(|format| {
        let path = dir.join(format!("drift.{}.golden", format.name()));
        golden::compare(&path, &rendered(format, &document))
    });
    golden::all_well(faults.filter_map(Result::err).collect());
    assert_eq!(
        rendered(ReportFormat::Markdown, &document),
        markdown(&document)
    );
}

#[test]
fn alerts_are_drift_and_failures_and_nothing_that_is_known() {
    let document = example();
    let sarif = assert_sarif(&rendered(ReportFormat::Sarif, &document));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let rules: Vec<&str> = results
        .iter()
        .filter_map(|one| one["ruleId"].as_str())
        .collect();
    let summary = &document.summary;
    let of = |rule: &str| rules.iter().filter(|one| **one == rule).count();
    assert_eq!(of("drift"), summary.drifted);
    assert_eq!(of("missing") + of("failed"), summary.failed);
    let findings = document.diagnostics.len();
    assert_eq!(results.len(), summary.drifted + summary.failed + findings);
    let text = rendered(ReportFormat::Github, &document);
    for known in ["LacLicenseOrder/lakes", "LacLicenseOrder/ridges"] {
        assert!(!text.contains(known), "accepted or pending: {text}");
    }
    assert!(
        text.contains("file=deploy/licences/lac.yaml,line=4,"),
        "{text}"
    );
}

/// The number that stands before `words`; none where they are not said.
fn number_before(page: &str, words: &str) -> usize {
    let Some(at) = page.find(words) else { return 0 };
    let number = page[..at].trim_end().rsplit('_').next();
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[test]
fn a_page_keeps_its_budget_and_counts_what_it_leaves_out() {
    let mut document = example();
    let pattern = document.objects[5].clone();
    let fields = pattern.differences.len();
    document.objects = (0..5_000)
        .map(|number| {
            let mut object = pattern.clone();
            object.address = format!("LacLicenseOrder/rivers-{number:05}");
            object.message = Some("why it is so ".repeat(40));
            object
        })
        .collect();
    document.summary.drifted = 5_000;
    let page = markdown(&document);
    assert!(page.len() <= 64 << 10, "{} bytes", page.len());
    assert!(page.len() > 32 << 10, "{} bytes", page.len());
    let rows = page.matches(" | `LacLicenseOrder/rivers-").count();
    assert!(rows > 50, "{rows} rows");
    let more = number_before(&page, " more rows not shown here");
    assert_eq!(rows + more, 5_000 * fields);
    let folded = page.matches("<details>").count();
    assert!(folded > 5, "{folded} folded");
    let more = number_before(&page, " more folded lists not shown here");
    assert_eq!(folded + more, rows.div_ceil(fields));
    assert!(page.trim_end().ends_with("</sub>"));
}

/// The example with one text wherever a manifest, a vendor or a journal could have put it.
fn hostile(text: &str) -> DriftDocument {
    let mut document = example();
    let put = |place: &mut String| *place = text.to_string();
    for finding in &mut document.diagnostics {
        put(&mut finding.message);
        finding.file = Some(text.into());
        finding.hint = Some(text.into());
    }
    for object in &mut document.objects {
        put(&mut object.address);
        put(&mut object.origin.file);
        object.message = Some(text.into());
        object.applied = Some(Applied {
            run: text.into(),
            at: text.into(),
            commit: Some(text.into()),
        });
        for one in &mut object.differences {
            one.path = format!("Features[{text}].x");
            one.note = Some(text.into());
            one.base = Some(json!([text, 1]));
            one.manifest = Some(json!(text));
            one.live = Some(json!({text: text, "long": format!("{text} ").repeat(40)}));
            if let Some(accepted) = &mut one.accepted {
                put(&mut accepted.reason);
            }
        }
    }
    document.source.commit = Some(text.into());
    document.base = BaseEntry::Commit(text.into());
    put(&mut document.created_at);
    document
}

#[test]
fn nothing_that_stands_in_a_name_or_a_value_is_more_than_text() {
    for words in HOSTILE {
        let mut stopped = hostile(words);
        stopped.objects.clear();
        stopped.diagnostics[0].code = "stopped".into();
        for document in [hostile(words), stopped] {
            let mut quiet = Vec::new();
            json::write_document(&mut quiet, &document).expect("memory takes it all");
            let quiet = String::from_utf8(quiet).expect("UTF-8");
            let (page, plain) = (markdown(&document), text(&document));
            let pages = [ReportFormat::Html, ReportFormat::Sarif];
            let [html, sarif] = pages.map(|format| rendered(format, &document));
            assert_sarif(&sarif);
            assert_eq!(html.matches("<script>").count(), 1, "{html}");
            assert!(
                !html.contains("<img") && !html.contains("href=\"javascript"),
                "{html}"
            );
            for out in [&page, &plain, &quiet, &html, &sarif] {
                let odd = |c: char| c.is_control() && c != '\n';
                assert!(!out.contains(odd), "a control in {out}");
                let reorders = ['\u{202e}', '\u{2066}', '\u{200b}'];
                assert!(!out.contains(reorders), "{out}");
                assert!(!out.contains("##["), "an old command in {out}");
                let command = |line: &str| line.trim_start().starts_with("::");
                assert!(!out.lines().any(command), "a command in {out}");
            }
            let live = live(&page);
            for word in ["@", "Approved", "img", "script", "set-output", "alert"] {
                assert!(!live.contains(word), "{word} lives in {page}");
            }
            assert_eq!(live.matches("<!--").count(), 1, "{page}");
            assert!(page.starts_with("<!-- entitle:drift:"), "{page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_say_what_standard_output_says_and_that_a_run_ended_early() {
    let workspace = lac_workspace(1, true).await;
    let all = "text=d.txt,markdown=d.md,json=d.json,html=d.html,sarif=d.sarif";
    let ran = workspace.run(&["drift", "--report", all]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let read = |name: &str| {
        let path = workspace.dir.path().join(name);
        std::fs::read_to_string(path).expect("a report")
    };
    assert_eq!(read("d.txt"), ran.stdout);
    assert!(read("d.md").contains("### Drift: 1 object drifted, 0 in sync."));
    let marker = read("d.md").lines().next().map(str::to_string);
    assert!(
        read("d.html").contains("<h1>1 object drifted"),
        "{}",
        read("d.html")
    );
    assert_eq!(
        assert_sarif(&read("d.sarif"))["runs"][0]["results"][0]["ruleId"],
        "drift"
    );

    // Each replaces the report of the run before, which would say that all is known.
    let early = workspace.run(&["drift", "--base", "nothing", "--report", all]);
    early.failed(1, "git knows no commit");
    assert!(read("d.html").contains("<h1>Nothing was compared</h1>"));
    for name in ["d.txt", "d.md", "d.html", "d.sarif"] {
        let words = if name == "d.sarif" {
            "stopped"
        } else {
            "stopped. "
        };
        assert!(read(name).contains(words), "{}", read(name));
    }
    assert_eq!(read("d.md").lines().next().map(str::to_string), marker);

    workspace.write("bad.yaml", "apiVersion: entitle.dev/v1\nkind: Nothing\n");
    let early = workspace.run(&["drift", "--report", all, "--format", "markdown"]);
    assert_eq!(early.code, 1);
    let words = "in the manifests, nothing was compared.";
    for said in [&early.stdout, &read("d.txt"), &read("d.md")] {
        assert!(said.contains(words), "{said}");
    }
    let document: Json = serde_json::from_str(&read("d.json")).expect("JSON");
    assert_eq!(document["objects"], json!([]));
    assert_eq!(document["diagnostics"][0]["severity"], "error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_drift_does_not_have_is_refused_with_those_it_has() {
    let workspace = lac_workspace(1, true).await;
    for format in ["gitlab", "junit", "nothing"] {
        let report = format!("{format}=report");
        let ran = workspace.run(&["drift", "--report", &report]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains("one of text, json, markdown, github, sarif, html"),
            "{}",
            ran.stderr
        );
        assert!(!workspace.dir.path().join("report").exists());
    }
    for (report, words) in [
        ("json=a,markdown=a", "two reports go to a"),
        ("json=nowhere/a", "cannot write the report"),
    ] {
        let ran = workspace.run(&["drift", "--report", report]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert_eq!(
        workspace.sandbox.requests().len(),
        0,
        "before any vendor is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_gets_annotations_a_page_and_an_output() {
    let mut workspace = lac_workspace(1, true).await;
    workspace.set("GITHUB_STEP_SUMMARY", "summary.md");
    workspace.set("GITHUB_OUTPUT", "outputs");
    let ran = workspace.run(&["drift", "--report", "github"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let annotation = ran.stdout.lines().last().expect("a line");
    assert!(annotation.starts_with("::warning file="), "{annotation}");
    assert!(
        annotation.contains("title=drift LacLicenseOrder/"),
        "{annotation}"
    );
    let read = |name: &str| {
        let path = workspace.dir.path().join(name);
        std::fs::read_to_string(path).expect("the runner's file")
    };
    assert!(read("summary.md").contains("### Drift: 1 object drifted, 0 in sync."));
    let outputs = read("outputs");
    let lines: Vec<&str> = outputs.lines().collect();
    assert_eq!(lines[1], "true");
    assert!(
        lines[0].starts_with("has_drift<<entitle-") && lines.len() == 3,
        "{outputs}"
    );

    let both = workspace.run(&["drift", "--report", "github", "--format", "json"]);
    both.failed(1, "which holds JSON: give one a file");
}
