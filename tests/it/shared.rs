//! Two machines with one store: what either does, the other knows.

use serde_json::{Value as Json, json};

use super::conformance::vendors::lac;
use super::support::program::{Ran, Workspace};

const SEATS: &str = "activations_allowed";

/// An account with one order of ten seats, and a store that its runs share.
async fn workspace() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let account = (lac::VENDOR.account)(2);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    want(&workspace, 12);
    let store = workspace.dir.path().join("shared").display().to_string();
    workspace.set("ENTITLE_STORE", &format!("file:{store}"));
    workspace
}

fn want(workspace: &Workspace, seats: i64) {
    let mut order = lac::VENDOR.little(0, false);
    order.desired = json!({"customer_id": 1, SEATS: seats});
    workspace.object(&order);
}

fn live(workspace: &Workspace) -> Json {
    let account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0][SEATS].clone()
}

/// A run on a machine that has no state of its own yet.
fn elsewhere(workspace: &mut Workspace, arguments: &[&str]) -> Ran {
    let fresh = tempfile::tempdir_in(workspace.dir.path()).expect("a directory");
    workspace.set("XDG_STATE_HOME", &fresh.path().display().to_string());
    let ran = workspace.run(arguments);
    let left = std::fs::read_dir(fresh.path()).expect("readable");
    assert_eq!(left.count(), 0, "all of it is in the store");
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_machine_did_another_tells_compares_heals_and_takes_back() {
    let mut workspace = workspace().await;
    let applied = elsewhere(&mut workspace, &["apply", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let history = elsewhere(&mut workspace, &["history", "latest"]);
    assert!(history.stdout.contains("10 → 12"), "{}", history.stdout);
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0][SEATS] = json!(5);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    let drift = elsewhere(&mut workspace, &["drift"]);
    assert_eq!(drift.code, 2, "{}{}", drift.stdout, drift.stderr);
    let heal = ["watch", "--once", "--mode", "heal", "--max-changes", "100%"];
    let healed = elsewhere(&mut workspace, &heal);
    assert_eq!(healed.code, 0, "{}{}", healed.stdout, healed.stderr);
    assert_eq!(live(&workspace), 12);
    let undo = ["undo", "latest", "--auto-approve", "--allow", "strand"];
    let runs = elsewhere(&mut workspace, &["history", "--format", "json"]).json();
    let first = runs["runs"][1]["short"]
        .as_str()
        .expect("a run")
        .to_string();
    let undone = elsewhere(
        &mut workspace,
        &[&["undo", &first][..], &undo[2..]].concat(),
    );
    assert_eq!(undone.code, 0, "{}{}", undone.stdout, undone.stderr);
    assert_eq!(live(&workspace), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_with_one_store_know_their_own_runs() {
    let mut workspace = workspace().await;
    workspace.set("ENTITLE_SCOPE", "one");
    assert_eq!(workspace.run(&["apply", "--auto-approve"]).code, 0);
    workspace.set("ENTITLE_SCOPE", "other");
    let history = workspace.run(&["history"]);
    assert_eq!(history.stdout, "There are no runs yet.\n");
    workspace
        .run(&["undo", "latest", "--auto-approve"])
        .failed(1, "no run of these manifests");
    workspace.set("ENTITLE_SCOPE", "one");
    let history = workspace.run(&["history", "latest"]);
    assert!(history.stdout.contains("10 → 12"), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_named_by_an_address_that_is_known_and_never_shown() {
    let workspace = workspace().await;
    let secret = "swordfish";
    let with = |store: String| workspace.run(&["history", "--store", &store]);
    let ran = with(format!("ftp://ann:{secret}@example.com"));
    ran.failed(1, "--store takes postgres://, s3://");
    assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    for nowhere in ["file:", "file://", "file://srv/entitle"] {
        with(nowhere.into()).failed(1, "names no directory: write file:/srv/entitle");
    }
    let both = ["history", "--journal", "journal.jsonl"];
    workspace.run(&both).failed(1, "--store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_store_is_an_empty_secret_says_that_it_is_alone() {
    let mut workspace = workspace().await;
    let words = "ENTITLE_STORE is empty";
    let named = workspace.run(&["apply", "--auto-approve"]);
    assert!(!named.stderr.contains(words), "{}", named.stderr);
    workspace.set("ENTITLE_STORE", "");
    let alone = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    assert!(alone.stderr.contains(words), "{}", alone.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_proved_shown_and_taken_elsewhere() {
    let mut workspace = workspace().await;
    assert_eq!(workspace.run(&["apply", "--auto-approve"]).code, 0);
    let check = workspace.run(&["store", "check"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    assert!(
        check.stdout.contains("✓ one of two has a lease"),
        "{}",
        check.stdout
    );
    let shown = workspace.run(&["store", "show"]).stdout;
    assert!(shown.contains("env LAC_AUTH  epoch 1  free"), "{shown}");
    let freed = workspace.run(&["store", "unlock", "LAC_AUTH"]);
    assert_eq!(freed.code, 0, "{}", freed.stderr);
    assert!(
        freed.stderr.contains("There is no lease on lac"),
        "{}",
        freed.stderr
    );
    workspace
        .run(&["store", "unlock", "nobody"])
        .failed(1, "0 accounts are named");
    let exported = workspace.run(&["store", "export"]).stdout;
    workspace.write("all.jsonl", &exported);
    let other = workspace.dir.path().join("other").display().to_string();
    workspace.set("ENTITLE_STORE", &format!("file:{other}"));
    for added in ["Added 5 lines.", "Added 0 lines."] {
        let import = workspace.run(&["store", "import", "all.jsonl"]);
        assert_eq!(import.code, 0, "{}", import.stderr);
        assert!(import.stderr.contains(added), "{}", import.stderr);
    }
    assert_eq!(workspace.run(&["store", "export"]).stdout, exported);
    workspace.write("torn.jsonl", "{\n");
    workspace.run(&["store", "import", "torn.jsonl"]).failed(
        1,
        "line 1 of the journal torn.jsonl is damaged: nothing was added",
    );
    workspace
        .run(&["store", "import", "absent.jsonl"])
        .failed(1, "cannot read absent.jsonl");
}
