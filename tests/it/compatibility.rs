//! What a version promised, the next one keeps: documents, journals, stores and plans of the last version are read, and no
//! member of its JSON formats is gone.
//!
//! `tests/compatibility/VERSION` holds what the version `MAJOR.MINOR` wrote. `cargo test --test it
//! compatibility::keep -- --ignored` writes the folder of the version at hand, at its release.

mod keep;
mod schemas;

use std::path::PathBuf;

use serde_json::Value as Json;

use super::support::golden;
use super::support::program::Workspace;

/// The folder of the newest version that was kept.
pub fn kept() -> PathBuf {
    let folders = golden::folders(&golden::tests_dir().join("compatibility"));
    folders.into_iter().next_back().expect("a version")
}

/// A document that this version wrote.
pub fn kept_document(name: &str) -> Json {
    let text = std::fs::read_to_string(kept().join("documents").join(name)).expect("a document");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_the_last_version_is_read() {
    let workspace = Workspace::new().await;
    let journal = kept().join("store/journal.jsonl").display().to_string();
    let history = workspace.run(&[
        "history",
        "--all",
        "--format",
        "json",
        "--journal",
        &journal,
    ]);
    let told = kept_document("history.json");
    let runs = |document: &Json| document["runs"].clone();
    assert_eq!(runs(&history.json()), runs(&told));
    assert!(
        runs(&told).as_array().is_some_and(|runs| runs.len() >= 4),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_last_version_is_gone_on_with() {
    let workspace = Workspace::new().await;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(kept().join("store"))
        .expect("a store")
        .flatten()
    {
        let name = entry.file_name();
        let text = std::fs::read_to_string(entry.path()).expect("readable");
        workspace.write(&format!("store/{}", name.to_string_lossy()), &text);
        files.push(name);
    }
    assert!(files.len() >= 2, "a journal and its summary: {files:?}");
    let store = format!("file:{}", workspace.dir.path().join("store").display());
    let exported = workspace.run(&["store", "export", "--store", &store]);
    let journal = std::fs::read_to_string(kept().join("store/journal.jsonl")).expect("there");
    assert_eq!(
        (exported.code, exported.stdout),
        (0, journal),
        "{}",
        exported.stderr
    );
    let shown = workspace.run(&["store", "show", "--store", &store]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_the_last_version_is_shown_and_applied() {
    let workspace = Workspace::new().await;
    for file in ["connection.yaml", "order.yaml"] {
        let text = std::fs::read_to_string(kept().join("manifests").join(file)).expect("there");
        workspace.write(file, &text);
    }
    let plan = kept().join("documents/plan.json").display().to_string();
    let shown = workspace.run(&["show", &plan]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.contains("activations_allowed  5 → 12"),
        "{}",
        shown.stdout
    );
    let applied = workspace.run(&["apply", &plan, ".", "--sandbox"]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    assert!(applied.stdout.contains("1 converged"), "{}", applied.stdout);
}
