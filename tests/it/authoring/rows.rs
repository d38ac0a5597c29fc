//! Files of rows beside manifests: read from commits, followed by daemons, and never edited.
#![cfg(unix)]

use serde_json::json;

use super::super::daemon::git::Repository;
use super::super::daemon::order_manifest;
use super::super::daemon::program::{
    DaemonProcess, activations_allowed, five_orders, read_log, wait_for,
};
use super::super::daemon::webhooks::{listen_port, read_status, send_request};
use super::commands::git;
use crate::support::program::Workspace;

/// A set of the first order, whose seats are in `licences/seats.csv`.
fn set() -> String {
    let mut order = order_manifest(0, 10);
    order.desired["activations_allowed"] = json!({"column": "seats"});
    let mut spec = order.ids.clone();
    spec["desired"] = order.desired.clone();
    let document = json!({
        "apiVersion": "entitle.dev/v1", "kind": "ObjectSet", "metadata": {"name": "customers"},
        "spec": {
            "for": order.kind,
            "forEach": {"rows": {"file": "seats.csv"}},
            "template": {"metadata": {"name": "{name}"}, "spec": spec},
        },
    });
    format!("{document:#}\n")
}

fn rows(seats: i64) -> String {
    format!("name,seats\nrivers,{seats}\n")
}

async fn workspace() -> Workspace {
    let mut workspace = five_orders().await;
    workspace.set("PATH", &std::env::var("PATH").expect("a PATH"));
    workspace.write("licences/set.yaml", &set());
    workspace.write("licences/seats.csv", &rows(10));
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_rows_is_followed_though_its_manifest_stays() {
    let workspace = workspace().await;
    let arguments = ["watch", "licences", "lac.yaml", "--mode", "sync"];
    let daemon = DaemonProcess::start(&workspace, &arguments);
    wait_for(&workspace, "the first look", || {
        !workspace.sandbox.requests().is_empty()
    });
    let follow = |seats: i64| {
        workspace.write("licences/seats.csv", &rows(seats));
        wait_for(&workspace, "the saved rows", || {
            activations_allowed(&workspace, 0) == seats
        });
    };
    follow(20);
    workspace.write("licences/seats.csv", "name,seats\nrivers,many\n");
    wait_for(&workspace, "the complaint", || {
        read_log(&workspace).contains("\"many\" is no integer")
    });
    assert_eq!(activations_allowed(&workspace, 0), 20);
    follow(21);
    std::fs::remove_file(workspace.dir.path().join("licences/seats.csv")).expect("removed");
    wait_for(&workspace, "the complaint", || {
        read_log(&workspace).contains("seats.csv")
            && read_log(&workspace)
                .matches("last good manifests stay in force")
                .count()
                >= 2
    });
    follow(22);
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_object_names_the_places_of_its_values() {
    let workspace = workspace().await;
    let mut arguments = vec!["watch", "licences", "lac.yaml", "--mode", "sync"];
    arguments.extend(["--listen", "127.0.0.1:0"]);
    let daemon = DaemonProcess::start(&workspace, &arguments);
    let port = listen_port(&workspace);
    wait_for(&workspace, "the first look", || {
        read_status(port)["objects"][0]["state"] == "in_sync"
    });
    let page = || send_request(port, "GET /o/LacLicenseOrder/rivers HTTP/1.1", "");
    let first = page();
    for words in [
        "Where the values come from",
        "seats.csv:2",
        "ObjectSet/customers",
    ] {
        assert!(first.contains(words), "{words} is not in {first}");
    }
    // What lies in the file by now is not what is in force, so nothing of it is shown.
    workspace.write("licences/seats.csv", "name,seats\nothers,1\nrivers,many\n");
    let later = page();
    assert!(!later.contains("seats.csv:3"), "{later}");
    daemon.send_signal("TERM");
    assert_eq!(daemon.wait_for_exit(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_file_of_rows_is_followed() {
    let workspace = workspace().await;
    let connection = std::fs::read_to_string(workspace.dir.path().join("lac.yaml")).expect("there");
    let repository = Repository::new();
    repository.commit("licences/lac.yaml", &connection);
    repository.commit("licences/seats.csv", &rows(20));
    repository.commit("licences/set.yaml", &set());
    let url = repository.url();
    let mut arguments = vec!["watch", "--git", &url, "--path", "licences"];
    arguments.extend(["--interval", "1s", "--mode", "sync"]);
    let daemon = DaemonProcess::start(&workspace, &arguments);
    wait_for(&workspace, "the first commit", || {
        activations_allowed(&workspace, 0) == 20
    });
    repository.commit("licences/seats.csv", &rows(21));
    wait_for(&workspace, "the pushed rows", || {
        activations_allowed(&workspace, 0) == 21
    });
    daemon.send_signal("INT");
    assert_eq!(daemon.wait_for_exit(), 0);
}

/// The base is what the commit had in its rows, not what lies in the directory.
#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_commit_tell_who_changed_what() {
    let workspace = workspace().await;
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &["commit", "--quiet", "-m", "1"],
    ] {
        git(&workspace, "Ann", arguments);
    }
    workspace.write("licences/seats.csv", &rows(30));
    let ran = workspace.run(&["drift", "--base", "HEAD", "--format", "json"]);
    assert!([0, 2].contains(&ran.code), "{}", ran.stderr);
    let document = ran.json();
    let change = &document["objects"][0]["differences"][0];
    assert_eq!(change["path"], "activations_allowed", "{document:#}");
    assert_eq!(change["changed_by"], "you", "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_not_suspended_and_not_brought_up_to_date() {
    let workspace = workspace().await;
    workspace.write("licences/seats.csv", &rows(30));
    let is_untouched = || {
        let read =
            |name: &str| std::fs::read_to_string(workspace.dir.path().join(name)).expect("there");
        assert_eq!(read("licences/set.yaml"), set());
        assert_eq!(read("licences/seats.csv"), rows(30));
    };
    let ran = workspace.run(&["suspend", "rivers", "--reason", "an audit"]);
    let why = "LacLicenseOrder/rivers in licences/seats.csv:2 is left as it is: \
               it is a row of set customers: edit the policy of its template";
    ran.failed(1, why);
    is_untouched();
    let ran = workspace.run(&[
        "import",
        "--connection",
        "lac",
        "--update",
        "licences",
        "lac.yaml",
    ]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let said = "it is a row of set `customers`: change the row by hand";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    is_untouched();
}
