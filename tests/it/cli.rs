//! The exit codes of the program, with what it says when it fails.

use serde_json::{Value as Json, json};

use super::conformance::vendors::{lac, licensespring};
use super::support::golden;
use super::support::program::Workspace;

/// A LAC account with three orders, and manifests of the first `count`.
pub async fn lac_workspace(count: usize, changed: bool) -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace
        .sandbox
        .set_state("lac", (lac::VENDOR.account)(3))
        .expect("an account");
    for number in 0..count {
        workspace.object(&lac::VENDOR.little(number, changed));
    }
    workspace
}

pub fn is_plan(document: &Json) {
    let text = std::fs::read_to_string(golden::tests_dir().join("../schemas/plan.json"));
    let schema = serde_json::from_str(&text.expect("readable")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}\n{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_and_apply_end_with_the_codes_of_the_contract() {
    let workspace = lac_workspace(2, true).await;
    let code = |arguments: &[&str]| workspace.run(arguments).code;
    assert_eq!(code(&["validate"]), 0);
    assert_eq!(code(&["plan"]), 0);
    assert_eq!(code(&["plan", "--detailed-exitcode"]), 2);
    assert_eq!(code(&["apply", "--auto-approve"]), 0);
    assert_eq!(code(&["apply", "--auto-approve"]), 0);
    assert_eq!(code(&["plan", "--detailed-exitcode"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_object_fails_a_plan_and_leaves_an_apply_in_part() {
    let workspace = lac_workspace(1, true).await;
    workspace.object(&lac::VENDOR.stranger(true));
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 1, "{}", plan.stderr);
    assert!(plan.stdout.contains("object-0000") && plan.stdout.contains("1 failed"));
    let apply = workspace.run(&["apply", "--auto-approve", "--format", "json"]);
    assert_eq!(apply.code, 3, "{}", apply.stderr);
    let document = apply.json();
    assert_eq!(document["objects"][0]["outcome"], "converged");
    assert_eq!(document["objects"][1]["outcome"], "failed");
    is_plan(&document);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_the_vendor_leaves_an_apply_in_part() {
    let workspace = lac_workspace(2, true).await;
    let mut refused = lac::VENDOR.little(0, true);
    refused.desired["product_template_id"] = json!(77);
    workspace.object(&refused);
    let apply = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(apply.code, 3, "{}", apply.stderr);
    assert!(
        apply.stdout.contains("there is no product template 77"),
        "{}",
        apply.stdout
    );
    assert!(apply.stdout.contains("1 converged"), "{}", apply.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_end_with_four_and_nothing_is_sent() {
    let workspace = lac_workspace(1, false).await;
    let mut risky = lac::VENDOR.little(0, false);
    risky.desired["enabled"] = json!(false);
    workspace.object(&risky);
    let refused = |arguments: &[&str]| {
        let ran = workspace.run(arguments);
        assert_eq!(ran.code, 4, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        let writes = workspace.sandbox.requests();
        assert!(writes.iter().all(|seen| seen.method != "PATCH"));
    };
    refused(&["apply", "--auto-approve"]);
    refused(&["apply", "--auto-approve", "--allow", "reduce"]);
    refused(&[
        "apply",
        "--auto-approve",
        "--allow",
        "strand",
        "--max-changes",
        "0",
    ]);
    let allowed = workspace.run(&["apply", "--auto-approve", "--allow", "strand"]);
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_applied_as_shown_or_refused_as_stale() {
    let workspace = lac_workspace(2, true).await;
    let planned = workspace.run(&["plan", "--out", "plan.json", "--format", "json"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert_eq!(
        workspace
            .run(&["show", "plan.json", "--format", "json"])
            .json(),
        planned.json()
    );
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][1]["description"] = json!("changed by hand");
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    let apply = workspace.run(&["apply", "plan.json", "--format", "json"]);
    assert_eq!(apply.code, 5, "{}", apply.stderr);
    let document = apply.json();
    is_plan(&document);
    assert_eq!(document["objects"][0]["outcome"], "converged");
    assert_eq!(document["objects"][1]["outcome"], "stale");
    let account = workspace.sandbox.state("lac").expect("an account");
    assert_eq!(
        account["license_orders"][1]["description"],
        "changed by hand"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_is_taken_back_at_once_or_from_a_saved_inverse() {
    let workspace = lac_workspace(2, true).await;
    let account = || workspace.sandbox.state("lac").expect("an account")["license_orders"].clone();
    let before = account();
    assert_eq!(workspace.run(&["apply", "--auto-approve"]).code, 0);
    let after = account();
    assert_ne!(after, before);
    let saved = workspace.run(&["undo", "latest", "--out", "undo.json"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    assert_eq!(account(), after, "saving writes nothing");
    let undo = workspace.run(&["apply", "undo.json", "--allow", "strand"]);
    assert_eq!(undo.code, 0, "{}{}", undo.stdout, undo.stderr);
    assert_eq!(account(), before);
    // It is as it was by now, so there is nothing left to take back.
    let again = workspace.run(&["apply", "undo.json", "--allow", "strand"]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    assert_eq!(account(), before);
    let unknown = workspace.run(&["undo", "nope", "--auto-approve"]);
    assert_eq!(unknown.code, 1, "{}", unknown.stderr);
    let history = workspace.run(&["history", "latest"]);
    assert!(history.stdout.contains("converged"), "{}", history.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_converge_ends_with_seven() {
    let mut workspace = Workspace::new().await;
    workspace.connect("licensespring");
    let vendor = &licensespring::VENDOR;
    workspace
        .sandbox
        .set_state("licensespring", (vendor.account)(3))
        .expect("an account");
    let ignore = json!({"unknown_feature": "ignore"});
    workspace
        .sandbox
        .set_switches("licensespring", ignore)
        .expect("a switch");
    let mut object = vendor.little(0, false);
    let items = object.desired["product_features"]
        .as_array_mut()
        .expect("a list");
    items.push(json!({"product_feature": "f99", "max_consumption": 5}));
    workspace.object(&object);
    let apply = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(apply.code, 7, "{}{}", apply.stdout, apply.stderr);
    assert!(apply.stdout.contains("unconverged"), "{}", apply.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_ends_with_one_and_says_why_on_stderr() {
    let workspace = lac_workspace(1, true).await;
    for (arguments, words) in [
        (&["plan", "--no-such-flag"][..], "--no-such-flag"),
        (&["plna"], "plna"),
        (&["plan", "--format", "xml"], "xml"),
        (&["plan", "--parallelism", "0"], "--parallelism"),
        (&["plan", "--timeout", "soon"], "write a duration"),
        (&["plan", "no/such/path"], "no/such/path"),
        (
            &["plan", "--target", "Lac*/objekt-0000"],
            "did you mean LacLicenseOrder/object-0000?",
        ),
        (
            &["plan", "--exclude", "LacLicenseOrder/object-000"],
            "did you mean LacLicenseOrder/object-0000?",
        ),
        (
            &["plan", "--selector", "team=sales"],
            "no object has labels",
        ),
        (&["plan", "--selector", "team"], "KEY=VALUE"),
        (&["plan", "--target", "Lac{"], "glob"),
        (&["apply"], "--auto-approve"),
        (
            &["apply", "--auto-approve", "--allow", "everything"],
            "everything",
        ),
        (&["show", "lac.yaml"], "lac.yaml"),
        (&["explain", "LacLicenceOrder"], "LacLicenseOrder"),
    ] {
        workspace.run(arguments).failed(1, words);
    }
    assert_eq!(workspace.run(&[]).code, 0);
    assert_eq!(workspace.sandbox.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_manifests_stop_before_any_request() {
    let workspace = lac_workspace(1, true).await;
    let mut invalid = lac::VENDOR.little(1, true);
    invalid.desired["activation_allowed"] = json!(5);
    workspace.object(&invalid);
    for arguments in [&["validate"][..], &["plan"], &["apply", "--auto-approve"]] {
        workspace
            .run(arguments)
            .failed(1, "did you mean `activations_allowed`?");
    }
    assert_eq!(workspace.sandbox.requests(), []);
    let validated = workspace.run(&["validate", "--format", "json"]);
    assert_eq!(validated.code, 1);
    let document = validated.json();
    assert_eq!(document["valid"], false);
    assert_eq!(document["diagnostics"][0]["code"], "unknown-field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_cannot_be_reached_is_an_error_that_names_the_host() {
    let mut workspace = lac_workspace(1, true).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = listener.local_addr().expect("bound");
    drop(listener);
    let auth = json!({"token": {"env": "LAC_AUTH"}});
    workspace.connection("lac", &format!("http://{closed}/lac"), &auth);
    let plan = workspace.run(&["plan", "--timeout", "300ms"]);
    assert_eq!(plan.code, 1);
    assert!(
        plan.stderr.contains(&format!("cannot connect to {closed}")),
        "{}",
        plan.stderr
    );

    let elsewhere = format!("http://{}/lac/nothing/here", workspace.sandbox.address());
    workspace.connection("lac", &elsewhere, &auth);
    let plan = workspace.run(&["plan"]);
    assert_eq!(plan.code, 1);
    assert!(plan.stderr.contains("answered 404"), "{}", plan.stderr);

    workspace.environment.retain(|(name, _)| name != "LAC_AUTH");
    let plan = workspace.run(&["plan"]);
    assert_eq!(plan.code, 1);
    let unset = "error[unset-variable]: lac: LAC_AUTH is not set (1 object)";
    assert!(plan.stderr.contains(unset), "{}", plan.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_program_works_without_any_account() {
    let workspace = Workspace::new().await;
    let examples = golden::tests_dir().join("../examples");
    let examples = examples.to_str().expect("UTF-8");
    let plan = workspace.run(&["plan", examples, "--sandbox", "--format", "json"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    is_plan(&plan.json());
    let apply = workspace.run(&[
        "apply",
        examples,
        "--sandbox",
        "--auto-approve",
        "--format",
        "json",
    ]);
    assert_eq!(apply.code, 0, "{}", apply.stderr);
    let document = apply.json();
    is_plan(&document);
    let count = document["objects"].as_array().map(Vec::len);
    assert_eq!(document["summary"]["converged"], json!(count));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_told_before_anybody_is_asked() {
    let workspace = lac_workspace(1, true).await;
    for command in [
        ["apply", "nowhere.json"],
        ["apply", "nowhere"],
        ["undo", "latest"],
        ["undo", "0199f3a"],
    ] {
        let ran = workspace.run(&command);
        assert_eq!(ran.code, 1, "{command:?}: {}", ran.stderr);
        let advice = ran.stderr.contains("--auto-approve");
        assert!(!advice, "{command:?}: {}", ran.stderr);
    }
    let ran = workspace.run(&["apply"]);
    ran.failed(1, "pass --auto-approve");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn locks_lie_beside_a_journal_where_they_have_no_other_place() {
    let mut workspace = lac_workspace(1, true).await;
    workspace.set("XDG_STATE_HOME", "/proc/nowhere");
    let ran = workspace.run(&["apply", "--auto-approve"]);
    ran.failed(1, "or name others with --journal or --store");
    let ran = workspace.run(&["apply", "--auto-approve", "--journal", "runs.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(workspace.dir.path().join("runs.locks").is_dir());
}
