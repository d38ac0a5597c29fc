//! `validate` of several environments, and of sets.

use serde_json::json;

use super::{BASIC, CONNECTIONS, ENVIRONMENTS, ORDER, ROWS, SET};
use crate::support::program::Workspace;

async fn workspace() -> Workspace {
    let workspace = Workspace::new().await;
    for (name, text) in [
        ("connections.yaml", CONNECTIONS),
        ("environments.yaml", ENVIRONMENTS),
        ("basic.yaml", BASIC),
        ("set.yaml", SET),
        ("customers.csv", ROWS),
        ("order.yaml", ORDER),
    ] {
        workspace.write(name, text);
    }
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn each_environment_is_checked_where_none_is_chosen() {
    let workspace = workspace().await;
    let ran = workspace.run(&["validate"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let words = "7 documents, 3 objects in 5 files: valid in production and staging\n";
    assert_eq!(ran.stdout, words);
    let source = workspace.run(&["validate", "--format", "json"]).json()["source"].clone();
    assert_eq!(source["objects"], 3, "{source:#}");
    assert_eq!(
        source["environments"],
        json!(["production", "staging"]),
        "{source:#}"
    );
    assert!(source["environment"].is_null());

    // One fault is in one environment, one in both.
    let lacking = ENVIRONMENTS.replacen("    key: K-STAGING\n", "", 1);
    workspace.write("environments.yaml", &lacking);
    workspace.write("basic.yaml", &BASIC.replace("enabled: true", "enabled: 7"));
    let ran = workspace.run(&["validate"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("(in staging)"), "{}", ran.stderr);
    assert_eq!(
        ran.stderr.matches("(in all environments)").count(),
        1,
        "{}",
        ran.stderr
    );
    let words = "2 errors in production and staging";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let production = workspace.run(&["validate", "--env", "production"]);
    assert!(!production.stderr.contains("(in "), "{}", production.stderr);
    assert_eq!(production.code, 1);
    let unknown = workspace.run(&["validate", "--env", "production,test"]);
    assert!(
        unknown.stderr.contains("there is no environment `test`"),
        "{}",
        unknown.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_connection_of_a_template_is_said_once_with_the_number_of_objects() {
    let workspace = workspace().await;
    workspace.write(
        "set.yaml",
        &SET.replace("connection: lac", "connection: lak"),
    );
    let ran = workspace.run(&["validate", "--env", "staging"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stderr.matches("there is no connection `lak`").count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("(the same for 2 objects)"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("set.yaml:13:19"), "{}", ran.stderr);

    // Where a cell names it, each row has its own.
    let by_cell = SET.replace("connection: lac", "connection: {column: tier}");
    workspace.write("set.yaml", &by_cell);
    let ran = workspace.run(&["validate", "--env", "staging"]);
    for place in ["customers.csv:2:", "customers.csv:3:"] {
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }

    // Where none is named and there are two, the template is to name one.
    workspace.write("set.yaml", &SET.replace("      connection: lac\n", ""));
    workspace.write(
        "environments.yaml",
        &ENVIRONMENTS.replace("  connections: {lac: lac-staging}\n", ""),
    );
    let ran = workspace.run(&["validate", "--env", "staging"]);
    let words = "lac has 2 connections, so `connection` must name one (the same for 2 objects)";
    assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);

    // So it is with the policy.
    let faulty = SET.replace("mode: observe, ", "mode: watch, ");
    workspace.write("set.yaml", &faulty);
    let ran = workspace.run(&["validate", "--env", "production"]);
    let words = "unknown mode \"watch\" (the same for 2 objects)";
    assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
}
