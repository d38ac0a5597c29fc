//! Whatever stands in a file name, a value, a reply, the journal or the environment is text when a run shows it: on a
//! terminal as in a pipe, on both streams of every command.

use std::path::PathBuf;

use entitle::model::unseen::is_visible;
use entitle::render::json::escape_json;
use entitle::render::safe::{begins_command, find_command_word};
use serde_json::{Value as Json, json};

use super::conformance::vendors::lac;
use super::support::program::Workspace;
#[cfg(unix)]
use super::support::terminal;

/// Text that would move a cursor, name a window, reorder letters, hide, or command a runner.
const HOSTILE: &str = "a\u{1b}]0;t\u{7}\u{1b}[2J\u{1b}[8m\u{9b}31m\u{202e}\u{200b}\u{ad} ##vso[task.x]y ##teamcity[z]\n\
                       ::error::w\nsection_start:1:a\r\u{1b}[0K";

/// A place in which everything that can be hostile is.
async fn workspace() -> (Workspace, PathBuf) {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let mut state = (lac::VENDOR.account)(3);
    hostile(&mut state, &format!("live {HOSTILE}"));
    workspace
        .sandbox
        .set_state("lac", state)
        .expect("an account");
    let mut object = lac::VENDOR.little(0, true);
    object.desired["description"] = json!(format!("wanted {HOSTILE}"));
    let folder = PathBuf::from(HOSTILE);
    // YAML has some of it as escapes only.
    let text = object.text();
    let lines: Vec<_> = text.lines().map(escape_json).collect();
    workspace.write(&format!("{HOSTILE}/order.yaml"), &lines.join("\n"));
    for (name, value) in [
        ("USER", HOSTILE),
        ("CI", "true"),
        ("ENTITLE_TRUST_HOSTS", "127.0.0.1"),
        ("TERM", "xterm-256color"),
    ] {
        workspace.set(name, value);
    }
    (workspace, folder)
}

fn hostile(json: &mut Json, text: &str) {
    match json {
        Json::Object(members) => {
            members
                .iter_mut()
                .for_each(|(name, value)| match name == "description" {
                    true => *value = json!(text),
                    false => hostile(value, text),
                })
        }
        Json::Array(items) => items.iter_mut().for_each(|item| hostile(item, text)),
        _ => {}
    }
}

/// A text without the styles that are ours, and with the line ends of a pipe.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let style = part.split_once('m').filter(|(numbers, _)| {
            let mut numbers = numbers.split(';').map(str::parse::<u8>);
            numbers.all(|number| matches!(number, Ok(0..=4 | 22 | 30..=37 | 39 | 90..=97)))
        });
        match style {
            Some((_, rest)) => plain += rest,
            None => plain += &format!("\u{1b}[{part}"),
        }
    }
    plain
}

#[track_caller]
fn is_text(what: &str, text: &str) {
    for line in plain(text).split('\n') {
        assert!(is_visible(line), "{what} shows {line:?}");
        assert!(!begins_command(line), "{what} commands {line:?}");
        assert_eq!(find_command_word(line), None, "{what} commands {line:?}");
    }
}

fn commands(order: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["validate"],
        vec!["validate", "-v"],
        vec!["fmt", "--check"],
        vec!["plan"],
        vec!["plan", "--out", "plan.json"],
        vec!["plan", "--format", "json"],
        vec!["plan", "--format", "markdown"],
        vec!["show", "plan.json"],
        vec!["drift"],
        vec!["drift", "--format", "json"],
        vec!["drift", "--base", HOSTILE],
        vec!["unmanaged"],
        vec!["import", "--all"],
        vec!["import", "--all", "--format-nonsense"],
        vec!["plan", "--target", HOSTILE],
        vec!["plan", HOSTILE, "no-such-path\u{9b}\n::x"],
        vec!["explain", HOSTILE],
        vec!["watch", ".", "--once"],
        vec!["watch", ".", "--once", "--log-format", "json"],
        vec!["suspend", order, "--reason", HOSTILE],
        vec!["plan"],
        vec!["resume", order],
        vec!["apply", "--auto-approve", "--events", "-"],
        vec!["apply", "--auto-approve", "--allow", "strand"],
        vec!["history"],
        vec!["history", "--full"],
        vec!["history", "--format", "json"],
        vec!["import", "--update"],
        vec!["fmt"],
        vec!["undo", HOSTILE],
    ]
}

