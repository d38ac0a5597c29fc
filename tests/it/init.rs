//! `entitle init`: where its files go, what its jobs install, and that nothing is sent unasked.

use super::support::program::Workspace;
#[cfg(unix)]
use super::support::terminal;

/// What a file of a project says, with the place that it is at.
fn read_below(workspace: &Workspace, path: &str) -> String {
    let path = workspace.dir.path().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_each_file_where_it_is_read() {
    let workspace = Workspace::new().await;
    workspace.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    let init = ["--vendor", "lac", "--yes"];
    let ran = workspace.run(&[&["init", "repo/eu/licences"][..], &init].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let jobs = read_below(&workspace, "repo/.github/workflows/licences.yaml");
    for line in [
        "entitle validate eu/licences",
        "paths: [eu/licences/**]",
        "entitle plan eu/licences ",
    ] {
        assert!(jobs.contains(line), "{line:?} is not in {jobs}");
    }
    let connection = read_below(&workspace, "repo/eu/licences/connection.yaml");
    assert!(connection.contains("$schema=../../schemas/manifest.json"));
    read_below(&workspace, "repo/schemas/manifest.json");
    assert!(ran.stderr.contains("\n  cd "), "{}", ran.stderr);
    assert!(ran.stderr.contains("\n  entitle doctor eu/licences\n"));
    // Outside of a repository the top is where we are.
    let ran = workspace.run(&[&["init"][..], &init, &["--ci", "none"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    read_below(&workspace, "licences/connection.yaml");
    read_below(&workspace, "schemas/manifest.json");
    assert!(!workspace.dir.path().join(".github").exists());
    // The folder may be the top itself.
    workspace.write("flat/.git/HEAD", "ref: refs/heads/main\n");
    let flat = [&["init", "flat"][..], &init, &["--ci", "gitlab"]].concat();
    assert_eq!(workspace.run(&flat).code, 0);
    let jobs = read_below(&workspace, "flat/.gitlab-ci.yml");
    let read: serde_json::Value = serde_yaml::from_str(&jobs).expect("YAML");
    assert_eq!(
        read["plan"]["rules"][0]["changes"],
        serde_json::json!(["**/*"])
    );
    let connection = read_below(&workspace, "flat/connection.yaml");
    assert!(connection.contains("$schema=schemas/manifest.json"));
    let spaced = [&["init", "my licences"][..], &init].concat();
    workspace.run(&spaced).failed(1, "letters, digits");
}

/// No job installs what somebody else may have put under a name.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_install_by_digest() {
    let workspace = Workspace::new().await;
    for ci in ["github", "gitlab"] {
        workspace.write(&format!("{ci}/.git/HEAD"), "ref: refs/heads/main\n");
        let dir = format!("{ci}/licences");
        let init = ["init", &dir, "--vendor", "lac", "--yes", "--ci", ci];
        assert_eq!(workspace.run(&init).code, 0);
    }
    let github = read_below(&workspace, "github/.github/workflows/licences.yaml");
    let gitlab = read_below(&workspace, "gitlab/.gitlab-ci.yml");
    for jobs in [&github, &gitlab] {
        assert!(!jobs.contains("cargo install"), "{jobs}");
    }
    let pinned = format!("entitle-dev/entitle@{}", "0".repeat(40));
    assert!(github.contains(&pinned), "{github}");
    assert!(gitlab.contains("sha256sum --check"), "{gitlab}");
}

#[tokio::test(flavor = "multi_thread")]
async fn init_tests_the_connection_if_it_is_told_to() {
    let mut workspace = Workspace::new().await;
    let url = format!("http://{}/lac", workspace.sandbox.address());
    let init = ["init", "--vendor", "lac", "--base-url", &url, "--yes"];
    let asked = || workspace.sandbox.requests().len();
    let untested = workspace.run(&[&init[..], &["--ci", "none"]].concat());
    assert_eq!((untested.code, asked()), (0, 0), "{}", untested.stderr);
    let test = [&init[..], &["--test"]].concat();
    let unset = workspace.run(&test);
    assert_eq!((unset.code, asked()), (1, 0), "{}", unset.stderr);
    assert!(
        unset
            .stderr
            .contains("LAC_USERNAME, LAC_PASSWORD are not set")
    );
    workspace.set_secret("LAC_USERNAME", "admin");
    workspace.set_secret("LAC_PASSWORD", "wrong-password");
    let refused = workspace.run(&test);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("error  connection"),
        "{}",
        refused.stderr
    );
    workspace.secrets.clear();
    workspace.set("LAC_PASSWORD", "sandbox");
    let accepted = workspace.run(&test);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    assert!(
        accepted.stderr.contains("ok     connection"),
        "{}",
        accepted.stderr
    );
}

/// Answers to everything that `init` asks, with a mistake before each; then whether to test and to import.
#[cfg(unix)]
fn answers(workspace: &Workspace, test: &str, import: &str) -> String {
    let url = format!("http://{}/lac", workspace.sandbox.address());
    format!("lacc\nlac\nBad Name\n\nlac.example\n{url}\nlogon\n\nhub\nnone\n{test}\n{import}\n")
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn init_asks_again_and_sends_nothing_unasked() {
    let mut workspace = Workspace::new().await;
    workspace.set("LAC_USERNAME", "admin");
    workspace.set("LAC_PASSWORD", "sandbox");
    let init = |workspace: &Workspace, test, import| {
        let command = workspace.command(&["init"]);
        terminal::converse(command, &answers(workspace, test, import)).1
    };
    let shown = init(&workspace, "n", "");
    for words in [
        "unknown vendor \"lacc\": did you mean lac?",
        "the name \"Bad Name\"",
        "write a whole address",
        "User name and password; each run opens a session",
        "unknown authentication \"logon\": did you mean login?",
        "unknown jobs for \"hub\"",
        "Test the connection now?",
        "entitle doctor licences",
    ] {
        assert!(shown.contains(words), "{words:?} is not in {shown}");
    }
    assert!(workspace.sandbox.requests().is_empty(), "{shown}");
    read_below(&workspace, "licences/example.yaml");

    std::fs::remove_dir_all(workspace.dir.path().join("licences")).expect("removed");
    let shown = init(&workspace, "y", "yes");
    assert!(
        shown.contains("it answers, and the credentials are accepted"),
        "{shown}"
    );
    let folder = workspace.dir.path().join("licences");
    let files = std::fs::read_dir(&folder).expect("readable").count();
    assert!(files >= 3, "{files} files: {shown}");
    assert!(!folder.join("example.yaml").exists(), "{shown}");
    let plan = workspace.run(&["plan", "licences", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.stdout, plan.stderr);
    let writes = workspace.sandbox.requests();
    assert!(writes.iter().all(|call| call.method != "PATCH"));
}
