//! Two machines with one store: what either does, the other knows.

use serde_json::{Value as Json, json};

use super::conformance::vendors::lac;
use super::support::program::{Place, Ran};

const SEATS: &str = "activations_allowed";

/// An account with one order of ten seats, and a store that its runs share.
async fn place() -> Place {
    let mut place = Place::new().await;
    place.connect("lac");
    let account = (lac::VENDOR.account)(2);
    place.sandbox.set_state("lac", account).expect("an account");
    want(&place, 12);
    let store = place.dir.path().join("shared").display().to_string();
    place.set("ENTITLE_STORE", &format!("file:{store}"));
    place
}

fn want(place: &Place, seats: i64) {
    let mut order = lac::VENDOR.little(0, false);
    order.desired = json!({"customer_id": 1, SEATS: seats});
    place.object(&order);
}

fn live(place: &Place) -> Json {
    let account = place.sandbox.state("lac").expect("an account");
    account["license_orders"][0][SEATS].clone()
}

/// A run on a machine that has no state of its own yet.
fn elsewhere(place: &mut Place, arguments: &[&str]) -> Ran {
    let fresh = tempfile::tempdir_in(place.dir.path()).expect("a directory");
    place.set("XDG_STATE_HOME", &fresh.path().display().to_string());
    let ran = place.run(arguments);
    let left = std::fs::read_dir(fresh.path()).expect("readable");
    assert_eq!(left.count(), 0, "all of it is in the store");
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_machine_did_another_tells_compares_heals_and_takes_back() {
    let mut place = place().await;
    let applied = elsewhere(&mut place, &["apply", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let history = elsewhere(&mut place, &["history"]);
    assert!(history.stdout.contains("10 → 12"), "{}", history.stdout);
    let mut account = place.sandbox.state("lac").expect("an account");
    account["license_orders"][0][SEATS] = json!(5);
    place.sandbox.set_state("lac", account).expect("an account");
    let drift = elsewhere(&mut place, &["drift"]);
    assert_eq!(drift.code, 2, "{}{}", drift.stdout, drift.stderr);
    let heal = ["watch", "--once", "--mode", "heal", "--max-changes", "100%"];
    let healed = elsewhere(&mut place, &heal);
    assert_eq!(healed.code, 0, "{}{}", healed.stdout, healed.stderr);
    assert_eq!(live(&place), 12);
    let undo = ["undo", "latest", "--auto-approve", "--allow", "strand"];
    let runs = elsewhere(&mut place, &["history", "--format", "json"]).json();
    let first = runs[0]["run"].as_str().expect("a run").to_string();
    let undone = elsewhere(&mut place, &[&["undo", &first][..], &undo[2..]].concat());
    assert_eq!(undone.code, 0, "{}{}", undone.stdout, undone.stderr);
    assert_eq!(live(&place), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_with_one_store_know_their_own_runs() {
    let mut place = place().await;
    place.set("ENTITLE_SCOPE", "one");
    assert_eq!(place.run(&["apply", "--auto-approve"]).code, 0);
    place.set("ENTITLE_SCOPE", "other");
    let history = place.run(&["history"]);
    assert_eq!(history.stdout, "Nothing was applied yet.\n");
    place
        .run(&["undo", "latest", "--auto-approve"])
        .failed(1, "no run of these manifests");
    place.set("ENTITLE_SCOPE", "one");
    let history = place.run(&["history"]);
    assert!(history.stdout.contains("10 → 12"), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_named_by_an_address_that_is_known_and_never_shown() {
    let place = place().await;
    let secret = "swordfish";
    let with = |store: String| place.run(&["history", "--store", &store]);
    let ran = with(format!("ftp://ann:{secret}@example.com"));
    ran.failed(1, "--store takes postgres://, s3://");
    assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    for nowhere in ["file:", "file://", "file://srv/entitle"] {
        with(nowhere.into()).failed(1, "names no directory: write file:/srv/entitle");
    }
    let both = ["history", "--journal", "journal.jsonl"];
    place.run(&both).failed(1, "--store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_store_is_an_empty_secret_says_that_it_is_alone() {
    let mut place = place().await;
    let words = "ENTITLE_STORE is empty";
    let named = place.run(&["apply", "--auto-approve"]);
    assert!(!named.stderr.contains(words), "{}", named.stderr);
    place.set("ENTITLE_STORE", "");
    let alone = place.run(&["apply", "--auto-approve"]);
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    assert!(alone.stderr.contains(words), "{}", alone.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_proved_shown_and_taken_elsewhere() {
    let mut place = place().await;
    assert_eq!(place.run(&["apply", "--auto-approve"]).code, 0);
    let check = place.run(&["store", "check"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    assert!(
        check.stdout.contains("✓ one of two has a lease"),
        "{}",
        check.stdout
    );
    let shown = place.run(&["store", "show"]).stdout;
    assert!(shown.contains("env LAC_AUTH  epoch 1  free"), "{shown}");
    let freed = place.run(&["store", "unlock", "LAC_AUTH"]);
    assert_eq!(freed.code, 0, "{}", freed.stderr);
    assert!(freed.stderr.contains("Nobody has lac"), "{}", freed.stderr);
    place
        .run(&["store", "unlock", "nobody"])
        .failed(1, "0 accounts are named");
    let exported = place.run(&["store", "export"]).stdout;
    place.write("all.jsonl", &exported);
    let other = place.dir.path().join("other").display().to_string();
    place.set("ENTITLE_STORE", &format!("file:{other}"));
    for added in ["Added 5 lines.", "Added 0 lines."] {
        let import = place.run(&["store", "import", "all.jsonl"]);
        assert_eq!(import.code, 0, "{}", import.stderr);
        assert!(import.stderr.contains(added), "{}", import.stderr);
    }
    assert_eq!(place.run(&["store", "export"]).stdout, exported);
    place.write("torn.jsonl", "{\n");
    place.run(&["store", "import", "torn.jsonl"]).failed(
        1,
        "line 1 of the journal torn.jsonl is damaged: nothing was added",
    );
    place
        .run(&["store", "import", "absent.jsonl"])
        .failed(1, "cannot read absent.jsonl");
}
