//! Whole commands as people see them: `tests/transcripts/<name>/script` is what is typed, `plain.txt` and
//! `colour.txt` are what comes back.
//!
//! A script is told to a LAC simulator with twelve orders, whose connection is in `connection.yaml`. Its lines:
//!
//! | line | does |
//! | --- | --- |
//! | `# text` | nothing; the transcript repeats it, so that it reads as a story |
//! | `$ entitle …` | runs the program |
//! | `@ FROM TO` | copies a file, as an editor would change it |
//! | `% POINTER JSON` | changes the account behind our back |
//! | `& entitle watch …` | starts a daemon, which listens and goes on until the end; goes on once it has looked at everything |
//! | `^ NAME=VALUE`, `^ NAME` | sets a variable, or removes it |
//!
//! In a transcript standard output stands as it is, standard error behind `! `, and an exit code other than 0
//! on a line of its own. Names of runs, times, ages and ports are replaced; nothing else differs between two runs.

use std::path::Path;

use super::conformance::vendors::lac;
use super::daemon::program::{DaemonProcess, wait_for};
use super::daemon::webhooks::{listen_port, read_status};
use super::support::golden;
use super::support::program::Workspace;

/// Stands for the name of a run, and is as long.
const RUN: &str = "01990000-0000-7000-8000-000000000000";

/// Orders of the account.
const ORDERS: usize = 12;

/// Columns of the terminal that everything is made for.
const WIDTH: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn transcripts_are_what_the_program_prints() {
    let dir = golden::tests_dir().join("transcripts");
    let folders = golden::folders(&dir);
    assert!(folders.len() >= 6, "only {} transcripts", folders.len());
    let mut faults = Vec::new();
    for folder in folders {
        for (name, colour) in [("plain.txt", false), ("colour.txt", true)] {
            let told = tell(&folder, colour).await;
            if !colour {
                faults.extend(too_wide(&folder, &told));
            }
            faults.extend(golden::compare(&folder.join(name), &told).err());
        }
    }
    golden::all_well(faults);
}

/// Lines of a transcript that would wrap. Source lines and what vendors say are as long as they are.
fn too_wide(folder: &Path, told: &str) -> Vec<String> {
    let typed = |line: &str| {
        ["$ ", "% ", "@ ", "# ", "& ", "^ "]
            .iter()
            .any(|sign| line.starts_with(sign))
    };
    let wide = |line: &&str| !line.starts_with("! ") && line.chars().count() > WIDTH;
    told.lines()
        .filter(|line| !typed(line))
        .filter(wide)
        .map(|line| format!("{}: wider than {WIDTH} columns: {line}", folder.display()))
        .collect()
}

async fn tell(folder: &Path, colour: bool) -> String {
    let mut workspace = set_up(folder).await;
    let mut daemon = None;
    let script = std::fs::read_to_string(folder.join("script")).expect("every folder has a script");
    let mut told = String::new();
    for line in script.lines() {
        match line.split_at_checked(2) {
            Some(("$ ", command)) => {
                told += &format!("{line}\n{}", ran(&workspace, command, colour))
            }
            Some(("@ ", files)) => {
                let (from, to) = files.split_once(' ').expect("two files");
                let dir = workspace.dir.path();
                std::fs::copy(dir.join(from), dir.join(to)).expect("copied");
                told += &format!("{line}\n");
            }
            Some(("% ", change)) => {
                foreign(&workspace, change);
                told += &format!("{line}\n");
            }
            Some(("& ", command)) => {
                // One at a time: they have one log.
                drop(daemon.take());
                daemon = Some(start_daemon(&mut workspace, command));
                told += &format!("{line}\n");
            }
            Some(("^ ", variable)) => {
                let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
                workspace.environment.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    workspace.set(name, value);
                }
                told += &format!("{line}\n");
            }
            _ => told += &format!("{line}\n"),
        }
    }
    told
}

async fn set_up(folder: &Path) -> Workspace {
    let mut workspace = Workspace::new().await;
    workspace.connect("lac");
    let dir = workspace.dir.path();
    std::fs::rename(dir.join("lac.yaml"), dir.join("connection.yaml")).expect("renamed");
    let account = (lac::VENDOR.account)(ORDERS);
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        std::fs::copy(entry.path(), dir.join(entry.file_name())).expect("copied");
    }
    workspace.set("USER", "jane");
    // One write after the other, so that the journal has them in one order.
    workspace.set("ENTITLE_PARALLELISM", "1");
    workspace.set("COLUMNS", &WIDTH.to_string());
    workspace
}

/// Starts a daemon that `entitle status` asks from now on, and waits until it has looked at every object.
fn start_daemon(workspace: &mut Workspace, command: &str) -> DaemonProcess {
    let words = words_of(command).into_iter();
    let words: Vec<&str> = words.chain(["--listen", "127.0.0.1:0"]).collect();
    let daemon = DaemonProcess::start(workspace, &words);
    let port = listen_port(workspace);
    wait_for(workspace, "the first look", || {
        let status = read_status(port);
        let objects = status["objects"].as_array().cloned().unwrap_or_default();
        !objects.is_empty() && objects.iter().all(|object| object["last_pass"].is_string())
    });
    workspace.set("ENTITLE_STATUS_ADDRESS", &format!("127.0.0.1:{port}"));
    daemon
}

/// Returns the arguments of a command.
fn words_of(command: &str) -> Vec<&str> {
    let words = command.strip_prefix("entitle ");
    words
        .expect("only entitle is run")
        .split_whitespace()
        .collect()
}

