//! Which files are manifests, asked of the built program: the same ones in a directory, in a commit and in a remote.

use std::process::Command;

use entitle::sandbox::Options;
use serde_json::{Value as Json, json};

use super::cli::lac_workspace;
use super::conformance::vendors::lac;
use super::support::program::{Ran, Workspace};

const SEATS: &str = "activations_allowed";

/// An order with so many seats, as a manifest.
fn order(number: usize, seats: i64) -> String {
    let mut order = lac::VENDOR.little(number, false);
    order.desired[SEATS] = json!(seats);
    order.text()
}

/// An account with three orders, and a directory `lic` that holds the connection.
async fn workspace() -> Workspace {
    let mut workspace = lac_workspace(0, false).await;
    let connection = std::fs::read_to_string(workspace.dir.path().join("lac.yaml")).expect("there");
    std::fs::remove_file(workspace.dir.path().join("lac.yaml")).expect("there");
    workspace.write("lic/lac.yaml", &connection);
    let path = std::env::var("PATH").unwrap_or_default();
    workspace.set("PATH", &path);
    workspace
}

fn seats(workspace: &Workspace) -> Vec<Json> {
    let account = workspace.sandbox.state("lac").expect("an account");
    let orders = account["license_orders"]
        .as_array()
        .expect("orders")
        .clone();
    orders.iter().map(|order| order[SEATS].clone()).collect()
}

