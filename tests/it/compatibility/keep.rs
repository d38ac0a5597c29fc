//! Writes the folder of a version: schemas, manifests, and what its commands write, all against the sandbox.
//!
//! Paths and addresses are the same each time. Times and the ids of runs are not: they are the clock's, and the checksums of
//! the journal's lines and the hashes of plans go over them.

use std::path::Path;

use entitle::sandbox::{Options, SandboxServer};

use super::super::daemon::program::{DaemonProcess, wait_for};
use super::super::daemon::webhooks::{listen_port, read_status};
use super::{company, names};
use crate::examples::files_below;
use crate::support::program::Workspace;
use crate::support::{golden, kept};

/// An address that only the sandbox answers for.
const CONNECTION: &str = "\
apiVersion: entitle.dev/v1
kind: Connection
metadata: {name: lac}
spec: {vendor: lac, baseUrl: \"https://lac.example.com\", auth: {token: {env: LAC_TOKEN}}}
";

/// What manifests of every layer mean.
pub const RENDER: [&str; 4] = ["render", ".", "--env", "staging"];

/// No check, but the writer of what the others check.
#[ignore = "writes the folder of a version"]
#[tokio::test(flavor = "multi_thread")]
async fn keep_this_version() {
    let write = |name: &str, text: &str| kept::write(name, text);
    for (name, schema) in entitle::cli::all_schemas() {
        let text = serde_json::to_string_pretty(&schema).expect("printable") + "\n";
        write(&format!("schemas/{name}"), &text);
    }
    keep_manifests(&write);
    let workspace = start_workspace().await;
    keep_documents(&workspace, &write);
    keep_status(&workspace, &write);
    // The next one has the same directory and address.
    drop(workspace);
    keep_company(&start_workspace().await, &write);
    // Those of metrics are of the status that was just kept.
    write("names.txt", &names::all_names());
}

/// Starts the vendors that the kept files are about.
pub async fn start_sandbox() -> SandboxServer {
    kept::start_sandbox(18903, Options::default).await
}

async fn start_workspace() -> Workspace {
    let sandbox = start_sandbox().await;
    let address = sandbox.address().to_string();
    let mut workspace = Workspace::of(sandbox, kept::stable_dir("workspace"));
    workspace.set("USER", "jane");
    workspace.set("ENTITLE_SANDBOX", &address);
    workspace
}

/// Keeps the fullest manifest of each kind, and every member of the format's own kinds.
fn keep_manifests(write: &dyn Fn(&str, &str)) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = root.join("examples");
    let full = files_below(&examples)
        .into_iter()
        .filter(|path| path.ends_with("full.yaml") || path.ends_with("connection.yaml"));
    for path in full {
        let name = path
            .parent()
            .and_then(|folder| folder.strip_prefix(&examples).ok())
            .expect("below");
        let name = name.display().to_string().replace('/', "-");
        let file = path.file_name().expect("a name").display();
        write(
            &format!("manifests/full/{name}-{file}"),
            &std::fs::read_to_string(&path).expect("readable"),
        );
    }
    let own = std::fs::read_to_string(golden::tests_dir().join("own-kinds/every-member.yaml"));
    write(
        "manifests/own-kinds/every-member.yaml",
        &own.expect("readable"),
    );
    let order = std::fs::read_to_string(examples.join("lac/license_order/minimal.yaml"));
    write("manifests/order.yaml", &order.expect("readable"));
    write("manifests/connection.yaml", CONNECTION);
}

