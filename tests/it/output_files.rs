//! Files that commands write: replaced at once, written through or refused by name, whatever stands at their path.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::cli::lac_workspace;
use super::support::program::Workspace;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o777
}

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
}

/// What a link to a device is written to is the device, and stays one.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_replaces_no_device_and_no_link() {
    let workspace = lac_workspace(1, true).await;
    let at = |name: &str| workspace.dir.path().join(name);
    symlink("/dev/null", at("null")).expect("a link");
    assert_eq!(workspace.run(&["plan", "--out", "real.json"]).code, 0);
    assert_eq!(mode(&at("real.json")), 0o600);
    symlink("real.json", at("link.json")).expect("a link");
    assert_eq!(workspace.run(&["plan", "--out", "null"]).code, 0);
    assert!(
        fs::symlink_metadata(at("null"))
            .expect("there")
            .is_symlink()
    );
    assert!(
        fs::metadata("/dev/null")
            .expect("there")
            .file_type()
            .is_char_device()
    );
    assert_eq!(workspace.run(&["plan", "--out", "link.json"]).code, 0);
    assert!(
        fs::symlink_metadata(at("link.json"))
            .expect("there")
            .is_symlink()
    );
    assert_eq!(workspace.run(&["show", "link.json"]).code, 0);
    // A file keeps its mode.
    fs::set_permissions(at("real.json"), fs::Permissions::from_mode(0o640)).expect("set");
    assert_eq!(workspace.run(&["plan", "--out", "real.json"]).code, 0);
    assert_eq!(mode(&at("real.json")), 0o640);
    // Standard output is written through.
    let ran = workspace.run(&["plan", "--out", "/dev/stdout", "--report", "text=shown.txt"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("\"digest\""), "{}", ran.stdout);
    workspace
        .run(&["plan", "--out", "."])
        .failed(1, "it is a directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_a_regular_file_whose_mode_is_left_alone() {
    let workspace = lac_workspace(1, true).await;
    let at = |name: &str| workspace.dir.path().join(name);
    let apply = |journal: &str| workspace.run(&["apply", "--auto-approve", "--journal", journal]);
    let before = mode(Path::new("/dev/full"));
    apply("/dev/full").failed(1, "it is a device");
    assert_eq!(mode(Path::new("/dev/full")), before);
    fifo(&at("fifo"));
    apply("fifo").failed(1, "it is a pipe");
    for arguments in [
        &["history", "--journal", "fifo"][..],
        &["undo", "latest", "--auto-approve", "--journal", "fifo"],
        &["show", "/dev/zero"],
    ] {
        let ran = workspace.run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.stderr);
    }
    fs::write(at("shared.jsonl"), "").expect("written");
    fs::set_permissions(at("shared.jsonl"), fs::Permissions::from_mode(0o664)).expect("set");
    assert_eq!(apply("shared.jsonl").code, 0);
    assert_eq!(mode(&at("shared.jsonl")), 0o664);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_for_its_owner_only_whatever_the_umask() {
    let workspace = lac_workspace(1, true).await;
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            "umask 0; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_entitle"),
        ])
        .args(["apply", "--auto-approve", "--cache", "cache"])
        .current_dir(workspace.dir.path())
        .env_clear()
        .envs(workspace.environment.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    assert_eq!(workspace.finish(command, "").code, 0);
    let mut left = vec![
        workspace.dir.path().join("state"),
        workspace.dir.path().join("cache"),
    ];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
        seen += 1;
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    assert!(seen > 5, "{seen}");
}

/// What a pull request put into the checkout leads nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn in_ci_no_link_of_the_checkout_is_followed() {
    let mut workspace = lac_workspace(1, true).await;
    let outside = tempfile::tempdir().expect("a directory");
    let victim = outside.path().join("victim");
    fs::write(&victim, "untouched\n").expect("written");
    let at = |workspace: &Workspace, name: &str| workspace.dir.path().join(name);
    fs::create_dir(at(&workspace, ".git")).expect("a directory");
    for name in ["journal.jsonl", "events.jsonl", "plan.json", "report.json"] {
        symlink(&victim, at(&workspace, name)).expect("a link");
    }
    symlink(outside.path(), at(&workspace, "logs")).expect("a link");
    workspace.set("CI", "true");
    // The manifests are named: the links would stop a walk as well.
    let run = |arguments: &[&str]| {
        let named = [arguments, &["lac.yaml", "object-0000.yaml"]].concat();
        workspace.run(&named)
    };
    for arguments in [
        &["apply", "--auto-approve", "--journal", "journal.jsonl"][..],
        &["apply", "--auto-approve", "--journal", "logs/victim"],
        &["apply", "--auto-approve", "--events", "events.jsonl"],
        &["plan", "--out", "plan.json"],
        &["plan", "--report", "json=report.json"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.stderr);
        let words = "is a link in the working tree";
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
    let text = || fs::read_to_string(&victim).expect("there");
    assert_eq!(text(), "untouched\n");
    assert!(
        workspace
            .sandbox
            .requests()
            .iter()
            .all(|seen| seen.method == "GET")
    );
    workspace.environment.retain(|(name, _)| name != "CI");
    let journal = ["apply", "--auto-approve", "--journal", "journal.jsonl"];
    assert_eq!(workspace.run(&journal).code, 0);
    assert!(text().contains("finished"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_be_used_says_what_to_set() {
    let mut workspace = lac_workspace(1, true).await;
    workspace.write("file", "");
    let state = workspace.dir.path().join("file").display().to_string();
    workspace.set("XDG_STATE_HOME", &state);
    let ran = workspace.run(&["apply", "--auto-approve"]);
    ran.failed(1, "set XDG_STATE_HOME to a directory that can be written");
}
