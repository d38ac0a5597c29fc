//! What is wrong with a whole connection is told once: on standard error with the line of its document, and in every
//! report. The other connections go on.

use serde_json::{Value as Json, json};

use super::cli::{is_plan, lac_workspace};
use super::conformance::vendors::{cryptlex, lac};
use super::support::program::{Ran, Workspace};
use super::support::proxy::{Canned, Passed, Proxy, Spoil};

/// Every report of a plan, each to a file.
const REPORTS: [&str; 7] = [
    "json", "markdown", "html", "junit", "text", "sarif", "gitlab",
];

fn plan_with_reports(workspace: &Workspace) -> Ran {
    let reports = REPORTS.map(|format| format!("{format}={format}.out"));
    let reports = reports.join(",");
    workspace.run(&[
        "plan",
        "--timeout",
        "5s",
        "--report",
        &reports,
        "--report",
        "github",
    ])
}

fn report(workspace: &Workspace, format: &str) -> String {
    let path = workspace.dir.path().join(format!("{format}.out"));
    std::fs::read_to_string(path).expect("a report")
}

/// Checks that a problem of three objects is told once, everywhere.
fn assert_told_once(workspace: &Workspace, ran: &Ran, code: &str, words: &str) {
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
    let title = format!("error[{code}]: lac: ");
    for part in [title.as_str(), "(3 objects)", "--> lac.yaml:"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let verdict = "Plan: 0 in sync, 3 failed.";
    assert!(ran.stdout.contains(verdict), "{}", ran.stdout);
    // The annotation of the runner is on standard output.
    assert_eq!(ran.stdout.matches(words).count(), 1, "{}", ran.stdout);
    for format in ["markdown", "html", "junit", "text", "sarif"] {
        let text = report(workspace, format);
        assert_eq!(text.matches(words).count(), 1, "{format}: {text}");
    }
    let document: Json = serde_json::from_str(&report(workspace, "json")).expect("JSON");
    is_plan(&document);
    assert_eq!(document["problems"][0]["objects"], 3);
    assert_eq!(document["problems"][0]["code"], code);
    let mut objects = document["objects"].as_array().expect("objects").iter();
    assert!(
        objects.all(|object| object["problem"] == code),
        "{document:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_are_not_set_are_told_together_before_the_first_call() {
    let workspace = lac_workspace(3, false).await;
    let auth = json!({"username": {"env": "NO_USER"}, "password": {"env": "NO_PASSWORD"}});
    let base = workspace.sandbox.url("lac");
    workspace.connection("lac", &base, &json!({"login": auth}));
    let words = "NO_USER, NO_PASSWORD are not set";
    let ran = plan_with_reports(&workspace);
    assert_told_once(&workspace, &ran, "unset-variable", words);
    for command in [&["apply", "--auto-approve"][..], &["drift"]] {
        let ran = workspace.run(command);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
        assert!(!ran.stdout.contains(words), "{}", ran.stdout);
    }
    assert_eq!(workspace.sandbox.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_tells_a_problem_of_a_connection_once() {
    let workspace = lac_workspace(3, false).await;
    let auth = json!({"token": {"env": "NO_TOKEN"}});
    workspace.connection("lac", &workspace.sandbox.url("lac"), &auth);
    for mode in ["observe", "heal", "sync"] {
        let ran = workspace.run(&["watch", "--once", "--mode", mode]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let words = "NO_TOKEN is not set";
        assert_eq!(ran.stderr.matches(words).count(), 1, "{}", ran.stderr);
        for part in ["connection=\"lac\" objects=3", "line=\"lac.yaml:"] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!(
            lines[0], "lac cannot be read: NO_TOKEN is not set (3 objects, lac.yaml:10)",
            "{}",
            ran.stdout
        );
        assert!(lines[1].starts_with("    → set "), "{}", ran.stdout);
        let last = "Watch: 0 in sync, 0 of them written just now, 3 not.";
        assert_eq!(lines.last(), Some(&last), "{}", ran.stdout);
        assert!(!ran.stdout.contains("LacLicenseOrder"), "{}", ran.stdout);
    }
    assert_eq!(workspace.sandbox.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendor_answers_to_every_read_is_told_once() {
    let new_place = Some(("location", "https://new.example/lac?token=s3cret"));
    let next_century = Some(("retry-after", "99999999999999999999"));
    for (status, header, code, words) in [
        (403, None, "forbidden", "answered 403: No access"),
        (404, None, "wrong-base-url", "answered 404: No access"),
        (
            301,
            new_place,
            "redirected",
            "it points to https://new.example/lac",
        ),
        (
            429,
            Some(("retry-after", "61")),
            "rate-limited",
            "the vendor asks to wait 61 s, and the run has 5 s left",
        ),
        (
            429,
            next_century,
            "rate-limited",
            "the vendor asks to wait 86400 s",
        ),
    ] {
        let workspace = lac_workspace(3, false).await;
        let rule = move |_, _: &Passed| {
            let refusal = Canned::new(status, "application/json", r#"{"message":"No access"}"#);
            Some(Spoil::Instead(match header {
                Some((name, value)) => refusal.header(name, value),
                None => refusal,
            }))
        };
        let proxy = Proxy::start(workspace.sandbox.address(), rule).await;
        let base = format!("http://{}/lac", proxy.address);
        workspace.connection("lac", &base, &json!({"token": {"env": "LAC_AUTH"}}));
        let ran = plan_with_reports(&workspace);
        assert_told_once(&workspace, &ran, code, words);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_is_told_once_with_its_tries_and_the_others_go_on() {
    // The first of them makes room for that of the other vendor.
    let mut workspace = lac_workspace(4, false).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = closed.local_addr().expect("bound");
    drop(closed);
    let auth = json!({"token": {"env": "LAC_AUTH"}});
    workspace.connection("lac", &format!("http://{address}/lac"), &auth);
    let state = (cryptlex::VENDOR.account)(3);
    let set = workspace.sandbox.set_state("cryptlex", state);
    set.expect("an account");
    workspace.connect("cryptlex");
    workspace.object(&cryptlex::VENDOR.little(0, true));
    let ran = workspace.run(&["plan", "--timeout", "1s"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let refused = format!("cannot connect to {address}: connection refused; tried ");
    let title = format!("error[unreachable]: lac: {refused}");
    assert_eq!(ran.stderr.matches(&title).count(), 1, "{}", ran.stderr);
    for part in ["s (3 objects)", "Sent again: ", " to lac."] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    for part in [
        "~ CryptlexOrganizationLicense/",
        "1 to update, 0 in sync, 3 failed.",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_some_objects_is_told_with_each() {
    let workspace = lac_workspace(1, false).await;
    // Of another customer, so that it is asked for by itself.
    let mut other = lac::VENDOR.little(1, false);
    other.desired["customer_id"] = json!(2);
    workspace.object(&other);
    let rule = |_, passed: &Passed| {
        let refusal = Canned::new(403, "application/json", r#"{"message":"Not yours"}"#);
        let is_of_other = passed.path().contains("customer_ids=2");
        is_of_other.then_some(Spoil::Instead(refusal))
    };
    let proxy = Proxy::start(workspace.sandbox.address(), rule).await;
    let base = format!("http://{}/lac", proxy.address);
    workspace.connection("lac", &base, &json!({"token": {"env": "LAC_AUTH"}}));
    let ran = workspace.run(&["plan"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let words = "answered 403: Not yours";
    assert!(ran.stdout.contains(words), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("forbidden"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_before_a_reply_is_no_part_of_it() {
    let workspace = lac_workspace(1, false).await;
    let rule = |_, passed: &Passed| {
        let edit = |body: String| format!("\u{feff}{body}");
        passed.is_read().then(|| Spoil::Edit(Box::new(edit)))
    };
    let proxy = Proxy::start(workspace.sandbox.address(), rule).await;
    let base = format!("http://{}/lac", proxy.address);
    workspace.connection("lac", &base, &json!({"token": {"env": "LAC_AUTH"}}));
    let ran = workspace.run(&["plan"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
}

/// Connects both vendors of a workspace by variables that are not set.
fn unset_both(workspace: &Workspace) {
    for vendor in ["lac", "cryptlex"] {
        let base = workspace.sandbox.url(vendor);
        let token = format!("NO_{}", vendor.to_uppercase());
        workspace.connection(vendor, &base, &json!({"token": {"env": token}}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_without_a_plan_tell_unset_variables_together_before_the_first_call() {
    let workspace = lac_workspace(1, false).await;
    unset_both(&workspace);
    for command in [&["import", "--all"][..], &["unmanaged"]] {
        let ran = workspace.run(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
        for vendor in ["lac", "cryptlex"] {
            let token = format!("NO_{}", vendor.to_uppercase());
            let title = format!("error[unset-variable]: {vendor}: {token} is not set\n");
            assert_eq!(ran.stderr.matches(&title).count(), 1, "{}", ran.stderr);
            let line = format!("--> {vendor}.yaml:");
            assert!(ran.stderr.contains(&line), "{}", ran.stderr);
        }
        assert_eq!(
            ran.stderr.matches("is not set").count(),
            2,
            "{}",
            ran.stderr
        );
    }
    assert_eq!(workspace.sandbox.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_whose_variables_are_set_are_read_all_the_same() {
    let mut workspace = lac_workspace(1, false).await;
    unset_both(&workspace);
    workspace.connect("lac");
    let ran = workspace.run(&["unmanaged"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let title = "error[unset-variable]: cryptlex: NO_CRYPTLEX is not set\n";
    assert_eq!(ran.stderr.matches(title).count(), 1, "{}", ran.stderr);
    assert_eq!(
        ran.stdout.matches("LacLicenseOrder").count(),
        2,
        "{}",
        ran.stdout
    );
    let requests = workspace.sandbox.requests();
    let of_lac = |path: &str| path.starts_with("/lac");
    assert!(!requests.is_empty() && requests.iter().all(|it| of_lac(&it.path)));
}
