//! What `history` tells of runs that only looked, broke off, or take something back.

use serde_json::{Value as Json, json};

use super::*;
use crate::support::golden;

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_only_looked_are_told_from_those_that_broke_off() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    cut_off(&workspace);
    apply(&workspace);
    let list = workspace.run(&["history"]).stdout;
    assert!(list.contains("only looked"), "{list}");
    let history = workspace.run(&["history", "--full"]);
    let text = &history.stdout;
    assert!(text.contains("cut off while it was written"), "{text}");
    assert!(text.contains("found later: carried out"), "{text}");
    assert!(text.contains("found carried out: the run"), "{text}");
    assert_eq!(text.matches("Its end is not recorded").count(), 1, "{text}");
    let ran = undo(&workspace, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let history = workspace.run(&["history", "latest"]);
    let undone = format!("Purpose: undo of {}", runs(&workspace)[0]);
    assert!(history.stdout.contains(&undone), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_since_is_not_nothing_ever() {
    let workspace = workspace().await;
    let since = |workspace: &Workspace| workspace.run(&["history", "--since", "0s"]).stdout;
    assert_eq!(since(&workspace), "There are no runs yet.\n");
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    assert_eq!(
        since(&workspace),
        "Nothing was applied in that time; there are older runs.\n"
    );
}

/// The document of `history --format json`, which the schema accepts.
fn document(workspace: &Workspace, arguments: &[&str]) -> Json {
    let arguments = [&["history", "--format", "json"], arguments].concat();
    let document = workspace.run(&arguments).json();
    let short = [&["history", "--json"], &arguments[3..]].concat();
    assert_eq!(workspace.run(&short).json(), document);
    let schema = std::fs::read_to_string(golden::tests_dir().join("../schemas/history.json"));
    let schema: Json = serde_json::from_str(&schema.expect("a schema")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<_> = schema
        .iter_errors(&document)
        .map(|it| it.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {document:#}");
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_the_newest_first_and_known_by_a_short_name() {
    let mut workspace = workspace().await;
    assert_eq!(document(&workspace, &[])["runs"], json!([]));
    workspace.set("GITHUB_ACTOR", "octocat");
    for seats in [12, 14, 13] {
        workspace.object(&order(seats, json!({})));
        apply(&workspace);
    }
    // In sync: it wrote nothing, and is no run to speak of.
    apply(&workspace);
    let all = document(&workspace, &["--full"]);
    let seats: Vec<_> = all["runs"].as_array().expect("runs").iter().collect();
    let seats = seats
        .iter()
        .map(|run| &run["objects"][0]["changes"][0]["after"]);
    assert_eq!(seats.collect::<Vec<_>>(), [13, 14, 12]);
    let newest = &all["runs"][0];
    assert_eq!(newest["summary"]["updated"], 1, "{newest:#}");
    assert_eq!(newest["summary"]["reduce"], 1, "{newest:#}");
    assert_eq!(newest["by"], "octocat");
    assert_eq!(newest["objects"][0]["written"], true);
    let list = workspace.run(&["history"]).stdout;
    let line = list.lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], newest["short"].as_str().unwrap_or_default());
    assert!(line.ends_with("octocat  1 updated, 1 reduce"), "{line}");
    let [newest, middle] = [0, 1].map(|at| all["runs"][at]["short"].as_str().expect("a name"));
    let one = document(&workspace, &[middle]);
    assert_eq!(one["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(one["runs"][0]["run"], all["runs"][1]["run"]);
    assert_eq!(
        document(&workspace, &["latest"])["runs"][0]["short"],
        newest
    );
    let newer = document(&workspace, &["--limit", "2"]);
    assert_eq!(
        (newer["runs"].as_array().map(Vec::len), &newer["older"]),
        (Some(2), &json!(1))
    );
    let ran = workspace.run(&["history", "--limit", "2"]);
    assert_eq!(ran.stdout.lines().count(), 2);
    let more = "The newest 2 of 3 runs; --limit N or --all shows more.\n";
    assert_eq!(ran.stderr, more);
    let all_lines = workspace.run(&["history", "--all"]).stdout;
    assert_eq!(all_lines.lines().count(), list.lines().count());
    // Runs of one minute begin alike, and both commands name them.
    for command in ["history", "undo"] {
        let arguments = [command, "0", "--auto-approve"];
        let arguments = &arguments[..if command == "undo" { 3 } else { 2 }];
        let ran = workspace.run(arguments);
        ran.failed(1, "0 is the beginning of 3 runs: ");
        assert!(ran.stderr.contains(middle), "{}", ran.stderr);
        let unknown = [&[command, "ffff"], &arguments[2..]].concat();
        workspace
            .run(&unknown)
            .failed(1, "the journal has no run ffff");
    }
    let ran = workspace.run(&["undo", newest, "--auto-approve", "--allow", "strand"]);
    assert_eq!(
        (ran.code, live(&workspace, SEATS)),
        (0, json!(14)),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_changed_nothing_says_so_and_is_not_taken_back() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    workspace.run(&["plan", "--out", "plan.json"]);
    apply(&workspace);
    let ran = workspace.run(&["apply", "plan.json"]);
    assert!(ran.stdout.contains("already"), "{}", ran.stdout);
    let list = workspace.run(&["history"]).stdout;
    let line = list.lines().next().unwrap_or_default();
    assert!(line.ends_with("  nothing changed, 1 already"), "{list}");
    let text = workspace.run(&["history", "latest"]).stdout;
    assert!(
        text.contains("already as wanted, nothing written"),
        "{text}"
    );
    assert!(
        !text.contains('→') && !text.contains("entitle undo"),
        "{text}"
    );
    let short = line.split_whitespace().next().expect("a name");
    let ran = workspace.run(&["undo", short, "--auto-approve"]);
    ran.failed(1, "changed nothing, so there is nothing to take back");
}
