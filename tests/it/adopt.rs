//! `import`, `unmanaged`, `fmt` and `init` as programs: codes, streams, files that stay as they are.

use entitle::provider;
use entitle::sandbox::ScriptedFault;
use serde_json::json;

use super::cli::lac_workspace;
use super::conformance::vendors::{alinea, cryptlex, lac};
use super::support::program::Workspace;

const ORDERS: [&str; 2] = ["--kind", "LacLicenseOrder"];
const ALL: &[&str] = &[
    "import",
    "--connection",
    "lac",
    ORDERS[0],
    ORDERS[1],
    "--all",
];

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
    let ran = workspace.run(&with(&["import", "--all"], &ORDERS));
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
        ran.stderr
            .contains("Left as is: 1 object with a manifest; `entitle import --update`"),
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
        .run(&with(&["import", "--id", "no/such/id"], &ORDERS))
        .failed(1, "activationKey");
    workspace
        .run(&with(
            &["import", "--id", "AAAAA-BBBBB-CCCCC-DDDDD"],
            &ORDERS,
        ))
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
    let ran = workspace.run(&with(&["unmanaged"], &ORDERS));
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (0, 2),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.starts_with("LacLicenseOrder "), "{}", ran.stdout);
    let document = workspace
        .run(&with(&["unmanaged", "--format", "json"], &ORDERS))
        .json();
    assert_eq!(document["managed"], json!(1));
    assert_eq!(document["unmanaged"].as_array().map(Vec::len), Some(2));
    let id = document["unmanaged"][0]["id"]
        .as_str()
        .expect("an id")
        .to_string();
    assert_eq!(
        workspace.run(&with(&["import", "--id", &id], &ORDERS)).code,
        0
    );
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
            let repository = format!("{}-{}", one.vendor(), form.name);
            workspace.write(&format!("{repository}/.git/HEAD"), "ref: refs/heads/main\n");
            let dir = format!("{repository}/licences");
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
                .join(&repository)
                .join(".github/workflows/licences.yaml");
            let workflow = std::fs::read_to_string(workflow).expect("text");
            let read: serde_json::Value = serde_yaml::from_str(&workflow).expect("YAML");
            assert!(read["env"]["ENTITLE_TRUST_HOSTS"].is_string(), "{workflow}");
            assert!(!workspace.dir.path().join(&dir).join("licences").exists());
            assert!(!form.about.is_empty() && form.about.chars().count() <= 74);
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