/// Files that are wrong in their names and their texts.
fn break_manifests(workspace: &Workspace) {
    let key = HOSTILE.replace(['\n', '\r'], " ");
    let document = format!(
        "apiVersion: entitle.dev/v1\nkind: LacLicenseOrder\nmetadata: {{name: x}}\nspec:\n  \u{202e}\u{200b}{}: 1\n  {}: 2\n",
        "odd ##vso[x] ",
        serde_json::Value::from(key)
    );
    workspace.write(&format!("{HOSTILE}/broken.yaml"), &document);
    workspace.write(&format!("{HOSTILE}/worse.yaml"), "a: [\u{9b}\u{1b}[2J\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pipe() {
    let (workspace, _) = workspace().await;
    let address = format!("LacLicenseOrder/{}", lac::VENDOR.little(0, true).name);
    let mut shown = String::new();
    for arguments in commands(&address) {
        let ran = workspace.run(&arguments);
        let what = format!("{arguments:?} ({})", ran.code);
        is_text(&format!("stdout of {what}"), &ran.stdout);
        is_text(&format!("stderr of {what}"), &ran.stderr);
        shown += &ran.stdout;
    }
    assert!(
        shown.contains("wanted a") && shown.contains("live a"),
        "{shown}"
    );
    break_manifests(&workspace);
    for arguments in [["validate", "."], ["fmt", "."], ["plan", "."]] {
        let ran = workspace.run(&arguments);
        assert!(ran.stderr.contains("broken.yaml"), "{ran:?}");
        is_text(&format!("{arguments:?}"), &ran.stderr);
        is_text(&format!("{arguments:?}"), &ran.stdout);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal() {
    let (workspace, _) = workspace().await;
    let address = format!("LacLicenseOrder/{}", lac::VENDOR.little(0, true).name);
    let mut all = String::new();
    for arguments in commands(&address) {
        let shown = terminal::run(workspace.command(&arguments));
        is_text(&format!("{arguments:?}"), &shown);
        all += &shown;
    }
    assert!(
        all.matches("\u{1b}[").count() > 20,
        "nothing was shown in colour"
    );
    assert!(all.contains("wanted a") && all.contains("live a"), "{all}");
    break_manifests(&workspace);
    for arguments in [["validate", "."], ["fmt", "."], ["plan", "."]] {
        let shown = terminal::run(workspace.command(&arguments));
        assert!(shown.contains("broken.yaml"), "{shown}");
        is_text(&format!("{arguments:?}"), &shown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_look_alike_are_told_apart_wherever_they_are_shown() {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let mut state = (lac::VENDOR.account)(3);
    hostile(&mut state, "license");
    workspace
        .sandbox
        .set_state("lac", state)
        .expect("an account");
    let mut object = lac::VENDOR.little(0, false);
    let apart = "differ at character 4: U+0065 and ";
    for (wanted, name) in [("lic\u{ad}ense", "U+00AD"), ("lic\u{435}nse", "U+0435")] {
        object.desired["description"] = json!(wanted);
        workspace.object(&object);
        let apart = format!("{apart}{name}");
        let reports = ["text", "json", "markdown", "html"].map(|it| format!("{it}=report.{it}"));
        let ran = workspace.run(&["plan", "--report", &reports.join(",")]);
        assert!(ran.stdout.contains(&apart), "{ran:?}");
        for format in ["text", "json", "markdown", "html"] {
            let report = workspace.dir.path().join(format!("report.{format}"));
            let report = std::fs::read_to_string(report).expect("a report");
            assert!(report.contains(&apart), "{format}: {report}");
        }
        let formats = ["markdown", "html", "sarif", "github"];
        let reports = formats.map(|format| format!("{format}=drift.{format}"));
        let drift = workspace.run(&["drift", "--report", &reports.join(",")]);
        assert!(drift.stdout.contains(&apart), "{drift:?}");
        for format in formats {
            let report = workspace.dir.path().join(format!("drift.{format}"));
            let report = std::fs::read_to_string(report).expect("a report");
            assert!(report.contains(&apart), "{format}: {report}");
        }
    }
    let ran = workspace.run(&["apply", "--auto-approve"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let history = workspace.run(&["history", "latest"]);
    assert!(history.stdout.contains("U+0435"), "{history:?}");
}
