//! Runs the commands of a page, in a shell, against a sandbox of the page's own.
//!
//! Each command is a process of `sh`. What lasts from one command to the next is done here: `cd`, `export`, and `curl`,
//! which not every machine has.

use std::path::PathBuf;
use std::process::Stdio;

use entitle::manifest::rows::RowFiles;
use entitle::manifest::{self, ReadLimits};
use entitle::reconcile::{self, CheckOptions, EnvironmentChoice};

use super::blocks::{Block, blocks};
use crate::readme::request;
use crate::support::program::Workspace;
use crate::transcripts::without_noise;

/// Where the manual has its sandbox; a test has it at a port that is free.
const ADDRESS: &str = "127.0.0.1:8901";

/// A moment for commits, so that their names are the same in every run.
const COMMITTED: &str = "2026-11-30T12:00:00Z";

/// One page at work.
pub struct Session {
    workspace: Workspace,
    directory: PathBuf,
    /// Names of commits and what stands for them.
    commits: Vec<(String, String)>,
}

impl Session {
    pub async fn new() -> Self {
        let mut workspace = Workspace::new().await;
        let program = PathBuf::from(env!("CARGO_BIN_EXE_entitle"));
        let program = program.parent().expect("a folder").display().to_string();
        let home = workspace.dir.path().display().to_string();
        for (name, value) in [
            (
                "PATH",
                format!("{program}:/usr/local/bin:/usr/bin:/bin").as_str(),
            ),
            ("HOME", &home),
            ("USER", "jane"),
            ("COLUMNS", "80"),
            ("LC_ALL", "C.UTF-8"),
            ("ENTITLE_PARALLELISM", "1"),
            ("GIT_AUTHOR_DATE", COMMITTED),
            ("GIT_COMMITTER_DATE", COMMITTED),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ] {
            workspace.set(name, value);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            workspace.set(&format!("GIT_{role}_NAME"), "Jane");
            workspace.set(&format!("GIT_{role}_EMAIL"), "jane@example.com");
        }
        let directory = workspace.dir.path().join("page");
        std::fs::create_dir(&directory).expect("a directory");
        Self {
            workspace,
            directory,
            commits: Vec::new(),
        }
    }

    /// Returns the page with the output of its commands as it is now. A fault is a block that is not as it should be.
    pub fn renew(&mut self, page: &str, faults: &mut Vec<String>) -> String {
        let mut lines: Vec<String> = page.lines().map(str::to_string).collect();
        let mut fresh: Vec<(std::ops::Range<usize>, Vec<String>)> = Vec::new();
        let (mut manifests, mut tables) = (Vec::new(), Vec::new());
        for block in blocks(page) {
            match (block.language, block.note) {
                (_, Some(("not run", _))) => faults.extend(unparsed(&block)),
                ("setup", _) => {
                    let (output, code) = self.run(block.lines[0]);
                    if code != 0 {
                        faults.push(format!(
                            "setup {:?} ended with {code}: {output}",
                            block.lines[0]
                        ));
                    }
                }
                ("console", _) => fresh.push((block.range.clone(), self.renew_block(&block))),
                ("yaml", note) => {
                    let text = block.lines.join("\n") + "\n";
                    match text.contains("apiVersion: entitle") {
                        true => manifests.push(text.clone()),
                        false => faults.extend(fault_of_yaml(&text)),
                    }
                    if let Some(("file", name)) = note {
                        self.write(name, &text);
                    }
                }
                ("text", Some(("file", name))) => {
                    let text = block.lines.join("\n") + "\n";
                    self.write(name, &text);
                    let beside = name.rsplit('/').next().unwrap_or(name);
                    tables.push((beside.to_string(), text.into_bytes()));
                }
                ("text" | "json" | "markdown", _) => {}
                (other, _) => faults.push(format!(
                    "line {}: a block of {other:?} is neither run nor marked `not run`",
                    block.range.start
                )),
            }
        }
        faults.extend(faults_of_manifests(&manifests, tables));
        for (range, output) in fresh.into_iter().rev() {
            lines.splice(range, output);
        }
        lines.join("\n") + "\n"
    }

