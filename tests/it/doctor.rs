//! `entitle doctor`: what is wrong with a set-up, with what to do, and an exit code.

use super::conformance::vendors::lac;
use super::support::program::{Ran, Workspace};

/// A workspace with one order at the simulator of LAC, which has its login in two variables.
async fn one_order() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect_by_login("lac");
    workspace.object(&lac::VENDOR.little(0, false));
    let account = (lac::VENDOR.account)(1);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    workspace
}

/// The run says so on a line of its own, and what to do about it below.
#[track_caller]
fn says(ran: &Ran, line: &str) {
    let found = ran.stdout.lines().any(|one| one == line);
    assert!(
        found,
        "{line:?} is not a line of {}{}",
        ran.stdout, ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_that_works_is_told_part_by_part() {
    let workspace = one_order().await;
    let ran = workspace.run(&["doctor"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for line in [
        "ok     schema      no copy is here: editors take the published one",
        "ok     manifests   2 files: 1 object, 1 connection",
        "ok     secrets     lac: 2 secrets can be read",
        "ok     connection  lac: it answers, and the credentials are accepted",
        "ok     clock       within 30 s of the vendors' clocks",
        "warn   git         no commit is checked out here: plans name none",
        "0 errors, 1 warning.",
    ] {
        says(&ran, line);
    }
    let writes = workspace.sandbox.requests();
    let writes = writes.iter().filter(|call| call.method == "PATCH").count();
    assert_eq!(writes, 0);
    let document = workspace.run(&["doctor", "--format", "json"]).json();
    assert_eq!(document["health"], "warning");
    let parts = document["parts"].as_array().expect("parts");
    let names: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "version",
            "git",
            "schema",
            "store",
            "manifests",
            "secrets",
            "connection",
            "clock"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_an_error_with_what_to_do() {
    let mut workspace = one_order().await;
    let all = std::mem::take(&mut workspace.environment);
    let state = all.into_iter().filter(|(name, _)| name.starts_with("XDG"));
    workspace.environment = state.collect();
    let calls = workspace.sandbox.requests().len();
    let unset = workspace.run(&["doctor"]);
    assert_eq!(unset.code, 1, "{}", unset.stdout);
    let line = "error  secrets     lac: LAC_USERNAME, LAC_PASSWORD are not set (lac.yaml:10)";
    says(&unset, line);
    says(
        &unset,
        "                   → export them here, or add them to the secrets of the job",
    );
    assert_eq!(workspace.sandbox.requests().len(), calls);

    workspace.set("LAC_USERNAME", "admin");
    workspace.set_secret("LAC_PASSWORD", "not-the-password");
    let refused = workspace.run(&["doctor"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(
        refused.stdout.contains("error  connection  lac: "),
        "{}",
        refused.stdout
    );

    workspace.set("ENTITLE_JOURNAL", "/proc/entitle/journal.jsonl");
    let unwritable = workspace.run(&["doctor"]);
    assert!(
        unwritable.stdout.contains("error  store"),
        "{}",
        unwritable.stdout
    );
    assert!(unwritable.stdout.contains("set XDG_STATE_HOME"));
    workspace.write(
        "schemas/manifest.json",
        "{\"title\": \"entitle manifest\"}\n",
    );
    let old = workspace.run(&["doctor"]);
    says(
        &old,
        "warn   schema      schemas/manifest.json is that of another version",
    );

    workspace.write(
        "order.yaml",
        "kind: LacLicenseOrder\napiVersion: entitle.dev/v1\n",
    );
    let broken = workspace.run(&["doctor"]);
    assert_eq!(broken.code, 1, "{}", broken.stdout);
    assert!(
        broken.stdout.contains("error  manifests"),
        "{}",
        broken.stdout
    );
    let nowhere = workspace.run(&["doctor", "nowhere"]);
    assert_eq!(nowhere.code, 1, "{}", nowhere.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_job_somebody_has_to_say_where_credentials_go() {
    let mut workspace = one_order().await;
    workspace.set("CI", "true");
    let open = workspace.run(&["doctor"]);
    assert!(open.stdout.contains("warn   hosts"), "{}", open.stdout);
    workspace.set("ENTITLE_TRUST_HOSTS", "http://127.0.0.1");
    let closed = workspace.run(&["doctor"]);
    says(&closed, "ok     hosts       credentials go to 1 host only");
    assert_eq!(closed.code, 0, "{}", closed.stdout);
}
