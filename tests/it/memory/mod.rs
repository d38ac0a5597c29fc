//! What is remembered, by the program: undo, heal, drift and history after whatever happened before.

mod daemon;
mod drift;
mod history;
mod named_by_key;
mod scopes;
mod undo;

use serde_json::{Value as Json, json};

use super::conformance::vendors::{cryptlex, lac};
use super::support::bench::Object;
use super::support::program::{Ran, Workspace};

const SEATS: &str = "activations_allowed";

/// An account with a LAC order of ten seats and a Cryptlex license of the groups Engineering and Field sales.
async fn workspace() -> Workspace {
    let mut workspace = Workspace::new().await;
    for (vendor, account) in [
        ("lac", (lac::VENDOR.account)(2)),
        ("cryptlex", (cryptlex::VENDOR.account)(2)),
    ] {
        workspace.connect(vendor);
        workspace
            .sandbox
            .set_state(vendor, account)
            .expect("an account");
    }
    workspace
}

/// The order, with these seats and more.
fn order(seats: i64, more: Json) -> Object {
    let mut object = lac::VENDOR.little(0, false);
    object.desired = json!({"customer_id": 1, SEATS: seats});
    for (name, value) in more.as_object().into_iter().flatten() {
        object.desired[name] = value.clone();
    }
    object
}

fn license(groups: &[&str]) -> Object {
    let mut object = cryptlex::VENDOR.little(0, false);
    object.name = "license".into();
    object.desired = json!({"userGroups": groups});
    object
}

fn live(workspace: &Workspace, field: &str) -> Json {
    let account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0][field].clone()
}

/// Somebody else changes the order.
fn foreign(workspace: &Workspace, field: &str, value: Json) {
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0][field] = value;
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}

/// The groups of the license by their names, in order.
fn groups(workspace: &Workspace) -> Vec<String> {
    let account = workspace.sandbox.state("cryptlex").expect("an account");
    let organization = &account["organizations"][0];
    let ids = &organization["licenses"][0]["userGroupIds"];
    let named = organization["userGroups"].as_array().into_iter().flatten();
    let named = named.filter(|group| ids.as_array().is_some_and(|ids| ids.contains(&group["id"])));
    let mut names: Vec<String> = named
        .filter_map(|group| Some(group["name"].as_str()?.to_string()))
        .collect();
    names.sort();
    names
}

/// Somebody else adds the license to a group, or takes it out.
fn regroup(workspace: &Workspace, name: &str, member: bool) {
    let mut account = workspace.sandbox.state("cryptlex").expect("an account");
    let organization = &mut account["organizations"][0];
    let named = organization["userGroups"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let id = named
        .iter()
        .find(|group| group["name"] == name)
        .expect("a group")["id"]
        .clone();
    let ids = organization["licenses"][0]["userGroupIds"]
        .as_array_mut()
        .expect("a list");
    ids.retain(|other| *other != id);
    if member {
        ids.push(id);
    }
    workspace
        .sandbox
        .set_state("cryptlex", account)
        .expect("an account");
}

fn apply(workspace: &Workspace) {
    let ran = workspace.run(&["apply", "--auto-approve", "--allow", "strand"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

fn undo(workspace: &Workspace, more: &[&str]) -> Ran {
    let own = ["undo", "latest", "--auto-approve", "--allow", "strand"];
    workspace.run(&[&own[..], more].concat())
}

fn heal(workspace: &Workspace) -> Ran {
    watch(workspace, "heal")
}

fn watch(workspace: &Workspace, mode: &str) -> Ran {
    workspace.run(&[
        "watch",
        "--once",
        "--mode",
        mode,
        "--max-changes",
        "100%",
        "--settle",
        "0s",
    ])
}

/// Who changed which field, and the exit code.
fn drift(workspace: &Workspace) -> (i32, Vec<(String, String)>) {
    let ran = workspace.run(&["drift", "--format", "json"]);
    let document = ran.json();
    let objects = document["objects"].as_array().cloned().unwrap_or_default();
    let differences = objects.iter().flat_map(|object| {
        let own = object["differences"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        own.into_iter().map(|difference| {
            let text = |name: &str| difference[name].as_str().unwrap_or_default().to_string();
            (text("path"), text("changed_by"))
        })
    });
    (ran.code, differences.collect())
}

fn by(path: &str, by: &str) -> Vec<(String, String)> {
    vec![(path.into(), by.into())]
}

fn journal(workspace: &Workspace) -> std::path::PathBuf {
    workspace.dir.path().join("state/entitle/journal.jsonl")
}

/// The journal as if the last run had been killed behind its last intent.
fn cut_off(workspace: &Workspace) {
    let text = std::fs::read_to_string(journal(workspace)).expect("a journal");
    let mut lines: Vec<&str> = text.lines().collect();
    while lines
        .last()
        .is_some_and(|line| !line.contains("{\"intent\":"))
    {
        lines.pop();
    }
    std::fs::write(journal(workspace), lines.join("\n") + "\n").expect("written");
}

/// The runs that wrote something, in their order.
fn runs(workspace: &Workspace) -> Vec<String> {
    let text = std::fs::read_to_string(journal(workspace)).expect("a journal");
    let mut runs: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.contains("{\"intent\":")) {
        let record: Json = serde_json::from_str(line).expect("JSON");
        let run = record["run"].as_str().unwrap_or_default().to_string();
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    runs
}

fn writes(workspace: &Workspace) -> usize {
    let requests = workspace.sandbox.requests();
    let writes = requests
        .iter()
        .filter(|seen| ["PATCH", "PUT", "POST"].contains(&seen.method.as_str()));
    writes.count()
}
