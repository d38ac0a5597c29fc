//! Two environments that share one store, and in these tests even an object: neither sees what the other one did.

use serde_json::json;

use super::*;

const ENVIRONMENTS: &str = "apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: staging}
spec: {values: {seats: 12}, scope: licences-staging}
---
apiVersion: entitle.dev/v1
kind: Environment
metadata: {name: production}
spec: {values: {seats: 14}, scope: licences}
";

async fn shared() -> Workspace {
    let workspace = workspace().await;
    workspace.write("environments.yaml", ENVIRONMENTS);
    let mut object = order(0, json!({}));
    object.desired[SEATS] = json!({"value": "seats"});
    workspace.object(&object.policy(json!({"allow": ["strand"]})));
    workspace
}

fn applied(workspace: &Workspace, environment: &str, seats: i64) {
    let ran = workspace.run(&["apply", "--auto-approve", "--env", environment]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(live(workspace, SEATS), seats);
}

/// The names of runs, the newest first.
fn history(workspace: &Workspace, more: &[&str]) -> Vec<String> {
    let ran = workspace.run(&[&["history", "--json"], more].concat());
    let document = ran.json();
    let runs = document["runs"].as_array().cloned().unwrap_or_default();
    let names = runs.iter().filter_map(|run| run["run"].as_str());
    names.map(str::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_undo_know_the_runs_of_the_environment() {
    let workspace = shared().await;
    applied(&workspace, "production", 14);
    applied(&workspace, "staging", 12);
    let [newest, oldest] = &history(&workspace, &[])[..] else {
        panic!("two runs");
    };
    assert_eq!(
        history(&workspace, &["--env", "staging"]),
        [newest.as_str()]
    );
    assert_eq!(
        history(&workspace, &["--env", "production"]),
        [oldest.as_str()]
    );
    assert_eq!(
        history(&workspace, &["--scope", "licences"]),
        [oldest.as_str()]
    );
    let unknown = workspace.run(&["history", "--env", "test"]);
    unknown.failed(1, "there is no environment `test`");

    let undone = |run: &str, environment: &str| {
        workspace.run(&["undo", run, "--env", environment, "--auto-approve"])
    };
    let other = undone(oldest, "staging");
    other.failed(
        1,
        "belongs to the scope `licences`, and these manifests to `licences-staging`",
    );
    assert_eq!(live(&workspace, SEATS), 12);
    // The last run of production is the older one; its field has another value by now.
    let latest = undone("latest", "production");
    assert_eq!(latest.code, 3, "{}{}", latest.stdout, latest.stderr);
    assert_eq!(live(&workspace, SEATS), 12);
    let latest = undone("latest", "staging");
    assert_eq!(latest.code, 0, "{}{}", latest.stdout, latest.stderr);
    assert_eq!(live(&workspace, SEATS), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_compares_with_what_the_environment_agreed_on() {
    let workspace = shared().await;
    applied(&workspace, "staging", 12);
    applied(&workspace, "production", 14);
    let ran = workspace.run(&["drift", "--env", "staging", "--format", "json"]);
    let difference = &ran.json()["objects"][0]["differences"][0];
    assert_eq!(difference["changed_by"], "they", "{difference:#}");
    assert_eq!(difference["base"], 12, "{difference:#}");
    let ran = workspace.run(&["drift", "--env", "production", "--format", "json"]);
    assert_eq!(ran.json()["summary"]["drifted"], 0, "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_daemon_writes_is_of_the_environment() {
    let mut workspace = shared().await;
    workspace.set("ENTITLE_ENVIRONMENT", "staging");
    let watched = watch(&workspace, "sync");
    assert_eq!(watched.code, 0, "{}{}", watched.stdout, watched.stderr);
    assert_eq!(live(&workspace, SEATS), 12);
    let written = history(&workspace, &[]);
    assert_eq!(written.len(), 1);
    assert_eq!(
        history(&workspace, &["--scope", "licences-staging"]),
        written
    );
    assert_eq!(history(&workspace, &["--scope", "licences"]), [""; 0]);
}

/// Versions before 0.2 wrote what the daemon did without the scope of the environment.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_agreed_on_without_a_scope_counts_for_every_environment() {
    let workspace = workspace().await;
    workspace.object(&order(12, json!({})));
    apply(&workspace);
    let scoped = workspace.run(&["drift", "--scope", "licences", "--format", "json"]);
    assert_eq!(scoped.json()["summary"]["drifted"], 0, "{}", scoped.stdout);
    foreign(&workspace, SEATS, json!(30));
    let scoped = workspace.run(&["drift", "--scope", "licences", "--format", "json"]);
    let difference = &scoped.json()["objects"][0]["differences"][0];
    assert_eq!(difference["changed_by"], "they", "{difference:#}");
}
