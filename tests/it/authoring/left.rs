//! Rows that leave their set, and objects whose file is gone: plans name them until an apply has told it.

use serde_json::{Value as Json, json};

use super::super::daemon::order_manifest;
use super::super::daemon::program::{activations_allowed, five_orders};
use crate::support::program::{Ran, Workspace};

const HEAD: &str = "name,key\n";

/// A set of orders that are told apart by their key, and one order by itself.
async fn workspace() -> Workspace {
    let workspace = five_orders().await;
    let mut order = order_manifest(0, 10);
    order.ids["activationKey"] = json!("{key}");
    let mut spec = order.ids.clone();
    spec["desired"] = order.desired.clone();
    let set = json!({
        "apiVersion": "entitle.dev/v1", "kind": "ObjectSet", "metadata": {"name": "customers"},
        "spec": {
            "for": order.kind,
            "forEach": {"rows": {"file": "customers.csv"}},
            "template": {"metadata": {"name": "{name}"}, "spec": spec},
        },
    });
    workspace.write("licences/set.yaml", &format!("{set:#}\n"));
    workspace.write("licences/customers.csv", &rows(&[0, 1, 2]));
    let mut alone = order_manifest(3, 10);
    alone.name = "alone".into();
    workspace.write("licences/alone.yaml", &alone.text());
    workspace
}

fn rows(orders: &[usize]) -> String {
    let row = |order: &usize| {
        let key = order_manifest(*order, 10).ids["activationKey"].clone();
        format!("row-{order},{}\n", key.as_str().expect("a key"))
    };
    HEAD.to_string() + &orders.iter().map(row).collect::<String>()
}

fn run(workspace: &Workspace, command: &str, more: &[&str]) -> Ran {
    let ran = workspace.run(&[&[command, "licences", "lac.yaml"], more].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran
}

fn apply(workspace: &Workspace) -> Ran {
    run(workspace, "apply", &["--auto-approve", "--allow", "strand"])
}

/// The names of the objects that a plan says are no longer managed.
fn left(workspace: &Workspace, more: &[&str]) -> Vec<String> {
    let ran = run(workspace, "plan", &[&["--format", "json"], more].concat());
    let document = ran.json();
    let left = document["no_longer_managed"].as_array().cloned();
    let names = left
        .into_iter()
        .flatten()
        .map(|entry| entry["address"].clone());
    names
        .filter_map(|name| Some(name.as_str()?.to_string()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_goes_is_said_until_an_apply_has_told_it() {
    let workspace = workspace().await;
    assert_eq!(left(&workspace, &[]), [""; 0]);
    apply(&workspace);
    assert_eq!(left(&workspace, &[]), [""; 0]);

    workspace.write("licences/customers.csv", &rows(&[0, 2]));
    let ran = run(
        &workspace,
        "plan",
        &["--report", "markdown=plan.md", "--report", "html=plan.html"],
    );
    let words =
        "No longer managed: 1 object, since its row left the set customers: LacLicenseOrder/row-1.";
    assert!(
        ran.stdout.replace('\n', " ").contains(words),
        "{}",
        ran.stdout
    );
    for file in ["plan.md", "plan.html"] {
        let text = std::fs::read_to_string(workspace.dir.path().join(file)).expect("a report");
        assert!(text.contains(words), "{file}: {text}");
    }
    let document = run(&workspace, "plan", &["--format", "json"]).json();
    let entry = &document["no_longer_managed"][0];
    let key = order_manifest(1, 10).ids["activationKey"].clone();
    assert_eq!(entry["identity"]["activationKey"], key, "{entry:#}");
    assert_eq!(
        (&entry["set"], &entry["can_be_removed"]),
        (&json!("customers"), &json!(false))
    );

    // What is only filtered out has its manifest.
    let narrowed = ["--target", "*/row-0"];
    assert_eq!(left(&workspace, &narrowed), [""; 0]);
    let other_file = workspace.run(&[
        "plan",
        "licences/alone.yaml",
        "lac.yaml",
        "--format",
        "json",
    ]);
    assert_eq!(
        other_file.json()["no_longer_managed"],
        Json::Null,
        "{}",
        other_file.stdout
    );
    assert_eq!(left(&workspace, &["--scope", "another"]), [""; 0]);
    assert_eq!(left(&workspace, &["--at", "2099-01-01"]), [""; 0]);

    // An apply of a part does not count as having told it.
    run(
        &workspace,
        "apply",
        &["--auto-approve", "--target", "*/row-0"],
    );
    assert_eq!(left(&workspace, &[]), ["LacLicenseOrder/row-1"]);
    let seats = activations_allowed(&workspace, 1);
    let ran = apply(&workspace);
    assert!(
        ran.stdout.replace('\n', " ").contains(words),
        "{}",
        ran.stdout
    );
    assert_eq!(left(&workspace, &[]), [""; 0]);
    assert_eq!(activations_allowed(&workspace, 1), seats);

    // A row that comes back is agreed on anew, and may go again.
    workspace.write("licences/customers.csv", &rows(&[0, 1, 2]));
    apply(&workspace);
    workspace.write("licences/customers.csv", &rows(&[1]));
    let gone = ["LacLicenseOrder/row-0", "LacLicenseOrder/row-2"];
    assert_eq!(left(&workspace, &[]), gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_file_is_gone_is_said_too_and_one_that_moved_is_not() {
    let workspace = workspace().await;
    apply(&workspace);
    let place = |name: &str| workspace.dir.path().join("licences").join(name);
    std::fs::rename(place("alone.yaml"), place("moved.yaml")).expect("moved");
    assert_eq!(left(&workspace, &[]), [""; 0]);
    std::fs::remove_file(place("moved.yaml")).expect("removed");
    assert_eq!(left(&workspace, &[]), ["LacLicenseOrder/alone"]);
    // A saved plan that is applied tells it as well.
    run(&workspace, "plan", &["--out", "plan.json"]);
    let ran = workspace.run(&["apply", "plan.json", "licences", "lac.yaml"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(left(&workspace, &[]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_another_environment_has_its_manifest_there() {
    let workspace = workspace().await;
    let environment = |name: &str, key: usize| {
        let key = order_manifest(key, 10).ids["activationKey"].clone();
        format!(
            "apiVersion: entitle.dev/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {{values: {{key: {key}}}}}\n---\n"
        )
    };
    let both = environment("staging", 3) + &environment("production", 4);
    workspace.write("licences/environments.yaml", &both);
    let mut alone = order_manifest(3, 10);
    alone.ids["activationKey"] = json!({"value": "key"});
    workspace.write("licences/alone.yaml", &alone.text());
    for name in ["staging", "production"] {
        run(
            &workspace,
            "apply",
            &["--auto-approve", "--allow", "strand", "--env", name],
        );
    }
    assert_eq!(left(&workspace, &["--env", "staging"]), [""; 0]);
    assert_eq!(left(&workspace, &["--env", "production"]), [""; 0]);
}
