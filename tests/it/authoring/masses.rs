//! What many objects have in common: changes of an edition, in plans, in the calendar, and held by a daemon.

use serde_json::json;

use super::super::conformance::vendors::lac::VENDOR as LAC;
use super::super::daemon::order_manifest;
use crate::support::program::{Ran, Workspace};

const ORDERS: usize = 12;

/// Twelve orders of an edition, the rows of a set. The first row has seats of its own.
async fn workspace(edition: &str) -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace
        .sandbox
        .set_state("lac", (LAC.account)(ORDERS))
        .expect("a good account");
    workspace.connect("lac");
    let mut order = order_manifest(0, 10);
    order.desired = json!({"customer_id": {"column": "customer"}});
    let mut spec = order.ids.clone();
    spec["activationKey"] = json!("{key}");
    spec["edition"] = json!({"name": "professional", "with": {"seats": {"column": "seats"}}});
    spec["desired"] = order.desired.clone();
    let set = json!({
        "apiVersion": "entitle.dev/v1", "kind": "ObjectSet", "metadata": {"name": "customers"},
        "spec": {
            "for": order.kind,
            "forEach": {"rows": {"file": "customers.csv"}},
            "template": {"metadata": {"name": "{name}"}, "spec": spec},
        },
    });
    workspace.write("set.yaml", &format!("{set:#}\n"));
    let rows = (0..ORDERS).map(|number| {
        let order = order_manifest(number, 10);
        let (key, customer) = (&order.ids["activationKey"], &order.desired["customer_id"]);
        let seats = if number == 0 { 11 } else { 10 };
        format!(
            "row-{number:02},{},{customer},{seats}\n",
            key.as_str().expect("a key")
        )
    });
    let rows = "name,key,customer,seats\n".to_string() + &rows.collect::<String>();
    workspace.write("customers.csv", &rows);
    workspace.write(
        "professional.yaml",
        &format!(
            "apiVersion: entitle.dev/v1\nkind: Edition\nmetadata: {{name: professional}}\nspec:\n  for: LacLicenseOrder\n  \
             parameters: {{seats: {{type: integer}}}}\n{edition}"
        ),
    );
    workspace
}

fn run(workspace: &Workspace, arguments: &[&str]) -> Ran {
    let ran = workspace.run(arguments);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran
}

const JULY: &str = "  desired: {activations_allowed: {param: seats}}
  changes:
    - {from: 2099-07-01, desired: {activations_allowed: 40}}
";

#[tokio::test(flavor = "multi_thread")]
async fn equal_events_are_one_line_and_what_is_held_is_said_beforehand() {
    let workspace = workspace(JULY).await;
    let mass =
        "2099-07-01: 12 of 12 objects of lac change, more than 30%: `watch` will hold them back";
    let ahead = ["calendar", "--until", "2099-12-31"];
    let ran = run(&workspace, &ahead);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "2099-07-01  LacLicenseOrder/row-00  activations_allowed 11 → 40",
            "2099-07-01  11 × LacLicenseOrder  activations_allowed 10 → 40 (edition professional)",
        ]
    );
    assert!(ran.stderr.contains(mass), "{}", ran.stderr);
    let full = run(&workspace, &[&ahead[..], &["--full"]].concat());
    assert_eq!(full.stdout.lines().count(), ORDERS);
    let document = run(&workspace, &[&ahead[..], &["--format", "json"]].concat()).json();
    assert_eq!(document["events"].as_array().map(Vec::len), Some(ORDERS));
    assert_eq!(document["events"][3]["edition"], "professional");
    assert_eq!(document["mass_changes"][0]["changing"], ORDERS);
    let ics = run(&workspace, &[&ahead[..], &["--format", "ics"]].concat());
    assert_eq!(
        ics.stdout.matches("BEGIN:VEVENT").count(),
        2,
        "{}",
        ics.stdout
    );
    let unfolded = ics.stdout.replace("\r\n ", "");
    assert!(
        unfolded.contains(
            "SUMMARY:11 × LacLicenseOrder: activations_allowed 10 → 40 (edition professional)"
        ),
        "{unfolded}"
    );

    let ran = run(&workspace, &["plan"]);
    assert!(
        ran.stdout.replace('\n', " ").contains(mass),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_what_an_edition_changes_also_among_other_changes() {
    let workspace =
        workspace("  desired: {activations_allowed: {param: seats}, description: all of us}\n")
            .await;
    let files = ["--report", "markdown=plan.md", "--report", "html=plan.html"];
    let ran = run(&workspace, &[&["plan"], &files[..]].concat());
    assert!(
        ran.stdout
            .contains("11 × LacLicenseOrder of edition professional"),
        "{}",
        ran.stdout
    );
    let line = "Edition professional: 12 objects, description";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
    for file in ["plan.md", "plan.html"] {
        let text = std::fs::read_to_string(workspace.dir.path().join(file)).expect("a report");
        assert!(text.contains(line), "{file}: {text}");
        let title =
            text.contains("edition professional") || text.contains("edition `professional`");
        assert!(title, "{file}: {text}");
    }
    // Where all change the same, the group says it.
    let same = std::fs::read_to_string(workspace.dir.path().join("customers.csv")).expect("rows");
    workspace.write("customers.csv", &same.replace(",11\n", ",10\n"));
    let ran = run(&workspace, &["plan"]);
    assert!(
        ran.stdout
            .contains("12 × LacLicenseOrder of edition professional"),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("Edition professional:"),
        "{}",
        ran.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_calendar_has_the_ends_that_no_manifest_states() {
    let workspace = workspace("  desired: {enabled: true}\n").await;
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][3]["Features"] = json!([{
        "name": "Viewer", "version": "2.0", "count": 1, "expiration_type": "fixed",
        "expiration_date": "2099-03-01", "issued_type": "not_issued", "maintenance_type": "no_maintenance",
    }]);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    let ahead = ["calendar", "--until", "2099-12-31"];
    assert_eq!(run(&workspace, &ahead).stdout, "");
    let live = [&ahead[..], &["--live"]].concat();
    let line = "2099-03-01  LacLicenseOrder/row-03  Features[Viewer 2.0].expiration_date is reached, as the vendor has it\n";
    // The account of the tests has other ends before it.
    let ran = run(&workspace, &live);
    assert!(ran.stdout.ends_with(line), "{}", ran.stdout);
    let document = run(&workspace, &[&live[..], &["--format", "json"]].concat()).json();
    assert_eq!(document["events"][0]["live"], true);
}
