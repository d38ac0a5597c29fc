//! Reads the manifests of a commit with the `git` program, for `drift --base`.
//!
//! In: a commit and paths. Out: the texts as the commit has them. Git is run without the environment's
//! `GIT_…` variables, hooks, network and questions: the repository may come from a stranger, and reading
//! it must not run any program that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::cli::error::{CommandError, CommandResult, bail, user_error};
use crate::manifest::row_reading::named_files;
use crate::manifest::rows::RowFiles;
use crate::manifest::walk::{self, Blob, CommitTree, normalize_path};
use crate::model::Diagnostics;
use crate::model::diagnostic::Source;
use crate::plan::descent::{DescentDocument, LineCommit};
use crate::provider;

/// Time limit of one git call. Reading a commit is local work of a moment; a call that takes 30 s hangs.
const LIMIT: Duration = Duration::from_secs(30);

/// Variables that git inherits: the places of programs and of the user's settings, where containers mark
/// a checkout as safe. A variable named `GIT_…` could lead git to another repository or run programs.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "SystemRoot", "TMPDIR"];

/// Settings that keep git from running a program of the repository and from using the network.
const LOCKS: [&str; 6] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "protocol.allow=never",
];

/// Manifests as a commit has them.
pub struct Snapshot {
    /// The full name of the commit.
    pub commit: String,
    pub committed_at: Timestamp,
    pub sources: Vec<Arc<Source>>,
    /// The files of rows that they name.
    pub row_files: RowFiles,
    /// Findings about files that could not be read.
    pub findings: Diagnostics,
}

/// A repository, by a directory in it.
struct Repository {
    dir: PathBuf,
}

/// Git's message about a call that failed, on one line.
struct GitRefusal(String);

/// Returns the manifests that `commit` has under `paths`, which need not exist any more.
///
/// Git is asked, in the repository that the paths are in, for the root of the tree, the full name of the commit, the
/// list of files, and the texts that are needed; no file of the working tree is read. Returns `Err` for an unknown
/// commit, outside a working tree, and for a path outside it, with git's own reason.
pub async fn read_snapshot(commit: &str, paths: &[PathBuf]) -> CommandResult<Snapshot> {
    let repository = Repository::around(paths);
    let unknown = || format!("git knows no commit {commit:?} here");
    let root = repository
        .run(&["rev-parse", "--show-toplevel"], &[])
        .await?;
    let root = match root.map(trimmed_text) {
        Ok(root) => PathBuf::from(root),
        Err(GitRefusal(why)) => bail!("{}: {why}", unknown()),
    };
    let name = format!("{commit}^{{commit}}");
    let verify = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &name,
    ];
    let found = repository.run(&verify, &[]).await?;
    let Some(sha) = found.ok().map(trimmed_text).filter(|sha| is_sha(sha)) else {
        if repository.is_shallow().await? {
            bail!(
                "{}: it is a shallow clone without its history; fetch all of it with `fetch-depth: 0` in \
                 actions/checkout, or with `git fetch --unshallow`",
                unknown()
            );
        }
        bail!("{}", unknown());
    };
    let desired = paths_in_tree(&root, paths)?;
    let mut listing = CommitTree::LISTING.to_vec();
    listing.push(&sha);
    let mut tree = CommitTree::of(&repository.read(&listing, &[]).await?);
    let asked = tree.needed_blobs();
    let texts = repository.read_blobs(&asked).await?;
    tree.add_texts(&asked, texts);
    let mut found = tree.find_manifests(&desired);
    let (names, desired) = tree.readable_files(&mut found);
    let files = names
        .into_iter()
        .zip(repository.read_blobs(&desired).await?);
    let sources = name_sources(files, &sha);
    let prefix = format!("{}:", crate::reconcile::drift::short_commit(&sha));
    let named = named_files(&sources, &provider::kind_rows()).into_iter();
    let named = named.filter_map(|name| {
        let blob = tree.blob_of(name.strip_prefix(&prefix)?)?;
        Some((name, blob))
    });
    let (names, blobs): (Vec<String>, Vec<Blob>) = named.unzip();
    let texts = repository.read_blobs(&blobs).await?;
    Ok(Snapshot {
        sources,
        row_files: RowFiles::of_commit(names.into_iter().zip(texts)),
        committed_at: repository.commit_time(&sha).await?,
        commit: sha,
        findings: found.findings,
    })
}

