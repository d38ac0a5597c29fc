//! `import`, `unmanaged`, `fmt` and `init` as programs: codes, streams, files that stay as they are.

use entitle::provider;
use entitle::sandbox::ScriptedFault;
use serde_json::json;

use super::cli::lac_workspace;
use super::conformance::vendors::lac;
use super::support::program::Workspace;

const ALL: &[&str] = &["import", "--connection", "lac", "--all"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_complete_is_told_with_its_cause() {
    let workspace = lac_workspace(1, true).await;
    let fault = ScriptedFault {
        status: 403,
        times: 2,
        retry_after: None,
        method: Some("GET".into()),
        carried_out: false,
    };
    workspace
        .sandbox
        .script_fault("lac", fault)
        .expect("a simulator");
    let words = "error: the list of objects is not complete, so nothing is written: GET /";
    let ran = workspace.run(&["import", "--all"]);
    ran.failed(1, words);
    assert_eq!(ran.stderr.matches("error:").count(), 1, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("check the connection's credentials and their rights")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_to_files_plans_empty_and_never_writes_over_anything() {
    let workspace = lac_workspace(0, false).await;
    let first = workspace.run(&with(ALL, &["--out", "licences"]));
    assert_eq!(
        (first.code, first.stdout.as_str()),
        (0, ""),
        "{}",
        first.stderr
    );
    assert!(
        first.stderr.contains("3 manifests written"),
        "{}",
        first.stderr
    );
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("3 in sync"), "{}", plan.stdout);

    let dir = workspace.dir.path().join("licences");
    let files = || {
        let entries = std::fs::read_dir(&dir).expect("a directory").flatten();
        let mut all: Vec<_> = entries
            .map(|entry| {
                (
                    entry.path(),
                    std::fs::read_to_string(entry.path()).expect("text"),
                )
            })
            .collect();
        all.sort();
        all
    };
    let before = files();
    let own = &before[0].0;
    std::fs::write(own, format!("{}# mine\n", before[0].1)).expect("written");
    let again = workspace.run(&with(ALL, &["--out", "licences"]));
    assert_eq!(again.code, 0);
    assert!(
        again.stderr.contains("0 manifests written"),
        "{}",
        again.stderr
    );
    assert!(files()[0].1.ends_with("# mine\n"));
    let forced = workspace.run(&with(ALL, &["--out", "licences", "--force"]));
    assert_eq!(forced.code, 0);
    assert_eq!(files(), before, "the same bytes every time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_manifest_names_already_is_not_written_twice() {
    let workspace = lac_workspace(1, false).await;
    let ran = workspace.run(&with(ALL, &["--out", "more"]));
    assert!(ran.stderr.contains("2 manifests written"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("object-0000.yaml is left as it is"),
        "{}",
        ran.stderr
    );
    assert_eq!(workspace.run(&["validate"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_of_import_says_what_to_do() {
    let mut workspace = lac_workspace(0, false).await;
    workspace.run(&["import"]).failed(1, "--all");
    workspace
        .run(&["import", "--all", "--connection", "lca"])
        .failed(1, "--connection must be one of lac");
    workspace
        .run(&["import", "--id", "no/such/id"])
        .failed(1, "activationKey");
    workspace
        .run(&["import", "--id", "AAAAA-BBBBB-CCCCC-DDDDD"])
        .failed(1, "no such object");
    workspace.connect("alinea");
    workspace
        .run(&["import", "--connection", "alinea", "--all"])
        .failed(1, "--id licenseId");
    workspace
        .run(&["unmanaged", "--connection", "alinea"])
        .failed(1, "no call that lists");
    workspace
        .run(&["import", "--all", "--update"])
        .failed(1, "cannot be used with");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_the_line_that_differs() {
    let workspace = lac_workspace(0, false).await;
    let key = (lac::VENDOR.ids)(0)["activationKey"]
        .as_str()
        .expect("a key")
        .to_string();
    let text = format!(
        "# head\nkind: LacLicenseOrder\napiVersion: entitle.dev/v1\nmetadata: {{name: x}}\nspec:\n  \
         activationKey: {key}\n  desired:\n    customer_id: 1 # mine\n    activations_allowed: 3   # bought\n"
    );
    workspace.write("own.yaml", &text);
    let ran = workspace.run(&["import", "--update"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "own.yaml\n"),
        "{}",
        ran.stderr
    );
    let read = || std::fs::read_to_string(workspace.dir.path().join("own.yaml")).expect("text");
    assert_eq!(read(), text.replace("allowed: 3 ", "allowed: 10 "));
    let again = workspace.run(&["import", "--update"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, ""),
        "{}",
        again.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unmanaged_lists_what_no_manifest_names() {
    let workspace = lac_workspace(1, false).await;
    let ran = workspace.run(&["unmanaged"]);
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (0, 2),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.starts_with("LacLicenseOrder "), "{}", ran.stdout);
    let document = workspace.run(&["unmanaged", "--format", "json"]).json();
    assert_eq!(document["managed"], json!(1));
    assert_eq!(document["unmanaged"].as_array().map(Vec::len), Some(2));
    let id = document["unmanaged"][0]["id"]
        .as_str()
        .expect("an id")
        .to_string();
    assert_eq!(workspace.run(&["import", "--id", &id]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fmt_changes_files_checks_them_and_filters() {
    let workspace = Workspace::new().await;
    let text = "kind: LacLicenseOrder # k\napiVersion: entitle.dev/v1\n";
    let done = "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder # k\n";
    workspace.write("a.yaml", text);
    workspace.write("b.yaml", "kind: Pod\napiVersion: v1\n");
    let check = workspace.run(&["fmt", "--check"]);
    assert_eq!((check.code, check.stdout.as_str()), (1, "a.yaml\n"));
    let read = |name: &str| std::fs::read_to_string(workspace.dir.path().join(name)).expect("text");
    assert_eq!(read("a.yaml"), text);
    let ran = workspace.run(&["fmt"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "a.yaml\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        (read("a.yaml").as_str(), read("b.yaml").as_str()),
        (done, "kind: Pod\napiVersion: v1\n")
    );
    assert_eq!(workspace.run(&["fmt", "--check"]).code, 0);
    let filtered = workspace.run_with_input(&["fmt", "-"], text);
    assert_eq!((filtered.code, filtered.stdout.as_str()), (0, done));
    let broken = workspace.run_with_input(&["fmt", "-"], "a: [1\n");
    assert_eq!((broken.code, broken.stdout.as_str()), (1, "a: [1\n"));
    assert!(
        broken.stderr.contains("entitle validate"),
        "{}",
        broken.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn init_validates_for_every_vendor_and_form() {
    let workspace = Workspace::new().await;
    for one in provider::ALL {
        for form in one.auth().forms {
            let dir = format!("{}-{}", one.vendor(), form.name);
            let arguments = [
                "init",
                &dir,
                "--vendor",
                one.vendor().0,
                "--auth",
                form.name,
                "--yes",
            ];
            let ran = workspace.run(&arguments);
            assert_eq!(
                (ran.code, ran.stdout.lines().count()),
                (0, 6),
                "{}",
                ran.stderr
            );
            let valid = workspace.run(&["validate", &dir]);
            assert_eq!(
                (valid.code, valid.stderr.as_str()),
                (0, ""),
                "{}",
                valid.stdout
            );
            assert!(valid.stdout.starts_with("2 documents"), "{}", valid.stdout);
            assert_eq!(workspace.run(&["fmt", "--check", &dir]).code, 0);
            let ran = workspace.run(&arguments);
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (0, ""),
                "nothing is written over"
            );
            let workflow = workspace
                .dir
                .path()
                .join(&dir)
                .join(".github/workflows/licences.yaml");
            let workflow = std::fs::read_to_string(workflow).expect("text");
            let read: serde_json::Value = serde_yaml::from_str(&workflow).expect("YAML");
            assert!(read["env"]["ENTITLE_TRUST_HOSTS"].is_string(), "{workflow}");
        }
    }
    let odd = [
        "init",
        "odd",
        "--vendor",
        "lac",
        "--yes",
        "--name",
        "1e3",
        "--base-url",
        "https://x.example/a%20#b",
    ];
    workspace.run(&odd).failed(1, "baseUrl");
    assert!(!workspace.dir.path().join("odd").exists());
    workspace.run(&["init"]).failed(1, "--vendor");
    workspace
        .run(&["init", "--vendor", "lca", "--yes"])
        .failed(1, "lac");
}
