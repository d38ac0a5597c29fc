//! The program: it looks ahead with `plan --at` and `calendar`, and never writes what is not yet so.

use serde_json::json;

use crate::cli::lac_workspace;
use crate::conformance::vendors::lac;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_plans_a_day_ahead_and_never_applies_it() {
    let workspace = lac_workspace(1, true).await;
    let mut object = lac::VENDOR.object(0, json!({"customer_id": 1, "activations_allowed": 10}));
    object.ids["changes"] = json!([{"from": "2100-07-01", "desired": {"activations_allowed": 40}}]);
    workspace.write(&format!("{}.yaml", object.name), &object.text());
    let plan = |arguments: &[&str]| {
        let all = [&["plan", "--detailed-exitcode"], arguments].concat();
        workspace.run(&all)
    };
    let now = plan(&[]);
    assert_eq!(now.code, 0, "coming changes alone are none: {now:?}");
    assert!(
        now.stdout.contains("2100-07-01: activations_allowed"),
        "{}",
        now.stdout
    );
    let day = plan(&["--at", "2100-07-01", "--out", "day.json"]);
    assert_eq!(day.code, 2, "{day:?}");
    assert!(!day.stdout.contains("2100-07-01:"), "{}", day.stdout);
    assert!(
        day.stdout
            .contains("This is what is to be at 2100-07-01T00:00:00Z"),
        "{}",
        day.stdout
    );
    assert!(
        day.stderr.contains("entitle show day.json"),
        "{}",
        day.stderr
    );
    let json = plan(&["--at", "2100-07-01", "--format", "json"]).json();
    assert_eq!(json["source"]["at"], "2100-07-01T00:00:00Z");
    let applied = workspace.run(&["apply", "day.json", "--auto-approve"]);
    applied.failed(1, "the plan shows what is to be at 2100-07-01T00:00:00Z");
    let flag = workspace.run(&["apply", "--at", "2100-07-01", "--auto-approve"]);
    flag.failed(1, "--at");
    let odd = plan(&["--at", "soon"]);
    odd.failed(1, "write a day as 2027-07-01");

    let events = workspace.run(&["calendar", "--at", "2100-06-01", "--until", "90d"]);
    assert_eq!(events.code, 0, "{events:?}");
    assert!(
        events.stdout.starts_with("2100-07-01  LacLicenseOrder/"),
        "{}",
        events.stdout
    );
    let ics = ["calendar", "--at", "2100-06-01", "--format", "ics"];
    let (one, other) = (workspace.run(&ics), workspace.run(&ics));
    assert!(
        one.stdout.contains("DTSTART;VALUE=DATE:21000701\r\n"),
        "{}",
        one.stdout
    );
    assert_eq!(one.stdout, other.stdout, "the same at the same time");
    let json = workspace
        .run(&["calendar", "--at", "2100-06-01", "--format", "json"])
        .json();
    assert_eq!(json["events"][0]["kind"], "change");
    assert_eq!(
        workspace.run(&["calendar"]).stdout,
        "",
        "a century ahead is not soon"
    );
}
