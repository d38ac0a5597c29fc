//! Runs that something stops after their first write: what was sent is shown, and the exit code says so.
#![cfg(unix)]

use std::process::{Command, Stdio};

use serde_json::json;

use super::cli::lac_workspace;
use super::support::past::History;
use super::support::program::{Ran, Workspace};

/// Runs the program where no file may grow beyond `kilobytes`.
fn limited(workspace: &Workspace, kilobytes: usize, arguments: &[&str]) -> Ran {
    let mut command = Command::new("/bin/sh");
    // POSIX counts blocks of 512 bytes.
    let script = format!("ulimit -f {}; exec \"$@\"", kilobytes * 2);
    command
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_entitle")])
        .args(arguments)
        .current_dir(workspace.dir.path())
        .env_clear()
        .envs(workspace.environment.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    workspace.finish(command, "")
}

fn written(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    requests
        .iter()
        .filter(|seen| seen.method == "PATCH")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_fails_in_the_middle_hides_no_write() {
    let mut stopped_midway = 0;
    for kilobytes in 1..=5 {
        let workspace = lac_workspace(3, true).await;
        let ran = limited(
            &workspace,
            kilobytes,
            &["apply", "--auto-approve", "--format", "json"],
        );
        let sent = written(&workspace);
        if sent == 0 && ran.code == 1 {
            continue;
        }
        let document = ran.json();
        let objects = document["objects"].as_array().expect("objects");
        let done = objects.iter().filter(|o| o["outcome"] == "converged");
        assert_eq!(done.count(), sent, "{kilobytes} KB: {document:#}");
        if ran.code == 0 {
            continue;
        }
        stopped_midway += 1;
        assert_eq!(ran.code, 3, "{kilobytes} KB: {}", ran.stderr);
        assert!(
            ran.stderr.contains("cannot write the journal"),
            "{}",
            ran.stderr
        );
        // The next run ends it, and there is nothing left to do for the one after it.
        let next = workspace.run(&["apply", "--auto-approve"]);
        assert_eq!(next.code, 0, "{kilobytes} KB: {}", next.stderr);
        assert_eq!(workspace.run(&["plan", "--detailed-exitcode"]).code, 0);
        let path = workspace.dir.path().join("state/entitle/journal.jsonl");
        assert_eq!(History::read(&path).open_intents(), []);
    }
    assert!(stopped_midway > 0, "no limit hit the middle of a run");
}

/// A run whose store took no more at some point, and the file that it names for what the store was not told.
async fn store_away_after(kilobytes: usize) -> Option<(Workspace, String)> {
    let mut workspace = lac_workspace(3, true).await;
    let store = workspace.dir.path().join("shared").display().to_string();
    workspace.set("ENTITLE_STORE", &format!("file:{store}"));
    let ran = limited(&workspace, kilobytes, &["apply", "--auto-approve"]);
    let quoted = ran.stderr.split('`').nth(1)?;
    let file = quoted.strip_prefix("entitle store import ")?.to_string();
    assert_eq!(ran.code, 3, "{kilobytes} KB: {}", ran.stderr);
    Some((workspace, file))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_went_away_in_the_middle_is_told_the_rest_by_hand_or_by_a_look() {
    let mut looked_into = 0;
    for kilobytes in 1..=5 {
        for by_hand in [false, true] {
            let Some((workspace, file)) = store_away_after(kilobytes).await else {
                continue;
            };
            if by_hand {
                let import = workspace.run(&["store", "import", &file]);
                assert_eq!(import.code, 0, "{}", import.stderr);
            }
            let next = workspace.run(&["apply", "--auto-approve"]);
            assert_eq!(next.code, 0, "{}", next.stderr);
            // An intent of which only the beginning was written was not followed by a write.
            let carried_out = next.stderr.contains("It was found carried out");
            assert!(!(by_hand && carried_out), "{}", next.stderr);
            looked_into += usize::from(carried_out);
        }
    }
    assert!(looked_into > 0, "no limit hit the end of a write");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_written_cost_what_nothing_worse_has() {
    let workspace = lac_workspace(2, true).await;
    let apply = ["apply", "--auto-approve", "--events", "/dev/full"];
    let ran = workspace.run(&apply);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("2 converged"), "{}", ran.stdout);
    let words = "events are missing in /dev/full";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    // What is worse stays.
    let mut object = super::conformance::vendors::lac::VENDOR.little(0, false);
    object.desired["product_template_id"] = json!(77);
    workspace.object(&object);
    let ran = workspace.run(&apply);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_that_cannot_be_shown_leave_the_reports_and_cost_the_same() {
    let workspace = lac_workspace(1, true).await;
    let apply = ["apply", "--auto-approve", "--format", "json"];
    let mut command = workspace.command(&[&apply[..], &["--report", "json=report.json"]].concat());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    command.stdout(full.expect("a device that is full"));
    let ran = workspace.finish(command, "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cannot write standard output"),
        "{}",
        ran.stderr
    );
    let report = std::fs::read_to_string(workspace.dir.path().join("report.json"));
    assert!(report.expect("a report").contains("\"converged\""));
    assert_eq!(written(&workspace), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_waited_for_beyond_the_time_of_the_run() {
    let mut workspace = lac_workspace(1, true).await;
    let base = format!("http://{}/lac", workspace.sandbox.address());
    workspace.connection(
        "lac",
        &base,
        &json!({"token": {"command": ["sleep", "20"]}}),
    );
    let path = std::env::var("PATH").expect("a search path");
    workspace.set("PATH", &path);
    let start = std::time::Instant::now();
    let ran = workspace.run(&["plan", "--allow-exec", "--timeout", "1s"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("within --timeout"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(start.elapsed().as_secs() < 15);
}