fn foreign(workspace: &Workspace, change: &str) {
    let (pointer, json) = change.split_once(' ').expect("a pointer and a value");
    let mut account = workspace.sandbox.state("lac").expect("an account");
    let held = account.pointer_mut(pointer).expect("the place is there");
    *held = serde_json::from_str(json).expect("JSON");
    workspace
        .sandbox
        .set_state("lac", account)
        .expect("an account");
}

fn ran(workspace: &Workspace, command: &str, colour: bool) -> String {
    let mut command = workspace.command(&words_of(command));
    if colour {
        command.env("CLICOLOR_FORCE", "1");
    }
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| steady(&String::from_utf8(bytes).expect("output is UTF-8"));
    let port = format!(":{}", workspace.sandbox.address().port());
    let dir = workspace.dir.path().display().to_string();
    let text = |bytes| hide_version(&text(bytes).replace(&port, ":8901").replace(&dir, "/work"));
    let text = |bytes| hide_hashes(&hide_tries(&text(bytes)));
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    for secret in &workspace.secrets {
        assert!(
            !(stdout.contains(secret) || stderr.contains(secret)),
            "a secret is shown"
        );
    }
    let mut told = stdout;
    for line in stderr.lines() {
        told += format!("! {line}").trim_end();
        told.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => told += &format!("= exit {}\n", code.expect("an exit code")),
    }
    told + "\n"
}

/// Returns output without names of runs, times, hashes and versions, for other golden texts.
pub fn without_noise(text: &str) -> String {
    hide_version(&hide_hashes(&hide_tries(&steady(text))))
}

/// Output without what differs between two runs: names of runs, times, and the escape character by a sign.
fn steady(text: &str) -> String {
    let text = text.replace('\u{1b}', "␛");
    let mut steady = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        if rest.get(..RUN.len()).is_some_and(is_run) {
            steady += RUN;
            rest = &rest[RUN.len()..];
        } else if let Some((word, length)) = cell(&steady, rest) {
            steady += word;
            rest = &rest[length..];
            if let Some(after) = rest.strip_prefix("␛[0m") {
                steady += "␛[0m";
                rest = after;
            }
            // Columns are as wide as their widest cell.
            if rest.starts_with("  ") {
                steady += "  ";
                rest = rest.trim_start_matches(' ');
            }
        } else if let Some(length) = time(rest) {
            steady += "2026-11-21T12:00:00Z";
            rest = &rest[length..];
        } else {
            steady.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    steady
}

/// Output with zeros for the digits of hashes in the log, which cover the port of the simulator.
fn hide_hashes(text: &str) -> String {
    const HEAD: &str = "sha256:";
    let Some((before, rest)) = text.split_once(HEAD) else {
        return text.to_string();
    };
    let end = rest.find(|c: char| !c.is_ascii_hexdigit());
    let (digits, after) = rest.split_at(end.unwrap_or(rest.len()));
    format!(
        "{before}{HEAD}{}{}",
        "0".repeat(digits.len()),
        hide_hashes(after)
    )
}

/// Output with ones for the numbers of what was tried in vain, which depend on the machine: `tried 1 times in 1.1 s`.
fn hide_tries(text: &str) -> String {
    let Some((before, rest)) = text.split_once("tried") else {
        return text.to_string();
    };
    let is_count = rest.trim_start().starts_with(|c: char| c.is_ascii_digit());
    match rest.split_once(" s").filter(|_| is_count) {
        Some((tries, after)) => {
            let ones = tries.replace(|c: char| c.is_ascii_digit(), "1");
            format!("{before}tried{ones} s{}", hide_tries(after))
        }
        None => format!("{before}tried{}", hide_tries(rest)),
    }
}

/// Output without the version of the program and the features of its build.
fn hide_version(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let text = text.replace(&format!("entitle watch {version}"), "entitle watch VERSION");
    let Some((before, rest)) = text.split_once(&format!("entitle {version} (")) else {
        return text;
    };
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    format!("{before}entitle VERSION{after}")
}

fn is_run(text: &str) -> bool {
    let dash = |(at, c): (usize, char)| match at {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    text.chars().enumerate().all(dash)
}

/// A short name of a run or an age that a text begins with: what stands for it, and its length.
fn cell(before: &str, text: &str) -> Option<(&'static str, usize)> {
    let whole = before.len();
    let before = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
    let is_code = before.ends_with("␛[");
    if !is_code && before.len() < whole {
        return None;
    }
    let end = text
        .find([' ', '\n', '␛', '`', ':', ',', '.', ')'])
        .unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let is_hex = |part: &str| part.chars().all(|c| c.is_ascii_hexdigit());
    if word.starts_with("01") && word.split('-').all(is_hex) && word.find('-').unwrap_or(end) == 8 {
        return Some(("01990000", end));
    }
    let wait = ["next look in ", "ends in ", "opens in "];
    if !word.is_empty() && wait.iter().any(|wait| before.ends_with(wait)) {
        let unit = after.trim_start().find([',', '\n', '.', '␛']);
        return unit.map(|unit| ("10 min", end + 1 + unit));
    }
    if before.ends_with(" at ") && word.len() == 12 && is_hex(word) {
        return Some(("0123456789ab", end));
    }
    let is_number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let seconds = " s ago";
    if is_number && after.starts_with(seconds) {
        return Some(("just now", end + seconds.len()));
    }
    let now = "just now";
    text.starts_with(now).then_some((now, now.len()))
}

/// The length of the instant that a text begins with.
fn time(text: &str) -> Option<usize> {
    let end = text.find('Z')? + 1;
    let instant = text.get(..end).filter(|_| end > 19)?;
    instant.parse::<jiff::Timestamp>().ok().map(|_| end)
}
