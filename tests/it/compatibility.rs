//! What a version promised, the next one keeps: documents, journals, stores and plans of the last version are read, and no
//! member of its JSON formats is gone.
//!
//! `tests/compatibility/VERSION` holds what the version `MAJOR.MINOR` wrote. `deploy/release/keep` writes the folder of the
//! version at hand, at its release.

mod company;
mod keep;
mod names;
mod schemas;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::support::kept;
use super::support::program::Workspace;

/// The folder of the newest version that was kept.
pub fn newest() -> PathBuf {
    kept::folders().pop().expect("a version")
}

/// A document that the newest version wrote.
pub fn kept_document(name: &str) -> Json {
    read_document(&newest(), name)
}

fn read_document(version: &Path, name: &str) -> Json {
    let text = std::fs::read_to_string(version.join("documents").join(name)).expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_each_version_is_read() {
    for version in kept::folders() {
        let workspace = Workspace::new().await;
        let journal = version.join("store/journal.jsonl").display().to_string();
        let history = ["history", "--all", "--format", "json"];
        let history = workspace.run(&[&history[..], &["--journal", &journal]].concat());
        let kept = read_document(&version, "history.json")["runs"].clone();
        assert_eq!(history.json()["runs"], kept);
        assert!(
            kept.as_array().is_some_and(|runs| runs.len() >= 4),
            "{kept}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_each_version_is_gone_on_with() {
    for version in kept::folders() {
        go_on_with(&version).await;
    }
}

async fn go_on_with(version: &Path) {
    let sandbox = keep::start_sandbox().await;
    let address = sandbox.address().to_string();
    let mut workspace = Workspace::of(sandbox, tempfile::tempdir().expect("a directory"));
    workspace.set("ENTITLE_SANDBOX", &address);
    copy_files(&version.join("store"), &workspace, "state/entitle");
    let exported = workspace.run(&["store", "export"]);
    let journal = std::fs::read_to_string(version.join("store/journal.jsonl")).expect("there");
    assert_eq!(
        (exported.code, exported.stdout),
        (0, journal),
        "{}",
        exported.stderr
    );
    let shown = workspace.run(&["store", "show"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    copy_files(&version.join("manifests"), &workspace, ".");
    let applied = workspace.run(&["apply", ".", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let history = ["history", "--all", "--format", "json"];
    let runs = workspace.run(&history).json()["runs"].clone();
    let kept = read_document(version, "history.json")["runs"].clone();
    let (runs, kept) = (
        runs.as_array().expect("runs"),
        kept.as_array().expect("runs"),
    );
    assert_eq!(runs.len(), kept.len() + 1);
    assert!(kept.iter().all(|run| runs.contains(run)), "{runs:?}");
}

/// Copies the files of a folder, and not those of the folders in it.
fn copy_files(folder: &Path, workspace: &Workspace, target: &str) {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let files: Vec<_> = entries.filter(|entry| entry.path().is_file()).collect();
    assert!(files.len() >= 2, "{}: {files:?}", folder.display());
    for file in files {
        let text = std::fs::read_to_string(file.path()).expect("readable");
        let name = file.file_name();
        workspace.write(&format!("{target}/{}", name.to_string_lossy()), &text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_the_last_version_is_shown_and_applied() {
    let workspace = Workspace::new().await;
    copy_files(&newest().join("manifests"), &workspace, ".");
    apply_plan(&workspace, "plan.json", "activations_allowed  5 → 12", 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_composed_objects_of_the_last_version_is_shown_and_applied() {
    let workspace = Workspace::new().await;
    copy_files(&newest().join("manifests/company"), &workspace, ".");
    let validated = workspace.run(&["validate", ".", "--env", "production"]);
    assert_eq!(validated.code, 0, "{}", validated.stderr);
    apply_plan(&workspace, "plan-of-company.json", "of the brooks", 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_of_each_version_mean_what_they_did() {
    for version in kept::folders() {
        let workspace = Workspace::new().await;
        copy_files(&version.join("manifests/company"), &workspace, ".");
        let rendered = workspace.run(&keep::RENDER);
        let path = version.join("documents/rendered.yaml");
        let kept = std::fs::read_to_string(path).expect("kept");
        assert_eq!((rendered.code, rendered.stdout), (0, kept));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_of_each_version_are_valid() {
    for version in kept::folders() {
        let workspace = Workspace::new().await;
        let folder = version.join("manifests/full").display().to_string();
        let validated = workspace.run(&["validate", &folder]);
        assert_eq!(validated.code, 0, "{folder}: {}", validated.stderr);
    }
}

#[track_caller]
fn apply_plan(workspace: &Workspace, name: &str, text: &str, objects: usize) {
    let plan = newest().join("documents").join(name).display().to_string();
    let shown = workspace.run(&["show", &plan]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains(text), "{}", shown.stdout);
    let applied = workspace.run(&["apply", &plan, ".", "--sandbox"]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    let converged = format!("{objects} converged");
    assert!(applied.stdout.contains(&converged), "{}", applied.stdout);
}