/// Keeps what the commands print and save: a plan, an apply, foreign changes, a heal, an undo.
fn keep_documents(workspace: &Workspace, write: &dyn Fn(&str, &str)) {
    workspace.write("connection.yaml", CONNECTION);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let order = std::fs::read_to_string(root.join("examples/lac/license_order/minimal.yaml"));
    workspace.write("order.yaml", &order.expect("readable"));
    let keep = |name: &str, command: &[&str]| {
        let ran = workspace.run(command);
        assert!([0, 2].contains(&ran.code), "{command:?}: {}", ran.stderr);
        write(&format!("documents/{name}"), &ran.stdout);
    };
    let keep_file = |name: &str| {
        let text = std::fs::read_to_string(workspace.dir.path().join(name)).expect("written");
        write(&format!("documents/{name}"), &text);
    };
    let run = |command: &[&str]| {
        let ran = workspace.run(command);
        assert!([0, 2].contains(&ran.code), "{command:?}: {}", ran.stderr);
    };
    // A plan of simulators that start anew can be applied to those of any later run.
    run(&["plan", ".", "--sandbox", "--out", "plan.json"]);
    keep_file("plan.json");
    run(&["apply", ".", "--auto-approve", "--events", "events.jsonl"]);
    keep_file("events.jsonl");
    set_activations(workspace, 4);
    keep("drift.json", &["drift", ".", "--format", "json"]);
    run(&["watch", ".", "--mode", "heal", "--once"]);
    set_activations(workspace, 20);
    run(&["apply", ".", "--auto-approve", "--allow", "reduce"]);
    run(&["undo", "latest", ".", "--auto-approve", "--allow", "reduce"]);
    keep("unmanaged.json", &["unmanaged", ".", "--format", "json"]);
    keep("validate.json", &["validate", ".", "--format", "json"]);
    keep("version.json", &["version", "--json"]);
    keep("doctor.json", &["doctor", ".", "--format", "json"]);
    run(&["store", "compact"]);
    keep("history.json", &["history", "--all", "--format", "json"]);
    let state = workspace.dir.path().join("state/entitle");
    for name in ["journal.jsonl", "journal.jsonl.summary"] {
        write(
            &format!("store/{name}"),
            &std::fs::read_to_string(state.join(name)).expect("written"),
        );
    }
    run(&["apply", ".", "--auto-approve", "--allow", "reduce"]);
}

/// Keeps what a daemon tells that has looked at its objects once.
fn keep_status(workspace: &Workspace, write: &dyn Fn(&str, &str)) {
    let words = ["watch", ".", "--listen", "127.0.0.1:0"];
    let _daemon = DaemonProcess::start(workspace, &words);
    let port = listen_port(workspace);
    wait_for(workspace, "the first look", || {
        read_status(port)["objects"][0]["last_pass"].is_string()
    });
    let status = serde_json::to_string_pretty(&read_status(port)).expect("printable") + "\n";
    write("documents/status.json", &status);
}

/// Keeps manifests of every layer, their saved plan, and what is said of them offline.
fn keep_company(workspace: &Workspace, write: &dyn Fn(&str, &str)) {
    for (name, text) in company::FILES {
        workspace.write(name, text);
        write(&format!("manifests/company/{name}"), text);
    }
    let keep = |name: &str, command: &[&str]| {
        let ran = workspace.run(command);
        assert!([0, 2].contains(&ran.code), "{command:?}: {}", ran.stderr);
        write(&format!("documents/{name}"), &ran.stdout);
    };
    let staging = ["--env", "staging", "--format", "json"];
    let of = |command: &[&'static str]| [command, &staging].concat();
    keep("why.json", &of(&["why", "rivers-cad"]));
    keep("calendar.json", &of(&["calendar", "--until", "2200-01-01"]));
    keep(
        "diff.json",
        &["diff", "staging", "production", "--format", "json"],
    );
    keep("rendered.yaml", &RENDER);
    let plan = [
        "plan",
        ".",
        "--env",
        "staging",
        "--sandbox",
        "--out",
        "plan.json",
    ];
    let planned = workspace.run(&plan);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let plan = std::fs::read_to_string(workspace.dir.path().join("plan.json")).expect("written");
    write("documents/plan-of-company.json", &plan);
}

fn set_activations(workspace: &Workspace, number: i64) {
    let mut account = workspace.sandbox.state("lac").expect("an account");
    let orders = account["license_orders"].as_array_mut().expect("orders");
    let key = "K7Q2M-9ZB4T-X3WDN-5RC8V";
    let order = orders
        .iter_mut()
        .find(|order| order["activation_key"] == key);
    order.expect("the order")["activations_allowed"] = number.into();
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}
