//! The project file: found, preferred in the right order, and never trusting.

use std::path::Path;

use serde_json::json;

use super::cli::lac_workspace;
use super::support::program::{Ran, Workspace};

fn project(workspace: &Workspace, file: &str, spec: &str) {
    let text = format!(
        "apiVersion: entitle.dev/v1\nkind: Project\nmetadata: {{name: test}}\nspec:\n{spec}"
    );
    workspace.write(file, &text);
}

fn run_in(workspace: &Workspace, dir: &str, arguments: &[&str]) -> Ran {
    let mut command = workspace.command(arguments);
    command.current_dir(workspace.dir.path().join(dir));
    workspace.finish(command, "")
}

fn at_root(workspace: &Workspace) {
    std::fs::create_dir_all(workspace.dir.path().join(".git")).expect("a directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_wins_over_the_environment_over_the_project() {
    let mut workspace = lac_workspace(2, true).await;
    let refused = |workspace: &Workspace, more: &[&str]| {
        let arguments = [&["apply", "--auto-approve"], more].concat();
        let ran = workspace.run(&arguments);
        assert!(ran.code == 0 || ran.code == 4, "{}", ran.stderr);
        ran.code == 4
    };
    project(&workspace, "entitle.yaml", "  maxChanges: 0\n");
    assert!(refused(&workspace, &[]), "the project");
    workspace.set("ENTITLE_MAX_CHANGES", "1");
    assert!(refused(&workspace, &[]), "one is not two");
    workspace.set("ENTITLE_MAX_CHANGES", "50%");
    assert!(
        refused(&workspace, &["--max-changes", "1"]),
        "what is typed"
    );
    assert!(
        !refused(&workspace, &["--max-changes", "2"]),
        "what is typed"
    );
    assert!(!refused(&workspace, &[]), "nothing is left to change");
    // One that is there and empty is a mistake, whatever the project says.
    workspace.set("ENTITLE_MAX_CHANGES", "");
    workspace
        .run(&["apply", "--auto-approve"])
        .failed(1, "is set and empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_found_upward_to_the_git_root_and_paths_are_its_own() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let account = (super::conformance::vendors::lac::VENDOR.account)(3);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    let order = super::conformance::vendors::lac::VENDOR.little(0, true);
    workspace.write("repo/licences/order.yaml", &order.text());
    std::fs::rename(
        workspace.dir.path().join("lac.yaml"),
        workspace.dir.path().join("repo/lac.yaml"),
    )
    .expect("moved");
    workspace.write("repo/deep/down/note.txt", "");
    std::fs::create_dir_all(workspace.dir.path().join("repo/.git")).expect("a directory");
    project(
        &workspace,
        "repo/entitle.yaml",
        "  paths: [licences, lac.yaml]\n  journal: state/journal.jsonl\n",
    );
    project(&workspace, "entitle.yaml", "  nonsense: true\n");
    for dir in ["repo", "repo/deep", "repo/deep/down"] {
        let ran = run_in(&workspace, dir, &["plan", "--format", "json"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{dir}");
        let file = ran.json()["objects"][0]["origin"]["file"].clone();
        let file = Path::new(dir).join(file.as_str().expect("a file"));
        let real = std::fs::canonicalize(workspace.dir.path().join(file)).expect("it is there");
        assert!(real.ends_with("repo/licences/order.yaml"), "{real:?}");
    }
    let ran = run_in(&workspace, "repo/deep/down", &["apply", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        workspace
            .dir
            .path()
            .join("repo/state/journal.jsonl")
            .exists()
    );
    let ran = run_in(&workspace, "repo", &["drift"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_a_repository_only_this_directory_counts() {
    let workspace = lac_workspace(1, true).await;
    project(&workspace, "entitle.yaml", "  nonsense: true\n");
    workspace.write("inner/note.txt", "");
    let ran = run_in(&workspace, "inner", &["plan", ".."]);
    // The file above is still read as a manifest, and found wrong as one.
    assert!(ran.stderr.contains("../entitle.yaml:5:3"), "{}", ran.stderr);
    let ran = run_in(
        &workspace,
        "inner",
        &["plan", "../lac.yaml", "../object-0000.yaml"],
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_it_is_shown_with_line_and_hint() {
    let workspace = lac_workspace(1, true).await;
    at_root(&workspace);
    for (spec, words) in [
        ("  trust_hosts: [a]\n", "did you mean `trustHosts`?"),
        ("  trustHosts: [lac.example.com, '*']\n", "is no host"),
        (
            "  parallelism: none\n",
            "parallelism must be a whole number",
        ),
        ("  parallelism: 70000\n", "from 1 to 65535"),
        ("  timeout: soon\n", "must be a duration"),
        ("  maxChanges: 101%\n", "maxChanges must be a number"),
        ("  trustHosts: []\n", "must name a host, or be left out"),
        ("  paths: [..]\n", "leads out of the project's directory"),
        ("  paths: [\"-\"]\n", "is standard input"),
        (
            "  journal: /etc/journal\n",
            "leads out of the project's directory",
        ),
        ("  journal: .git/hooks/post-checkout\n", "leads into .git"),
        (
            "  acceptedDrift: a/../../b\n",
            "leads out of the project's directory",
        ),
        ("  allowExec: true\n", "pass --allow-exec"),
        ("  secretDir: /run\n", "pass --secret-dir"),
        ("  autoApprove: true\n", "pass --auto-approve"),
        ("  allow: [strand]\n", "pass --allow"),
    ] {
        project(&workspace, "entitle.yaml", spec);
        let ran = workspace.run(&["plan"]);
        ran.failed(1, words);
        assert!(ran.stderr.contains("entitle.yaml:5:"), "{}", ran.stderr);
    }
    assert_eq!(workspace.sandbox.requests(), []);
    // Commands that do not heed it are not stopped by it.
    for arguments in [
        &["completions", "bash"][..],
        &["explain", "Project"],
        &["schema"],
    ] {
        assert_eq!(workspace.run(arguments).code, 0, "{arguments:?}");
    }
    workspace.write("entitle.yaml", "kind: [\n");
    assert_eq!(workspace.run(&["plan"]).code, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_do_not_lead_out_of_its_directory() {
    let workspace = lac_workspace(1, true).await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let link = |target: &Path, name: &str| {
        let path = workspace.dir.path().join(name);
        std::os::unix::fs::symlink(target, path).expect("a link");
    };
    link(elsewhere.path(), "out");
    link(&elsewhere.path().join("not-there"), "dangling");
    for spec in [
        "  journal: out/journal\n",
        "  journal: dangling\n",
        "  paths: [out]\n",
    ] {
        project(&workspace, "entitle.yaml", spec);
        workspace.run(&["plan"]).failed(1, "by a link");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_narrows_trust_and_never_widens_it() {
    let mut workspace = lac_workspace(1, true).await;
    let spec = |hosts: &str| format!("  trustHosts: [{hosts}]\n");
    let trusted = |workspace: &Workspace, more: &[&str]| {
        let ran = workspace.run(&[&["plan"], more].concat());
        ran.code == 0
    };
    project(&workspace, "entitle.yaml", &spec("lac.example.com"));
    assert!(!trusted(&workspace, &[]), "it narrows");
    project(&workspace, "entitle.yaml", &spec("127.0.0.1"));
    assert!(trusted(&workspace, &[]));
    assert!(
        !trusted(&workspace, &["--trust-hosts", "lac.example.com"]),
        "it does not widen"
    );
    workspace.set("ENTITLE_TRUST_HOSTS", "lac.example.com");
    assert!(!trusted(&workspace, &[]), "it does not widen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_that_name_without_a_project_is_a_manifest() {
    let workspace = lac_workspace(1, true).await;
    let manifest = std::fs::read_to_string(workspace.dir.path().join("object-0000.yaml"));
    std::fs::remove_file(workspace.dir.path().join("object-0000.yaml")).expect("removed");
    workspace.write("entitle.yaml", &manifest.expect("readable"));
    let ran = workspace.run(&["plan", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["summary"]["objects"], json!(1));
}
