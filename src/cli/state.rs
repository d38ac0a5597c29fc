//! Where a user's journal and locks are, and which commit is checked out.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::actor::find_actor;
use super::args::StoreArgs;
use super::git;
use crate::apply::clock;
use crate::cli::error::{CommandError, CommandResult, user_error};
use crate::render::source_host::SourceHost;

/// The hint for a state directory that cannot be used.
pub const HINT: &str = "set XDG_STATE_HOME to a directory that can be written, or name others with --journal or --store";

/// `$XDG_STATE_HOME/entitle`, or `~/.local/state/entitle`.
pub fn state_dir() -> CommandResult<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        user_error("there is no home directory for journal and locks: set XDG_STATE_HOME")
    })?;
    Ok(state.join("entitle"))
}

/// The journal that was asked for, or the user's own.
pub fn journal_path(args: &StoreArgs) -> CommandResult<PathBuf> {
    match &args.journal {
        Some(path) => Ok(path.clone()),
        None => Ok(state_dir()?.join("journal.jsonl")),
    }
}

/// Returns the error for a journal that cannot be used, with a hint if its place was the default.
pub fn journal_fault(args: &StoreArgs, path: &Path, error: std::io::Error) -> CommandError {
    let hint = args.journal.is_none().then_some(HINT);
    CommandError::caused_by(
        format_args!("cannot use the journal {}", path.display()),
        error,
    )
    .with_hint(hint)
}

/// Returns manifest paths in a form that names the same files from every directory of this machine.
///
/// Links are resolved where possible. No path stands for the working directory; `-` is left out.
pub fn absolute_paths(paths: &[String]) -> Vec<String> {
    let absolute = |path: &String| {
        let path = Path::new(path);
        let found = path.canonicalize().or_else(|_| std::path::absolute(path));
        Some(found.ok()?.display().to_string())
    };
    let here = [".".to_string()];
    let paths = if paths.is_empty() { &here } else { paths };
    let named = paths.iter().filter(|path| *path != "-");
    named.filter_map(absolute).collect()
}

/// Returns the actor, the process and the machine, for the message of a run that waits for our lock.
pub fn lease_holder(run: &str) -> String {
    let at = host_name()
        .map(|host| format!(" on {host}"))
        .unwrap_or_default();
    let since = clock::now().strftime("%F %T");
    format!(
        "{}{at}, process {}, since {since} UTC, run {run}",
        find_actor(),
        std::process::id()
    )
}

/// This process among the replicas of a daemon. In a cluster the machine is a pod.
pub fn replica_name() -> String {
    let process = format!("process {}", std::process::id());
    host_name().map_or(process.clone(), |host| format!("{host}, {process}"))
}

/// Returns the name of the machine from `HOSTNAME` or `/etc/hostname`; `None` if both are missing or
/// empty.
fn host_name() -> Option<String> {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_string())
        .filter(|name| !name.is_empty())
}

/// Reading a name is a matter of milliseconds; what takes longer waits for a file system.
const GIT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the git host of this repository, for links to it; `None` if it is not known.
///
/// The runner of a CI system names its own host. Elsewhere it is the remote `origin`.
pub fn source_host() -> Option<SourceHost> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(server), Some(name)) =
        (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY"))
    {
        return SourceHost::github(&format!("{server}/{name}"));
    }
    if let Some(page) = variable("CI_PROJECT_URL") {
        return SourceHost::gitlab(&page);
    }
    let output = std::process::Command::new("git")
        .args(["config", "--get", "remote.origin.url"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    SourceHost::parse(&String::from_utf8(output.ok()?.stdout).ok()?)
}

/// The commit that is checked out in the repository that the first of these paths is in, if git knows one.
pub async fn current_commit(paths: Vec<PathBuf>) -> Option<String> {
    let run = Command::new("git")
        .arg("-C")
        .arg(git::directory_of(&paths))
        .args(["rev-parse", "--verify", "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(GIT_TIMEOUT, run).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let commit = text.trim();
    (output.status.success() && commit.len() >= 40).then(|| commit.to_string())
}