/// Adds to each place the commit that wrote its line last, where git knows it: without git, and for lines that are not
/// committed, the places stay as they are. Git is asked once for each file.
pub async fn add_commits(document: &mut DescentDocument) {
    let mut lines: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for place in document.values.iter().flat_map(|value| &value.places) {
        lines
            .entry(place.file.clone())
            .or_default()
            .insert(place.line);
    }
    let mut commits = BTreeMap::new();
    for (file, lines) in lines {
        let found = find_commits(&file, &lines).await.unwrap_or_default();
        commits.insert(file, found);
    }
    let places = document.values.iter_mut();
    for place in places.flat_map(|value| &mut value.places) {
        let found = commits.get(&place.file);
        place.commit = found.and_then(|found| found.get(&place.line).cloned());
    }
}

/// The commits that wrote lines, by the numbers of these.
type LineCommits = BTreeMap<u32, LineCommit>;

/// Returns the commits that wrote lines of a file in the working tree; `None` if git does not know the file.
async fn find_commits(file: &str, lines: &BTreeSet<u32>) -> Option<LineCommits> {
    let path = std::path::absolute(file).ok()?;
    let repository = Repository::around(std::slice::from_ref(&path));
    let ranges = lines.iter().map(|line| format!("-L{line},{line}"));
    let mut arguments = vec!["blame".to_string(), "--line-porcelain".to_string()];
    arguments.extend(ranges);
    arguments.extend(["--".to_string(), path.to_str()?.to_string()]);
    let printed = repository.run(&arguments, &[]).await.ok()?.ok()?;
    Some(read_blame(&String::from_utf8_lossy(&printed)))
}

/// Reads what `git blame --line-porcelain` prints. Lines that are not committed are left out.
///
/// Each line of the file is an entry, whose last line begins with a tab:
///
/// ```text
/// 1f2e3d4c… 3 4
/// author Ann
/// author-time 1793577600
/// \tactivations_allowed: 25
/// ```
fn read_blame(printed: &str) -> LineCommits {
    let mut commits = LineCommits::new();
    let mut entry: Vec<&str> = Vec::new();
    for line in printed.split('\n') {
        if line.starts_with('\t') {
            commits.extend(read_blame_entry(&entry));
            entry.clear();
        } else {
            entry.push(line);
        }
    }
    commits
}

/// Reads the entry of one line: its number in the file, and its commit. `None` for a line that is not committed.
fn read_blame_entry(entry: &[&str]) -> Option<(u32, LineCommit)> {
    let mut header = entry.first()?.split(' ');
    let (id, line) = (header.next()?, header.nth(1)?);
    if id.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let member = |name: &str| {
        let mut lines = entry.iter();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let seconds: i64 = member("author-time")?.parse().ok()?;
    let date = jiff::Timestamp::from_second(seconds).ok()?;
    let commit = LineCommit {
        id: crate::reconcile::drift::short_commit(id).to_string(),
        author: member("author")?.to_string(),
        date: date.strftime("%Y-%m-%d").to_string(),
    };
    Some((line.parse().ok()?, commit))
}

/// Returns the directory that the first of `paths` is in, or the nearest one above it that exists; the working directory
/// without a path.
pub fn directory_of(paths: &[PathBuf]) -> &Path {
    let first = paths.iter().find(|path| path.as_os_str() != "-");
    let mut ancestors = first.into_iter().flat_map(|path| path.ancestors());
    ancestors.find(|dir| dir.is_dir()).unwrap_or(Path::new("."))
}

impl Repository {
    /// Returns the repository that the first of `paths` is in.
    fn around(paths: &[PathBuf]) -> Self {
        let dir = directory_of(paths).to_path_buf();
        Self { dir }
    }

    /// Returns when a commit was made.
    async fn commit_time(&self, sha: &str) -> CommandResult<Timestamp> {
        let show = [
            "show",
            "--no-patch",
            "--no-show-signature",
            "--format=%ct",
            sha,
        ];
        let seconds = trimmed_text(self.read(&show, &[]).await?).parse().ok();
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.ok_or_else(|| user_error(format_args!("git shows no time of the commit {sha}")))
    }

    /// Reports whether it is a clone without all of its history.
    async fn is_shallow(&self) -> CommandResult<bool> {
        let answer = self
            .run(&["rev-parse", "--is-shallow-repository"], &[])
            .await?;
        Ok(answer.is_ok_and(|answer| trimmed_text(answer) == "true"))
    }

    /// Returns the bytes of blobs, in their order, with one call of `git cat-file --batch`.
    async fn read_blobs(&self, blobs: &[Blob]) -> CommandResult<Vec<Vec<u8>>> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        let asked: String = blobs.iter().map(|blob| format!("{}\n", blob.id)).collect();
        let printed = self
            .read(&["cat-file", "--batch"], asked.as_bytes())
            .await?;
        Ok(walk::split_blobs(blobs, &printed)?)
    }

    /// Runs git and returns its standard output. `Err` with git's reason if it ends with a failure.
    async fn read(&self, arguments: &[impl AsRef<OsStr>], input: &[u8]) -> CommandResult<Vec<u8>> {
        match self.run(arguments, input).await? {
            Ok(output) => Ok(output),
            Err(GitRefusal(why)) => bail!("git cannot read the commit: {why}"),
        }
    }

    /// Runs git with `input` on its standard input and returns its standard output.
    ///
    /// The inner `Err` says why git ended with a failure. Returns `Err` if it cannot be run or exceeds `LIMIT`.
    async fn run(
        &self,
        arguments: &[impl AsRef<OsStr>],
        input: &[u8],
    ) -> CommandResult<Result<Vec<u8>, GitRefusal>> {
        let mut command = Command::new("git");
        command
            .arg("--no-pager")
            .arg("-C")
            .arg(&self.dir)
            .args(LOCKS)
            .args(arguments)
            .env_clear()
            .envs(
                ENVIRONMENT
                    .iter()
                    .filter_map(|n| Some((n, std::env::var_os(n)?))),
            )
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| CommandError::caused_by("cannot run git", error))?;
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A git that has seen enough closes its end.
                let _ = stdin.write_all(input).await;
            }
        };
        let run = async { tokio::join!(feed, child.wait_with_output()).1 };
        let Ok(output) = tokio::time::timeout(LIMIT, run).await else {
            bail!("git did not answer within {} s", LIMIT.as_secs());
        };
        let output = output.map_err(|error| CommandError::caused_by("cannot run git", error))?;
        Ok(match output.status.success() {
            true => Ok(output.stdout),
            false => Err(GitRefusal::of(&output.stderr)),
        })
    }
}

