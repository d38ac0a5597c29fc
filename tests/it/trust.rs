//! What keeps credentials where they belong, over the built program: lists of hosts, secret files, and variables
//! that are empty or misspelt.

use serde_json::json;

use super::conformance::vendors::lac;
use super::daemon::git::Repository;
use super::support::program::{Ran, Workspace};

const TOKEN: &str = "sandbox-token";

/// One LAC order that wants a change, and a connection with this `auth`.
async fn lac_workspace(auth: &serde_json::Value) -> Workspace {
    let mut workspace = Workspace::new().await;
    let state = (lac::VENDOR.account)(3);
    workspace
        .sandbox
        .set_state("lac", state)
        .expect("an account");
    workspace.object(&lac::VENDOR.little(0, true));
    let base = workspace.sandbox.url("lac");
    workspace.connection("lac", &base, auth);
    workspace.set_secret("LAC_AUTH", TOKEN);
    workspace
}

fn from_env() -> serde_json::Value {
    json!({"token": {"env": "LAC_AUTH"}})
}

#[track_caller]
fn refused(workspace: &Workspace, ran: &Ran, words: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains(words), "{words:?} is not in {said}");
    assert_eq!(workspace.sandbox.requests(), [], "credentials went out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_guards_a_run_must_not_be_empty() {
    for variable in [
        "ENTITLE_TRUST_HOSTS",
        "ENTITLE_SECRET_DIR",
        "ENTITLE_MAX_CHANGES",
    ] {
        let mut workspace = lac_workspace(&from_env()).await;
        workspace.set(variable, "");
        let ran = workspace.run(&["apply", "--auto-approve"]);
        refused(&workspace, &ran, &format!("{variable} is set and empty"));
        assert_eq!(workspace.run(&["validate"]).code, 0, "it reaches nobody");
    }
    for (variable, value) in [
        ("ENTITLE_LISTEN_TOKEN", "--listen"),
        ("ENTITLE_GIT_HOOK_SECRET", "--listen"),
        ("ENTITLE_WINDOW", "--once"),
    ] {
        let mut workspace = lac_workspace(&from_env()).await;
        workspace.set(variable, "");
        let mut arguments = vec!["watch", ".", "--once", value];
        arguments.extend((value == "--listen").then_some("127.0.0.1:0"));
        arguments.dedup();
        let ran = workspace.run(&arguments);
        refused(&workspace, &ran, &format!("{variable} is set and empty"));
    }
    let workspace = lac_workspace(&from_env()).await;
    for typed in ["", " ", ",", "lac.example.com,"] {
        let ran = workspace.run(&["plan", "--trust-hosts", typed]);
        refused(&workspace, &ran, "--trust-hosts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_ci_a_run_without_a_list_of_hosts_warns_in_every_format() {
    let mut workspace = lac_workspace(&from_env()).await;
    workspace.set("CI", "true");
    const FORMATS: [&str; 7] = [
        "text", "json", "markdown", "github", "sarif", "junit", "html",
    ];
    let reports: Vec<String> = FORMATS.map(|it| format!("{it}=report.{it}")).into();
    let reports = reports.join(",");
    let warns = |text: &str| text.contains("--trust-hosts is not given");
    let report = |format: &str| {
        std::fs::read_to_string(workspace.dir.path().join(format!("report.{format}")))
            .expect("a report")
    };
    let ran = workspace.run(&["plan", "--report", &reports]);
    assert!(ran.code == 0 && warns(&ran.stderr), "{ran:?}");
    for format in FORMATS {
        assert!(warns(&report(format)), "{format}: {}", report(format));
    }
    for format in ["json", "markdown"] {
        for command in ["plan", "drift"] {
            let ran = workspace.run(&[command, "--format", format]);
            assert!(warns(&ran.stdout), "{command} {format}: {ran:?}");
        }
    }
    for more in [
        ["--trust-hosts", "127.0.0.1"],
        ["--sandbox", "--parallelism=4"],
    ] {
        let ran = workspace.run(&["plan", more[0], more[1], "--report", &reports]);
        assert!(!warns(&ran.stderr) && !warns(&report("json")), "{ran:?}");
    }
    workspace.set("CI", "false");
    assert!(!warns(&workspace.run(&["plan"]).stderr), "nobody asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_ci_the_list_of_the_project_file_holds_and_does_not_stand_for_one_of_ones_own() {
    let mut workspace = lac_workspace(&from_env()).await;
    let project = |hosts: &str| {
        format!(
            "apiVersion: entitle.dev/v1\nkind: Project\nmetadata: {{name: p}}\nspec: {{trustHosts: [{hosts}]}}\n"
        )
    };
    workspace.write("entitle.yaml", &project("127.0.0.1"));
    let warns = |ran: &Ran| ran.stderr.contains("whatever hosts the project file names");
    let ran = workspace.run(&["plan"]);
    assert!(
        ran.code == 0 && !warns(&ran),
        "at home it is one's own: {ran:?}"
    );
    workspace.set("CI", "true");
    for command in [&["plan"] as &[_], &["watch", "--once"]] {
        let ran = workspace.run(command);
        assert!(ran.code == 0 && warns(&ran), "{command:?}: {ran:?}");
    }
    // The same list, from where no pull request changes it.
    let ran = workspace.run(&["plan", "--trust-hosts", "127.0.0.1"]);
    assert!(ran.code == 0 && !warns(&ran), "{ran:?}");
    workspace.write("entitle.yaml", &project("lac.example.com"));
    workspace.sandbox.forget_requests();
    refused(&workspace, &workspace.run(&["plan"]), "--trust-hosts");
    workspace.set("ENTITLE_TRUST_HOSTS", "127.0.0.1");
    let ran = workspace.run(&["plan"]);
    assert!(ran.code == 0 && !warns(&ran), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_variable_is_told() {
    let mut workspace = lac_workspace(&from_env()).await;
    workspace.set("ENTITLE_TRUST_HOST", "lac.example.com");
    let ran = workspace.run(&["plan"]);
    assert!(
        ran.stderr.contains("did you mean `ENTITLE_TRUST_HOSTS`?"),
        "{ran:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn with_a_list_plain_http_needs_to_be_in_it() {
    // Here 0.0.0.0 leads to this machine, which nothing but the system knows.
    let mut workspace = lac_workspace(&from_env()).await;
    let port = workspace.sandbox.address().port();
    let document = json!({
        "apiVersion": "entitle.dev/v1", "kind": "Connection", "metadata": {"name": "lac"},
        "spec": {
            "vendor": "lac", "baseUrl": format!("http://0.0.0.0:{port}/lac"), "auth": from_env(),
            "allowInsecureHttp": true,
        },
    });
    workspace.write("lac.yaml", &document.to_string());
    for list in ["0.0.0.0", "https://0.0.0.0", "http://0.0.0.0:1"] {
        let ran = workspace.run(&["plan", "--trust-hosts", list]);
        refused(&workspace, &ran, "in the clear");
    }
    let other = workspace.run(&["plan", "--trust-hosts", "127.0.0.1:1"]);
    refused(&workspace, &other, "--trust-hosts");
    let named = format!("http://0.0.0.0:{port}");
    for list in ["http://0.0.0.0", &named] {
        assert_eq!(
            workspace.run(&["plan", "--trust-hosts", list]).code,
            0,
            "{list}"
        );
    }
    // The list of a project comes with the pull request: it counts where no other is given, and then only narrows.
    workspace.write(
        "entitle.yaml",
        "apiVersion: entitle.dev/v1\nkind: Project\nmetadata: {name: p}\nspec: {trustHosts: [\"http://0.0.0.0\"]}\n",
    );
    workspace.sandbox.forget_requests();
    workspace.set("ENTITLE_TRUST_HOSTS", "0.0.0.0");
    refused(&workspace, &workspace.run(&["plan"]), "in the clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_directory_confines_secret_files_wherever_the_run_is() {
    let outside = tempfile::tempdir().expect("a directory");
    let file = outside.path().join("token");
    std::fs::write(&file, TOKEN).expect("written");
    let workspace = lac_workspace(&json!({"token": {"file": file}})).await;
    assert_eq!(
        workspace.run(&["plan"]).code,
        0,
        "a person may read any file"
    );
    workspace.sandbox.forget_requests();
    workspace.write("secrets/other", "x");
    let ran = workspace.run(&["plan", "--secret-dir", "secrets"]);
    refused(&workspace, &ran, "outside the working tree");
    let dir = outside.path().display().to_string();
    assert_eq!(workspace.run(&["plan", "--secret-dir", &dir]).code, 0);
    for name in [".git/token", "sub/.git/token"] {
        workspace.write(name, TOKEN);
        let base = workspace.sandbox.url("lac");
        workspace.connection("lac", &base, &json!({"token": {"file": name}}));
        workspace.sandbox.forget_requests();
        refused(&workspace, &workspace.run(&["plan"]), ".git");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_follows_git_reads_no_file_but_in_secret_directories() {
    let outside = tempfile::tempdir().expect("a directory");
    let file = outside.path().join("token");
    std::fs::write(&file, TOKEN).expect("written");
    let mut workspace = lac_workspace(&json!({"token": {"file": file}})).await;
    let path = std::env::var("PATH").unwrap_or_default();
    workspace.set("PATH", &path);
    let repository = Repository::new();
    let connection =
        || std::fs::read_to_string(workspace.dir.path().join("lac.yaml")).expect("there");
    repository.commit("licences/lac.yaml", &connection());
    repository.commit("licences/order.yaml", &lac::VENDOR.little(0, true).text());
    let url = repository.url();
    let watch = ["watch", "--git", &url, "--path", "licences", "--once"];
    let ran = workspace.run(&watch);
    refused(&workspace, &ran, "--secret-dir");
    // The directory that the daemon was started in is no part of what it follows.
    workspace.write("token", TOKEN);
    let inside = workspace.dir.path().join("token");
    let base = workspace.sandbox.url("lac");
    workspace.connection("lac", &base, &json!({"token": {"file": inside}}));
    repository.commit("licences/lac.yaml", &connection());
    refused(&workspace, &workspace.run(&watch), "--secret-dir");
    let dir = workspace.dir.path().display().to_string();
    let mut open = watch.to_vec();
    open.extend(["--secret-dir", &dir]);
    let ran = workspace.run(&open);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("--trust-hosts is not given"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_no_header_carries_is_told_at_once() {
    let mut workspace = lac_workspace(&from_env()).await;
    workspace.environment.retain(|(name, _)| name != "LAC_AUTH");
    workspace.set_secret("LAC_AUTH", "hunter\u{200b}2");
    let ran = workspace.run(&["plan"]);
    refused(&workspace, &ran, "character 7 of the credential");
}
