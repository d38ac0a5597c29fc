//! `why`, `render`, `diff`, and plans of several environments, as programs.

use std::process::Command;

use serde_json::json;

use super::super::daemon::order_manifest;
use super::super::daemon::program::{activations_allowed, five_orders};
use super::super::drift::foreign;
use super::{BASIC, CONNECTIONS, ENVIRONMENTS, ORDER, ROWS, SET};
use crate::support::program::{Ran, Workspace};

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

pub fn git(workspace: &Workspace, author: &str, arguments: &[&str]) {
    let name = format!("user.name={author}");
    let ended = Command::new("git")
        .args(["-c", &name, "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(workspace.dir.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-11-02T12:00:00Z")
        .env("GIT_COMMITTER_DATE", "2026-11-02T12:00:00Z")
        .output()
        .expect("git runs");
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_the_commit_of_each_line() {
    let mut workspace = workspace().await;
    workspace.set("PATH", &std::env::var("PATH").expect("a PATH"));
    git(&workspace, "Ann", &["init", "--quiet"]);
    git(&workspace, "Ann", &["add", "--all"]);
    git(
        &workspace,
        "Ann",
        &["commit", "--quiet", "--message", "one"],
    );
    workspace.write("customers.csv", &ROWS.replace(",7,", ",8,"));
    git(
        &workspace,
        "Ben",
        &["commit", "--quiet", "--all", "--message", "two"],
    );
    // A line that nobody has committed is nobody's.
    workspace.write(
        "set.yaml",
        &SET.replace("seats: {column: seats}", "seats: {column: seats}  "),
    );
    let asked = [
        "why",
        "brooks-cad.activations_allowed",
        "--env",
        "staging",
        "--format",
        "json",
    ];
    let ran = workspace.run(&asked);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document = ran.json();
    assert_eq!(document["address"], "LacLicenseOrder/brooks-cad");
    let value = &document["values"][0];
    assert_eq!(
        (&value["value"], document["values"][1].is_null()),
        (&json!(8), true)
    );
    let places = value["places"].as_array().expect("places").iter();
    let places: Vec<_> = places
        .map(|place| {
            let commit = &place["commit"];
            let is_named = commit["id"].as_str().is_some_and(|id| id.len() >= 7);
            (place["file"].clone(), commit["author"].clone(), is_named)
        })
        .collect();
    let expected = [
        (json!("basic.yaml"), json!("Ann"), true),
        (json!("set.yaml"), json!(null), false),
        (json!("customers.csv"), json!("Ben"), true),
    ];
    assert_eq!(places, expected, "{document:#}");
    assert_eq!(value["places"][2]["commit"]["date"], "2026-11-02");
    let text = workspace.run(&asked[..4]).stdout;
    assert!(
        text.contains("edition basic, row of customers, environment staging"),
        "{text}"
    );
    assert!(text.contains("customers.csv:3"), "{text}");
    assert!(text.contains(" Ben, 2026-11-02"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_what_it_has_not_found() {
    let workspace = workspace().await;
    workspace.write(
        "group.yaml",
        "apiVersion: entitle.dev/v1
kind: LacCustomer
metadata: {name: lakes}
spec:
  connection: lac
  customTag: {tag_name: crm_id, value: C-1}
  desired: {}
",
    );
    let why = |object: &str| workspace.run(&["why", object, "--env", "staging"]);
    why("lakes").failed(
        1,
        "\"lakes\" may be LacCustomer/lakes or LacLicenseOrder/lakes: name its kind",
    );
    why("LacLicenseOrder/lakes.note").failed(1, "LacLicenseOrder/lakes says nothing of \"note\"");
    why("LacLicenseOrder/lakes.activations_alowed").failed(1, "do you mean activations_allowed?");
    why("LacLicenseOrder/laks").failed(
        1,
        "the manifests have no object \"LacLicenseOrder/laks\"; do you mean LacLicenseOrder/lakes?",
    );
    let ran = workspace.run(&["why", "lakes"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("none is chosen"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_a_slash_is_found_by_the_name_alone() {
    let workspace = workspace().await;
    workspace.write("basic.yaml", &BASIC.replace("\"2.0\"", "2024/1"));
    let asked = "lakes.Features[Viewer 2024/1].count";
    let ran = workspace.run(&["why", asked, "--env", "staging"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("\nFeatures[Viewer 2024/1].count: 1\n"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn render_prints_what_a_plan_of_it_would_read() {
    let workspace = workspace().await;
    let ran = workspace.run(&[
        "render",
        "--env",
        "production",
        "order.yaml",
        "connections.yaml",
        "environments.yaml",
        "basic.yaml",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let again = workspace.run_with_input(&["validate", "-"], &ran.stdout);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    assert!(
        ran.stdout.contains("activationKey: K-PRODUCTION"),
        "{}",
        ran.stdout
    );
    let ran = workspace.run(&["render", "--env", "nowhere"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_names_what_differs_and_nothing_else() {
    let workspace = workspace().await;
    let diff = |more: &[&str]| workspace.run(&[&["diff", "staging", "production"], more].concat());
    let ran = diff(&[]);
    let expected = "LacLicenseOrder/lakes
  activations_allowed: 5 in staging, 50 in production
2 objects are the same in staging and production, 1 differs.
";
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, expected),
        "{}",
        ran.stderr
    );
    assert_eq!(diff(&["--detailed-exitcode"]).code, 2);
    // From July on the change says what both have.
    let july = ["--at", "2027-07-01", "--detailed-exitcode"];
    let ran = diff(&july);
    let expected = "3 objects are the same in staging and production, none differs.\n";
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, expected),
        "{}",
        ran.stderr
    );
    let document = diff(&["--format", "json"]).json();
    let field = json!({"field": "activations_allowed", "left": 5, "right": 50});
    let object = json!({"address": "LacLicenseOrder/lakes", "fields": [field]});
    assert_eq!(
        document,
        json!({"format_version": "1.0", "left": "staging", "right": "production", "same": 2, "objects": [object]})
    );
    diff(&["nowhere.yaml"]).failed(1, "nowhere.yaml");
    let ran = workspace.run(&["diff", "staging", "elsewhere"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
}

/// An order with other seats in staging and in production, at one account of the sandbox.
async fn two_environments() -> Workspace {
    let workspace = five_orders().await;
    let mut order = order_manifest(0, 10);
    order.name = "rivers".into();
    order.ids["connection"] = json!("account");
    order.desired["activations_allowed"] = json!({"value": "seats"});
    workspace.object(&order);
    for (name, seats) in [("staging", 11), ("production", 50)] {
        let document = json!({
            "apiVersion": "entitle.dev/v1", "kind": "Environment", "metadata": {"name": name},
            "spec": {"values": {"seats": seats}, "connections": {"account": "lac"}},
        });
        workspace.write(&format!("{name}.yaml"), &document.to_string());
    }
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_planned_side_by_side() {
    let workspace = two_environments().await;
    let plan = |more: &[&str]| -> Ran {
        workspace.run(&[&["plan", "--env", "staging,production"], more].concat())
    };
    let ran = plan(&["--detailed-exitcode"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for words in ["10 → 11", "10 → 50"] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    let table = "
                         staging    production
LacLicenseOrder/rivers   update     update
";
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let last: Vec<&str> = ran.stdout.trim_end().lines().rev().take(2).collect();
    let last = words(&format!("{} {}", last[1], last[0]));
    assert_eq!(last, words(table), "{}", ran.stdout);
    let out = plan(&["--out", "plan.json"]);
    out.failed(1, "name one environment");
    assert!(!workspace.dir.path().join("plan.json").exists());
    let applied = workspace.run(&["apply", "--env", "staging", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let ran = plan(&[]);
    assert!(ran.stdout.contains("in sync    update"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_for_its_environment() {
    let workspace = two_environments().await;
    let ran = workspace.run(&["plan", "--env", "staging", "--out", "plan.json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let apply = |more: &[&str]| workspace.run(&[&["apply", "plan.json"], more].concat());
    apply(&["--env", "production"]).failed(
        1,
        "the plan was made for the environment staging, and not for production",
    );
    assert_eq!(activations_allowed(&workspace, 0), 10);
    let ran = apply(&[]);
    assert_eq!(
        (ran.code, activations_allowed(&workspace, 0)),
        (0, 11),
        "{}",
        ran.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_the_places_of_what_it_changes_as_why_does() {
    let workspace = two_environments().await;
    let report = ["--report", "html=plan.html"];
    let ran = workspace.run(
        &[
            &["plan", "--env", "staging", "--format", "json"],
            &report[..],
        ]
        .concat(),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let plan = ran.json();
    let objects = plan["objects"].as_array().expect("objects");
    let changed: Vec<_> = objects
        .iter()
        .filter(|one| !one["descent"].is_null())
        .collect();
    assert_eq!(changed.len(), 1, "{plan:#}");
    let why = workspace.run(&[
        "why",
        "rivers.activations_allowed",
        "--env",
        "staging",
        "--format",
        "json",
    ]);
    let why = why.json();
    let mut value = why["values"][0].clone();
    for place in value["places"].as_array_mut().expect("places") {
        place
            .as_object_mut()
            .expect("a place")
            .retain(|name, _| name != "text");
    }
    let expected = json!([{"field": "activations_allowed", "places": value["places"]}]);
    assert_eq!(changed[0]["descent"], expected);
    assert_eq!(value["places"][1]["document"], "Environment/staging");
    let page = std::fs::read_to_string(workspace.dir.path().join("plan.html")).expect("a page");
    assert!(page.contains("Where the values come from"), "{page}");
    // What is printed makes no difference to what is planned.
    let text = workspace.run(&["plan", "--env", "staging"]);
    assert!(!text.stdout.contains("Where the values"), "{}", text.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_names_the_run_that_wrote_a_value_and_who_changed_it_since() {
    let workspace = two_environments().await;
    let why = |more: &[&str]| {
        let asked = [
            "why",
            "rivers.activations_allowed",
            "--env",
            "staging",
            "--format",
            "json",
        ];
        let ran = workspace.run(&[&asked, more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()
    };
    assert!(why(&[])["values"][0]["last_write"].is_null());
    let applied = workspace.run(&["apply", "--env", "staging", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let run = workspace.run(&["history", "--json"]).json()["runs"][0].clone();
    let offline = why(&[]);
    let write = &offline["values"][0]["last_write"];
    assert_eq!(
        (&write["run"], &write["by"]),
        (&run["run"], &run["by"]),
        "{offline:#}"
    );
    assert!(offline["live"].is_null(), "{offline:#}");

    let live = why(&["--live"])["live"].clone();
    assert_eq!(
        (&live["state"], &live["differences"]),
        (&json!("in_sync"), &json!([]))
    );
    assert_eq!(live["applied"]["run"], run["run"]);

    foreign(&workspace, 0, "activations_allowed", json!(77));
    let document = why(&["--live"]);
    let live = &document["live"];
    let difference = &live["differences"][0];
    assert_eq!(
        (
            &live["state"],
            &difference["changed_by"],
            &difference["live"],
            &difference["base"]
        ),
        (&json!("drifted"), &json!("they"), &json!(77), &json!(11)),
        "{document:#}"
    );
    assert_eq!(&document["values"][0]["last_write"], write);
    let text = workspace
        .run(&["why", "rivers", "--env", "staging", "--live"])
        .stdout;
    assert!(
        text.contains("  live: 77, changed by another writer; 11 at the last apply\n"),
        "{text}"
    );
    // The id by which it was read is live too; of the customer no read tells.
    assert!(text.contains("  live: the same\n"), "{text}");
    let (_, customer) = text.split_once("customer_id: ").expect("the customer");
    assert!(customer.contains("live: no read shows it"), "{text}");
    // Another field of the object is as it was.
    let asked = ["why", "rivers.customer_id", "--env", "staging", "--live"];
    let text = workspace.run(&asked).stdout;
    assert!(!text.contains("live: 77"), "{text}");
    // A journal that cannot be read costs its part only.
    let asked = ["why", "rivers", "--env", "staging", "--journal", "."];
    let ran = workspace.run(&asked);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("no run is named"), "{}", ran.stderr);
}
