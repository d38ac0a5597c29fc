//! The `git` program, asked for what a commit holds. It reads, asks nobody, and runs nothing of the repository's.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::manifest::yaml::MAX_FILE_BYTES;
use crate::model::diagnostic::Source;

/// Reading manifests of a commit is local work of a moment; what takes longer waits for something.
const LIMIT: Duration = Duration::from_secs(30);

/// What git may know of the environment: where programs and the user's settings are (containers mark a
/// checkout as safe there). Everything named GIT_… could lead it to another repository or run programs.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "SystemRoot", "TMPDIR"];

/// Settings that would run a program or reach for the network.
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
    pub sources: Vec<Arc<Source>>,
}

/// The manifests that `commit` has under `paths`, which need not exist any more.
pub async fn snapshot(commit: &str, paths: &[PathBuf]) -> anyhow::Result<Snapshot> {
    let name = format!("{commit}^{{commit}}");
    let verify = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &name,
    ];
    let found = git(&verify, &[]).await?;
    let Some(sha) = found.map(text).filter(|sha| is_sha(sha)) else {
        anyhow::bail!("git knows no commit {commit:?} here");
    };
    let root = git(&["rev-parse", "--show-toplevel"], &[]).await?.map(text);
    let Some(root) = root else {
        anyhow::bail!("--base needs a git working tree");
    };
    let wanted = inside(Path::new(&root), paths)?;
    let mut list = vec!["ls-tree", "-r", "-z", "-l", "--full-tree", &sha];
    if !wanted.iter().any(String::is_empty) {
        list.push("--");
        list.extend(wanted.iter().map(String::as_str));
    }
    let tree = git(&list, &[]).await?.unwrap_or_default();
    let files = manifests(&String::from_utf8_lossy(&tree), &wanted);
    let asked: String = files.iter().map(|(blob, _)| format!("{blob}\n")).collect();
    let blobs = git(&["cat-file", "--batch"], asked.as_bytes()).await?;
    let sources = sources(&blobs.unwrap_or_default(), &files, &sha);
    Ok(Snapshot {
        commit: sha,
        sources,
    })
}

/// Runs git. Nothing comes back when it ends with a failure.
async fn git(arguments: &[impl AsRef<OsStr>], input: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut command = Command::new("git");
    command
        .arg("--no-pager")
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
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .map_err(|error| anyhow::anyhow!("cannot run git: {error}"))?;
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A git that has seen enough closes its end.
            let _ = stdin.write_all(input).await;
        }
    };
    let run = async { tokio::join!(feed, child.wait_with_output()).1 };
    let Ok(output) = tokio::time::timeout(LIMIT, run).await else {
        anyhow::bail!("git did not answer within {} s", LIMIT.as_secs());
    };
    let output = output.map_err(|error| anyhow::anyhow!("cannot run git: {error}"))?;
    Ok(output.status.success().then_some(output.stdout))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim_end().to_string()
}

fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The paths as git names them: below the root, with slashes; the root itself is empty.
fn inside(root: &Path, paths: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let root = std::fs::canonicalize(root)?;
    let here = std::fs::canonicalize(std::env::current_dir()?)?;
    let all = [PathBuf::from(".")];
    let mut names = Vec::new();
    for path in if paths.is_empty() { &all } else { paths } {
        if path.as_os_str() == "-" {
            anyhow::bail!("--base compares with files of a commit, and standard input is none");
        }
        let whole = tidy(&here.join(path));
        let Ok(below) = whole.strip_prefix(&root) else {
            anyhow::bail!("{} is not in the git working tree", path.display());
        };
        let parts = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        names.push(parts.collect::<Vec<_>>().join("/"));
    }
    Ok(names)
}

/// A path without `.` and `..`. It may name what is there no more, so the file system is not asked.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => tidy.push(part),
        }
    }
    tidy
}

/// Name of the blob and path of every manifest in the output of `ls-tree -l -z`, as directories are read:
/// without hidden files, links and what is too large.
fn manifests(tree: &str, wanted: &[String]) -> Vec<(String, String)> {
    tree.split('\0')
        .filter_map(|line| {
            let (facts, path) = line.split_once('\t')?;
            let facts: Vec<&str> = facts.split_whitespace().collect();
            let [mode, "blob", blob, size] = facts.as_slice() else {
                return None;
            };
            let small = size.parse::<u64>().is_ok_and(|size| size <= MAX_FILE_BYTES);
            let named = wanted.iter().any(|name| name == path);
            let hidden = path.split('/').any(|part| part.starts_with('.'));
            let manifest = !hidden && (path.ends_with(".yaml") || path.ends_with(".yml"));
            let taken = small && mode.starts_with("100") && (named || manifest);
            taken.then(|| ((*blob).to_string(), path.to_string()))
        })
        .collect()
}

/// The output of `cat-file --batch`: a line with the size, so many bytes, an end of line, and again.
fn sources(mut bytes: &[u8], files: &[(String, String)], sha: &str) -> Vec<Arc<Source>> {
    let commit = crate::reconcile::drift::short(sha);
    let mut sources = Vec::new();
    for (_, path) in files {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let size = head
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok());
        let Some(content) = size.and_then(|size| bytes.get(end + 1..end + 1 + size)) else {
            break;
        };
        // A file that is no text is no manifest now either.
        if let Ok(text) = std::str::from_utf8(content) {
            sources.push(Arc::new(Source::new(
                format!("{commit}:{path}"),
                text.to_string(),
            )));
        }
        bytes = bytes.get(end + 2 + content.len()..).unwrap_or_default();
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_a_tree_are_found_as_in_a_directory() {
        let sha = "0".repeat(40);
        let line =
            |mode: &str, size: &str, path: &str| format!("{mode} blob {sha} {size}\t{path}\0");
        let tree = [
            line("100644", "     12", "licences/a b.yaml"),
            line("100755", "     12", "licences/ü.yml"),
            line("120000", "     12", "licences/link.yaml"),
            line("100644", "     12", ".github/workflow.yaml"),
            line("100644", "     12", "README.md"),
            line("100644", "99999999999", "large.yaml"),
            line("100644", "     12", "named"),
        ]
        .concat();
        let found = manifests(&tree, &["named".into(), "licences".into()]);
        let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["licences/a b.yaml", "licences/ü.yml", "named"]);
    }

    #[test]
    fn blobs_are_cut_by_their_sizes() {
        let files = [("1".into(), "a.yaml".into()), ("2".into(), "b.yaml".into())];
        let bytes = b"1 blob 4\na\nb\n\n2 blob 1\nc\n";
        let texts: Vec<(String, String)> = sources(bytes, &files, &"f".repeat(40))
            .iter()
            .map(|source| (source.name.clone(), source.text.clone()))
            .collect();
        assert_eq!(texts[0], ("ffffffffffff:a.yaml".into(), "a\nb\n".into()));
        assert_eq!(texts[1].1, "c");
        assert_eq!(sources(b"1 missing\n", &files, "f").len(), 0);
        assert_eq!(sources(b"1 blob 400\na", &files, "f").len(), 0);
    }
}
