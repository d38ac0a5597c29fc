//! `--sandbox=ADDR`: the simulators of another process, over several runs, with the credentials that they publish.

use serde_json::json;

use super::support::golden;
use super::support::program::{Ran, Workspace};

/// An example whose order has 5 activations at the vendor, of which 3 are in use, and is to have 12.
const EXAMPLE: &str = "../examples/lac/license_order/minimal.yaml";

/// Where the account has the activations of that order.
const POINTER: &str = "/license_orders/1/activations_allowed";

/// Runs a command over the example, against the sandbox of the workspace.
#[track_caller]
fn run(workspace: &Workspace, command: &[&str]) -> Ran {
    let example = golden::tests_dir().join(EXAMPLE);
    let sandbox = format!("--sandbox={}", workspace.sandbox.address());
    let more = [example.to_str().expect("UTF-8"), &sandbox];
    workspace.run(&[command, &more].concat())
}

/// Changes the account as somebody does in the vendor's console.
fn set_activations(workspace: &Workspace, count: u32) {
    let mut account = workspace.sandbox.state("lac").expect("an account");
    *account.pointer_mut(POINTER).expect("an order") = json!(count);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_goes_on_over_several_runs_and_is_remembered() {
    let mut workspace = Workspace::new().await;
    // The store of a team never sees an account that is none.
    workspace.set("ENTITLE_STORE", "postgres://nobody@127.0.0.1:1/none");
    let plan = run(&workspace, &["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{plan:?}");
    assert!(plan.stdout.contains("5 → 12"), "{}", plan.stdout);
    let apply = run(&workspace, &["apply", "--auto-approve"]);
    assert_eq!(apply.code, 0, "{apply:?}");
    assert_eq!(run(&workspace, &["plan", "--detailed-exitcode"]).code, 0);
    set_activations(&workspace, 4);
    let drift = run(&workspace, &["drift"]);
    assert_eq!(drift.code, 2, "{drift:?}");
    let line = "they  activations_allowed  12 → 4";
    assert!(drift.stdout.contains(line), "{}", drift.stdout);
    assert_eq!(run(&workspace, &["apply", "--auto-approve"]).code, 0);
    assert_eq!(run(&workspace, &["drift"]).code, 0);
    let undo = ["undo", "latest", "--auto-approve", "--allow", "reduce"];
    assert_eq!(run(&workspace, &undo).code, 0);
    let account = workspace.sandbox.state("lac").expect("an account");
    assert_eq!(account.pointer(POINTER), Some(&json!(4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_for_the_sandbox_that_it_was_made_at() {
    let workspace = Workspace::new().await;
    let plan = run(&workspace, &["plan", "--out", "plan.json"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    let example = golden::tests_dir().join(EXAMPLE);
    let example = example.to_str().expect("UTF-8");
    let built_in = ["apply", "plan.json", example, "--sandbox"];
    workspace.run(&built_in).failed(1, "without --sandbox");
    let applied = run(&workspace, &["apply", "plan.json"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let account = workspace.sandbox.state("lac").expect("an account");
    let activations = account.pointer(POINTER).expect("an order").to_string();
    assert!(activations.contains("12"), "{activations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sandbox_is_told_with_a_way_to_one() {
    let mut workspace = Workspace::new().await;
    let example = golden::tests_dir().join(EXAMPLE);
    let example = example.to_str().expect("UTF-8");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let absent = format!("--sandbox={address}");
    let way = format!("entitle sandbox --listen {address}");
    for command in ["plan", "drift", "unmanaged", "watch"] {
        workspace.run(&[command, example, &absent]).failed(1, &way);
    }
    let far = ["plan", example, "--sandbox=192.0.2.1:80"];
    workspace.run(&far).failed(1, "on this machine only");
    let ran = run(&workspace, &["plan", "--faults", "7"]);
    ran.failed(1, "give it to `entitle sandbox`");
    let sandbox = workspace.sandbox.address().to_string();
    workspace.set("ENTITLE_SANDBOX", &sandbox);
    assert_eq!(workspace.run(&["plan", example]).code, 0);
    workspace.set("ENTITLE_SANDBOX", "0");
    workspace
        .run(&["plan", example])
        .failed(1, "needs a Connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_to_approve_is_given_for_what_is_there() {
    let workspace = Workspace::new().await;
    let example = golden::tests_dir().join(EXAMPLE);
    let example = example.to_str().expect("UTF-8");
    let sandbox = format!("--sandbox={}", workspace.sandbox.address());
    let missing = workspace.run(&["apply", "no-such-folder", &sandbox]);
    assert_eq!(missing.code, 1, "{missing:?}");
    let nothing = workspace.run(&["undo", "latest", example, &sandbox]);
    assert_eq!(nothing.code, 1, "{nothing:?}");
    for ran in [missing, nothing] {
        assert!(!ran.stderr.contains("--auto-approve"), "{}", ran.stderr);
    }
    let there = workspace.run(&["apply", example, &sandbox]);
    there.failed(1, "--auto-approve");
}