    /// Runs the commands of a block and returns its lines as they should be.
    fn renew_block(&mut self, block: &Block<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        for line in &block.lines {
            if let Some(command) = line.strip_prefix("$ ") {
                lines.push((*line).to_string());
                let (output, _) = self.run(command);
                lines.extend(output.lines().map(|line| line.trim_end().to_string()));
            }
        }
        lines
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// Runs a command and returns what it prints on either stream, and its exit code.
    fn run(&mut self, command: &str) -> (String, i32) {
        let address = self.workspace.sandbox.address().to_string();
        let command = command.replace(ADDRESS, &address);
        let words: Vec<&str> = command.split_whitespace().collect();
        let (printed, code) = match words[..] {
            ["cd", directory] => {
                self.directory.push(directory);
                (String::new(), 0)
            }
            ["export", setting] => {
                let (name, value) = setting.split_once('=').expect("a value");
                self.workspace.set(name, value);
                (String::new(), 0)
            }
            ["curl", "-X", method, "-d", body, url] => (request(method, url, body) + "\n", 0),
            _ => self.run_shell(&command),
        };
        self.note_commit();
        let home = self.workspace.dir.path().display().to_string();
        let mut printed = printed
            .replace(&address, ADDRESS)
            .replace(&home, "/home/jane");
        for (name, stand_in) in &self.commits {
            printed = printed.replace(name, stand_in);
            printed = printed.replace(&name[..7], &stand_in[..7]);
        }
        (without_noise(&printed), code)
    }

    fn run_shell(&self, command: &str) -> (String, i32) {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1\n{command}")]);
        shell.current_dir(&self.directory).env_clear();
        shell.envs(self.workspace.environment.iter().cloned());
        let output = shell.stdin(Stdio::null()).output().expect("a shell");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (text, output.status.code().unwrap_or(-1))
    }

    /// Remembers the newest commit, whose name depends on files that change with the program.
    fn note_commit(&mut self) {
        if !self.directory.join(".git").exists() {
            return;
        }
        let (name, code) = self.run_shell("git rev-parse HEAD");
        let name = name.trim().to_string();
        if code == 0 && !self.commits.iter().any(|(known, _)| *known == name) {
            let number = self.commits.len() + 1;
            self.commits
                .push((name, format!("{number}{}", "c0ffee".repeat(7))[..40].into()));
        }
    }
}

/// Returns the lines of a block that is not run which the program would not understand.
fn unparsed(block: &Block<'_>) -> Vec<String> {
    let commands = commands_of(block);
    let own = commands
        .iter()
        .filter(|command| command.starts_with("entitle "));
    let faults = own.filter_map(|command| {
        // What a shell would expand is one word here.
        let words = command
            .split(" | ")
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let words: Vec<&str> = words.map(|word| word.trim_matches(['\'', '"'])).collect();
        let parsed = entitle::cli::all_commands().try_get_matches_from(&words);
        parsed.err().map(|error| format!("{command}: {error}"))
    });
    faults.collect()
}

/// Returns the commands of a block, with lines that end in a backslash joined.
pub fn commands_of(block: &Block<'_>) -> Vec<String> {
    let text = block.lines.join("\n").replace("\\\n", " ");
    let lines = text
        .lines()
        .map(|line| line.strip_prefix("$ ").unwrap_or(line).trim());
    let commands = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.map(str::to_string).collect()
}

/// Returns why a block is not YAML; `None` if it is, or takes in a file that is tested elsewhere.
fn fault_of_yaml(text: &str) -> Option<String> {
    if text.contains("{{#include") {
        return None;
    }
    let parsed = serde_yaml::from_str::<serde_yaml::Value>(text);
    parsed.err().map(|error| error.to_string())
}

/// Returns the findings about the manifests of a page, which may name each other and its tables. A page need not show a
/// connection.
fn faults_of_manifests(manifests: &[String], tables: Vec<(String, Vec<u8>)>) -> Vec<String> {
    if manifests.is_empty() {
        return Vec::new();
    }
    let text = manifests.join("---\n");
    let input = [PathBuf::from("-")];
    let mut loaded = manifest::load(&input, &mut text.as_bytes(), &ReadLimits::default());
    loaded.row_files = RowFiles::of_commit(tables);
    let options = CheckOptions {
        environment: EnvironmentChoice::Any,
        ..CheckOptions::default()
    };
    let checked = reconcile::check_manifests(loaded, &options);
    let findings = checked.findings.iter();
    let faults = findings.filter(|finding| finding.code != "no-connection");
    faults
        .map(|finding| format!("{}: {}", finding.code, finding.line()))
        .collect()
}
