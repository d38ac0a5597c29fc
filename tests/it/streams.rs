//! What the program reads and prints: standard input, scope, data on standard output.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value as Json;

use super::cli::{is_plan, lac_workspace};
use super::conformance::vendors::lac;
use super::support::program::{Ran, Workspace};

/// A document without what may differ between two runs.
fn timeless(mut document: Json) -> Json {
    document["created_at"] = Json::Null;
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_are_data() {
    let workspace = Workspace::new().await;
    for arguments in [
        &["--help"][..],
        &["plan", "--help"],
        &["--version"],
        &["man"],
    ] {
        let ran = workspace.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.stdout.contains("entitle"), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_inputs_give_equal_bytes_apart_from_the_time() {
    let workspace = lac_workspace(3, true).await;
    let plan = || workspace.run(&["plan", "--format", "json"]);
    let (one, other) = (plan(), plan());
    assert_eq!((one.code, one.stderr.as_str()), (0, ""));
    let (first, second) = (one.json(), other.json());
    is_plan(&first);
    let lines = |ran: &Ran| -> Vec<String> {
        let timed = |line: &&str| !line.contains("\"created_at\"");
        ran.stdout
            .lines()
            .filter(timed)
            .map(str::to_string)
            .collect()
    };
    assert_eq!(lines(&one), lines(&other));
    assert_eq!(timeless(first), timeless(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scope_is_what_was_asked_for() {
    let workspace = lac_workspace(3, true).await;
    let labelled = lac::VENDOR.little(0, true).text();
    let labelled = labelled.replace(
        "\"name\": \"object-0000\"",
        "\"name\": \"object-0000\", \"labels\": {\"team\": \"sales\"}",
    );
    workspace.write("object-0000.yaml", &labelled);
    let names = |arguments: &[&str]| -> Vec<String> {
        let plan: Vec<&str> = ["plan", "--format", "json"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let document = workspace.run(&plan).json();
        let objects = document["objects"].as_array().cloned().unwrap_or_default();
        objects
            .iter()
            .filter_map(|object| {
                object["address"]
                    .as_str()?
                    .rsplit('-')
                    .next()
                    .map(str::to_string)
            })
            .collect()
    };
    assert_eq!(names(&[]), ["0000", "0001", "0002"]);
    assert_eq!(names(&["--target", "*/object-0001"]), ["0001"]);
    assert_eq!(
        names(&["--target", "*/*-0001,Lac*/*-0002"]),
        ["0001", "0002"]
    );
    assert_eq!(names(&["--exclude", "*/object-0001"]), ["0000", "0002"]);
    assert_eq!(names(&["--selector", "team=sales"]), ["0000"]);
    assert_eq!(names(&["--exclude", "*/*"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_a_manifest() {
    let workspace = lac_workspace(0, true).await;
    let text = lac::VENDOR.little(0, true).text();
    let ran = workspace.run_with_input(&["plan", "-", "lac.yaml", "--format", "json"], &text);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["objects"][0]["origin"]["file"], "<stdin>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let workspace = lac_workspace(0, true).await;
    // The reader is gone before the input ends, and so before there is anything to print.
    let mut command = workspace.command(&["validate", "-", "--format", "json"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(lac::VENDOR.little(0, true).text().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_back_what_is_in_scope_and_no_more() {
    let workspace = lac_workspace(2, true).await;
    let seats = || {
        let account = workspace.sandbox.state("lac").expect("an account");
        let orders = account["license_orders"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let seats = orders
            .iter()
            .map(|order| order["activations_allowed"].clone());
        seats.take(2).collect::<Vec<_>>()
    };
    let before = seats();
    assert_eq!(workspace.run(&["apply", "--auto-approve"]).code, 0);
    let applied = seats();
    let undo = |more: &[&str]| {
        let own = ["undo", "latest", "--auto-approve", "--allow", "strand"];
        workspace.run(&[&own[..], more].concat())
    };
    undo(&["--target", "*/objekt-0001"]).failed(1, "did you mean LacLicenseOrder/object-0001?");
    undo(&["--selector", "team=sales"]).failed(1, "is in the scope");
    assert_eq!(seats(), applied);
    // An object that the manifests have lost since is named and left, unless it is asked for.
    std::fs::remove_file(workspace.dir.path().join("object-0001.yaml")).expect("removed");
    let ran = undo(&["--target", "*/object-0001"]);
    let words = "LacLicenseOrder/object-0001: no manifest names it any more, so it is left";
    assert_eq!((ran.code, seats()), (3, applied.clone()), "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let ran = undo(&["--target", "*/object-0001", "--include-unmanaged"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(seats(), [applied[0].clone(), before[1].clone()]);
}
