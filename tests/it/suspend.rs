//! `entitle suspend` and `entitle resume` as programs: what they say, what they change, what they refuse.

use super::support::program::Workspace;

const ORDERS: &str = "\
# the orders of Rivers
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata:
  name: floating
  labels: {team: sales}
spec:
  activationKey: II1HP-TX8EQ-R1QXZ-7LYXF
  # what they bought
  desired:
    customer_id: 1 # Rivers
    activations_allowed: 10
---
apiVersion: entitle.dev/v1
kind: LacLicenseOrder
metadata:
  name: local # beside it
spec:
  activationKey: K7Q2M-9ZB4T-X3WDN-5RC8V
  policy: {mode: observe} # theirs
  desired:
    customer_id: 1
    activations_allowed: 10
";

async fn workspace() -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    workspace.write("orders.yaml", ORDERS);
    workspace
}

fn text(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.dir.path().join("orders.yaml")).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_is_a_word_in_the_manifest_and_goes_without_a_trace() {
    let workspace = workspace().await;
    let suspend = [
        "suspend",
        "floating",
        "--reason",
        "the vendor moves",
        "--until",
        "2100-01-01T00:00:00Z",
    ];
    let ran = workspace.run(&suspend);
    let said = "LacLicenseOrder/floating  suspended until 2100-01-01T00:00:00Z  orders.yaml:2\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, said), "{}", ran.stderr);
    let policy = "  policy:\n    mode: suspend\n    until: \"2100-01-01T00:00:00Z\"\n    reason: the vendor moves\n";
    let wanted = ORDERS.replacen(
        "  # what they bought",
        &format!("{policy}  # what they bought"),
        1,
    );
    assert_eq!(text(&workspace), wanted);
    let ran = workspace.run(&suspend);
    assert!(ran.stdout.contains("already suspended"), "{}", ran.stdout);
    assert_eq!(text(&workspace), wanted);
    // It holds a plan back, which does not even read it.
    let plan = workspace.run(&["plan", "--target", "LacLicenseOrder/floating"]);
    assert!(plan.stdout.contains("1 suspended"), "{}", plan.stdout);
    assert!(workspace.sandbox.requests().is_empty());
    let ran = workspace.run(&["resume", "--selector", "team=sales"]);
    let said = "LacLicenseOrder/floating  resumed  orders.yaml:2\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, said), "{}", ran.stderr);
    assert_eq!(text(&workspace), ORDERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_suspended_is_said_and_the_others_are() {
    let workspace = workspace().await;
    let ran = workspace.run(&["suspend", "*", "--reason", "an audit"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert_eq!(
        ran.stdout,
        "LacLicenseOrder/floating  suspended  orders.yaml:2\n"
    );
    assert!(
        ran.stderr.contains("LacLicenseOrder/local in orders.yaml")
            && ran.stderr.contains("mode: observe"),
        "{}",
        ran.stderr
    );
    assert!(text(&workspace).contains("{mode: observe} # theirs"));
    let ran = workspace.run(&["resume", "*"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("LacLicenseOrder/local  not suspended"),
        "{}",
        ran.stdout
    );
    assert_eq!(text(&workspace), ORDERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_change_nothing_and_say_what_was_meant() {
    let workspace = workspace().await;
    let because = ["--reason", "a demo"];
    for (arguments, words) in [
        (
            &["suspend", "floting", "--reason", "a demo"][..],
            "did you mean LacLicenseOrder/floating?",
        ),
        (&["suspend", "floating"], "--reason"),
        (
            &["suspend", "floating", "--reason", " "],
            "--reason is empty",
        ),
        (
            &[&["suspend", "--manifests", "."], &because[..]].concat(),
            "OBJECT",
        ),
        (
            &[&["suspend", "--exclude", "x"], &because[..]].concat(),
            "OBJECT",
        ),
        (&["resume", "--manifests", "."], "OBJECT"),
        (&[&["suspend"], &because[..]].concat(), "OBJECT"),
        (
            &[
                &["suspend", "floating", "--until", "2020-01-01T00:00:00Z"],
                &because[..],
            ]
            .concat(),
            "2020-01-01T00:00:00Z has passed",
        ),
        (
            &[&["suspend", "floating", "--until", "soon"], &because[..]].concat(),
            "such as 4h or 7d",
        ),
        (&["resume", "floating", "--manifests", "nowhere"], "nowhere"),
        (&["resume", "--selector", "team=support"], "team is sales"),
    ] {
        workspace.run(arguments).failed(1, words);
        assert_eq!(text(&workspace), ORDERS, "{arguments:?}");
    }
    workspace.write("broken.yaml", "apiVersion: entitle.dev/v1\nkind: [");
    workspace.run(&["resume", "*"]).failed(1, "broken.yaml:2");
}