impl GitRefusal {
    /// Joins the lines of git's message, without the word that it begins with.
    fn of(stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let text = text.trim().trim_start_matches("fatal: ");
        let words: Vec<&str> = text.split_whitespace().collect();
        Self(words.join(" "))
    }
}

/// Returns the output of git as text, without the newline at its end.
fn trimmed_text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim_end().to_string()
}

/// Reports whether a text is the full name of a commit: 40 hexadecimal digits for SHA-1, 64 for SHA-256.
fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the paths as git names them: relative to the root, with slashes; the root itself is empty.
///
/// In `/srv/repo/team`, with the root `/srv/repo`, the path `licences` is `team/licences` and `..` is
/// the empty text. Returns `Err` for a path outside the root, and for standard input, of which no commit
/// has a version.
fn paths_in_tree(root: &Path, paths: &[PathBuf]) -> CommandResult<Vec<String>> {
    let root = std::fs::canonicalize(root)?;
    let here = std::fs::canonicalize(std::env::current_dir()?)?;
    let all = [PathBuf::from(".")];
    let mut names = Vec::new();
    for path in if paths.is_empty() { &all } else { paths } {
        if path.as_os_str() == "-" {
            bail!("--base compares with files of a commit, and standard input is none");
        }
        let whole = normalize_path(&here.join(path));
        let Ok(below) = whole.strip_prefix(&root) else {
            bail!("{} is not in the git working tree", path.display());
        };
        let parts = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        names.push(parts.collect::<Vec<_>>().join("/"));
    }
    Ok(names)
}

/// Returns the files that are text, each named with its commit: `1f2e3d4c5b6a:licences/a.yaml`.
fn name_sources(files: impl Iterator<Item = (String, Vec<u8>)>, sha: &str) -> Vec<Arc<Source>> {
    let commit = crate::reconcile::drift::short_commit(sha);
    let texts = files.filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)));
    texts
        .map(|(path, text)| Arc::new(Source::new(format!("{commit}:{path}"), text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commits_of_several_lines_are_read_from_one_call() {
        let (one, none) = ("1f2e3d4c5b6a".repeat(4), "0".repeat(40));
        let one = &one[..40];
        let printed = format!(
            "{one} 3 4 1\nauthor Ann\nauthor-time 1793577600\nsummary author Ben\n\tauthor Ben\n\
             {none} 9 9 1\nauthor Not Committed Yet\nauthor-time 1793577600\n\tseats: 1\n\
             {one} 8 12 1\nauthor Cleo\nauthor-time 1793664000\n\t\n"
        );
        let found = read_blame(&printed);
        let found: Vec<_> = found
            .iter()
            .map(|(line, commit)| (*line, commit.author.as_str(), commit.date.as_str()))
            .collect();
        assert_eq!(
            found,
            [(4, "Ann", "2026-11-02"), (12, "Cleo", "2026-11-03")]
        );
    }
}