/// Accounts of three vendors, the last of which has no call that lists its objects: three orders of one customer, and three
/// licenses, which two kinds show, with four user groups.
async fn three_accounts() -> Workspace {
    let mut workspace = Workspace::new().await;
    for (vendor, account) in [
        ("lac", (lac::VENDOR.account)(3)),
        ("cryptlex", (cryptlex::VENDOR.account)(3)),
        ("alinea", (alinea::VENDOR.account)(3)),
    ] {
        workspace.connect(vendor);
        let loaded = workspace.sandbox.set_state(vendor, account);
        loaded.expect("an account");
    }
    workspace
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_all_are_read() {
    let workspace = three_accounts().await;
    let ran = workspace.run(&["import", "--all", "--out", "licences"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let words = "16 manifests written to licences";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let words = "alinea is left out: alinea has no call that lists its objects";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("16 in sync"), "{}", plan.stdout);
    let again = workspace.run(&["import", "--all", "--out", "licences"]);
    let counts = "Left as is: 16 objects with a manifest; ";
    assert!(again.stderr.contains(counts), "{}", again.stderr);
    assert_eq!(again.stderr.lines().count(), 3, "{}", again.stderr);
    let mut account = workspace.sandbox.state("lac").expect("an account");
    account["license_orders"][0]["activations_allowed"] = json!(77);
    workspace.sandbox.set_state("lac", account).expect("set");
    let updated = workspace.run(&["import", "--update"]);
    assert_eq!(updated.code, 0, "{}", updated.stderr);
    assert_eq!(updated.stdout.lines().count(), 1, "{}", updated.stdout);
    assert_eq!(workspace.run(&["plan", "--detailed-exitcode"]).code, 0);
    // An id is of one connection.
    let ran = workspace.run(&["import", "--id", "a"]);
    ran.failed(1, "--connection must be one of alinea, cryptlex, lac");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_objects_of_two_connections_is_edited_once() {
    let workspace = three_accounts().await;
    let streamed = workspace.run(&["import", "--all"]);
    assert_eq!(streamed.code, 0, "{}", streamed.stderr);
    workspace.write("all.yaml", &streamed.stdout);
    let mut orders = workspace.sandbox.state("lac").expect("an account");
    orders["license_orders"][0]["activations_allowed"] = json!(77);
    workspace.sandbox.set_state("lac", orders).expect("set");
    let mut licenses = workspace.sandbox.state("cryptlex").expect("an account");
    licenses["organizations"][0]["licenses"][0]["userGroupIds"] = json!([]);
    workspace
        .sandbox
        .set_state("cryptlex", licenses)
        .expect("set");
    let updated = workspace.run(&["import", "--update"]);
    let stdout = updated.stdout.as_str();
    assert_eq!(
        (updated.code, stdout),
        (0, "all.yaml\n"),
        "{}",
        updated.stderr
    );
    let words = "2 manifests brought up to date";
    assert!(updated.stderr.contains(words), "{}", updated.stderr);
    let plan = workspace.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn unmanaged_reads_all_connections_and_goes_on_after_a_fault() {
    let workspace = three_accounts().await;
    workspace.object(&lac::VENDOR.little(0, false));
    let ran = workspace.run(&["unmanaged"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let of = |connection: &str| {
        let lines = ran.stdout.lines();
        let own = lines.filter(|line| line.ends_with(&format!("  {connection}")));
        own.count()
    };
    assert_eq!((of("lac"), of("cryptlex")), (4, 11), "{}", ran.stdout);
    assert!(ran.stderr.contains("alinea is left out"), "{}", ran.stderr);
    let document = workspace.run(&["unmanaged", "--format", "json"]).json();
    assert_eq!(document["managed"], json!(1));
    assert_eq!(document["unmanaged"].as_array().map(Vec::len), Some(15));
    assert_eq!(document["connections"][6]["unmanaged"], json!(2));
    assert_eq!(document["unlisted"][0]["connection"], json!("alinea"));
    assert_eq!(document.get("connection"), None);
    let fault = ScriptedFault {
        status: 403,
        times: 9,
        retry_after: None,
        method: Some("GET".into()),
        carried_out: false,
    };
    let scripted = workspace.sandbox.script_fault("cryptlex", fault);
    scripted.expect("a simulator");
    let ran = workspace.run(&["unmanaged"]);
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (1, 4),
        "{}",
        ran.stderr
    );
    let words = "error: CryptlexLicense at cryptlex: the list of objects is not complete: GET /";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_members_of_the_objects() {
    let workspace = three_accounts().await;
    let import = |template: &str, out: &str| {
        let named = ["--name", template, "--out", out];
        workspace.run(&with(ALL, &named))
    };
    let names = |out: &str| {
        let dir = workspace.dir.path().join(out);
        let entries = std::fs::read_dir(dir).expect("a directory").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let ran = import(
        "{connection}-{customer}-{activations_allowed}",
        "by-customer",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let made = names("by-customer");
    assert_eq!(made.len(), 3, "{made:?}");
    for name in &made {
        assert!(name.starts_with("lac-"), "{name}");
        let text = std::fs::read_to_string(workspace.dir.path().join("by-customer").join(name));
        let own = name.strip_suffix(".yaml").expect("a YAML file");
        assert!(
            text.expect("text").contains(&format!("name: {own}\n")),
            "{name}"
        );
    }
    assert_eq!(workspace.run(&["validate"]).code, 0);
    std::fs::remove_dir_all(workspace.dir.path().join("by-customer")).expect("removed");
    // The name of an order's product template stands for its product.
    assert_eq!(import("{customer}-{product}", "by-product").code, 0);
    let made = names("by-product");
    let is_of_template = |name: &String| name.contains("-template-1");
    assert!(
        made.len() == 3 && made.iter().all(is_of_template),
        "{made:?}"
    );
    std::fs::remove_dir_all(workspace.dir.path().join("by-product")).expect("removed");
    // One name for all of them is told apart.
    assert_eq!(import("{vendor}", "by-vendor").code, 0);
    let made = names("by-vendor");
    let is_told_apart =
        |name: &String| name.starts_with("lac-") && name.len() == "lac-12345678.yaml".len();
    assert!(
        made.len() == 3 && made.iter().all(is_told_apart),
        "{made:?}"
    );
    let ran = import("{custommer}", "nowhere");
    ran.failed(
        1,
        "--name: no object has the member {custommer}; there are activated_licenses_count, ",
    );
    assert!(ran.stderr.contains("customer,"), "{}", ran.stderr);
    assert!(!workspace.dir.path().join("nowhere").exists());
    import("plain", "nowhere").failed(1, "name at least one member in braces");
}
