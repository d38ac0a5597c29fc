//! The repository that manifests come from, as far as the page shows it: who made a commit.
//!
//! Only what is there already is read: nothing is fetched, and no program of the repository runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use tokio::process::Command;
use tokio::time::timeout;

/// The longest time for a look: it is local work of milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// The variables that git gets. One named `GIT_…` could lead it elsewhere.
const KEPT_VARIABLES: [&str; 4] = ["PATH", "HOME", "XDG_CONFIG_HOME", "SystemRoot"];

/// A repository on this machine.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The working tree, or the bare clone.
    pub directory: PathBuf,
    /// True if it has the history of files. A clone of one commit would name that commit for every file.
    pub has_history: bool,
}

/// The author of a commit, and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitAuthor {
    pub name: String,
    pub at: Timestamp,
}

impl Repository {
    /// Returns the URL of the remote `origin`; `None` if there is none.
    pub async fn origin_url(&self) -> Option<String> {
        let text = self
            .run_git(&["config", "--get", "remote.origin.url"])
            .await?;
        Some(text.trim().to_string()).filter(|url| !url.is_empty())
    }

    /// Returns who made these commits. Those that are not here are left out, and so is every text that is no id.
    pub async fn authors(&self, commits: &BTreeSet<String>) -> BTreeMap<String, CommitAuthor> {
        let ids: Vec<&str> = commits
            .iter()
            .map(String::as_str)
            .filter(|id| is_commit_id(id))
            .collect();
        if ids.is_empty() {
            return BTreeMap::new();
        }
        let mut arguments = vec![
            "log",
            "--no-walk=unsorted",
            "--ignore-missing",
            "--format=%H%x09%aI%x09%an",
        ];
        arguments.extend(ids);
        parse_authors(&self.run_git(&arguments).await.unwrap_or_default())
    }

    /// Returns who changed a file last, and in which commit; `None` if git does not tell. `file` is relative to the
    /// working directory of the daemon.
    pub async fn last_change(&self, file: &str) -> Option<(String, CommitAuthor)> {
        if !self.has_history {
            return None;
        }
        let path = std::path::absolute(file).ok()?;
        let path = path.to_str()?;
        let text = self
            .run_git(&["log", "-1", "--format=%H%x09%aI%x09%an", "--", path])
            .await?;
        parse_authors(&text).pop_first()
    }

    /// Runs git. `None` if it fails or takes too long.
    async fn run_git(&self, arguments: &[&str]) -> Option<String> {
        let variables = KEPT_VARIABLES
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let run = Command::new("git")
            .args([
                "--no-pager",
                "--literal-pathspecs",
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsmonitor=false",
            ])
            .args([
                "-c",
                "protocol.allow=never",
                "-c",
                "log.showSignature=false",
            ])
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(variables)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(LIMIT, run).await.ok()?.ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    }
}

/// Reads lines of commit, time and name.
fn parse_authors(text: &str) -> BTreeMap<String, CommitAuthor> {
    let lines = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (commit, at, name) = (parts.next()?, parts.next()?, parts.next()?);
        let author = CommitAuthor {
            name: name.to_string(),
            at: at.parse().ok()?,
        };
        Some((commit.to_string(), author))
    });
    lines.collect()
}

/// Reports whether a text is the full id of a commit: 40 hexadecimal digits for SHA-1, 64 for SHA-256.
fn is_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_are_read_whatever_they_are_called() {
        let commit = "a".repeat(40);
        let text = format!("{commit}\t2026-11-30T09:00:00+01:00\tAnn\tof Rivers\nodd line\n");
        let authors = parse_authors(&text);
        assert_eq!(authors.len(), 1);
        assert_eq!(authors[&commit].name, "Ann\tof Rivers");
        assert_eq!(authors[&commit].at.to_string(), "2026-11-30T08:00:00Z");
    }
}
