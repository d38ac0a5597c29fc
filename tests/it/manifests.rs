//! Which files are manifests, asked of the built program: the same ones in a directory, in a commit and in a remote.

use std::process::Command;

use entitle::sandbox::Options;
use serde_json::{Value as Json, json};

use super::cli::lac_place;
use super::conformance::vendors::lac;
use super::support::program::{Place, Ran};

const SEATS: &str = "activations_allowed";

/// An order with so many seats, as a manifest.
fn order(number: usize, seats: i64) -> String {
    let mut order = lac::VENDOR.little(number, false);
    order.desired[SEATS] = json!(seats);
    order.text()
}

/// An account with three orders, and a directory `lic` that holds the connection.
async fn place() -> Place {
    let mut place = lac_place(0, false).await;
    let connection = std::fs::read_to_string(place.dir.path().join("lac.yaml")).expect("there");
    std::fs::remove_file(place.dir.path().join("lac.yaml")).expect("there");
    place.write("lic/lac.yaml", &connection);
    let path = std::env::var("PATH").unwrap_or_default();
    place.set("PATH", &path);
    place
}

fn seats(place: &Place) -> Vec<Json> {
    let account = place.sandbox.state("lac").expect("an account");
    let orders = account["license_orders"]
        .as_array()
        .expect("orders")
        .clone();
    orders.iter().map(|order| order[SEATS].clone()).collect()
}

/// Puts everything there is into one commit, what git would leave out included.
fn commit(place: &Place) {
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
            .current_dir(place.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status();
        assert!(status.expect("git runs").success(), "git {arguments:?}");
    }
}