/// Puts everything there is into one commit, what git would leave out included.
fn commit(workspace: &Workspace) {
    for arguments in [
        &["init", "--quiet", "-b", "main"][..],
        &[
            "add",
            "--all",
            "--force",
            "lic",
            "more",
            "other.yaml",
            ".gitignore",
        ],
        &["commit", "--quiet", "--message", "all"],
    ] {
        let status = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t.example"])
            .args(arguments)
            .current_dir(workspace.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status();
        assert!(status.expect("git runs").success(), "git {arguments:?}");
    }
}

fn watch_once(workspace: &Workspace) -> Ran {
    let url = format!("file://{}", workspace.dir.path().join(".git").display());
    let arguments = [
        "--path",
        "lic",
        "--once",
        "--mode",
        "sync",
        "--max-changes",
        "9",
    ];
    workspace.run(&[&["watch", "--git", &url][..], &arguments].concat())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_a_commit_and_a_remote_hold_the_same_manifests() {
    let mut workspace = workspace().await;
    workspace.set("CI", "true");
    let link = |target: &str, name: &str| {
        let name = workspace.dir.path().join(name);
        std::os::unix::fs::symlink(target, name).expect("a link");
    };
    workspace.write("lic/A.YAML", &order(0, 31));
    workspace.write("other.yaml", &order(1, 32));
    workspace.write("more/deep/c.yml", &order(2, 33));
    // Each of these would be a second manifest of an object, or no manifest at all.
    workspace.write(".gitignore", "*.tmp.yaml\n");
    workspace.write("lic/.gitignore", "/build\n");
    for name in [
        "lic/a.tmp.yaml",
        "lic/build/a.yaml",
        "lic/.hidden/a.yaml",
        "lic/a.txt",
    ] {
        workspace.write(name, &order(0, 99));
    }
    link("../other.yaml", "lic/in.yaml");
    link("../more/deep", "lic/sub");
    for (target, name) in [
        (".", "lic/loop"),
        ("A.YAML", "lic/again.yaml"),
        ("user@host.1:2", "lic/.#A.YAML"),
        ("nowhere", "lic/note.txt"),
        ("nowhere", "lic/gone"),
    ] {
        link(target, name);
    }
    commit(&workspace);

    let ran = workspace.run(&["drift", "lic", "--base", "HEAD", "--format", "json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let document = ran.json();
    let objects = document["objects"].as_array().expect("objects");
    assert_eq!(objects.len(), 3, "{document:#}");
    assert!(!ran.stdout.contains("no base"), "{document:#}");
    let ran = watch_once(&workspace);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(seats(&workspace), [31, 32, 33]);
    let ran = workspace.run(&["plan", "lic", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("3 in sync"), "{}", ran.stdout);

    for (target, name, words) in [
        ("/etc", "lic/out", "leads out of the tree"),
        ("nowhere", "lic/x.yaml", "cannot read the link"),
    ] {
        link(target, name);
        commit(&workspace);
        for ran in [
            workspace.run(&["plan", "lic"]),
            workspace.run(&["drift", "lic", "--base", "HEAD"]),
            watch_once(&workspace),
        ] {
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        }
        std::fs::remove_file(workspace.dir.path().join(name)).expect("there");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_out_is_followed_by_people_and_refused_in_ci() {
    let mut workspace = workspace().await;
    let away = tempfile::tempdir().expect("a directory");
    std::fs::write(away.path().join("a.yaml"), order(0, 31)).expect("written");
    let link = workspace.dir.path().join("lic/out");
    std::os::unix::fs::symlink(away.path(), link).expect("a link");
    for command in ["validate", "plan"] {
        let ran = workspace.run(&[command, "lic"]);
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
    const EVERY: &[&[&str]] = &[
        &["plan", "lic"],
        &["validate", "lic"],
        &["fmt", "lic"],
        &["suspend", "*", "--manifests", "lic", "--reason", "a test"],
        &["resume", "*", "--manifests", "lic"],
    ];
    for command in EVERY {
        let late = workspace.run(&[command, &["--timeout", "0s"] as &[_]].concat());
        assert_eq!(late.code, 1, "{command:?}: {late:?}");
        let words = "took longer than --timeout: it stopped at ";
        assert!(late.stderr.contains(words), "{command:?}: {late:?}");
    }
    workspace.set("CI", "true");
    for command in ["validate", "plan", "drift", "fmt"] {
        let ran = workspace.run(&[command, "lic"]);
        assert_eq!(ran.code, 1, "{command}: {}", ran.stderr);
        for words in ["link-leads-out", "lic/out", "leads out of the tree"] {
            assert!(ran.stderr.contains(words), "{command}: {}", ran.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_not_waited_for_past_the_time_of_the_run() {
    let workspace = workspace().await;
    for command in [&["plan", "lic"] as &[_], &["validate"], &["fmt"]] {
        let mut command = workspace.command(&[command, &["-", "--timeout", "1s"]].concat());
        // Held open until the program has ended.
        let (input, held) = std::io::pipe().expect("a pipe");
        let output = command.stdin(input).output().expect("it ends");
        drop(held);
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("it did not end within --timeout"),
            "{stderr}"
        );
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn git_is_not_waited_for_past_the_time_of_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let mut workspace = workspace().await;
    workspace.write("lic/a.yaml", &order(0, 31));
    workspace.write("bin/git", "#!/bin/sh\nexec sleep 60\n");
    let bin = workspace.dir.path().join("bin");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bin.join("git"), mode).expect("a program");
    workspace.set("PATH", &format!("{}:/bin:/usr/bin", bin.display()));
    for command in [
        &["plan", "lic"] as &[_],
        &["drift", "lic", "--base", "HEAD"],
    ] {
        let start = std::time::Instant::now();
        let ran = workspace.run(&[command, &["--timeout", "1s"]].concat());
        let took = start.elapsed();
        assert!(
            took < std::time::Duration::from_secs(5),
            "{command:?}: {took:?}"
        );
        assert_eq!(ran.code, 1, "{command:?}: {ran:?}");
        let words = [
            "git took longer than --timeout",
            "the time for the whole run is over",
        ];
        let said = |word: &&str| ran.stderr.contains(word) || ran.stdout.contains(word);
        assert!(words.iter().any(said), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_not_waited_for_past_the_time_of_the_run() {
    let options = Options {
        latency: std::time::Duration::from_secs(4),
        ..Options::default()
    };
    let mut workspace = Workspace::with(options).await;
    workspace.connect("lac");
    workspace.object(&lac::VENDOR.little(0, true));
    let mut first = workspace.command(&["apply", "--auto-approve"]);
    let mut first = first.spawn().expect("it starts");
    let locks = workspace.dir.path().join("state/entitle/locks");
    while !std::fs::read_dir(&locks).is_ok_and(|mut locks| locks.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let start = std::time::Instant::now();
    let times = ["--lock-timeout", "1m", "--timeout", "1s"];
    let ran = workspace.run(&[&["apply", "--auto-approve"] as &[_], &times].concat());
    let took = start.elapsed();
    let _ = first.kill();
    let _ = first.wait();
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(took < std::time::Duration::from_secs(3), "{took:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_is_named_is_read_once_and_its_findings_show_their_lines() {
    let workspace = workspace().await;
    let script = format!(
        "{} validate lic/lac.yaml <(cat bad.yaml)",
        env!("CARGO_BIN_EXE_entitle")
    );
    workspace.write("bad.yaml", &order(0, 31).replace("desired", "desierd"));
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace.dir.path())
        .envs(workspace.environment.iter().cloned())
        .output()
        .expect("bash runs");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("unknown-field") && stderr.contains("\"desierd\": {"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_that_is_named_holds_a_manifest() {
    let workspace = workspace().await;
    workspace.write("lic/a.yaml", &order(0, 31));
    workspace.write("lic/foreign.yaml", "apiVersion: v1\nkind: Pod\n");
    workspace.write("lic/empty.yaml", "# nothing yet\n");
    workspace.write("kustomize/kustomization.yaml", "kind: Kustomization\n");
    workspace.write("none/README.md", "");
    let ran = workspace.run(&["validate", "lic"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (path, words) in [
        (
            "lic/foreign.yaml",
            "lic/foreign.yaml: the only document is not one of entitle's",
        ),
        (
            "lic/empty.yaml",
            "lic/empty.yaml: the files hold no document",
        ),
        (
            "kustomize",
            "kustomize: the only document is not one of entitle's",
        ),
        ("none", "no *.yaml or *.yml files in `none`"),
    ] {
        for command in ["validate", "plan"] {
            workspace
                .run(&[command, "lic/lac.yaml", "lic/a.yaml", path])
                .failed(1, words);
        }
    }
    // What is read as a part of another path needs no manifest of its own there.
    let ran = workspace.run(&["validate", "lic/lac.yaml", "lic/a.yaml", "lic"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_manifests_are_read_item_by_item() {
    let workspace = workspace().await;
    let items = [order(0, 31), order(1, 32)].map(|text| {
        let text: Json = serde_json::from_str(&text).expect("JSON");
        text
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [items[0], {"kind": "Pod"}]});
    workspace.write("lic/k8s.yaml", &format!("{list:#}"));
    workspace.write("lic/seq.yaml", &format!("# ours\n- {}\n", items[1]));
    let ran = workspace.run(&["apply", "lic", "--auto-approve", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(seats(&workspace)[..2], [31, 32]);
    let document = ran.json();
    let lines: Vec<&Json> = document["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| &object["origin"]["line"])
        .collect();
    assert_eq!(lines, [5, 2]);
    let source = &document["source"];
    assert_eq!(
        (&source["documents"], &source["skipped"]),
        (&json!(4), &json!(1))
    );
    // What edits documents says why it leaves an item alone.
    let ran = workspace.run(&["suspend", "*", "--manifests", "lic", "--reason", "x"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("it is an item of a list"),
        "{}",
        ran.stderr
    );
    workspace.write("lic/bad.yaml", &format!("# ours\n- {}\n", order(2, -5)));
    let ran = workspace.run(&["validate", "lic"]);
    assert!(ran.stderr.contains("lic/bad.yaml:13:"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_tells_what_was_passed_over() {
    let workspace = workspace().await;
    workspace.write("lic/a.YAML", &order(0, 31));
    workspace.write("lic/pod.yaml", "kind: Pod\n");
    for name in [
        "build/x.yaml",
        "b.tmp.yaml",
        ".c.yaml",
        "1.txt",
        "2.txt",
        "3.txt",
        "4.txt",
    ] {
        workspace.write(&format!("lic/{name}"), &order(0, 99));
    }
    workspace.write("lic/.gitignore", "build\n*.tmp.yaml\n");
    // Other tools' files hide nothing.
    workspace.write("lic/.ignore", "*.YAML\n");
    let ran = workspace.run(&["validate", "lic", "-v"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.starts_with("2 documents in 3 files: valid"),
        "{}",
        ran.stdout
    );
    let mut lines: Vec<&str> = ran.stderr.lines().collect();
    lines.sort_unstable();
    for begin in [
        "8 names passed over",
        "  2 by .gitignore: ",
        "  2 hidden: ",
        "  4 not named *.yaml or *.yml: ",
        "1 document of other tools skipped",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with(begin)),
            "{begin}: {lines:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_yaml_is_called_what_it_is() {
    let workspace = workspace().await;
    workspace.write("lic/a.yaml", &order(0, 31));
    workspace.write(
        "lic/merge.yaml",
        "apiVersion: entitle.dev/v1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n",
    );
    let ran = workspace.run(&["validate", "lic"]);
    ran.failed(
        1,
        "error[conflict-markers]: the file has conflict markers of git",
    );
    assert!(ran.stderr.contains("lic/merge.yaml:2:1"), "{}", ran.stderr);
    std::fs::remove_file(workspace.dir.path().join("lic/merge.yaml")).expect("there");
    workspace.write("lic/tab.yaml", "\t\n");
    let ran = workspace.run(&["validate", "lic"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
