//! What a run leaves beside its output: reports, the runner's files, and the stream of events.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use entitle::apply::{Event, Listener, Outcome};
use entitle::plan::Disposition;
use entitle::plan::document::PlanDocument;
use serde_json::{Value as Json, json};

use super::cli::{is_plan, lac_workspace};
use super::conformance::vendors::lac;
use super::support::bench::Bench;
use super::support::golden;
use super::support::program::Workspace;
use super::support::proxy::{Canned, Passed, Spoil};
use crate::fuzz_bodies::sealed_text;

fn read(workspace: &Workspace, name: &str) -> String {
    std::fs::read_to_string(workspace.dir.path().join(name)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_writes_every_report_that_is_asked_for() {
    let workspace = lac_workspace(2, true).await;
    workspace.write("plan.md", "of an earlier run");
    let ran = workspace.run(&[
        "plan",
        "--format=json",
        "--report=text=plan.txt,markdown=plan.md",
        "--report=html=plan.html",
        "--report=github=annotations.txt",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    is_plan(&ran.json());
    assert!(read(&workspace, "plan.txt").contains("Plan: 2 to update"));
    assert!(read(&workspace, "plan.md").starts_with("<!-- entitle:plan:"));
    assert!(read(&workspace, "plan.html").starts_with("<!DOCTYPE html>"));
    assert!(workspace.dir.path().join("annotations.txt").exists());
    let left = std::fs::read_dir(workspace.dir.path())
        .expect("readable")
        .flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".entitle"));
    assert_eq!(left.count(), 0, "no temporary file is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_the_command_that_applies_it_and_times_to_the_second() {
    let workspace = lac_workspace(2, true).await;
    let page = |arguments: &[&str]| {
        let ran = workspace.run(&[&["plan", "--report=html=plan.html"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let page = read(&workspace, "plan.html");
        let (_, command) = page
            .split_once("<div class=\"command\"><code>")
            .expect("a command");
        let (command, _) = command.split_once("</code>").expect("its end");
        (command.to_string(), page)
    };
    let (command, html) = page(&["--target", "Lac*/*", "."]);
    assert_eq!(command, "entitle apply . --target 'Lac*/*'");
    let (_, time) = html.split_once("<time datetime=\"").expect("a time");
    let is_second = |time: &str| time.len() == "2026-11-21T12:00:00Z".len();
    assert!(
        is_second(time.split('"').next().expect("a value")),
        "{html}"
    );
    assert_eq!(
        page(&["--out", "my plan.json"]).0,
        "entitle apply 'my plan.json'"
    );
    let address = format!("http://{}", workspace.sandbox.address());
    assert!(
        html.contains(&address),
        "the connection leads there: {html}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_early_says_so_in_its_reports() {
    let workspace = lac_workspace(1, true).await;
    let mut invalid = lac::VENDOR.little(1, true);
    invalid.desired["activation_allowed"] = json!(5);
    workspace.object(&invalid);
    for arguments in [&["validate"][..], &["plan"], &["apply", "--auto-approve"]] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--report", "markdown=out.md", "--format", "json"]);
        let ran = workspace.run(&arguments);
        assert_eq!(ran.code, 1);
        assert_eq!(ran.json()["diagnostics"][0]["code"], "unknown-field");
        assert!(
            read(&workspace, "out.md").contains("1 error in the manifests"),
            "{arguments:?}"
        );
        assert!(
            read(&workspace, "out.md").contains("`unknown-field`"),
            "{arguments:?}"
        );
    }
    let ran = workspace.run(&[
        "plan",
        "--target",
        "x/y",
        "--report",
        "junit=out.xml",
        "object-0000.yaml",
        "lac.yaml",
    ]);
    assert_eq!(ran.code, 1);
    assert!(
        read(&workspace, "out.xml").contains("failure"),
        "{}",
        read(&workspace, "out.xml")
    );
    assert_eq!(workspace.sandbox.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_stops_the_run_before_any_request() {
    let mut workspace = lac_workspace(1, true).await;
    for (report, words) in [
        (
            "markdown=no/such/dir/out.md",
            "cannot write the report no/such/dir/out.md",
        ),
        ("markdown=.", "cannot write the report"),
        ("markdown", "say where it goes: markdown=FILE"),
        ("markdown=-", "--format markdown"),
        ("mardown=x", "did you mean markdown?"),
        ("json=a,text=a", "two reports go to a"),
    ] {
        workspace
            .run(&["apply", "--auto-approve", "--report", report])
            .failed(1, words);
    }
    workspace
        .run(&["plan", "--format", "json", "--report", "github"])
        .failed(1, "standard output, which holds JSON");
    workspace
        .run(&["validate", "--report", "gitlab=x"])
        .failed(1, "gitlab");
    workspace
        .run(&["apply", "--auto-approve", "--events", "no/such/dir/x"])
        .failed(1, "no/such/dir/x");
    workspace.set("GITHUB_OUTPUT", "/no/such/dir/out");
    workspace
        .run(&["apply", "--auto-approve", "--report", "github"])
        .failed(1, "GITHUB_OUTPUT");
    assert_eq!(workspace.sandbox.requests(), []);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_written_through_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let workspace = lac_workspace(1, true).await;
    let ran = workspace.run(&["plan", "--report", "json=/dev/null"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let known = std::fs::metadata("/dev/null").expect("it is still there");
    assert!(known.file_type().is_char_device());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_github_gets_annotations_a_summary_and_outputs() {
    let mut workspace = lac_workspace(2, false).await;
    let mut risky = lac::VENDOR.little(0, false);
    risky.desired["enabled"] = json!(false);
    workspace.object(&risky);
    workspace.write("summary", "of an earlier program\n");
    workspace.set("GITHUB_STEP_SUMMARY", "summary");
    workspace.set("GITHUB_OUTPUT", "outputs");
    let ran = workspace.run(&["plan", "--report", "github", "--out", "plan.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let annotation = ran.stdout.lines().find(|line| line.starts_with("::"));
    let annotation = annotation.unwrap_or_default();
    assert!(
        annotation.starts_with("::warning file=object-0000.yaml,line=1,col=1,title=strand "),
        "{annotation}"
    );
    let summary = read(&workspace, "summary");
    assert!(
        summary.starts_with("of an earlier program\n<!-- entitle:plan:"),
        "{summary}"
    );
    let outputs = read(&workspace, "outputs");
    let digest = workspace
        .run(&["show", "plan.json", "--format", "json"])
        .json()["digest"]
        .clone();
    assert!(outputs.contains("\ntrue\n"), "{outputs}");
    assert!(
        outputs.contains(&format!("\n{}\n", digest.as_str().expect("a digest"))),
        "{outputs}"
    );
    // Refused by a guard: that is an error at the same line.
    let ran = workspace.run(&["apply", "--auto-approve", "--report", "github"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.stdout
            .contains("::error file=object-0000.yaml,line=1,col=1,title=refused "),
        "{}",
        ran.stdout
    );
}

fn events(text: &str) -> Vec<Json> {
    let schema = std::fs::read_to_string(golden::tests_dir().join("../schemas/events.json"));
    let schema = serde_json::from_str(&schema.expect("readable")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines
        .inspect(|line| assert!(validator.is_valid(line), "not as the schema says: {line}"))
        .collect()
}

fn types(events: &[Json]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_streams_what_happens() {
    let workspace = lac_workspace(1, true).await;
    workspace.object(&lac::VENDOR.stranger(true));
    let ran = workspace.run(&["apply", "--auto-approve", "--events", "-"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("Apply: "),
        "text gives way: {}",
        ran.stderr
    );
    let stream = events(&ran.stdout);
    // The two objects are carried out side by side, so only their own events have an order.
    let kinds = types(&stream);
    let (ahead, rest) = kinds.split_at(4);
    assert_eq!(ahead, ["version", "observing", "observed", "planned"]);
    let mut within = rest[..3].to_vec();
    within.sort_unstable();
    assert_eq!(
        (within, rest[3]),
        (vec!["done", "done", "started"], "summary")
    );
    assert_eq!(stream[0]["format_version"], "1.0");
    let of = |kind: &str, member: &str, value: &str| {
        stream
            .iter()
            .any(|line| line["type"] == kind && line[member] == value)
    };
    assert!(of("done", "outcome", "converged"));
    assert!(of("started", "method", "PATCH"));
    assert_eq!(stream[7]["exit_code"], 3);
    let again = workspace.run(&[
        "apply",
        "--auto-approve",
        "--format=json",
        "--events=events.jsonl",
    ]);
    is_plan(&again.json());
    let stream = events(&read(&workspace, "events.jsonl"));
    assert_eq!(
        stream.last().expect("a last one")["summary"],
        again.json()["summary"]
    );
    workspace
        .run(&["apply", "--auto-approve", "--format=json", "--events=-"])
        .failed(1, "--events");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reading_the_events_does_not_stop_an_apply() {
    let workspace = lac_workspace(2, true).await;
    let mut child = workspace
        .command(&["apply", "--auto-approve", "--events", "-"])
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let writes = workspace
        .sandbox
        .requests()
        .into_iter()
        .filter(|seen| seen.method == "PATCH");
    assert_eq!(writes.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_sent_again_is_told_with_its_reason() {
    let busy = Mutex::new(true);
    let rule = move |_: usize, passed: &Passed| {
        let first = passed.is_write() && std::mem::take(&mut *busy.lock().expect("whole"));
        first.then(|| Spoil::Instead(Canned::new(429, "application/json", "{}")))
    };
    let mut bench = Bench::spoiled(rule).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    bench.events = Listener::new(move |event| ears.lock().expect("whole").push(event.clone()));
    bench
        .sandbox
        .set_state("lac", (lac::VENDOR.account)(3))
        .expect("an account");
    bench.apply(&[lac::VENDOR.little(0, true)]).await;
    let heard = heard.lock().expect("whole");
    let retried = heard.iter().find_map(|event| match event {
        Event::Retried {
            connection,
            tries,
            why,
            ..
        } => Some((connection.as_str(), *tries, why.as_str())),
        _ => None,
    });
    assert_eq!(retried, Some(("lac", 1, "answered 429")));
    let done = |event: &&Event| {
        matches!(
            event,
            Event::Done {
                outcome: Outcome::Converged,
                ..
            }
        )
    };
    assert_eq!(heard.iter().filter(done).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_plan_cannot_command_the_runner_of_an_apply() {
    let workspace = lac_workspace(1, true).await;
    workspace.run(&["plan", "--out", "plan.json"]);
    let text = read(&workspace, "plan.json");
    let (body, _) = text.split_once(",\n  \"seal\"").expect("a seal");
    let mut forged: PlanDocument = serde_json::from_str(&format!("{body}\n}}")).expect("a plan");
    let name = "x\n::set-output name=has_changes::false\n##[set-output name=y]z";
    // One object without a manifest that would be written, and one that would not.
    for action in [Disposition::Update, Disposition::None] {
        let mut stranger = forged.objects[0].clone();
        (stranger.address, stranger.action) = (format!("LacLicenseOrder/{name}{action:?}"), action);
        stranger.origin.file = name.into();
        forged.objects.push(stranger);
    }
    workspace.write("forged.json", &sealed_text(&forged));
    let ran = workspace.run(&["apply", "forged.json", "--report", "github"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(text.contains("set-output"), "it is said: {text}");
        assert!(!text.contains("##["), "{text}");
        let commands = text
            .lines()
            .filter(|line| line.trim_start().starts_with("::set-output"));
        assert_eq!(commands.count(), 0, "{text}");
    }
    let commands = ran.stdout.lines().filter(|line| line.starts_with("::"));
    let titles: Vec<&str> = commands
        .map(|line| line.split("::").nth(1).unwrap_or(""))
        .collect();
    assert!(
        titles
            .iter()
            .all(|title| title.contains(" file=") || title.contains(" title=")),
        "{titles:?}"
    );
    let requests = workspace.sandbox.requests();
    let writes = requests.iter().filter(|seen| seen.method == "PATCH");
    assert_eq!(writes.count(), 1, "of the object that has a manifest");
}