fn watch_once(place: &Place) -> Ran {
    let url = format!("file://{}", place.dir.path().join(".git").display());
    let arguments = [
        "--path",
        "lic",
        "--once",
        "--mode",
        "sync",
        "--max-changes",
        "9",
    ];
    place.run(&[&["watch", "--git", &url][..], &arguments].concat())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_a_commit_and_a_remote_hold_the_same_manifests() {
    let mut place = place().await;
    place.set("CI", "true");
    let link = |target: &str, name: &str| {
        let name = place.dir.path().join(name);
        std::os::unix::fs::symlink(target, name).expect("a link");
    };
    place.write("lic/A.YAML", &order(0, 31));
    place.write("other.yaml", &order(1, 32));
    place.write("more/deep/c.yml", &order(2, 33));
    // Each of these would be a second manifest of an object, or no manifest at all.
    place.write(".gitignore", "*.tmp.yaml\n");
    place.write("lic/.gitignore", "/build\n");
    for name in [
        "lic/a.tmp.yaml",
        "lic/build/a.yaml",
        "lic/.hidden/a.yaml",
        "lic/a.txt",
    ] {
        place.write(name, &order(0, 99));
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
    commit(&place);

    let ran = place.run(&["drift", "lic", "--base", "HEAD", "--format", "json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let document = ran.json();
    let objects = document["objects"].as_array().expect("objects");
    assert_eq!(objects.len(), 3, "{document:#}");
    assert!(!ran.stdout.contains("no base"), "{document:#}");
    let ran = watch_once(&place);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(seats(&place), [31, 32, 33]);
    let ran = place.run(&["plan", "lic", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("3 in sync"), "{}", ran.stdout);

    for (target, name, words) in [
        ("/etc", "lic/out", "leads out of the tree"),
        ("nowhere", "lic/x.yaml", "cannot read the link"),
    ] {
        link(target, name);
        commit(&place);
        for ran in [
            place.run(&["plan", "lic"]),
            place.run(&["drift", "lic", "--base", "HEAD"]),
            watch_once(&place),
        ] {
            assert_eq!(ran.code, 1, "{}", ran.stderr);
            assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        }
        std::fs::remove_file(place.dir.path().join(name)).expect("there");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_out_is_followed_by_people_and_refused_in_ci() {
    let mut place = place().await;
    let away = tempfile::tempdir().expect("a directory");
    std::fs::write(away.path().join("a.yaml"), order(0, 31)).expect("written");
    let link = place.dir.path().join("lic/out");
    std::os::unix::fs::symlink(away.path(), link).expect("a link");
    for command in ["validate", "plan"] {
        let ran = place.run(&[command, "lic"]);
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
        let late = place.run(&[command, &["--timeout", "0s"] as &[_]].concat());
        assert_eq!(late.code, 1, "{command:?}: {late:?}");
        let words = "took longer than --timeout: it stopped at ";
        assert!(late.stderr.contains(words), "{command:?}: {late:?}");
    }
    place.set("CI", "true");
    for command in ["validate", "plan", "drift", "fmt"] {
        let ran = place.run(&[command, "lic"]);
        assert_eq!(ran.code, 1, "{command}: {}", ran.stderr);
        for words in ["link-leads-out", "lic/out", "leads out of the tree"] {
            assert!(ran.stderr.contains(words), "{command}: {}", ran.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_is_not_waited_for_past_the_time_of_the_run() {
    let place = place().await;
    for command in [&["plan", "lic"] as &[_], &["validate"], &["fmt"]] {
        let mut command = place.command(&[command, &["-", "--timeout", "1s"]].concat());
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
    let mut place = place().await;
    place.write("lic/a.yaml", &order(0, 31));
    place.write("bin/git", "#!/bin/sh\nexec sleep 60\n");
    let bin = place.dir.path().join("bin");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bin.join("git"), mode).expect("a program");
    place.set("PATH", &format!("{}:/bin:/usr/bin", bin.display()));
    for command in [
        &["plan", "lic"] as &[_],
        &["drift", "lic", "--base", "HEAD"],
    ] {
        let start = std::time::Instant::now();
        let ran = place.run(&[command, &["--timeout", "1s"]].concat());
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
    let mut place = Place::with(options).await;
    place.connect("lac");
    place.object(&lac::VENDOR.little(0, true));
    let mut first = place.command(&["apply", "--auto-approve"]);
    let mut first = first.spawn().expect("it starts");
    let locks = place.dir.path().join("state/entitle/locks");
    while !std::fs::read_dir(&locks).is_ok_and(|mut locks| locks.next().is_some()) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let start = std::time::Instant::now();
    let times = ["--lock-timeout", "1m", "--timeout", "1s"];
    let ran = place.run(&[&["apply", "--auto-approve"] as &[_], &times].concat());
    let took = start.elapsed();
    let _ = first.kill();
    let _ = first.wait();
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(took < std::time::Duration::from_secs(3), "{took:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_that_is_named_is_read_once_and_its_findings_show_their_lines() {
    let place = place().await;
    let script = format!(
        "{} validate lic/lac.yaml <(cat bad.yaml)",
        env!("CARGO_BIN_EXE_entitle")
    );
    place.write("bad.yaml", &order(0, 31).replace("desired", "desierd"));
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.dir.path())
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
    let place = place().await;
    place.write("lic/a.yaml", &order(0, 31));
    place.write("lic/foreign.yaml", "apiVersion: v1\nkind: Pod\n");
    place.write("lic/empty.yaml", "# nothing yet\n");
    place.write("kustomize/kustomization.yaml", "kind: Kustomization\n");
    place.write("none/README.md", "");
    let ran = place.run(&["validate", "lic"]);
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
            place
                .run(&[command, "lic/lac.yaml", "lic/a.yaml", path])
                .failed(1, words);
        }
    }
    // What is read as a part of another path needs no manifest of its own there.
    let ran = place.run(&["validate", "lic/lac.yaml", "lic/a.yaml", "lic"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_manifests_are_read_item_by_item() {
    let place = place().await;
    let items = [order(0, 31), order(1, 32)].map(|text| {
        let text: Json = serde_json::from_str(&text).expect("JSON");
        text
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [items[0], {"kind": "Pod"}]});
    place.write("lic/k8s.yaml", &format!("{list:#}"));
    place.write("lic/seq.yaml", &format!("# ours\n- {}\n", items[1]));
    let ran = place.run(&["apply", "lic", "--auto-approve", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(seats(&place)[..2], [31, 32]);
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
    let ran = place.run(&["suspend", "*", "--manifests", "lic", "--reason", "x"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("it is an item of a list"),
        "{}",
        ran.stderr
    );
    place.write("lic/bad.yaml", &format!("# ours\n- {}\n", order(2, -5)));
    let ran = place.run(&["validate", "lic"]);
    assert!(ran.stderr.contains("lic/bad.yaml:13:"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_tells_what_was_passed_over() {
    let place = place().await;
    place.write("lic/a.YAML", &order(0, 31));
    place.write("lic/pod.yaml", "kind: Pod\n");
    for name in [
        "build/x.yaml",
        "b.tmp.yaml",
        ".c.yaml",
        "1.txt",
        "2.txt",
        "3.txt",
        "4.txt",
    ] {
        place.write(&format!("lic/{name}"), &order(0, 99));
    }
    place.write("lic/.gitignore", "build\n*.tmp.yaml\n");
    // Other tools' files hide nothing.
    place.write("lic/.ignore", "*.YAML\n");
    let ran = place.run(&["validate", "lic", "-v"]);
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
    let place = place().await;
    place.write("lic/a.yaml", &order(0, 31));
    place.write(
        "lic/merge.yaml",
        "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> theirs\n",
    );
    let ran = place.run(&["validate", "lic"]);
    ran.failed(
        1,
        "error[conflict-markers]: the file has conflict markers of git",
    );
    assert!(ran.stderr.contains("lic/merge.yaml:2:1"), "{}", ran.stderr);
    std::fs::remove_file(place.dir.path().join("lic/merge.yaml")).expect("there");
    place.write("lic/tab.yaml", "\t\n");
    let ran = place.run(&["validate", "lic"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
